"""The catalogue: categories, manufacturers, products, statuses."""

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

revision = "20261122_1540"
down_revision = "20261122_1530"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    make_categories()
    make_manufacturers()
    make_products()
    make_statuses()


def make_categories() -> None:
    """Create the kinds of things, two levels deep."""
    tenant_table(
        op,
        "categories",
        *entity_columns(),
        column("kind", sa.String(16)),
        column("parent_id", Id, null=True),
        column("parent_key", Id),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("notes", sa.Text(), null=True),
        reference("categories", "parent_id"),
        sa.CheckConstraint(
            "kind IN ('asset', 'accessory', 'component', 'consumable', 'license', 'inventory')", name="kind"
        ),
        sa.CheckConstraint("parent_key = coalesce(parent_id, 0)", name="parent_key"),
        searchable=True,
    )
    unique_among_living(op, "categories", "uq_categories_living", "kind", "parent_key", "name_key")
    index(op, "categories", "parent_id")


def make_manufacturers() -> None:
    """Create the makers."""
    tenant_table(
        op,
        "manufacturers",
        *entity_columns(),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("url", sa.String(255), null=True),
        column("support_url", sa.String(255), null=True),
        column("support_phone", sa.String(255), null=True),
        column("support_email", sa.String(255), null=True),
        column("notes", sa.Text(), null=True),
        searchable=True,
    )
    unique_among_living(op, "manufacturers", "uq_manufacturers_living", "name_key")


def make_products() -> None:
    """Create the models that assets are copies of."""
    tenant_table(
        op,
        "products",
        *entity_columns(),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("model_number", sa.String(255), null=True),
        column("model_number_key", KeyText),
        column("category_id", Id),
        column("manufacturer_id", Id, null=True),
        column("manufacturer_key", Id),
        column("end_of_life_rule", sa.String(16)),
        column("end_of_life_on", sa.Date(), null=True),
        column("end_of_life_months", sa.Integer(), null=True),
        column("default_purchase_cost", sa.BigInteger(), null=True),
        column("notes", sa.Text(), null=True),
        reference("categories", "category_id"),
        reference("manufacturers", "manufacturer_id"),
        sa.CheckConstraint("end_of_life_rule IN ('fixed_date', 'months', 'individual')", name="end_of_life_rule"),
        sa.CheckConstraint("manufacturer_key = coalesce(manufacturer_id, 0)", name="manufacturer_key"),
        searchable=True,
    )
    unique_among_living(op, "products", "uq_products_living", "name_key", "model_number_key", "manufacturer_key")
    for columns in (("category_id",), ("manufacturer_id",), ("name_key", "id")):
        index(op, "products", *columns)


def make_statuses() -> None:
    """Create the words for the state of a thing."""
    tenant_table(
        op,
        "statuses",
        *entity_columns(),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("label_type", sa.String(16)),
        column("lifecycle", sa.String(16)),
        column("tageur_code", sa.String(32), null=True),
        column("assettiger_name", sa.String(64), null=True),
        column("is_default_for_lifecycle", sa.Boolean()),
        column("is_system", sa.Boolean()),
        column("notes", sa.Text(), null=True),
        sa.CheckConstraint("label_type IN ('deployable', 'pending', 'undeployable', 'archived')", name="label_type"),
        sa.CheckConstraint(
            "lifecycle IN ('active', 'idle', 'in_maintenance', 'pending_install', 'in_transit', 'lost', "
            "'non_compliant', 'decommissioned', 'retired')",
            name="lifecycle",
        ),
        searchable=True,
    )
    unique_among_living(op, "statuses", "uq_statuses_living", "name_key")
    unique_among_living(op, "statuses", "uq_statuses_tageur_code", "tageur_code")
    unique_among_living(op, "statuses", "uq_statuses_default", "lifecycle", where="is_default_for_lifecycle")


def downgrade() -> None:
    """Drop them."""
    for name in ("statuses", "products", "manufacturers", "categories"):
        drop_tenant_table(op, name, searchable=True)
