"""The master secret, the keys derived from it, and the one-time token of the first visit."""

import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from flask import current_app

MASTER_FILE = "master.key"
SETUP_FILE = "setup.token"
MASTER_BYTES = 32


class SecretMissing(RuntimeError):
    """There is data, but not the secret that its keys, sessions and seals were made with."""


def load_master_secret(instance_dir: str | Path, has_data: bool) -> bytes:
    """Return the 32 bytes that every key is derived from, made at the first run.

    Raises SecretMissing when the file is gone though the database already holds data: a new secret would silently
    void every API key, session and seal. Raises RuntimeError when the file is damaged.
    """
    path = Path(instance_dir) / MASTER_FILE
    if not path.exists():
        if has_data:
            raise SecretMissing(f"{path} is missing, but the database holds data: put it back from your backup")
        _write_once(path, secrets.token_hex(MASTER_BYTES))
    return _read_master(path)


@lru_cache(maxsize=64)
def derive_key(master: bytes, purpose: str) -> bytes:
    """Return the 32-byte key of one purpose; knowing it tells nothing about the others. HKDF-SHA256, RFC 5869."""
    known = hmac.digest(bytes(32), master, "sha256")  # no salt: as many zeros as the digest has bytes
    return hmac.digest(known, f"quartermaster/{purpose}\x01".encode(), "sha256")


def setup_token(instance_dir: str | Path | None = None) -> str:
    """Return the token that the first visit to /setup must show, made when there is none."""
    path = _setup_path(instance_dir)
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(24))
    return path.read_text().strip()


def is_setup_token(given: str, instance_dir: str | Path | None = None) -> bool:
    """Tell, in constant time, whether somebody shows the token of the first visit."""
    path = _setup_path(instance_dir)
    return path.exists() and hmac.compare_digest(path.read_text().strip().encode(), given.encode())


def spend_setup_token(instance_dir: str | Path | None = None) -> None:
    """Make the token of the first visit worthless: it worked once."""
    _setup_path(instance_dir).unlink(missing_ok=True)


def _setup_path(instance_dir: str | Path | None) -> Path:
    return Path(instance_dir or current_app.config["INSTANCE_DIR"]) / SETUP_FILE


def _read_master(path: Path) -> bytes:
    try:
        master = bytes.fromhex(path.read_text().strip())
    except ValueError:
        master = b""
    if len(master) != MASTER_BYTES:
        raise RuntimeError(f"{path} is damaged: put it back from your backup")
    return master


def _write_once(path: Path, text: str) -> None:
    """Write a file that only we may read, whole or not at all; a file that came first wins."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
