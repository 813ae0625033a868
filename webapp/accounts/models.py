"""The tables of identity: most of them are read before an organization is known, and then only by `core.identity`."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Date, ForeignKey, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.access import ROLES
from webapp.core.database import (
    ForeignId,
    Id,
    JsonDict,
    JsonList,
    KeyColumn,
    KeyText,
    Model,
    Moment,
    PrimaryKey,
    ShortText,
    UtcDateTime,
    utcnow,
)
from webapp.core.tenancy import (
    Entity,
    SoftDeleted,
    tenant_reference,
    tenant_table_arguments,
    unique_among_living,
)

LIVING = text("deleted_at IS NULL")


def _guid() -> str:
    return str(uuid.uuid4())


class Organization(Model):
    """A tenant: "Kestrel Field Research", slug `kestrel-field-research`; all that it owns carries its id."""

    __tablename__ = "organizations"
    __secrets__: frozenset[str] = frozenset()
    __table_args__: Any = (
        CheckConstraint("environment IN ('live', 'sandbox')", name="environment"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[PrimaryKey]
    guid: Mapped[str] = mapped_column(String(36), default=_guid, unique=True)
    name: Mapped[ShortText]
    slug: Mapped[KeyColumn] = mapped_column(KeyText, unique=True)
    currency: Mapped[str] = mapped_column(String(3))
    timezone: Mapped[str] = mapped_column(String(64))
    locale: Mapped[str] = mapped_column(String(16))
    settings: Mapped[JsonDict] = mapped_column(default=dict)
    asset_tag_pattern: Mapped[str | None] = mapped_column(String(64))
    unique_serial: Mapped[bool] = mapped_column(Boolean, default=True)
    environment: Mapped[str] = mapped_column(String(16), default="live")
    created_at: Mapped[Moment] = mapped_column(default=utcnow)
    updated_at: Mapped[Moment] = mapped_column(default=utcnow, onupdate=utcnow)
    version: Mapped[int] = mapped_column(default=1)
    __mapper_args__ = {"version_id_col": version}


class User(Model):
    """Somebody who signs in, known to all organizations by one e-mail address."""

    __tablename__ = "users"
    __table_args__: Any = ({"sqlite_autoincrement": True},)

    id: Mapped[PrimaryKey]
    guid: Mapped[str] = mapped_column(String(36), default=_guid, unique=True)
    email: Mapped[ShortText]
    email_key: Mapped[KeyColumn] = mapped_column(KeyText, unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(255), deferred=True, deferred_raiseload=True)
    name: Mapped[ShortText]
    locale: Mapped[str | None] = mapped_column(String(16))
    timezone: Mapped[str | None] = mapped_column(String(64))
    theme: Mapped[str | None] = mapped_column(String(8))
    has_shortcuts: Mapped[bool] = mapped_column(Boolean, default=True)
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    totp_secret: Mapped[str | None] = mapped_column(String(255), deferred=True, deferred_raiseload=True)
    totp_step: Mapped[int | None] = mapped_column(BigInteger, deferred=True, deferred_raiseload=True)
    second_factor_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[Moment] = mapped_column(default=utcnow)
    updated_at: Mapped[Moment] = mapped_column(default=utcnow)
    version: Mapped[int] = mapped_column(default=1)


class Membership(Entity, SoftDeleted, Model):
    """A user's place in an organization: the person they are, a role, perhaps narrowed to one location and below."""

    __tablename__ = "memberships"
    __table_args__ = tenant_table_arguments(
        CheckConstraint(f"role IN {ROLES}", name="role"),
        Index(
            "uq_memberships_user_id",
            "organization_id",
            "user_id",
            unique=True,
            sqlite_where=LIVING,
            postgresql_where=LIVING,
        ),
        Index("ix_memberships_user_id", "user_id"),
        *tenant_reference("locations", "scope_location_id"),
        *tenant_reference("persons", "person_id"),
    )

    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    role: Mapped[str] = mapped_column(String(16))
    scope_location_id: Mapped[ForeignId | None]
    person_id: Mapped[ForeignId]
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)
    last_seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Invitation(Entity, SoftDeleted, Model):
    """A place in the organization that waits for somebody: `rui@example.org` as technician at Lisbon, for a week.

    It lives until it is accepted or withdrawn; the way in is a one-time link, which is mailed and not kept.
    """

    __tablename__ = "invitations"
    __table_args__ = tenant_table_arguments(
        CheckConstraint(f"role IN {ROLES}", name="role"),
        unique_among_living("uq_invitations_email_key", "email_key"),
        *tenant_reference("locations", "scope_location_id"),
        *tenant_reference("api_keys", "invited_by_key_id"),
    )

    email: Mapped[ShortText]
    email_key: Mapped[KeyColumn]
    name: Mapped[ShortText | None]
    role: Mapped[str] = mapped_column(String(16))
    scope_location_id: Mapped[ForeignId | None]
    expires_at: Mapped[Moment]
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    invited_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    invited_by_key_id: Mapped[ForeignId | None]


class SignIn(Model):
    """A session on one device; `secret_hash` is the SHA-256 of the 256-bit id that only the cookie holds.

    One that a script opened through the API has no cookie: tokens name it, and `refresh_hash` is the SHA-256 of what
    the refresh token that is due is known by.
    """

    __tablename__ = "sessions"
    __table_args__: Any = (
        Index("ix_sessions_user_id", "user_id"),
        Index("ix_sessions_expires_at", "expires_at"),
    )

    secret_hash: Mapped[str] = mapped_column(KeyText, primary_key=True)
    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"))
    organization_id: Mapped[int] = mapped_column(Id, ForeignKey("organizations.id"))
    created_at: Mapped[Moment]
    last_seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    ip: Mapped[str] = mapped_column(String(64))
    user_agent: Mapped[ShortText]
    refresh_hash: Mapped[str | None] = mapped_column(String(64))


class ApiKey(Entity, SoftDeleted, Model):
    """A machine's credential, such as `qm_live_9c27e1b4_…`: the prefix is shown, of the rest only an HMAC is kept."""

    __tablename__ = "api_keys"
    __secrets__ = frozenset({"secret_hash"})
    __table_args__ = tenant_table_arguments(
        Index("uq_api_keys_prefix", "prefix", unique=True),
        Index("ix_api_keys_created_by_id", "created_by_id"),
        *tenant_reference("locations", "scope_location_id"),
    )

    name: Mapped[ShortText]
    prefix: Mapped[str] = mapped_column(KeyText)
    secret_hash: Mapped[str] = mapped_column(String(64))
    dialect: Mapped[str] = mapped_column(String(16), default="native")
    scopes: Mapped[JsonList]
    ip_allowlist: Mapped[JsonList] = mapped_column(default=list)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    scope_location_id: Mapped[ForeignId | None]


class KeyUsage(Model):
    """What a key asked on a day of the organization's: 1,440 requests, 3 of them refused, none turned away."""

    __tablename__ = "key_usage"

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    api_key_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    face: Mapped[str] = mapped_column(String(16), primary_key=True)
    requests: Mapped[int]
    client_errors: Mapped[int]
    server_errors: Mapped[int]
    limited: Mapped[int]

    __table_args__: Any = (
        ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        *tenant_reference("api_keys", "api_key_id"),
        Index("ix_key_usage_day", "day"),
    )


class OneTimeLink(Model):
    """A way in that works once, such as a reset of a password; `secret_hash` is the SHA-256 of what only it holds."""

    __tablename__ = "one_time_links"
    __table_args__: Any = (
        CheckConstraint("purpose IN ('reset', 'invitation', 'second_factor')", name="purpose"),
        CheckConstraint("(user_id IS NULL) <> (invitation_id IS NULL)", name="one_target"),
        *tenant_reference("invitations", "invitation_id"),
        Index("ix_one_time_links_user_id", "user_id"),
        Index("ix_one_time_links_organization_id_invitation_id", "organization_id", "invitation_id"),
        Index("ix_one_time_links_expires_at", "expires_at"),
    )

    secret_hash: Mapped[str] = mapped_column(KeyText, primary_key=True)
    purpose: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    organization_id: Mapped[int | None] = mapped_column(Id, ForeignKey("organizations.id"))
    invitation_id: Mapped[ForeignId | None]
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]


class RecoveryCode(Model):
    """One of ten codes that stand in for a lost second factor, once each; only an HMAC is kept."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[int] = mapped_column(Id, ForeignKey("users.id"), primary_key=True, autoincrement=False)
    code_hash: Mapped[str] = mapped_column(KeyText, primary_key=True)
    created_at: Mapped[Moment]


class RateBucket(Model):
    """How often something happened in a window, over all workers: sign-ins of an account, of an address."""

    __tablename__ = "rate_buckets"
    __table_args__: Any = (Index("ix_rate_buckets_window_start", "window_start"),)

    key: Mapped[str] = mapped_column(KeyText, primary_key=True)
    window_start: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    count: Mapped[int]
