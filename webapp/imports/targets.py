"""What a file's columns may become: every field that a client may write, what names a reference, and what is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from flask_babel import lazy_gettext as _l

from webapp.core.fields import FaceField
from webapp.core.resource import Resource, registry
from webapp.imports.synonyms import COMMON, OWN

GLOBAL_ID = "guid"
CHECKED_OUT_TO = "checked_out_to"


@dataclass(frozen=True, slots=True)
class Target:
    """A field that a column can become; `key` says that rows can be matched by it.

    Kinds: text, longtext, day, whole, amount, number, flag, choice (of `words`), choices, codes (a list without fixed
    words), currency, name (of a row of `refers_to`), and carried (kept for a later feature). One that is `part_of`
    another says together with it what that one is: the manager's user name, the site above the place.
    """

    label: Any
    kind: str
    names: tuple[str, ...]
    key: bool = False
    refers_to: str | None = None
    words: Mapping[str, Any] | None = None
    part_of: str | None = None


KINDS = {
    "text": "text",
    "url": "text",
    "longtext": "longtext",
    "day": "day",
    "whole": "whole",
    "amount": "amount",
    "number": "number",
    "flag": "flag",
    "choice": "choice",
    "codes": "codes",
}
THROUGH_THE_PRODUCT = {"assets": {"manufacturer": "manufacturers", "model_number": None}}
"""What a file says beside a thing and means of its product."""

MACHINERY = frozenset({"exports", "webhooks"})
"""What people make and change and nobody keeps in a sheet: it acts by itself."""

CARRIES_CHECK_OUTS = frozenset({"assets"})
PERSON_PARTS = {
    "first_name": _l("first name"),
    "last_name": _l("last name"),
    "username": _l("user name"),
    "email": _l("e-mail"),
    "employee_number": _l("employee number"),
}
CHECK_OUT_PARTS = PERSON_PARTS | {
    "location": _l("place"),
    "asset": _l("asset"),
    "type": _l("person, place or asset"),
    "since": _l("since"),
    "until": _l("expected back"),
    "note": _l("note"),
}
DAYS = frozenset({"since", "until"})
SAID_WITH_THE_NAME = {"persons": {"first_name"}, "products": {"category_id"}}
"""What a kind needs beside its label that a row says when it names one."""


def importable() -> list[Resource]:
    """Return the resources that a file may be imported into: what people make and change, in the menu's order."""
    made = [r for r in registry.resources.values() if r.menu is not None and {"create", "update"} <= r.pages | r.api]
    things = [resource for resource in made if resource.name not in MACHINERY]
    return sorted(things, key=lambda resource: resource.menu.order if resource.menu else 0)


def match_keys(resource: Resource) -> tuple[str, ...]:
    """Return the fields that a file's rows can be matched by, the surest first."""
    numbered = [resource.numbering.column] if resource.numbering else []
    synced = [resource.sync_key] if resource.sync_key and resource.sync_key != resource.label else []
    named = [*numbered, *synced, *(rule.field for rule in resource.unique), resource.label]
    return tuple(dict.fromkeys([GLOBAL_ID, *(name for name in named if name in resource.writable)]))


def creatable_kinds(resource: Resource) -> tuple[str, ...]:
    """Return the kinds of missing things that an import may make: what it names and a name is enough to make."""
    targets = targets_of(resource)
    kinds = [target.refers_to for target in targets.values() if target.refers_to]
    kinds += ["persons"] if CHECKED_OUT_TO in targets else []
    return tuple(kind for kind in dict.fromkeys(kinds) if kind and is_makeable(kind))


def is_makeable(kind: str) -> bool:
    """Tell whether a name, and what is said with it, is enough to make one of a kind."""
    resource = registry.resources[kind]
    needed = {name for name, item in resource.writable.items() if item.required}
    return resource.numbering is None and needed <= {resource.label, *SAID_WITH_THE_NAME.get(kind, ())}


def targets_of(resource: Resource | str) -> dict[str, Target]:
    """Return what columns may become, in the order in which people are shown it."""
    return _targets_of(registry.resources[resource] if isinstance(resource, str) else resource)


@lru_cache(maxsize=256)
def _targets_of(resource: Resource) -> dict[str, Target]:
    keys = match_keys(resource)
    found = {name: target for name, target in _targets(resource) if target.kind}
    return {name: replace(target, key=name in keys, names=_names(resource, name)) for name, target in found.items()}


def _targets(resource: Resource) -> Iterator[tuple[str, Target]]:
    through = THROUGH_THE_PRODUCT.get(resource.name, {})
    for name, item in resource.fields.items():
        if name in through:
            yield name, Target(item.label, "name" if through[name] else "text", (), refers_to=through[name])
        if name in resource.writable and item.target is None:
            yield name, _of_value(name, item)
        elif name in resource.names and resource.names[name].of in resource.writable:
            reference = resource.fields[resource.names[name].of]
            yield name, Target(item.label, "name", (), refers_to=reference.target)
            yield from _parts(name, reference)
    if resource.name in CARRIES_CHECK_OUTS:
        label = _l("Checked out to")
        yield CHECKED_OUT_TO, Target(label, "carried", ())
        for part, word in CHECK_OUT_PARTS.items():
            kind = "day" if part in DAYS else "carried"
            yield f"{CHECKED_OUT_TO}.{part}", Target(_part_label(label, word), kind, (), part_of=CHECKED_OUT_TO)
    yield GLOBAL_ID, Target(resource.fields[GLOBAL_ID].label, "text", ())


def _of_value(name: str, item: FaceField) -> Target:
    """Return the target that a field makes which holds a value; its kind is empty when no cell can say it."""
    words, kind = getattr(item, "choices", None), KINDS.get(item.kind, "")
    label = _l("%(label)s (%(unit)s)", label=item.label, unit=item.suffix) if item.suffix else item.label
    if kind == "codes" and isinstance(words, Mapping):
        return Target(label, "choices", (), words=words)
    if name == "currency":
        kind = "currency"
    return Target(label, kind, (), words=words if kind == "choice" else None)


def _parts(name: str, reference: FaceField) -> Iterator[tuple[str, Target]]:
    """Yield what other columns may say of a thing that is named."""
    if name == "manager" and reference.target == "persons":
        for part, word in PERSON_PARTS.items():
            yield f"{name}.{part}", Target(_part_label(reference.label, word), "text", (), part_of=name)
    if name == "location" and reference.target == "locations":
        yield f"{name}.above", Target(_part_label(reference.label, _l("what it stands in")), "text", (), part_of=name)
    if name == "category" and reference.target == "categories":
        yield f"{name}.sub", Target(_part_label(reference.label, _l("subcategory")), "text", (), part_of=name)


def _part_label(whole: Any, part: Any) -> Any:
    return _l("%(whole)s: %(part)s", whole=whole, part=part)


def _names(resource: Resource, name: str) -> tuple[str, ...]:
    """Return the headings that a field is known by beside our own labels."""
    known = OWN.get(resource.name, {}).get(name) or COMMON.get(name, "")
    own = () if "." in name and not name.startswith("custom.") else (name.removeprefix("custom.").replace("_", " "),)
    said = (part.strip() for part in known.split(",")) if not name.startswith("custom.") else ()
    return tuple(dict.fromkeys(called for called in (*own, *said) if called))
