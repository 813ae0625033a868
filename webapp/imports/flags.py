"""Read yes and no in many languages; what a short word means is judged over the whole column."""

from __future__ import annotations

from collections.abc import Iterable

from flask_babel import gettext as _

from webapp.imports.unreadable import Cell
from webapp.imports.values import UnreadableValue, clean_text, western

# fmt: off
LANGUAGES = {
    "en": ("yes y true t on", "no n false f off"),
    "de": ("ja j wahr w richtig", "nein n falsch f"),
    "fr": ("oui o vrai v", "non n faux f"),
    "es": ("sí si s verdadero v", "no n falso f"),
    "it": ("sì si s vero v", "no n falso f"),
    "pt": ("sim s verdadeiro v", "não nao n falso f"),
    "ca": ("sí si s cert", "no n fals"),
    "nl": ("ja j waar", "nee n onwaar"),
    "pl": ("tak t prawda", "nie n fałsz"),
    "cs": ("ano a pravda", "ne n nepravda"),
    "sk": ("áno a pravda", "nie n nepravda"),
    "sl": ("da d resnica", "ne n"),
    "hr": ("da d istina točno", "ne n laž netočno"),
    "sv": ("ja j sant", "nej n falskt"),
    "da": ("ja j sand sandt", "nej n falsk"),
    "nb": ("ja j sann", "nei n usann"),
    "is": ("já j satt", "nei n ósatt"),
    "fi": ("kyllä k tosi", "ei e epätosi"),
    "et": ("jah j tõene", "ei e väär"),
    "lv": ("jā j", "nē n"),
    "lt": ("taip t", "ne n"),
    "hu": ("igen i igaz", "nem n hamis"),
    "ro": ("da d adevărat", "nu n fals"),
    "tr": ("evet e doğru", "hayır h yanlış"),
    "el": ("ναι ν αληθής", "όχι ο ψευδής"),
    "ru": ("да д истина", "нет н ложь"),
    "uk": ("так т", "ні н"),
    "bg": ("да д истина", "не н"),
    "id": ("ya y benar", "tidak t salah"),
    "vi": ("có đúng", "không sai"),
    "ja": ("はい 有 有り あり 真", "いいえ 無 無し なし 偽"),
    "zh": ("是 有 对 對 真", "否 无 無 不 假"),
    "ko": ("예 네 있음 참", "아니요 아니오 없음 거짓"),
    "ar": ("نعم", "لا"),
    "he": ("כן", "לא"),
    "hi": ("हाँ हां", "नहीं"),
}
"""{language: (words for yes, words for no)}."""

MARKS_YES = frozenset(("1", "-1", "x", "✓", "✔", "✅", "☑", "√", "+"))
MARKS_NO = frozenset(("0", "-", "–", "—", "☐", "❌", "✗", "✘"))
CIRCLES = frozenset("○◯〇")
CROSSES = frozenset("x×✗✘❌")
# fmt: on

Words = dict[str, frozenset[str]]
AMBIGUOUS, CIRCLED, O_OR_X = "ambiguous", "circles", "o or x"


def _by_word(side: int) -> Words:
    words = {word for pair in LANGUAGES.values() for word in pair[side].split()}
    return {word: frozenset(name for name, pair in LANGUAGES.items() if word in pair[side].split()) for word in words}


YES, NO = _by_word(0), _by_word(1)
CONTESTED = frozenset(YES) & frozenset(NO)
"""Words that mean yes in one language and no in another, e.g. "e", "t"."""


def detect_flag(cells: Iterable[Cell]) -> str | None:
    """Return how a column says yes and no: None when its words leave no doubt, else a language or "ambiguous".

    "circles" is the Japanese ○ and ×; "o or x" may be these or crosses in boxes, so that neither is read.
    """
    words = {_fold(cell) for cell in cells if isinstance(cell, str)} - {""}
    if words & CIRCLES:
        return CIRCLED
    if {"o", "x"} <= words:
        return O_OR_X
    contested = words & CONTESTED
    if not contested:
        return None
    spoken = words - MARKS_YES - MARKS_NO
    ways: dict[tuple[bool, ...], str] = {}
    for name in LANGUAGES:
        if all(name in YES.get(word, ()) or name in NO.get(word, ()) for word in spoken):
            ways.setdefault(tuple(name in YES[word] for word in sorted(contested)), name)
    return next(iter(ways.values())) if len(ways) == 1 else AMBIGUOUS


def parse_flag(cell: Cell, way: str | None = None) -> bool | None:
    """Return yes or no, or None when a cell is blank; `way` is what `detect_flag` found. Raises UnreadableValue."""
    text = _fold(cell)
    if text == "":
        return None
    if text in CIRCLES or (way == CIRCLED and text in CROSSES):
        return text in CIRCLES
    doubtful = text in CONTESTED or (way == O_OR_X and text in ("o", "x"))
    if doubtful and way not in LANGUAGES:
        raise UnreadableValue(_("“%(text)s” means yes to some and no to others. Write yes or no.", text=str(cell)[:60]))
    if doubtful:
        return way in YES[text]
    if text in MARKS_YES or text in YES:
        return True
    if text in MARKS_NO or text in NO:
        return False
    raise UnreadableValue(_("“%(text)s” is neither yes nor no.", text=str(cell)[:60]))


def _fold(cell: Cell) -> str:
    return western(clean_text(cell)).casefold().removesuffix(".0").rstrip(".!")
