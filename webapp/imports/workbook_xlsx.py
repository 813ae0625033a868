"""Read an XLSX workbook as a stream: its sheets, what its cells hold, and no more memory than a row takes."""

from __future__ import annotations

import os
import posixpath
import re
import tempfile
from array import array
from collections.abc import Iterator

from webapp.imports.number_formats import BUILT_IN, Show, plain_number, show_of
from webapp.imports.workbook_archive import (
    LAST_ROW,
    LOCAL,
    LONGEST_CELL,
    Archive,
    Attributes,
    Cell,
    Far,
    Line,
    PartReader,
    Refused,
    RowBuilder,
)

MOST_STRINGS = 3_000_000
NEAR = 16 * 2**20
"""Characters of texts that are kept at hand: the first ones of a workbook come again and again."""
PEEKED = 256
"""Blocks of a sheet that are searched for content before it counts as filled."""
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
DIGITS = "0123456789"


class XlsxBook:
    """A workbook whose sheets can be listed and read; raises Refused."""

    def __init__(self, archive: Archive, columns: int) -> None:
        self.archive, self.columns = archive, columns
        roots = self._links("", "_rels/.rels")
        book = next((target for target, kind in roots.values() if kind == "officeDocument"), "xl/workbook.xml")
        links = self._links(posixpath.dirname(book), f"{posixpath.dirname(book)}/_rels/{posixpath.basename(book)}.rels")
        contents = _Contents()
        archive.read(book.lower(), contents)
        self.sheets = {
            name: links[link][0].lower()
            for name, link in contents.visible
            if link in links and links[link][1] == "worksheet" and links[link][0].lower() in archive.parts
        }
        kinds = {kind: target.lower() for target, kind in links.values()}
        self.strings_part, styles = kinds.get("sharedStrings"), _Styles(contents.from_1904)
        if kinds.get("styles") in archive.parts:
            archive.read(kinds["styles"], styles)
        self.shows = styles.shows

    def _links(self, folder: str, part: str) -> dict[str, tuple[str, str]]:
        links = _Links(folder)
        if part.lower() in self.archive.parts:
            self.archive.read(part.lower(), links)
        return links.found

    def filled_sheets(self) -> list[str]:
        """Return the names of the visible sheets that have content."""
        return [name for name in self.sheets if self._is_filled(name)]

    def _is_filled(self, name: str) -> bool:
        reader = _Peek()
        for count, _block in enumerate(self.archive.walk(self.sheets[name], reader)):
            if reader.found or count == PEEKED:
                return True
        return False

    def rows(self, name: str) -> Iterator[Line]:
        """Yield the numbered rows of a sheet that have content."""
        strings = _Strings()
        if self.strings_part in self.archive.parts:
            self.archive.read(self.strings_part, strings)
            strings.file.flush()
        reader = _SheetReader(strings, self.shows, self.columns)
        for _block in self.archive.walk(self.sheets[name], reader):
            yield from reader.rows.take()
            if reader.over:
                return


class _Links(PartReader):
    """{id: (part, kind)} of a part's relationships."""

    def __init__(self, folder: str) -> None:
        self.folder, self.found = folder, dict[str, tuple[str, str]]()

    def start(self, tag: str, attributes: Attributes) -> None:
        if LOCAL[tag] == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes["Target"].replace("\\", "/")
            place = posixpath.normpath(posixpath.join("/", self.folder, target)).lstrip("/")
            self.found[attributes["Id"]] = (place, attributes["Type"].rpartition("/")[2])


class _Contents(PartReader):
    """The workbook's own part: which sheets are visible, and where its calendar begins."""

    def __init__(self) -> None:
        self.visible: list[tuple[str, str]] = []
        self.from_1904 = False

    def start(self, tag: str, attributes: Attributes) -> None:
        name = LOCAL[tag]
        if name == "workbookPr":
            self.from_1904 = attributes.get("date1904") in ("1", "true", "on")
        elif name == "sheet" and attributes.get("state", "visible") == "visible":
            link = next((value for key, value in attributes.items() if LOCAL[key] == "id"), "")
            self.visible.append((attributes.get("name", ""), link))


class _Styles(PartReader):
    """Which styles of cells show more than the number: {style: how}."""

    def __init__(self, from_1904: bool) -> None:
        self.codes: dict[str, str] = {str(number): code for number, code in BUILT_IN.items()}
        self.shows: dict[str, Show] = {}
        self.from_1904, self.inside, self.count = from_1904, False, 0

    def start(self, tag: str, attributes: Attributes) -> None:
        name = LOCAL[tag]
        if name == "numFmt":
            self.codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self.inside = True
        elif name == "xf" and self.inside:
            show = show_of(self.codes.get(attributes.get("numFmtId", ""), ""), self.from_1904)
            if show is not None:
                self.shows[str(self.count)] = show
            self.count += 1

    def end(self, tag: str) -> None:
        if LOCAL[tag] == "cellXfs":
            self.inside = False


class _Texts(PartReader):
    """Collects what stands in <v> and <t>, but for how East Asian words are pronounced, as `text`."""

    text = ""
    aside = False

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def start(self, tag: str, attributes: Attributes) -> None:
        name = LOCAL[tag]
        if name == "v" or name == "t":
            self.pieces.clear()
            self.parser.CharacterDataHandler = self.pieces.append
        elif name == "rPh":
            self.aside = True

    def end(self, tag: str) -> None:
        name = LOCAL[tag]
        if name == "v" or name == "t":
            if not self.aside:
                self.text += "".join(self.pieces)
        elif name == "rPh":
            self.aside = False


class _Strings(_Texts):
    """The texts that cells refer to by number; the first ones at hand, the others, however large, in a file."""

    def __init__(self) -> None:
        super().__init__()
        self.near: list[str] = []
        self.room = NEAR
        self.file = tempfile.TemporaryFile()  # noqa: SIM115  it goes with the process
        self.ends = array("Q", [0])

    def end(self, tag: str) -> None:
        name = LOCAL[tag]
        if name == "t" and not self.aside:
            self.text += "".join(self.pieces)
        elif name == "si":
            self._keep(self.text)
            self.text = ""
        else:
            super().end(tag)

    def _keep(self, text: str) -> None:
        text = unescape(text)
        if len(text) > LONGEST_CELL:
            raise Refused("long")
        self.room -= len(text) + 100
        if self.room > 0:
            self.near.append(text)
            return
        data = text.encode()
        self.file.write(data)
        self.ends.append(self.ends[-1] + len(data))
        if len(self.ends) > MOST_STRINGS:
            raise Refused("memory")

    def far(self, index: int) -> tuple[Far, int]:
        """Return a text that is not at hand, and its length in bytes."""
        place = index - len(self.near)
        return Far(place), self.ends[place + 1] - self.ends[place]

    def text_of(self, place: int) -> str:
        """Return a text that is not at hand."""
        start, end = self.ends[place], self.ends[place + 1]
        return os.pread(self.file.fileno(), end - start, start).decode()


class _Peek(PartReader):
    """Looks whether a sheet has a value."""

    found = False

    def start(self, tag: str, attributes: Attributes) -> None:
        if LOCAL[tag] in ("v", "is"):
            self.found = True


class _SheetReader(_Texts):
    """Makes rows of a sheet's cells."""

    def __init__(self, strings: _Strings, shows: dict[str, Show], columns: int) -> None:
        super().__init__()
        self.strings, self.shows, self.rows = strings, shows, RowBuilder(columns, strings.text_of)
        self.cell: Attributes = {}
        self.places: dict[str, int] = {}
        self.row, self.column = 0, -1
        self.over = False

    def start(self, tag: str, attributes: Attributes) -> None:
        name = LOCAL[tag]
        if name == "c":
            self.cell, self.text = attributes, ""
        elif name == "v":
            self.pieces.clear()
            self.parser.CharacterDataHandler = self.pieces.append
        elif name == "row":
            self.row, self.column = int(attributes.get("r", self.row + 1)), -1
            if not 0 < self.row < LAST_ROW:
                raise Refused("damaged")
        else:
            super().start(tag, attributes)

    def end(self, tag: str) -> None:
        name = LOCAL[tag]
        if name == "v":
            self.text = "".join(self.pieces)
        elif name == "c":
            self._take()
        elif name == "row":
            self.rows.finish(self.row)
        elif name == "sheetData":
            self.over = True
        else:
            super().end(tag)

    def _take(self) -> None:
        """Put the cell that has ended into its column, which it names or which follows the last one."""
        letters = self.cell.get("r", "").rstrip(DIGITS)
        self.column = self.places[letters] if letters in self.places else self._place(letters)
        if not self.text:
            return
        if self.cell.get("t") == "s":
            self._put_shared(int(self.text))
        elif (value := self._value(self.text)) != "":
            self.rows.put(self.column, value)

    def _put_shared(self, index: int) -> None:
        if index >= len(self.strings.near):
            far, length = self.strings.far(index)
            self.rows.put(self.column, far if length else "", length=length)
        elif index < 0:
            raise Refused("damaged")
        elif text := self.strings.near[index]:
            self.rows.put(self.column, text)

    def _place(self, letters: str) -> int:
        """Return the column of letters; a cell without any follows the last one."""
        if not letters:
            return self.column + 1
        if not (letters.isascii() and letters.isalpha() and len(letters) < 8):
            raise Refused("damaged")
        number = 0
        for letter in letters.upper():
            number = number * 26 + ord(letter) - 64
        if number <= self.rows.columns * 4:
            self.places[letters] = number - 1
        return number - 1

    def _value(self, text: str) -> Cell:
        kind = self.cell.get("t", "n")
        if len(text) > LONGEST_CELL:
            raise Refused("long")
        if kind == "b":
            return text.strip() in ("1", "true")
        if kind == "n":
            return self._number(text.strip())
        if kind == "d":
            return text.strip().removesuffix("Z").removesuffix("T00:00:00").replace("T", " ")
        return unescape(text)

    def _number(self, text: str) -> Cell:
        number = plain_number(text) if text else ""
        show = self.shows.get(self.cell.get("s", "0"))
        return number if show is None or isinstance(number, str) else show(float(number))


def unescape(text: str) -> str:
    """Return a text with the characters that XML cannot hold, which the format writes as _x000D_."""
    return ESCAPED.sub(_char, text) if "_x" in text else text


def _char(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code < 0xE000 else chr(code)
