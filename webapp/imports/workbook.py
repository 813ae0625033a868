"""Read XLSX workbooks: what a zip may hide is refused first, then another process with hard limits parses it.

The parser is native code that aborts its process when a sheet claims a cell in XFD1048576 (shown), so it never
runs inside a web or worker process.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import orjson
from flask_babel import gettext as _

from webapp.imports.unreadable import Cell, Limits, RawRow, UnreadableSheet

Line = dict[str, object] | list[Cell]
PARSER = Path(__file__).with_name("parse_workbook.py")
MAX_PARTS = 5_000
SMALL = 10 * 2**20
"""Below this expanded size no ratio is suspicious."""


def read_workbook(file: BinaryIO, limits: Limits) -> tuple[Iterator[RawRow], str]:
    """Return the numbered rows of the first visible sheet that has content, and its name.

    Raises UnreadableSheet for damaged, encrypted, macro and other zip files and for zip bombs.
    """
    inspect_archive(file, limits)
    lines = _parse(file, limits)
    return _rows(lines), str(_next_message(lines)["sheet"])


def inspect_archive(file: BinaryIO, limits: Limits) -> None:
    """Refuse a zip that is no plain workbook or expands too far; what it really holds is counted, not what it says."""
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_parts(archive)
            _check_expansion(archive, file, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError):
        raise UnreadableSheet(
            _("The workbook is damaged or was cut off. Save it again and upload it once more.")
        ) from None


def _check_parts(archive: zipfile.ZipFile) -> None:
    names = archive.namelist()
    lower = {name.lower() for name in names}
    if len(names) > MAX_PARTS:
        raise UnreadableSheet(_("The workbook has too many parts. Save only the one sheet as a new workbook."))
    if any(entry.flag_bits & 1 for entry in archive.infolist()):
        raise UnreadableSheet(_("The file is protected with a password. Save it without one and upload it again."))
    if any(name.endswith("vbaproject.bin") for name in lower):
        raise UnreadableSheet(_("The workbook holds macros. Save it as .xlsx without macros and upload it again."))
    if "xl/workbook.bin" in lower or "mimetype" in lower:
        raise UnreadableSheet(_("Only .xlsx workbooks and CSV are read. Save the sheet as one of these."))
    if "[content_types].xml" not in lower or not any(name.startswith("xl/") for name in lower):
        raise UnreadableSheet(_("This is a zip file, not a workbook. Upload CSV or XLSX."))


def _check_expansion(archive: zipfile.ZipFile, file: BinaryIO, limits: Limits) -> None:
    packed = file.seek(0, 2)
    total = 0
    for entry in archive.infolist():
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise UnreadableSheet(_("The workbook is packed in an unknown way. Save it again and upload it once more."))
        for block in _expand(file, entry):
            total += len(block)
            if total > limits.expanded or (total > SMALL and total > packed * limits.ratio):
                raise UnreadableSheet(
                    _("The workbook expands to far more than it should. Save only the one sheet, or save it as CSV.")
                )


def _expand(file: BinaryIO, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield what an entry really holds, a bounded block at a time, without trusting its declared size."""
    file.seek(entry.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    left = entry.compress_size
    inflate = zlib.decompressobj(-15) if entry.compress_type == zipfile.ZIP_DEFLATED else None
    while left > 0:
        packed = file.read(min(left, 65_536))
        if not packed:
            raise zipfile.BadZipFile
        left -= len(packed)
        if inflate is None:
            yield packed
            continue
        while packed:
            yield inflate.decompress(packed, 2**20)
            packed = inflate.unconsumed_tail


def _parse(file: BinaryIO, limits: Limits) -> Iterator[Line]:
    """Yield the parsing process's lines: one about the sheet, one a row, one at the end."""
    file.seek(0)
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        child = subprocess.Popen(  # noqa: S603  our own script and interpreter, no shell, no argument from outside
            [sys.executable, "-I", str(PARSER), str(limits.columns)],
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


def _next_message(lines: Iterator[Line]) -> dict[str, object]:
    message = next(lines, None)
    if not isinstance(message, dict) or "error" in message:
        raise UnreadableSheet(_describe(str(message["error"]) if isinstance(message, dict) else "damaged"))
    return message


def _rows(lines: Iterator[Line]) -> Iterator[RawRow]:
    for number, line in enumerate(lines, start=1):
        if isinstance(line, dict):
            if "error" in line:
                raise UnreadableSheet(_describe(str(line["error"])))
            return
        yield number, line


def _describe(code: str) -> str:
    if code == "empty":
        return _("The workbook has no visible sheet with content.")
    if code == "wide":
        return _("The sheet has too many columns. Delete what is not needed, also far to the right.")
    if code == "memory":
        return _(
            "The sheet is too large to read, or has content far to the right or far down. "
            "Delete unused rows and columns, or save it as CSV."
        )
    return _("The workbook is damaged or was cut off. Save it again and upload it once more.")
