"""The second factor: a time-based code (RFC 6238) from an authenticator, or one of ten recovery codes."""

import hmac
import secrets
from datetime import datetime, timedelta

import pyotp
from flask_babel import gettext as _
from sqlalchemy import Connection

from webapp.accounts.resources import MEMBERS
from webapp.accounts.rules import check_password, remember_user, role_faults
from webapp.accounts.sealing import code_hash_of, open_secret, seal_secret
from webapp.accounts.throttles import count_try, forget_tries
from webapp.core import identity
from webapp.core.access import require
from webapp.core.context import Context
from webapp.core.database import utcnow
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthorized
from webapp.core.identity_proofs import (
    end_links,
    find_factor,
    make_link,
    replace_recovery_codes,
    set_factor,
    use_recovery_code,
    use_totp_step,
)
from webapp.core.query import get_row
from webapp.core.recorder import remember

CODE_TRIES, CODE = 5, "code"
STEP_SECONDS, DRIFT = 30, (0, -1, 1)
PENDING, PENDING_LIFE = "second_factor", timedelta(minutes=10)
RECOVERY_CODES, HALF = 10, 5
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
ISSUER = "Quartermaster"


def pend(user_id: int, *, connection: Connection | None = None) -> str:
    """Return the token of somebody who has shown a password and is still to show a code, good for ten minutes."""
    return make_link(PENDING, PENDING_LIFE, user_id=user_id, connection=connection)


def begin(context: Context, password: str) -> None:
    """Make a secret for the actor, which counts once it is confirmed. Raises Invalid at `password`, Conflict."""
    user_id = context.actor.user_id or 0
    factor = find_factor(user_id)
    if factor is None or factor["second_factor_at"] is not None:
        raise Conflict(_("The second factor is on already."), code="second_factor_on")
    check_password(user_id, password, ip=context.ip)
    set_factor(user_id, seal_secret(pyotp.random_base32(), user_id), connection=context.session.connection())


def secret_under_way(user_id: int) -> str | None:
    """Return the secret that is still to be confirmed, None when there is none."""
    factor = find_factor(user_id)
    if factor is None or factor["second_factor_at"] is not None or not factor["totp_secret"]:
        return None
    return open_secret(factor["totp_secret"], user_id)


def provisioning_uri(secret: str, email: str) -> str:
    """Return the otpauth:// address that authenticators read from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER)


def confirm(context: Context, code: str) -> list[str]:
    """Switch the actor's second factor on and return ten recovery codes, known only now. Raises Invalid at `code`."""
    user_id = context.actor.user_id or 0
    count_try(CODE, str(user_id), context.ip, limit=CODE_TRIES)
    secret = secret_under_way(user_id)
    if secret is None:
        raise Conflict(_("Begin the set-up again."), code="not_begun")
    step = step_of(secret, code, utcnow())
    if step is None:
        raise Invalid({"code": [_("This is not the code that is due. Check the clock of your phone.")]})
    forget_tries(CODE, str(user_id), context.ip)
    connection = context.session.connection()
    use_totp_step(user_id, step, connection=connection)
    set_factor(user_id, seal_secret(secret, user_id), since=context.at, connection=connection)
    codes = new_codes()
    replace_recovery_codes(user_id, _hashes(user_id, codes), connection=connection)
    remember_user(context, user_id, "SecondFactorOn", {"second_factor": [False, True]})
    return codes


def disable(context: Context, password: str, code: str) -> None:
    """Switch the actor's second factor off, for who knows the password and holds a code. Raises Invalid."""
    user_id = context.actor.user_id or 0
    check_password(user_id, password, ip=context.ip)
    try:
        check_code(user_id, code, ip=context.ip)
    except Unauthorized as error:
        raise Invalid({"code": [error.message]}) from error
    drop(context, user_id)
    remember_user(context, user_id, "SecondFactorOff", {"second_factor": [True, False]})


def renew_codes(context: Context, password: str) -> list[str]:
    """Return ten new recovery codes in place of the old ones. Raises Invalid at `password`, Conflict."""
    user_id = context.actor.user_id or 0
    check_password(user_id, password, ip=context.ip)
    factor = find_factor(user_id)
    if factor is None or factor["second_factor_at"] is None:
        raise Conflict(_("The second factor is off."), code="second_factor_off")
    codes = new_codes()
    replace_recovery_codes(user_id, _hashes(user_id, codes), connection=context.session.connection())
    remember_user(context, user_id, "RecoveryCodes")
    return codes


def drop(context: Context, user_id: int) -> None:
    """Forget a user's second factor with all that belongs to it."""
    connection = context.session.connection()
    set_factor(user_id, None, connection=connection)
    replace_recovery_codes(user_id, [], connection=connection)
    end_links(PENDING, user_id=user_id, connection=connection)


def check_code(user_id: int, code: str, *, ip: str) -> bool:
    """Spend a code or a recovery code of a user; tell whether it was a recovery code.

    Raises Unauthorized for a wrong or used one, TooManyRequests after five wrong ones in a quarter of an hour.
    """
    count_try(CODE, str(user_id), ip, limit=CODE_TRIES)
    factor = find_factor(user_id)
    secret = open_secret(factor["totp_secret"], user_id) if factor and factor["totp_secret"] else None
    typed = "".join(code.split()).replace("-", "").casefold()
    step = step_of(secret, typed, utcnow()) if secret else None
    by_recovery = step is None and len(typed) == 2 * HALF and use_recovery_code(user_id, code_hash_of(user_id, typed))
    if not by_recovery and (step is None or not use_totp_step(user_id, step)):
        raise Unauthorized(_("This code is wrong or was used already. Wait for the next one."))
    forget_tries(CODE, str(user_id), ip)
    return by_recovery


def step_of(secret: str, code: str, at: datetime) -> int | None:
    """Return the 30-second step whose code this is, at most one away from now; None for any other code."""
    typed, now = "".join(code.split()), int(at.timestamp()) // STEP_SECONDS
    totp = pyotp.TOTP(secret)
    for drift in DRIFT:
        if hmac.compare_digest(totp.generate_otp(now + drift).encode(), typed.encode()):
            return now + drift
    return None


def new_codes() -> list[str]:
    """Return ten recovery codes of ten letters each, without the halves' hyphen: 31 ** 10 is over 2 ** 49."""
    return ["".join(secrets.choice(LETTERS) for _ in range(2 * HALF)) for _ in range(RECOVERY_CODES)]


def _hashes(user_id: int, codes: list[str]) -> list[str]:
    return [code_hash_of(user_id, code) for code in codes]


def spelled(code: str) -> str:
    """Return a recovery code as people read it: `k4mpq-7xw2d`."""
    return f"{code[:HALF]}-{code[HALF:]}"


def reset_for_member(context: Context, member_id: int) -> None:
    """Drop a member's second factor for who has lost it; it is written into the history.

    Raises Forbidden for oneself and for members who may do more, Conflict for those who belong to other organizations
    as well: one organization must not weaken an account of another's.
    """
    require(context.actor, MEMBERS.write_permission)
    row = get_row(context, MEMBERS, member_id)
    user_id = row["user_id"]
    if user_id == context.actor.user_id or role_faults(context.actor, row["role"]):
        raise Forbidden(_("This second factor is not yours to reset."))
    if any(tenant.id != context.organization_id for tenant, _role in identity.memberships(user_id)):
        raise Conflict(
            _("They belong to another organisation too. They can use a recovery code, or whoever runs this server."),
            code="belongs_elsewhere",
        )
    factor = find_factor(user_id)
    if factor is None or factor["second_factor_at"] is None:
        raise NotFound(_("Their second factor is off."))
    drop(context, user_id)
    identity.close_sessions(user_id, connection=context.session.connection())
    remember(context, MEMBERS, {**row, "name": row["user"]}, "SecondFactorReset")
