"""`bin/backup`: the whole installation in one file, taken while it runs.

The database comes first, then the files: a file is stored before a row refers to it, so whatever the copied rows refer
to is there by then. Only a file that was deleted meanwhile, after its row, can be missing; then all is copied again.
"""

import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy.exc import SQLAlchemyError

import config
from webapp.archives.container import PartsWriter, Unreadable
from webapp.core.files import KEY, Store
from webapp.core.secrets import MASTER_FILE
from webapp.schema.copies import CannotCopy, Copied, backend_of, dump

KIND, VERSION = "quartermaster-backup", 1
DATABASE, SECRET, FILES = "database.copy", "master.key", "files/"
TRIES = 3
FAILURES = (CannotCopy, Unreadable, SQLAlchemyError, OSError, ValueError, RuntimeError)


def main(arguments: list[str]) -> str:
    """Make a backup and return the sentence that says so."""
    settings = config.load()
    place = _place(settings, arguments[0] if arguments else "")
    missing = back_up(settings, place)
    for key in missing:
        sys.stderr.write(f"Lost before: a row refers to the file {key}, which is not in the store.\n")
    return f"{place} ({place.stat().st_size:,} bytes). Who has it has everything: keep it as safe as the installation."


def _place(settings: Mapping[str, Any], given: str) -> Path:
    """Return where the backup goes: the file given, a new one in the folder given, or one in the instance."""
    name = f"quartermaster-{datetime.now(UTC):%Y%m%d-%H%M%S}.backup"
    if not given:
        return Path(settings["INSTANCE_DIR"]) / "backups" / name
    return Path(given) / name if Path(given).is_dir() else Path(given)


def back_up(settings: Mapping[str, Any], place: Path) -> list[str]:
    """Write everything into one file, whole or not at all; return the keys of files that were lost before."""
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w+b") as file:
            for attempt in range(TRIES):
                missing = _write(settings, file, place.parent)
                if not missing or attempt == TRIES - 1:
                    break
                file.seek(0)
                file.truncate()
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(place)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    return missing


def _write(settings: Mapping[str, Any], file: IO[bytes], folder: Path) -> list[str]:
    url = settings["SQLALCHEMY_DATABASE_URI"]
    with PartsWriter(file, KIND, VERSION) as writer:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".backup-") as work:
            copy = Path(work) / DATABASE
            copied: Copied = dump(url, settings["DATABASE_OWNER_URL"], copy)
            with copy.open("rb") as stream:
                writer.copy(DATABASE, stream, packed=backend_of(url) == "sqlite")
        with (Path(settings["INSTANCE_DIR"]) / MASTER_FILE).open("rb") as stream:
            writer.copy(SECRET, stream)
        missing = sorted(copied.file_keys - _copy_files(Store(settings["STORAGE_URL"]), writer))
        writer.finish(database=backend_of(url), revision=copied.revision, missing=missing)
    return missing


def _copy_files(store: Store, writer: PartsWriter) -> set[str]:
    """Write every stored file and return their keys; one that goes meanwhile is left out."""
    kept = set()
    for key in stored_keys(store):
        with suppress(FileNotFoundError), store.open(key, int(key.partition("/")[0])) as stream:
            writer.copy(FILES + key, stream)
            kept.add(key)
    return kept


def stored_keys(store: Store) -> list[str]:
    """Return the keys of all files of a store, in order."""
    root = store.root.rstrip("/") + "/"
    try:
        paths = store.system.find(root)
    except FileNotFoundError:
        return []
    return sorted(key for path in paths if KEY.fullmatch(key := str(path).removeprefix(root)))


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{main(sys.argv[1:])}\n")
    except FAILURES as failure:
        sys.exit(f"No backup was made: {failure}")
