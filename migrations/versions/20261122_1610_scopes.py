"""Scopes: memberships and keys that are narrowed to a place point to it, on PostgreSQL too."""

from alembic import op

from webapp.core.tenancy_ddl import is_postgresql

revision = "20261122_1610"
down_revision = "20261122_1600"
branch_labels = None
depends_on = None

TABLES = ("memberships", "api_keys")


def upgrade() -> None:
    """Add the keys that could not be made before the places were there; SQLite has had them from the start."""
    if is_postgresql(op):
        for table in TABLES:
            op.create_foreign_key(
                op.f(f"fk_{table}_organization_id_scope_location_id"),
                table,
                "locations",
                ["organization_id", "scope_location_id"],
                ["organization_id", "id"],
            )


def downgrade() -> None:
    """Drop them."""
    if is_postgresql(op):
        for table in TABLES:
            op.drop_constraint(op.f(f"fk_{table}_organization_id_scope_location_id"), table)
