"""What a new row says without saying it: somebody's two names, the kind of a place, when a model's life ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from webapp.core.database import key_of
from webapp.imports.lookups import WORDS, Lookups, turned

Row = dict[str, Any]
TYPES = {"deployable": "active", "pending": "pending_install", "undeployable": "non_compliant", "archived": "retired"}
"""The lifecycle that a type stands for in systems that know no other word for it."""


def complete(kind: str, patch: Row, lookups: Lookups) -> None:
    """Add to the patch of a new row what follows from what it says."""
    if kind in _COMPLETE:
        _COMPLETE[kind](patch, lookups)


def _person(patch: Row, _lookups: Lookups) -> None:
    """Split a name whose last word is the family's, as `make_person` does."""
    if patch.get("first_name"):
        return
    if patch.get("last_name"):
        patch["first_name"] = patch.pop("last_name")
    elif patch.get("name"):
        whole = turned(patch["name"])
        first, _space, last = whole.rpartition(" ")
        patch |= {"name": whole, "first_name": first or last} | ({"last_name": last} if first else {})


def _location(patch: Row, lookups: Lookups) -> None:
    if not patch.get("kind"):
        patch["kind"] = lookups.kind_below(patch.get("parent_id")) or "bin"


def _category(patch: Row, lookups: Lookups) -> None:
    if not patch.get("kind") and patch.get("parent_id"):
        patch["kind"] = lookups.row("categories", patch["parent_id"])["kind"]


def _product(patch: Row, _lookups: Lookups) -> None:
    if not patch.get("end_of_life_rule"):
        if patch.get("end_of_life_on"):
            patch["end_of_life_rule"] = "fixed_date"
        elif patch.get("end_of_life_months"):
            patch["end_of_life_rule"] = "months"


def _status(patch: Row, _lookups: Lookups) -> None:
    """Say the lifecycle by the name or the type, and the type by the lifecycle, where only one of them stands."""
    if not patch.get("lifecycle") and (patch.get("label_type") or patch.get("name")):
        meant = WORDS.get(key_of(patch.get("name") or "")) or TYPES.get(patch.get("label_type") or "")
        patch |= {"lifecycle": meant} if meant else {}


_COMPLETE: dict[str, Callable[[Row, Lookups], None]] = {
    "persons": _person,
    "locations": _location,
    "categories": _category,
    "products": _product,
    "statuses": _status,
}
