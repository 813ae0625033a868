"""The filters of a list as people see them: chips with their words, and the form that sets them."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.naming import labels_in_reach
from webapp.core.parameters import COMPARABLE, Filter, filter_parameters, filterable
from webapp.core.query import choices
from webapp.core.resource import Resource, registry
from webapp.faces.list_state import ListState
from webapp.faces.page_columns import group_of_field, label_of_field
from webapp.faces.rendering import Renderer

MOST_OPTIONS, SHOWN_FIRST = 200, 8
TIMES = ("created_at", "updated_at")
DATED = frozenset({"day", "moment"})


def chips_of(context: Context, resource: Resource, state: ListState) -> list[dict[str, Any]]:
    """Return a chip for each filter: its name, its value in words, and the URL without it."""
    filters = state.parameters.filters
    if not filters:
        return []
    ids: dict[str, set[int | None]] = {}
    for item in filters:
        target = resource.fields[item.field].target
        if target and item.op != "empty":
            ids.setdefault(target, set()).update(item.value if isinstance(item.value, list) else [item.value])
    renderer = Renderer(context, labels_in_reach(context, ids))
    return [
        {
            "label": label_of_field(resource, item.field),
            "value": _words(renderer, resource, item, state.values.get(item.parameter, item.raw)),
            "remove_url": state.url(**{item.parameter: None}),
        }
        for item in filters
    ]


def _words(renderer: Renderer, resource: Resource, item: Filter, raw: str) -> str:
    kind = resource.fields[item.field].kind
    if item.op == "empty":
        return str(_("empty") if item.value else _("not empty"))
    values = item.value if item.op == "in" else [item.value]
    if kind in {"text", "longtext", "url", "codes"} or resource.fields[item.field].custom_id is not None:
        said = ", ".join(_typed(renderer, resource, item.field, part) for part in _parts(item, raw))
    elif kind == "moment" and len(raw) == 10:
        said = renderer.day(date.fromisoformat(raw))
    else:
        said = ", ".join(renderer.plain(resource, item.field, value) for value in values)
    comparing: dict[str, Callable[[], str]] = {
        "not": lambda: _("not %(value)s", value=said),
        "after": lambda: _("after %(value)s", value=said),
        "before": lambda: _("before %(value)s", value=said),
        "within": lambda: _("%(value)s and below", value=said),
    }
    if kind in COMPARABLE - DATED:
        comparing |= {
            "after": lambda: _("more than %(value)s", value=said),
            "before": lambda: _("less than %(value)s", value=said),
        }
    return comparing[item.op]() if item.op in comparing else said


def _parts(item: Filter, raw: str) -> list[str]:
    return raw.split(",") if item.op == "in" else [raw]


def _typed(renderer: Renderer, resource: Resource, name: str, text: str) -> str:
    """Return the words of a value as the URL has it, for what the engine compares in another form."""
    kind = resource.fields[name].kind
    if kind == "flag":
        return str(_("Yes") if text.lower() in ("true", "1") else _("No"))
    if kind in {"amount", "number", "day", "choice"}:
        return renderer.plain(resource, name, text)
    return text


def filter_sections(context: Context, resource: Resource, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what the filter form asks by section: what the resource puts first, then the rest by groups, folded."""
    known, sections = filter_parameters(resource), dict[str, dict[str, Any]]()
    first, places = resource.filters[:SHOWN_FIRST], list(resource.fields)
    rest = sorted((name for name in filterable(resource) if name not in first), key=places.index)
    for name in (*first, *sorted(rest, key=TIMES.__contains__)):
        group = _group(context, resource, name, values) if name != "id" else None
        if group is None:
            continue
        group["can_be_empty"] = f"{name}_empty" in known
        group["empty"] = values.get(f"{name}_empty") == "true"
        group["parameters"] += [f"{name}_empty", name]
        group["is_set"] = any(values.get(parameter) for parameter in group["parameters"])
        label = "" if name in first else str(_group_of(resource, name) or _("More"))
        section = sections.setdefault(label, {"label": label, "groups": [], "is_open": False})
        section["groups"].append(group)
        section["is_open"] |= group["is_set"]
    found = sorted(sections.values(), key=lambda section: bool(section["label"]))
    if len(found) == 1:
        found[0]["label"] = ""
    return found


def _group_of(resource: Resource, name: str) -> Any:
    return _("Record") if name in TIMES else group_of_field(resource, name)


def _group(context: Context, resource: Resource, name: str, values: Mapping[str, str]) -> dict[str, Any] | None:
    item = resource.fields[name]
    label = label_of_field(resource, name)
    group: dict[str, Any] = {"name": name, "label": label, "parameter": name, "options": None, "multiple": True}
    if item.kind in COMPARABLE:
        is_dated = item.kind in DATED
        after, before = (_("After"), _("Before")) if is_dated else (_("More than"), _("Less than"))
        return group | {
            "input": "date" if is_dated else "text",
            "inputmode": "" if is_dated else "decimal",
            "low": values.get(f"{name}_after", "")[: 10 if is_dated else None],
            "high": values.get(f"{name}_before", "")[: 10 if is_dated else None],
            "low_label": after,
            "high_label": before,
            "parameters": [f"{name}_after", f"{name}_before"],
        }
    if item.kind == "reference":
        return _reference_group(context, resource, name, values, group)
    group["parameter"] = f"{name}_in"
    group["chosen"] = _chosen(values, f"{name}_in", name)
    group["parameters"] = [f"{name}_in"]
    if words := item.words(context):
        return group | {"options": [(code, str(word)) for code, word in words.items()]}
    if item.kind == "flag":
        return group | {"options": [("true", _("Yes")), ("false", _("No"))]}
    return group | {"parameter": name, "low": values.get(name, ""), "parameters": []}


def _chosen(values: Mapping[str, str], *names: str) -> list[str]:
    return [part for name in names for part in values.get(name, "").split(",") if part]


def _reference_group(
    context: Context, resource: Resource, name: str, values: Mapping[str, str], group: dict[str, Any]
) -> dict[str, Any] | None:
    target = registry.resources[str(resource.fields[name].target)]
    if not can(context.actor, target.read_permission):
        return None
    tree = f"{name}_within" in filter_parameters(resource)
    parameter = f"{name}_within" if tree else f"{name}_in"
    chosen = _chosen(values, parameter, name)
    found = [(str(i), label) for i, label in choices(context, target, limit=MOST_OPTIONS + 1)]
    group |= {
        "parameter": parameter,
        "multiple": not tree,
        "chosen": chosen,
        "parameters": [f"{name}_in", f"{name}_within"],
    }
    if len(found) <= MOST_OPTIONS:
        return group | {"options": found}
    ids = [int(part) for part in chosen if part.isascii() and part.isdigit()]
    known = labels_in_reach(context, {target.name: ids})[target.name]
    options = [(str(i), str(known[i]["label"])) for i in ids if i in known]
    return group | {"remote": url_for(f"{target.name}.choices"), "chosen_options": options}
