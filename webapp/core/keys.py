"""The form of an API key: `qm_live_<id>_<secret><crc>`, checked before any query, kept only as an HMAC."""

import hashlib
import hmac
import re
import secrets
import zlib
from dataclasses import dataclass

from flask import current_app

from webapp.core.secrets import derive_key

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_PREFIX = "qm_live_"
SECRET_LENGTH = 43  # 62 ** 43 is just over 2 ** 256
CHECKSUM_LENGTH = 6  # 62 ** 6 is over 2 ** 32
_KEY = re.compile(rf"{KEY_PREFIX}[0-9a-f]{{8}}_[0-9A-Za-z]{{{SECRET_LENGTH + CHECKSUM_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the token for its holder, prefix and hash for the table."""

    token: str
    prefix: str
    secret_hash: str


def checksum_of(body: str) -> str:
    """Return the CRC-32 of a key's body as six base-62 digits."""
    number, digits = zlib.crc32(body.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def make_key() -> NewKey:
    """Make a key at random."""
    prefix = KEY_PREFIX + secrets.token_hex(4)
    body = f"{prefix}_" + "".join(secrets.choice(ALPHABET) for _ in range(SECRET_LENGTH))
    token = body + checksum_of(body)
    return NewKey(token, prefix, secret_hash_of(token))


def is_well_formed(token: str) -> bool:
    """Tell whether a text has the form of a key and its own checksum."""
    return _KEY.fullmatch(token) is not None and checksum_of(token[:-CHECKSUM_LENGTH]) == token[-CHECKSUM_LENGTH:]


def prefix_of(token: str) -> str:
    """Return the part of a key that may be shown and logged."""
    return token[: len(KEY_PREFIX) + 8]


def secret_hash_of(token: str) -> str:
    """Return the HMAC-SHA256 of a key, in hex, under the key derived for that purpose."""
    return hmac.new(
        derive_key(current_app.config["MASTER_SECRET"], "api-keys"), token.encode(), hashlib.sha256
    ).hexdigest()
