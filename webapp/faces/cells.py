"""Values as cells of a text file: a column at a time, and no cell that a spreadsheet program takes for a formula."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from webapp.core.activity import plain
from webapp.core.fields import Choice, FaceField
from webapp.faces.serialize import moment_text

Column = Callable[[Sequence[Any]], Sequence[Any]]
"""What turns the values of a column into its cells, None into None."""
NEUTRALIZED = re.compile(r"'+[=+\-@\t\r]")
DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
SUSPECT = frozenset("'=+-@\t\r")
"""What dangerous text begins with; to look at one character is much cheaper than the expression."""
WORDS = {True: "true", False: "false"}


def neutralize(text: str) -> str:
    """Return text that no spreadsheet program takes for a formula; `restore` gives back the very same text."""
    return f"'{text}" if DANGEROUS.match(text) else text


def restore(text: str) -> str:
    """Take back what `neutralize` did to an exported text."""
    return text[1:] if NEUTRALIZED.match(text) else text


def number_text(value: int | Decimal) -> str:
    """Return a number without exponent and trailing zeros: "12.5"."""
    text = str(value)
    if "E" in text:
        return str(plain(value))
    return text.rstrip("0").rstrip(".") if "." in text else text


def codes_text(codes: Sequence[str]) -> str:
    """Return codes in one cell, each on a line of its own when one has a comma or a semicolon in it."""
    return neutralize(("\n" if any({*",;"} & {*code} for code in codes) else ", ").join(codes))


def each(convert: Callable[[Any], Any]) -> Column:
    """Return the column whose values are converted one by one."""
    return lambda values: [None if value is None else convert(value) for value in values]


def text_column(values: Iterable[Any]) -> list[Any]:
    """Return texts as cells."""
    return [neutralize(text) if text is not None and text[:1] in SUSPECT else text for text in values]


def looked_up(words: dict[Any, str]) -> Column:
    """Return the column of codes of which each has its word."""
    find = words.get
    return lambda values: [find(value, value) for value in values]


def line_cells(make: Column, values: Sequence[Any]) -> Sequence[str]:
    """Return values as the cells of a CSV file, in quotes where one needs them (RFC 4180)."""
    if values[0] is None and values.count(None) == len(values):
        return ("",) * len(values)
    cells = ["" if cell is None else cell for cell in make(values)]
    return [quoted(cell) for cell in cells] if quoted(whole := "".join(cells)) is not whole else cells


def quoted(text: str) -> str:
    """Return a text in quotes when a CSV file needs them."""
    if "," in text or '"' in text or "\n" in text or "\r" in text:
        return '"{}"'.format(text.replace('"', '""'))
    return text


COLUMNS: dict[str, Column] = {
    "amount": each(number_text),
    "number": each(number_text),
    "whole": each(str),
    "reference": each(str),
    "day": each(date.isoformat),
    "moment": each(moment_text),
    "flag": looked_up(WORDS),
    "codes": each(codes_text),
    **dict.fromkeys(("text", "longtext", "url", "name"), text_column),
}


def text_cells(item: FaceField) -> Column:
    """Return what turns the values of a field into cells of text."""
    choices = item.choices if isinstance(item, Choice) else None
    if choices is not None:
        return looked_up({code: neutralize(str(word)) for code, word in choices.items()})
    return COLUMNS.get(item.kind) or each(lambda value: neutralize(str(value)))
