"""Saved views of lists: own ones, and ones that everybody sees."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    Id,
    KeyText,
    column,
    drop_tenant_table,
    entity_columns,
    tenant_table,
    unique_among_living,
)

revision = "20261122_1750"
down_revision = "20261122_1740"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    tenant_table(
        op,
        "saved_views",
        *entity_columns(),
        column("resource", KeyText),
        column("user_id", Id),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("query", sa.Text()),
        column("is_shared", sa.Boolean()),
        column("position", sa.Integer()),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
    )
    unique_among_living(op, "saved_views", "uq_saved_views_name_key", "resource", "user_id", "name_key")
    op.create_index("ix_saved_views_user_id", "saved_views", ["user_id"])


def downgrade() -> None:
    """Drop the table."""
    drop_tenant_table(op, "saved_views")
