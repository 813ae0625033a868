"""The events that webhooks are told of: `assets.updated`, `assets.*`, `*`, for every resource that has a history."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from webapp.core.context import Context
from webapp.core.resource import Resource, registry

ALL, TEST = "*", "webhook.test"
VERBS = {"Create": "created", "Update": "updated", "Delete": "deleted", "Restore": "restored"}
WORDS = {
    "*": _l("Everything"),
    "created": _l("created"),
    "updated": _l("changed"),
    "deleted": _l("deleted"),
    "restored": _l("restored"),
}


def told_of() -> dict[str, Resource]:
    """Return {name: resource} of everything whose changes webhooks may be told: what has a history in the API."""
    return {name: resource for name, resource in registry.resources.items() if "history" in resource.api}


def type_of(resource: Resource, event: str) -> str:
    """Return the type of a line of the log about a resource: `assets.updated`."""
    return f"{resource.name}.{VERBS.get(event, event.lower())}"


def is_known(pattern: str) -> bool:
    """Tell whether a pattern is one that somebody may choose."""
    name, _dot, verb = pattern.rpartition(".")
    return pattern == ALL or (name in told_of() and (verb == ALL or verb in VERBS.values()))


def wants(patterns: Iterable[str], type_: str) -> bool:
    """Tell whether any of the patterns covers a type."""
    return bool({ALL, type_, f"{type_.partition('.')[0]}.{ALL}"} & set(patterns))


def kinds_of(patterns: Iterable[str]) -> list[Resource]:
    """Return the resources that patterns cover."""
    known, chosen = told_of(), list(patterns)
    if ALL in chosen:
        return list(known.values())
    return [known[name] for name in dict.fromkeys(p.rpartition(".")[0] for p in chosen) if name in known]


def choices(_context: Context | None = None) -> Mapping[str, Any]:
    """Return {pattern: words} of all that may be chosen."""
    found: dict[str, Any] = {ALL: WORDS[ALL]}
    for name, resource in told_of().items():
        found |= {f"{name}.{verb}": f"{resource.title}: {WORDS[verb]}" for verb in (ALL, *VERBS.values())}
    return found
