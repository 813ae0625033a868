"""Substring search over a resource's `search_text`: a trigram index behind a definer function on PostgreSQL, FTS5 on
SQLite. At least three characters; shorter words are prefixes of the searched columns (D2)."""

from typing import Any

from sqlalchemy import Column, ColumnElement, and_, case, or_, select, text

from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.resource import Resource
from webapp.core.tenancy import CHECKED, organization_of, scoped

HIT_LIMIT = 1_000
SHORTEST = 3
LAST_CHARACTER = "\U0010ffff"


def search_ids(context: Context, resource: Resource, q: str, *, gone: bool = False) -> tuple[list[int], bool]:
    """Return (ids, more): the newest rows whose text holds every word of `q`, and whether there are more than 1,000.

    They are looked for among the living, or among the deleted (`gone`).
    """
    words = sorted(key_of(q).split(), key=len, reverse=True)
    if not words or "search_text" not in resource.table.c:
        return [], False
    if len(words[0]) < SHORTEST:
        ids = _by_prefix(context, resource, key_of(q), gone)
    elif context.session.get_bind().dialect.name == "postgresql":
        statement = text(f"SELECT id FROM search_{resource.table.name}(:patterns, :gone, :hits) AS found(id)")  # noqa: S608 our table
        patterns = [f"%{_escaped(word)}%" for word in words]
        values: dict[str, Any] = {"patterns": patterns, "gone": gone, "hits": HIT_LIMIT + 1}
        ids = list(context.session.execute(statement, values, execution_options=CHECKED).scalars())
    else:
        ids = _by_fts(context, resource, words, gone)
    return ids[:HIT_LIMIT], len(ids) > HIT_LIMIT


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _by_fts(context: Context, resource: Resource, words: list[str], gone: bool) -> list[int]:
    table = resource.table.name
    name = f"{table}_search"
    tenant = f'tenant : "{organization_of(context.session):012d}"'
    phrases = ['body : "' + word.replace('"', '""') + '"' for word in words if len(word) >= SHORTEST]
    short = {f"word_{n}": word for n, word in enumerate(words) if len(word) < SHORTEST}
    also = "".join(f" AND instr(body, :{parameter}) > 0" for parameter in short)
    also += f" AND (SELECT deleted_at FROM {table} t WHERE t.id = {name}.rowid) IS {'NOT ' * gone}NULL"  # noqa: S608 our table
    statement = text(
        f"SELECT rowid FROM {name} WHERE {name} MATCH :phrase{also} ORDER BY rowid DESC LIMIT :hits"  # noqa: S608 our table
    )
    values = {"phrase": " AND ".join([tenant, *phrases]), "hits": HIT_LIMIT + 1, **short}
    return list(context.session.execute(statement, values, execution_options=CHECKED).scalars())


def _by_prefix(context: Context, resource: Resource, word: str, gone: bool) -> list[int]:
    table = resource.table
    query = (
        select(table.c.id)
        .where(scoped(context.session, table), table.c.deleted_at.isnot(None) == gone, _begins(resource, word))
        .order_by(table.c.id.desc())
        .limit(HIT_LIMIT + 1)
    )
    return list(context.session.execute(query, execution_options=CHECKED).scalars())


def _ways(resource: Resource, word: str) -> list[tuple[Column[Any], str]]:
    """Return (column, a way to write the word there): a twin holds one, a bare text any of the usual cases."""
    ways: list[tuple[Column[Any], str]] = []
    for name in resource.search:
        item: Any = resource.fields[name]
        if item.key:
            ways.append((resource.table.c[item.key], word))
        if item.twin is None:
            ways += [(resource.table.c[item.column], way) for way in sorted({word, word.upper(), word.title()})]
    return ways


def _begins(resource: Resource, word: str) -> ColumnElement[bool]:
    ways = _ways(resource, word)
    return or_(*(and_(column >= way, column < way + LAST_CHARACTER) for column, way in ways))


def search_rank(resource: Resource, q: str) -> list[ColumnElement[Any]]:
    """Return the order of hits: exact, then prefix, then substring."""
    word = key_of(q)
    exact = or_(*(column == way for column, way in _ways(resource, word)))
    return [case((exact, 0), (_begins(resource, word), 1), else_=2)]
