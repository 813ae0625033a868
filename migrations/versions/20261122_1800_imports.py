"""Imports of everything: named mappings, mended rows, what an undo left, what is carried to custody."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    Id,
    Json,
    KeyText,
    Moment,
    column,
    drop_tenant_table,
    entity_columns,
    extend_table,
    index,
    reference,
    shrink_table,
    tenant_table,
    unique_among_living,
)

revision = "20261122_1800"
down_revision = "20261122_1750"
branch_labels = None
depends_on = None

IMPORTS = (
    column("mapping_id", Id, null=True),
    sa.Column("source", Json, nullable=False, server_default="{}"),
    column("purged_at", Moment, null=True),
)
IMPORT_ROWS = (
    sa.Column("carried", Json, nullable=False, server_default="{}"),
    sa.Column("search_text", sa.Text(), nullable=False, server_default=""),
    sa.Column("key_tokens", sa.Text(), nullable=False, server_default=""),
    sa.Column("is_mended", sa.Boolean(), nullable=False, server_default=sa.false()),
    sa.Column("is_skipped", sa.Boolean(), nullable=False, server_default=sa.false()),
)


def upgrade() -> None:
    """Make what is new."""
    tenant_table(
        op,
        "import_mappings",
        *entity_columns(),
        column("resource", sa.String(64)),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("headings_key", sa.String(64)),
        column("fields", Json),
        column("options", Json),
        column("created_by_name", sa.String(255)),
    )
    unique_among_living(op, "import_mappings", "uq_import_mappings_name_key", "resource", "name_key")
    index(op, "import_mappings", "headings_key")
    tenant_table(
        op,
        "import_kept",
        column("import_id", Id),
        column("item_type", sa.String(64)),
        column("item_id", Id),
        column("name", sa.String(255)),
        column("reason", sa.Text()),
        column("fields", Json),
        reference("imports", "import_id"),
    )
    index(op, "import_kept", "import_id", "id")
    extend_table(op, "imports", *IMPORTS, references={"mapping_id": "import_mappings"})
    extend_table(op, "import_rows", *IMPORT_ROWS)


def downgrade() -> None:
    """Drop it."""
    shrink_table(op, "import_rows", *IMPORT_ROWS)
    shrink_table(op, "imports", *IMPORTS, references={"mapping_id": "import_mappings"})
    for name in ("import_kept", "import_mappings"):
        drop_tenant_table(op, name)
