"""`bin/restore FILE`: a backup put into an empty place; nothing is touched before all of the file has been checked."""

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import config
from webapp.archives.backup import DATABASE, FAILURES, FILES, KIND, SECRET, VERSION, stored_keys
from webapp.archives.container import CHUNK, Bounds, Parts, Unreadable, open_parts
from webapp.core.files import KEY, Store
from webapp.core.secrets import MASTER_FILE
from webapp.schema.copies import CannotCopy, backend_of, holds_data, known_revisions, load

OWN_FILE = Bounds(parts=10**8, directory=2**40, manifest=2**36, expanded=2**60, ratio=1_100)
"""The operator's own file may be as big as the installation."""


def main(arguments: list[str]) -> str:
    """Restore a backup and return the sentence that says so."""
    names = [argument for argument in arguments if argument != "--force"]
    if len(names) != 1:
        raise Unreadable("usage: bin/restore FILE [--force]")
    count = restore(config.load(), Path(names[0]), force="--force" in arguments)
    said = f"Restored: the database, the secret and {count:,} files."
    return f"{said} Start with bin/run; `flask activity verify` checks the history."


def restore(settings: Mapping[str, Any], place: Path, *, force: bool = False) -> int:
    """Put a backup in the place that the settings name and return how many files it brought.

    Files come first, then the secret, then the database in one step: a place stays empty until all of it is there.
    Raises Unreadable for a damaged file or one that is not for this program, CannotCopy for a place that is in use.
    """
    with place.open("rb") as file, open_parts(file, KIND, VERSION, OWN_FILE) as parts:
        _check(settings, parts)
        if not force and holds_data(settings["SQLALCHEMY_DATABASE_URI"]):
            raise CannotCopy("There is data already. Restore into an empty place, or say --force to replace it.")
        for name in parts.parts:
            parts.check(name)
        store = Store(settings["STORAGE_URL"])
        keys = [name.removeprefix(FILES) for name in parts.parts if name.startswith(FILES)]
        if not force and set(stored_keys(store)) - set(keys):
            raise CannotCopy(f"There are files in {settings['STORAGE_URL']} already. --force adds those of the backup.")
        for key in keys:
            _put(store, key, parts)
        _put_secret(Path(settings["INSTANCE_DIR"]), b"".join(parts.blocks(SECRET)))
        with tempfile.TemporaryDirectory(dir=settings["INSTANCE_DIR"], prefix=".restore-") as work:
            copy = Path(work) / DATABASE
            with copy.open("wb") as target:
                for block in parts.blocks(DATABASE):
                    target.write(block)
            load(settings["SQLALCHEMY_DATABASE_URI"], settings["DATABASE_OWNER_URL"], copy, force=force)
    return len(keys)


def _check(settings: Mapping[str, Any], parts: Parts) -> None:
    """Refuse what is not for this program or this database."""
    held, wanted = parts.manifest.get("database"), backend_of(settings["SQLALCHEMY_DATABASE_URI"])
    if not {DATABASE, SECRET} <= set(parts.parts):
        raise Unreadable("The backup lacks the database or the secret.")
    if held != wanted:
        raise CannotCopy(f"The backup is one of {held}, but DATABASE_URL names {wanted}.")
    if parts.manifest.get("revision") not in known_revisions():
        raise CannotCopy("The backup was made by a newer version of the program: update this one first.")
    foreign = [name for name in parts.parts if name.startswith(FILES) and not KEY.fullmatch(name.removeprefix(FILES))]
    if foreign:
        raise Unreadable(f"The part {foreign[0][:80]} is no stored file.")


def _put(store: Store, key: str, parts: Parts) -> None:
    with store.system.open(f"{store.root.rstrip('/')}/{key}", "wb") as target, parts.open(FILES + key) as source:
        while block := source.read(CHUNK):
            target.write(block)


def _put_secret(instance: Path, secret: bytes) -> None:
    """Write the secret; another one, of a first start or of what is replaced, is set aside."""
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = instance / MASTER_FILE
    if path.exists() and path.read_bytes() == secret:
        return
    if path.exists():
        path.replace(path.with_name(f"{MASTER_FILE}.replaced"))
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as target:
        target.write(secret)
        target.flush()
        os.fsync(target.fileno())


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{main(sys.argv[1:])}\n")
    except FAILURES as failure:
        sys.exit(f"Nothing was restored: {failure}")
