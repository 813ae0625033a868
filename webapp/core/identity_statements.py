# ruff: noqa: S608 - the parts of these statements are ours, values are always bound
"""The statements behind `core.identity`, one a question.

On PostgreSQL each is a SECURITY DEFINER function `identity_<name>` of the owner (made in migrations), because the
run-time role may not read these tables by itself; on SQLite it is the SQL given here, with the same names of parameters
and columns. Without a `connection` a call runs in a short transaction of its own; with one it takes part in the
caller's.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Boolean, Connection, Dialect, Integer, String, bindparam, text
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from webapp.core.database import Id, Json, UtcDateTime, db
from webapp.core.driver import run
from webapp.core.tenancy import enter

ID, TEXT, WHOLE, FLAG, MOMENT, JSON = Id, String(), Integer(), Boolean(), UtcDateTime(), Json
Types = Mapping[str, TypeEngine[Any]]
Row = Mapping[str, Any]
Process = Callable[[Any], Any] | None

TENANT_COLUMNS = """
  o.id AS organization_id, o.guid AS organization_guid, o.name AS organization_name, o.slug AS organization_slug,
  o.currency AS organization_currency, o.timezone AS organization_timezone, o.locale AS organization_locale,
  json_patch(o.settings, json_object('asset_tag_pattern', o.asset_tag_pattern,
    'unique_serial', json(CASE WHEN o.unique_serial THEN 'true' ELSE 'false' END))) AS organization_settings"""
TENANT: Types = {
    "organization_id": ID,
    "organization_guid": TEXT,
    "organization_name": TEXT,
    "organization_slug": TEXT,
    "organization_currency": TEXT,
    "organization_timezone": TEXT,
    "organization_locale": TEXT,
    "organization_settings": JSON,
}


@dataclass(frozen=True, eq=False)
class Call:
    """One identity statement: its name, what goes in and comes out, and what SQLite runs."""

    name: str
    sqlite: str
    takes: Types = field(default_factory=dict)
    gives: Types = field(default_factory=dict)
    writes: bool = False

    def __call__(self, connection: Connection | None = None, **values: Any) -> list[Row]:
        """Run it and return its rows."""
        if connection is not None:
            return self._run(connection, values)
        engine = db.engine
        if engine.dialect.name != "postgresql":
            with (engine.execution_options(begin_immediate=True) if self.writes else engine).begin() as own:
                return self._run(own, values)
        with engine.connect() as own:
            driver: Any = own.connection.driver_connection
            driver.autocommit = True
            try:
                return self._run(own, values)
            finally:
                if not driver.closed:
                    driver.autocommit = False

    def enter(self, session: Session, *, reads: bool, **values: Any) -> list[Row]:
        """Ask it in the message that begins a session's transaction, which then speaks for what was found (PostgreSQL).

        Elsewhere, and when the session has begun already, it is asked like any other.
        """
        if db.engine.dialect.name != "postgresql" or "connection" in session.info or session.in_transaction():
            return self(**values)
        given = ", ".join([f"'{quotable(values[name])}'" for name in self.takes])
        row = enter(session, f"SELECT * FROM identity_enter_{self.name}({given}, {reads})", reads=reads)
        moments = [name for name, kind in self.gives.items() if kind is MOMENT and row.get(name)]
        return [row | {name: datetime.fromisoformat(row[name]) for name in moments}] if row else []

    def _run(self, connection: Connection, values: dict[str, Any]) -> list[Row]:
        sql, order, takes, gives = _prepared(self, connection.dialect)
        given: Any = {name: value if (p := takes.get(name)) is None else p(value) for name, value in values.items()}
        rows = run(connection, sql, given if order is None else [given[name] for name in order], gives=bool(gives))
        return [
            {name: value if p is None else p(value) for (name, p), value in zip(gives, row, strict=True)}
            for row in rows
        ]


def quotable(value: str | datetime) -> str:
    """Return a hash, a prefix or a moment as it may stand between quotes; raises ValueError for any other text."""
    text = value if isinstance(value, str) else value.isoformat()
    if not re.fullmatch(r"[\w:.+-]*", text, re.ASCII):
        raise ValueError("this cannot be part of a statement")
    return text


@lru_cache(maxsize=200)
def _prepared(
    call: Call, dialect: Dialect
) -> tuple[str, list[str] | None, Mapping[str, Process], list[tuple[str, Process]]]:
    """Return a statement's text, the order of its parameters where places count, and what turns values in and out."""
    arguments = ", ".join(f":{name}" for name in call.takes)
    sql = f"SELECT * FROM identity_{call.name}({arguments})" if dialect.name == "postgresql" else call.sqlite
    parameters = [bindparam(name, type_=kind) for name, kind in call.takes.items() if f":{name}" in sql]
    compiled: Any = text(sql).bindparams(*parameters).compile(dialect=dialect)
    gives: list[tuple[str, Process]] = [
        (name, kind.dialect_impl(dialect).result_processor(dialect, None)) for name, kind in call.gives.items()
    ]
    return compiled.string, compiled.positiontup if compiled.positional else None, compiled._bind_processors, gives


FIND_SESSION = Call(
    "find_session",
    f"""SELECT {TENANT_COLUMNS}, u.id AS user_id, u.name AS user_name, u.email AS user_email, u.locale AS user_locale,
  u.timezone AS user_timezone, m.id AS membership_id, m.role AS role, m.scope_location_id AS scope_location_id,
  s.last_seen_at AS last_seen_at, s.expires_at AS expires_at,
  (SELECT count(*) FROM memberships x WHERE x.user_id = u.id AND x.deleted_at IS NULL AND x.is_active) AS organizations,
  u.theme AS theme, u.has_shortcuts AS has_shortcuts
FROM sessions s JOIN users u ON u.id = s.user_id AND u.is_active
JOIN memberships m ON m.user_id = u.id AND m.organization_id = s.organization_id AND m.deleted_at IS NULL
  AND m.is_active
JOIN organizations o ON o.id = m.organization_id
WHERE s.secret_hash = :secret_hash AND s.expires_at > :at""",
    {"secret_hash": TEXT, "at": MOMENT},
    {
        **TENANT,
        "user_id": ID,
        "user_name": TEXT,
        "user_email": TEXT,
        "user_locale": TEXT,
        "user_timezone": TEXT,
        "membership_id": ID,
        "role": TEXT,
        "scope_location_id": ID,
        "last_seen_at": MOMENT,
        "expires_at": MOMENT,
        "organizations": WHOLE,
        "theme": TEXT,
        "has_shortcuts": FLAG,
    },
)
OPEN_SESSION = Call(
    "open_session",
    """INSERT INTO sessions
  (secret_hash, user_id, organization_id, created_at, last_seen_at, expires_at, ip, user_agent)
VALUES (:secret_hash, :user_id, :organization_id, :at, :at, :expires_at, :ip, :user_agent)""",
    {
        "secret_hash": TEXT,
        "user_id": ID,
        "organization_id": ID,
        "at": MOMENT,
        "expires_at": MOMENT,
        "ip": TEXT,
        "user_agent": TEXT,
    },
    writes=True,
)
CLOSE_SESSION = Call(
    "close_session", "DELETE FROM sessions WHERE secret_hash = :secret_hash", {"secret_hash": TEXT}, writes=True
)
CLOSE_SESSIONS = Call(
    "close_sessions",
    """DELETE FROM sessions WHERE user_id = :user_id AND secret_hash <> :except_hash
  AND (CAST(:organization_id AS BIGINT) IS NULL OR organization_id = :organization_id)""",
    {"user_id": ID, "organization_id": ID, "except_hash": TEXT},
    writes=True,
)
FIND_API_KEY = Call(
    "find_api_key",
    f"""SELECT {TENANT_COLUMNS}, k.id AS api_key_id, k.name AS name, k.secret_hash AS secret_hash, k.dialect AS dialect,
  k.scopes AS scopes, k.ip_allowlist AS ip_allowlist, k.last_used_at AS last_used_at,
  k.scope_location_id AS scope_location_id
FROM api_keys k JOIN organizations o ON o.id = k.organization_id
WHERE k.prefix = :prefix AND k.revoked_at IS NULL AND k.deleted_at IS NULL
  AND (k.expires_at IS NULL OR k.expires_at > :at)""",
    {"prefix": TEXT, "at": MOMENT},
    {
        **TENANT,
        "api_key_id": ID,
        "name": TEXT,
        "secret_hash": TEXT,
        "dialect": TEXT,
        "scopes": JSON,
        "ip_allowlist": JSON,
        "last_used_at": MOMENT,
        "scope_location_id": ID,
    },
)
FIND_USER = Call(
    "find_user",
    """SELECT id, name, email, password_hash, is_active, locale, timezone FROM users WHERE email_key = :email_key""",
    {"email_key": TEXT},
    {"id": ID, "name": TEXT, "email": TEXT, "password_hash": TEXT, "is_active": FLAG, "locale": TEXT, "timezone": TEXT},
)
CREATE_USER = Call(
    "create_user",
    """INSERT INTO users
  (guid, email, email_key, password_hash, name, locale, timezone, is_active, created_at, updated_at, version)
VALUES (:guid, :email, :email_key, :password_hash, :name, :locale, :timezone, true, :at, :at, 1)
ON CONFLICT (email_key) DO NOTHING RETURNING id""",
    {
        "guid": TEXT,
        "email": TEXT,
        "email_key": TEXT,
        "password_hash": TEXT,
        "name": TEXT,
        "locale": TEXT,
        "timezone": TEXT,
        "at": MOMENT,
    },
    {"id": ID},
    writes=True,
)
SET_PASSWORD = Call(
    "set_password",
    "UPDATE users SET password_hash = :password_hash, updated_at = :at, version = version + 1 WHERE id = :user_id",
    {"user_id": ID, "password_hash": TEXT, "at": MOMENT},
    writes=True,
)
MEMBERSHIPS = Call(
    "memberships",
    f"""SELECT {TENANT_COLUMNS}, m.role AS role, m.last_seen_at AS last_seen_at
FROM memberships m JOIN organizations o ON o.id = m.organization_id
WHERE m.user_id = :user_id AND m.deleted_at IS NULL AND m.is_active ORDER BY o.name, o.id""",
    {"user_id": ID},
    {**TENANT, "role": TEXT, "last_seen_at": MOMENT},
)
FIND_ORGANIZATION = Call(
    "find_organization",
    f"SELECT {TENANT_COLUMNS} FROM organizations o WHERE o.slug = :slug OR o.id = :organization_id",
    {"slug": TEXT, "organization_id": ID},
    TENANT,
)
ORGANIZATION_IDS = Call("organization_ids", "SELECT id FROM organizations ORDER BY id", gives={"id": ID})
RESERVE_ORGANIZATION = Call(
    "reserve_organization",
    "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'organizations'), 0) + 1 AS id",
    gives={"id": ID},
)
IS_EMPTY = Call("is_empty", "SELECT NOT EXISTS (SELECT 1 FROM users) AS empty", gives={"empty": FLAG})
HIT_BUCKET = Call(
    "hit_bucket",
    """INSERT INTO rate_buckets (key, window_start, count) VALUES (:key, :window_start, 1)
ON CONFLICT (key, window_start) DO UPDATE SET count = rate_buckets.count + 1 RETURNING count""",
    {"key": TEXT, "window_start": MOMENT},
    {"count": WHOLE},
    writes=True,
)
RETURN_HIT = Call(
    "return_hit",
    "UPDATE rate_buckets SET count = count - 1 WHERE key = :key AND window_start = :window_start AND count > 0",
    {"key": TEXT, "window_start": MOMENT},
    writes=True,
)
EMPTY_BUCKET = Call("empty_bucket", "DELETE FROM rate_buckets WHERE key = :key", {"key": TEXT}, writes=True)
TOUCH_SESSION = Call(
    "touch_session",
    "UPDATE sessions SET last_seen_at = :at WHERE secret_hash = :secret_hash AND last_seen_at < :at",
    {"secret_hash": TEXT, "at": MOMENT},
    writes=True,
)
TOUCH_MEMBERSHIP = Call(
    "touch_membership",
    """UPDATE memberships SET last_seen_at = :at FROM sessions s WHERE s.secret_hash = :secret_hash
  AND memberships.user_id = s.user_id AND memberships.organization_id = s.organization_id
  AND memberships.deleted_at IS NULL AND (memberships.last_seen_at IS NULL OR memberships.last_seen_at < :at)""",
    {"secret_hash": TEXT, "at": MOMENT},
    writes=True,
)
TOUCH_API_KEY = Call(
    "touch_api_key",
    "UPDATE api_keys SET last_used_at = :at WHERE id = :id AND (last_used_at IS NULL OR last_used_at < :at)",
    {"id": ID, "at": MOMENT},
    writes=True,
)
SWEEP_SESSIONS = Call(
    "sweep_sessions", "DELETE FROM sessions WHERE expires_at <= :before", {"before": MOMENT}, writes=True
)
SWEEP_BUCKETS = Call(
    "sweep_buckets", "DELETE FROM rate_buckets WHERE window_start <= :before", {"before": MOMENT}, writes=True
)
SWEEP_LINKS = Call(
    "sweep_links", "DELETE FROM one_time_links WHERE expires_at <= :before", {"before": MOMENT}, writes=True
)
CHANGE_PROFILE = Call(
    "change_profile",
    """UPDATE users SET name = :name, locale = :locale, timezone = :timezone, theme = :theme,
  has_shortcuts = :has_shortcuts, updated_at = :at, version = version + 1 WHERE id = :user_id""",
    {"user_id": ID, "name": TEXT, "locale": TEXT, "timezone": TEXT, "theme": TEXT, "has_shortcuts": FLAG, "at": MOMENT},
    writes=True,
)
SESSIONS_OF = Call(
    "sessions_of",
    """SELECT s.secret_hash AS secret_hash, o.name AS organization_name, s.created_at AS created_at,
  s.last_seen_at AS last_seen_at, s.expires_at AS expires_at, s.ip AS ip, s.user_agent AS user_agent,
  s.refresh_hash IS NOT NULL AS is_api
FROM sessions s JOIN organizations o ON o.id = s.organization_id
WHERE s.user_id = :user_id AND s.expires_at > :at ORDER BY s.last_seen_at DESC, s.secret_hash""",
    {"user_id": ID, "at": MOMENT},
    {
        "secret_hash": TEXT,
        "organization_name": TEXT,
        "created_at": MOMENT,
        "last_seen_at": MOMENT,
        "expires_at": MOMENT,
        "ip": TEXT,
        "user_agent": TEXT,
        "is_api": FLAG,
    },
)
ROTATE_SESSION = Call(
    "rotate_session",
    """UPDATE sessions SET refresh_hash = :new_hash, last_seen_at = :at
WHERE secret_hash = :secret_hash AND expires_at > :at AND coalesce(refresh_hash, '') = :old_hash
RETURNING expires_at""",
    {"secret_hash": TEXT, "old_hash": TEXT, "new_hash": TEXT, "at": MOMENT},
    {"expires_at": MOMENT},
    writes=True,
)
