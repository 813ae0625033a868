"""Places: the tree and its closure."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    Id,
    KeyText,
    column,
    drop_tenant_table,
    entity_columns,
    index,
    reference,
    tenant_table,
    unique_among_living,
)

revision = "20261122_1520"
down_revision = "20261122_1510"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    tenant_table(
        op,
        "locations",
        *entity_columns(),
        column("kind", sa.String(16)),
        column("parent_id", Id, null=True),
        column("parent_key", Id),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("code", sa.String(255), null=True),
        column("address_line_1", sa.String(255), null=True),
        column("address_line_2", sa.String(255), null=True),
        column("city", sa.String(255), null=True),
        column("state", sa.String(255), null=True),
        column("zip", sa.String(255), null=True),
        column("country", sa.String(2), null=True),
        column("email", sa.String(255), null=True),
        column("phone", sa.String(255), null=True),
        column("notes", sa.Text(), null=True),
        reference("locations", "parent_id"),
        sa.CheckConstraint("kind IN ('site', 'location', 'aisle', 'shelf', 'bin', 'customer_site')", name="kind"),
        sa.CheckConstraint("parent_key = coalesce(parent_id, 0)", name="parent_key"),
        searchable=True,
    )
    unique_among_living(op, "locations", "uq_locations_living", "parent_key", "kind", "name_key")
    index(op, "locations", "parent_id")
    tenant_table(
        op,
        "location_ancestors",
        column("ancestor_id", Id),
        column("location_id", Id),
        column("depth", sa.Integer()),
        sa.PrimaryKeyConstraint("organization_id", "ancestor_id", "location_id"),
        reference("locations", "ancestor_id"),
        reference("locations", "location_id"),
        own_key=False,
    )
    index(op, "location_ancestors", "location_id")


def downgrade() -> None:
    """Drop them."""
    drop_tenant_table(op, "location_ancestors")
    drop_tenant_table(op, "locations", searchable=True)
