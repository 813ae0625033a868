"""Who does what, when, for whom: the one argument that every rule takes."""

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, has_request_context, request
from sqlalchemy.orm import Session

from webapp.core.database import db, utcnow
from webapp.core.errors import Unauthorized
from webapp.core.tenancy import bind


@dataclass(frozen=True, slots=True)
class Tenant:
    """The organization as its rules need it, read together with the credential."""

    id: int
    guid: str
    name: str
    slug: str
    currency: str
    timezone: str
    locale: str
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a user, a key or a job, with what it may do and how far it sees."""

    name: str
    role: str
    permissions: frozenset[str]
    face: str
    user_id: int | None = None
    api_key_id: int | None = None
    job_id: int | None = None
    scope_location_id: int | None = None
    locale: str = "en"
    timezone: str = "UTC"

    @property
    def credential(self) -> str:
        """Return by what the actor is counted, and its answers kept: `key:7`, or `user:3` for a person."""
        return f"key:{self.api_key_id}" if self.api_key_id else f"user:{self.user_id}"


@dataclass(frozen=True, slots=True)
class Context:
    """One unit of work of one actor in one organization; a `rehearsed` one is answered as if, and rolled back."""

    session: Session
    tenant: Tenant
    actor: Actor
    at: datetime
    change_set_id: str
    request_id: str = ""
    ip: str = ""
    forced: bool = False
    rehearsed: bool = False

    @property
    def organization_id(self) -> int:
        """Return the id of the organization that this work is for."""
        return self.tenant.id

    @property
    def today(self) -> date:
        """Return today in the organization's zone."""
        return _day_of(self.at, self.tenant.timezone)

    def with_change_set(self, change_set_id: str) -> "Context":
        """Return this context writing into a given change set, and tell the recorder."""
        context = replace(self, change_set_id=change_set_id)
        self.session.info["context"] = context
        return context


@lru_cache(maxsize=64)
def _day_of(at: datetime, timezone: str) -> date:
    return at.astimezone(ZoneInfo(timezone)).date()


def make_context(
    session: Session, tenant: Tenant, actor: Actor, *, at: datetime | None = None, rehearsed: bool = False
) -> Context:
    """Return a context over a bound session and make it the one that the recorder writes down."""
    context = Context(
        session=session,
        tenant=tenant,
        actor=actor,
        at=(at or utcnow()).astimezone(UTC),
        change_set_id=str(uuid.uuid4()),
        request_id=getattr(g, "request_id", "") if has_request_context() else "",
        ip=(request.remote_addr or "") if has_request_context() else "",
        rehearsed=rehearsed,
    )
    session.info["context"] = context
    return context


def open_context(tenant: Tenant, actor: Actor, *, write: bool, rehearsed: bool = False) -> Context:
    """Bind this request's session to an organization and keep the context for the request."""
    session = db.session()
    bind(session, tenant.id, write=write, scope_location_id=actor.scope_location_id)
    g.context = make_context(session, tenant, actor, rehearsed=rehearsed)
    return current_context()


def current_context() -> Context:
    """Return the request's context; raises Unauthorized when no surface has opened one."""
    context: Context | None = g.get("context")
    if context is None:
        raise Unauthorized("sign in first")
    return context


def is_rehearsal() -> bool:
    """Tell whether this request is only tried: nothing beside its transaction may be written."""
    context: Context | None = g.get("context") if has_request_context() else None
    return context is not None and context.rehearsed
