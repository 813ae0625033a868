"""What proves who somebody is beside a password: one-time links, the second factor, recovery codes.

A part of the door that `core.identity` is, by the same rules: by the full secret or its hash, one statement a question.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from webapp.core.database import utcnow
from webapp.core.identity_statements import FLAG, ID, MOMENT, TEXT, WHOLE, Call, Row

TARGET = {"user_id": ID, "organization_id": ID, "invitation_id": ID}
MAKE_LINK = Call(
    "make_link",
    """INSERT INTO one_time_links
  (secret_hash, purpose, user_id, organization_id, invitation_id, created_at, expires_at)
VALUES (:secret_hash, :purpose, :user_id, :organization_id, :invitation_id, :at, :expires_at)""",
    {"secret_hash": TEXT, "purpose": TEXT, **TARGET, "at": MOMENT, "expires_at": MOMENT},
    writes=True,
)
FIND_LINK = Call(
    "find_link",
    """SELECT user_id, organization_id, invitation_id FROM one_time_links
WHERE secret_hash = :secret_hash AND purpose = :purpose AND expires_at > :at""",
    {"secret_hash": TEXT, "purpose": TEXT, "at": MOMENT},
    TARGET,
)
USE_LINK = Call(
    "use_link",
    """DELETE FROM one_time_links WHERE secret_hash = :secret_hash AND purpose = :purpose AND expires_at > :at
RETURNING user_id, organization_id, invitation_id""",
    {"secret_hash": TEXT, "purpose": TEXT, "at": MOMENT},
    TARGET,
    writes=True,
)
END_LINKS = Call(
    "end_links",
    """DELETE FROM one_time_links WHERE purpose = :purpose
  AND (user_id = :user_id OR (organization_id = :organization_id AND invitation_id = :invitation_id))""",
    {"purpose": TEXT, **TARGET},
    writes=True,
)
FIND_FACTOR = Call(
    "find_factor",
    """SELECT email, name, locale, password_hash, is_active, totp_secret, second_factor_at
FROM users WHERE id = :user_id""",
    {"user_id": ID},
    {
        "email": TEXT,
        "name": TEXT,
        "locale": TEXT,
        "password_hash": TEXT,
        "is_active": FLAG,
        "totp_secret": TEXT,
        "second_factor_at": MOMENT,
    },
)
SET_FACTOR = Call(
    "set_factor",
    """UPDATE users SET totp_secret = :totp_secret, second_factor_at = :since, updated_at = :at, version = version + 1,
  totp_step = CASE WHEN :totp_secret IS NULL THEN NULL ELSE totp_step END WHERE id = :user_id""",
    {"user_id": ID, "totp_secret": TEXT, "since": MOMENT, "at": MOMENT},
    writes=True,
)
USE_TOTP_STEP = Call(
    "use_totp_step",
    """UPDATE users SET totp_step = :step WHERE id = :user_id AND (totp_step IS NULL OR totp_step < :step)
RETURNING id""",
    {"user_id": ID, "step": ID},
    {"id": ID},
    writes=True,
)
ADD_RECOVERY_CODE = Call(
    "add_recovery_code",
    "INSERT INTO recovery_codes (user_id, code_hash, created_at) VALUES (:user_id, :code_hash, :at)",
    {"user_id": ID, "code_hash": TEXT, "at": MOMENT},
    writes=True,
)
USE_RECOVERY_CODE = Call(
    "use_recovery_code",
    "DELETE FROM recovery_codes WHERE user_id = :user_id AND code_hash = :code_hash RETURNING user_id",
    {"user_id": ID, "code_hash": TEXT},
    {"user_id": ID},
    writes=True,
)
DROP_RECOVERY_CODES = Call(
    "drop_recovery_codes", "DELETE FROM recovery_codes WHERE user_id = :user_id", {"user_id": ID}, writes=True
)
RECOVERY_CODES_LEFT = Call(
    "recovery_codes_left",
    "SELECT count(*) AS count FROM recovery_codes WHERE user_id = :user_id",
    {"user_id": ID},
    {"count": WHOLE},
)


@dataclass(frozen=True, slots=True)
class Link:
    """What a one-time link leads to: a user, or an invitation into an organization."""

    user_id: int | None
    organization_id: int | None
    invitation_id: int | None


def link_hash_of(token: str) -> str:
    """Return the SHA-256, in hex, under which a link is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_link(
    purpose: str,
    life: timedelta,
    *,
    user_id: int | None = None,
    organization_id: int | None = None,
    invitation_id: int | None = None,
    connection: Connection | None = None,
) -> str:
    """Make a link and return its token, which nobody can read again; ending older ones is the rule's part."""
    token, now = secrets.token_urlsafe(32), utcnow()
    target = {"user_id": user_id, "organization_id": organization_id, "invitation_id": invitation_id}
    values = {"secret_hash": link_hash_of(token), "purpose": purpose, "at": now, "expires_at": now + life}
    MAKE_LINK(connection, **values, **target)
    return token


def find_link(purpose: str, token: str) -> Link | None:
    """Return where a living link leads, without spending it."""
    rows = FIND_LINK(secret_hash=link_hash_of(token), purpose=purpose, at=utcnow())
    return Link(**rows[0]) if rows else None


def use_link(purpose: str, token: str, *, connection: Connection | None = None) -> Link | None:
    """Spend a link and return where it led; None when it is unknown, over or spent."""
    rows = USE_LINK(connection, secret_hash=link_hash_of(token), purpose=purpose, at=utcnow())
    return Link(**rows[0]) if rows else None


def end_links(
    purpose: str,
    *,
    user_id: int | None = None,
    organization_id: int | None = None,
    invitation_id: int | None = None,
    connection: Connection | None = None,
) -> None:
    """Make the links of a user, or of an invitation, worthless."""
    target = {"user_id": user_id, "organization_id": organization_id, "invitation_id": invitation_id}
    END_LINKS(connection, purpose=purpose, **target)


def find_factor(user_id: int, *, connection: Connection | None = None) -> Row | None:
    """Return email, name, locale, password_hash, is_active, totp_secret (sealed) and second_factor_at of a user."""
    rows = FIND_FACTOR(connection, user_id=user_id)
    return rows[0] if rows else None


def set_factor(
    user_id: int, sealed: str | None, *, since: datetime | None = None, connection: Connection | None = None
) -> None:
    """Keep a user's TOTP secret, which comes encrypted; it counts `since` it was confirmed. None drops it."""
    SET_FACTOR(connection, user_id=user_id, totp_secret=sealed, since=since, at=utcnow())


def use_totp_step(user_id: int, step: int, *, connection: Connection | None = None) -> bool:
    """Spend a time step; False when it, or a later one, was used before."""
    return bool(USE_TOTP_STEP(connection, user_id=user_id, step=step))


def replace_recovery_codes(user_id: int, hashes: list[str], *, connection: Connection | None = None) -> None:
    """Keep the hashes of new recovery codes; the old ones no longer work."""
    DROP_RECOVERY_CODES(connection, user_id=user_id)
    for code_hash in hashes:
        ADD_RECOVERY_CODE(connection, user_id=user_id, code_hash=code_hash, at=utcnow())


def use_recovery_code(user_id: int, code_hash: str, *, connection: Connection | None = None) -> bool:
    """Spend a recovery code; False when it is none of theirs, or was used before."""
    return bool(USE_RECOVERY_CODE(connection, user_id=user_id, code_hash=code_hash))


def recovery_codes_left(user_id: int) -> int:
    """Return how many recovery codes a user has not used."""
    return int(RECOVERY_CODES_LEFT(user_id=user_id)[0]["count"])
