"""Imports and their rows."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    Id,
    Json,
    Moment,
    column,
    drop_tenant_table,
    entity_columns,
    reference,
    tenant_table,
)

revision = "20261122_1600"
down_revision = "20261122_1550"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    tenant_table(
        op,
        "imports",
        *entity_columns(deleted=False),
        column("resource", sa.String(64)),
        column("state", sa.String(16)),
        column("filename", sa.String(255)),
        column("file_key", sa.String(255)),
        column("file_size", sa.Integer()),
        column("headers", Json),
        column("samples", Json),
        column("columns", Json),
        column("options", Json),
        column("findings", Json),
        column("missing", Json),
        column("counts", Json),
        column("kept", Json),
        column("total", sa.Integer()),
        column("cursor", Id),
        column("job_id", Id, null=True),
        column("change_set_id", sa.String(36), null=True),
        column("message", sa.Text(), null=True),
        column("created_by_user_id", Id, null=True),
        column("created_by_name", sa.String(255)),
        column("applied_at", Moment, null=True),
        column("undone_at", Moment, null=True),
        sa.CheckConstraint(
            "state IN ('uploaded', 'checking', 'checked', 'applying', 'applied', 'undoing', 'undone', 'failed', "
            "'discarded')",
            name="state",
        ),
    )
    op.create_index("ix_imports_organization_id_created_at_id", "imports", ["organization_id", "created_at", "id"])
    tenant_table(
        op,
        "import_rows",
        column("import_id", Id),
        column("number", sa.Integer()),
        column("fate", sa.String(16)),
        column("title", sa.String(255)),
        column("mark", sa.String(255)),
        column("cells", Json),
        column("changes", Json),
        column("errors", Json),
        column("note", sa.Text(), null=True),
        column("item_id", Id, null=True),
        column("applied_at", Moment, null=True),
        reference("imports", "import_id"),
        sa.CheckConstraint("fate IN ('create', 'update', 'unchanged', 'skip', 'error')", name="fate"),
        sa.UniqueConstraint("organization_id", "import_id", "number"),
    )
    op.create_index(
        "ix_import_rows_organization_id_import_id_fate_number",
        "import_rows",
        ["organization_id", "import_id", "fate", "number"],
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("import_rows", "imports"):
        drop_tenant_table(op, name)
