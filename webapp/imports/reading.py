"""Read rows into values: each mapped cell by its target's kind, each column in the way found over all its cells."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from marshmallow import ValidationError

from webapp.core.fields import Text
from webapp.core.resource import Resource
from webapp.imports.dates import detect_order, parse_date
from webapp.imports.flags import detect_flag, parse_flag
from webapp.imports.mapping import Columns
from webapp.imports.options import Options
from webapp.imports.targets import GLOBAL_ID, Target, targets_of
from webapp.imports.unreadable import Cell, RawRow
from webapp.imports.values import (
    UnreadableValue,
    clean_text,
    detect_decimal,
    is_nothing,
    parse_choice,
    parse_choices,
    parse_currency,
    parse_money,
    parse_number,
    parse_whole,
)

CODES = frozenset(
    {"tag", "serial_number", "model_number", "order_number", "email", "username", "employee_number", "code", "guid"}
)
"""Texts in which "n/a" means that there is none."""
DECIMAL = frozenset({"amount", "number", "whole"})


@dataclass(slots=True)
class Reading:
    """What a row says: a value or None a mapped field, and what could not be read."""

    number: int
    cells: list[Cell]
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    def fail(self, name: str, message: str) -> None:
        """Say what is wrong with a field."""
        self.errors.setdefault(name, []).append(message)


def survey(
    rows: Iterable[RawRow], resource: Resource | str, columns: Columns
) -> tuple[int, dict[str, dict[str, str | None]]]:
    """Read all rows once; return how many there are and {"dates": …, "decimals": …, "flags": …}, found a column.

    A file with global ids is an export of ours, which groups no thousands: 12.345 is a little more than twelve there.
    """
    targets = targets_of(resource)
    kinds = {index: targets[name].kind for index, name in columns.items() if name in targets}
    seen: dict[int, list[Cell]] = {index: [] for index, kind in kinds.items() if kind in {"day", "flag", *DECIMAL}}
    total = 0
    for _number, cells in rows:
        total += 1
        for index, column in seen.items():
            if index < len(cells) and cells[index] != "" and isinstance(cells[index], str):
                column.append(cells[index])
    dates = {str(index): detect_order(cells) for index, cells in seen.items() if kinds[index] == "day"}
    decimals = {str(index): detect_decimal(cells) for index, cells in seen.items() if kinds[index] in DECIMAL}
    flags = {str(index): detect_flag(cells) for index, cells in seen.items() if kinds[index] == "flag"}
    if GLOBAL_ID in columns.values():
        for index, cells in seen.items():
            if decimals.get(str(index)) == "ambiguous":
                decimals[str(index)] = "comma" if any("," in str(cell) for cell in cells) else "point"
    return total, {"dates": dates, "decimals": decimals, "flags": flags}


class RowReader:
    """Reads the rows of one import, as its mapping, its options and what was found out say."""

    def __init__(
        self, resource: Resource, columns: Columns, options: Options, findings: Mapping[str, Any], home: str
    ) -> None:
        targets = targets_of(resource)
        self.columns = [(index, name, targets[name]) for index, name in sorted(columns.items()) if name in targets]
        self.width = max(columns, default=-1) + 1
        self.resource, self.home = resource, home
        plain = {n: item for n, item in resource.writable.items() if type(item) is Text and len(item.validators) == 1}
        self.lengths = {name: item.max for name, item in plain.items()}
        self.dates = {**_by_index(findings.get("dates", {})), **options.dates}
        self.decimals = {**_by_index(findings.get("decimals", {})), **options.decimals}
        self.flags = _by_index(findings.get("flags", {}))

    def read(self, number: int, cells: list[Cell]) -> Reading:
        """Return a row's values; what cannot be read stands in its errors."""
        reading = Reading(number, cells)
        if len(cells) > self.width:
            reading.fail("_", _("The row has more cells than the file has columns."))
        for index, name, target in self.columns:
            try:
                reading.values[name] = self._value(reading, index, name, target, cells[index])
            except UnreadableValue as error:
                reading.fail(name, error.message)
            except ValidationError as error:
                for message in error.messages:
                    reading.fail(name, str(message))
        return reading

    def _value(self, reading: Reading, index: int, name: str, target: Target, cell: Cell) -> Any:
        if cell == "":
            return None
        if target.kind == "amount":
            amount, currency = parse_money(cell, self.decimals.get(index), self.home)
            if currency and name == "purchase_cost":
                reading.values.setdefault("currency", currency)
            return self._checked(name, amount)
        if target.kind == "day":
            return parse_date(cell, self.dates.get(index))
        if target.kind == "whole":
            return self._checked(name, parse_whole(cell, self.decimals.get(index)))
        if target.kind == "number":
            return self._checked(name, parse_number(cell, self.decimals.get(index), places=6))
        if target.kind == "flag":
            return parse_flag(cell, self.flags.get(index))
        if target.kind == "choice":
            return parse_choice(cell, target.words or {})
        if target.kind == "choices":
            return parse_choices(cell, target.words or {})
        if target.kind == "codes":
            return self._checked(name, split_codes(clean_text(cell, multiline=True)))
        if target.kind == "currency":
            return parse_currency(cell, self.home) or reading.values.get("currency")
        text = clean_text(cell, multiline=target.kind == "longtext")
        if text == "" or ((name in CODES or target.part_of or target.kind == "carried") and is_nothing(text)):
            return None
        return self._checked(name, text)

    def texts(self, cells: list[Cell], names: Iterable[str]) -> dict[str, str]:
        """Return what stands in the columns of some fields as plain text, without reading the rest of the row."""
        wanted = set(names)
        found = {n: clean_text(cells[i]) for i, n, _target in self.columns if n in wanted and i < len(cells)}
        return {name: text for name, text in found.items() if text}

    def _checked(self, name: str, value: Any) -> Any:
        if isinstance(value, str) and len(value) <= self.lengths.get(name, -1) and value.isascii():
            return value
        item = self.resource.writable.get(name)
        return value if item is None or value is None else item.deserialize(value)


def split_codes(text: str) -> list[str]:
    """Return the texts of a list: one a line, or else apart by commas or semicolons."""
    parts = text.split("\n") if "\n" in text else re.split("[,;]", text)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _by_index(found: Mapping[str, str | None]) -> dict[int, str | None]:
    return {int(index): how for index, how in found.items()}
