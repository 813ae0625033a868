"""Read an ODS workbook as a stream: one part holds all sheets, and few bytes say that a row comes a million times."""

from __future__ import annotations

import re
from collections.abc import Iterator

from webapp.imports.number_formats import plain_number
from webapp.imports.workbook_archive import (
    LAST_ROW,
    LOCAL,
    LONGEST_CELL,
    Archive,
    Attributes,
    Cell,
    Line,
    PartReader,
    Refused,
    RowBuilder,
)

CONTENT = "content.xml"
TABLE_TAG = re.compile(rb"<table:table[\s>]")
CELLS = frozenset({"table:table-cell", "table:covered-table-cell"})
ASIDE = frozenset({"annotation", "frame", "shapes", "tracked-changes", "custom-shape", "ruby-text", "dde-links"})
"""What stands in or beside cells and is not their content: remarks, pictures, what was deleted."""

SHOWN_ZEROS = re.compile(r"(\D*)(0\d+)(\D*)")
DURATION = re.compile(r"P(?:(\d+)D)?T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,]\d+)?S)?")
MOST_SPACES = 1_000


class OdsBook:
    """A workbook whose sheets can be listed and read; raises Refused."""

    def __init__(self, archive: Archive, columns: int) -> None:
        self.archive, self.columns = archive, columns

    def filled_sheets(self) -> list[str]:
        """Return the names of the visible sheets that have content.

        A single sheet, which most workbooks have, is not read to its end for that.
        """
        reader = _SheetNames()
        for _block in self.archive.walk(CONTENT, reader):
            if len(reader.filled) == reader.tables == 1 and self._count_tables() == 1:
                break
        return list(reader.filled)

    def _count_tables(self) -> int:
        """Return how often the beginning of a sheet stands in the content, in whatever place."""
        count, tail = 0, b""
        for block in self.archive.blocks(CONTENT):
            count += len(TABLE_TAG.findall(tail + block))
            tail = (tail + block)[1 - len(b"<table:table ") :]
        return count

    def rows(self, name: str) -> Iterator[Line]:
        """Yield the numbered rows of a sheet that have content."""
        reader = _SheetReader(name, self.columns)
        for _block in self.archive.walk(CONTENT, reader):
            yield from reader.rows.take()
            if reader.over:
                return


class _SheetNames(PartReader):
    """Which visible sheets hold a value; styles, which hide sheets, come before them."""

    def __init__(self) -> None:
        self.filled: dict[str, None] = {}
        self.hiding: set[str] = set()
        self.style = ""
        self.tables = 0
        self.sheet: str | None = None

    def start(self, tag: str, attributes: Attributes) -> None:
        if tag in CELLS:
            if self.sheet is not None and "office:value-type" in attributes:
                self.filled[self.sheet] = None
                self.sheet = None
        elif tag == "table:table":
            self.tables += 1
            hidden = attributes.get("table:style-name") in self.hiding
            self.sheet = None if hidden else attributes.get("table:name", "")
        elif tag == "style:style":
            self.style = attributes.get("style:name", "")
        elif tag == "style:table-properties" and attributes.get("table:display") == "false":
            self.hiding.add(self.style)


class _SheetReader(PartReader):
    """Makes rows of one sheet's cells."""

    def __init__(self, sheet: str, columns: int) -> None:
        self.sheet, self.rows = sheet, RowBuilder(columns)
        self.inside = self.over = False
        self.aside = 0
        self.cell: Attributes = {}
        self.pieces: list[str] = []
        self.column, self.row_times, self.paragraphs = 0, 1, 0

    def start(self, tag: str, attributes: Attributes) -> None:
        if not self.inside:
            self.inside = tag == "table:table" and not self.over and attributes.get("table:name", "") == self.sheet
        elif self.aside or LOCAL[tag] in ASIDE:
            self.aside += 1
            self.parser.CharacterDataHandler = None
        elif tag == "text:p":
            if self.paragraphs:
                self.pieces.append("\n")
            self.paragraphs += 1
            self.parser.CharacterDataHandler = self.pieces.append
        elif tag in CELLS:
            self.cell, self.paragraphs = attributes, 0
            self.parser.CharacterDataHandler = None
            self.pieces.clear()
        elif tag == "table:table-row":
            self.column, self.row_times = 0, _times(attributes, "table:number-rows-repeated")
        elif tag == "text:s":
            self.pieces.append(" " * min(_times(attributes, "text:c"), MOST_SPACES))
        elif tag in ("text:tab", "text:line-break"):
            self.pieces.append("\t" if tag == "text:tab" else "\n")

    def end(self, tag: str) -> None:
        if self.aside:
            self.aside -= 1
            if not self.aside and self.paragraphs:
                self.parser.CharacterDataHandler = self.pieces.append
        elif tag == "text:p":
            self.parser.CharacterDataHandler = None
        elif tag in CELLS:
            if self.inside:
                self._take()
        elif tag == "table:table-row":
            if self.inside:
                self.rows.finish(self.rows.number + 1, self.row_times)
        elif tag == "table:table" and self.inside:
            self.inside, self.over = False, True

    def _take(self) -> None:
        """Put the cell that has ended into its columns; cells without content only move on."""
        cell, text = self.cell, "".join(self.pieces)
        times = _times(cell, "table:number-columns-repeated")
        if text or "office:value-type" in cell:
            if len(text) > LONGEST_CELL:
                raise Refused("long")
            value = _value(cell, text)
            if value != "":
                self.rows.put(self.column, value, times)
        self.column += times


def _times(attributes: Attributes, name: str) -> int:
    if name not in attributes:
        return 1
    times = int(attributes[name])
    if not 0 < times < LAST_ROW:
        raise Refused("damaged")
    return times


def _value(cell: Attributes, text: str) -> Cell:
    """Return what a cell holds; a number as it is shown where leading zeros make it a code."""
    kind = cell.get("office:value-type", "string")
    if kind in ("float", "percentage", "currency"):
        number = plain_number(cell["office:value"])
        code = SHOWN_ZEROS.fullmatch(text)
        return text if code and kind == "float" and int(code[2]) == number else number
    if kind == "date":
        day, _t, time = cell["office:date-value"].partition("T")
        time = time.partition(".")[0].removesuffix("Z")
        return day if time in ("", "00:00:00") else f"{day} {time}"
    if kind == "time":
        match = DURATION.fullmatch(cell["office:time-value"])
        days, hours, minutes, seconds = (int(part or 0) for part in match.groups()) if match else (0, 0, 0, 0)
        return f"{days * 24 + hours:02}:{minutes:02}:{seconds:02}" if match else text
    if kind == "boolean":
        return cell["office:boolean-value"] == "true"
    return text or cell.get("office:string-value", "")
