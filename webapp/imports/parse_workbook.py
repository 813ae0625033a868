"""Write the first filled sheet of the workbook on standard input as JSON lines; run as a process of its own.

Lines: {"sheet": name}, one list of cells a row from the first row of the sheet on, {"end": true} or {"error": code}.
"""

import datetime
import io
import resource
import sys
from typing import Any

import orjson
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

MEMORY = 1024 * 2**20
SECONDS = 60


def cell(value: Any) -> Any:
    """Return a cell as JSON: whole floats as integers, dates as ISO text."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else value
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep=" ")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value if isinstance(value, (str, int)) else str(value)


def first_filled(book: Any) -> Any:
    """Return the first visible sheet that has content, or None."""
    for meta in book.sheets_metadata:
        if meta.visible == SheetVisibleEnum.Visible and meta.typ == SheetTypeEnum.WorkSheet:
            sheet = book.get_sheet_by_name(meta.name)
            if sheet.start is not None:
                return sheet
    return None


def main(columns: int) -> None:
    """Print the rows; stop with an error code where a limit or the parser says so."""

    def say(line: Any) -> None:
        sys.stdout.buffer.write(orjson.dumps(line) + b"\n")

    try:
        sheet = first_filled(CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read())))
        if sheet is None:
            say({"error": "empty"})
            return
        if sheet.total_width > columns * 4:
            say({"error": "wide"})
            return
        say({"sheet": sheet.name})
        before = [""] * sheet.start[1]
        for row in sheet.iter_rows():
            say(before + [cell(value) for value in row])
        say({"end": True})
    except MemoryError:
        say({"error": "memory"})
    except (CalamineError, ValueError, OSError):
        say({"error": "damaged"})


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    main(int(sys.argv[1]))
