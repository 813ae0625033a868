"""Which column becomes which field: guessed from the headings, corrected by people, kept as plain data."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.core.resource import Resource, registry
from webapp.imports.targets import LEFT_OUT, STANDS_IN, targets_of

Columns = Mapping[int, str | None]
"""{column counted from 0: field, or None for "Leave out"}."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a heading probably means; `reason` says why a known column is left out."""

    field: str | None
    sure: bool = True
    reason: Any = None


def guess_columns(resource: Resource | str, headers: Sequence[str]) -> list[Guess]:
    """Return one guess a heading; no field is guessed twice, the better match keeps it."""
    targets = targets_of(resource)
    found = [_guess(resource, header) for header in headers]
    guesses: list[Guess] = [Guess(None, reason=reason) for _field, _rank, reason in found]
    for name in targets:
        rivals = sorted((rank, index) for index, (field, rank, _reason) in enumerate(found) if field == name)
        for place, (rank, index) in enumerate(rivals):
            taken = _l("Another column becomes %(field)s already.", field=targets[name].label)
            guesses[index] = Guess(name, sure=rank < FUZZY) if place == 0 else Guess(None, reason=taken)
    taken_names = {guess.field for guess in guesses}
    for index, guess in enumerate(guesses):
        other = STANDS_IN.get(guess.field or "")
        if other in targets and other not in taken_names and normalize_heading(headers[index]) in targets[other].names:
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


FUZZY = 1_000
"""Ranks from here on are guesses to be looked at."""

NUMBER_WORDS = frozenset({"nr", "no", "num", "number", "nummer", "numero", "nro", "№"})


def normalize_heading(heading: str) -> str:
    """Return a heading's words in one spelling: "Inv. No." and "inv_number" are both "inv no"."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading).replace("#", " no ").replace("№", " no ").replace("ß", "ss")
    text = unicodedata.normalize("NFKD", text).casefold()
    words = re.sub(r"[^a-z0-9 ]+", " ", "".join(char for char in text if not unicodedata.combining(char))).split()
    return " ".join("no" if word in NUMBER_WORDS else word for word in words)


def _known(resource: Resource | str) -> Resource | None:
    return registry.resources.get(resource) if isinstance(resource, str) else resource


def _own_headings(resource: Resource | str, name: str) -> set[str]:
    """Return what our own pages and exports call a field, in the reader's language."""
    known = _known(resource)
    item = known.fields.get(name) if known else None
    labels = [targets_of(resource)[name].label] + ([item.label] if item is not None else [])
    return {normalize_heading(str(label)) for label in labels}


def _guess(resource: Resource | str, header: str) -> tuple[str | None, int, Any]:
    """Return (field, rank, reason); the lowest rank is the surest."""
    targets, heading, known = targets_of(resource), normalize_heading(header), _known(resource)
    exact = [(0, name) for name in targets if heading in _own_headings(resource, name)]
    exact += [(target.names.index(heading), name) for name, target in targets.items() if heading in target.names]
    if exact:
        rank, name = min(exact)
        return name, rank, None
    made = () if known is None else (i.label for i in known.fields.values() if i.dump_only and i.label is not None)
    if heading in {normalize_heading(str(label)) for label in made}:
        return None, 0, _l("Quartermaster works this out or sets it by itself.")
    for reason, patterns in LEFT_OUT.get(resource if isinstance(resource, str) else resource.name, ()):
        if any(re.fullmatch(pattern, heading) for pattern in patterns):
            return None, 0, reason
    words = set(heading.split())
    near = [
        (-len(called), name)
        for name, target in targets.items()
        for called in target.names
        if words.issuperset(called.split()) and (" " in called or len(called) > 5)
    ]
    if near:
        length, name = min(near)
        return name, 2 * FUZZY + length, None
    return None, 0, None
