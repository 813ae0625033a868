"""Statements whose text is ready, run on a connection's driver; errors and events are SQLAlchemy's all the same.

What SQLAlchemy does around each statement (a context, a cache key, the description of forty columns) costs several
times what the statement itself does.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Result

IDLE, BEGUN = 0, (2, 3)  # libpq's numbers of a connection without a transaction, in one, and in one that failed
Parameters = Mapping[str, Any] | Sequence[Any]


def run(connection: Connection, sql: str, parameters: Parameters, *, gives: bool = True, **ways: Any) -> Sequence[Any]:
    """Run a statement, its parameters in the driver's own style, and return the rows that it gives as tuples."""
    if not connection.in_transaction():
        connection.begin()
    if (cursor := connection.info.get("cursor")) is None:  # each run reads to the end, so the next may use it again
        cursor = connection.info["cursor"] = connection.connection.cursor()
    connection.dispatch.before_cursor_execute(connection, cursor, sql, parameters, None, False)
    rows: Sequence[Any] = ()
    try:
        cursor.execute(sql, parameters, **ways)
        if gives:
            rows = cursor.fetchall()
    except Exception as error:  # noqa: BLE001 it is raised again, as SQLAlchemy's
        _raise_as_usual(connection, error, sql, parameters)
    return rows


def dicts(result: Result[Any]) -> list[dict[str, Any]]:
    """Return the rows of a result as dicts: five times as quick as from its mappings."""
    names = tuple(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.all()]


def begin_with(connection: Connection, sql: str) -> list[str | None]:
    """Begin a transaction of PostgreSQL and ask for one row in the same message; returns its cells as text.

    The question has no parameters: whoever asks writes whole numbers and words of ours into it, nothing else.
    """
    driver: Any = connection.connection.driver_connection
    connection.dispatch.before_cursor_execute(connection, None, sql, (), None, False)
    try:
        result = driver.pgconn.exec_(f"BEGIN; {sql}".encode())
        if result.error_message:
            from psycopg.errors import error_from_result

            raise error_from_result(result)
    except Exception as error:  # noqa: BLE001 it is raised again, as SQLAlchemy's
        _raise_as_usual(connection, error, sql, ())
    cells = [result.get_value(0, column) for column in range(result.nfields)]
    return [None if cell is None else cell.decode() for cell in cells]


def roll_back(driver: Any) -> None:
    """End a transaction of PostgreSQL and keep what is prepared.

    psycopg's own `rollback` throws every prepared statement away, and each read ends with one: they would be planned
    anew each time, and never be prepared. It fears for what the transaction made or dropped; ours make rows only.
    """
    status = driver.pgconn.transaction_status
    if status != IDLE and (status not in BEGUN or driver.pgconn.exec_(b"ROLLBACK").error_message):
        driver.rollback()


def _raise_as_usual(connection: Connection, error: Exception, sql: str, parameters: Parameters) -> None:
    """Raise a driver's error as SQLAlchemy does: wrapped, and a dead connection leaves the pool."""
    connection._handle_dbapi_exception(error, sql, parameters, None, None)  # there is no public name for it
