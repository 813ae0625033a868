"""Batch writes: no second key to the organization where another of a row's keys leads there anyway."""

from alembic import op

from webapp.schema.tenancy_ddl import drop_organization_key, make_organization_key

revision = "20261123_1920"
down_revision = "20261123_1910"
branch_labels = None
depends_on = None

LED = ("assets", "custom_values")
"""An asset has a status, a value a field: both of the same organization, and required."""


def upgrade() -> None:
    """Drop the keys: each is looked up for each row that is written."""
    for table in LED:
        drop_organization_key(op, table)


def downgrade() -> None:
    """Make them again."""
    for table in LED:
        make_organization_key(op, table)
