"""A forgotten password: a letter with a link that works once within an hour."""

from datetime import timedelta

from webapp.accounts.rules import SIGN_IN, password_faults, set_password
from webapp.accounts.throttles import HOUR, allow, forget_tries
from webapp.core import identity
from webapp.core.context import Actor, Context, Tenant
from webapp.core.database import key_of
from webapp.core.errors import Invalid, NotFound
from webapp.core.identity_proofs import find_factor, find_link, use_link
from webapp.core.jobs import enqueue

PURPOSE, LIFE = "reset", timedelta(hours=1)
LETTERS_AN_HOUR, ASKED_FROM_AN_ADDRESS = 3, 20
NOBODY = Actor(name="Quartermaster", role="member", permissions=frozenset(), face="page")


def may_ask(email: str, ip: str) -> bool:
    """Count somebody who asks for a letter; False when the account has had its letters of this hour.

    Raises TooManyRequests for an address that asks for too many. Neither tells whether the account exists.
    """
    allow("reset:address", ip, limit=ASKED_FROM_AN_ADDRESS)
    return identity.hit_bucket(f"reset:account:{key_of(email)}", limit=LETTERS_AN_HOUR, window=HOUR).allowed


def post_office() -> Tenant | None:
    """Return the organization whose outbox takes letters to users: the first one, whoever they are.

    An account is looked for by the worker alone, so that the answer takes the same time whether there is one.
    """
    ids = identity.organization_ids()
    return identity.organization_by_id(ids[0]) if ids else None


def ask(context: Context, email: str) -> None:
    """Have the worker look for an account and mail it a link."""
    enqueue(context, "password_reset", {"email": email})


def holder_of(token: str) -> tuple[int, str, Tenant] | None:
    """Return (user id, name, an organization of theirs) of who holds a link, None when it leads nowhere."""
    link = find_link(PURPOSE, token)
    factor = find_factor(link.user_id) if link and link.user_id else None
    if link is None or link.user_id is None or factor is None or not factor["is_active"]:
        return None
    tenant = identity.last_organization(link.user_id)
    return None if tenant is None else (link.user_id, factor["name"], tenant)


def reset_password(context: Context, token: str, password: str) -> None:
    """Spend a link and keep its holder's new password; every session of theirs ends.

    Raises Invalid at `password`, NotFound when the link was spent meanwhile.
    """
    if found := password_faults(password):
        raise Invalid({"password": found})
    link = use_link(PURPOSE, token, connection=context.session.connection())
    if link is None or link.user_id is None or link.user_id != context.actor.user_id:
        raise NotFound
    set_password(context, link.user_id, password)


def forget_wrong_tries(user_id: int) -> None:
    """Let who has reset a password sign in at once; call it before the request's own transaction begins."""
    factor = find_factor(user_id)
    if factor is not None:
        forget_tries(SIGN_IN, key_of(factor["email"]))
