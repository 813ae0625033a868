"""Assets."""

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

revision = "20261122_1550"
down_revision = "20261122_1540"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    tenant_table(
        op,
        "assets",
        *entity_columns(),
        column("tag", sa.String(255)),
        column("tag_key", KeyText),
        column("name", sa.String(255), null=True),
        column("name_key", KeyText, null=True),
        column("serial_number", sa.String(255), null=True),
        column("serial_key", KeyText, null=True),
        column("status_id", Id),
        column("category_id", Id),
        column("product_id", Id, null=True),
        column("location_id", Id, null=True),
        column("purchased_on", sa.Date(), null=True),
        column("purchase_cost", sa.BigInteger(), null=True),
        column("currency", sa.String(3), null=True),
        column("order_number", sa.String(255), null=True),
        column("warranty_months", sa.Integer(), null=True),
        column("warranty_expires_on", sa.Date(), null=True),
        column("end_of_life_on", sa.Date(), null=True),
        column("notes", sa.Text(), null=True),
        reference("statuses", "status_id"),
        reference("categories", "category_id"),
        reference("products", "product_id"),
        reference("locations", "location_id"),
        sa.CheckConstraint("purchase_cost >= 0", name="purchase_cost"),
        searchable=True,
    )
    unique_among_living(op, "assets", "uq_assets_tag_key", "tag_key")
    unique_among_living(op, "assets", "uq_assets_serial_key", "serial_key")
    index(op, "assets", "serial_number")
    for name in (
        "created_at",
        "name_key",
        "status_id",
        "category_id",
        "product_id",
        "location_id",
        "purchased_on",
        "warranty_expires_on",
    ):
        index(op, "assets", name, "id")


def downgrade() -> None:
    """Drop them."""
    drop_tenant_table(op, "assets", searchable=True)
