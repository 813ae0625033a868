"""Read text tables: the encoding and the delimiter are found out or chosen, line ends and quoting are forgiven."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from flask_babel import gettext as _

from webapp.imports.charset import detect_encoding, known_encoding, reading_of
from webapp.imports.unreadable import Cell, Limits, RawRow, UnreadableSheet, quotable

DELIMITERS = (",", ";", "\t", "|")
SELDOM = ("\x1f", "^", "~", ":")
"""Delimiters that also stand in times, addresses and notes: only where every row has them as often as the heading."""

NAMED = {"tab": "\t", "\\t": "\t", "space": " ", "\\x1f": "\x1f"}
SAMPLE = 65_536
SAMPLE_ROWS = 50
LONGEST_ROW = 2**20
"""Characters of a row, so that a file without line ends is never held as a whole."""

END = "EndOfTheFile"
"""A last line of letters alone, which no delimiter divides: it is a row of its own unless a quotation mark is open."""


def read_delimited(
    file: BinaryIO, limits: Limits, encoding: str | None = None, delimiter: str | None = None
) -> tuple[Iterator[RawRow], str, str]:
    """Return the numbered rows of a text table, its encoding and its delimiter, each found out unless it is given.

    Raises UnreadableSheet for binary content, a broken encoding, a quotation mark that is never closed, and for an
    encoding or delimiter that nobody can read by.
    """
    encoding = known_encoding(encoding) if encoding else detect_encoding(file)
    delimiter = known_delimiter(delimiter) if delimiter else None
    sample = _sample(file, encoding)
    declared = _declared_delimiter(sample)
    delimiter = delimiter or declared or detect_delimiter(sample)
    rows = _records(file, encoding, delimiter, limits)
    if declared:
        rows = _without_first(rows)
    return rows, encoding, delimiter


def known_delimiter(name: str) -> str:
    """Return the delimiter that a person named, e.g. "tab" or "^". Raises UnreadableSheet for what is none."""
    delimiter = NAMED.get(name.casefold(), name)
    if len(delimiter) != 1 or delimiter.isalnum() or delimiter in '"\r\n\0' or "\ud800" <= delimiter < "\ue000":
        raise UnreadableSheet(
            _(
                "“%(name)s” cannot separate columns. Choose one character that is no letter and no digit.",
                name=quotable(name),
            )
        )
    return delimiter


def detect_delimiter(sample: str) -> str:
    """Return the delimiter whose columns are the most, and the most even, over the first rows."""
    best, best_score = ",", 0.0
    for delimiter in (*DELIMITERS, *SELDOM):
        if delimiter not in sample:
            continue
        widths = [len(row) for row in _sample_rows(sample, delimiter) if any(row)]
        if not widths or max(widths) < 2:
            continue
        usual = max(set(widths), key=lambda width: (widths.count(width), width))
        if delimiter in SELDOM and (widths[0] != usual or widths.count(usual) * 10 < len(widths) * 9):
            continue
        score = usual * widths.count(usual) / len(widths) + (0.5 if widths[0] == usual else 0)
        if usual > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def _sample(file: BinaryIO, encoding: str) -> str:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(reading_of(encoding)[0])("replace")
    try:
        text = decoder.decode(file.read(SAMPLE)).lstrip("\ufeff")
    except UnicodeError:  # what no replacement mends: UTF-32 without its mark
        raise UnreadableSheet(damaged(1)) from None
    return text if len(text) < SAMPLE // 4 else text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text


def _sample_rows(sample: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        pass  # a field over the limit: what was read so far is enough to judge by
    return rows


def _declared_delimiter(sample: str) -> str | None:
    """Return the delimiter of Excel's own first line, "sep=;"."""
    first = sample[:10].splitlines()[0].strip('"') if sample else ""
    if len(first) != 5 or not first.lower().startswith("sep="):
        return None
    with contextlib.suppress(UnreadableSheet):
        return known_delimiter(first[4])
    return None


def _without_first(rows: Iterator[RawRow]) -> Iterator[RawRow]:
    next(rows, None)
    yield from rows


class _Lines:
    """The lines of a text, of which a row takes several when its cells have line ends, but never without limit."""

    def __init__(self, text: io.TextIOWrapper, delimiter: str, limits: Limits) -> None:
        self.text, self.delimiter, self.limits = text, delimiter, limits
        self.row, self.length, self.marks = 1, 0, 0
        self.over = False

    def __iter__(self) -> Iterator[str]:
        first = True
        while line := self.text.readline(LONGEST_ROW + 1):
            if first:
                line, first = line.lstrip("\ufeff"), False
            self.length += len(line)
            if self.length > LONGEST_ROW:
                raise UnreadableSheet(self._too_long(self.marks + line.count(self.delimiter)))
            self.marks += line.count(self.delimiter)
            yield line
        self.over = True
        yield END

    def next_row(self) -> None:
        """Begin another row."""
        self.row, self.length, self.marks = self.row + 1, 0, 0

    def _too_long(self, marks: int) -> str:
        if marks > self.limits.columns:
            return _too_wide(self.row, self.limits)
        return unclosed(self.row)


def _records(file: BinaryIO, encoding: str, delimiter: str, limits: Limits) -> Iterator[RawRow]:
    file.seek(0)
    codec, errors = reading_of(encoding)
    text = io.TextIOWrapper(file, encoding=codec, errors=errors, newline="")
    lines = _Lines(text, delimiter, limits)
    cells: list[str] = []
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            if lines.over:
                break
            if len(cells) > limits.columns * 4:
                raise UnreadableSheet(_too_wide(lines.row, limits))
            row: list[Cell] = [*cells]
            yield lines.row, row
            lines.next_row()
        if cells != [END]:
            raise UnreadableSheet(unclosed(lines.row))
    except csv.Error:
        raise UnreadableSheet(unclosed(lines.row)) from None
    except UnicodeError:
        raise UnreadableSheet(damaged(lines.row)) from None
    finally:
        with contextlib.suppress(ValueError):  # an abandoned reader may outlive its file
            text.detach()


def _too_wide(row: int, limits: Limits) -> str:
    return _("Row %(row)s has more than %(columns)s columns.", row=row, columns=limits.columns)


def damaged(row: int) -> str:
    """Return the sentence about text that is not in the encoding it is read by."""
    return _(
        "The text breaks off, is damaged or has another encoding near row %(row)s. Save the file as CSV UTF-8.",
        row=row,
    )


def unclosed(row: int) -> str:
    """Return the sentence about a cell or row that goes on and on."""
    return _(
        "A quotation mark that opens in row %(row)s is never closed, or a cell is longer than 131,072 characters.",
        row=row,
    )
