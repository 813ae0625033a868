"""Read dates as people and programs write them; the order of day and month is judged over a whole column."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

from babel import Locale
from flask_babel import gettext as _

from webapp.imports.unreadable import Cell
from webapp.imports.values import UnreadableValue, clean_text, is_nothing, western

ORDERS = ("dmy", "mdy", "ymd")
# fmt: off
LANGUAGES = (
    "en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "nb", "fi", "cs", "sk", "sl", "hu", "ro", "bg", "uk",
    "ru", "el", "tr", "lt", "lv", "et", "ca", "is", "id", "ar", "he",
)
# fmt: on
"""Whose names of months are read; no name means two months in them, as listopad would with Croatian."""

EXCEL_EPOCH = date(1899, 12, 30)
EXCEL_DAYS = range(14_611, 91_313)
"""Serial numbers of the years 1940 to 2149, so that no price or year is taken for a date."""

CLOCK = r"\d{1,2}(?::\d{2}(?::\d{2}(?:[.,]\d+)?)?|h\d{2}|(?<=\d{4}[\s,]\d\d)\.\d{2}(?:\.\d{2})?)"
TIME = re.compile(
    rf"(?:[T,\s]+(?:um|kl\.?|at|à|a\s+las|alle|o|om|ore|в)?\s*|\s*(?:午前|午後|上午|下午|오전|오후)\s*){CLOCK}"
    r"\s*(?:[ap]\.?\s?m\.?)?\s*(?:uhr|h)?\s*(?:Z|(?:UTC|GMT|[A-Z]{3,4})?\s*(?:[+-]\d{1,2}:?(?:\d{2})?)?)?"
    r"(?:\s*\([^()]*\))?\Z",
    re.IGNORECASE,
)
INNER_TIME = re.compile(r"\s\d{1,2}:\d{2}(?::\d{2})?(?=\s)")
"""As in "Fri Jan 12 14:30:00 2024"."""

NO_DATE = re.compile(r"0{1,4}([-/.])0{1,2}\1 ?0{1,4}\.?(?:[T ]00?:00(?::00)?)?")
EAST_ASIAN = re.compile(r"(\d{4})\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일号號]?")
NUMERIC = re.compile(r"(\d{1,4})\s*[-/. ]\s*(\d{1,2})\s*[-/. ]\s*(\d{1,4})\.?\Z")
COMPACT = re.compile(r"(?:19|20)\d{6}\Z")
WORDS = re.compile(r"[^\W\d_]+")
NUMBERS = re.compile(r"\d+")


FEW, MANY = 3, 6
LONGEST = 100


def detect_order(cells: Iterable[Cell]) -> str | None:
    """Return the order of a column's numeric dates: "dmy", "mdy", "ymd", "ambiguous", None when no cell depends on it.

    A column that contradicts itself (13/1 beside 1/13) goes by the majority; its other cells become errors. Years of
    two digits come first where a first number exceeds 31, and are asked about where first numbers look like them.
    """
    votes = {"dmy": 0, "mdy": 0, "ymd": 0}
    firsts: set[int] = set()
    lasts: set[int] = set()
    open_question = dotted = False
    for cell in cells:
        match = NUMERIC.match(_plain(cell)) if isinstance(cell, str) else None
        if match is None or len(match[1]) > 2:
            continue
        first, second, third = int(match[1]), int(match[2]), int(match[3])
        firsts.add(first)
        lasts.add(third if len(match[3]) < 3 else 99)
        if first > 31:
            votes["ymd"] += 1
        elif first > 12 >= second:
            votes["dmy"] += 1
        elif second > 12 >= first:
            votes["mdy"] += 1
        elif first != second:
            open_question = True
            dotted = dotted or "." in match[0]
    if votes["ymd"] and max(lasts) <= 31:
        return "ymd"
    if votes["dmy"] and min(firsts) > 12 and len(firsts) <= FEW and len(lasts) >= MANY and max(lasts) <= 31:
        return "ambiguous"
    if votes["dmy"] or votes["mdy"]:
        return "mdy" if votes["mdy"] > votes["dmy"] else "dmy"
    if not open_question:
        return None
    return "dmy" if dotted else "ambiguous"


def parse_date(cell: Cell, order: str | None = None) -> date | None:
    """Return the date in a cell, or None when it is blank; `order` is what `detect_order` found or a person chose.

    Reads ISO dates and moments, 1/23/23, 31.12.2024, 12-Jan-2024, "3 février 2024", 2024年1月12日, 20241231 and Excel's
    day numbers; a time that follows is left aside.
    Raises UnreadableValue, also for a date whose order nobody has decided.
    """
    if isinstance(cell, bool):
        raise _not_a_date(cell)
    if isinstance(cell, (int, float)):
        return _from_serial(float(cell), cell)
    plain = _plain(cell)
    if is_nothing(plain) or NO_DATE.fullmatch(plain):
        return None
    match = EAST_ASIAN.fullmatch(plain)
    if match:
        return _make(int(match[1]), int(match[2]), int(match[3]), cell)
    match = NUMERIC.match(plain)
    if match:
        return _from_numbers(match[1], match[2], match[3], order, cell)
    if COMPACT.match(plain):
        return _make(int(plain[:4]), int(plain[4:6]), int(plain[6:]), cell)
    if re.fullmatch(r"\d{5}(?:\.\d+)?", plain):
        return _from_serial(float(plain), cell)
    return _from_words(plain, cell)


def _plain(cell: str) -> str:
    """Return a date's text in our digits, without the time that follows it."""
    text = western(clean_text(cell))
    return TIME.sub("", text) if len(text) <= LONGEST else text


def _from_numbers(first: str, second: str, third: str, order: str | None, cell: Cell) -> date:
    a, b, c = int(first), int(second), int(third)
    if len(first) > 2:
        return _make(_year(first), b, c, cell)
    if order == "ymd":
        return _make(_year(first), b, c, cell)
    if order not in ("dmy", "mdy"):
        if a > 12 or a == b:
            order = "dmy"
        elif b > 12:
            order = "mdy"
        else:
            raise UnreadableValue(_("“%(text)s” could be two dates. Choose the order of day and month.", text=cell))
    day, month = (a, b) if order == "dmy" else (b, a)
    return _make(_year(third), month, day, cell)


def _from_words(text: str, cell: Cell) -> date:
    """Read a date with the month as a word: "12-Jan-2024", "Jan 12, 2024", "2024 januari 12", "Fri, 12 Jan 2024"."""
    months = [found for word in WORDS.findall(text) if (found := _months().get(_fold(word)))]
    month = months[-1] if months else None  # "mar. 12 janv." begins with Tuesday, not with March
    numbers = NUMBERS.findall(INNER_TIME.sub("", text))
    if month is None or len(numbers) != 2:
        raise _not_a_date(cell)
    year_first = len(numbers[0]) == 4
    year, day = numbers if year_first else reversed(numbers)
    return _make(_year(year), month, int(day), cell)


def _from_serial(serial: float, cell: Cell) -> date:
    if int(serial) not in EXCEL_DAYS:
        raise _not_a_date(cell)
    return EXCEL_EPOCH + timedelta(days=int(serial))


def _year(text: str) -> int:
    year = int(text)
    return year if len(text) > 2 else year + (2000 if year < 69 else 1900)


def _make(year: int, month: int, day: int, cell: Cell) -> date:
    if not 1900 <= year <= 2200:
        raise _not_a_date(cell)
    try:
        return date(year, month, day)
    except ValueError:
        raise _not_a_date(cell) from None


def _not_a_date(cell: Cell) -> UnreadableValue:
    return UnreadableValue(_("“%(text)s” is not a date.", text=str(cell)[:60]))


def _fold(word: str) -> str:
    return clean_text(word).casefold().rstrip(".")


@cache
def _months() -> dict[str, int]:
    """Return month by its full and short names in several languages."""
    months: dict[str, int] = {"sept": 9}
    for language in reversed(LANGUAGES):
        names = Locale(language).months
        for context in ("stand-alone", "format"):
            for width in ("abbreviated", "wide"):
                months.update({_fold(name): number for number, name in names[context][width].items()})
    return months
