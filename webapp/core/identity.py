"""The only door that opens before an organization is known: sessions, keys, users, memberships, throttles.

Nothing else may read an identity table unbound. Every question is one statement (`identity_statements`).

Last use is not written by the request that uses a credential, because a GET writes nothing: it is noted in this
process, at most once in five minutes a credential, and written by the next unsafe request or by a timer half a minute
later. A process that is killed forgets the notes of that half minute.
"""

import hashlib
import hmac
import ipaddress
import secrets
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, current_app
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from webapp.core import identity_statements as ask
from webapp.core.access import granted
from webapp.core.context import Actor, Tenant
from webapp.core.database import key_of, utcnow
from webapp.core.identity_statements import Row
from webapp.core.keys import is_well_formed, prefix_of, secret_hash_of

TOUCH_EVERY = timedelta(minutes=5)
FLUSH_AFTER = 30.0
KEEP_BUCKETS = timedelta(days=1)
REMEMBERED_LIFE = timedelta(days=30)
SETUP_LOCK = 24_225_001


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that holds: whose it is, in which organization, until when."""

    tenant: Tenant
    actor: Actor
    email: str
    membership_id: int
    organizations: int
    secret_hash: str
    expires_at: datetime
    theme: str | None = None
    has_shortcuts: bool = True


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A key that holds: for which organization it speaks and what it may do."""

    tenant: Tenant
    actor: Actor
    dialect: str


@dataclass(frozen=True, slots=True)
class Hit:
    """What a throttle said: may it go on, and after how many seconds otherwise."""

    allowed: bool
    count: int
    retry_after: int


def tenant_of(row: Row) -> Tenant:
    """Return the organization that a statement's row describes."""
    return Tenant(
        id=row["organization_id"],
        guid=row["organization_guid"],
        name=row["organization_name"],
        slug=row["organization_slug"],
        currency=row["organization_currency"],
        timezone=row["organization_timezone"],
        locale=row["organization_locale"],
        settings=row["organization_settings"] or {},
    )


def session_hash_of(secret: str) -> str:
    """Return the SHA-256, in hex, under which a session is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def find_session(
    secret: str = "", *, secret_hash: str = "", face: str = "page", session: Session | None = None, reads: bool = True
) -> Visit | None:
    """Return the living session of a cookie's secret, or of its hash, with its user, role and organization.

    A database `session` enters with it: its transaction, of one that `reads` or that writes too, has then begun.
    """
    secret_hash = secret_hash or session_hash_of(secret)
    rows = _asked(ask.FIND_SESSION, session, reads, secret_hash=secret_hash, at=utcnow())
    if not rows:
        return None
    row = rows[0]
    tenant = tenant_of(row)
    actor = Actor(
        name=row["user_name"],
        role=row["role"],
        permissions=granted(row["role"], None),
        face=face,
        user_id=row["user_id"],
        scope_location_id=row["scope_location_id"],
        locale=row["user_locale"] or tenant.locale,
        timezone=row["user_timezone"] or tenant.timezone,
    )
    _note_use("session", secret_hash, row["last_seen_at"])
    return Visit(
        tenant=tenant,
        actor=actor,
        email=row["user_email"],
        membership_id=row["membership_id"],
        organizations=row["organizations"],
        secret_hash=secret_hash,
        expires_at=row["expires_at"],
        theme=row["theme"],
        has_shortcuts=row["has_shortcuts"],
    )


def open_session(
    user_id: int,
    organization_id: int,
    *,
    ip: str = "",
    user_agent: str = "",
    remember: bool = False,
    expires_at: datetime | None = None,
    connection: Connection | None = None,
) -> str:
    """Open a session and return its secret, which nobody can read again."""
    secret, now = secrets.token_urlsafe(32), utcnow()
    life = timedelta(hours=current_app.config["SESSION_HOURS"])
    ask.OPEN_SESSION(
        connection,
        secret_hash=session_hash_of(secret),
        user_id=user_id,
        organization_id=organization_id,
        at=now,
        expires_at=expires_at or now + (REMEMBERED_LIFE if remember else life),
        ip=ip[:64],
        user_agent=user_agent[:255],
    )
    ask.TOUCH_MEMBERSHIP(connection, secret_hash=session_hash_of(secret), at=now)
    return secret


def close_session(secret: str = "", *, secret_hash: str = "", connection: Connection | None = None) -> None:
    """End one session, by its secret or its hash."""
    ask.CLOSE_SESSION(connection, secret_hash=secret_hash or session_hash_of(secret))


def rotate_session(secret_hash: str, old: str, new: str) -> datetime | None:
    """Take another refresh token for a session and return its end; None when `old` is not the one that is due.

    A session just opened has none: `old` is empty then.
    """
    old_hash, new_hash = session_hash_of(old) if old else "", session_hash_of(new)
    rows = ask.ROTATE_SESSION(secret_hash=secret_hash, old_hash=old_hash, new_hash=new_hash, at=utcnow())
    return rows[0]["expires_at"] if rows else None


def close_sessions(
    user_id: int, *, organization_id: int | None = None, keep: str = "", connection: Connection | None = None
) -> None:
    """End a user's sessions, of one organization or of all, but for the one whose hash is `keep`."""
    ask.CLOSE_SESSIONS(connection, user_id=user_id, organization_id=organization_id, except_hash=keep)


def find_api_key(
    token: str, *, ip: str = "", dialect: str = "native", session: Session | None = None, reads: bool = True
) -> KeyHolder | None:
    """Return whom a key speaks for, None when it is malformed, unknown, over, revoked or used from elsewhere.

    A database `session` enters with it, as with `find_session`.
    """
    if not is_well_formed(token):
        return None
    rows = _asked(ask.FIND_API_KEY, session, reads, prefix=prefix_of(token), at=utcnow())
    expected = rows[0]["secret_hash"] if rows else ""
    if not hmac.compare_digest(secret_hash_of(token), expected) or not rows:
        return None
    row = rows[0]
    if row["dialect"] != dialect or not _may_come_from(ip, row["ip_allowlist"]):
        return None
    tenant = tenant_of(row)
    actor = Actor(
        name=row["name"],
        role="key",
        permissions=granted("owner", row["scopes"]),
        face="api",
        api_key_id=row["api_key_id"],
        scope_location_id=row["scope_location_id"],
        locale=tenant.locale,
        timezone=tenant.timezone,
    )
    _note_use("api_key", row["api_key_id"], row["last_used_at"])
    return KeyHolder(tenant, actor, row["dialect"])


def _asked(call: ask.Call, session: Session | None, reads: bool, **values: Any) -> list[Row]:
    return call(**values) if session is None else call.enter(session, reads=reads, **values)


def _may_come_from(ip: str, allowed: list[str] | None) -> bool:
    if not allowed:
        return True
    try:
        address = ipaddress.ip_address(ip)
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in ipaddress.ip_network(network) for network in allowed)
    except ValueError:
        return False


def find_user(email: str, *, connection: Connection | None = None) -> Row | None:
    """Return id, name, email, password_hash, is_active, locale and timezone of a user, by address."""
    rows = ask.FIND_USER(connection, email_key=key_of(email))
    return rows[0] if rows else None


def create_user(
    *,
    email: str,
    name: str,
    password_hash: str | None,
    locale: str | None = None,
    timezone: str | None = None,
    connection: Connection,
) -> int | None:
    """Create a user and return the id, None when the address is taken."""
    rows = ask.CREATE_USER(
        connection,
        guid=str(uuid.uuid4()),
        email=email,
        email_key=key_of(email),
        password_hash=password_hash,
        name=name,
        locale=locale,
        timezone=timezone,
        at=utcnow(),
    )
    return rows[0]["id"] if rows else None


def set_password(user_id: int, password_hash: str, *, connection: Connection | None = None) -> None:
    """Keep another hash for a user; ending the sessions is the rule's part."""
    ask.SET_PASSWORD(connection, user_id=user_id, password_hash=password_hash, at=utcnow())


def memberships(user_id: int) -> list[tuple[Tenant, str]]:
    """Return the (organization, role) pairs that a user may enter, by the organization's name."""
    return [(tenant_of(row), row["role"]) for row in ask.MEMBERSHIPS(user_id=user_id)]


def last_organization(user_id: int) -> Tenant | None:
    """Return the organization that a user was in last, the first by name for a newcomer."""
    rows = ask.MEMBERSHIPS(user_id=user_id)
    seen = [row for row in rows if row["last_seen_at"]]
    found = max(seen, key=lambda row: row["last_seen_at"]) if seen else next(iter(rows), None)
    return None if found is None else tenant_of(found)


def change_profile(
    user_id: int,
    *,
    name: str,
    locale: str | None,
    timezone: str | None,
    theme: str | None,
    has_shortcuts: bool,
    connection: Connection | None = None,
) -> None:
    """Keep what a user says of themselves."""
    values = {"name": name, "locale": locale, "timezone": timezone, "theme": theme, "has_shortcuts": has_shortcuts}
    ask.CHANGE_PROFILE(connection, user_id=user_id, at=utcnow(), **values)


def sessions_of(user_id: int) -> list[Row]:
    """Return a user's living sessions, the last seen first, by their hashes."""
    return ask.SESSIONS_OF(user_id=user_id, at=utcnow())


def organization_by_slug(slug: str) -> Tenant | None:
    """Return an organization by its slug."""
    return next((tenant_of(row) for row in ask.FIND_ORGANIZATION(slug=slug, organization_id=None)), None)


def organization_by_id(organization_id: int) -> Tenant | None:
    """Return an organization by its id."""
    rows = ask.FIND_ORGANIZATION(slug=None, organization_id=organization_id)
    return next((tenant_of(row) for row in rows), None)


def organization_ids() -> list[int]:
    """Return the ids of all organizations."""
    return [row["id"] for row in ask.ORGANIZATION_IDS()]


def reserve_organization_id() -> int:
    """Return the id that the next organization is to have, so that a session can be bound to it before it exists."""
    return int(ask.RESERVE_ORGANIZATION()[0]["id"])


def is_empty(*, connection: Connection | None = None) -> bool:
    """Tell whether there is no user yet; inside a transaction it also keeps others from asking until that ends."""
    if connection is not None and connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": SETUP_LOCK})
    return bool(ask.IS_EMPTY(connection)[0]["empty"])


def hit_bucket(key: str, *, limit: int, window: timedelta, connection: Connection | None = None) -> Hit:
    """Count one more in a key's window, over all workers; keys are kept as hashes.

    With a `connection` only what is committed counts: a refusal, a repetition and a rehearsal do not.
    """
    start = _window_start(window)
    count = int(ask.HIT_BUCKET(connection, key=_bucket(key), window_start=start)[0]["count"])
    return Hit(count <= limit, count, max(1, int((start + window - utcnow()).total_seconds())))


def return_hit(key: str, *, window: timedelta) -> None:
    """Take one back from a key's window: what was counted turned out well."""
    ask.RETURN_HIT(key=_bucket(key), window_start=_window_start(window))


def _window_start(window: timedelta) -> datetime:
    seconds = int(window.total_seconds())
    return datetime.fromtimestamp(int(utcnow().timestamp()) // seconds * seconds, UTC)


def empty_bucket(key: str) -> None:
    """Forget what was counted for a key."""
    ask.EMPTY_BUCKET(key=_bucket(key))


def _bucket(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def sweep() -> None:
    """Throw away what is over: sessions, one-time links and counts. The worker calls this."""
    ask.SWEEP_SESSIONS(before=utcnow())
    ask.SWEEP_LINKS(before=utcnow())
    ask.SWEEP_BUCKETS(before=utcnow() - KEEP_BUCKETS)


_uses: dict[tuple[str, Any], datetime] = {}
with_the_uses: list[Callable[[], object]] = []  # what features write at the same time: they append to it
_uses_lock = threading.Lock()
_timer: threading.Timer | None = None


def _note_use(kind: str, key: Any, last: datetime | None) -> None:
    """Note that a credential was used, unless the table knows of a use in the last five minutes."""
    now = utcnow()
    if last is not None and now - last < TOUCH_EVERY:
        return
    with _uses_lock:
        _uses[kind, key] = now
    flush_soon()


def flush_soon() -> None:
    """Have what was noted written half a minute from now."""
    global _timer
    with _uses_lock:
        if _timer is None and not current_app.testing:
            app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # Flask's proxy is untyped here
            _timer = threading.Timer(FLUSH_AFTER, _flush_later, (app,))
            _timer.daemon = True
            _timer.start()


def _flush_later(app: Flask) -> None:
    global _timer
    with _uses_lock:
        _timer = None
    with app.app_context():
        flush_uses()


def flush_uses() -> int:
    """Write the noted uses of credentials and return how many; a database that is away keeps them for the next time."""
    with _uses_lock:
        taken = dict(_uses)
        _uses.clear()
    written = 0
    for (kind, key), at in taken.items():
        try:
            if kind == "session":
                ask.TOUCH_SESSION(secret_hash=key, at=at)
                ask.TOUCH_MEMBERSHIP(secret_hash=key, at=at)
            else:
                ask.TOUCH_API_KEY(id=key, at=at)
            written += 1
        except SQLAlchemyError:
            with _uses_lock:
                _uses.setdefault((kind, key), at)
    for write in with_the_uses:
        write()
    return written
