"""The machinery's tables: the log and its seals, totals, label versions, numbers, jobs, replies."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    RUNTIME_ROLE,
    Id,
    Json,
    Moment,
    column,
    drop_tenant_table,
    is_postgresql,
    tenant_table,
)

revision = "20261122_1510"
down_revision = "20261122_1500"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    make_log()
    for name, key, value in (
        ("resource_totals", column("item_type", sa.String(64)), column("total", Id)),
        ("label_versions", column("kind", sa.String(64)), column("version", sa.String(36))),
        ("number_series", column("series", sa.String(64)), column("last", Id)),
    ):
        tenant_table(op, name, key, value, sa.PrimaryKeyConstraint("organization_id", key.name), own_key=False)
    make_jobs()
    tenant_table(
        op,
        "replies",
        column("credential", sa.String(64)),
        column("key", sa.String(255)),
        column("request_hash", sa.String(64)),
        column("status", sa.Integer()),
        column("body", sa.LargeBinary()),
        column("headers", Json),
        column("created_at", Moment),
        sa.PrimaryKeyConstraint("organization_id", "credential", "key"),
        own_key=False,
    )


def make_log() -> None:
    """Create the activity log and its seals, which the application can only add to."""
    tenant_table(
        op,
        "activity",
        column("at", Moment),
        column("actor_user_id", Id, null=True),
        column("api_key_id", Id, null=True),
        column("job_id", Id, null=True),
        column("actor_name", sa.String(255)),
        column("face", sa.String(16)),
        column("request_id", sa.String(64)),
        column("ip", sa.String(64)),
        column("change_set_id", sa.String(36)),
        column("item_type", sa.String(64)),
        column("item_id", Id),
        column("item_name", sa.String(255)),
        column("event", sa.String(32)),
        column("changes", Json),
        column("note", sa.Text(), null=True),
        column("forced", sa.Boolean()),
        column("transaction_id", sa.BigInteger(), null=True),
        append_only=True,
    )
    for columns in (("item_type", "item_id", "id"), ("change_set_id", "id")):
        names = ("organization_id", *columns)
        op.create_index(f"ix_activity_{'_'.join(names)}", "activity", names)
    tenant_table(
        op,
        "activity_seals",
        column("sequence", Id),
        column("activity_id", Id),
        column("previous_hash", sa.String(64)),
        column("hash", sa.String(64)),
        sa.PrimaryKeyConstraint("organization_id", "sequence"),
        sa.UniqueConstraint("organization_id", "activity_id"),
        own_key=False,
        append_only=True,
    )


def make_jobs() -> None:
    """Create the outbox, and on PostgreSQL the function by which the worker finds what is due in any organization."""
    tenant_table(
        op,
        "jobs",
        column("kind", sa.String(64)),
        column("payload", Json),
        column("actor", Json),
        column("state", sa.String(16)),
        column("done", sa.Integer()),
        column("total", sa.Integer()),
        column("counts", Json),
        column("message", sa.Text(), null=True),
        column("change_set_id", sa.String(36)),
        column("run_at", Moment),
        column("locked_until", Moment, null=True),
        column("attempts", sa.Integer()),
        column("created_at", Moment),
        column("finished_at", Moment, null=True),
    )
    op.create_index("ix_jobs_state_run_at", "jobs", ["state", "run_at"])
    if is_postgresql(op):
        op.execute("""
            CREATE FUNCTION identity_due_jobs(_at timestamptz, _count integer)
            RETURNS TABLE (id bigint, organization_id bigint)
            LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
              SELECT j.id, j.organization_id FROM jobs j
              WHERE (j.state = 'queued' AND j.run_at <= _at) OR (j.state = 'running' AND j.locked_until < _at)
              ORDER BY j.run_at, j.id LIMIT _count
            $$""")
        op.execute("REVOKE ALL ON FUNCTION identity_due_jobs(timestamptz, integer) FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION identity_due_jobs(timestamptz, integer) TO {RUNTIME_ROLE}")


def downgrade() -> None:
    """Drop them."""
    if is_postgresql(op):
        op.execute("DROP FUNCTION identity_due_jobs(timestamptz, integer)")
    for name in ("replies", "jobs", "number_series", "label_versions", "resource_totals", "activity_seals", "activity"):
        drop_tenant_table(op, name)
