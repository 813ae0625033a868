"""Substring search over a resource's `search_text`: a trigram index behind a definer function on PostgreSQL, FTS5 on
SQLite. At least three characters; shorter words are prefixes of the searched columns (D2)."""

from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, select, text

from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.resource import Resource
from webapp.core.tenancy import CHECKED, organization_of, scoped

HIT_LIMIT = 1_000
SHORTEST = 3
LAST_CHARACTER = "\U0010ffff"


def search_ids(context: Context, resource: Resource, q: str) -> tuple[list[int], bool]:
    """Return (ids, more): the newest rows whose text holds every word of `q`, and whether there are more than 1,000."""
    words = sorted(key_of(q).split(), key=len, reverse=True)
    if not words or "search_text" not in resource.table.c:
        return [], False
    if len(words[0]) < SHORTEST:
        ids = _by_prefix(context, resource, key_of(q))
    elif context.session.get_bind().dialect.name == "postgresql":
        statement = text(f"SELECT id FROM search_{resource.table.name}(:patterns, :hits) AS found(id)")  # noqa: S608
        values: dict[str, Any] = {"patterns": [f"%{_escaped(word)}%" for word in words], "hits": HIT_LIMIT + 1}
        ids = list(context.session.execute(statement, values, execution_options=CHECKED).scalars())
    else:
        ids = _by_fts(context, resource, words)
    return ids[:HIT_LIMIT], len(ids) > HIT_LIMIT


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _by_fts(context: Context, resource: Resource, words: list[str]) -> list[int]:
    name = f"{resource.table.name}_search"
    tenant = f'tenant : "{organization_of(context.session):012d}"'
    phrases = ['body : "' + word.replace('"', '""') + '"' for word in words if len(word) >= SHORTEST]
    statement = text(
        f"SELECT rowid FROM {name} WHERE {name} MATCH :phrase ORDER BY rowid DESC LIMIT :hits"  # noqa: S608
    )
    values = {"phrase": " AND ".join([tenant, *phrases]), "hits": HIT_LIMIT + 1}
    return list(context.session.execute(statement, values, execution_options=CHECKED).scalars())


def _by_prefix(context: Context, resource: Resource, word: str) -> list[int]:
    table = resource.table
    query = (
        select(table.c.id)
        .where(scoped(context.session, table), or_(*(_starts(column, word) for column in _columns(resource))))
        .order_by(table.c.id.desc())
        .limit(HIT_LIMIT + 1)
    )
    return list(context.session.execute(query, execution_options=CHECKED).scalars())


def _columns(resource: Resource) -> list[Any]:
    fields = [resource.fields[name] for name in resource.search]
    return [resource.table.c[getattr(item, "key", None) or item.column] for item in fields]


def _starts(column: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    return and_(column >= word, column < word + LAST_CHARACTER)


def search_rank(resource: Resource, q: str) -> list[ColumnElement[Any]]:
    """Return the order of hits: exact, then prefix, then substring."""
    word = key_of(q)
    exact = or_(*(column == word for column in _columns(resource)))
    starts = or_(*(_starts(column, word) for column in _columns(resource)))
    return [case((exact, 0), (starts, 1), else_=2)]
