"""Keys that point uphill: a membership to its person, and what is narrowed to its place, on PostgreSQL too."""

from alembic import op

from webapp.schema.tenancy_ddl import is_postgresql

revision = "20261122_1610"
down_revision = "20261122_1600"
branch_labels = None
depends_on = None

KEYS = (
    ("memberships", "scope_location_id", "locations"),
    ("memberships", "person_id", "persons"),
    ("api_keys", "scope_location_id", "locations"),
)


def upgrade() -> None:
    """Add the keys that could not be made before their targets were there; SQLite has had them from the start."""
    if is_postgresql(op):
        for table, column, target in KEYS:
            name = op.f(f"fk_{table}_organization_id_{column}")
            op.create_foreign_key(name, table, target, ["organization_id", column], ["organization_id", "id"])


def downgrade() -> None:
    """Drop them."""
    if is_postgresql(op):
        for table, column, _target in KEYS:
            op.drop_constraint(op.f(f"fk_{table}_organization_id_{column}"), table)
