"""Read text tables: the encoding and the delimiter are found out, line ends and quoting are forgiven."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from flask_babel import gettext as _

from webapp.imports.unreadable import Cell, Limits, RawRow, UnreadableSheet

DELIMITERS = (",", ";", "\t", "|")
SAMPLE = 65_536
SAMPLE_ROWS = 50
END = "\x1eend of the file\x1e"
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_delimited(file: BinaryIO, limits: Limits) -> tuple[Iterator[RawRow], str]:
    """Return the numbered rows of a text table and what was found out, e.g. "utf-8 ;".

    Raises UnreadableSheet for binary content, a broken encoding or a quotation mark that is never closed.
    """
    encoding = detect_encoding(file)
    sample = _sample(file, encoding)
    declared = _declared_delimiter(sample)
    delimiter = declared or detect_delimiter(sample)
    rows = _records(file, encoding, delimiter, limits)
    if declared:
        next(rows, None)
    return rows, f"{encoding} {delimiter!r}"


def detect_encoding(file: BinaryIO) -> str:
    """Return the codec of a text file: by its mark, by its zero bytes, UTF-8 if it is valid, else Windows-1252."""
    file.seek(0)
    head = file.read(4096)
    for mark, codec in BOMS:
        if head.startswith(mark):
            return codec
    zeros = head.count(0)
    if zeros:
        if zeros * 10 >= len(head) * 3:
            return "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"
        raise UnreadableSheet(_("The file is not text. Upload CSV or XLSX."))
    control = sum(1 for byte in head if byte < 32 and byte not in b"\t\n\r\x0b\x0c\x1a")
    if control * 20 > len(head):
        raise UnreadableSheet(_("The file is not text. Upload CSV or XLSX."))
    return "utf-8" if _is_utf8(file) else "cp1252"


def detect_delimiter(sample: str) -> str:
    """Return the delimiter whose columns are the most, and the most even, over the first rows."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        widths = [len(row) for row in _sample_rows(sample, delimiter) if any(row)]
        if not widths or max(widths) < 2:
            continue
        usual = max(set(widths), key=lambda width: (widths.count(width), width))
        score = usual * widths.count(usual) / len(widths) + (0.5 if widths[0] == usual else 0)
        if usual > 1 and score > best_score:
            best, best_score = delimiter, score
    return best


def _sample(file: BinaryIO, encoding: str) -> str:
    file.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    text = decoder.decode(file.read(SAMPLE))
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
    first = sample.split("\n", 1)[0].rstrip("\r").strip('"')
    declared = first[4:5] if first.lower().startswith("sep=") else ""
    return declared if declared in DELIMITERS else None


def _is_utf8(file: BinaryIO) -> bool:
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while block := file.read(2**20):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _records(file: BinaryIO, encoding: str, delimiter: str, limits: Limits) -> Iterator[RawRow]:
    file.seek(0)
    errors = "replace" if encoding == "cp1252" else "strict"
    text = io.TextIOWrapper(file, encoding=encoding, errors=errors, newline="")
    number = 0
    try:
        for number, cells in enumerate(csv.reader(_with_end(text), delimiter=delimiter), start=1):
            if cells == [END]:
                return
            if len(cells) > limits.columns * 4:
                raise UnreadableSheet(
                    _("Row %(row)s has more than %(columns)s columns.", row=number, columns=limits.columns)
                )
            row: list[Cell] = [*cells]
            yield number, row
        raise UnreadableSheet(_unclosed(number))
    except csv.Error:
        raise UnreadableSheet(_unclosed(number + 1)) from None
    except UnicodeError:
        raise UnreadableSheet(
            _("The text breaks off or is damaged near row %(row)s. Save the file as CSV UTF-8.", row=number + 1)
        ) from None
    finally:
        with contextlib.suppress(ValueError):  # an abandoned reader may outlive its file
            text.detach()


def _with_end(text: io.TextIOWrapper) -> Iterator[str]:
    yield from text
    yield END


def _unclosed(row: int) -> str:
    return _(
        "A quotation mark that opens in row %(row)s is never closed, or a cell is longer than 131,072 characters.",
        row=row,
    )
