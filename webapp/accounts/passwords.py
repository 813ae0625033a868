"""Passwords: argon2id, never more hashes at once than there are cores."""

import os
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, LONGEST = 10, 128
MEMORY, ROUNDS = 19_456, 2  # KiB and passes: what OWASP advises for argon2id
_hasher = PasswordHasher(memory_cost=MEMORY, time_cost=ROUNDS, parallelism=1)
_cores = threading.BoundedSemaphore(os.cpu_count() or 1)
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5IGlzIGhlcmUuLg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def hash_password(password: str) -> str:
    """Return the hash to keep for a password."""
    with _cores:
        return _hasher.hash(password)


def is_right(password: str, kept: str | None) -> bool:
    """Tell whether a password goes with a kept hash; without one it takes as long and says no."""
    with _cores:
        try:
            return (
                _hasher.verify(kept or _NOBODYS, password[:LONGEST]) and kept is not None and len(password) <= LONGEST
            )
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Tell whether a hash was made with other costs than today's."""
    return _hasher.check_needs_rehash(kept)
