"""Webhooks and what they have delivered."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    RUNTIME_ROLE,
    Id,
    Json,
    Moment,
    column,
    drop_tenant_table,
    entity_columns,
    index,
    is_postgresql,
    reference,
    tenant_table,
)

revision = "20261122_1820"
down_revision = "20261122_1810"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them, and the question which webhooks have something to do."""
    tenant_table(
        op,
        "webhooks",
        *entity_columns(),
        column("name", sa.String(255)),
        column("url", sa.Text()),
        column("secret", sa.Text()),
        column("previous_secret", sa.Text(), null=True),
        column("previous_until", Moment, null=True),
        column("events", Json),
        column("filter", sa.Text(), null=True),
        column("is_active", sa.Boolean()),
        column("state", sa.String(16)),
        column("reason", sa.String(16), null=True),
        column("sequence", Id),
        column("failures", sa.Integer()),
        column("failing_since", Moment, null=True),
        column("next_at", Moment, null=True),
        column("locked_until", Moment, null=True),
        column("last_delivered_at", Moment, null=True),
        column("created_by_id", Id, null=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["users.id"]),
        sa.CheckConstraint("state IN ('ok', 'failing', 'disabled')", name="state"),
        sa.CheckConstraint("reason IN ('gone', 'unreachable', 'filter', 'secret')", name="reason"),
    )
    tenant_table(
        op,
        "webhook_deliveries",
        column("webhook_id", Id),
        column("message_id", sa.String(64)),
        column("event", sa.String(128)),
        column("payload", sa.Text(), null=True),
        column("count", sa.Integer()),
        column("first_sequence", Id, null=True),
        column("last_sequence", Id, null=True),
        column("state", sa.String(16)),
        column("by_hand", sa.Boolean()),
        column("attempts", sa.Integer()),
        column("next_at", Moment),
        column("last_status", sa.Integer(), null=True),
        column("last_error", sa.String(255), null=True),
        column("answer", sa.Text(), null=True),
        column("duration_ms", sa.Integer(), null=True),
        column("created_at", Moment),
        column("attempted_at", Moment, null=True),
        column("finished_at", Moment, null=True),
        reference("webhooks", "webhook_id"),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'failed', 'dropped')", name="state"),
        sa.UniqueConstraint("organization_id", "message_id"),
    )
    index(op, "webhook_deliveries", "webhook_id", "id")
    index(op, "webhook_deliveries", "webhook_id", "state", "id")
    if is_postgresql(op):
        op.execute("""
            CREATE FUNCTION identity_due_webhooks(_at timestamptz, _count integer)
            RETURNS TABLE (organization_id bigint, webhook_id bigint)
            LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
              SELECT w.organization_id, w.id FROM webhooks w
              WHERE w.deleted_at IS NULL AND (w.locked_until IS NULL OR w.locked_until <= _at) AND (
                EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.organization_id = w.organization_id
                  AND d.webhook_id = w.id AND d.state = 'waiting' AND d.by_hand)
                OR (w.is_active AND (w.next_at IS NULL OR w.next_at <= _at) AND (
                  w.sequence < (SELECT max(s.sequence) FROM activity_seals s
                    WHERE s.organization_id = w.organization_id)
                  OR EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.organization_id = w.organization_id
                    AND d.webhook_id = w.id AND d.state = 'waiting' AND d.next_at <= _at))))
              ORDER BY coalesce(w.locked_until, w.created_at), w.id LIMIT _count
            $$""")
        op.execute("REVOKE ALL ON FUNCTION identity_due_webhooks(timestamptz, integer) FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION identity_due_webhooks(timestamptz, integer) TO {RUNTIME_ROLE}")


def downgrade() -> None:
    """Drop them."""
    if is_postgresql(op):
        op.execute("DROP FUNCTION identity_due_webhooks(timestamptz, integer)")
    for name in ("webhook_deliveries", "webhooks"):
        drop_tenant_table(op, name)
