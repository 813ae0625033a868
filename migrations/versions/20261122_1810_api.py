# ruff: noqa: S608 - no part of these statements comes from outside
"""What the API counts and keeps: the use of keys, sign-ins of scripts."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    RUNTIME_ROLE,
    Id,
    column,
    drop_tenant_table,
    is_postgresql,
    reference,
    tenant_table,
)

revision = "20261122_1810"
down_revision = "20261122_1800"
branch_labels = None
depends_on = None

COUNTS = ("requests", "client_errors", "server_errors", "limited")
NEW_FUNCTIONS = (
    (
        "rotate_session",
        "_secret_hash text, _old_hash text, _new_hash text, _at timestamptz",
        "TABLE (expires_at timestamptz)",
        """UPDATE sessions s SET refresh_hash = _new_hash, last_seen_at = _at
WHERE s.secret_hash = _secret_hash AND s.expires_at > _at AND coalesce(s.refresh_hash, '') = _old_hash
RETURNING s.expires_at""",
    ),
)


def sessions_of(*, before: bool) -> tuple[str, str, str, str]:
    """Return (name, arguments, result, body) of the function that lists somebody's sessions, as before or after."""
    shown = ("", "") if before else (", is_api boolean", ", s.refresh_hash IS NOT NULL")
    return (
        "sessions_of",
        "_user_id bigint, _at timestamptz",
        f"""TABLE (secret_hash text, organization_name text, created_at timestamptz, last_seen_at timestamptz,
 expires_at timestamptz, ip text, user_agent text{shown[0]})""",
        f"""SELECT s.secret_hash::text, o.name::text, s.created_at, s.last_seen_at, s.expires_at, s.ip::text,
 s.user_agent::text{shown[1]} FROM sessions s JOIN organizations o ON o.id = s.organization_id
WHERE s.user_id = _user_id AND s.expires_at > _at ORDER BY s.last_seen_at DESC, s.secret_hash""",
    )


def make_function(name: str, arguments: str, result: str, body: str) -> None:
    """Make a function through which the run-time role asks before an organization is known."""
    op.execute(
        f"CREATE FUNCTION identity_{name}({arguments}) RETURNS {result} LANGUAGE sql SECURITY DEFINER"
        f" SET search_path = public, pg_temp AS $body$ {body} $body$"
    )
    op.execute(f"REVOKE ALL ON FUNCTION identity_{name} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION identity_{name} TO {RUNTIME_ROLE}")


def upgrade() -> None:
    """Let sessions carry a refresh token, and count what keys ask."""
    op.add_column("sessions", column("refresh_hash", sa.String(64), null=True))
    tenant_table(
        op,
        "key_usage",
        column("api_key_id", Id),
        column("day", sa.Date()),
        column("face", sa.String(16)),
        *(column(name, sa.Integer()) for name in COUNTS),
        sa.PrimaryKeyConstraint("organization_id", "api_key_id", "day", "face"),
        reference("api_keys", "api_key_id"),
        own_key=False,
    )
    op.create_index("ix_key_usage_day", "key_usage", ["day"])
    if is_postgresql(op):
        op.execute("DROP FUNCTION identity_sessions_of")
        for function in (*NEW_FUNCTIONS, sessions_of(before=False)):
            make_function(*function)


def downgrade() -> None:
    """Take it back; scripts that were signed in have to sign in again."""
    if is_postgresql(op):
        for name, *_rest in (*NEW_FUNCTIONS, sessions_of(before=False)):
            op.execute(f"DROP FUNCTION identity_{name}")
        make_function(*sessions_of(before=True))
    drop_tenant_table(op, "key_usage")
    op.execute("DELETE FROM sessions WHERE refresh_hash IS NOT NULL")
    op.drop_column("sessions", "refresh_hash")
