"""Which column becomes which field: guessed from the headings, corrected by people, kept as plain data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.accounts.choices import LOCALES
from webapp.core.resource import Resource, registry
from webapp.imports.synonyms import LEFT_OUT, LEFT_OUT_EVERYWHERE, STANDS_IN
from webapp.imports.targets import targets_of

Columns = Mapping[int, str | None]
"""{column counted from 0: field, or None for "Leave out"}."""

Ranked = list[tuple[int, str]]
LANGUAGES = tuple(dict.fromkeys(code.partition("_")[0] for code in LOCALES))
PART, FUZZY = 500, 1_000
"""Ranks of what is only a part of a field, and from which on guesses are to be looked at."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a heading probably means; `reason` says why a known column is left out."""

    field: str | None
    sure: bool = True
    reason: Any = None


def guess_columns(resource: Resource | str, headers: Sequence[str]) -> list[Guess]:
    """Return one guess a heading; no field is guessed twice, the better match keeps it."""
    known = registry.resources[resource] if isinstance(resource, str) else resource
    targets, spoken = targets_of(known), _spoken(known)
    headings = [normalize_heading(header) for header in headers]
    reasons = [None if heading in spoken else _left_out(known, heading) for heading in headings]
    found = [_ranked(known, spoken, h) if reason is None else [] for h, reason in zip(headings, reasons, strict=True)]
    guesses: list[Guess] = [Guess(None, reason=reason) for reason in reasons]
    order = list(targets)
    wishes = sorted((rank, index, order.index(name)) for index, ranked in enumerate(found) for rank, name in ranked)
    taken: set[str] = set()
    for rank, index, place in wishes:
        name = order[place]
        if guesses[index].field is None and name not in taken:
            guesses[index] = Guess(name, sure=rank < FUZZY)
            taken.add(name)
    for index, ranked in enumerate(found):
        if ranked and guesses[index].field is None:
            label = targets[min(ranked)[1]].label
            guesses[index] = Guess(None, reason=_l("Another column becomes %(field)s already.", field=label))
    for index, guess in enumerate(guesses):
        other = STANDS_IN.get(guess.field or "")
        if other in targets and other not in taken and headings[index] in targets[other].names:
            guesses[index] = Guess(other)
    return guesses


def column_errors(resource: Resource | str, columns: Columns, width: int) -> list[str]:
    """Return what is wrong with a mapping, in sentences."""
    targets, errors, seen = targets_of(resource), [], set()
    for index, field in columns.items():
        if not 0 <= index < width:
            errors.append(_("There is no column %(number)s.", number=index))
        elif field is not None and field not in targets:
            errors.append(_("There is no field “%(field)s”.", field=field))
        elif field is not None and field in seen:
            errors.append(_("Two columns become %(field)s.", field=targets[field].label))
        seen.add(field)
    if not seen & set(targets):
        errors.append(_("No column becomes anything yet."))
    return errors


def columns_from_json(data: Mapping[str, str | None]) -> dict[int, str | None]:
    """Return a mapping kept as JSON, whose keys are text there."""
    return {int(index): field for index, field in data.items()}


def columns_to_json(columns: Columns) -> dict[str, str | None]:
    """Return a mapping as JSON keeps it."""
    return {str(index): field for index, field in sorted(columns.items())}


NUMBER_WORDS = frozenset({"nr", "no", "num", "number", "nummer", "numero", "nro", "№"})


def normalize_heading(heading: str) -> str:
    """Return a heading's words in one spelling: "Inv. No." and "inv_number" are both "inv no"."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading).replace("#", " no ").replace("№", " no ").replace("ß", "ss")
    text = unicodedata.normalize("NFKD", text).casefold()
    words = re.sub(r"[^a-z0-9 ]+", " ", "".join(char for char in text if not unicodedata.combining(char))).split()
    return " ".join("no" if word in NUMBER_WORDS else word for word in words)


def _spoken(resource: Resource) -> dict[str, Ranked]:
    """Return {heading: what it may mean, with ranks}: our own labels in every language, then what others say."""
    spoken: dict[str, Ranked] = {}
    for name, target in targets_of(resource).items():
        base = PART if target.part_of else 0
        item = resource.fields.get(name)
        labels = (target.label, *([item.label] if item is not None else []))
        for heading in _in_every_language(labels):
            spoken.setdefault(heading, []).append((base, name))
        for rank, heading in enumerate(target.names):
            spoken.setdefault(heading, []).append((base + rank, name))
    return spoken


def _in_every_language(labels: Sequence[Any]) -> set[str]:
    found = set()
    for language in LANGUAGES:
        with force_locale(language):
            found |= {normalize_heading(str(label)) for label in labels if label is not None}
    return found


def _left_out(resource: Resource, heading: str) -> Any:
    """Return why a heading that no field has is left out, None when nobody knows it."""
    for reason, patterns in (*LEFT_OUT.get(resource.name, ()), *LEFT_OUT_EVERYWHERE):
        if any(re.fullmatch(pattern, heading) for pattern in patterns):
            return reason
    made = [item.label for item in resource.fields.values() if item.dump_only and item.label is not None]
    return _l("Quartermaster works this out or sets it by itself.") if heading in _in_every_language(made) else None


def _ranked(resource: Resource, spoken: Mapping[str, Ranked], heading: str) -> Ranked:
    """Return what a heading may mean with ranks, the lowest the surest; by a part of its words when by no other way."""
    return spoken.get(heading) or sorted(_near(resource, heading))[:1]


def _near(resource: Resource, heading: str) -> Iterator[tuple[int, str]]:
    words = set(heading.split())
    for name, target in targets_of(resource).items():
        for called in target.names:
            if target.part_of is None and words.issuperset(called.split()) and (" " in called or len(called) > 5):
                yield 2 * FUZZY - len(called), name
