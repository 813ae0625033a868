# ruff: noqa: S608 - no part of these statements comes from outside
"""Identity: organizations, users, memberships, sessions, API keys, throttles, and the functions that open the door."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    CURRENT_ORGANIZATION,
    RUNTIME_ROLE,
    Id,
    Json,
    KeyText,
    Moment,
    column,
    entity_columns,
    is_postgresql,
    reference,
    tenant_table,
)

revision = "20261122_1500"
down_revision = None
branch_labels = None
depends_on = None

LIVING = sa.text("deleted_at IS NULL")

TENANT = """o.id, o.guid::text, o.name::text, o.slug::text, o.currency::text, o.timezone::text, o.locale::text,
 o.settings"""
TENANT_COLUMNS = """organization_id bigint, organization_guid text, organization_name text, organization_slug text,
 organization_currency text, organization_timezone text, organization_locale text, organization_settings jsonb"""

# name, arguments, result, body; arguments begin with an underscore because a column's name would win over them
FUNCTIONS = (
    (
        "find_session",
        "_secret_hash text, _at timestamptz",
        f"""TABLE ({TENANT_COLUMNS}, user_id bigint, user_name text, user_email text, user_locale text,
 user_timezone text, membership_id bigint, role text, scope_location_id bigint, last_seen_at timestamptz,
 expires_at timestamptz, organizations int)""",
        f"""SELECT {TENANT}, u.id, u.name::text, u.email::text, u.locale::text, u.timezone::text, m.id, m.role::text,
 m.scope_location_id, s.last_seen_at, s.expires_at,
 (SELECT count(*)::int FROM memberships x WHERE x.user_id = u.id AND x.deleted_at IS NULL)
FROM sessions s JOIN users u ON u.id = s.user_id AND u.is_active
JOIN memberships m ON m.user_id = u.id AND m.organization_id = s.organization_id AND m.deleted_at IS NULL
JOIN organizations o ON o.id = m.organization_id
WHERE s.secret_hash = _secret_hash AND s.expires_at > _at""",
    ),
    (
        "open_session",
        """_secret_hash text, _user_id bigint, _organization_id bigint, _at timestamptz, _expires_at timestamptz,
 _ip text, _user_agent text""",
        "void",
        """INSERT INTO sessions
 (secret_hash, user_id, organization_id, created_at, last_seen_at, expires_at, ip, user_agent)
VALUES (_secret_hash, _user_id, _organization_id, _at, _at, _expires_at, _ip, _user_agent)""",
    ),
    ("close_session", "_secret_hash text", "void", "DELETE FROM sessions WHERE secret_hash = _secret_hash"),
    (
        "close_sessions",
        "_user_id bigint, _organization_id bigint, _except_hash text",
        "void",
        """DELETE FROM sessions WHERE user_id = _user_id AND secret_hash <> _except_hash
 AND (_organization_id IS NULL OR organization_id = _organization_id)""",
    ),
    (
        "find_api_key",
        "_prefix text, _at timestamptz",
        f"""TABLE ({TENANT_COLUMNS}, api_key_id bigint, name text, secret_hash text, dialect text, scopes jsonb,
 ip_allowlist jsonb, last_used_at timestamptz, scope_location_id bigint)""",
        f"""SELECT {TENANT}, k.id, k.name::text, k.secret_hash::text, k.dialect::text, k.scopes, k.ip_allowlist,
 k.last_used_at, k.scope_location_id
FROM api_keys k JOIN organizations o ON o.id = k.organization_id
WHERE k.prefix = _prefix AND k.revoked_at IS NULL AND k.deleted_at IS NULL
 AND (k.expires_at IS NULL OR k.expires_at > _at)""",
    ),
    (
        "find_user",
        "_email_key text",
        "TABLE (id bigint, name text, email text, password_hash text, is_active boolean, locale text, timezone text)",
        """SELECT u.id, u.name::text, u.email::text, u.password_hash::text, u.is_active, u.locale::text,
 u.timezone::text FROM users u WHERE u.email_key = _email_key""",
    ),
    (
        "create_user",
        """_guid text, _email text, _email_key text, _password_hash text, _name text, _locale text, _timezone text,
 _at timestamptz""",
        "TABLE (id bigint)",
        """INSERT INTO users AS u
 (guid, email, email_key, password_hash, name, locale, timezone, is_active, created_at, updated_at, version)
VALUES (_guid, _email, _email_key, _password_hash, _name, _locale, _timezone, true, _at, _at, 1)
ON CONFLICT (email_key) DO NOTHING RETURNING u.id""",
    ),
    (
        "set_password",
        "_user_id bigint, _password_hash text, _at timestamptz",
        "void",
        """UPDATE users SET password_hash = _password_hash, updated_at = _at, version = version + 1
WHERE users.id = _user_id""",
    ),
    (
        "memberships",
        "_user_id bigint",
        f"TABLE ({TENANT_COLUMNS}, role text)",
        f"""SELECT {TENANT}, m.role::text FROM memberships m JOIN organizations o ON o.id = m.organization_id
WHERE m.user_id = _user_id AND m.deleted_at IS NULL ORDER BY o.name, o.id""",
    ),
    (
        "find_organization",
        "_slug text, _organization_id bigint",
        f"TABLE ({TENANT_COLUMNS})",
        f"SELECT {TENANT} FROM organizations o WHERE o.slug = _slug OR o.id = _organization_id",
    ),
    ("organization_ids", "", "TABLE (id bigint)", "SELECT o.id FROM organizations o ORDER BY o.id"),
    ("reserve_organization", "", "TABLE (id bigint)", "SELECT nextval('organizations_id_seq')"),
    ("is_empty", "", "TABLE (empty boolean)", "SELECT NOT EXISTS (SELECT 1 FROM users)"),
    (
        "hit_bucket",
        "_key text, _window_start timestamptz",
        "TABLE (count int)",
        """INSERT INTO rate_buckets AS b (key, window_start, count) VALUES (_key, _window_start, 1)
ON CONFLICT (key, window_start) DO UPDATE SET count = b.count + 1 RETURNING b.count""",
    ),
    (
        "return_hit",
        "_key text, _window_start timestamptz",
        "void",
        """UPDATE rate_buckets AS b SET count = b.count - 1
WHERE b.key = _key AND b.window_start = _window_start AND b.count > 0""",
    ),
    ("empty_bucket", "_key text", "void", "DELETE FROM rate_buckets WHERE key = _key"),
    (
        "touch_session",
        "_secret_hash text, _at timestamptz",
        "void",
        "UPDATE sessions SET last_seen_at = _at WHERE secret_hash = _secret_hash AND last_seen_at < _at",
    ),
    (
        "touch_api_key",
        "_id bigint, _at timestamptz",
        "void",
        "UPDATE api_keys SET last_used_at = _at WHERE id = _id AND (last_used_at IS NULL OR last_used_at < _at)",
    ),
    ("sweep_sessions", "_before timestamptz", "void", "DELETE FROM sessions WHERE expires_at <= _before"),
    ("sweep_buckets", "_before timestamptz", "void", "DELETE FROM rate_buckets WHERE window_start <= _before"),
)


def upgrade() -> None:
    """Make the tables and, on PostgreSQL, their policies, grants and functions."""
    if is_postgresql(op):
        expect_runtime_role()
    make_global_tables()
    make_tenant_tables()
    if is_postgresql(op):
        make_second_wall()
        make_functions()


def expect_runtime_role() -> None:
    """Stop with the way out when the role that the grants go to is not there."""
    if not op.get_bind().scalar(sa.text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": RUNTIME_ROLE}):
        raise RuntimeError(f"the role {RUNTIME_ROLE} does not exist: run `flask database prepare --admin-url …` first")


def make_global_tables() -> None:
    """Make the tables that stand outside of organizations."""
    op.create_table(
        "organizations",
        sa.Column("id", Id, primary_key=True),
        sa.Column("guid", sa.String(36), nullable=False, unique=True),
        column("name", sa.String(255)),
        sa.Column("slug", KeyText, nullable=False, unique=True),
        column("currency", sa.String(3)),
        column("timezone", sa.String(64)),
        column("locale", sa.String(16)),
        column("settings", Json),
        column("environment", sa.String(16)),
        *stamps(),
        sa.CheckConstraint("environment IN ('live', 'sandbox')", name="environment"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "users",
        sa.Column("id", Id, primary_key=True),
        sa.Column("guid", sa.String(36), nullable=False, unique=True),
        column("email", sa.String(255)),
        sa.Column("email_key", KeyText, nullable=False, unique=True),
        column("password_hash", sa.String(255), null=True),
        column("name", sa.String(255)),
        column("locale", sa.String(16), null=True),
        column("timezone", sa.String(64), null=True),
        column("is_active", sa.Boolean()),
        *stamps(),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "sessions",
        sa.Column("secret_hash", KeyText, primary_key=True),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("organization_id", Id, sa.ForeignKey("organizations.id"), nullable=False),
        column("created_at", Moment),
        column("last_seen_at", Moment),
        column("expires_at", Moment),
        column("ip", sa.String(64)),
        column("user_agent", sa.String(255)),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])
    op.create_table(
        "rate_buckets",
        sa.Column("key", KeyText, primary_key=True),
        sa.Column("window_start", Moment, primary_key=True),
        column("count", sa.Integer()),
    )
    op.create_index("ix_rate_buckets_window_start", "rate_buckets", ["window_start"])


def make_tenant_tables() -> None:
    """Make the tables whose rows belong to one organization."""
    tenant_table(
        op,
        "memberships",
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        column("role", sa.String(16)),
        column("scope_location_id", Id, null=True),
        column("person_id", Id),
        *entity_columns(),
        sa.CheckConstraint("role IN ('owner', 'admin', 'manager', 'technician', 'auditor', 'member')", name="role"),
        *uphill(("locations", "scope_location_id"), ("persons", "person_id")),
    )
    op.create_index(
        "uq_memberships_user_id",
        "memberships",
        ["organization_id", "user_id"],
        unique=True,
        sqlite_where=LIVING,
        postgresql_where=LIVING,
    )
    op.create_index("ix_memberships_user_id", "memberships", ["user_id"])
    tenant_table(
        op,
        "api_keys",
        column("name", sa.String(255)),
        column("prefix", KeyText),
        column("secret_hash", sa.String(64)),
        column("dialect", sa.String(16)),
        column("scopes", Json),
        column("ip_allowlist", Json),
        column("expires_at", Moment, null=True),
        column("last_used_at", Moment, null=True),
        column("revoked_at", Moment, null=True),
        sa.Column("created_by_id", Id, sa.ForeignKey("users.id")),
        column("scope_location_id", Id, null=True),
        *entity_columns(),
        *uphill(("locations", "scope_location_id")),
    )
    op.create_index("uq_api_keys_prefix", "api_keys", ["prefix"], unique=True)
    op.create_index("ix_api_keys_created_by_id", "api_keys", ["created_by_id"])


def uphill(*references: tuple[str, str]) -> list[sa.ForeignKeyConstraint]:
    """Return keys into tables that are made later: SQLite does not mind, PostgreSQL gets them in 1610."""
    return [] if is_postgresql(op) else [reference(table, name) for table, name in references]


def stamps() -> list[sa.Column]:
    """Return the times and the version of a row outside of organizations."""
    return [column("created_at", Moment), column("updated_at", Moment), column("version", sa.Integer())]


def make_second_wall() -> None:
    """Show the run-time role its own organization and the members' users, and sessions and throttles not at all."""
    for table in ("organizations", "users", "sessions", "rate_buckets"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    own = f"id = {CURRENT_ORGANIZATION}"
    op.execute(f"CREATE POLICY tenant ON organizations USING ({own}) WITH CHECK ({own})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON organizations TO {RUNTIME_ROLE}")
    op.execute(f"""CREATE POLICY tenant ON users FOR SELECT USING (EXISTS (
 SELECT 1 FROM memberships m
 WHERE m.user_id = users.id AND m.organization_id = {CURRENT_ORGANIZATION} AND m.deleted_at IS NULL))""")
    op.execute(
        "GRANT SELECT (id, guid, email, email_key, name, locale, timezone, is_active, created_at, updated_at, version)"
        f" ON users TO {RUNTIME_ROLE}"
    )


def make_functions() -> None:
    """Make the functions through which the run-time role asks before an organization is known."""
    for name, arguments, result, body in FUNCTIONS:
        op.execute(
            f"CREATE FUNCTION identity_{name}({arguments}) RETURNS {result} LANGUAGE sql SECURITY DEFINER"
            f" SET search_path = public, pg_temp AS $body$ {body} $body$"
        )
        op.execute(f"REVOKE ALL ON FUNCTION identity_{name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION identity_{name} TO {RUNTIME_ROLE}")


def downgrade() -> None:
    """Drop all of it."""
    if is_postgresql(op):
        for name, *_rest in FUNCTIONS:
            op.execute(f"DROP FUNCTION IF EXISTS identity_{name}")
        op.execute("DROP POLICY tenant ON users")
    for table in ("rate_buckets", "sessions", "api_keys", "memberships", "users", "organizations"):
        op.drop_table(table)
