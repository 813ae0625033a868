"""Archives: an organization as one file, made here or brought here."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import Id, Json, Moment, column, drop_tenant_table, entity_columns, index, tenant_table

revision = "20261122_1840"
down_revision = "20261122_1830"
branch_labels = None
depends_on = None

STATES = "('working', 'ready', 'failed', 'removed')"


def upgrade() -> None:
    """Make the table of archives."""
    tenant_table(
        op,
        "archives",
        *entity_columns(deleted=False),
        column("direction", sa.String(8)),
        column("state", sa.String(16)),
        column("filename", sa.String(255)),
        column("file_key", sa.String(255), null=True),
        column("file_size", sa.BigInteger(), null=True),
        column("counts", Json),
        column("members", Json),
        column("staged", Json),
        column("job_id", Id, null=True),
        column("made_guid", sa.String(36), null=True),
        column("made_name", sa.String(255), null=True),
        column("made_slug", sa.String(255), null=True),
        column("message", sa.Text(), null=True),
        column("created_by_user_id", Id, null=True),
        column("created_by_name", sa.String(255)),
        column("finished_at", Moment, null=True),
        sa.CheckConstraint("direction IN ('out', 'in')", name="direction"),
        sa.CheckConstraint(f"state IN {STATES}", name="state"),
    )
    index(op, "archives", "created_at", "id")


def downgrade() -> None:
    """Drop it."""
    drop_tenant_table(op, "archives")
