# ruff: noqa: S608 - no part of these statements comes from outside
"""Accounts: invitations, one-time links, the second factor, one's own settings, and the organization's rules."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    RUNTIME_ROLE,
    Id,
    KeyText,
    Moment,
    column,
    drop_tenant_table,
    entity_columns,
    is_postgresql,
    reference,
    tenant_table,
    unique_among_living,
)

revision = "20261122_1720"
down_revision = "20261122_1700"
branch_labels = None
depends_on = None

ROLES = "('owner', 'admin', 'manager', 'technician', 'auditor', 'member')"
SHOWN_OF_USERS = "theme, has_shortcuts, second_factor_at"

TENANT_HEAD = """o.id, o.guid::text, o.name::text, o.slug::text, o.currency::text, o.timezone::text, o.locale::text,
 """
SETTINGS_BEFORE = "o.settings"
SETTINGS = """jsonb_strip_nulls(o.settings || jsonb_build_object('asset_tag_pattern', o.asset_tag_pattern,
 'unique_serial', o.unique_serial))"""
TENANT_COLUMNS = """organization_id bigint, organization_guid text, organization_name text, organization_slug text,
 organization_currency text, organization_timezone text, organization_locale text, organization_settings jsonb"""


def changed_functions(*, before: bool) -> list[tuple[str, str, str, str]]:
    """Return (name, arguments, result, body) of the functions that this revision changes, as before or as after it."""
    tenant = TENANT_HEAD + (SETTINGS_BEFORE if before else SETTINGS)
    active = "" if before else " AND m.is_active"
    counted = "" if before else " AND x.is_active"
    looks = ("", "") if before else (", theme text, has_shortcuts boolean", ", u.theme::text, u.has_shortcuts")
    seen = ("", "") if before else (", last_seen_at timestamptz", ", m.last_seen_at")
    return [
        (
            "find_session",
            "_secret_hash text, _at timestamptz",
            f"""TABLE ({TENANT_COLUMNS}, user_id bigint, user_name text, user_email text, user_locale text,
 user_timezone text, membership_id bigint, role text, scope_location_id bigint, last_seen_at timestamptz,
 expires_at timestamptz, organizations int{looks[0]})""",
            f"""SELECT {tenant}, u.id, u.name::text, u.email::text, u.locale::text, u.timezone::text, m.id,
 m.role::text, m.scope_location_id, s.last_seen_at, s.expires_at,
 (SELECT count(*)::int FROM memberships x WHERE x.user_id = u.id AND x.deleted_at IS NULL{counted}){looks[1]}
FROM sessions s JOIN users u ON u.id = s.user_id AND u.is_active
JOIN memberships m ON m.user_id = u.id AND m.organization_id = s.organization_id AND m.deleted_at IS NULL{active}
JOIN organizations o ON o.id = m.organization_id
WHERE s.secret_hash = _secret_hash AND s.expires_at > _at""",
        ),
        (
            "find_api_key",
            "_prefix text, _at timestamptz",
            f"""TABLE ({TENANT_COLUMNS}, api_key_id bigint, name text, secret_hash text, dialect text, scopes jsonb,
 ip_allowlist jsonb, last_used_at timestamptz, scope_location_id bigint)""",
            f"""SELECT {tenant}, k.id, k.name::text, k.secret_hash::text, k.dialect::text, k.scopes, k.ip_allowlist,
 k.last_used_at, k.scope_location_id
FROM api_keys k JOIN organizations o ON o.id = k.organization_id
WHERE k.prefix = _prefix AND k.revoked_at IS NULL AND k.deleted_at IS NULL
 AND (k.expires_at IS NULL OR k.expires_at > _at)""",
        ),
        (
            "memberships",
            "_user_id bigint",
            f"TABLE ({TENANT_COLUMNS}, role text{seen[0]})",
            f"""SELECT {tenant}, m.role::text{seen[1]}
FROM memberships m JOIN organizations o ON o.id = m.organization_id
WHERE m.user_id = _user_id AND m.deleted_at IS NULL{active} ORDER BY o.name, o.id""",
        ),
        (
            "find_organization",
            "_slug text, _organization_id bigint",
            f"TABLE ({TENANT_COLUMNS})",
            f"SELECT {tenant} FROM organizations o WHERE o.slug = _slug OR o.id = _organization_id",
        ),
    ]


NEW_FUNCTIONS = (
    (
        "make_link",
        """_secret_hash text, _purpose text, _user_id bigint, _organization_id bigint, _invitation_id bigint,
 _at timestamptz, _expires_at timestamptz""",
        "void",
        """INSERT INTO one_time_links
 (secret_hash, purpose, user_id, organization_id, invitation_id, created_at, expires_at)
VALUES (_secret_hash, _purpose, _user_id, _organization_id, _invitation_id, _at, _expires_at)""",
    ),
    (
        "find_link",
        "_secret_hash text, _purpose text, _at timestamptz",
        "TABLE (user_id bigint, organization_id bigint, invitation_id bigint)",
        """SELECT l.user_id, l.organization_id, l.invitation_id FROM one_time_links l
WHERE l.secret_hash = _secret_hash AND l.purpose = _purpose AND l.expires_at > _at""",
    ),
    (
        "use_link",
        "_secret_hash text, _purpose text, _at timestamptz",
        "TABLE (user_id bigint, organization_id bigint, invitation_id bigint)",
        """DELETE FROM one_time_links l WHERE l.secret_hash = _secret_hash AND l.purpose = _purpose
 AND l.expires_at > _at RETURNING l.user_id, l.organization_id, l.invitation_id""",
    ),
    (
        "end_links",
        "_purpose text, _user_id bigint, _organization_id bigint, _invitation_id bigint",
        "void",
        """DELETE FROM one_time_links l WHERE l.purpose = _purpose
 AND (l.user_id = _user_id OR (l.organization_id = _organization_id AND l.invitation_id = _invitation_id))""",
    ),
    ("sweep_links", "_before timestamptz", "void", "DELETE FROM one_time_links WHERE expires_at <= _before"),
    (
        "find_factor",
        "_user_id bigint",
        """TABLE (email text, name text, locale text, password_hash text, is_active boolean, totp_secret text,
 second_factor_at timestamptz)""",
        """SELECT u.email::text, u.name::text, u.locale::text, u.password_hash::text, u.is_active,
 u.totp_secret::text, u.second_factor_at FROM users u WHERE u.id = _user_id""",
    ),
    (
        "set_factor",
        "_user_id bigint, _totp_secret text, _since timestamptz, _at timestamptz",
        "void",
        """UPDATE users u SET totp_secret = _totp_secret, second_factor_at = _since, updated_at = _at,
 version = u.version + 1, totp_step = CASE WHEN _totp_secret IS NULL THEN NULL ELSE u.totp_step END
WHERE u.id = _user_id""",
    ),
    (
        "use_totp_step",
        "_user_id bigint, _step bigint",
        "TABLE (id bigint)",
        """UPDATE users u SET totp_step = _step WHERE u.id = _user_id
 AND (u.totp_step IS NULL OR u.totp_step < _step) RETURNING u.id""",
    ),
    (
        "add_recovery_code",
        "_user_id bigint, _code_hash text, _at timestamptz",
        "void",
        "INSERT INTO recovery_codes (user_id, code_hash, created_at) VALUES (_user_id, _code_hash, _at)",
    ),
    (
        "use_recovery_code",
        "_user_id bigint, _code_hash text",
        "TABLE (user_id bigint)",
        """DELETE FROM recovery_codes c WHERE c.user_id = _user_id AND c.code_hash = _code_hash
RETURNING c.user_id""",
    ),
    ("drop_recovery_codes", "_user_id bigint", "void", "DELETE FROM recovery_codes c WHERE c.user_id = _user_id"),
    (
        "recovery_codes_left",
        "_user_id bigint",
        "TABLE (count int)",
        "SELECT count(*)::int FROM recovery_codes c WHERE c.user_id = _user_id",
    ),
    (
        "change_profile",
        """_user_id bigint, _name text, _locale text, _timezone text, _theme text, _has_shortcuts boolean,
 _at timestamptz""",
        "void",
        """UPDATE users u SET name = _name, locale = _locale, timezone = _timezone, theme = _theme,
 has_shortcuts = _has_shortcuts, updated_at = _at, version = u.version + 1 WHERE u.id = _user_id""",
    ),
    (
        "sessions_of",
        "_user_id bigint, _at timestamptz",
        """TABLE (secret_hash text, organization_name text, created_at timestamptz, last_seen_at timestamptz,
 expires_at timestamptz, ip text, user_agent text)""",
        """SELECT s.secret_hash::text, o.name::text, s.created_at, s.last_seen_at, s.expires_at, s.ip::text,
 s.user_agent::text FROM sessions s JOIN organizations o ON o.id = s.organization_id
WHERE s.user_id = _user_id AND s.expires_at > _at ORDER BY s.last_seen_at DESC, s.secret_hash""",
    ),
    (
        "touch_membership",
        "_secret_hash text, _at timestamptz",
        "void",
        """UPDATE memberships m SET last_seen_at = _at FROM sessions s WHERE s.secret_hash = _secret_hash
 AND m.user_id = s.user_id AND m.organization_id = s.organization_id AND m.deleted_at IS NULL
 AND (m.last_seen_at IS NULL OR m.last_seen_at < _at)""",
    ),
)


def upgrade() -> None:
    """Add the columns and tables; on PostgreSQL also what the run-time role may see and ask."""
    yes = sa.true()
    op.add_column("organizations", column("asset_tag_pattern", sa.String(64), null=True))
    op.add_column("organizations", sa.Column("unique_serial", sa.Boolean(), nullable=False, server_default=yes))
    op.add_column("users", column("theme", sa.String(8), null=True))
    op.add_column("users", sa.Column("has_shortcuts", sa.Boolean(), nullable=False, server_default=yes))
    op.add_column("users", column("totp_secret", sa.String(255), null=True))
    op.add_column("users", column("totp_step", sa.BigInteger(), null=True))
    op.add_column("users", column("second_factor_at", Moment, null=True))
    op.add_column("memberships", sa.Column("is_active", sa.Boolean(), nullable=False, server_default=yes))
    op.add_column("memberships", column("last_seen_at", Moment, null=True))
    move_settings_into_columns()
    make_tables()
    if is_postgresql(op):
        for table in ("one_time_links", "recovery_codes"):
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT ({SHOWN_OF_USERS}) ON users TO {RUNTIME_ROLE}")
        replace_functions(before=False)
        make_functions(NEW_FUNCTIONS)


def make_tables() -> None:
    """Make the tables of invitations, one-time links and recovery codes."""
    tenant_table(
        op,
        "invitations",
        column("email", sa.String(255)),
        column("email_key", KeyText),
        column("name", sa.String(255), null=True),
        column("role", sa.String(16)),
        column("scope_location_id", Id, null=True),
        column("expires_at", Moment),
        column("sent_at", Moment, null=True),
        column("accepted_at", Moment, null=True),
        sa.Column("invited_by_id", Id, sa.ForeignKey("users.id")),
        column("invited_by_key_id", Id, null=True),
        *entity_columns(),
        sa.CheckConstraint(f"role IN {ROLES}", name="role"),
        reference("locations", "scope_location_id"),
        reference("api_keys", "invited_by_key_id"),
    )
    unique_among_living(op, "invitations", "uq_invitations_email_key", "email_key")
    op.create_table(
        "one_time_links",
        sa.Column("secret_hash", KeyText, primary_key=True),
        column("purpose", sa.String(16)),
        sa.Column("user_id", Id, sa.ForeignKey("users.id")),
        sa.Column("organization_id", Id, sa.ForeignKey("organizations.id")),
        column("invitation_id", Id, null=True),
        column("created_at", Moment),
        column("expires_at", Moment),
        sa.CheckConstraint("purpose IN ('reset', 'invitation', 'second_factor')", name="purpose"),
        sa.CheckConstraint("(user_id IS NULL) <> (invitation_id IS NULL)", name="one_target"),
        reference("invitations", "invitation_id"),
    )
    op.create_index("ix_one_time_links_user_id", "one_time_links", ["user_id"])
    op.create_index("ix_one_time_links_expires_at", "one_time_links", ["expires_at"])
    op.create_index(
        "ix_one_time_links_organization_id_invitation_id", "one_time_links", ["organization_id", "invitation_id"]
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("code_hash", KeyText, primary_key=True),
        column("created_at", Moment),
    )


def move_settings_into_columns() -> None:
    """Give the pattern of tags, which stood among the settings, its column."""
    if is_postgresql(op):
        op.execute("UPDATE organizations SET asset_tag_pattern = settings->>'asset_tag_pattern'")
        op.execute("UPDATE organizations SET settings = settings - 'asset_tag_pattern'")
        return
    op.execute("UPDATE organizations SET asset_tag_pattern = json_extract(settings, '$.asset_tag_pattern')")
    op.execute("UPDATE organizations SET settings = json_remove(settings, '$.asset_tag_pattern')")


def move_columns_into_settings() -> None:
    """Put the pattern of tags back among the settings."""
    if is_postgresql(op):
        op.execute(
            "UPDATE organizations SET settings = settings || jsonb_build_object('asset_tag_pattern', asset_tag_pattern)"
            " WHERE asset_tag_pattern IS NOT NULL"
        )
        return
    op.execute(
        "UPDATE organizations SET settings = json_set(settings, '$.asset_tag_pattern', asset_tag_pattern)"
        " WHERE asset_tag_pattern IS NOT NULL"
    )


def replace_functions(*, before: bool) -> None:
    """Make the changed functions anew, because their results differ."""
    changed = changed_functions(before=before)
    for name, *_rest in changed:
        op.execute(f"DROP FUNCTION identity_{name}")
    make_functions(changed)


def make_functions(functions: list[tuple[str, str, str, str]] | tuple[tuple[str, str, str, str], ...]) -> None:
    """Make functions through which the run-time role asks before an organization is known."""
    for name, arguments, result, body in functions:
        op.execute(
            f"CREATE FUNCTION identity_{name}({arguments}) RETURNS {result} LANGUAGE sql SECURITY DEFINER"
            f" SET search_path = public, pg_temp AS $body$ {body} $body$"
        )
        op.execute(f"REVOKE ALL ON FUNCTION identity_{name} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION identity_{name} TO {RUNTIME_ROLE}")


def downgrade() -> None:
    """Take all of it back."""
    if is_postgresql(op):
        for name, *_rest in NEW_FUNCTIONS:
            op.execute(f"DROP FUNCTION identity_{name}")
        replace_functions(before=True)
    move_columns_into_settings()
    op.drop_table("recovery_codes")
    op.drop_table("one_time_links")
    drop_tenant_table(op, "invitations")
    gone = {
        "memberships": ("last_seen_at", "is_active"),
        "users": ("second_factor_at", "totp_step", "totp_secret", "has_shortcuts", "theme"),
        "organizations": ("unique_serial", "asset_tag_pattern"),
    }
    for table, names in gone.items():
        for name in names:
            op.execute(f"ALTER TABLE {table} DROP COLUMN {name}")
