"""Many rows of a table by one statement: one jsonb parameter on PostgreSQL, executemany on SQLite (stack.md)."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import JSON, Table, TextClause, bindparam, insert, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from webapp.core.tenancy import CHECKED, organization_of

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy has no types here
POSITION = "position_"
KEYS = ("id", "version")
MANY = 50
"""From how many rows on it pays to say only once what all of them have."""
Stamp = tuple[str, str, Callable[[], Any]]
"""A column that no row says, its SQL expression on PostgreSQL, and what makes its value on SQLite."""


def insert_rows(
    session: Session,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    stamps: tuple[Stamp, ...] = (),
    columns: tuple[str, ...] = (),
) -> list[int]:
    """Insert rows and return their ids, in order; none where a table has no id.

    They all have the columns of the first, or each some of `columns`.
    """
    if not rows:
        return []
    has_id, stamped = "id" in table.c, {name for name, _expression, _make in stamps}
    if session.get_bind().dialect.name == "postgresql":
        columns = tuple(name for name in columns or rows[0] if name not in stamped)
        own, given = _parameters(table, columns, rows, ordered=has_id)
        result = session.execute(_insertion(table, columns, own, stamps), given, execution_options=CHECKED)
        return list(result.scalars().all()) if has_id else []
    statement = insert(table).returning(table.c.id) if has_id else insert(table)
    blank = dict.fromkeys(columns)
    lines = [blank | dict(row) | {name: make() for name, _expression, make in stamps} for row in rows]
    result = session.execute(statement, lines, execution_options=CHECKED)
    return sorted(result.scalars()) if has_id else []


def update_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]], *, versioned: bool = False) -> int:
    """Write the columns that all of some rows have beside their `id`; return how many rows were there.

    Those that are `versioned` say the version that they must still have, and get the next one.
    """
    if not rows:
        return 0
    columns = tuple(name for name in rows[0] if name not in KEYS)
    if session.get_bind().dialect.name == "postgresql":
        ordered = sorted(rows, key=lambda row: int(row["id"]))  # two of us must not wait for each other
        own, given = _parameters(table, (*rows[0],), ordered)
        given |= {"organization_id": organization_of(session), "first": ordered[0]["id"], "last": ordered[-1]["id"]}
        result: Any = session.execute(_change(table, columns, own, versioned), given, execution_options=CHECKED)
        return int(result.rowcount)
    values = {name: bindparam(f"_{name}", type_=table.c[name].type) for name in columns}
    mine = [table.c.organization_id == organization_of(session), table.c.id == bindparam("_id")]
    mine += [table.c.version == bindparam("_version")] if versioned else []
    statement = update(table).where(*mine).values({**values, **({"version": table.c.version + 1} if versioned else {})})
    prefixed = [{f"_{name}": value for name, value in row.items()} for row in rows]
    return int(session.connection().execute(statement, prefixed, execution_options=CHECKED).rowcount)


def reserve_ids(session: Session, table: Table, count: int) -> list[int]:
    """Return ids, in order, that no row of a table has or will get: rows can refer to each other before they are there.

    On SQLite that holds as long as the session's transaction, which must be one that writes, and once in it.
    """
    if session.get_bind().dialect.name == "postgresql":
        query = "SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)"
        taken = session.execute(text(query), {"name": table.name, "count": count}, execution_options=CHECKED)
        return sorted(taken.scalars())
    last = text("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = :name")
    first = int(session.execute(last, {"name": table.name}, execution_options=CHECKED).scalar_one()) + 1
    return list(range(first, first + count))


@lru_cache(maxsize=256)
def _binders(table: Table, columns: tuple[str, ...]) -> dict[str, Callable[[Any], Any]]:
    """Return what turns a value of our own column types into what the database keeps."""
    types = {name: table.c[name].type for name in columns}
    return {name: _binder(kind) for name, kind in types.items() if isinstance(kind, TypeDecorator)}


def _binder(kind: TypeDecorator[Any]) -> Callable[[Any], Any]:
    return lambda value: kind.process_bind_param(value, DIALECT)


def _parameters(
    table: Table, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]], *, ordered: bool = False
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the columns that rows have each for itself, and what the statement takes: those as JSON, the others once.

    What is not said in a row is null; `ordered` ones have a position.
    """
    binders = _binders(table, columns)
    values = {name: [row.get(name) for row in rows] for name in columns}
    own, given = [], {}
    for name, column in values.items():
        bind, first = binders.get(name), column[0]
        if len(rows) < MANY or name in KEYS or isinstance(table.c[name].type, JSON) or column.count(first) < len(rows):
            own.append(name)
            if bind is not None:
                values[name] = [value if value is None else bind(value) for value in column]
        else:
            given[f"same_{name}"] = first if bind is None or first is None else bind(first)
    if ordered:
        own.append(POSITION)
        values[POSITION] = list(range(len(rows)))
    lines = zip(*(values[name] for name in own), strict=True)
    given["rows"] = orjson.dumps([dict(zip(own, line, strict=True)) for line in lines]).decode()
    return tuple(own), given


def _recordset(table: Table, columns: tuple[str, ...]) -> str:
    typed = ", ".join(f"{name} {_type(table, name)}" for name in columns)
    return f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS given({typed})"


def _type(table: Table, column: str) -> str:
    return "integer" if column == POSITION else str(table.c[column].type.compile(DIALECT))


def _given(table: Table, column: str, own: tuple[str, ...]) -> str:
    """Return the expression of a column's value: each row's own, or the one of all."""
    kind = _type(table, column).partition(" COLLATE")[0]
    return f"given.{column}" if column in own else f"CAST(:same_{column} AS {kind})"


@lru_cache(maxsize=256)
def _insertion(table: Table, columns: tuple[str, ...], own: tuple[str, ...], stamps: tuple[Stamp, ...]) -> TextClause:
    values = {name: _given(table, name, own) for name in columns} | {name: made for name, made, _make in stamps}
    return text(
        f"INSERT INTO {table.name} ({', '.join(values)}) SELECT {', '.join(values.values())} "  # noqa: S608 our names
        f"FROM {_recordset(table, own)} "
        f"{f' ORDER BY {POSITION} RETURNING id' if POSITION in own else ''}"
    )


@lru_cache(maxsize=256)
def _change(table: Table, columns: tuple[str, ...], own: tuple[str, ...], versioned: bool) -> TextClause:
    name, keys = table.name, KEYS if versioned else KEYS[:1]
    values = [f"{column} = {_given(table, column, own)}" for column in columns]
    values += [f"version = {name}.version + 1"] if versioned else []
    mine = " AND ".join(f"{name}.{key} = given.{key}" for key in keys)
    return text(
        f"UPDATE {name} SET {', '.join(values)} FROM {_recordset(table, own)} "  # noqa: S608 as above
        f"WHERE {name}.organization_id = :organization_id AND {mine} "
        f"AND {name}.id BETWEEN :first AND :last"  # else a table that has just grown is read whole each time
    )
