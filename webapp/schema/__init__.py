"""What the owner of the database does: its roles, migrating it, and what migrations are written with."""
