"""Substring search over a resource's `search_text`: a trigram index behind a definer function on PostgreSQL, FTS5 on
SQLite. At least three characters; shorter words are prefixes of the searched columns (D2)."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Select, Text, case, cast, func, literal, literal_column, or_, select
from sqlalchemy import table as lexical
from sqlalchemy.orm import Session

from webapp.core.compiled import fetch
from webapp.core.context import Context
from webapp.core.database import Id, key_of
from webapp.core.resource import Resource
from webapp.core.tenancy import organization_of, scoped

HIT_LIMIT = 1_000
SHORTEST = 3
LAST_CHARACTER = "\U0010ffff"


class Hits(NamedTuple):
    """What a search found: the newest 1,000 ids, how many, whether any may begin with it, and the ways to write it."""

    ids: Any
    count: Any
    more: bool
    begins: bool
    word: Any
    upper: Any
    title: Any


def search_ids(context: Context, resource: Resource, q: str, *, gone: bool = False) -> Hits:
    """Return the newest rows whose text holds every word of `q`, among the living or among the deleted (`gone`).

    They may be anywhere in the organization. Their ids are text between commas, as the database takes them back.
    """
    way, values = _way(context.session, resource, q)

    def build(given: Sequence[Any]) -> Select[Any] | None:
        if way is None:
            return None
        found = way(context.session, resource, given, gone).subquery("found")
        ids: Any = func.aggregate_strings(cast(found.c.id, Text), ",").label("ids")
        begins = func.count().filter(found.c.begins).label("begins")
        return select(func.count().label("count"), ids, begins).select_from(found)

    shape = (way, resource.table.name, len(values), gone)
    rows = fetch(context.session, shape, values, build, anew=way is _by_prefix)
    count, ids, begins = rows[0].values() if rows else (0, "", 0)
    if count > HIT_LIMIT:
        ids = ",".join(map(str, sorted(map(int, ids.split(",")))[-HIT_LIMIT:]))
    return Hits(ids or "", min(count, HIT_LIMIT), count > HIT_LIMIT, begins > 0, *spellings(q))


def hits(context: Context, resource: Resource, q: str, *, gone: bool = False) -> Select[Any] | None:
    """Return the query of the ids that `search_ids` gives, one more than 1,000; None when nothing can be found."""
    way, values = _way(context.session, resource, q)
    return way and way(context.session, resource, values, gone)


def _way(session: Session, resource: Resource, q: str) -> tuple[Callable[..., Select[Any]] | None, Sequence[Any]]:
    """Return (what makes the query for some words, what it takes besides); (None, ()) when they find nothing."""
    words = sorted(key_of(q).split(), key=len, reverse=True)
    if not words or "search_text" not in resource.table.c:
        return None, ()
    if len(words[0]) < SHORTEST:
        return _by_prefix, spellings(q)
    if session.get_bind().dialect.name == "postgresql":
        return _by_trigrams, ([f"%{_escaped(word)}%" for word in words],)
    tenant = f'tenant : "{organization_of(session):012d}"'
    phrases = ['body : "' + word.replace('"', '""') + '"' for word in words if len(word) >= SHORTEST]
    return _by_fts, (" AND ".join([tenant, *phrases]), f"\n{key_of(q)}", *words[len(phrases) :])


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _by_trigrams(session: Session, resource: Resource, values: Sequence[Any], gone: bool) -> Select[Any]:
    call = getattr(func, f"search_{resource.table.name}")(literal(values[0], ARRAY(Text)), gone, HIT_LIMIT + 1)
    found = call.table_valued("id", "begins", name="found").render_derived()
    return select(found.c.id, found.c.begins)


def _by_fts(session: Session, resource: Resource, values: Sequence[Any], gone: bool) -> Select[Any]:
    table, (match, line, *short) = resource.table.name, values
    name = f"{table}_search"
    body: ColumnElement[Any] = literal_column("body", Text)
    deleted_at: ColumnElement[Any] = literal_column(f"(SELECT deleted_at FROM {table} t WHERE t.id = {name}.rowid)")  # noqa: S608 our table
    rowid: ColumnElement[Any] = literal_column("rowid", Id)
    return (
        select(rowid.label("id"), (func.instr("\n" + body, literal(line, Text)) > 0).label("begins"))
        .select_from(lexical(name))
        .where(literal_column(name).op("MATCH")(literal(match, Text)))
        .where(*(func.instr(body, literal(word, Text)) > 0 for word in short))
        .where(deleted_at.isnot(None) if gone else deleted_at.is_(None))
        .order_by(rowid.desc())
        .limit(HIT_LIMIT + 1)
    )


def _by_prefix(session: Session, resource: Resource, values: Sequence[Any], gone: bool) -> Select[Any]:
    table = resource.table
    return (
        select(table.c.id, literal(True).label("begins"))
        .where(scoped(session, table), table.c.deleted_at.isnot(None) == gone, _begins(resource, values))
        .order_by(table.c.id.desc())
        .limit(HIT_LIMIT + 1)
    )


def spellings(q: str) -> tuple[str, str, str]:
    """Return the ways in which words are usually written: as a twin holds them, and two that a bare text may hold."""
    word = key_of(q)
    return word, word.upper(), word.title()


def _written(resource: Resource, ways: Sequence[Any], names: tuple[str, ...] = ()) -> list[tuple[Any, Any]]:
    """Return (column, a way to write the words there): a twin holds one, a bare text any of the usual."""
    fields: list[Any] = [resource.fields[name] for name in names or resource.search]
    columns = resource.table.c
    found = [(columns[item.key], ways[0]) for item in fields if item.key]
    return found + [(columns[item.column], way) for item in fields if item.twin is None for way in ways]


def _begins(resource: Resource, ways: Sequence[Any]) -> ColumnElement[bool]:
    written = [(column, literal(way, Text)) for column, way in _written(resource, ways)]
    return or_(*((column >= way) & (column < way + LAST_CHARACTER) for column, way in written))


def is_exactly(resource: Resource, ways: Sequence[Any], names: tuple[str, ...] = ()) -> ColumnElement[bool]:
    """Return the predicate of the rows in which one of some searched fields, or of all, says just that."""
    return or_(*(column == way for column, way in _written(resource, ways, names)))


def search_rank(resource: Resource, ways: Sequence[Any]) -> ColumnElement[Any]:
    """Return the order of hits: exact, then prefix, then substring."""
    return case((is_exactly(resource, ways), 0), (_begins(resource, ways), 1), else_=2)
