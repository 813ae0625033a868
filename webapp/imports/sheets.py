"""Read an uploaded table: one heading row and numbered rows of raw cells, whatever the file's format."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO

from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.imports.delimited import read_delimited
from webapp.imports.unreadable import Cell, Limits, RawRow, UnreadableSheet
from webapp.imports.workbook import read_workbook

__all__ = ["Cell", "Limits", "Sheet", "UnreadableSheet", "column_letters", "read_sheet"]

HEADING_SEARCH = 20
"""How many rows from the top may hold titles before the heading row."""

FOREIGN = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf", "7z"),
    (b"Rar!", "RAR"),
    (b"{\\rtf", "RTF"),
    (b"SQLite format 3", "SQLite"),
)
MARKUP = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|table|svg)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A readable table, e.g. headers ("Tag", "Name") over rows (2, ["AST-1", "Drill"]).

    Rows carry the number a spreadsheet program shows, leave out blank ones, and have at least
    as many cells as there are headers; more only when a surplus cell has content. `kind` is "csv", "xlsx" or "ods".
    A text table has an `encoding` (one of charset.ENCODINGS) and a `delimiter`; a workbook has the name of the
    `sheet` that is read and the names of all `sheets` that could be.
    """

    headers: tuple[str, ...]
    rows: Iterator[RawRow]
    kind: str
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()


def read_sheet(
    file: BinaryIO,
    limits: Limits | None = None,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
) -> Sheet:
    """Return the table in a seekable file; the rows are read lazily from it.

    What is not given is found out; what does not apply (the encoding of a workbook) is left aside.
    Raises UnreadableSheet at once for what is no table or an unknown choice, and from the rows for what shows later.
    """
    limits = limits or Limits()
    head = _check_size(file, limits)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnreadableSheet(_ole_message(file))
    if head.startswith(b"PK"):
        raw, opened = read_workbook(file, limits, sheet)
        headers, rows = _split_heading(map(_without_zeros, raw), limits)
        data = _data_rows(rows, len(headers), limits)
        return Sheet(headers, data, opened.kind, sheet=opened.sheet, sheets=opened.sheets)
    _refuse_foreign(head)
    raw, encoding, delimiter = read_delimited(file, limits, encoding, delimiter)
    headers, rows = _split_heading(map(_without_zeros, raw), limits)
    return Sheet(headers, _data_rows(rows, len(headers), limits), "csv", encoding=encoding, delimiter=delimiter)


def _without_zeros(row: RawRow) -> RawRow:
    """Drop zero characters, which no database keeps as text."""
    number, cells = row
    if any(isinstance(cell, str) and "\0" in cell for cell in cells):
        return number, [cell.replace("\0", "") if isinstance(cell, str) else cell for cell in cells]
    return row


def column_letters(index: int) -> str:
    """Return the letters a spreadsheet program shows above a column counted from 0."""
    letters, index = "", index + 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _check_size(file: BinaryIO, limits: Limits) -> bytes:
    size = file.seek(0, 2)
    file.seek(0)
    if size == 0:
        raise UnreadableSheet(_("The file is empty."))
    if size > limits.bytes:
        raise UnreadableSheet(
            _("The file is larger than %(size)s MB. Split it into smaller ones.", size=limits.bytes // 2**20)
        )
    head = file.read(4096)
    file.seek(0)
    return head


def _ole_message(file: BinaryIO) -> str:
    head = file.read(2**20)
    if "EncryptedPackage".encode("utf-16-le") in head:
        return _("The file is protected with a password. Save it without one and upload it again.")
    return _(
        "This is the old Excel format (.xls) or another Office document. "
        "Save it as .xlsx, .ods or CSV and upload it again."
    )


def _refuse_foreign(head: bytes) -> None:
    for magic, name in FOREIGN:
        if head.startswith(magic):
            raise UnreadableSheet(_("This is a %(kind)s file, not a table. Upload CSV, XLSX or ODS.", kind=name))
    if MARKUP.match(head):
        raise UnreadableSheet(
            _(
                "This is a web page or XML, not a table. "
                "Open it in a spreadsheet program and save it as .xlsx, .ods or CSV."
            )
        )


def _split_heading(raw: Iterator[RawRow], limits: Limits) -> tuple[tuple[str, ...], Iterator[RawRow]]:
    """Take the heading row: the first of the top rows that is at least half as full as the fullest."""
    top = list(islice((row for row in raw if _filled(row[1])), HEADING_SEARCH))
    if not top:
        raise UnreadableSheet(_("The file has no rows."))
    widest = max(_filled(cells) for _number, cells in top)
    place = next(i for i, (_number, cells) in enumerate(top) if _filled(cells) * 2 >= widest)
    names = _name_columns(top[place][1], limits)
    body = chain(top[place + 1 :], raw)
    first = next(body, None)
    if first is None:
        raise UnreadableSheet(_("The file has a heading row, but no rows below it."))
    return names, chain((first,), body)


def _name_columns(cells: list[Cell], limits: Limits) -> tuple[str, ...]:
    """Return one different name a column; a blank heading becomes "Column C"."""
    texts = [" ".join(str(cell).split()) for cell in cells]
    while texts and not texts[-1]:
        texts.pop()
    if len(texts) > limits.columns:
        raise UnreadableSheet(
            ngettext(
                "The file has more than %(num)s column.", "The file has more than %(num)s columns.", limits.columns
            )
        )
    names: list[str] = []
    for index, text in enumerate(texts):
        name = plain = text[:100] or _("Column %(letters)s", letters=column_letters(index))
        again = 2
        while name in names:
            name, again = f"{plain} ({again})", again + 1
        names.append(name)
    return tuple(names)


def _data_rows(rows: Iterator[RawRow], width: int, limits: Limits) -> Iterator[RawRow]:
    count = 0
    for number, cells in rows:
        if len(cells) < width:
            cells = [*cells, *[""] * (width - len(cells))]
        elif len(cells) > width and not _filled(cells[width:]):
            cells = cells[:width]
        if not _filled(cells):
            continue
        count += 1
        if count > limits.rows:
            raise UnreadableSheet(
                _("The file has more than %(rows)s rows. Split it into smaller ones.", rows=limits.rows)
            )
        yield number, cells


def _filled(cells: list[Cell]) -> int:
    return sum(1 for cell in cells if cell != "" and (not isinstance(cell, str) or not cell.isspace()))
