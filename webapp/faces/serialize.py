"""Rows to JSON bytes: a list of (field, converter) a resource, no objects in between (D10)."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any

import orjson

from webapp.core.custom import PREFIX
from webapp.core.resource import Resource

Converter = Callable[[Any], Any]
CENT = Decimal("0.01")
MOMENT = "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ"
"""Half the time of `isoformat`, which asks the zone and then is cut."""


def amount_text(value: Decimal) -> str:
    """Return an amount as JSON carries it: at least two decimals, "1250.00", "0.0015"."""
    cents = value.quantize(CENT)
    return str(cents if cents == value else value.normalize())


def moment_text(value: datetime) -> str:
    """Return a moment of UTC as JSON and CSV carry it: "2026-01-10T14:30:00.123Z"."""
    day = (value.year, value.month, value.day)
    return MOMENT % (*day, value.hour, value.minute, value.second, value.microsecond // 1000)


def day_text(value: date) -> str:
    """Return a day as JSON carries it: "2026-01-10"."""
    return value.isoformat()


def number_value(value: Decimal) -> int | float:
    """Return a decimal number as JSON carries it: 16, 2.5."""
    return int(value) if value == value.to_integral_value() else float(value)


CONVERTERS: Mapping[str, Converter] = {
    "amount": amount_text,
    "moment": moment_text,
    "day": day_text,
    "number": number_value,
}


Shown = tuple[tuple[str, ...], Callable[[Mapping[str, Any]], tuple[Any, ...]], tuple[tuple[str, Converter], ...]]


@lru_cache(maxsize=256)
def converters(resource: Resource, fields: tuple[str, ...] | None) -> tuple[tuple[str, Converter | None], ...]:
    """Return (field, converter or None) of the fields a face shows, in the schema's order."""
    return tuple(
        (name, _own_values(resource) if item.kind == "custom" else CONVERTERS.get(item.kind))
        for name, item in resource.fields.items()
        if not item.load_only and (item.custom_id is None if fields is None else name in fields)
    )


@lru_cache(maxsize=256)
def _shown(resource: Resource, fields: tuple[str, ...] | None) -> Shown:
    """Return the fields a face shows, what takes them all out of a row at once, and those that are then changed."""
    items = converters(resource, fields)
    names = tuple(name for name, _change in items)
    take: Callable[..., Any] = itemgetter(*names) if len(names) > 1 else lambda row: tuple(row[n] for n in names)
    return names, take, tuple((name, change) for name, change in items if change is not None)


def _own_values(resource: Resource) -> Converter:
    """Return what turns the organization's own values, by slug, into JSON values."""
    own = {name.removeprefix(PREFIX): CONVERTERS.get(item.kind) for name, item in resource.customs.items()}

    def convert(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            slug: value if change is None or value is None else change(value)
            for slug, change in own.items()
            for value in (values.get(slug),)
        }

    return convert


def to_plain(resource: Resource, row: Mapping[str, Any], fields: tuple[str, ...] | None = None) -> dict[str, Any]:
    """Return one row as JSON values by field."""
    names, take, changes = _shown(resource, fields)
    try:
        plain = dict(zip(names, take(row), strict=True))
    except KeyError:  # not every face reads every field
        plain = {name: row.get(name) for name in names}
    for name, change in changes:
        value = plain[name]
        if value is not None:
            plain[name] = change(value)
    return plain


def dump(data: Any) -> bytes:
    """Return JSON bytes; keys that are not text are a mistake of ours."""
    return orjson.dumps(data)


def dump_rows(
    resource: Resource, rows: Iterable[Mapping[str, Any]], fields: tuple[str, ...] | None, pagination: Mapping[str, Any]
) -> bytes:
    """Return the bytes of a page of a list in the native envelope."""
    return dump({"data": [to_plain(resource, row, fields) for row in rows], "pagination": pagination})
