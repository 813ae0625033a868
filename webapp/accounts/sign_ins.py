"""Signing in without a browser: a session of the table of sessions, named by an access token and renewed by another.

The session lasts 30 days from the sign-in. A refresh token works once; one that comes a second time is in two
hands, so that the whole sign-in ends (RFC 9700, 4.14.2).
"""

import secrets
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from webapp.accounts.rules import sign_in
from webapp.core import identity
from webapp.core.context import Tenant
from webapp.core.database import utcnow
from webapp.core.errors import Forbidden, Invalid, Unauthorized
from webapp.faces.tokens import ACCESS, ACCESS_LIFE, REFRESH, make_token, read_token


def log_in(email: str, password: str, organization: str, *, ip: str, user_agent: str) -> dict[str, Any]:
    """Check a password as the sign-in page does and return the tokens of a new session.

    Raises Unauthorized, TooManyRequests, Forbidden (second_factor_required) and Invalid at `organization`.
    """
    known = sign_in(email, password, ip=ip)
    if known.needs_code:
        raise Forbidden(
            _("This account has a second factor, which no script can show. Use an API key."),
            code="second_factor_required",
        )
    tenants = [tenant for tenant, _role in known.memberships]
    tenant = _chosen(tenants, organization)
    secret = identity.open_session(known.user_id, tenant.id, ip=ip, user_agent=user_agent, remember=True)
    return _tokens(identity.session_hash_of(secret), tenant, old="")


def _chosen(tenants: list[Tenant], organization: str) -> Tenant:
    found = [tenant for tenant in tenants if not organization or organization in (tenant.slug, str(tenant.id))]
    if not found:
        raise Invalid({"organization": [_("You are not a member of it.")]})
    if len(found) > 1:
        slugs = ", ".join(tenant.slug for tenant in found)
        raise Invalid({"organization": [_("You belong to several, name one: %(slugs)s.", slugs=slugs)]})
    return found[0]


def refresh(token: str) -> dict[str, Any]:
    """Return another pair of tokens for the session that a refresh token renews; raises Unauthorized.

    A token that was used before ends the session.
    """
    claims = read_token(REFRESH, token)
    visit = identity.find_session(secret_hash=claims["sid"], face="api") if claims else None
    if claims is None or visit is None:
        raise _over()
    return _tokens(visit.secret_hash, visit.tenant, old=claims["jti"])


def _tokens(session_hash: str, tenant: Tenant, *, old: str) -> dict[str, Any]:
    """Return the tokens of a session and keep what the new refresh token is known by, in place of the old."""
    new = secrets.token_urlsafe(16)
    expires_at = identity.rotate_session(session_hash, old, new)
    if expires_at is None:
        identity.close_session(secret_hash=session_hash)
        raise _over()
    until = min(utcnow() + ACCESS_LIFE, expires_at)
    return {
        "access_token": make_token(ACCESS, session_hash, until),
        "refresh_token": make_token(REFRESH, session_hash, expires_at, jti=new),
        "token_type": "Bearer",
        "expires_in": _seconds_until(until),
        "organization": {"id": tenant.id, "name": tenant.name, "slug": tenant.slug},
    }


def _seconds_until(moment: datetime) -> int:
    return int((moment - utcnow()).total_seconds() + 0.5)


def _over() -> Unauthorized:
    return Unauthorized(_("This sign-in is over. Sign in again."))
