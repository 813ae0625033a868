"""Who has a thing, as its row says: kept beside the row until check-outs can take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _

from webapp.core.activity import plain
from webapp.core.database import key_of
from webapp.imports.flags import parse_flag
from webapp.imports.lookups import Lookups, Unresolved
from webapp.imports.options import Options
from webapp.imports.targets import CHECK_OUT_PARTS, CHECKED_OUT_TO, PERSON_PARTS
from webapp.imports.values import UnreadableValue, is_nothing

if TYPE_CHECKING:
    from webapp.imports.planner import Planned
    from webapp.imports.resolving import Resolver

TYPES = {
    "person": ("person", "user", "employee", "people", "benutzer", "mitarbeiter", "usuario", "persona"),
    "location": ("location", "place", "site", "standort", "ort", "lugar", "ubicacion", "ubicación"),
    "asset": ("asset", "hardware", "item", "gerät", "activo"),
    "customer": ("customer", "client", "kunde", "cliente"),
}
WORDS = {word: code for code, words in TYPES.items() for word in words}
KINDS = {"person": "persons", "location": "locations", "asset": "assets", "customer": "customers"}


def expect(lookups: Lookups, rows: Sequence[Planned]) -> None:
    """Read at once whom and what some rows name."""
    texts = {v for row in rows for v in told(row.reading.values).values() if isinstance(v, str) and v}
    for kind in KINDS.values() if texts else ():
        lookups.expect(kind, texts)


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says of who has the thing: {"text": …, "email": …, "until": …}."""
    said = {part: values.get(f"{CHECKED_OUT_TO}.{part}") for part in CHECK_OUT_PARTS}
    text = values.get(CHECKED_OUT_TO)
    said["text"] = None if text is None or is_nothing(text) or _is_flag(text) else text
    return {part: value for part, value in said.items() if value is not None}


def carry(row: Planned, resolver: Resolver, options: Options) -> None:
    """Keep who has a row's thing, found where one is meant, and say so in the row's note.

    Nobody or several of the name is no error of the row: the note says it, and the words are kept.
    """
    said = told(row.reading.values)
    kind = _kind_of(said, resolver.lookups)
    shown = _shown(said, kind)
    if not shown:
        return
    kept: dict[str, Any] = {"type": kind, "text": shown} | {part: plain(v) for part, v in said.items() if part in _KEPT}
    note = _("Kept for check-out: %(name)s.", name=shown)
    try:
        kept[f"{kind}_id"] = _find(said, kind, shown, resolver.lookups)
    except Unresolved as reason:
        kept[f"{kind}_id"] = None
        note = _("Kept for check-out: %(name)s. %(reason)s", name=shown, reason=str(reason))
    found = kept[f"{kind}_id"]
    if found is not None and found < 0 and KINDS[kind] in options.create:
        resolver.need(row, KINDS[kind], found)
    elif found is not None and found < 0:
        kept[f"{kind}_id"] = None
        if kind == "person":
            resolver.lookups.need(KINDS[kind], found)
            note = _("Kept for check-out: %(name)s, who is not among the people yet.", name=shown)
    row.notes.append(note)
    row.carried[CHECKED_OUT_TO] = kept


def settled(carried: Mapping[str, Any], real: Mapping[int, int]) -> dict[str, Any]:
    """Return what is kept with real ids for pretended ones, None for those that nobody has made."""
    return {
        name: {n: (real.get(v) if n.endswith("_id") and isinstance(v, int) and v < 0 else v) for n, v in kept.items()}
        for name, kept in carried.items()
    }


_KEPT = frozenset({*PERSON_PARTS, "since", "until", "note"})


def _kind_of(said: Mapping[str, Any], lookups: Lookups) -> str:
    """Return who or what a thing is with: as the row says, or as its columns and the organization's names tell."""
    told_type = WORDS.get(key_of(str(said.get("type", "")).rpartition("\\")[2]))
    if told_type:
        return told_type
    for part in ("location", "asset"):
        if part in said and not set(said) & {"text", *PERSON_PARTS}:
            return part
    text = said.get("text")
    if text and not set(said) & set(PERSON_PARTS) and not lookups.candidates("persons", text):
        return next((kind for kind in ("location", "customer") if lookups.candidates(KINDS[kind], text)), "person")
    return "person"


def _is_flag(text: str) -> bool:
    """Tell whether a column says whether a thing is out, not with whom."""
    try:
        return parse_flag(text) is not None
    except UnreadableValue:
        return False


def _shown(said: Mapping[str, Any], kind: str) -> str:
    if kind in ("location", "asset") and said.get(kind):
        return str(said[kind])
    whole = " ".join(said[part] for part in ("first_name", "last_name") if part in said)
    rest = (said.get(part) for part in ("username", "email", "employee_number"))
    return next((str(text) for text in (said.get("text"), whole, *rest) if text and not isinstance(text, date)), "")


def _find(said: Mapping[str, Any], kind: str, shown: str, lookups: Lookups) -> int | None:
    if kind == "person":
        return lookups.person({part: said[part] for part in ("text", *PERSON_PARTS) if part in said})
    found = lookups.candidates(KINDS[kind], shown)
    if len(found) > 1:
        raise Unresolved(_("“%(name)s” could be any of %(count)s.", name=shown, count=len(found)))
    if not found:
        raise Unresolved(_("Nothing is called so yet."))
    return found[0]
