"""A list as a workbook of one sheet: numbers are numbers, days and moments real dates in the organization's zone.

XlsxWriter makes the book: its styles, columns and head. The rows are put into its sheet as XML, a column of a chunk at
a time: cell by cell through the library they took three times as long, and a text that reads `<r>…</r>` went into the
file as it stood.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile
from zoneinfo import ZoneInfo

from webapp.core.compiled import Columns
from webapp.core.fields import FaceField
from webapp.core.naming import height
from webapp.faces.cells import neutralize, text_cells

SHEET, SHEET_ROWS = "xl/worksheets/sheet1.xml", 1_048_575
LONGEST = 32_767
"""Characters of a cell, as UTF-16 counts them."""
FORMATS = {"day": "yyyy-mm-dd", "moment": "yyyy-mm-dd hh:mm", "amount": "#,##0.00##"}
BLOCK = 250
"""Rows that are XML at the same time: some two hundred thousand characters."""
COMPRESSION = 4
REMEMBERED = 4_096
ZERO, DAY = datetime.combine(date(1899, 12, 30), time()), timedelta(days=1)
LEAP = 60
"""The 29th of February 1900, which spreadsheets count and no calendar has."""
DIMENSION = re.compile(r"<dimension [^>]*/>")
STYLE = re.compile(r'<col min="(\d+)" max="(\d+)"[^>]* style="(\d+)"')
SPECIAL = re.compile(r"[&<>\x00-\x08\x0b-\x1f\ufffe\uffff]|_x[0-9A-Fa-f]{4}_|^\s|\s\Z")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")
Ending = Callable[[Any], str]
Cells = Callable[[Sequence[str], Iterable[Any]], Sequence[str]]
"""What turns the numbers of some rows and their values of a column into cells, "" where there is none."""


def write_xlsx(
    chunks: Iterable[Columns],
    heads: Sequence[str],
    fields: Mapping[str, FaceField],
    zone: str,
    title: str,
    file: IO[bytes],
) -> None:
    """Write a workbook with one sheet under some headings, a chunk of rows at a time."""
    from xlsxwriter.utility import xl_col_to_name

    empty = _book(heads, fields, title)
    with ZipFile(empty) as book, ZipFile(file, "w", ZIP_DEFLATED, compresslevel=COMPRESSION) as target:
        for part in book.namelist():
            if part != SHEET:
                target.writestr(part, book.read(part))
        sheet = book.read(SHEET).decode()
        before, end, after = DIMENSION.sub("", sheet).partition("</sheetData>")
        styles = {
            column: style
            for first, last, style in STYLE.findall(before)
            for column in range(int(first) - 1, int(last))  # neighbours that are alike share a line
        }
        columns = [
            (name, cells_of(item, xl_col_to_name(column), styles.get(column), ZoneInfo(zone)))
            for column, (name, item) in enumerate(fields.items())
        ]
        with target.open(SHEET, "w") as part_of_it:
            part_of_it.write(before.encode())
            for block in _blocks(chunks, columns):
                part_of_it.write(block.encode())
            part_of_it.write((end + after).encode())


def _book(heads: Sequence[str], fields: Mapping[str, FaceField], title: str) -> IO[bytes]:
    """Return a workbook that has its styles and its head, and no rows yet."""
    file = io.BytesIO()
    import xlsxwriter  # only where a workbook is made

    book = xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    bold = book.add_format({"bold": True})
    formats = {kind: book.add_format({"num_format": form}) for kind, form in FORMATS.items()}
    sheet = book.add_worksheet(sheet_title(title))
    sheet.freeze_panes(1, 0)
    for column, (heading, item) in enumerate(zip(heads, fields.values(), strict=True)):
        sheet.set_column(column, column, 12 if item.kind in formats else 22, formats.get(item.kind))
        sheet.write_string(0, column, neutralize(heading), bold)
    book.close()
    return file


def _blocks(chunks: Iterable[Columns], makers: Sequence[tuple[str, Cells]]) -> Iterator[str]:
    """Yield rows as XML, some at a time."""
    done = 1
    for chunk in chunks:
        for start in range(0, height(chunk), BLOCK):
            end = min(start + BLOCK, height(chunk), start + SHEET_ROWS + 1 - done)
            numbers = [str(number) for number in range(done + 1, done + 1 + end - start)]
            cells = zip(*[make(numbers, chunk[name][start:end]) for name, make in makers], strict=True)
            yield "".join(
                [f'<row r="{number}">{"".join(row)}</row>' for number, row in zip(numbers, cells, strict=True)]
            )
            done += len(numbers)


def cells_of(item: FaceField, letters: str, style: str | None, zone: ZoneInfo) -> Cells:
    """Return what makes the cells of a field, in the type of the field."""
    start, ending = f'<c r="{letters}', _ending(item, f'" s="{style}"' if style else '"', zone)
    return lambda numbers, values: [
        "" if value is None else f"{start}{number}{ending(value)}"
        for number, value in zip(numbers, values, strict=True)
    ]


def _ending(item: FaceField, mark: str, zone: ZoneInfo) -> Ending:
    """Return what makes the part of a cell behind its place, which many cells of a column have in common."""
    if item.kind in {"amount", "number", "whole", "reference"}:
        return lambda value: f"{mark}><v>{value}</v></c>"
    if item.kind == "moment":
        return lambda value: f"{mark}><v>{(value.astimezone(zone).replace(tzinfo=None) - ZERO) / DAY:.16G}</v></c>"
    if item.kind == "day":
        return lru_cache(REMEMBERED)(lambda value: f"{mark}><v>{day_number(value)}</v></c>")
    if item.kind == "flag":
        return {flag: f'{mark} t="b"><v>{flag:d}</v></c>' for flag in (True, False)}.__getitem__
    make = text_cells(item)
    if item.kind in {"text", "longtext", "url", "codes"}:
        return lambda value: mark + inline(make((value,))[0])
    return lru_cache(REMEMBERED)(lambda value: mark + inline(make((value,))[0]))


def day_number(day: date) -> int:
    """Return a day as spreadsheets count it: from 1900 on, and with a day too many in that year."""
    number = day.toordinal() - ZERO.toordinal()
    return number - (number <= LEAP)


def inline(text: str) -> str:
    """Return the end of a cell with a text, cut where a cell ends."""
    if len(text) > LONGEST // 2:
        text = text.encode("utf-16-le")[: LONGEST * 2].decode("utf-16-le", "ignore")
    if not SPECIAL.search(text):
        return f' t="inlineStr"><is><t>{text}</t></is></c>'
    text = CONTROL.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f' t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def sheet_title(title: str) -> str:
    """Return a title that a sheet may bear: at most 31 characters, none of the forbidden ones."""
    return "".join(" " if char in "[]:*?/\\'" else char for char in title)[:31].strip() or "List"
