"""Find out which encoding a text file has: by its mark, its zero bytes, valid UTF-8, or what its high bytes spell."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.imports.unreadable import UnreadableSheet, quotable

ENCODINGS = {
    "utf-8": _l("Unicode (UTF-8)"),
    "utf-16": _l("Unicode (UTF-16)"),
    "utf-16-le": _l("Unicode (UTF-16, little endian)"),
    "utf-16-be": _l("Unicode (UTF-16, big endian)"),
    "utf-32": _l("Unicode (UTF-32)"),
    "cp1252": _l("Western Europe (Windows-1252)"),
    "mac_roman": _l("Western Europe (Mac Roman)"),
    "cp850": _l("Western Europe (DOS 850)"),
    "cp437": _l("Western Europe (DOS 437)"),
    "iso8859-15": _l("Western Europe (ISO 8859-15)"),
    "cp1250": _l("Central Europe (Windows-1250)"),
    "iso8859-2": _l("Central Europe (ISO 8859-2)"),
    "cp1251": _l("Cyrillic (Windows-1251)"),
    "koi8-r": _l("Cyrillic (KOI8-R)"),
    "cp1253": _l("Greek (Windows-1253)"),
    "cp1254": _l("Turkish (Windows-1254)"),
    "cp1255": _l("Hebrew (Windows-1255)"),
    "cp1256": _l("Arabic (Windows-1256)"),
    "cp1257": _l("Baltic (Windows-1257)"),
    "cp932": _l("Japanese (Shift JIS)"),
    "cp949": _l("Korean (CP949)"),
    "gb18030": _l("Chinese, simplified (GB 18030)"),
    "cp950": _l("Chinese, traditional (Big5)"),
}
"""What a person may choose, by the codec's name; only the first seven but UTF-32 without mark are found out."""

ALIASES = {
    "utf-8-sig": "utf-8",
    "mac-roman": "mac_roman",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "cp950",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}
STRICT = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp932", "cp949", "gb18030", "cp950"})
"""Where one wrong byte shifts what follows, so that reading on would be guessing."""

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SEPARATORS = b"\t\n\v\f\r\x1a\x1c\x1d\x1e\x1f"
BLOCK = 2**20
MOST_STRAYS = 20
MOST_WORDS = 2_000

HIGH_WORD = re.compile(rb"([A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*)")
COMMON = frozenset("äöüßéèêëàâçîïôùûœæñóáíúåøãõìòÄÖÜÉÈÀÇÑÓÁÍÚÅØÆÂÊÎÔÃÕ")
RARE = frozenset("šžýþðÿŒŠŽÝÞÐŸÌÒÙÛËÏıƒ")
ALONE = frozenset("àéèóåöÀÉÈÓÅÖ")
"""Letters that are words."""

BETWEEN_LETTERS = frozenset("’´·")
QUOTES = frozenset("“”„«»‘’‚‹›´")
OPENING = frozenset("¿¡")
BY_DIGITS = frozenset("€£¥¢°±²³¹½¼¾×÷µ‰")
LOOSE = frozenset("–—…•·§¶\u00a0®™©ªº")


def known_encoding(name: str) -> str:
    """Return the codec of a name that a person chose. Raises UnreadableSheet for one that is not offered."""
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        codec = ""
    codec = ALIASES.get(codec, codec)
    if codec not in ENCODINGS:
        raise UnreadableSheet(_("There is no encoding “%(name)s”. Choose one of the list.", name=quotable(name)))
    return codec


def detect_encoding(file: BinaryIO) -> str:
    """Return the codec of a text file; one of the first seven of `ENCODINGS`.

    Raises UnreadableSheet for content that is not text.
    """
    file.seek(0)
    head = file.read(4096)
    for mark, codec in BOMS:
        if head.startswith(mark):
            return codec
    if 0 in head:
        return _unmarked_utf16(head)
    control = sum(1 for byte in head if byte < 32 and byte not in SEPARATORS)
    if control * 20 > len(head):
        raise UnreadableSheet(not_text())
    if _is_utf8(file):
        return "utf-8"
    words = _high_words(file)
    return "mac_roman" if _spelling(words, "mac_roman") > _spelling(words, "cp1252") else "cp1252"


def not_text() -> str:
    """Return the sentence about a file that is neither text nor a workbook."""
    return _("The file is not text. Upload CSV, XLSX or ODS.")


def _unmarked_utf16(head: bytes) -> str:
    """Return the byte order that every zero byte agrees with: they are the upper halves of plain letters and marks."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    codec = "utf-16-le" if odd > even else "utf-16-be"
    whole = head[: len(head) // 2 * 2]
    if min(even, odd) * 50 > max(even, odd) or max(even, odd) * 50 < len(head):
        raise UnreadableSheet(not_text())
    text = whole.decode(codec, "replace")
    strange = sum(1 for char in text if not char.isprintable() and char not in "\t\r\n\v\f\x1a\x1c\x1d\x1e\x1f\u3000")
    if strange * 20 > len(text):
        raise UnreadableSheet(not_text())
    return codec


def _is_utf8(file: BinaryIO) -> bool:
    """Return whether a file is UTF-8; a few stray bytes among many good letters do not make it anything else."""
    file.seek(0)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    strays = good = 0
    block = b"."
    while block:
        block = file.read(BLOCK)
        if not block.isascii() or decoder.getstate()[0]:
            text = decoder.decode(block, final=not block)
            found = len(re.findall("[\udc80-\udcff]", text))
            good += len(re.findall("[^\x00-\x7f]", text)) - found
            strays += found
        if strays > MOST_STRAYS and strays * 10 > good:
            return False
    return strays * 10 <= good


def _high_words(file: BinaryIO) -> list[tuple[bytes, bytes, bytes]]:
    """Return different words with high bytes, each with the byte before and after it."""
    words: dict[tuple[bytes, bytes, bytes], None] = {}
    file.seek(0)
    while (block := file.read(BLOCK)) and len(words) < MOST_WORDS:
        for match in HIGH_WORD.finditer(block):
            start, end = match.span()
            words[block[max(start - 1, 0) : start], match[1][:100], block[end : end + 1]] = None
            if len(words) == MOST_WORDS:
                break
    return list(words)


def _spelling(words: list[tuple[bytes, bytes, bytes]], codec: str) -> float:
    """Return how much words look like words of European languages in an encoding."""
    score = 0.0
    for parts in words:
        before, word, after = (part.decode(codec, "replace") for part in parts)
        around = f"{before or ' '}{word}{after or ' '}"
        score += sum(
            _fitness(around[place - 1], around[place], around[place + 1], word)
            for place in range(len(before or " "), len(around) - 1)
            if not around[place].isascii()
        )
    return score


def _fitness(left: str, char: str, right: str, word: str) -> float:
    """Return how well a character stands between its neighbours: letters in words, marks beside them."""
    if char in COMMON or char in RARE:
        if not (left.isalpha() or right.isalpha()):
            return 0.5 if char in ALONE else -1
        ill = (char.isupper() and left.islower()) or (char.islower() and right.isupper())
        return -2 if ill else 2 if char in COMMON else 0.5
    inside = left.isalpha() and right.isalpha()
    if char in BETWEEN_LETTERS and inside:
        return 2 if left.islower() or len(word) > 2 else 1
    if inside:
        return -2
    if char in QUOTES:
        return 1
    if char in OPENING:
        return 1 if right.isalpha() else -1
    if char in BY_DIGITS:
        return 1 if left.isdigit() or right.isdigit() or left.isspace() else -0.5
    return 0.5 if char in LOOSE else -1


def _read_as_windows(error: UnicodeError) -> tuple[str, int]:
    """Decode stray bytes in UTF-8 as Windows-1252, which is what programs paste into it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


STRAYS_AS_WINDOWS = "quartermaster-strays"
codecs.register_error(STRAYS_AS_WINDOWS, _read_as_windows)


def reading_of(encoding: str) -> tuple[str, str]:
    """Return the codec and the way with errors that an encoding of `ENCODINGS` is read by."""
    if encoding == "utf-8":
        return "utf-8-sig", STRAYS_AS_WINDOWS
    return encoding, "strict" if encoding in STRICT else "replace"
