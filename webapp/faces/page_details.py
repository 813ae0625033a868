"""One thing as a page: the answer first, its facts, what features hang on it, and its history."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from webapp.core.access import can
from webapp.core.activity import history as lines_of
from webapp.core.activity import plain
from webapp.core.context import Context
from webapp.core.errors import BadRequest, NotFound
from webapp.core.fields import LARGEST_ID
from webapp.core.labels import label_rows
from webapp.core.naming import labels_in_reach
from webapp.core.query import get_row
from webapp.core.resource import Action, Resource, registry
from webapp.faces.facts import FactGroup, fact_groups
from webapp.faces.icons import icon
from webapp.faces.page_columns import label_of_field
from webapp.faces.page_lists import mark_field, place_field, template_of
from webapp.faces.page_views import counted
from webapp.faces.related import related_to
from webapp.faces.rendering import FACES, Renderer, state, within_sentence

Row = Mapping[str, Any]
LINES = 30
EVENTS = {
    "Create": ("circle-plus", "green"),
    "Update": ("pencil", "gray"),
    "Delete": ("trash", "red"),
    "Restore": ("arrow-back-up", "violet"),
}


@dataclass
class DetailView:
    """Everything that a detail page's templates need; `row` and `resource` for a feature's own template."""

    resource: Resource
    row: Row
    title: str
    tag: str
    tag_label: str
    pills: list[Markup] = field(default_factory=list)
    facts: list[FactGroup] = field(default_factory=list)
    record: list[tuple[str, Any]] = field(default_factory=list)
    acts: list[dict[str, Any]] = field(default_factory=list)
    more: list[dict[str, Any]] = field(default_factory=list)
    more_label: str = ""
    tabs: list[dict[str, Any]] = field(default_factory=list)
    tabs_label: str = ""
    tab_template: str = "resource/_history.html"
    panels: list[dict[str, Any]] = field(default_factory=list)
    related: list[dict[str, Any]] = field(default_factory=list)
    days: list[dict[str, Any]] = field(default_factory=list)
    older_url: str | None = None
    undo_url: str | None = None
    restore_url: str | None = None
    deleted_note: str = ""


def title_of(resource: Resource, row: Row) -> tuple[str, str]:
    """Return (title, tag): a thing goes by its subtitle when it has one, its label beside it."""
    label = str(row.get(resource.label) or f"#{row['id']}")
    if resource.subtitle and row.get(resource.subtitle):
        return str(row[resource.subtitle]), label
    return label, ""


def found(context: Context, resource: Resource, row_id: int) -> Row:
    """Return a row; a deleted one only to those who may restore it."""
    row = get_row(context, resource, row_id, deleted=True)
    if row.get("deleted_at") and not can(context.actor, resource.write_permission):
        raise NotFound(f"there is no {resource.name} {row_id}")
    return row


def detail(context: Context, resource: Resource, row_id: int) -> ResponseReturnValue:
    """Show one thing."""
    row = found(context, resource, row_id)
    page = detail_view(context, resource, row)
    crumbs: list[tuple[str, str | None]] = [(str(resource.title), url_for(f"{resource.name}.index"))]
    crumbs += [*_above(context, resource, row), (page.tag or page.title, None)]
    tab_data = _fill_tabs(context, page)
    found_template = template_of(resource, "detail.html")
    return render_template(found_template, resource=resource, page=page, crumbs=crumbs, data=tab_data)


def _above(context: Context, resource: Resource, row: Row) -> list[tuple[str, str | None]]:
    """Return (name, URL) of what a thing of a tree stands in, as far as the actor sees it, the outermost first."""
    if "parent_id" not in resource.label_columns:
        return []
    known, found = label_rows(context, resource.name), []
    while (parent_id := row["parent_id"]) in known and parent_id not in found:
        found.append(parent_id)
        row = known[parent_id]
    seen = labels_in_reach(context, {resource.name: found})[resource.name] if found else {}
    pairs = [(str(seen[i]["name"]), url_for(f"{resource.name}.detail", row_id=i)) for i in reversed(found) if i in seen]
    return [*pairs]


def detail_view(context: Context, resource: Resource, row: Row) -> DetailView:
    """Return what the detail template draws of a row, without its tabs."""
    renderer = renderer_for(context, resource, row)
    title, tag = title_of(resource, row)
    page = DetailView(resource, row, title, tag, within_sentence(label_of_field(resource, resource.label)))
    page.pills = _pills(resource, renderer, row)
    page.facts = fact_groups(resource, renderer, row, {mark_field(resource)})
    times = [name for name in ("created_at", "updated_at") if name in resource.fields and row.get(name)]
    page.record = [(label_of_field(resource, name), renderer.value(resource, name, row)) for name in times]
    page.record.append((_("Number"), Markup('<span class="qm-num">{}</span>').format(row["id"])))
    for panel in registry.panels(resource.name, "aside", context.actor):
        if data := panel.query(context, row):  # a panel that has nothing to say is not drawn
            page.panels.append({"title": panel.title, "data": data, "template": panel.template})
    page.related = [
        {"label": item.label, "icon": item.resource.icon, "count": counted(renderer, item.count), "url": item.url}
        for item in related_to(context, resource, row["id"])
    ]
    _fill_acts(context, page, renderer)
    return page


def copy_url(resource: Resource, row_id: int) -> str:
    """Return where a copy of a thing is begun."""
    return f"{url_for(f'{resource.name}.create')}?from={row_id}"


def renderer_for(context: Context, resource: Resource, *rows: Row) -> Renderer:
    """Return a renderer that knows the names of everything the rows refer to."""
    wanted: dict[str, set[int | None]] = {}
    for name, item in resource.references.items():
        wanted.setdefault(str(item.target), set()).update(row.get(name) for row in rows)
    return Renderer(context, labels_in_reach(context, wanted))


def _pills(resource: Resource, renderer: Renderer, row: Row) -> list[Markup]:
    pills = []
    mark, place = mark_field(resource), place_field(resource)
    if mark and row.get(mark):
        item = resource.names[mark]
        known = renderer.labels.get(str(resource.fields[item.of].target), {}).get(row[item.of], {})
        pills.append(state(row[mark], str(known.get("lifecycle", "")), pill=True))
    if place and row.get(place):
        pills.append(Markup('<span class="qm-pill qm-gray">{}{}</span>').format(icon("map-pin"), row[place]))
    return pills


def _fill_acts(context: Context, page: DetailView, renderer: Renderer) -> None:
    resource, row_id = page.resource, page.row["id"]
    if not page.row.get("deleted_at"):
        page.more += [_action(resource, row_id, item) for item in declared_acts(context, resource, page.row)]
    if not can(context.actor, resource.write_permission):
        return
    if page.row.get("deleted_at"):
        page.deleted_note = _("This was deleted on %(when)s.", when=renderer.moment(page.row["deleted_at"]))
        if "restore" in resource.pages:
            page.restore_url = url_for(f"{resource.name}.restore", row_id=row_id)
        return
    page.undo_url = url_for(f"{resource.name}.undo", row_id=row_id)
    page.more_label = _("More acts")
    if "update" in resource.pages:
        url = url_for(f"{resource.name}.edit", row_id=row_id)
        page.acts.append({"label": _("Edit"), "icon": "edit", "url": url, "primary": True, "key": "e"})
    if "create" in resource.pages:
        page.more.append({"label": _("Duplicate"), "icon": "copy", "url": copy_url(resource, row_id)})
    if "delete" in resource.pages:
        url = url_for(f"{resource.name}.delete", row_id=row_id)
        page.more.append({"label": _("Delete"), "icon": "trash", "url": url, "danger": True, "dialog": True})


def declared_acts(context: Context, resource: Resource, row: Row) -> list[Action]:
    """Return the acts that somebody may do with a living thing."""
    return [item for item in resource.actions if can(context.actor, item.permission) and item.applies(context, row)]


def _action(resource: Resource, row_id: int, item: Action) -> dict[str, Any]:
    url = url_for(f"{resource.name}.{item.name}", row_id=row_id)
    return {"label": item.label, "icon": item.icon, "url": url, "danger": item.danger, "dialog": True}


def _fill_tabs(context: Context, page: DetailView) -> Mapping[str, Any]:
    """Fill the tabs and the content of the current one; return what a panel's template gets as `data`."""
    resource, row = page.resource, page.row
    base = url_for(f"{resource.name}.detail", row_id=row["id"])
    panels = registry.panels(resource.name, "tab", context.actor)
    wanted = request.args.get("tab", "")
    current = next((panel for number, panel in enumerate(panels) if str(number) == wanted), None)
    page.tabs_label = _("About %(name)s", name=page.title)
    page.tabs = [{"label": _("History"), "url": base, "current": current is None}]
    for number, panel in enumerate(panels):
        page.tabs.append({"label": panel.title, "url": f"{base}?tab={number}", "current": panel is current})
    if current is None:
        fill_history(context, page)
        return {}
    page.tab_template = current.template
    return current.query(context, row)


def history(context: Context, resource: Resource, row_id: int) -> ResponseReturnValue:
    """Show a thing's history, or to htmx the lines before one."""
    row = found(context, resource, row_id)
    page = detail_view(context, resource, row)
    before = request.args.get("before", type=int)
    if "before" in request.args and (before is None or not 0 < before < LARGEST_ID):
        raise BadRequest(_("`before` is the number of a line."))
    fill_history(context, page, before)
    base = url_for(f"{resource.name}.index")
    crumbs = [(str(resource.title), base), (page.tag or page.title, f"{base}/{row_id}"), (_("History"), None)]
    fragment = "HX-Request" in request.headers
    return render_template("resource/history.html", page=page, crumbs=crumbs, fragment=fragment)


def fill_history(context: Context, page: DetailView, before_id: int | None = None) -> None:
    """Fill a page with the lines of its thing's history, by day, and where the older ones are."""
    resource, row = page.resource, page.row
    lines = lines_of(context, resource, row["id"], before_id=before_id, limit=LINES + 1)
    if len(lines) > LINES:
        lines = lines[:LINES]
        page.older_url = url_for(f"{resource.name}.history", row_id=row["id"], before=lines[-1]["id"])
    renderer = Renderer(context, labels_in_reach(context, _referred(resource, lines)))
    shown = [(renderer.long_day(line["at"]), _change(resource, renderer, row, line)) for line in lines]
    page.days = [
        {"label": day, "changes": [change for _day, change in changes]}
        for day, changes in groupby(shown, key=lambda pair: pair[0])
    ]


def _referred(resource: Resource, lines: list[dict[str, Any]]) -> dict[str, set[int | None]]:
    wanted: dict[str, set[int | None]] = {}
    for item in resource.references.values():
        for line in lines:
            values = line["changes"].get(item.column, ())
            wanted.setdefault(str(item.target), set()).update(v for v in values if isinstance(v, int))
    return {kind: ids for kind, ids in wanted.items() if ids}


def _change(resource: Resource, renderer: Renderer, row: Row, line: dict[str, Any]) -> dict[str, Any]:
    columns = resource.logged
    known = {columns[column]: pair for column, pair in line["changes"].items() if column in columns}
    fields = []
    for name, (old, new) in known.items():
        if line["event"] in ("Update", "Create") and name not in ("deleted_at", "guid"):
            texts = (renderer.plain(resource, name, old), renderer.plain(resource, name, new))
            fields.append({"label": label_of_field(resource, name), "old": texts[0], "new": texts[1]})
    event = line["event"]
    name, tone = EVENTS.get(event, ("point", "blue"))
    return {
        "id": line["id"],
        "icon": name,
        "tone": tone,
        "actor": line["actor_name"],
        "verb": _verb(event, len(fields)),
        "when": f"{renderer.time(line['at'])} {FACES.get(line['face'], line['face'])}",
        "iso": plain(line["at"]),
        "fields": [] if event == "Create" else fields,
        "note": line["note"],
        "undo": event == "Update" and not row.get("deleted_at") and bool(reverting(resource, row, line)),
    }


def _verb(event: str, count: int) -> str:
    words = {
        "Create": lambda: _("created it"),
        "Delete": lambda: _("deleted it"),
        "Restore": lambda: _("restored it"),
    }
    found = words.get(event, lambda: ngettext("changed %(num)s field", "changed %(num)s fields", count))
    return found()


def reverting(resource: Resource, row: Row, line: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return {field: old value as JSON} that takes a line back, None when somebody has touched one of them since."""
    columns = {item.column: name for name, item in resource.writable.items()}
    patch = {}
    for column, (old, new) in line["changes"].items():
        if column not in columns:
            continue
        if plain(row.get(columns[column])) != new or new == "***":
            return None
        patch[columns[column]] = old
    return patch
