"""An organization written into one file: a JSON line a row, a part a table, then the stored files and the manifest."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, Any

import orjson
from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import Membership, Organization, User
from webapp.archives.carried import FILE, carried_columns, carried_tables, roles_of
from webapp.archives.container import PartsWriter
from webapp.archives.encoding import encoder
from webapp.core.context import Tenant
from webapp.core.database import table_of
from webapp.core.errors import NotFound
from webapp.core.files import store
from webapp.core.seals import last_seal
from webapp.core.tenancy import CHECKED, new_session, organization_of, scoped
from webapp.schema.copies import newest_revision

KIND, VERSION = "quartermaster-organization", 1
TABLES, FILES, MEMBERS = "tables/", "files/", "members.jsonl"
ORGANIZATION_COLUMNS = (
    "guid", "name", "slug", "currency", "timezone", "locale", "settings", "asset_tag_pattern", "unique_serial",
    "environment",
)  # fmt: skip
CHUNK = 1_000
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Written:
    """What an archive holds: rows by table, and how many files."""

    rows: Mapping[str, int]
    files: int


def write_archive(tenant: Tenant, file: IO[bytes], progress: Progress | None = None) -> Written:
    """Write an organization as it stands at one moment into a file, and return what that holds.

    Opens a session of its own, whose snapshot lasts as long as the writing; `progress` is told (rows done, rows).
    """
    with new_session(tenant.id, write=False) as session, PartsWriter(file, KIND, VERSION) as writer:
        if session.get_bind().dialect.name == "postgresql":
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        tables, done = carried_tables(), 0
        counts = {table.name: _count(session, table) for table in tables}
        total, files = sum(counts.values()), Files()
        for table in tables:
            with writer.part(f"{TABLES}{table.name}.jsonl", table=table.name, rows=counts[table.name]) as write:
                for lines, count in _lines(session, table, files):
                    write(lines)
                    done += count
                    if progress:
                        progress(done, total)
        with writer.part(MEMBERS) as write:
            for member in _members(session):
                write(orjson.dumps(member) + b"\n")
        kept = files.copy(writer, organization_of(session))
        sequence, digest = last_seal(session)
        writer.finish(
            organization=_organization(session),
            revision=newest_revision(),
            seal={"sequence": sequence, "hash": digest},
            missing=sorted(files.names[key] for key in files.names.keys() - kept),
        )
    return Written(counts, len(kept))


class Files:
    """The stored files that rows refer to, by the names that they have in the archive."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}

    def name(self, key: str | None) -> str | None:
        """Return the name of a file in the archive."""
        return self.names.setdefault(key, f"{FILES}{len(self.names) + 1:06d}") if key else key

    def copy(self, writer: PartsWriter, organization_id: int) -> set[str]:
        """Write the files that are still there and return their keys."""
        kept = set()
        for key, name in self.names.items():
            with suppress(NotFound), store().open(key, organization_id) as stream:
                writer.copy(name, stream)
                kept.add(key)
        return kept


def _count(session: Session, table: Table) -> int:
    query = select(func.count()).select_from(table).where(scoped(session, table))
    return int(session.execute(query, execution_options=CHECKED).scalar_one())


def _lines(session: Session, table: Table, files: Files) -> Iterator[tuple[bytes, int]]:
    """Yield (JSON lines, how many) of a table, in the order of its key."""
    encode = encoder(table)
    named = [name for name, role in roles_of(table).items() if role == FILE]
    query = select(*carried_columns(table)).where(scoped(session, table)).order_by(*table.primary_key)
    query = query.execution_options(yield_per=CHUNK, **CHECKED)
    with session.execute(query) as found:  # closed on the way out: it is a cursor of the server
        for rows in found.mappings().partitions():
            made = [encode(dict(row)) for row in rows]
            for row in made:
                for column in named:
                    row[column] = files.name(row[column])
            yield b"".join(orjson.dumps(row) + b"\n" for row in made), len(made)


def _organization(session: Session) -> dict[str, Any]:
    table = table_of(Organization)
    query = select(*[table.c[name] for name in ORGANIZATION_COLUMNS]).where(scoped(session, table))
    return dict(session.execute(query, execution_options=CHECKED).mappings().one())


def _members(session: Session) -> list[dict[str, Any]]:
    """Return who has access: name, address, role, and the person they are; nothing that opens a door."""
    members, users = table_of(Membership), table_of(User)
    query = (
        select(users.c.id, users.c.email, users.c.name, members.c.role, members.c.person_id, members.c.is_active)
        .join(users, users.c.id == members.c.user_id)
        .where(scoped(session, members), members.c.deleted_at.is_(None))
        .order_by(members.c.id)
    )
    return [dict(row) for row in session.execute(query, execution_options=CHECKED).mappings()]
