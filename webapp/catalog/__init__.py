"""What things are: categories, products and their makers, and the statuses a thing can be in."""
