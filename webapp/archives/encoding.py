"""Rows as JSON lines and back: exact, and believed only when every value is what its column holds."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import Boolean, Column, Date, Integer, String, Table

from webapp.archives.carried import GONE, PLAIN_JSON, carried_columns, is_id, is_json, roles_of
from webapp.core.activity import plain
from webapp.core.database import ScaledDecimal, UtcDateTime
from webapp.core.tenancy import ORGANIZATION

Value = Callable[[Any], Any]
DEEPEST = 40


class WrongRow(ValueError):
    """A row that its table cannot hold; the text names the column and what is wrong with it."""


def encoder(table: Table) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return what turns a row of a table into JSON: amounts and times as text."""
    columns = [(column.name, _needs_words(column)) for column in carried_columns(table)]
    return lambda row: {name: plain(row[name]) if worded else row[name] for name, worded in columns}


def _needs_words(column: Column[Any]) -> bool:
    return isinstance(column.type, ScaledDecimal | UtcDateTime | Date)


def decoder(table: Table) -> Callable[[Any], dict[str, Any]]:
    """Return what turns JSON into a row of a table; it raises WrongRow.

    A column that the JSON lacks gets what a new row would have: archives of older versions know fewer columns.
    """
    columns = {column.name: (column, _value(table, column)) for column in carried_columns(table)}

    def decode(given: Any) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise WrongRow("not a row")
        unknown = given.keys() - columns.keys()
        if unknown:
            raise WrongRow(f"there is no column {min(unknown)[:80]}")
        row = {}
        for name, (column, value) in columns.items():
            if name not in given:
                row[name] = _default(column)
            elif given[name] is None:
                if not column.nullable:
                    raise WrongRow(f"{name} is empty")
                row[name] = None
            else:
                try:
                    row[name] = value(given[name])
                except (ValueError, TypeError, InvalidOperation, OverflowError):
                    raise WrongRow(f"{name} holds what it cannot") from None
        return row

    return decode


def left_behind(table: Table) -> dict[str, Any]:
    """Return what the columns of a table hold that no archive carries."""
    return {
        name: _default(table.c[name]) for name, role in roles_of(table).items() if role == GONE and name != ORGANIZATION
    }


def _default(column: Column[Any]) -> Any:
    default: Any = column.default
    if default is not None and default.is_scalar:
        return default.arg
    if default is not None and default.is_callable and column.name != "guid":
        return default.arg(None)
    if column.nullable:
        return None
    raise WrongRow(f"{column.name} is missing")


def _value(table: Table, column: Column[Any]) -> Value:
    kind = column.type
    if isinstance(kind, ScaledDecimal):
        return lambda value: _scaled(value, kind.places)
    if isinstance(kind, UtcDateTime):
        return _moment
    if isinstance(kind, Date):
        return lambda value: date.fromisoformat(_text(value))
    if isinstance(kind, Boolean):
        return lambda value: _exactly(value, bool)
    if isinstance(kind, Integer):
        return lambda value: _whole(value, 63 if is_id(column) else 31)
    if is_json(column):
        shape = PLAIN_JSON.get((table.name, column.name), dict | list)
        return lambda value: _json(value, shape)
    if isinstance(kind, String):
        return lambda value: _text(value, kind.length)
    raise TypeError(f"{table.name}.{column.name} is of a type that archives do not know")


def _exactly(value: Any, kind: Any) -> Any:
    if not isinstance(value, kind):
        raise WrongRow
    return value


def _text(value: Any, longest: int | None = None) -> str:
    text = str(_exactly(value, str))
    if "\x00" in text or (longest is not None and len(text) > longest):
        raise WrongRow
    return text


def _whole(value: Any, bits: int) -> int:
    if type(value) is not int or abs(value) >= 1 << bits:
        raise WrongRow
    return value


def _scaled(value: Any, places: int) -> Decimal:
    """Return a number that has no more places than its column keeps."""
    number = Decimal(_text(value, 40))
    scaled = number.scaleb(places)
    if not number.is_finite() or abs(scaled) >= 1 << 63 or scaled != scaled.to_integral_value():
        raise WrongRow
    return number


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value, 40))
    if moment.tzinfo is None:
        raise WrongRow
    return moment


def _json(value: Any, shape: Any) -> Any:
    _check_texts(_exactly(value, shape), DEEPEST)
    return value


def _check_texts(value: Any, depth: int) -> None:
    """Refuse NUL characters, which PostgreSQL's JSON cannot hold, and what nests too deep."""
    if depth == 0:
        raise WrongRow
    if isinstance(value, str):
        _text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _text(key)
            _check_texts(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            _check_texts(inner, depth - 1)
