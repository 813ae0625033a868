"""Read rows into values: each mapped cell by its target's kind, each column in the way found over all its cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from marshmallow import ValidationError

from webapp.core.resource import Resource
from webapp.imports.dates import detect_order, parse_date
from webapp.imports.mapping import Columns
from webapp.imports.options import Options
from webapp.imports.targets import Target, targets_of
from webapp.imports.unreadable import Cell, RawRow
from webapp.imports.values import (
    UnreadableValue,
    clean_text,
    detect_decimal,
    is_nothing,
    parse_choice,
    parse_choices,
    parse_currency,
    parse_flag,
    parse_money,
    parse_number,
    parse_whole,
)

CODES = frozenset({"tag", "serial_number", "model_number", "order_number"})
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
    """Read all rows once; return how many there are and {"dates": …, "decimals": …}, found a column."""
    targets = targets_of(resource)
    kinds = {index: targets[name].kind for index, name in columns.items() if name in targets}
    seen: dict[int, list[Cell]] = {index: [] for index, kind in kinds.items() if kind in {"day", *DECIMAL}}
    total = 0
    for _number, cells in rows:
        total += 1
        for index, column in seen.items():
            if index < len(cells) and cells[index] != "" and isinstance(cells[index], str):
                column.append(cells[index])
    dates = {str(index): detect_order(cells) for index, cells in seen.items() if kinds[index] == "day"}
    decimals = {str(index): detect_decimal(cells) for index, cells in seen.items() if kinds[index] != "day"}
    return total, {"dates": dates, "decimals": decimals}


class RowReader:
    """Reads the rows of one import, as its mapping, its options and what was found out say."""

    def __init__(
        self, resource: Resource, columns: Columns, options: Options, findings: Mapping[str, Any], home: str
    ) -> None:
        targets = targets_of(resource)
        self.columns = [(index, name, targets[name]) for index, name in sorted(columns.items()) if name in targets]
        self.width = max(columns, default=-1) + 1
        self.resource, self.home = resource, home
        self.dates = {**_by_index(findings.get("dates", {})), **options.dates}
        self.decimals = {**_by_index(findings.get("decimals", {})), **options.decimals}

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
            return parse_flag(cell)
        if target.kind == "choice":
            return parse_choice(cell, target.words or {})
        if target.kind == "choices":
            return parse_choices(cell, target.words or {})
        if target.kind == "currency":
            return parse_currency(cell, self.home) or reading.values.get("currency")
        text = clean_text(cell, multiline=target.kind == "longtext")
        if text == "" or ((name in CODES or target.kind == "name") and is_nothing(text)):
            return None
        return self._checked(name, text)

    def _checked(self, name: str, value: Any) -> Any:
        item = self.resource.writable.get(name)
        return value if item is None or value is None else item.deserialize(value)


def _by_index(found: Mapping[str, str | None]) -> dict[int, str | None]:
    return {int(index): how for index, how in found.items()}
