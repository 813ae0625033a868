"""How the second factor is kept: its secret encrypted for one user, its recovery codes as fingerprints."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

from flask import current_app

from webapp.core.secrets import derive_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


def seal_secret(secret: str, user_id: int) -> str:
    """Return a TOTP secret encrypted for one user: AES-256-GCM, so that rows cannot be exchanged."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return urlsafe_b64encode(nonce + _cipher().encrypt(nonce, secret.encode(), _owner(user_id))).decode()


def open_secret(sealed: str, user_id: int) -> str | None:
    """Return the TOTP secret that `seal_secret` encrypted, None when it was sealed otherwise."""
    from cryptography.exceptions import InvalidTag

    try:
        raw = urlsafe_b64decode(sealed)
        return _cipher().decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _owner(user_id)).decode()
    except (InvalidTag, ValueError):
        return None


def code_hash_of(user_id: int, code: str) -> str:
    """Return the HMAC-SHA256, in hex, under which a user's recovery code is kept."""
    key = derive_key(current_app.config["MASTER_SECRET"], "recovery-codes")
    return hmac.new(key, f"{user_id}:{code}".encode(), hashlib.sha256).hexdigest()


def _owner(user_id: int) -> bytes:
    return f"user {user_id}".encode()


def _cipher() -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # seven megabytes, for who has a second factor

    return AESGCM(derive_key(current_app.config["MASTER_SECRET"], "second-factor"))
