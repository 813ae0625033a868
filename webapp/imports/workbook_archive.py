"""The zip file that a workbook is: refused when it is none or hides something, walked through part by part."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO
from xml.parsers import expat

MOST_PARTS = 5_000
SMALL = 10 * 2**20
"""Below this expanded size no ratio is suspicious."""
BLOCK = 65_536
LONGEST_TAG = 4 * 2**20
LONGEST_CELL = 131_072
LONGEST_ROW = 2**20
"""Characters, as in text tables."""
LAST_ROW = 10_000_000
MANIFEST = "meta-inf/manifest.xml"

Cell = str | int | float | bool
Line = tuple[int, list[Cell]]
Attributes = dict[str, str]


class Refused(Exception):
    """What is wrong with a workbook, as a code that the parent process has a sentence for."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Archive:
    """A zip file that is a plain workbook; `kind` is "xlsx" or "ods"."""

    def __init__(self, file: BinaryIO, expanded: int, ratio: int) -> None:
        """Open it; raises Refused for macros, passwords, other zip files and for what expands too far."""
        self.zip = zipfile.ZipFile(file)
        entries = self.zip.infolist()
        if len(entries) > MOST_PARTS:
            raise Refused("parts")
        self.parts = {entry.filename.replace("\\", "/").lower().lstrip("/"): entry for entry in entries}
        if any(entry.flag_bits & 1 for entry in entries):
            raise Refused("password")
        self.kind = self._kind()
        if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
            raise Refused("packing")
        self.total, packed = sum(entry.file_size for entry in entries), file.seek(0, 2)
        if self.total > expanded or (self.total > SMALL and self.total > packed * ratio):
            raise Refused("bomb")

    def _kind(self) -> str:
        names = set(self.parts)
        if any(name.endswith("vbaproject.bin") or name.startswith(("xl/macrosheets/", "basic/")) for name in names):
            raise Refused("macros")
        if "encryptedpackage" in names or "encrypted-package" in names:
            raise Refused("password")
        if "xl/workbook.bin" in names:
            raise Refused("other")
        if "[content_types].xml" in names and any(name.startswith("xl/") for name in names):
            return "xlsx"
        if "mimetype" in names and "content.xml" in names:
            if MANIFEST in names and b"encryption-data" in next(self.blocks(MANIFEST), b""):
                raise Refused("password")
            if b"opendocument.spreadsheet" in next(self.blocks("mimetype"), b""):
                return "ods"
        raise Refused("other" if names & {"mimetype", "word/document.xml", "ppt/presentation.xml"} else "zip")

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield what a part holds, a block at a time and never more than it declares."""
        with self.zip.open(self.parts[name]) as part:
            while block := part.read(BLOCK):
                yield block

    def walk(self, name: str, reader: PartReader) -> Iterator[None]:
        """Let a reader read a part, block by block; yield after each.

        Raises Refused for declarations of a document's own, by which few bytes become many, and for endless tags.
        """
        parser = reader.parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
        parser.StartDoctypeDeclHandler = _refuse_declarations
        fed = 0
        for block in self.blocks(name):
            parser.Parse(block)
            fed += len(block)
            if fed - parser.CurrentByteIndex > LONGEST_TAG:
                raise Refused("long")
            yield
        parser.Parse(b"", True)
        yield

    def read(self, name: str, reader: PartReader) -> None:
        """Let a reader read a whole part."""
        for _block in self.walk(name, reader):
            pass


class PartReader:
    """Reads the XML of one part: tags come as "prefix:name", of which `LOCAL` gives the name.

    Namespaces are left aside: they double the time, and the two standards of XLSX differ in nothing else.
    """

    parser: Any

    def start(self, tag: str, attributes: Attributes) -> None:
        """Take the beginning of an element."""
        raise NotImplementedError

    def end(self, tag: str) -> None:
        """Take the end of an element."""


class _Local(dict[str, str]):
    def __missing__(self, tag: str) -> str:
        if len(self) > MOST_PARTS:
            raise Refused("damaged")
        self[tag] = tag.rpartition(":")[2]
        return self[tag]


LOCAL = _Local()
"""The name of a tag without its prefix."""


def _refuse_declarations(*_names: object) -> None:
    raise Refused("damaged")


class Far(int):
    """A text by its number, looked up when its row is handed on: a block of cells may name many times its size."""


class RowBuilder:
    """Puts cells into their columns and rows into their order, within limits."""

    def __init__(self, columns: int, text_of: Callable[[int], str] | None = None) -> None:
        self.columns, self.text_of = columns, text_of
        self.ready: list[tuple[int, int, list[Cell]]] = []
        self.number = self.length = 0
        self.cells: list[Cell] = []

    def put(self, column: int, value: Cell, times: int = 1, length: int = 0) -> None:
        """Put a value with content into a column counted from 0, and into the following ones."""
        if column + times > self.columns * 4:
            raise Refused("wide")
        if length or isinstance(value, str):
            length = length or len(value)  # type: ignore[arg-type]  # a text, or somebody says how long it is
            self.length += length * times
            if length > LONGEST_CELL or self.length > LONGEST_ROW:
                raise Refused("long")
        cells = self.cells
        if column > len(cells):
            cells.extend([""] * (column - len(cells)))
        cells[column : column + 1] = [value] * times

    def finish(self, number: int, times: int = 1) -> None:
        """End a row that stands in a place, or in several one below the other."""
        number = max(number, self.number + 1)
        if self.cells:
            self.ready.append((number, times, self.cells))
        self.number, self.cells, self.length = number + times - 1, [], 0
        if self.number > LAST_ROW:
            raise Refused("memory")

    def take(self) -> Iterator[Line]:
        """Yield the rows that are finished, and forget them."""
        text_of = self.text_of
        for number, times, cells in self.ready:
            if text_of is not None:
                cells = [text_of(cell) if type(cell) is Far else cell for cell in cells]
            for again in range(times):
                yield number + again, cells
        self.ready.clear()
