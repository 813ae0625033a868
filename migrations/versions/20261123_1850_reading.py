"""What every transaction asks first, in one statement: it says for whom it speaks, and hears how they stand.

PostgreSQL alone. The function has its caller's rights, so that the second wall holds inside it as anywhere else.
"""

from alembic import op

from webapp.schema.tenancy_ddl import RUNTIME_ROLE, is_postgresql

revision = "20261123_1850"
down_revision = "20261122_1840"
branch_labels = None
depends_on = None

SIGNATURE = "announce_organization(bigint, boolean)"


def upgrade() -> None:
    """Make it."""
    if not is_postgresql(op):
        return
    op.execute("""
        CREATE FUNCTION announce_organization(_organization_id bigint, _reads boolean)
        RETURNS TABLE (totals text, versions text)
        LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
        BEGIN
          PERFORM set_config('app.organization_id', _organization_id::text, true),
            set_config('transaction_read_only', CASE WHEN _reads THEN 'on' ELSE 'off' END, true);
          RETURN QUERY SELECT
            (SELECT json_object_agg(t.item_type, t.total)::text FROM resource_totals t
             WHERE t.organization_id = _organization_id),
            (SELECT json_object_agg(v.kind, v.version)::text FROM label_versions v
             WHERE v.organization_id = _organization_id);
        END $$""")
    op.execute(f"REVOKE ALL ON FUNCTION {SIGNATURE} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {SIGNATURE} TO {RUNTIME_ROLE}")


def downgrade() -> None:
    """Drop it."""
    if is_postgresql(op):
        op.execute(f"DROP FUNCTION {SIGNATURE}")
