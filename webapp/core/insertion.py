"""Many rows of a table by one statement: one jsonb parameter on PostgreSQL, executemany on SQLite (stack.md)."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Table, TextClause, bindparam, insert, text, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from webapp.core.tenancy import CHECKED, organization_of

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy has no types here
POSITION = "position_"
KEYS = ("id", "version")


def insert_rows(
    session: Session,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    stamps: tuple[tuple[str, str], ...] = (),
    columns: tuple[str, ...] = (),
) -> list[int]:
    """Insert rows and return their ids, in order; none where a table has no id.

    They all have the columns of the first, or each some of `columns`.
    `stamps` are (column, SQL expression) pairs that PostgreSQL fills in by itself.
    """
    if not rows:
        return []
    has_id = "id" in table.c
    if session.get_bind().dialect.name == "postgresql":
        columns = columns or tuple(rows[0])
        given = {"rows": _json(table, columns, rows)}
        result = session.execute(_insertion(table, columns, stamps), given, execution_options=CHECKED)
        return list(result.scalars()) if has_id else []
    statement = insert(table).returning(table.c.id) if has_id else insert(table)
    blank = dict.fromkeys(columns)
    result = session.execute(statement, [blank | dict(row) for row in rows], execution_options=CHECKED)
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
        given = {"rows": _json(table, (*rows[0],), ordered), "organization_id": organization_of(session)}
        given |= {"first": ordered[0]["id"], "last": ordered[-1]["id"]}
        result: Any = session.execute(_change(table, columns, versioned), given, execution_options=CHECKED)
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


def _json(table: Table, columns: tuple[str, ...], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as the database reads them, each with its position; what is not said in one is null."""
    binders = _binders(table, columns)
    values = [{name: value for name, value in row.items() if value is not None} for row in rows]
    for position, row in enumerate(values):
        row[POSITION] = position
        for name, bind in binders.items():
            if name in row:
                row[name] = bind(row[name])
    return orjson.dumps(values).decode()


def _recordset(table: Table, columns: tuple[str, ...]) -> str:
    typed = ", ".join(f"{name} {table.c[name].type.compile(DIALECT)}" for name in columns)
    return f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS given({typed}, {POSITION} integer)"


@lru_cache(maxsize=256)
def _insertion(table: Table, columns: tuple[str, ...], stamps: tuple[tuple[str, str], ...]) -> TextClause:
    names = ", ".join(columns)
    stamped = "".join(f", {name}" for name, _expression in stamps)
    expressions = "".join(f", {expression}" for _name, expression in stamps)
    return text(
        f"INSERT INTO {table.name} ({names}{stamped}) SELECT {names}{expressions} "  # noqa: S608 names of our tables
        f"FROM {_recordset(table, columns)} ORDER BY {POSITION}{' RETURNING id' if 'id' in table.c else ''}"
    )


@lru_cache(maxsize=256)
def _change(table: Table, columns: tuple[str, ...], versioned: bool) -> TextClause:
    name, keys = table.name, KEYS if versioned else KEYS[:1]
    values = [f"{column} = given.{column}" for column in columns]
    values += [f"version = {name}.version + 1"] if versioned else []
    mine = " AND ".join(f"{name}.{key} = given.{key}" for key in keys)
    return text(
        f"UPDATE {name} SET {', '.join(values)} FROM {_recordset(table, (*keys, *columns))} "  # noqa: S608 as above
        f"WHERE {name}.organization_id = :organization_id AND {mine} "
        f"AND {name}.id BETWEEN :first AND :last"  # else a table that has just grown is read whole each time
    )
