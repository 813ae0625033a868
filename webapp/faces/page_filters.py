"""The filters of a list as people see them: chips with their words, and the form that sets them."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.fields import Choice
from webapp.core.parameters import COMPARABLE, Filter, filter_parameters
from webapp.core.query import choices, labels_in_reach
from webapp.core.resource import Resource, registry
from webapp.faces.list_state import ListState
from webapp.faces.rendering import Renderer

MOST_OPTIONS = 200


def chips_of(context: Context, resource: Resource, state: ListState) -> list[dict[str, Any]]:
    """Return a chip for each filter: its name, its value in words, and the URL without it."""
    filters = state.parameters.filters
    ids: dict[str, set[int | None]] = {}
    for item in filters:
        target = resource.fields[item.field].target
        if target and item.op != "empty":
            ids.setdefault(target, set()).update(item.value if isinstance(item.value, list) else [item.value])
    renderer = Renderer(context, labels_in_reach(context, ids))
    return [
        {
            "label": str(resource.fields[item.field].label or item.field),
            "value": _words(renderer, resource, item),
            "remove_url": state.url(**{item.parameter: None}),
        }
        for item in filters
    ]


def _words(renderer: Renderer, resource: Resource, item: Filter) -> str:
    if item.op == "empty":
        return str(_("empty") if item.value else _("not empty"))
    values = item.value if item.op == "in" else [item.value]
    if resource.fields[item.field].kind in {"text", "longtext"}:
        said = item.raw
    else:
        said = ", ".join(renderer.plain(resource, item.field, value) for value in values)
    comparing: dict[str, Callable[[], str]] = {
        "not": lambda: _("not %(value)s", value=said),
        "after": lambda: _("after %(value)s", value=said),
        "before": lambda: _("before %(value)s", value=said),
        "within": lambda: _("%(value)s and below", value=said),
    }
    if resource.fields[item.field].kind in {"whole", "amount"}:
        comparing |= {
            "after": lambda: _("more than %(value)s", value=said),
            "before": lambda: _("less than %(value)s", value=said),
        }
    return comparing[item.op]() if item.op in comparing else said


def filter_groups(context: Context, resource: Resource, values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what the filter form asks for each filterable field."""
    known = filter_parameters(resource)
    groups = []
    for name in resource.filters:
        group = _group(context, resource, name, values)
        if group is not None:
            group["can_be_empty"] = f"{name}_empty" in known
            group["empty"] = values.get(f"{name}_empty") == "true"
            group["parameters"] += [f"{name}_empty", name]
            groups.append(group)
    return groups


def _group(context: Context, resource: Resource, name: str, values: Mapping[str, str]) -> dict[str, Any] | None:
    item = resource.fields[name]
    label = str(item.label or name)
    group: dict[str, Any] = {"name": name, "label": label, "parameter": name, "options": None, "multiple": True}
    if item.kind in COMPARABLE:
        if item.kind == "moment":
            return None
        after, before = (_("After"), _("Before")) if item.kind == "day" else (_("More than"), _("Less than"))
        return group | {
            "input": "date" if item.kind == "day" else "text",
            "inputmode": "decimal" if item.kind != "day" else "",
            "low": values.get(f"{name}_after", ""),
            "high": values.get(f"{name}_before", ""),
            "low_label": after,
            "high_label": before,
            "parameters": [f"{name}_after", f"{name}_before"],
        }
    if item.kind == "reference":
        return _reference_group(context, resource, name, values, group)
    group["parameter"] = f"{name}_in"
    group["chosen"] = _chosen(values, f"{name}_in", name)
    group["parameters"] = [f"{name}_in"]
    if isinstance(item, Choice):
        return group | {"options": [(code, str(word)) for code, word in item.choices.items()]}
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
