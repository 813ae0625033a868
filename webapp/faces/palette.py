"""What is found for some letters: things of every kind in one query, pages and acts by their names.

The search page and the palette both draw what `search` returns.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Select, String, case, cast, func, literal, null, select, union_all

from webapp.core.access import can
from webapp.core.conditions import reach
from webapp.core.context import Actor, Context
from webapp.core.database import key_of
from webapp.core.labels import label_rows
from webapp.core.resource import Resource, registry
from webapp.core.search import HIT_LIMIT, hits, is_exactly, search_rank, spellings
from webapp.core.tenancy import CHECKED
from webapp.faces.navigation import Entry, acts, destinations
from webapp.faces.page_lists import mark_field, place_field
from webapp.faces.rendering import Renderer, initials_of, state, tone_of

IN_PALETTE, ON_PAGE = 5, 10
PAGES_AND_ACTS = 8


@dataclass
class Hit:
    """A line of what was found: where it leads, and what can be done with it (`acts_url`)."""

    title: Markup
    url: str
    icon: str
    detail: str = ""
    mark: str = ""
    meta: str = ""
    initials: str = ""
    tone: str = "gray"
    acts_url: str = ""
    dialog: bool = False


@dataclass
class HitGroup:
    """Lines of one kind under their heading, and where all of them are."""

    label: str
    hits: list[Hit] = field(default_factory=list)
    total: int = 0
    all_url: str = ""
    all_label: str = ""


@dataclass
class Found:
    """Everything that was found for `q`, in groups, and how that is said aloud."""

    q: str
    groups: list[HitGroup]
    said: str

    @property
    def is_empty(self) -> bool:
        """Tell whether there is not one line."""
        return not any(group.hits for group in self.groups)


def search(context: Context, q: str, *, most: int = IN_PALETTE) -> Found:
    """Return what an actor finds for some letters: exact tags and serials, then every kind, pages and acts."""
    q = " ".join(q.split())
    things = _things(context, q, most) if q else []
    count = sum(group.total for group in things)
    groups = [*things[:1], _ways(_("Go to"), destinations(context.actor), q)]
    groups += [*things[1:], _ways(_("Do"), acts(context.actor), q)]
    lines = sum(len(group.hits) for group in groups)
    if not lines:
        said = _("Nothing found")
    elif q:
        said = ngettext("%(num)s result", "%(num)s results", max(count, lines))
    else:
        said = _("Pages and acts")
    return Found(q, [group for group in groups if group.hits], said)


def searchable(actor: Actor) -> list[Resource]:
    """Return the kinds that an actor may search: what stands somewhere (things, people, places), then the rest."""
    shown = [
        resource
        for resource in registry.resources.values()
        if resource.search
        and "search_text" in resource.table.c
        and {"list", "get"} <= resource.pages
        and can(actor, resource.read_permission)
    ]
    return sorted(
        shown, key=lambda resource: (resource.located_by is None, resource.menu.order if resource.menu else 999)
    )


def _things(context: Context, q: str, most: int) -> list[HitGroup]:
    """Return the groups of things: one statement for all kinds."""
    kinds = {resource.name: resource for resource in searchable(context.actor)}
    arms = [arm for resource in kinds.values() if (arm := _arm(context, resource, q, most)) is not None]
    if not arms:
        return []
    rows = [dict(row) for row in context.session.execute(union_all(*arms), execution_options=CHECKED).mappings()]
    renderer, light = Renderer(context), Highlighter(q)
    exact = HitGroup(_("Exact match"))
    groups = {name: HitGroup(str(resource.title)) for name, resource in kinds.items()}
    for row in sorted(rows, key=lambda row: (row["rank"], -row["id"])):
        resource = kinds[row["kind"]]
        hit, group = _hit(context, renderer, light, resource, row), groups[row["kind"]]
        group.total = row["total"]
        if row["code"]:
            exact.total += 1
            group.total -= 1
            exact.hits.append(hit)
        else:
            group.hits.append(hit)
    for name, group in groups.items():
        if len(group.hits) < group.total:
            group.all_url = url_for(f"{name}.index", q=q)
            group.all_label = _all_of(renderer, group)
    return [exact, *groups.values()]


def _all_of(renderer: Renderer, group: HitGroup) -> str:
    more = group.total >= HIT_LIMIT
    number = renderer.number(HIT_LIMIT if more else group.total) + ("+" if more else "")
    return _("All %(number)s in %(things)s", number=number, things=group.label)


def _arm(context: Context, resource: Resource, q: str, most: int) -> Select[Any] | None:
    """Return the query of the best hits of a kind, None when it cannot be searched for these letters."""
    found = hits(context, resource, q)
    if found is None:
        return None
    table = resource.table
    ways, codes = spellings(q), _codes(resource)
    rank = search_rank(resource, ways)
    code = case((is_exactly(resource, ways, codes), 1), else_=0) if codes else literal(0)
    title = table.c[resource.fields[resource.label].column]
    words = [_column(resource, name) for name in (resource.subtitle, _detail_name(resource))]
    ids = [_id_column(resource, name) for name in (mark_field(resource), place_field(resource))]
    best = (
        select(
            literal(resource.name).label("kind"),
            table.c.id.label("id"),
            title.label("label"),
            words[0].label("subtitle"),
            words[1].label("detail"),
            ids[0].label("mark_id"),
            ids[1].label("place_id"),
            rank.label("rank"),
            code.label("code"),
            func.count().over().label("total"),
        )
        .where(*reach(context, resource), table.c.id.in_(select(found.subquery().c.id)))
        .order_by(code.desc(), rank, table.c.id.desc())
        .limit(most)
        .subquery()
    )
    return select(best)


def _codes(resource: Resource) -> tuple[str, ...]:
    """Return the searched fields that tell one thing from all others: a tag, a serial number, an address; no names."""
    unique = {rule.field for rule in resource.unique} - {"name"}
    return tuple(name for name in resource.search if name in unique)


def _detail_name(resource: Resource) -> str | None:
    """Return the field that says a little more than the title: the first short text that a list shows."""
    taken = {resource.label, resource.subtitle}
    names = (name for name in resource.columns if name not in taken and name in resource.stored)
    return next((name for name in names if resource.fields[name].kind in {"text", "choice"}), None)


def _column(resource: Resource, name: str | None) -> ColumnElement[Any]:
    column = resource.table.c.get(resource.fields[name].column) if name and name in resource.stored else None
    return cast(null(), String) if column is None else column


def _id_column(resource: Resource, name: str | None) -> ColumnElement[Any]:
    """Return the column of the id behind a name field; nothing for a thing that stands in itself, as places do."""
    column = resource.table.c.get(resource.fields[resource.names[name].of].column) if name else None
    return cast(null(), resource.table.c.id.type) if column is None else column


def _hit(context: Context, renderer: Renderer, light: "Highlighter", resource: Resource, row: Mapping[str, Any]) -> Hit:
    label = str(row["label"] or f"#{row['id']}")
    tag = label if row["subtitle"] else ""
    title, details = str(row["subtitle"] or label), [tag]
    if resource.cached:
        title = str(label_rows(context, resource.name).get(row["id"], {}).get("label", title))
    if row["detail"]:
        words = resource.fields[str(_detail_name(resource))].words(context)
        details.append(str(words.get(row["detail"], row["detail"])))
    if row["place_id"]:
        details.append(_label(context, resource, place_field(resource), row["place_id"]))
    hit = Hit(
        title=light(title),
        url=url_for(f"{resource.name}.detail", row_id=row["id"]),
        icon=resource.icon,
        detail=light(", ".join(detail for detail in details if detail)),
        acts_url=url_for("search.acts", kind=resource.name, id=row["id"]),
    )
    if row["mark_id"]:
        hit.mark = _mark(context, resource, row["mark_id"])
    if "first_name" in resource.fields:
        hit.initials, hit.tone = initials_of(title), tone_of(row["id"])
    return hit


def _label(context: Context, resource: Resource, name: str | None, row_id: int) -> str:
    """Return the name of a place that a name field refers to."""
    target = str(resource.fields[resource.names[str(name)].of].target)
    known = label_rows(context, target).get(row_id)
    return str(known["label"]) if known else ""


def _mark(context: Context, resource: Resource, status_id: int) -> Markup:
    target = str(resource.fields[resource.names[str(mark_field(resource))].of].target)
    known = label_rows(context, target).get(status_id)
    return state(str(known["label"]), str(known.get("lifecycle", ""))) if known else Markup()


class Highlighter:
    """Marks the searched words in a text."""

    def __init__(self, q: str) -> None:
        words = sorted({re.escape(word) for word in q.split()}, key=len, reverse=True)
        self.pattern = re.compile("|".join(words), re.IGNORECASE) if words else None

    def __call__(self, text: str) -> Markup:
        """Return a text as markup with each searched word in a `mark`."""
        if not self.pattern:
            return escape(text)
        parts, last = [], 0
        for found in self.pattern.finditer(text):
            parts += [escape(text[last : found.start()]), Markup("<mark>{}</mark>").format(found[0])]
            last = found.end()
        return Markup().join([*parts, escape(text[last:])])


def _ways(label: str, entries: Iterable[Entry], q: str) -> HitGroup:
    """Return the pages or acts whose names have the searched words; all of them when nothing is searched for."""
    light, shown = Highlighter(q), _named(entries, q)[: PAGES_AND_ACTS if q else None]
    return HitGroup(label, [Hit(light(str(entry.label)), entry.url, entry.icon) for entry in shown])


def _named(entries: Iterable[Entry], q: str) -> list[Entry]:
    """Return the entries in whose names every searched word begins a word."""
    words = key_of(q).split()
    found = {entry.url: entry for entry in entries if _has(key_of(str(entry.label)), words)}
    return list(found.values())


def _has(name: str, words: list[str]) -> bool:
    return all(name.startswith(word) or f" {word}" in name for word in words)
