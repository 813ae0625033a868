"""The bearer tokens of the API: keys, and JWTs (HS256) that name a session kept on the server.

An access token says nothing of rights: role, place and organization are read with the session, by one statement, at
each request. Whatever ends the session (sign-out, another password or role, removal) ends its tokens with it.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from flask import current_app

from webapp.core import identity
from webapp.core.database import db, utcnow
from webapp.core.identity import KeyHolder, Visit
from webapp.core.keys import KEY_PREFIX
from webapp.core.secrets import derive_key

if TYPE_CHECKING:
    from joserfc.jwk import OctKey

ACCESS, REFRESH = "access", "refresh"
ACCESS_LIFE = timedelta(minutes=15)
LONGEST = 1024


def _key(purpose: str) -> "OctKey":
    from joserfc.jwk import OctKey  # with much of cryptography: only where somebody signs in by the API

    return OctKey.import_key(derive_key(current_app.config["MASTER_SECRET"], f"jwt-{purpose}"))


def make_token(purpose: str, session_hash: str, expires_at: datetime, **claims: str) -> str:
    """Return a token for a session; each purpose has a key of its own, so that none passes for the other."""
    from joserfc import jwt

    times = {"iat": int(utcnow().timestamp()), "exp": int(expires_at.timestamp())}
    return jwt.encode({"alg": "HS256"}, {"sid": session_hash, **times, **claims}, _key(purpose))


def read_token(purpose: str, token: str) -> dict[str, Any] | None:
    """Return the claims of a token that we made for a purpose and that is not over."""
    if len(token) > LONGEST or token.count(".") != 2:
        return None
    from joserfc import jwt
    from joserfc.errors import JoseError

    try:
        claims = dict(jwt.decode(token, _key(purpose), algorithms=["HS256"]).claims)
    except (JoseError, ValueError, TypeError):  # what is no JSON, no object, no text
        return None
    return claims if claims["exp"] > utcnow().timestamp() else None


def find_holder(token: str, *, ip: str, reads: bool) -> KeyHolder | Visit | None:
    """Return whom a bearer token speaks for, None when it is not valid (any more); the request's session enters."""
    if token.startswith(KEY_PREFIX):
        return identity.find_api_key(token, ip=ip, session=db.session(), reads=reads)
    claims = read_token(ACCESS, token)
    if claims is None:
        return None
    return identity.find_session(secret_hash=claims["sid"], face="api", session=db.session(), reads=reads)
