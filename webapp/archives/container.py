"""The one file that a backup or an archive is: a ZIP of parts, with a manifest that holds the digest of each.

It is written part by part and read part by part; nothing that a file claims is believed before it has been measured.
"""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any, cast

import orjson
from flask_babel import gettext as _

from webapp.core.database import utcnow

MANIFEST = "manifest.json"
CHUNK = 256 * 1024
LONGEST_LINE = 4 * 2**20
NAME = re.compile(r"[a-z0-9_]+(?:[./][a-z0-9_]+)*")
BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What the reading of a damaged ZIP raises; an encrypted one is a RuntimeError."""


@dataclass(frozen=True)
class Bounds:
    """How much of a file is read before it is refused."""

    parts: int = 200_000
    directory: int = 64 * 2**20
    manifest: int = 64 * 2**20
    expanded: int = 64 * 2**30
    ratio: int = 200


class Unreadable(Exception):
    """A file that cannot be read; the message tells the person why."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PartsWriter:
    """Writes parts one after the other, and at last the manifest; a context manager that ends the file in any case."""

    def __init__(self, file: IO[bytes], kind: str, version: int) -> None:
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=5)
        self._head = {"format": kind, "version": version, "made_at": utcnow().isoformat()}
        self._parts: list[dict[str, Any]] = []

    def __enter__(self) -> "PartsWriter":
        return self

    def __exit__(self, *_error: object) -> None:
        self._zip.close()

    @contextmanager
    def part(self, name: str, *, packed: bool = True, **about: Any) -> Iterator[Callable[[bytes], None]]:
        """Open a part; the function that is given takes its bytes. `packed` ones are compressed."""
        digest, size = hashlib.sha256(), 0
        info = zipfile.ZipInfo(name, utcnow().timetuple()[:6])
        info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
        with self._zip.open(info, "w", force_zip64=True) as target:

            def write(block: bytes) -> None:
                nonlocal size
                target.write(block)
                digest.update(block)
                size += len(block)

            entry = {"name": name, **about}
            yield write
        self._parts.append(entry | {"bytes": size, "sha256": digest.hexdigest()})

    def copy(self, name: str, stream: IO[bytes], *, packed: bool = True, **about: Any) -> None:
        """Write a part from a stream."""
        with self.part(name, packed=packed, **about) as write:
            while block := stream.read(CHUNK):
                write(block)

    def finish(self, **about: Any) -> None:
        """Write the manifest, which says `about` the whole."""
        manifest = self._head | about | {"parts": self._parts}
        self._zip.writestr(MANIFEST, orjson.dumps(manifest, option=orjson.OPT_INDENT_2))


@dataclass
class Parts:
    """An opened file: what its manifest says, and its parts by name."""

    manifest: Mapping[str, Any]
    parts: Mapping[str, Mapping[str, Any]]
    _zip: zipfile.ZipFile
    _measured: set[str] = field(default_factory=set)

    def check(self, name: str) -> None:
        """Measure a part against its digest; raise Unreadable."""
        for _block in self.blocks(name):
            pass

    def blocks(self, name: str) -> Iterator[bytes]:
        """Yield the bytes of a part; raise Unreadable at the end when they are not the ones the manifest means."""
        digest, told = hashlib.sha256(), self.parts[name]
        try:
            with self._zip.open(name) as source:
                while block := source.read(CHUNK):
                    digest.update(block)
                    yield block
        except BROKEN:
            raise _damaged(name) from None
        if digest.hexdigest() != told["sha256"]:
            raise _damaged(name)

    def lines(self, name: str) -> Iterator[Any]:
        """Yield the JSON lines of a part; raise Unreadable."""
        rest = b""
        for block in self.blocks(name):
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                yield _json(name, line)
            if len(rest) > LONGEST_LINE:
                raise Unreadable(_("A line of the part %(part)s is too long.", part=name))
        if rest:
            yield _json(name, rest)

    def open(self, name: str) -> IO[bytes]:
        """Open a part whose digest has been checked."""
        return self._zip.open(name)


def _json(name: str, line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError:
        raise _damaged(name) from None


def _damaged(name: str) -> Unreadable:
    return Unreadable(_("The part %(part)s is damaged: its content is not what the manifest says.", part=name))


@contextmanager
def open_parts(file: IO[bytes], kind: str, version: int, bounds: Bounds | None = None) -> Iterator[Parts]:
    """Open a file of a kind, of this version or an older one; raise Unreadable.

    The directory is held against the manifest: no part more or less, no name that leads elsewhere, no size that
    betrays a bomb. The digests are measured when the parts are read.
    """
    bounds = bounds or Bounds()
    try:
        size = file.seek(0, 2)
        end = zipfile._EndRecData(file)  # type: ignore[attr-defined] # the one way to know the directory's size beforehand
        if not end or end[zipfile._ECD_SIZE] > bounds.directory:  # type: ignore[attr-defined] # its index
            raise Unreadable(_("This is not an archive of Quartermaster."))
        opened = zipfile.ZipFile(file)
    except (*BROKEN, OSError):
        raise Unreadable(_("This is not an archive of Quartermaster.")) from None
    with opened:
        manifest = _manifest(opened, kind, version, bounds)
        parts = {part["name"]: part for part in manifest["parts"]}
        _check_directory(opened.infolist(), parts, size, bounds)
        yield Parts(manifest, parts, opened)


def _manifest(opened: zipfile.ZipFile, kind: str, version: int, bounds: Bounds) -> dict[str, Any]:
    try:
        info = opened.getinfo(MANIFEST)
        if info.file_size > bounds.manifest:
            raise ValueError
        manifest = orjson.loads(opened.read(info))
        known = manifest["format"] == kind and type(manifest["version"]) is int
    except (*BROKEN, KeyError, TypeError):
        known = False
    if not known:
        raise Unreadable(_("This is not an archive of Quartermaster."))
    if manifest["version"] > version:
        raise Unreadable(_("A newer version of Quartermaster has made this. Update this one first."))
    if not _has_parts(manifest):
        raise Unreadable(_("The manifest is damaged."))
    return cast(dict[str, Any], manifest)


def _has_parts(manifest: Mapping[str, Any]) -> bool:
    parts = manifest.get("parts")
    return isinstance(parts, list) and all(
        isinstance(part, dict)
        and isinstance(part.get("name"), str)
        and type(part.get("bytes")) is int
        and isinstance(part.get("sha256"), str)
        for part in parts
    )


def _check_directory(
    found: list[zipfile.ZipInfo], parts: Mapping[str, Mapping[str, Any]], size: int, bounds: Bounds
) -> None:
    names = [info.filename for info in found if info.filename != MANIFEST]
    if len(names) != len(found) - 1 or len(set(names)) != len(names) or set(names) != set(parts):
        raise Unreadable(_("The manifest is damaged: it does not name the parts that are there."))
    wrong = next((name for name in names if not NAME.fullmatch(name)), None)
    if wrong is not None:
        raise Unreadable(_("The part %(part)s has a name that leads elsewhere.", part=wrong[:80]))
    expanded = sum(info.file_size for info in found)
    if len(found) > bounds.parts or expanded > min(bounds.expanded, max(size * bounds.ratio, bounds.manifest)):
        raise Unreadable(_("This file becomes too big when it is unpacked."))
    for info in found:
        if info.filename != MANIFEST and info.file_size != parts[info.filename]["bytes"]:
            raise _damaged(info.filename)
