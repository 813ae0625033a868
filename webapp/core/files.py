"""Uploaded and generated files: a folder, or any store that fsspec speaks, under random names."""

import hashlib
import os
import re
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from flask import current_app

from webapp.core.context import is_rehearsal
from webapp.core.errors import NotFound, TooLarge

CHUNK = 256 * 1024
KEY = re.compile(r"[0-9]+/[0-9a-f]{2}/[0-9a-f]{30}")


@dataclass(frozen=True)
class StoredFile:
    """Where a stream went, how many bytes it had and their SHA-256."""

    key: str
    size: int
    sha256: str


class Store:
    """The files of all organizations; a key begins with the organization and tells nothing else."""

    def __init__(self, url: str) -> None:
        import fsspec  # only where files are

        self.system, self.root = fsspec.core.url_to_fs(url, auto_mkdir=True)

    def save(self, stream: IO[bytes], organization_id: int, limit: int | None = None) -> StoredFile:
        """Store a stream whole or not at all; raise TooLarge when it has more than `limit` bytes.

        In a rehearsed request the stream is only read.
        """
        name = secrets.token_hex(16)
        key = f"{organization_id:d}/{name[:2]}/{name[2:]}"
        digest, size = hashlib.sha256(), 0
        try:
            with open(os.devnull, "wb") if is_rehearsal() else self.system.open(self._path(key), "wb") as target:
                while chunk := stream.read(CHUNK):
                    size += len(chunk)
                    if limit is not None and size > limit:
                        raise TooLarge(f"a file may have {limit} bytes at most")
                    digest.update(chunk)
                    target.write(chunk)
        except BaseException:
            with suppress(FileNotFoundError):
                self.system.rm_file(self._path(key))
            raise
        return StoredFile(key, size, digest.hexdigest())

    def open(self, key: str, organization_id: int) -> BinaryIO:
        """Open a stored file for reading; raise NotFound when it is not there or another organization's."""
        try:
            return cast(BinaryIO, self.system.open(self._own(key, organization_id), "rb"))
        except FileNotFoundError:
            raise NotFound("there is no such file") from None

    def delete(self, key: str, organization_id: int) -> None:
        """Delete a stored file; one that is gone already is no error."""
        with suppress(FileNotFoundError):
            own = self._own(key, organization_id)
            if not is_rehearsal():
                self.system.rm_file(own)

    def _own(self, key: str, organization_id: int) -> str:
        if not KEY.fullmatch(key) or not key.startswith(f"{organization_id:d}/"):
            raise NotFound("there is no such file")
        return self._path(key)

    def _path(self, key: str) -> str:
        return f"{self.root.rstrip('/')}/{key}"


def store() -> Store:
    """Return the store that STORAGE_URL names, one a process."""
    if "file_store" not in current_app.extensions:
        current_app.extensions["file_store"] = Store(current_app.config["STORAGE_URL"])
    return cast(Store, current_app.extensions["file_store"])
