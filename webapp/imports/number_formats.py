"""Show a workbook's numbers as their formats do where that changes what they mean: dates, times, leading zeros."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime, timedelta

Cell = str | int | float | bool
Show = Callable[[float], Cell]

BUILT_IN = (
    dict.fromkeys([14, 15, 16, 17, 22, *range(27, 32), 34, 35, 36, *range(50, 59)], "yyyy-mm-dd")
    | dict.fromkeys([18, 19, 20, 21, 32, 33, 45, 47], "h:mm:ss")
    | {46: "[h]:mm:ss"}
)
"""Formats that files name by number alone; those of East Asia count as dates."""

SILENT = re.compile(r'"([^"]*)"|\\(.)|_.|\*.')
BRACKETS = re.compile(r"\[(?!(?:h+|m+|s+)\])[^\]]*\]", re.IGNORECASE)
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
LAST_DAY = 2_958_466
"""The day after 9999-12-31."""


def plain_number(text: str) -> Cell:
    """Return the number of a cell's text: whole ones exactly, also those of 16 digits and more."""
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def show_of(code: str, from_1904: bool = False) -> Show | None:
    """Return what makes of a number the text that a format shows, None where the number itself says it all.

    Money and percentages stay numbers; "yyyy-mm-dd" gives ISO dates, `"AST-"00000` gives AST-00042.
    """
    first = BRACKETS.sub("", code.split(";")[0]) if '"' not in code else BRACKETS.sub("", _first_section(code))
    bare = SILENT.sub("", first)
    if ELAPSED.search(bare):
        return elapsed_time
    if re.search("[ymdhs]", bare.replace("General", ""), re.IGNORECASE):
        return lambda number: moment(number, from_1904)
    pattern = _zeros(first)
    return None if pattern is None else lambda number: _padded(number, pattern)


def _first_section(code: str) -> str:
    """Return what stands before the first semicolon that is not quoted."""
    match = re.match(r'(?:"[^"]*"|\\.|[^;"\\])*', code)
    return match[0] if match else code


def moment(number: float, from_1904: bool = False) -> Cell:
    """Return the ISO date, date and time, or time of a day number; the number itself outside the calendar."""
    if not 0 <= number < LAST_DAY - 1462 * from_1904:
        return number
    day = number + 1462 * from_1904
    epoch = datetime(1899, 12, 31) if day < 60 else datetime(1899, 12, 30)  # noqa: DTZ001  a sheet knows no zone
    at = epoch + timedelta(milliseconds=round(day * 86_400_000))
    if number < 1:
        return at.time().replace(microsecond=0).isoformat()
    if at.hour == at.minute == at.second == 0:
        return at.date().isoformat()
    return at.replace(microsecond=0).isoformat(sep=" ")


def elapsed_time(number: float) -> Cell:
    """Return hours, minutes and seconds that may exceed a day, e.g. 36:15:00."""
    if number < 0 or number >= LAST_DAY:
        return number
    minutes, seconds = divmod(round(number * 86_400), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _zeros(section: str) -> list[tuple[str, int]] | None:
    """Return what a format like `"AST-"00000` or `000\\-00` consists of: texts, and how many digits between them."""
    parts: list[tuple[str, int]] = []
    for match in re.finditer(r'"([^"]*)"|\\(.)|(0+)|([-/ ()])|(.)', section):
        quoted, escaped, zeros, mark, other = match.groups()
        if other:
            return None
        parts.append(("", len(zeros)) if zeros else (quoted or escaped or mark or "", 0))
    return parts if sum(digits for _text, digits in parts) > 1 else None


def _padded(number: float, pattern: list[tuple[str, int]]) -> Cell:
    """Return a whole number in the digits of a format; what is more than they hold stands in the first place."""
    if number < 0 or number != int(number):
        return number
    digits = str(int(number)).zfill(sum(places for _text, places in pattern))
    first = next(place for place, (_text, places) in enumerate(pattern) if places)
    shown = ""
    for place, (text, places) in reversed([*enumerate(pattern)]):
        part = digits if place == first else digits[len(digits) - places :]
        shown, digits = (part if places else text) + shown, digits[: len(digits) - places]
    return shown
