"""Copies of a whole database for backups: taken while the application runs, put back into an empty place.

SQLite is copied by its online backup API, PostgreSQL by pg_dump and pg_restore as the owner, whom no policy holds.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import Connection, IsolationLevel, connect, sql
from sqlalchemy.engine import URL, make_url

from webapp.schema import migrate
from webapp.schema.database_roles import EXTENSIONS
from webapp.schema.migrate import has_data, upgrade
from webapp.schema.tenancy_ddl import RUNTIME_ROLE

FILE_KEY = "file_key"
"""How a column ends that names a stored file."""
CLIENT = "It comes with PostgreSQL's client: apt-get install postgresql-client."
LIBPQ = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "options": "PGOPTIONS"}


class CannotCopy(RuntimeError):
    """The database cannot be copied or put back; the message says why and what to do."""


@dataclass(frozen=True)
class Copied:
    """What a copy holds: the schema's revision, and the keys of the stored files that its rows refer to."""

    revision: str
    file_keys: frozenset[str]


def backend_of(url: str) -> str:
    """Return "sqlite" or "postgresql"."""
    return make_url(url).get_backend_name()


def known_revisions() -> set[str]:
    """Return every revision of the schema that this program knows."""
    return set(migrate.known_revisions()[1])


def newest_revision() -> str:
    """Return the revision of the schema that this program is written for."""
    (head,) = migrate.known_revisions()[0]
    return head


def dump(url: str, owner_url: str, path: Path) -> Copied:
    """Write a consistent copy of a database into a file, while it is in use; raise CannotCopy."""
    if backend_of(url) == "sqlite":
        return _dump_sqlite(Path(make_url(url).database or ""), path)
    return _dump_postgresql(_owner(owner_url), path)


def load(url: str, owner_url: str, path: Path, *, force: bool = False) -> None:
    """Put a copy in the place of a database, and migrate it up to this program's revision; raise CannotCopy.

    The database must hold no data, unless `force` is said; an SQLite file in the way is set aside then.
    """
    if not force and holds_data(url):
        raise CannotCopy("The database holds data already. --force puts the backup in its place.")
    if backend_of(url) == "sqlite":
        _load_sqlite(Path(make_url(url).database or ""), path)
    else:
        _load_postgresql(_owner(owner_url), path)


def holds_data(url: str) -> bool:
    """Tell whether somebody has signed up in a database; nothing is made where there is none."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return False
    return has_data(url)


def _dump_sqlite(source: Path, path: Path) -> Copied:
    if not source.exists():
        raise CannotCopy(f"There is no database at {source}.")
    with closing(sqlite3.connect(source)) as live, closing(sqlite3.connect(path)) as copy:
        live.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
        _check_sqlite(copy)
        tables = [row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [
            (table, row[1])
            for table in tables
            for row in copy.execute("SELECT * FROM pragma_table_info(?)", (table,))
            if row[1].endswith(FILE_KEY)
        ]
        revision = copy.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        asked = (copy.execute(f'SELECT "{column}" FROM "{table}"') for table, column in columns)  # noqa: S608 names are the schema's
        return Copied(revision, _keys(row[0] for found in asked for row in found))


def _check_sqlite(copy: sqlite3.Connection) -> None:
    faults = [row[0] for row in copy.execute("PRAGMA integrity_check")]
    if faults != ["ok"]:
        raise CannotCopy(f"The database is damaged: {faults[0]}")
    if copy.execute("PRAGMA foreign_key_check").fetchone():
        raise CannotCopy("The database is damaged: a row refers to one that is not there.")


def _keys(values: Iterable[str | None]) -> frozenset[str]:
    return frozenset(value for value in values if value)


def _load_sqlite(place: Path, path: Path) -> None:
    draft = place.with_name(f".{place.name}.restoring")
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        shutil.copyfile(path, draft)
        draft.chmod(0o600)
        upgrade(f"sqlite:///{draft}")
        with closing(sqlite3.connect(draft)) as copy:
            copy.execute("PRAGMA journal_mode = DELETE")
            _check_sqlite(copy)
        for suffix in ("", "-wal", "-shm"):
            old = place.with_name(place.name + suffix)
            if old.exists():
                old.replace(place.with_name(f"{place.name}.replaced{suffix}"))
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


def _owner(owner_url: str) -> URL:
    if not owner_url:
        raise CannotCopy("Set DATABASE_OWNER_URL: only the owner of the database sees all of it.")
    return make_url(owner_url).set(drivername="postgresql")


def _connect(owner: URL) -> Connection:
    return connect(owner.render_as_string(hide_password=False))


def _dump_postgresql(owner: URL, path: Path) -> Copied:
    """Dump from a snapshot that is held while the files are asked for, so that both say the same."""
    with _connect(owner) as link:
        link.isolation_level, link.read_only = IsolationLevel.REPEATABLE_READ, True
        snapshot = str(_one(link, "SELECT pg_export_snapshot()"))
        _run(owner, "pg_dump", "--format=custom", "--no-owner", f"--snapshot={snapshot}", f"--file={path}")
        path.chmod(0o600)
        columns = link.execute(
            "SELECT table_name, column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name LIKE %s",
            (f"%{FILE_KEY}",),
        ).fetchall()
        selects = [sql.SQL("SELECT {} FROM {}").format(*map(sql.Identifier, (c, t))) for t, c in columns]
        keys = _keys(row[0] for select in selects for row in link.execute(select))
        return Copied(str(_one(link, "SELECT version_num FROM alembic_version")), keys)


def _one(link: Connection, query: str) -> object:
    row = link.execute(query).fetchone()
    return None if row is None else row[0]


def _load_postgresql(owner: URL, path: Path) -> None:
    """Empty the database and fill it in one transaction; what the migrations grant comes with the dump."""
    with _connect(owner) as link:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        if _one(link, others):
            raise CannotCopy("Somebody is connected to the database: stop the application first.")
        if not link.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (RUNTIME_ROLE,)).fetchone():
            raise CannotCopy("There are no roles yet: `flask database prepare --admin-url …` makes them.")
        for extension in EXTENSIONS:
            link.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
    listed = _run(owner, "pg_restore", "--list", str(path)).splitlines()
    kept = [line for line in listed if " EXTENSION " not in line and " SCHEMA " not in line]
    with _listing(path.with_suffix(".list"), kept) as listing:
        _empty(owner)
        options = ("--no-owner", "--single-transaction", "--exit-on-error", f"--use-list={listing}")
        _run(owner, "pg_restore", *options, f"--dbname={owner.database}", str(path))
    upgrade(owner.set(drivername="postgresql+psycopg").render_as_string(hide_password=False))


OWN = """
SELECT format('DROP TABLE %s CASCADE', oid::regclass) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relowner = current_user::regrole
UNION ALL SELECT format('DROP ROUTINE %s CASCADE', oid::regprocedure) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND proowner = current_user::regrole
  AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')"""


def _empty(owner: URL) -> None:
    """Drop the tables and functions that are there: those of a first start, or what a forced restore replaces."""
    with _connect(owner) as link:
        for (statement,) in link.execute(OWN).fetchall():
            link.execute(statement)


@contextmanager
def _listing(path: Path, lines: list[str]) -> Iterator[Path]:
    path.write_text("\n".join(lines) + "\n")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def _run(owner: URL, program: str, *arguments: str) -> str:
    """Run one of PostgreSQL's programs on a database; the password goes by the environment, which others cannot see."""
    given = {
        "PGHOST": owner.host,
        "PGPORT": str(owner.port or ""),
        "PGUSER": owner.username,
        "PGPASSWORD": owner.password,
        "PGDATABASE": owner.database,
    } | {variable: str(owner.query[name]) for name, variable in LIBPQ.items() if name in owner.query}
    environ = dict(os.environ) | {name: str(value) for name, value in given.items() if value}
    try:
        done = subprocess.run([program, *arguments], env=environ, capture_output=True, text=True, check=False)  # noqa: S603 our own words
    except FileNotFoundError:
        raise CannotCopy(f"{program} is missing. {CLIENT}") from None
    if done.returncode:
        raise CannotCopy(f"{program} failed: {done.stderr.strip()[-2000:]}")
    return done.stdout
