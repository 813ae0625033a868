"""Lists as pages: the view that the templates draw, with all its state in the URL."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from flask import Response, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup, escape

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.fields import FaceField
from webapp.core.parameters import DEPTH, ListParameters, sortable
from webapp.core.query import Listing, list_rows
from webapp.core.resource import Resource
from webapp.faces.export import export_response, offers
from webapp.faces.list_state import ListState, state_of
from webapp.faces.page_columns import choosable, columns_panel, label_of_field, shown_columns
from webapp.faces.page_filters import chips_of, filter_sections
from webapp.faces.page_views import current_of, is_changed, save_url, tabs_of, tabs_with_counts
from webapp.faces.rendering import RIGHT, Renderer, within_sentence
from webapp.faces.saved_views import Views, views_of
from webapp.faces.surface import in_dialog, is_fragment
from webapp.faces.words import WORDS, Catalog

WIDE_COLUMNS, MOST_COLUMNS = 6, 8
TOLD = 2


@dataclass(slots=True)
class Column:
    """A column of the table: its heading, how it is sorted, its classes."""

    name: str
    label: str
    classes: str
    sort_url: str | None = None
    sorted: str | None = None


@dataclass(slots=True)
class ListRow:
    """A row: what the table shows, and what a phone shows."""

    id: str
    url: str
    label: str
    pick: str
    cells: Markup
    meta: str = ""
    mark: Markup | str = ""


@dataclass
class ListView:
    """Everything that a list's templates need."""

    title: str
    icon: str
    url: str
    query: str
    q: str = ""
    deleted: bool = False
    columns: list[Column] = field(default_factory=list)
    column_count: int = 0
    rows: list[ListRow] = field(default_factory=list)
    chips: list[dict[str, Any]] = field(default_factory=list)
    hidden: list[tuple[str, str]] = field(default_factory=list)
    tabs: list[dict[str, Any]] = field(default_factory=list)
    exports: list[dict[str, Any]] = field(default_factory=list)
    acts: tuple[dict[str, Any], ...] = ()
    empty_acts: list[dict[str, Any]] = field(default_factory=list)
    range: str = ""
    total: int = 0
    total_text: str = ""
    words: dict[str, str] = field(default_factory=dict)
    urls: dict[str, str | None] = field(default_factory=dict)
    can_search: bool = False
    can_select_all: bool = False
    dropped: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        """Return a word or an address by its name."""
        if name.endswith("_url"):
            return self.__dict__.get("urls", {}).get(name)
        if name in (words := self.__dict__.get("words", {})):
            return words[name]
        raise AttributeError(name)


def index(context: Context, resource: Resource) -> ResponseReturnValue:
    """Show a list, its rows alone, its filters, its columns or its counted tabs."""
    state = state_of(context, resource)
    panel = PANELS.get(request.args.get("panel", ""))
    if panel:
        return panel(context, resource, state)
    views = views_of(context, resource)
    shown = shown_columns(resource, state, views)
    listing = list_rows(context, resource, state.parameters, fields=_needed(resource, shown))
    view = list_view(context, resource, state, listing, views)
    template = "_rows.html" if is_fragment("rows") else "index.html"
    found = template_of(resource, template)
    crumbs = [(view.title, None)]
    return render_template(found, resource=resource, view=view, crumbs=crumbs, fragment=template == "_rows.html")


def export(context: Context, resource: Resource, format: str) -> Response:
    """Send the list as a file, filtered and sorted as it is shown."""
    state = state_of(context, resource)
    return export_response(context, resource, state.parameters, format, state.asked_query)


def template_of(resource: Resource, name: str) -> str:
    """Return a resource's own template when there is one, else the generic one."""
    own = f"{resource.name}/{name}"
    return own if own in _templates() else f"resource/{name}"


def _templates() -> set[str]:
    found: set[str] | None = current_app.extensions.get("own_templates")
    if found is None or current_app.debug:
        found = current_app.extensions["own_templates"] = set(current_app.jinja_env.list_templates())
    return found


def filter_panel(context: Context, resource: Resource, state: ListState) -> str:
    """Return the form of a list's filters."""
    sections = filter_sections(context, resource, state.values)
    names = {name for section in sections for group in section["groups"] for name in group["parameters"]}
    title = _("Filter %(things)s", things=within_sentence(resource.title))
    return render_template(
        "resource/filter.html",
        title=title,
        url=state.base,
        sections=sections,
        keep=state.hidden(*names),
        clear_url=state.url(**dict.fromkeys(names)),
        crumbs=[(str(resource.title), state.base), (_("Filter"), None)],
        in_dialog=in_dialog(),
    )


PANELS = {"filter": filter_panel, "columns": columns_panel, "views": tabs_with_counts}


@lru_cache(maxsize=500)
def mark_field(resource: Resource) -> str | None:
    """Return the name field that says in which state a thing is, if it has one."""
    from webapp.core.resource import registry

    for name, item in resource.names.items():
        target = registry.resources.get(str(resource.fields[item.of].target))
        if target and "lifecycle" in target.label_columns:
            return name
    return None


@lru_cache(maxsize=500)
def place_field(resource: Resource) -> str | None:
    """Return the name field that says where a thing is, if it has one."""
    return next((name for name, item in resource.names.items() if item.of == resource.located_by), None)


def _needed(resource: Resource, shown: tuple[str, ...]) -> tuple[str, ...]:
    extra = (resource.subtitle, mark_field(resource), place_field(resource))
    return tuple(dict.fromkeys((*shown, *(name for name in extra if name))))


def list_view(context: Context, resource: Resource, state: ListState, listing: Listing, views: Views) -> ListView:
    """Return what the templates draw of a page of rows."""
    shown = shown_columns(resource, state, views)
    renderer = Renderer(context, listing.labels)
    parameters = state.parameters
    total = renderer.number(listing.total) + ("+" if listing.total_capped else "")
    view = ListView(str(resource.title), resource.icon, state.base, urlencode(dict(state.hidden())))
    view.q, view.deleted, view.dropped = parameters.q, parameters.deleted, state.dropped
    view.total, view.total_text, view.can_search = listing.total + listing.total_capped, total, bool(resource.search)
    view.columns = _columns(resource, state, shown)
    view.column_count = len(choosable(resource))
    view.rows = _rows(resource, renderer, listing, view.columns, state.base)
    view.chips = chips_of(context, resource, state)
    view.hidden = state.hidden("q")
    view.can_select_all = listing.total > len(view.rows) or listing.total_capped
    _fill_words(view, resource, parameters)
    _fill_ways(context, resource, view, state)
    _fill_views(context, resource, view, state, views)
    first = (listing.page - 1) * listing.per_page + 1
    if view.rows:
        last = first + len(view.rows) - 1
        view.range = _(
            "%(first)s–%(last)s of %(total)s", first=renderer.number(first), last=renderer.number(last), total=total
        )
        more = listing.total > last or (listing.total_capped and len(view.rows) == listing.per_page)
        more = more and listing.page * listing.per_page < DEPTH
        view.urls["next_url"] = state.url(page=listing.page + 1) if more else None
    if listing.page > 1:
        view.urls["previous_url"] = state.url(page=listing.page - 1 if listing.page > 2 else None)
    return view


def _columns(resource: Resource, state: ListState, shown: tuple[str, ...]) -> list[Column]:
    allowed, columns = sortable(resource), []
    sorting = dict(state.parameters.sort)
    leading = resource.subtitle if resource.subtitle in shown else resource.label
    for position, name in enumerate(shown):
        item: FaceField = resource.fields[name]
        classes = ["qm-right"] if item.kind in RIGHT else []
        if name == leading:
            classes.append("qm-flex")
        elif item.kind in {"name", "reference", "longtext", "text"} and name != resource.label:
            classes.append("qm-clip")
        if position >= WIDE_COLUMNS and shown == resource.columns:
            classes.append("qm-late" if position < MOST_COLUMNS else "qm-later")
        column = Column(name, label_of_field(resource, name), " ".join(classes))
        if name in allowed:
            descending = sorting.get(name)
            is_sorted = name in sorting and (state.parameters.sorted_by_user or not state.parameters.q)
            column.sorted = ("descending" if descending else "ascending") if is_sorted else None
            column.sort_url = state.url(sort=f"-{name}" if is_sorted and not descending else name)
        columns.append(column)
    return columns


def _rows(resource: Resource, renderer: Renderer, listing: Listing, columns: list[Column], base: str) -> list[ListRow]:
    draw = [(f'<td class="{escape(c.classes)}">', renderer.cell(resource, c.name)) for c in columns]
    mark, place = mark_field(resource), place_field(resource)
    mark_cell = renderer.cell(resource, mark) if mark else None
    said = (resource.label, resource.subtitle, mark)
    told = [place] if place else [column.name for column in columns if column.name not in said][:TOLD]
    pick, rows = _("Select %(name)s"), []
    for row in listing.rows:
        row_id = str(row["id"])
        label = str(row.get(resource.label) or f"#{row_id}")
        title = str(row.get(resource.subtitle) or label) if resource.subtitle else label
        meta = [label] if title != label else []
        meta += [renderer.plain(resource, name, row[name]) for name in told if row.get(name) not in (None, "")]
        cells = "".join([f"{opening}{cell(row)}</td>" for opening, cell in draw])
        rows.append(
            ListRow(
                row_id,
                f"{base}/{row_id}",
                title,
                pick % {"name": title},
                Markup(cells),  # noqa: S704 cells escape
                " · ".join(meta),
                Markup(mark_cell(row)) if mark_cell else "",  # noqa: S704 cells escape
            )
        )
    return rows


@lru_cache(maxsize=500)
def _words(resource: Resource, _catalog: Catalog) -> dict[str, str]:
    named = [within_sentence(label_of_field(resource, name)) for name in resource.search[:3]]
    things = within_sentence(resource.title)
    return {
        "search_label": _("Filter by %(names)s", names=", ".join(named)),
        "create_label": _("New %(thing)s", thing=within_sentence(resource.singular)),
        "nothing_title": _("No %(things)s fit what is asked for", things=things),
        "empty_title": _("No %(things)s yet", things=things),
        "empty_text": _("They are listed here as soon as there are any."),
    }


def _fill_words(view: ListView, resource: Resource, parameters: ListParameters) -> None:
    count = len(parameters.filters) + bool(parameters.q)
    less = _("Leave out one of the %(count)s conditions.", count=count) if count > 1 else ""
    view.words = {**_words(resource, WORDS.get_translations()), "nothing_text": less}


def _fill_ways(context: Context, resource: Resource, view: ListView, state: ListState) -> None:
    may_write = can(context.actor, resource.write_permission)
    living = not state.parameters.deleted
    view.urls |= {
        "clear_url": state.url(**dict.fromkeys(name for name, _value in state.hidden("sort", "fields", "deleted"))),
        "filter_url": state.url(panel="filter"),
        "columns_url": state.url(panel="columns"),
    }
    if may_write and "create" in resource.pages and living:
        view.urls["create_url"] = url_for(f"{resource.name}.create")
        view.empty_acts = [{"label": view.words["create_label"], "url": view.urls["create_url"], "icon": "plus"}]
    if living:
        view.acts = bulk_acts(resource, context.actor.permissions, WORDS.get_translations())


def _fill_views(context: Context, resource: Resource, view: ListView, state: ListState, views: Views) -> None:
    """Fill the tabs, where the view is kept when it is none of them, and the files that hold just what is shown."""
    current = current_of(state, views)
    shown_total = {0 if current is None else int(current["id"]): view.total} if state.says(_said(current)) else {}
    view.tabs = tabs_of(context, resource, state, views, shown_total)
    view.urls["new_view_url"] = save_url(resource, state, views)
    view.urls["save_url"] = view.urls["new_view_url"] if is_changed(state, current) else None
    if any(tab.get("counted") and not tab["count"] for tab in view.tabs):
        view.urls["counts_url"] = state.url(panel="views")
    fields = ",".join(column.name for column in view.columns)
    for format, words, icon_name, columns in (  # noqa: A001 the word of the URL
        ("csv", _("CSV, as shown"), "file-type-csv", fields),
        ("xlsx", _("Excel workbook, as shown"), "file-spreadsheet", fields),
        ("csv", _("CSV, every column"), "table-export", None),
        ("jsonl", _("JSON lines, every column"), "braces", None),
    ):
        url = state.url(base=url_for(f"{resource.name}.export", format=format), fields=columns, view=None)
        # a long workbook is no file yet but a page, which a browser must not save
        view.exports.append({"label": words, "url": url, "icon": icon_name, "download": format != "xlsx"})
    for ways in offers:
        view.exports += ways(context, resource, state.asked_query, fields)


def _said(current: Mapping[str, Any] | None) -> str:
    return str(current["query"]) if current else ""


@lru_cache(maxsize=500)
def bulk_acts(resource: Resource, permissions: frozenset[str], _catalog: Catalog) -> tuple[dict[str, Any], ...]:
    """Return the acts that an actor may do on a selection: the usual two and the declared ones."""
    usual = [
        ("edit", _("Edit"), "edit", "update"),
        ("duplicate", _("Duplicate"), "copy", "create"),
        ("delete", _("Delete"), "trash", "delete"),
    ]
    acts: list[dict[str, Any]] = []
    if resource.write_permission in permissions:
        acts += [
            {"name": n, "label": w, "icon": i, "single": n == "duplicate"}
            for n, w, i, verb in usual
            if verb in resource.pages
        ]
    acts += [
        {"name": action.name, "label": str(action.label), "icon": action.icon}
        for action in resource.actions
        if action.bulk and action.permission in permissions
    ]
    for act in acts:
        act["url"] = url_for(f"{resource.name}.bulk", action=act["name"])
    return tuple(acts)
