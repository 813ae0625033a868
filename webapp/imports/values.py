"""Turn raw cells into text, numbers and money; a column's way with numbers is judged over the whole column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from typing import Any

from babel.numbers import list_currencies
from flask_babel import gettext as _

from webapp.core.database import key_of
from webapp.faces.export import restore
from webapp.imports.unreadable import Cell

INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]|_x000D_")
SPACES = re.compile("[\u00a0\u2000-\u200a\u202f\u205f\u3000]")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
NOTHING = frozenset(
    ["", "-", "--", "–", "—", "?", "n/a", "n.a.", "na", "nil", "null", "none", "unknown"]
    + ["n/d", "n.d.", "k.a.", "s/n", "tbd"]
    + [f"#{error}" for error in ("n/a", "ref!", "value!", "name?", "div/0!")]
)
"""What people write where there is nothing to write; only for typed columns and names, never for free text."""

# fmt: off
SYMBOLS = {
    "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "₴": "UAH", "₪": "ILS",
    "zł": "PLN", "Kč": "CZK", "Ft": "HUF", "Fr.": "CHF", "Fr": "CHF", "SFr.": "CHF", "SFr": "CHF", "sFr.": "CHF",
    "R$": "BRL", "NZ$": "NZD", "A$": "AUD", "AU$": "AUD", "US$": "USD", "C$": "CAD", "CA$": "CAD", "S$": "SGD",
    "HK$": "HKD", "NT$": "TWD", "MX$": "MXN", "CN¥": "CNY", "元": "CNY", "RMB": "CNY", "円": "JPY", "원": "KRW",
    "Rs.": "INR", "Rs": "INR", "RM": "MYR", "Rp": "IDR", "Rp.": "IDR", "฿": "THB", "₫": "VND", "đ": "VND",
    "₱": "PHP", "₦": "NGN", "KSh": "KES", "TL": "TRY", "lei": "RON", "Lei": "RON", "лв.": "BGN", "лв": "BGN",
    "руб.": "RUB", "руб": "RUB", "₸": "KZT", "грн": "UAH", "грн.": "UAH", "din.": "RSD", "дин.": "RSD",
    "Euro": "EUR", "euro": "EUR", "EURO": "EUR", "Eur.": "EUR", "₡": "CRC", "S/": "PEN", "S/.": "PEN",
}
# fmt: on
PLAIN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")
"""What means the same however a column writes decimals, and is most of what is read."""

DOLLARS = frozenset(("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN", "TWD"))
CROWNS = frozenset(("SEK", "NOK", "DKK", "ISK"))
ROUND_PRICE = re.compile(r"(?<=\d)[.,]\s?[-–—]{1,2}(?=\D|\Z)")
"""The Swiss and German way to write no cents: 12.- and 12,--."""
UNIT = r"[A-Z]{2,3}\s?\$|S/\.?|[^\W\d_]{1,4}\.|[^\d(.,+\-\s]{1,4}"
MONEY = re.compile(
    rf"(?P<sign>-\s*(?=\D))?(?P<before>{UNIT})?\s*(?P<number>[(+\-]?\s*[\d.,'’´`\s]+[)\-]?)\s*"
    r"(?P<after>[^\d\s]{1,4}|[^\W\d_]{4}\.)?"
)
ENDING = re.compile(r"(?<=\d)\s?/[-=]\Z")
"""The Indian and East African way to write no cents: 500/-."""

GROUPED = re.compile(r"[\s'’´`]")
LOOSE_GROUP = re.compile(r"\d[\s'’´`]+(?!\d{3}(?!\d))\d")
"""A space or apostrophe that separates something else than thousands: "10 20" is two numbers."""

GROUPS = re.compile(r"\d*|\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})*,\d{3}")
"""Whole numbers, in thousands or as in India: 1,23,456."""

MARKS = str.maketrans("٫٬،．，＋－−＄￥", ".,,.,+--$¥")
MOST_WORDS, LONGEST = 8, 100


class UnreadableValue(ValueError):
    """A cell that is not what its column should hold; the message quotes it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def clean_text(cell: Cell, multiline: bool = False) -> str:
    """Return a cell as tidy NFC text, on one line unless told otherwise.

    Invisible and control characters and outer spaces go; an export's mark before formulas is taken back.
    """
    if not isinstance(cell, str):
        return plain_number(cell)
    if cell.isascii() and cell.isprintable() and "'" not in cell and "_x" not in cell and "  " not in cell:
        return cell.strip()
    text = CONTROL.sub("", SPACES.sub(" ", INVISIBLE.sub("", unicodedata.normalize("NFC", cell))))
    text = restore(text.lstrip(" "))
    if multiline:
        return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")).strip()
    return " ".join(text.split())


def western(text: str) -> str:
    """Return a text with its digits and marks as in Europe: Arabic, Indian and full-width ones become 0 to 9."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text).translate(MARKS)


def plain_number(cell: float | int | bool) -> str:
    """Return a number as people write it: no exponent, no superfluous zeros."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    return str(cell) if isinstance(cell, int) else format(Decimal(repr(cell)).normalize(), "f")


def is_nothing(text: str) -> bool:
    """Return whether a text says that there is no value."""
    return text.casefold() in NOTHING


def detect_decimal(cells: Iterable[Cell]) -> str | None:
    """Return how a column writes decimals: "point", "comma", "ambiguous" ("1.234" alone), None if nothing shows it."""
    ambiguous = False
    votes = {"point": 0, "comma": 0}
    for cell in cells:
        text = western(cell) if isinstance(cell, str) else ""
        if not ("." in text or "," in text):
            continue
        found = _decimal_of(ROUND_PRICE.sub("", text))
        if found == "ambiguous":
            ambiguous = True
        elif found:
            votes[found] += 1
    if votes["point"] or votes["comma"]:
        return max(votes, key=votes.__getitem__)
    return "ambiguous" if ambiguous else None


def _decimal_of(text: str) -> str | None:
    digits = "".join(char for char in text if char in "0123456789.,").strip(".,")
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        return "point" if digits.rfind(".") > digits.rfind(",") else "comma"
    if points + commas == 0:
        return None
    mark, own, other = (".", "point", "comma") if points else (",", "comma", "point")
    if digits.count(mark) > 1:
        return other
    whole, fraction = digits.split(mark)
    if len(fraction) != 3 or whole in ("", "0") or len(whole) > 3:
        return own
    return "ambiguous"


def parse_number(cell: Cell, decimal: str | None = None, *, places: int = 4) -> Decimal | None:
    """Return the number in a cell, or None when it is blank; `decimal` is what `detect_decimal` found.

    Raises UnreadableValue. An ambiguous or unknown column reads "1.234" and "1,234" as grouped thousands.
    """
    amount, _currency = parse_money(cell, decimal, places=places)
    return amount


def parse_whole(cell: Cell, decimal: str | None = None) -> int | None:
    """Return the whole number in a cell, e.g. 36 for "36 months". Raises UnreadableValue."""
    if isinstance(cell, str):
        cell = re.sub(r"(?<=\d)\s*[^\W\d]{3,}\.?\Z", "", western(cell.strip()))
    number = parse_number(cell, decimal)
    if number is None:
        return None
    if number != number.to_integral_value():
        raise UnreadableValue(_("“%(text)s” is not a whole number.", text=_short(cell)))
    return int(number)


def parse_money(
    cell: Cell, decimal: str | None = None, home: str = "USD", *, places: int = 4
) -> tuple[Decimal | None, str | None]:
    """Return amount and currency code of a cell such as "€ 1.234,56"; the code is None when the cell names none.

    `home` is the organization's currency: what a bare "$" or "kr" means if it is one of these.
    Raises UnreadableValue. Amounts are rounded HALF_UP to `places`, as they are stored.
    """
    if isinstance(cell, bool):
        raise UnreadableValue(_("“%(text)s” is not a number.", text=_short(cell)))
    if isinstance(cell, (int, float)):
        return _rounded(Decimal(repr(cell)), cell, places), None
    if PLAIN.fullmatch(cell):
        return Decimal(cell), None
    text = ENDING.sub("", ROUND_PRICE.sub("", western(clean_text(cell))))
    if is_nothing(text):
        return None, None
    match = MONEY.fullmatch(text) if len(text) <= LONGEST else None
    if match is None or LOOSE_GROUP.search(match["number"]):
        raise UnreadableValue(_("“%(text)s” is not a number.", text=_short(cell)))
    number = GROUPED.sub("", match["number"])
    negative = bool(match["sign"]) or "-" in number or number.startswith("(")
    digits = number.strip("()+-")
    amount = _rounded(_to_decimal(digits.removesuffix(".").removesuffix(","), decimal, cell), cell, places)
    units = [unit for unit in (match["after"], match["before"]) if unit]
    codes = [_currency(unit, home, cell) for unit in units if unit != "$" or len(units) == 1]
    return (-amount if negative else amount), codes[0] if codes else None


def _to_decimal(digits: str, decimal: str | None, cell: Cell) -> Decimal:
    """Read digits with marks: the last of two different marks is the decimal one, then the column's habit decides."""
    own = _decimal_of(digits)
    style = own if own in ("point", "comma") else decimal
    if own == "ambiguous" and style not in ("point", "comma"):
        style = "comma" if "." in digits else "point"
    grouping, mark = (",", ".") if style != "comma" else (".", ",")
    if digits.count(mark) > 1 or not GROUPS.fullmatch(digits.partition(mark)[0].replace(grouping, ",")):
        raise UnreadableValue(_("“%(text)s” is not a number.", text=_short(cell)))
    try:
        return Decimal(digits.replace(grouping, "").replace(mark, "."))
    except InvalidOperation:
        raise UnreadableValue(_("“%(text)s” is not a number.", text=_short(cell))) from None


def _rounded(number: Decimal, cell: Cell, places: int) -> Decimal:
    if not number.is_finite() or abs(number) >= 10**14:
        raise UnreadableValue(_("“%(text)s” is too large a number.", text=_short(cell)))
    exact: Any = number.as_tuple().exponent  # finite: an int
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) if exact < -places else number


def _currency(unit: str, home: str, cell: Cell) -> str:
    unit = unit.strip()
    if unit == "$":
        return home if home in DOLLARS else "USD"
    if unit.casefold().rstrip(".") == "kr":
        return home if home in CROWNS else "SEK"
    code = SYMBOLS.get(unit) or SYMBOLS.get(unit.replace(" ", "")) or unit.rstrip(".").upper()
    if code in _currencies():
        return code
    raise UnreadableValue(_("“%(text)s” is not an amount of money.", text=_short(cell)))


@cache
def _currencies() -> frozenset[str]:
    return frozenset(list_currencies())


def parse_currency(cell: Cell, home: str = "USD") -> str | None:
    """Return a currency code from "EUR", "€" or "Euro (EUR)". Raises UnreadableValue."""
    text = clean_text(cell)
    if is_nothing(text):
        return None
    inner = re.search(r"\(([A-Za-z]{3})\)", text)
    return _currency(inner[1] if inner else text, home, cell)


def parse_choice(cell: Cell, words: Mapping[str, Any]) -> str | None:
    """Return the code of a choice from its word or its code, in whatever case. Raises UnreadableValue."""
    text = clean_text(cell)
    known = {key_of(str(word)): code for code, word in words.items()} | {key_of(code): code for code in words}
    if text == "" or (is_nothing(text) and key_of(text) not in known):
        return None
    if text in words or key_of(text) in known:
        return text if text in words else known[key_of(text)]
    raise UnreadableValue(
        _("“%(text)s” is none of the choices: %(words)s.", text=_short(cell), words=_listed(words.values()))
    )


def parse_choices(cell: Cell, words: Mapping[str, Any]) -> list[str] | None:
    """Return the codes of several choices, apart by commas, semicolons or lines. Raises UnreadableValue.

    A choice that has such a mark itself is found as a whole.
    """
    left, found = clean_text(cell, multiline=True), []
    if is_nothing(left):
        return None
    longest = sorted(words, key=len, reverse=True)
    while left := left.strip(",; \t\n"):
        code = next((c for c in longest if re.match(re.escape(c) + r"\s*([,;\n]|\Z)", left, re.IGNORECASE)), None)
        part = re.split("[,;\n]", left, maxsplit=1)[0].strip() if code is None else left[: len(code)]
        found.append(str(parse_choice(part, words)) if code is None else code)
        left = left[len(part) :]
    return list(dict.fromkeys(found))


def _listed(words: Iterable[Any]) -> str:
    shown = [str(word) for word in words]
    return ", ".join(shown[:MOST_WORDS]) + ("…" if len(shown) > MOST_WORDS else "")


def _short(cell: Cell) -> str:
    text = str(cell)
    return text if len(text) <= 60 else text[:59] + "…"
