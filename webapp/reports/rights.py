"""Whose rights an export runs with, looked up each time: what somebody held when they saved it does not count."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from webapp.accounts.models import ApiKey, Membership, User
from webapp.core.access import granted
from webapp.core.context import Actor, Context
from webapp.core.database import table_of
from webapp.core.errors import Forbidden
from webapp.core.tenancy import CHECKED, scoped

MEMBERS, USERS, KEYS = table_of(Membership), table_of(User), table_of(ApiKey)


def holder_of(context: Context, row: Mapping[str, Any]) -> Actor:
    """Return who saved an export, with the rights and the part of the tree that they have now.

    Raises Forbidden with a sentence when they are no longer here.
    """
    actor = None
    if row["runs_as_user_id"] is not None:
        actor = _member(context, row["runs_as_user_id"])
    elif row["runs_as_key_id"] is not None:
        actor = _key(context, row["runs_as_key_id"])
    if actor is None:
        raise Forbidden(_("%(name)s, with whose rights it runs, is no longer here.", name=row["runs_as_name"]))
    return actor


def _member(context: Context, user_id: int) -> Actor | None:
    shown = (USERS.c.name, USERS.c.locale, USERS.c.timezone, MEMBERS.c.role, MEMBERS.c.scope_location_id)
    query = (
        select(*shown)
        .join(MEMBERS, MEMBERS.c.user_id == USERS.c.id)
        .where(
            scoped(context.session, MEMBERS),
            MEMBERS.c.user_id == user_id,
            MEMBERS.c.deleted_at.is_(None),
            MEMBERS.c.is_active.is_(True),
            USERS.c.is_active.is_(True),
        )
    )
    found = context.session.execute(query, execution_options=CHECKED).mappings().first()
    if found is None:
        return None
    return Actor(
        name=found["name"],
        role=found["role"],
        permissions=granted(found["role"], None),
        face="job",
        user_id=user_id,
        scope_location_id=found["scope_location_id"],
        locale=found["locale"] or context.tenant.locale,
        timezone=found["timezone"] or context.tenant.timezone,
    )


def _key(context: Context, key_id: int) -> Actor | None:
    shown = (KEYS.c.name, KEYS.c.scopes, KEYS.c.scope_location_id, KEYS.c.expires_at)
    query = select(*shown).where(
        scoped(context.session, KEYS), KEYS.c.id == key_id, KEYS.c.deleted_at.is_(None), KEYS.c.revoked_at.is_(None)
    )
    found = context.session.execute(query, execution_options=CHECKED).mappings().first()
    if found is None or (found["expires_at"] is not None and found["expires_at"] <= context.at):
        return None
    return Actor(
        name=found["name"],
        role="key",
        permissions=granted("owner", found["scopes"]),
        face="job",
        api_key_id=key_id,
        scope_location_id=found["scope_location_id"],
        locale=context.tenant.locale,
        timezone=context.tenant.timezone,
    )
