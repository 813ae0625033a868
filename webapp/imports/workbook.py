"""Read XLSX and ODS workbooks: another process with hard limits parses them, so that nothing in one can harm ours.

It is our own streaming parser: a native one holds the whole sheet (122 to 164 MB for a good file of 50,000 × 20) and
aborts its process when a cell claims to stand in XFD1048576; this one holds a row.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
from flask_babel import gettext as _

from webapp.imports.unreadable import Limits, RawRow, UnreadableSheet, quotable

PARSER = Path(__file__).with_name("parse_workbook.py")


@dataclass(frozen=True, slots=True)
class Opened:
    """What a workbook is and which of its sheets is read."""

    kind: str
    sheet: str
    sheets: tuple[str, ...]


def read_workbook(file: BinaryIO, limits: Limits, sheet: str | None = None) -> tuple[Iterator[RawRow], Opened]:
    """Return the numbered rows of a sheet, else of the first visible one that has content, and what was opened.

    Raises UnreadableSheet for damaged, encrypted, macro and other zip files, for zip bombs and for an unknown sheet.
    """
    lines = _parse(file, limits, sheet or "")
    opened = next(lines, None)
    if not isinstance(opened, dict) or "error" in opened:
        raise UnreadableSheet(describe(opened["error"] if isinstance(opened, dict) else "damaged", sheet))
    return _rows(lines), Opened(opened["kind"], opened["sheet"], tuple(opened["sheets"]))


def _parse(file: BinaryIO, limits: Limits, sheet: str) -> Iterator[Any]:
    """Yield the parsing process's lines: one about the sheet, one a row, one at the end."""
    name = sheet[:10_000].replace("\0", "\ufffd").encode("utf-8", "replace")
    file.seek(0)
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        numbers = [str(number) for number in (limits.columns, limits.expanded, limits.ratio)]
        child = subprocess.Popen(  # noqa: S603  our own script and interpreter, no shell; the name of a sheet is data
            [sys.executable, "-I", "-X", "utf8", str(PARSER), *numbers, name],
            stdin=copy,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    with child, cast(BinaryIO, child.stdout) as lines:
        try:
            for line in lines:
                yield orjson.loads(line)
            yield {"error": "memory" if child.wait() < 0 else "damaged"}
        finally:
            child.kill()


def _rows(lines: Iterator[Any]) -> Iterator[RawRow]:
    for line in lines:
        if isinstance(line, dict):
            if "error" in line:
                raise UnreadableSheet(describe(line["error"]))
            return
        yield line[0], line[1]


def describe(code: str, sheet: str | None = None) -> str:
    """Return the sentence for a code of the parsing process."""
    said = {
        "sheet": _("The workbook has no visible sheet “%(name)s” with content.", name=quotable(sheet or "")),
        "empty": _("The workbook has no visible sheet with content."),
        "wide": _("The sheet has too many columns. Delete what is not needed, also far to the right."),
        "memory": _("The sheet is too large to read, or has content far down. Delete unused rows, or save it as CSV."),
        "long": _("A cell is longer than 131,072 characters, or a row longer than a million. Shorten it."),
        "bomb": _("The workbook expands to far more than it should. Save only the one sheet, or save it as CSV."),
        "parts": _("The workbook has too many parts. Save only the one sheet as a new workbook."),
        "packing": _("The workbook is packed in an unknown way. Save it again and upload it once more."),
        "password": _("The file is protected with a password. Save it without one and upload it again."),
        "macros": _("The workbook holds macros. Save it as .xlsx or .ods without macros and upload it again."),
        "other": _("Only .xlsx and .ods workbooks and CSV are read. Save the sheet as one of these."),
        "zip": _("This is a zip file, not a workbook. Upload CSV, XLSX or ODS."),
    }
    return said.get(code) or _("The workbook is damaged or was cut off. Save it again and upload it once more.")
