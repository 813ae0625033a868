"""The uploaded file: what it looks like under given options, and its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

from webapp.imports.options import Options
from webapp.imports.sheets import Sheet, read_sheet
from webapp.imports.values import clean_text

SAMPLES, SAMPLE_ROWS = 3, 200


@dataclass(frozen=True, slots=True)
class Source:
    """A file as somebody sees it first: headings, some contents of each column, and how it was read.

    `found` has `kind`, `encoding` and `delimiter` of text, `sheet` and `sheets` of a workbook.
    """

    headers: tuple[str, ...]
    samples: list[list[str]]
    found: dict[str, Any]


def open_sheet(file: BinaryIO, options: Options) -> Sheet:
    """Return the table in a seekable file, read as the options say; raises UnreadableSheet."""
    return read_sheet(file, encoding=options.encoding, delimiter=options.delimiter, sheet=options.sheet)


def look_into(file: BinaryIO, options: Options) -> Source:
    """Return what a file looks like; raises UnreadableSheet."""
    sheet = open_sheet(file, options)
    names = ("kind", "encoding", "delimiter", "sheet")
    found = {name: getattr(sheet, name) for name in names} | {"sheets": list(sheet.sheets)}
    return Source(tuple(sheet.headers), _samples(sheet), found)


def _samples(sheet: Sheet) -> list[list[str]]:
    """Return the first few different contents of each column."""
    samples: list[list[str]] = [[] for _header in sheet.headers]
    for count, (_number, cells) in enumerate(sheet.rows):
        for found, cell in zip(samples, cells, strict=False):
            text = clean_text(cell)[:80]
            if text and len(found) < SAMPLES and text not in found:
                found.append(text)
        if count == SAMPLE_ROWS:
            break
    return samples
