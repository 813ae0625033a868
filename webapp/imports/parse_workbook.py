"""Write one sheet of the workbook on standard input as JSON lines; run as a process of its own, within hard limits.

Lines: {"kind", "sheet", "sheets"}, then [row number, cells] of every row with content, then {"end": true}; or
{"error": code} instead of any of them. Whatever else ends the process means that the workbook is damaged.
"""

import resource
import sys
from pathlib import Path
from types import ModuleType

import orjson

MEMORY = 64 * 2**20
"""Of address space; a good workbook of 50,000 rows takes a third of it, however long its texts are."""
SECONDS = 90
SAID = 40 * 2**20
"""Bytes that a small workbook may say; the texts of a large one may come eight times each."""


def open_packages() -> None:
    """Make our packages importable without what they load: a web application has no place in 64 MB."""
    here = Path(__file__).resolve().parent
    for name, folder in (("webapp", here.parent), ("webapp.imports", here)):
        package = ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


def main(columns: int, expanded: int, ratio: int, wanted: str) -> None:
    """Print the rows; stop with an error code where a limit or the parser says so."""
    from webapp.imports.workbook_archive import Archive, Refused
    from webapp.imports.workbook_ods import OdsBook
    from webapp.imports.workbook_xlsx import XlsxBook

    left = SAID

    def say(line: object) -> None:
        nonlocal left
        data = orjson.dumps(line)
        left -= len(data)
        if left < 0:
            raise Refused("bomb")
        sys.stdout.buffer.write(data + b"\n")

    try:
        archive = Archive(sys.stdin.buffer, expanded, ratio)
        left = min(expanded, SAID + 8 * archive.total)
        book = OdsBook(archive, columns) if archive.kind == "ods" else XlsxBook(archive, columns)
        sheets = book.filled_sheets()
        if not sheets:
            raise Refused("empty")
        if wanted and wanted not in sheets:
            raise Refused("sheet")
        sheet = wanted or sheets[0]
        say({"kind": archive.kind, "sheet": sheet, "sheets": sheets})
        for line in book.rows(sheet):
            say(line)
        say({"end": True})
    except Refused as refused:
        sys.stdout.buffer.write(orjson.dumps({"error": refused.code}) + b"\n")
    except MemoryError:
        sys.stdout.buffer.write(b'{"error":"memory"}\n')


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    open_packages()
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
