"""What a list is asked for, parsed from a query string into values that the engine can trust."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import chain, islice
from typing import Any

import orjson
from flask_babel import gettext as _
from marshmallow import ValidationError
from sqlalchemy import Column
from werkzeug.datastructures import MultiDict

from webapp.core.activity import plain
from webapp.core.custom import comparable
from webapp.core.database import key_of
from webapp.core.errors import Invalid
from webapp.core.fields import LARGEST_ID, FaceField, Text, Through
from webapp.core.resource import Resource
from webapp.core.search import Hits

PER_PAGE, PER_PAGE_LIMIT = 50, 1000
PAGE_LIMIT = 1_000_000
DEPTH = 100_000
"""How many rows may lie before a page that is asked for by its number: they are all walked past (D6)."""

ALWAYS = ("id", "created_at", "updated_at")
NEVER = frozenset({"guid", "version", "deleted_at"})
UNSORTED = frozenset({"guid", "version"})
CONTROLS = ("page", "per_page", "sort", "q", "cursor", "fields", "deleted")
COMPARABLE = {"whole", "amount", "number", "day", "moment"}
SORTED = frozenset({"text", "url", "whole", "amount", "number", "day", "moment", "choice", "flag"})
FILTERED = SORTED | {"reference"}


@dataclass(frozen=True, slots=True)
class Filter:
    """One predicate: a field, an operator and its value as the database takes it; `raw` as it was typed."""

    field: str
    column: str
    op: str
    value: Any
    parameter: str
    raw: str


@dataclass(frozen=True)
class ListParameters:
    """A parsed request for a list."""

    filters: tuple[Filter, ...] = ()
    sort: tuple[tuple[str, bool], ...] = (("id", True),)
    q: str = ""
    page: int = 1
    per_page: int = PER_PAGE
    cursor: tuple[Any, ...] | None = None
    deleted: bool = False
    fields: tuple[str, ...] | None = None
    sorted_by_user: bool = False
    hits: Hits | None = None

    @property
    def descending(self) -> bool:
        """Tell whether ties are broken by the newest first."""
        return self.sort[0][1]

    @cached_property
    def values(self) -> tuple[Any, ...]:
        """Return what a statement is filled in with: the filters' values, what a search found, the cursor's values."""
        filters = [item.value if isinstance(item.value, list) else [item.value] for item in self.filters]
        return (*chain.from_iterable(filters), *(self.hits or ()), *(self.cursor or ()))

    @cached_property
    def named(self) -> frozenset[str]:
        """Return the fields that are filtered, sorted or asked for by name."""
        return frozenset((*(item.field for item in self.filters), *(n for n, _ in self.sort), *(self.fields or ())))

    @cached_property
    def shape(self) -> tuple[Any, ...]:
        """Return everything else that a statement's text comes from."""
        asked = [(f.field, f.column, f.op, len(f.value) if isinstance(f.value, list) else None) for f in self.filters]
        return (tuple(asked), self.sort, self.sorted_by_user, self.fields, self.deleted, not self.hits, not self.cursor)

    def filled(self, values: Sequence[Any]) -> "ListParameters":
        """Return these parameters with other values, as `values` gives them."""
        left = iter(values)
        filters = [
            replace(f, value=list(islice(left, len(f.value))) if isinstance(f.value, list) else next(left))
            for f in self.filters
        ]
        hits = self.hits and Hits(*islice(left, len(self.hits)))
        return replace(self, filters=tuple(filters), hits=hits, cursor=self.cursor and tuple(left))

    def following(self, resource: Resource, row: Mapping[str, Any]) -> "ListParameters":
        """Return the parameters of what comes after a row, by keyset."""
        values = tuple(_sort_value(resource.fields[name], row[name]) for name, _descending in self.sort)
        return replace(self, cursor=(*values, row["id"]))

    @classmethod
    def parse(cls, resource: Resource, values: "MultiDict[str, str]") -> "ListParameters":
        """Return the parameters of a query string.

        Raises Invalid naming each parameter that is unknown, repeated, out of range or of the wrong type.
        """
        errors: dict[str, list[str]] = {}
        known = filter_parameters(resource)
        filters = []
        for name in values:
            if name in CONTROLS:
                continue
            if name not in known:
                errors[name] = [_("There is no such filter here.")]
                continue
            field, op = known[name]
            try:
                filters.append(_filter(resource, name, field, op, values.getlist(name)))
            except (ValidationError, ValueError) as error:
                errors[name] = messages_of(error)
        parsed = _controls(resource, values, errors)
        if errors:
            raise Invalid(errors)
        return cls(filters=tuple(filters), **parsed)


@lru_cache(maxsize=500)
def filter_parameters(resource: Resource) -> dict[str, tuple[str, str]]:
    """Return {parameter: (field, operator)} of everything a resource may be filtered by: all it shows and compares."""
    found = {}
    for name in filterable(resource):
        item = resource.fields[name]
        found[name] = (name, "eq")
        found[f"{name}_in"] = (name, "in")
        if not isinstance(item, Through):
            found[f"{name}_not"] = (name, "not")
        if item.custom_id is not None or (name in resource.stored and resource.table.c[item.column].nullable):
            found[f"{name}_empty"] = (name, "empty")
        if item.kind in COMPARABLE:
            short = name.removesuffix("_at").removesuffix("_on")
            for op in ("after", "before"):
                found[f"{name}_{op}"] = found[f"{short}_{op}"] = (name, op)
        if item.target == "locations":
            found[f"{name}_within"] = (name, "within")
    return found


@lru_cache(maxsize=500)
def filterable(resource: Resource) -> list[str]:
    """Return the fields a list may be filtered by, those that the declaration puts first leading."""
    known = {**resource.stored, **resource.throughs, **resource.customs}
    others = [n for n, i in known.items() if i.kind in FILTERED or (i.kind == "codes" and i.custom_id is not None)]
    return list(dict.fromkeys((*ALWAYS, *resource.filters, *(n for n in others if n not in NEVER))))


def _filter(resource: Resource, parameter: str, name: str, op: str, given: list[str]) -> Filter:
    item = resource.fields[name]
    if len(given) != 1:
        raise ValidationError(_("Give this once."))
    raw = given[0]
    value: Any
    if op == "empty":
        value = _flag(raw)
    elif op == "in":
        parts = raw.split(",")
        if len(parts) > PER_PAGE_LIMIT:
            raise ValidationError(_("At most 1,000 values."))
        value = [_value(item, part) for part in parts]
    else:
        value = _value(item, raw)
    column = (item.twin if isinstance(item, Text) else None) or item.column
    return Filter(name, column, op, value, parameter, raw)


def _value(item: FaceField, raw: str) -> Any:
    raw = raw.strip()
    if item.kind in {"whole", "reference"}:
        number = _whole(raw)
        if not -LARGEST_ID <= number <= LARGEST_ID:
            raise ValidationError(_("This number is too large."))
        return number
    if item.kind == "flag":
        return _flag(raw) if item.custom_id is None else comparable(item, _flag(raw))
    if item.custom_id is not None:
        value = item.deserialize([raw] if item.kind == "codes" else raw)
        return comparable(item, value[0] if item.kind == "codes" else value)
    value = (item.like if isinstance(item, Through) else item).deserialize(raw)
    if isinstance(item, Text) and item.twin and value is not None:
        return key_of(value)
    return value


def _whole(raw: str) -> int:
    if not raw.lstrip("-").isascii() or not raw.lstrip("-").isdigit() or len(raw) > 20:
        raise ValidationError(_("This is not a whole number."))
    return int(raw)


def _flag(raw: str) -> bool:
    if raw.lower() not in {"true", "false", "1", "0"}:
        raise ValidationError(_("Say true or false."))
    return raw.lower() in {"true", "1"}


def messages_of(error: Exception) -> list[str]:
    """Return the sentences of what was wrong with a parameter."""
    messages = error.messages if isinstance(error, ValidationError) else [str(error)]
    return [str(message) for message in messages] if isinstance(messages, list) else [str(messages)]


def _controls(resource: Resource, values: "MultiDict[str, str]", errors: dict[str, list[str]]) -> dict[str, Any]:
    parsed: dict[str, Any] = {}

    def take(name: str, parse: Any, default: Any) -> None:
        raw = values.get(name)
        try:
            parsed[name] = default if raw is None or raw == "" else parse(raw)
        except (ValidationError, ValueError, TypeError) as error:
            errors[name] = messages_of(error)

    take("page", lambda raw: between(raw, 1, PAGE_LIMIT), 1)
    take("per_page", lambda raw: between(raw, 1, PER_PAGE_LIMIT), PER_PAGE)
    if not errors and (parsed["page"] - 1) * parsed["per_page"] >= DEPTH and not values.get("cursor"):
        errors["page"] = [_("Pages by number end here. Go on with the cursor, or narrow the list.")]
    take("q", lambda raw: _search_words(resource, raw), "")
    take("deleted", _flag, False)
    take("fields", lambda raw: _fields(resource, raw), None)
    take("sort", lambda raw: parse_sort(resource, raw), parse_sort(resource, resource.sort))
    parsed["sorted_by_user"] = bool(values.get("sort"))
    if "sort" not in errors:
        take("cursor", lambda raw: decode_cursor(resource, parsed["sort"], raw), None)
    return parsed


def between(raw: str, low: int, high: int) -> int:
    """Return the whole number that a text says; raises ValidationError unless it lies in a range."""
    number = _whole(raw)
    if not low <= number <= high:
        raise ValidationError(_("This must be from %(low)s to %(high)s.", low=low, high=high))
    return number


def _search_words(resource: Resource, raw: str) -> str:
    if not resource.search:
        raise ValidationError(_("This list cannot be searched."))
    if "\x00" in raw:
        raise ValidationError(_("NUL characters are not text."))
    return raw.strip()[:200]


def _fields(resource: Resource, raw: str) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(part.strip() for part in raw.split(",")))
    unknown = [name for name in wanted if name not in resource.fields]
    if unknown:
        raise ValidationError(_("There is no field %(name)s.", name=unknown[0]))
    return wanted


@lru_cache(maxsize=500)
def sortable(resource: Resource) -> list[str]:
    """Return the fields a list may be sorted by: stored ones that the database can compare, but those `unsorted`."""
    known, without = {**resource.stored, **resource.customs}, resource.unsorted | UNSORTED
    return [name for name, item in known.items() if item.kind in SORTED and name not in without]


def parse_sort(resource: Resource, raw: str) -> tuple[tuple[str, bool], ...]:
    """Return ((field, descending), …) of a list such as `-created_at,name`."""
    allowed = sortable(resource)
    keys = []
    for part in raw.split(","):
        name = part.strip().removeprefix("-")
        if name not in allowed:
            raise ValidationError(_("This list cannot be sorted by %(name)s.", name=name))
        keys.append((name, part.strip().startswith("-")))
    if len(keys) > 1 and any(name in resource.customs for name, _descending in keys):
        raise ValidationError(_("An own field sorts alone."))
    if len(keys) > 4 or len({name for name, _descending in keys}) != len(keys):
        raise ValidationError(_("At most four different fields."))
    return tuple(keys)


def sort_column(resource: Resource, name: str) -> Column[Any]:
    """Return the column that sorts a field: its case-insensitive twin where it has one."""
    item = resource.fields[name]
    column = (item.twin if isinstance(item, Text) else None) or item.column
    return resource.table.c[column]


def _sort_value(item: FaceField, value: Any) -> Any:
    if value is not None and item.custom_id is not None:
        return comparable(item, value)
    return key_of(value) if value is not None and isinstance(item, Text) and item.twin else value


def encode_cursor(sort: tuple[tuple[str, bool], ...], row: Mapping[str, Any], resource: Resource) -> str:
    """Return an opaque text that says after which row a list goes on."""
    values = [plain(row[name]) for name, _descending in sort]
    return base64.urlsafe_b64encode(orjson.dumps([[list(key) for key in sort], values, row["id"]])).decode().rstrip("=")


def decode_cursor(resource: Resource, sort: tuple[tuple[str, bool], ...], raw: str) -> tuple[Any, ...]:
    """Return the values of a cursor; raises ValidationError when it is not one of this list."""
    wrong = ValidationError(_("This cursor does not belong to this list."))
    try:
        keys, values, row_id = orjson.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        if [tuple(key) for key in keys] != list(sort) or type(row_id) is not int or len(values) != len(sort):
            raise wrong
        found = [cursor_value(resource, name, value) for (name, _), value in zip(sort, values, strict=True)]
    except (ValidationError, ValueError, TypeError, binascii.Error, UnicodeError, ArithmeticError):
        raise wrong from None
    if not 0 <= row_id <= LARGEST_ID:
        raise wrong
    return (*found, row_id)


def cursor_value(resource: Resource, name: str, value: Any) -> Any:
    """Return a cursor's JSON value as the sort column compares it."""
    item = resource.fields[name]
    if value is None:
        return None
    if item.kind in {"amount", "number", "moment", "day"}:
        return item.deserialize(value)
    if item.custom_id is not None and item.kind == "flag" and isinstance(value, bool):
        return comparable(item, value)
    if item.kind in {"whole", "flag"}:
        if type(value) is not (int if item.kind == "whole" else bool) or abs(value) > LARGEST_ID:
            raise ValueError(name)
        return value
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError(name)
    if item.custom_id is not None:
        return comparable(item, value)
    return key_of(value) if isinstance(item, Text) and item.twin else value
