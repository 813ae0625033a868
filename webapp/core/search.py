"""Substring search over a resource's `search_text`: a trigram index behind a definer function on PostgreSQL, FTS5 on
SQLite. At least three characters; shorter words are prefixes of the searched columns (D2)."""

from typing import Any

from sqlalchemy import (
    ARRAY,
    Column,
    ColumnElement,
    Select,
    Text,
    and_,
    case,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy import table as lexical

from webapp.core.context import Context
from webapp.core.database import Id, key_of
from webapp.core.resource import Resource
from webapp.core.tenancy import CHECKED, organization_of, scoped

HIT_LIMIT = 1_000
SHORTEST = 3
LAST_CHARACTER = "\U0010ffff"


def search_ids(context: Context, resource: Resource, q: str, *, gone: bool = False) -> tuple[list[int], bool]:
    """Return (ids, more): the newest rows whose text holds every word of `q`, and whether there are more than 1,000.

    They are looked for among the living, or among the deleted (`gone`).
    """
    query = hits(context, resource, q, gone=gone)
    if query is None:
        return [], False
    ids = list(context.session.execute(query, execution_options=CHECKED).scalars())
    return ids[:HIT_LIMIT], len(ids) > HIT_LIMIT


def hits(context: Context, resource: Resource, q: str, *, gone: bool = False) -> Select[Any] | None:
    """Return the query of the ids that `search_ids` gives, one more than 1,000; None when nothing can be found."""
    words = sorted(key_of(q).split(), key=len, reverse=True)
    if not words or "search_text" not in resource.table.c:
        return None
    if len(words[0]) < SHORTEST:
        return _by_prefix(context, resource, key_of(q), gone)
    if context.session.get_bind().dialect.name == "postgresql":
        patterns = literal([f"%{_escaped(word)}%" for word in words], ARRAY(Text))
        call = getattr(func, f"search_{resource.table.name}")(patterns, gone, HIT_LIMIT + 1)
        return select(call.table_valued(column("id", Id), name="found").render_derived().c.id)
    return _by_fts(context, resource, words, gone)


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _by_fts(context: Context, resource: Resource, words: list[str], gone: bool) -> Select[Any]:
    table = resource.table.name
    name = f"{table}_search"
    tenant = f'tenant : "{organization_of(context.session):012d}"'
    phrases = ['body : "' + word.replace('"', '""') + '"' for word in words if len(word) >= SHORTEST]
    short = [func.instr(literal_column("body"), word) > 0 for word in words if len(word) < SHORTEST]
    deleted_at: ColumnElement[Any] = literal_column(f"(SELECT deleted_at FROM {table} t WHERE t.id = {name}.rowid)")  # noqa: S608 our table
    rowid: ColumnElement[Any] = literal_column("rowid", Id)
    return (
        select(rowid.label("id"))
        .select_from(lexical(name))
        .where(literal_column(name).op("MATCH")(" AND ".join([tenant, *phrases])), *short)
        .where(deleted_at.isnot(None) if gone else deleted_at.is_(None))
        .order_by(rowid.desc())
        .limit(HIT_LIMIT + 1)
    )


def _by_prefix(context: Context, resource: Resource, word: str, gone: bool) -> Select[Any]:
    table = resource.table
    return (
        select(table.c.id)
        .where(scoped(context.session, table), table.c.deleted_at.isnot(None) == gone, _begins(resource, word))
        .order_by(table.c.id.desc())
        .limit(HIT_LIMIT + 1)
    )


def _ways(resource: Resource, word: str, names: tuple[str, ...] | None = None) -> list[tuple[Column[Any], str]]:
    """Return (column, a way to write the word there): a twin holds one, a bare text any of the usual cases."""
    ways: list[tuple[Column[Any], str]] = []
    for name in resource.search if names is None else names:
        item: Any = resource.fields[name]
        if item.key:
            ways.append((resource.table.c[item.key], word))
        if item.twin is None:
            ways += [(resource.table.c[item.column], way) for way in sorted({word, word.upper(), word.title()})]
    return ways


def _begins(resource: Resource, word: str) -> ColumnElement[bool]:
    ways = _ways(resource, word)
    return or_(*(and_(column >= way, column < way + LAST_CHARACTER) for column, way in ways))


def is_exactly(resource: Resource, q: str, names: tuple[str, ...]) -> ColumnElement[bool]:
    """Return the predicate of the rows in which one of some searched fields says just that."""
    return or_(*(column == way for column, way in _ways(resource, key_of(q), names)))


def search_rank(resource: Resource, q: str) -> list[ColumnElement[Any]]:
    """Return the order of hits: exact, then prefix, then substring."""
    word = key_of(q)
    exact = or_(*(column == way for column, way in _ways(resource, word)))
    return [case((exact, 0), (_begins(resource, word), 1), else_=2)]
