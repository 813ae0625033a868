"""Many rows into a table by one statement: one jsonb parameter on PostgreSQL, executemany on SQLite (stack.md)."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Table, TextClause, insert, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from webapp.core.tenancy import CHECKED

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy has no types here
POSITION = "position_"


def insert_rows(
    session: Session, table: Table, rows: Sequence[Mapping[str, Any]], stamps: tuple[tuple[str, str], ...] = ()
) -> list[int]:
    """Insert rows that all have the same columns and return their ids, in order; none where a table has no id.

    `stamps` are (column, SQL expression) pairs that PostgreSQL fills in by itself.
    """
    if not rows:
        return []
    if "id" not in table.c:
        session.execute(insert(table), list(rows), execution_options=CHECKED)
        return []
    if session.get_bind().dialect.name != "postgresql":
        statement = insert(table).returning(table.c.id)
        return sorted(session.execute(statement, list(rows), execution_options=CHECKED).scalars())
    columns = tuple(rows[0])
    binders = _binders(table, columns)
    values = [
        {
            name: value if (bind := binders.get(name)) is None or value is None else bind(value)
            for name, value in r.items()
        }
        | {POSITION: position}
        for position, r in enumerate(rows)
    ]
    given = {"rows": orjson.dumps(values).decode()}
    return list(session.execute(_statement(table, columns, stamps), given, execution_options=CHECKED).scalars())


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


@lru_cache(maxsize=256)
def _statement(table: Table, columns: tuple[str, ...], stamps: tuple[tuple[str, str], ...]) -> TextClause:
    names = ", ".join(columns)
    typed = ", ".join(f"{name} {table.c[name].type.compile(DIALECT)}" for name in columns)
    stamped = "".join(f", {name}" for name, _expression in stamps)
    expressions = "".join(f", {expression}" for _name, expression in stamps)
    return text(
        f"INSERT INTO {table.name} ({names}{stamped}) SELECT {names}{expressions} "  # noqa: S608 names of our tables
        f"FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS given({typed}, {POSITION} integer) "
        f"ORDER BY {POSITION} RETURNING id"
    )
