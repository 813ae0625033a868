"""Custom fields: their definitions and sets, indexed values, and the JSON on the things that have them."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    Id,
    Json,
    KeyText,
    column,
    custom_column,
    drop_tenant_table,
    entity_columns,
    extend_table,
    reference,
    shrink_table,
    tenant_table,
    unique_among_living,
)

revision = "20261122_1700"
down_revision = "20261122_1610"
branch_labels = None
depends_on = None

CUSTOMIZED = ("locations", "persons", "categories", "manufacturers", "statuses", "assets")
KINDS = ("text", "number", "date", "boolean", "choice", "choices", "url", "money")


def upgrade() -> None:
    """Make the three tables, and give the resources there are their column."""
    tenant_table(
        op,
        "custom_fields",
        *entity_columns(),
        column("resource", KeyText),
        column("slug", KeyText),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("kind", KeyText),
        column("options", Json),
        column("is_required", sa.Boolean()),
        column("default_value", sa.String(255), null=True),
        column("help", sa.String(255), null=True),
        column("position", sa.Integer()),
        sa.CheckConstraint(f"kind IN {KINDS}", name=op.f("ck_custom_fields_kind")),
        searchable=True,
    )
    unique_among_living(op, "custom_fields", "uq_custom_fields_slug", "resource", "slug")
    unique_among_living(op, "custom_fields", "uq_custom_fields_name_key", "resource", "name_key")
    tenant_table(
        op,
        "field_sets",
        *entity_columns(),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("fields", Json),
        column("notes", sa.Text(), null=True),
        searchable=True,
    )
    unique_among_living(op, "field_sets", "uq_field_sets_name_key", "name_key")
    tenant_table(
        op,
        "custom_values",
        sa.Column("field_id", Id, nullable=False),
        sa.Column("row_id", Id, nullable=False),
        column("position", sa.Integer()),
        column("text_value", KeyText, null=True),
        column("int_value", sa.BigInteger(), null=True),
        column("date_value", sa.Date(), null=True),
        sa.PrimaryKeyConstraint("organization_id", "field_id", "row_id", "position"),
        reference("custom_fields", "field_id"),
        own_key=False,
    )
    for kind in ("text", "int", "date"):
        names = ["organization_id", "field_id", f"{kind}_value", "row_id", "position"]
        op.create_index(f"ix_custom_values_{kind}", "custom_values", names)
        if op.get_bind().dialect.name == "postgresql":  # how many have a value depends on the field, the field on whose
            op.execute(f"CREATE STATISTICS st_custom_values_{kind} ON {', '.join(names[:3])} FROM custom_values")
    for table in CUSTOMIZED:
        extend_table(op, table, custom_column())
    product = sa.Column("field_set_id", Id, nullable=True)
    extend_table(op, "products", custom_column(), product, references={"field_set_id": "field_sets"})


def downgrade() -> None:
    """Take them away, with every custom value."""
    product = sa.Column("field_set_id", Id, nullable=True)
    shrink_table(op, "products", custom_column(), product, references={"field_set_id": "field_sets"})
    for table in reversed(CUSTOMIZED):
        shrink_table(op, table, custom_column())
    op.drop_table("custom_values")
    drop_tenant_table(op, "field_sets", searchable=True)
    drop_tenant_table(op, "custom_fields", searchable=True)
