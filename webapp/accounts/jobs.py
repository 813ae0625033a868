"""What accounts leave to the worker: letters with one-time links, and the rest of a changed rule.

A link is made by the worker, just before its letter, so that its secret lies in no table; a letter that has to be sent
again has a link of its own, and the one before no longer works.
"""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from webapp.accounts import invitations, resets
from webapp.accounts.letters import link_to, send_letter
from webapp.accounts.models import Invitation
from webapp.accounts.uniqueness import fill_switched
from webapp.accounts.usage import purge
from webapp.core import identity
from webapp.core.context import Context
from webapp.core.identity_proofs import end_links, make_link
from webapp.core.jobs import JobRun, job
from webapp.core.worker import every_sweep
from webapp.faces.navigation import ROLE_NAMES


@job("password_reset", _l("Letter for another password"))
def send_reset(context: Context, run: JobRun) -> None:
    """Mail a link to somebody who has forgotten a password, when there is such an account."""
    user = identity.find_user(run.payload["email"])
    home = identity.last_organization(user["id"]) if user and user["is_active"] else None
    if user is None or home is None:
        return
    end_links(resets.PURPOSE, user_id=user["id"])
    token = make_link(resets.PURPOSE, resets.LIFE, user_id=user["id"])
    send_letter(
        user["email"],
        lambda: _("Another password for Quartermaster"),
        "reset",
        user["locale"] or home.locale,
        name=user["name"],
        link=link_to("/reset", token),
    )


@job("invitation", _l("Letter of invitation"))
def send_invitation(context: Context, run: JobRun) -> None:
    """Mail an invitation that still stands."""
    query = select(Invitation).where(Invitation.id == run.payload["invitation_id"], Invitation.deleted_at.is_(None))
    invitation = context.session.scalars(query).one_or_none()
    if invitation is None:
        return
    target = {"organization_id": context.organization_id, "invitation_id": invitation.id}
    connection = context.session.connection()
    end_links(invitations.PURPOSE, **target, connection=connection)
    token = make_link(invitations.PURPOSE, invitation.expires_at - context.at, **target, connection=connection)
    invitation.sent_at = context.at
    who, organization = context.actor.name, context.tenant.name
    values = {
        "name": invitation.name or "",
        "inviter": who,
        "organization": organization,
        "role": ROLE_NAMES[invitation.role],
        "link": link_to("/invitation", token),
    }
    email = invitation.email
    run.commit()  # the link holds before the letter is out
    send_letter(
        email,
        lambda: _("%(who)s invites you to %(organization)s", who=who, organization=organization),
        "invitation",
        context.tenant.locale,
        **values,
    )


@job("fill_unique", _l("Check for serial numbers used twice"), lasting=True)
def fill_unique(context: Context, run: JobRun) -> str | None:
    """Give the rows that were written while a rule was switched on what the rule compares."""
    left = fill_switched(context, run.payload["setting"])
    return _("%(count)s rows still share a value.", count=left) if left else None


every_sweep(purge)
