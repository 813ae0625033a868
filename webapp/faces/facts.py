"""The facts of one thing: what is known of it, in the order and under the headings of its form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from webapp.core.resource import Resource
from webapp.faces.page_columns import COMMON, group_of_field, label_of_field
from webapp.faces.rendering import Renderer

Row = Mapping[str, Any]
MANY = 12
ADDRESSES = {"email": "mailto", "phone": "tel", "mobile": "tel"}


@dataclass
class FactGroup:
    """Facts under one heading, none when there are few: short ones, and long ones below."""

    label: str
    short: list[tuple[str, Markup]] = field(default_factory=list)
    long: list[tuple[str, Markup]] = field(default_factory=list)


def fact_names(resource: Resource, said: set[str | None]) -> list[str]:
    """Return the fields shown as facts, in order: all that the header does not say already."""
    left_out = {*said, resource.label, resource.subtitle, "created_at", "updated_at", *COMMON}
    if any(item.kind == "amount" for item in resource.fields.values()):
        left_out.add("currency")  # it stands with each amount
    named = {item.of: name for name, item in resource.names.items()}
    order = [named.get(name, name) for name in resource.fields]
    return [name for name in dict.fromkeys(order) if name not in left_out]


def fact_groups(resource: Resource, renderer: Renderer, row: Row, said: set[str | None]) -> list[FactGroup]:
    """Return the facts of a row without the empty ones, by the schema's groups when there are many of them."""
    names = [name for name in fact_names(resource, said) if not _is_empty(resource, name, row)]
    labels = {name: group_of_field(resource, name) for name in names} if len(names) > MANY else dict.fromkeys(names, "")
    groups: dict[str, FactGroup] = {}
    for label in dict.fromkeys(labels.values()):
        own = [name for name in names if labels[name] == label]
        told = [n for n in own if resource.fields[n].kind == "longtext"]
        short = [(label_of_field(resource, n), fact(resource, renderer, n, row)) for n in own if n not in told]
        long = [(label_of_field(resource, n), _lines(row[n])) for n in told]
        groups[label] = FactGroup(label, short, long)
    if len(groups) == 1:
        next(iter(groups.values())).label = ""
    return list(groups.values())


def fact(resource: Resource, renderer: Renderer, name: str, row: Row) -> Markup:
    """Return one value; an address one can write to or call is a link."""
    item = resource.fields[name]
    scheme = next((scheme for word, scheme in ADDRESSES.items() if name.endswith(word)), None)
    if scheme and item.kind == "text":
        target = quote(str(row[name]), safe="@+") if scheme == "mailto" else "".join(str(row[name]).split())
        return Markup('<a href="{}:{}">{}</a>').format(scheme, target, row[name])
    return renderer.value(resource, name, row)


def _is_empty(resource: Resource, name: str, row: Row) -> bool:
    value, item = row.get(name), resource.fields[name]
    return value in (None, "", []) or (item.kind == "flag" and value == item.load_default)


def _lines(value: str) -> Markup:
    return Markup("<br>").join(str(value).splitlines())
