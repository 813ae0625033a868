"""Exports: made once, or again and again."""

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
    index,
    reference,
    tenant_table,
)

revision = "20261122_1830"
down_revision = "20261122_1820"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the exports and their runs."""
    tenant_table(
        op,
        "exports",
        *entity_columns(),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("resource", KeyText),
        column("format", sa.String(8)),
        column("query", sa.Text(), null=True),
        column("fields", Json),
        column("schedule", sa.String(16)),
        column("weekday", sa.String(16), null=True),
        column("month_day", sa.Integer(), null=True),
        column("hour", sa.Integer()),
        column("receivers", Json),
        column("next_run_at", Moment, null=True),
        column("last_run_at", Moment, null=True),
        column("last_state", sa.String(16), null=True),
        column("last_error", sa.Text(), null=True),
        column("last_rows", sa.Integer(), null=True),
        column("job_id", Id, null=True),
        column("runs_as_user_id", Id, null=True),
        column("runs_as_key_id", Id, null=True),
        column("runs_as_name", sa.String(255)),
        sa.ForeignKeyConstraint(["runs_as_user_id"], ["users.id"]),
        reference("api_keys", "runs_as_key_id"),
        sa.CheckConstraint("format IN ('csv', 'xlsx', 'jsonl')", name="format"),
        sa.CheckConstraint("schedule IN ('none', 'daily', 'weekly', 'monthly')", name="schedule"),
        sa.CheckConstraint("last_state IN ('running', 'done', 'failed')", name="last_state"),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        sa.CheckConstraint("month_day BETWEEN 1 AND 31", name="month_day"),
        searchable=True,
    )
    index(op, "exports", "next_run_at")
    tenant_table(
        op,
        "export_runs",
        column("export_id", Id),
        column("due_at", Moment, null=True),
        column("started_at", Moment),
        column("finished_at", Moment, null=True),
        column("rows", sa.Integer(), null=True),
        column("bytes", Id, null=True),
        column("file_key", sa.String(255), null=True),
        column("filename", sa.String(255), null=True),
        column("error", sa.Text(), null=True),
        column("job_id", Id, null=True),
        column("permission", sa.String(64), null=True),
        column("scope_location_id", Id, null=True),
        reference("exports", "export_id"),
        reference("locations", "scope_location_id"),
        sa.UniqueConstraint("organization_id", "export_id", "due_at"),
    )
    index(op, "export_runs", "export_id", "id")
    index(op, "export_runs", "finished_at")


def downgrade() -> None:
    """Drop them."""
    drop_tenant_table(op, "export_runs")
    drop_tenant_table(op, "exports", searchable=True)
