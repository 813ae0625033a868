"""What may happen to sign-ins, members and keys. Nothing here commits."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from webapp.accounts.choices import DIALECTS
from webapp.accounts.models import ApiKey, Membership
from webapp.accounts.passwords import LONGEST, SHORTEST, hash_password, is_outdated, is_right
from webapp.accounts.throttles import count_try, forget_tries
from webapp.core import identity
from webapp.core.access import ROLES, all_permissions, permissions_of
from webapp.core.activity import activity_row
from webapp.core.batch import find_rows
from webapp.core.context import Actor, Context, Tenant
from webapp.core.database import Model, key_of
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from webapp.core.identity_proofs import end_links, find_factor
from webapp.core.keys import make_key
from webapp.core.recorder import record
from webapp.core.resource import registry
from webapp.core.tenancy import missing_references
from webapp.core.writes import Change, Draft, Facts, create_row
from webapp.edge.mail import ADDRESS

ACCOUNT_TRIES, ADDRESS_TRIES = 10, 100
SIGN_IN, PASSWORD = "sign-in", "password"
LONGEST_NAME = 255
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]+\.[^@\s.\x00-\x1f]{2,}")
Errors = dict[str, list[str]]


def name_faults(name: str) -> list[str]:
    """Return what is wrong with the name of an organization or a key."""
    if not name.strip() or len(name) > LONGEST_NAME or "\x00" in name:
        return [_("Give it a name of at most 255 characters.")]
    return []


def person_faults(prefix: str, name: str, email: str, password: str) -> Errors:
    """Return what is wrong with somebody's name, address and new password, under `<prefix>name` and so on."""
    errors: Errors = {}
    if len(name) > LONGEST_NAME or "\x00" in name:
        errors[f"{prefix}name"] = [_("At most 255 characters.")]
    for field, found in (("email", email_faults(email)), ("password", password_faults(password))):
        if found:
            errors[f"{prefix}{field}"] = found
    return errors


def email_faults(email: str) -> list[str]:
    """Return what is wrong with somebody's address."""
    if len(email) > LONGEST_NAME or not _EMAIL.fullmatch(email) or not ADDRESS.fullmatch(email):
        return [_("This is not an e-mail address.")]
    return []


def password_faults(password: str) -> list[str]:
    """Return what is wrong with a new password."""
    if len(password) < SHORTEST:
        return [_("At least %(count)s characters.", count=SHORTEST)]
    if len(password) > LONGEST:
        return [_("At most %(count)s characters.", count=LONGEST)]
    return []


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who has shown a password, the organizations that may be entered, and whether a code is still asked for."""

    user_id: int
    memberships: list[tuple[Tenant, str]]
    needs_code: bool = False


def sign_in(email: str, password: str, *, ip: str) -> SignedIn:
    """Check a password; the answer and its time do not tell whether the account exists.

    Raises Unauthorized, or TooManyRequests after ten wrong tries for an account or a hundred from an address in a
    quarter of an hour, over all workers.
    """
    count_try(SIGN_IN, key_of(email), ip, limit=ACCOUNT_TRIES, address_limit=ADDRESS_TRIES)
    user = identity.find_user(email)
    right = is_right(password, user["password_hash"] if user else None)
    found = identity.memberships(user["id"] if user else 0)
    factor = find_factor(user["id"] if user else 0)
    if user is None or factor is None or not right or not user["is_active"] or not found:
        raise Unauthorized(_("E-mail and password do not go together. Check both, or reset the password."))
    if is_outdated(user["password_hash"]):
        identity.set_password(user["id"], hash_password(password))
    forget_tries(SIGN_IN, key_of(email), ip)
    return SignedIn(user["id"], found, factor["second_factor_at"] is not None)


def check_password(user_id: int, password: str, *, ip: str) -> None:
    """Raise Invalid at `password` unless it is the user's own, TooManyRequests after ten wrong tries."""
    count_try(PASSWORD, str(user_id), ip, limit=ACCOUNT_TRIES)
    factor = find_factor(user_id)
    if not is_right(password, factor["password_hash"] if factor else None):
        raise Invalid({"password": [_("This is not your password.")]})
    forget_tries(PASSWORD, str(user_id), ip)


def change_password(context: Context, old: str, new: str, *, keep_session: str = "") -> None:
    """Give the actor another password and end all other sessions and pending links of theirs. Raises Invalid."""
    user_id = context.actor.user_id or 0
    errors: Errors = {}
    try:
        check_password(user_id, old, ip=context.ip)
    except Invalid as error:
        errors["old"] = error.errors["password"]
    if found := password_faults(new):
        errors["new"] = found
    if errors:
        raise Invalid(errors)
    set_password(context, user_id, new, keep_session=keep_session)


def set_password(context: Context, user_id: int, password: str, *, keep_session: str = "") -> None:
    """Keep a new password, end the user's other sessions and whatever link is under way, and say so in the history."""
    kept, connection = hash_password(password), context.session.connection()
    identity.set_password(user_id, kept, connection=connection)
    identity.close_sessions(user_id, keep=keep_session, connection=connection)
    for purpose in ("reset", "second_factor"):
        end_links(purpose, user_id=user_id, connection=connection)
    remember_user(context, user_id, "Password")


def remember_user(context: Context, user_id: int, event: str, changes: Mapping[str, list[Any]] | None = None) -> None:
    """Write into the organization's history what a user, or an administrator, did to an account."""
    user = find_factor(user_id, connection=context.session.connection())
    row = {"id": user_id, "name": user["name"] if user else ""}
    line = activity_row(
        context, context.organization_id, table="users", row=row, event_name=event, changes=dict(changes or {})
    )
    record(context.session, [line])


def create_api_key(
    context: Context,
    name: str,
    scopes: Iterable[str],
    *,
    dialect: str = "native",
    expires_at: datetime | None = None,
    ip_allowlist: Iterable[str] = (),
    scope_location_id: int | None = None,
) -> tuple[ApiKey, str]:
    """Make a key and return it with its token, which is known only now.

    `scopes` are names of permissions, or `*` for all; the actor must hold each. Raises Invalid.
    """
    wanted, networks = sorted(set(scopes)), [text.strip() for text in ip_allowlist if text.strip()]
    errors: Errors = {}
    if dialect not in DIALECTS:
        errors["dialect"] = [_("Choose one of the list.")]
    if expires_at is not None and expires_at <= context.at:
        errors["expires_at"] = [_("This is over already.")]
    for field, found in (
        ("name", name_faults(name)),
        ("scopes", scope_faults(context.actor, wanted)),
        ("ip_allowlist", network_faults(networks)),
        ("scope_location_id", location_faults(context, scope_location_id)),
    ):
        if found:
            errors[field] = found
    if errors:
        raise Invalid(errors)
    made = make_key()
    key = ApiKey(
        name=name.strip(),
        prefix=made.prefix,
        secret_hash=made.secret_hash,
        dialect=dialect,
        scopes=wanted,
        ip_allowlist=networks,
        expires_at=expires_at,
        created_by_id=context.actor.user_id,
        scope_location_id=scope_location_id,
    )
    context.session.add(key)
    context.session.flush()
    return key, made.token


def scope_faults(actor: Actor, wanted: list[str]) -> list[str]:
    """Return what is wrong with the permissions somebody wants to hand out: nobody grants more than they hold."""
    if not wanted:
        return [_("Choose at least one.")]
    asked = permissions_of("owner") if "*" in wanted else frozenset(wanted)
    unknown = sorted(asked - set(all_permissions()))
    if unknown:
        return [_("There is no permission %(name)s.", name=unknown[0])]
    beyond = sorted(asked - actor.permissions)
    return [_("You do not hold %(name)s yourself.", name=beyond[0])] if beyond else []


def network_faults(networks: list[str]) -> list[str]:
    """Return what is wrong with a list of addresses and networks."""
    if len(networks) > 50:
        return [_("At most 50.")]
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            return [_("%(text)s is no address and no network such as 10.20.0.0/16.", text=network[:50])]
    return []


def location_faults(context: Context, location_id: int | None) -> list[str]:
    """Return what is wrong with narrowing somebody to a location: it must exist within one's own part."""
    if location_id is None:
        return [_("Choose a place within your own part.")] if context.actor.scope_location_id is not None else []
    table = Model.metadata.tables["locations"]
    missing = missing_references(context.session, [(table, "scope_location_id", location_id)])
    return [_("does not exist")] if missing else []


def revoke_api_key(context: Context, key_id: int) -> ApiKey:
    """End a key at once and for good. Raises NotFound."""
    key = context.session.scalars(select(ApiKey).where(ApiKey.id == key_id, ApiKey.deleted_at.is_(None))).one_or_none()
    if key is None:
        raise NotFound(_("There is no such key."))
    key.revoked_at = key.deleted_at = context.at
    context.session.flush()
    return key


def add_member(
    context: Context, *, email: str, name: str, password: str, role: str, scope_location_id: int | None = None
) -> Membership:
    """Let somebody in with a role. An address that is known already keeps its own name and password.

    Raises Invalid.
    """
    email, connection = email.strip(), context.session.connection()
    known = identity.find_user(email, connection=connection)
    errors = {} if known else person_faults("", name, email, password)
    for field, found in (
        ("role", role_faults(context.actor, role)),
        ("scope_location_id", location_faults(context, scope_location_id)),
    ):
        if found:
            errors[field] = found
    if known and membership_of(context, known["id"]) is not None:
        errors["email"] = [_("This person is a member already.")]
    if errors:
        raise Invalid(errors)
    user_id = (
        known["id"]
        if known
        else identity.create_user(
            email=email,
            name=name.strip() or email.partition("@")[0],
            password_hash=hash_password(password),
            connection=connection,
        )
    )
    if user_id is None:
        raise Conflict(_("Somebody has just taken this address."), code="taken")
    return let_in(context, user_id, known["name"] if known else name, email, role, scope_location_id)


def let_in(
    context: Context, user_id: int, name: str, email: str, role: str, scope_location_id: int | None
) -> Membership:
    """Make a user a member, and the person they are when nobody has their address."""
    person_id = person_of(context, name, email, location_id=scope_location_id)
    member = Membership(user_id=user_id, role=role, scope_location_id=scope_location_id, person_id=person_id)
    context.session.add(member)
    context.session.flush()
    return member


def person_of(context: Context, name: str, email: str, *, location_id: int | None = None) -> int:
    """Return the id of the person that a member is: the one with their address, or a new one."""
    persons = registry.resources["persons"]
    known = find_rows(context, persons, "email_key", [key_of(email)])
    if known:
        return int(known[key_of(email)]["id"])
    first, _space, last = (name.strip() or email.partition("@")[0]).rpartition(" ")
    patch = {"first_name": first or last, "last_name": last if first else None, "email": email}
    return create_row(context, persons, {**patch, "location_id": location_id})


def membership_of(context: Context, user_id: int) -> Membership | None:
    """Return a user's place in the organization, None when there is none."""
    query = select(Membership).where(Membership.user_id == user_id, Membership.deleted_at.is_(None))
    return context.session.scalars(query).one_or_none()


def role_faults(actor: Actor, role: str) -> list[str]:
    """Return what is wrong with handing out a role: nobody grants more than they hold."""
    if role not in ROLES:
        return [_("Choose one of the list.")]
    beyond = permissions_of(role) - actor.permissions
    return [_("You may not hand out this role.")] if beyond else []


def plan_member(draft: Draft, facts: Facts) -> None:
    """Say what a membership will be: nobody hands out a role or a place beyond their own."""
    context = facts.context
    if draft.changed("role"):
        for message in role_faults(context.actor, draft["role"]):
            draft.fail("role", message)
    if draft.changed("scope_location_id"):
        for message in location_faults(context, draft["scope_location_id"]):
            draft.fail("scope_location_id", message)


def settle_members(context: Context, changes: list[Change]) -> None:
    """Hold what must be true once memberships are written, and end the sessions that it cuts short.

    Raises Forbidden when the actor reaches above their own role, Conflict when no unnarrowed owner would be left.
    """
    for change in changes:
        before, after = change.before, change.after
        if before is None:
            continue
        if role_faults(context.actor, before["role"]) or location_faults(context, before["scope_location_id"]):
            raise Forbidden(_("This member may do more than you. Ask an owner."))
        if any(before[column] != after[column] for column in ("role", "scope_location_id", "is_active", "deleted_at")):
            _keep_an_owner(context)
            identity.close_sessions(
                after["user_id"], organization_id=context.organization_id, connection=context.session.connection()
            )


def _keep_an_owner(context: Context) -> None:
    """Raise Conflict unless an owner is left; locking them makes two who leave at once wait for each other."""
    owners = (
        select(Membership.id)
        .where(Membership.role == "owner", Membership.deleted_at.is_(None), Membership.scope_location_id.is_(None))
        .where(Membership.is_active.is_(True))
        .order_by(Membership.id)
        .with_for_update()
    )
    if not context.session.scalars(owners).all():
        raise Conflict(_("This is the last owner. Make somebody else an owner first."), code="last_owner")


def keys_made_by(context: Context, user_id: int) -> int:
    """Return how many living keys somebody has made: they go on working when the maker leaves."""
    query = select(func.count(ApiKey.id)).where(ApiKey.created_by_id == user_id, ApiKey.deleted_at.is_(None))
    return context.session.scalar(query) or 0
