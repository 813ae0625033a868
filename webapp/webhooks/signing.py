"""How a webhook's secret is made, kept and used: Standard Webhooks signatures, the secret encrypted for one webhook."""

import secrets
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from typing import TYPE_CHECKING

from flask import current_app
from standardwebhooks.webhooks import Webhook as Signer

from webapp.core.secrets import derive_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SECRET_BYTES, NONCE_BYTES = 32, 12


def make_secret() -> str:
    """Return a new secret as receivers write it down: `whsec_` and 32 random bytes in base64."""
    return "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def seal_secret(secret: str, guid: str) -> str:
    """Return a secret encrypted for one webhook: AES-256-GCM, so that rows cannot be exchanged."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return urlsafe_b64encode(nonce + _cipher().encrypt(nonce, secret.encode(), guid.encode())).decode()


def open_secret(sealed: str | None, guid: str) -> str | None:
    """Return the secret that `seal_secret` encrypted, None when it was sealed otherwise."""
    from cryptography.exceptions import InvalidTag

    try:
        raw = urlsafe_b64decode(sealed or "")
        return _cipher().decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], guid.encode()).decode()
    except (InvalidTag, ValueError):
        return None


def headers_for(message_id: str, at: datetime, body: str, keys: list[str]) -> dict[str, str]:
    """Return the headers of a message at a moment, signed with each key. Source: standardwebhooks.com, version 1."""
    return {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Signer(key).sign(message_id, at, body) for key in keys),
    }


def _cipher() -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # seven megabytes, where there are webhooks

    return AESGCM(derive_key(current_app.config["MASTER_SECRET"], "webhooks"))
