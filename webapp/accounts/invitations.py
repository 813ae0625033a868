"""Invitations: somebody is asked in by mail, with a role and perhaps a place, and accepts by a link that works once."""

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import select

from webapp.accounts.models import ApiKey, Invitation, Membership
from webapp.accounts.passwords import hash_password
from webapp.accounts.rules import (
    Errors,
    email_faults,
    let_in,
    location_faults,
    membership_of,
    person_faults,
    role_faults,
)
from webapp.core import identity
from webapp.core.access import granted, permissions_of
from webapp.core.context import Context
from webapp.core.database import Model, key_of
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound
from webapp.core.identity_proofs import end_links, find_link, use_link
from webapp.core.jobs import enqueue
from webapp.core.tenancy import CHECKED, new_session

PURPOSE, LIFE = "invitation", timedelta(days=7)
INVITERS = frozenset({"members:write"})
INVITATIONS_AN_HOUR = 100


def invite(
    context: Context, *, email: str, role: str, name: str = "", scope_location_id: int | None = None
) -> Invitation:
    """Ask somebody in; the letter goes out once this is committed. Raises Invalid."""
    email, name = email.strip(), name.strip()
    errors: Errors = {}
    for field, found in (
        ("email", email_faults(email) or _taken_faults(context, email)),
        ("name", [_("At most 255 characters.")] if len(name) > 255 or "\x00" in name else []),
        ("role", role_faults(context.actor, role)),
        ("scope_location_id", location_faults(context, scope_location_id)),
    ):
        if found:
            errors[field] = found
    if errors:
        raise Invalid(errors)
    invitation = Invitation(
        email=email,
        email_key=key_of(email),
        name=name or None,
        role=role,
        scope_location_id=scope_location_id,
        expires_at=context.at + LIFE,
        invited_by_id=context.actor.user_id,
        invited_by_key_id=context.actor.api_key_id,
    )
    context.session.add(invitation)
    context.session.flush()
    _post(context, invitation)
    return invitation


def _taken_faults(context: Context, email: str) -> list[str]:
    connection = context.session.connection()
    known = identity.find_user(email, connection=connection)
    if known and membership_of(context, known["id"]) is not None:
        return [_("This person is a member already.")]
    query = select(Invitation.id).where(Invitation.email_key == key_of(email), Invitation.deleted_at.is_(None))
    if context.session.scalar(query):
        return [_("This address is invited already. Send it again, or withdraw it.")]
    return []


def _post(context: Context, invitation: Invitation) -> None:
    enqueue(context, "invitation", {"invitation_id": invitation.id})


def send_again(context: Context, invitation_id: int) -> Invitation:
    """Mail an invitation anew, for another week; the link of the last letter no longer works. Raises NotFound."""
    invitation = open_invitation(context, invitation_id)
    if role_faults(context.actor, invitation.role) or location_faults(context, invitation.scope_location_id):
        raise Forbidden(_("This invitation grants more than you hold."))
    invitation.expires_at = context.at + LIFE
    invitation.invited_by_id, invitation.invited_by_key_id = context.actor.user_id, context.actor.api_key_id
    context.session.flush()
    _post(context, invitation)
    return invitation


def withdraw(context: Context, invitation_id: int) -> Invitation:
    """Take an invitation back: its link leads nowhere any more. Raises NotFound."""
    invitation = open_invitation(context, invitation_id)
    invitation.deleted_at = context.at
    context.session.flush()
    end_links(
        PURPOSE,
        organization_id=context.organization_id,
        invitation_id=invitation.id,
        connection=context.session.connection(),
    )
    return invitation


def open_invitation(context: Context, invitation_id: int) -> Invitation:
    """Return an invitation that waits for its answer; raises NotFound."""
    query = select(Invitation).where(Invitation.id == invitation_id, Invitation.deleted_at.is_(None))
    invitation = context.session.scalars(query.with_for_update()).one_or_none()
    if invitation is None:
        raise NotFound(_("There is no such invitation."))
    return invitation


def waiting(token: str) -> Invitation | None:
    """Return the open invitation that a link leads to, read in a session of its own; None when it leads nowhere."""
    link = find_link(PURPOSE, token)
    if link is None or link.organization_id is None:
        return None
    with new_session(link.organization_id, write=False) as session:
        query = select(Invitation).where(Invitation.id == link.invitation_id, Invitation.deleted_at.is_(None))
        return session.scalars(query).one_or_none()


def accept(context: Context, token: str, *, user_id: int | None, name: str = "", password: str = "") -> int:
    """Spend a link: make its holder a member, and a user when nobody has the address; return the user's id.

    `user_id` names an account of the address whose holder has shown its password. Raises Invalid, Conflict when the
    account was made meanwhile, NotFound when the link is spent, Forbidden when who invited may no longer do so.
    """
    connection = context.session.connection()
    link = use_link(PURPOSE, token, connection=connection)
    if link is None or link.invitation_id is None or link.organization_id != context.organization_id:
        raise NotFound(_("This invitation is over"))
    invitation = open_invitation(context, link.invitation_id)
    if invitation.expires_at <= context.at or not _still_stands(context, invitation):
        raise Forbidden(_("Whoever invited you may no longer do so. Ask for another invitation."))
    if user_id is None:
        user_id = _new_user(context, invitation, name, password)
    if membership_of(context, user_id) is None:
        known = identity.find_user(invitation.email, connection=connection)
        called = known["name"] if known else name
        let_in(context, user_id, called, invitation.email, invitation.role, invitation.scope_location_id)
    invitation.accepted_at = invitation.deleted_at = context.at
    context.session.flush()
    return user_id


def _new_user(context: Context, invitation: Invitation, name: str, password: str) -> int:
    name = name.strip()
    errors = person_faults("", name, invitation.email, password)
    if errors:
        raise Invalid(errors)
    made = identity.create_user(
        email=invitation.email,
        name=name or invitation.email.partition("@")[0],
        password_hash=hash_password(password),
        connection=context.session.connection(),
    )
    if made is None:
        raise Conflict(_("This address has an account now. Open the link again."), code="taken")
    return made


def _still_stands(context: Context, invitation: Invitation) -> bool:
    """Tell whether who invited still holds what the invitation grants: nobody grants more than they hold."""
    wanted = permissions_of(invitation.role) | INVITERS
    if invitation.invited_by_id is not None:
        member = membership_of(context, invitation.invited_by_id)
        if member is None or not member.is_active:
            return False
        return permissions_of(member.role) >= wanted and _is_within(context, invitation, member)
    if invitation.invited_by_key_id is not None:
        key = context.session.get(ApiKey, invitation.invited_by_key_id)
        if key is None or key.deleted_at is not None or (key.expires_at and key.expires_at <= context.at):
            return False
        return granted("owner", key.scopes) >= wanted and _is_within(context, invitation, key)
    return True


def _is_within(context: Context, invitation: Invitation, holder: Membership | ApiKey) -> bool:
    """Tell whether an invitation's place lies in the part of the tree that somebody is narrowed to."""
    if holder.scope_location_id is None:
        return True
    if invitation.scope_location_id is None:
        return False
    tree = Model.metadata.tables["location_ancestors"]
    query = select(tree.c.location_id).where(
        tree.c.organization_id == context.organization_id,
        tree.c.ancestor_id == holder.scope_location_id,
        tree.c.location_id == invitation.scope_location_id,
    )
    return context.session.execute(query, execution_options=CHECKED).first() is not None
