"""An archive turned into a new organization: first all of it is read and checked, then all of it is written at once."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

from flask_babel import gettext as _
from sqlalchemy import Table, bindparam, update
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from webapp.accounts.choices import LOCALES, currencies, timezones
from webapp.accounts.founding import free_slug, record_change, tenant_of
from webapp.accounts.models import Membership, Organization
from webapp.accounts.numbering import is_pattern
from webapp.accounts.rules import name_faults, person_of
from webapp.archives.carried import carried_tables, inner, uphill
from webapp.archives.container import Bounds, Parts, Unreadable, open_parts
from webapp.archives.encoding import WrongRow, decoder, left_behind
from webapp.archives.outgoing import FILES, KIND, MEMBERS, TABLES, VERSION
from webapp.archives.remapping import LOG, OWNER, Remapper, Row
from webapp.core.access import permissions_of
from webapp.core.context import Actor, Context, make_context
from webapp.core.database import Model, key_of
from webapp.core.errors import DomainError
from webapp.core.insertion import insert_rows, reserve_ids
from webapp.core.recorder import note_for_commit, record
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED
from webapp.core.writes import Change
from webapp.schema.copies import known_revisions

CHUNK, SEALED_AT_ONCE = 500, 2_000
Progress = Callable[[int, int], None]


class Refused(DomainError):
    """An archive that cannot become an organization; the message says why."""

    status, code = 422, "invalid"


class Taken(Exception):
    """Somebody else's organization got the reserved id: on SQLite it is reserved by nothing. Try again."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose the new organization is to be."""

    user_id: int
    name: str
    email: str
    face: str = "job"


@dataclass
class Survey:
    """What an archive holds: ids by table, what other rows' ids lead to, who had access, how many rows."""

    organization: Mapping[str, Any]
    ids: dict[str, set[int]] = field(default_factory=dict)
    resources: dict[tuple[str, int], str] = field(default_factory=dict)
    members: list[Row] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)


class Incoming:
    """An archive on its way in."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.tables = {table.name: table for table in carried_tables()}
        self.found = {
            name.removeprefix(TABLES).removesuffix(".jsonl"): name for name in parts.parts if name.startswith(TABLES)
        }
        self._check_manifest()

    def _check_manifest(self) -> None:
        """Refuse what this program does not know, and an organization that could not be."""
        manifest = self.parts.manifest
        if manifest.get("revision") not in known_revisions():
            raise Refused(_("A newer version of Quartermaster has made this. Update this one first."))
        strange = [n for n in self.parts.parts if n != MEMBERS and not n.startswith((TABLES, FILES))]
        strange += [name for table, name in self.found.items() if table not in self.tables or name.count(".") != 1]
        if strange:
            raise Refused(_("The part %(part)s is of no kind that an archive may hold.", part=strange[0][:80]))
        told = manifest.get("organization")
        if not isinstance(told, dict) or not _is_organization(told):
            raise Refused(_("The manifest is damaged: it describes no organisation."))

    def survey(self, progress: Progress | None = None) -> Survey:
        """Read and check every part, its digest and every value; nothing is written. Raises Refused."""
        survey = Survey(self.parts.manifest["organization"])
        for name in self.parts.parts:
            self.parts.check(name)
        for number, table in enumerate(self.tables.values(), 1):
            if table.name in self.found:
                self._survey_table(table, survey)
            if progress:
                progress(number, len(self.tables))
        if MEMBERS in self.parts.parts:
            survey.members = [_member(line) for line in self.parts.lines(MEMBERS)]
        return survey

    def _survey_table(self, table: Table, survey: Survey) -> None:
        ids: set[int] = set()
        keeps, has_ids, count = table.name in ("custom_fields", "imports"), "id" in table.c and table.name != LOG, 0
        for row in self.rows(table):
            count += 1
            if has_ids:
                if row["id"] in ids or row["id"] <= 0:
                    raise Refused(_wrong_row(table, count, "id is there twice"))
                ids.add(row["id"])
            if keeps:
                survey.resources[table.name, row["id"]] = row["resource"]
        survey.ids[table.name], survey.rows[table.name] = ids, count

    def rows(self, table: Table) -> Iterator[Row]:
        """Yield the rows of a table, each value of its column's type; raises Refused."""
        decode = decoder(table)
        if table.name in self.found:
            for number, line in enumerate(self.parts.lines(self.found[table.name]), 1):
                try:
                    yield decode(line)
                except WrongRow as error:
                    raise Refused(_wrong_row(table, number, str(error))) from None


@contextmanager
def opened(file: IO[bytes], bounds: Bounds | None = None) -> Iterator[Incoming]:
    """Open an archive; raises Refused with the sentence for the reader, whatever is wrong with it."""
    try:
        with open_parts(file, KIND, VERSION, bounds) as parts:
            yield Incoming(parts)
    except Unreadable as error:
        raise Refused(error.message) from None


def _wrong_row(table: Table, number: int, fault: str) -> str:
    return _("Row %(number)s of %(table)s is wrong: %(fault)s.", number=number, table=table.name, fault=fault)


def _is_organization(told: Mapping[str, Any]) -> bool:
    """Tell whether an organization could be what a manifest says."""
    texts = all(isinstance(told.get(name), str) for name in ("name", "currency", "timezone", "locale", "environment"))
    pattern, settings = told.get("asset_tag_pattern"), told.get("settings")
    return (
        texts
        and not name_faults(told["name"].strip())
        and told["currency"] in currencies()
        and told["timezone"] in timezones()
        and told["locale"] in LOCALES
        and told["environment"] in {"live", "sandbox"}
        and isinstance(told.get("unique_serial"), bool)
        and (pattern is None or (isinstance(pattern, str) and is_pattern(pattern)))
        and isinstance(settings, dict)
        and all(isinstance(v, str) and is_pattern(v) for n, v in settings.items() if n.endswith("_pattern"))
    )


def _member(line: Any) -> Row:
    known = isinstance(line, dict) and all(isinstance(line.get(name), str) for name in ("email", "name", "role"))
    if not known or type(line.get("id")) is not int or "\x00" in "".join(str(value) for value in line.values()):
        raise Refused(_("The part %(part)s is damaged: its content is not what the manifest says.", part=MEMBERS))
    return {name: line[name] for name in ("id", "email", "name", "role")}


@dataclass(frozen=True)
class Wanted:
    """What the new organization is to be: its reserved id, its guid, its owner, its name when not the archive's."""

    organization_id: int
    guid: str
    owner: Owner
    name: str = ""


def write_organization(
    session: Session,
    incoming: Incoming,
    survey: Survey,
    wanted: Wanted,
    files: Mapping[str, str],
    progress: Progress | None = None,
) -> Context:
    """Write all that an archive holds into a session bound to a new organization; return the owner's context.

    `files` are the stored files by their names in the archive. The caller commits. Raises Refused.
    """
    try:
        context = _begin(session, survey, wanted)
        ids = {name: _renumbered(session, incoming.tables[name], found) for name, found in survey.ids.items()}
        me = {m["id"]: wanted.owner.user_id for m in survey.members if key_of(m["email"]) == key_of(wanted.owner.email)}
        users = me | {OWNER: wanted.owner.user_id}
        remapper = Remapper((0, wanted.organization_id), ids, users, files, survey.resources)
        writer, total = _Writer(session, remapper, wanted.organization_id), sum(survey.rows.values())
        for table in incoming.tables.values():
            for count in writer.write(table, incoming.rows(table)):
                if progress:
                    progress(writer.done + count, total)
            writer.done += survey.rows.get(table.name, 0)
        writer.fill_uphill()
        _give(context, wanted)
        session.flush()
    except (IntegrityError, DataError) as error:
        table_name = _table_of(str(error.orig), incoming.tables)
        raise Refused(_("The rows of %(table)s contradict each other.", table=table_name)) from error
    return context


def _table_of(words: str, tables: Iterable[str]) -> str:
    """Return the table that a database's complaint names."""
    return next((name for name in sorted(tables, key=len, reverse=True) if name in words), "?")


def _renumbered(session: Session, table: Table, found: set[int]) -> dict[int, int]:
    """Return {old id: new id} in the same order."""
    return dict(zip(sorted(found), reserve_ids(session, table, len(found)), strict=True)) if found else {}


def _begin(session: Session, survey: Survey, wanted: Wanted) -> Context:
    """Make the organization's own row; its history gets its line when the one it brings is there."""
    told = survey.organization
    kept = ("currency", "timezone", "locale", "settings", "asset_tag_pattern", "unique_serial", "environment")
    name = wanted.name.strip() or told["name"].strip()
    if name_faults(name):
        raise Refused(" ".join(str(fault) for fault in name_faults(name)))
    organization = Organization(
        id=wanted.organization_id,
        guid=wanted.guid,
        name=name,
        slug=free_slug(name),
        **{column: told[column] for column in kept},
    )
    session.add(organization)
    try:
        session.flush()
    except IntegrityError as error:
        raise Taken from error
    tenant, owner = tenant_of(organization), wanted.owner
    actor = Actor(
        name=owner.name,
        role="owner",
        permissions=permissions_of("owner"),
        face=owner.face,
        user_id=owner.user_id,
        locale=tenant.locale,
        timezone=tenant.timezone,
    )
    session.info["founded"] = organization
    return make_context(session, tenant, actor)


def _give(context: Context, wanted: Wanted) -> None:
    """Give the organization to its owner, and write both down."""
    organization = context.session.info.pop("founded")
    values = {column.name: getattr(organization, column.name) for column in organization.__table__.c}
    record_change(context, [Change(None, values)])
    person_id = person_of(context, wanted.owner.name, wanted.owner.email)
    owner = wanted.owner.user_id
    context.session.add(
        Membership(organization_id=wanted.organization_id, user_id=owner, role="owner", person_id=person_id)
    )


class _Writer:
    """Puts turned rows into their tables, in an order in which nothing leads to what is not there yet."""

    def __init__(self, session: Session, remapper: Remapper, organization_id: int) -> None:
        self.session, self.remapper, self.organization_id = session, remapper, organization_id
        self.later: dict[str, list[Row]] = {}
        self.done = 0

    def write(self, table: Table, rows: Iterator[Row]) -> Iterator[int]:
        """Write the rows of a table and yield how many were read so far, chunk by chunk."""
        count, living = 0, 0
        turned, columns = self._turned(table, rows), uphill(table)
        size = SEALED_AT_ONCE if table.name == LOG else CHUNK
        while chunk := list(islice(turned, size)):
            count += len(chunk)
            for row in chunk:
                self._put_off(table, row, columns)
                living += row.get("deleted_at") is None
            self._insert(table, chunk)
            yield count
        if registry.by_table(table.name) and "deleted_at" in table.c:
            note_for_commit(self.session, table.name, "Create", living)

    def _turned(self, table: Table, rows: Iterator[Row]) -> Iterator[Row]:
        turn, column = self.remapper.turn(table), inner(table)
        fixed = {**left_behind(table), "organization_id": self.organization_id}

        def all_of_them() -> Iterator[Row]:
            for number, row in enumerate(rows, 1):
                try:
                    made = turn(row)
                except WrongRow as error:
                    raise Refused(_wrong_row(table, number, str(error))) from None
                if made is not None:
                    yield made | fixed

        return all_of_them() if column is None else _outer_first(table, column, all_of_them())

    def _put_off(self, table: Table, row: Row, columns: set[str]) -> None:
        """Keep the references of a row that close a circle for the end."""
        led = {name: row[name] for name in columns if row[name] is not None}
        if led:
            self.later.setdefault(table.name, []).append({"_id": row["id"], **{name: row[name] for name in columns}})
            row.update(dict.fromkeys(led))

    def _insert(self, table: Table, rows: list[Row]) -> None:
        if table.name == LOG:
            for row in rows:
                del row["id"], row["transaction_id"]
            record(self.session, rows)
        else:
            insert_rows(self.session, table, rows)

    def fill_uphill(self) -> None:
        """Fill the references that were kept for the end."""
        for name, rows in self.later.items():
            table = Model.metadata.tables[name]
            columns = [column for column in rows[0] if column != "_id"]
            statement = (
                update(table)
                .where(table.c.organization_id == self.organization_id, table.c.id == bindparam("_id"))
                .values({column: bindparam(f"_{column}") for column in columns})
            )
            values = [{"_id": row["_id"]} | {f"_{column}": row[column] for column in columns} for row in rows]
            for start in range(0, len(values), CHUNK):
                self.session.execute(statement, values[start : start + CHUNK], execution_options=CHECKED)


def _outer_first(table: Table, column: str, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield rows after the row that they stand in; raises Refused when some stand in each other."""
    there: set[int] = set()
    waiting: dict[int, list[Row]] = {}
    for row in rows:
        outer = row[column]
        if outer is not None and outer not in there:
            waiting.setdefault(outer, []).append(row)
            continue
        ready = [row]
        while ready:
            one = ready.pop()
            yield one
            there.add(one["id"])
            ready += waiting.pop(one["id"], [])
    if waiting:
        raise Refused(_wrong_row(table, 1, f"{column} leads in a circle"))
