"""The columns of a list: which ones, in which order, for this view or as one's usual ones."""

from typing import Any
from urllib.parse import parse_qsl

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.core.context import Context
from webapp.core.fields import Derived, Name, Through
from webapp.core.resource import Resource
from webapp.faces.list_state import ListState
from webapp.faces.rendering import within_sentence
from webapp.faces.saved_views import Views, keep_columns, views_of
from webapp.faces.surface import go, in_dialog

COMMON = frozenset({"id", "guid", "version", "deleted_at", "custom"})
TIMES = frozenset({"created_at", "updated_at"})


def label_of_field(resource: Resource, name: str) -> str:
    """Return the words for a column: a name field goes by its reference's when it has none."""
    item = resource.fields[name]
    if isinstance(item, Name) and not item.label:
        item = resource.fields[item.of]
    return str(item.label or name)


def group_of_field(resource: Resource, name: str) -> str:
    """Return the heading that a field stands under: what is read from another field stands with it."""
    item = resource.fields[name]
    if item.group:
        return str(item.group)
    if isinstance(item, Name | Through):
        return group_of_field(resource, item.of)
    return group_of_field(resource, item.needs[0]) if isinstance(item, Derived) and item.needs else ""


def choosable(resource: Resource) -> list[str]:
    """Return the fields that a list may show as columns: not the bare ids of what has a name beside it."""
    named = {item.of for item in resource.names.values()}
    return sorted((name for name in resource.fields if name not in COMMON | named), key=TIMES.__contains__)


def shown_columns(resource: Resource, state: ListState, views: Views) -> tuple[str, ...]:
    """Return the columns of a list: what its URL says, else what is usual for the reader, else for everybody."""
    return state.parameters.fields or views.columns or resource.columns


def columns_panel(context: Context, resource: Resource, state: ListState) -> str:
    """Return the choice of columns as it is asked first: those that are shown in their order, then the others."""
    shown = shown_columns(resource, state, views_of(context, resource))
    order = [*shown, *(name for name in choosable(resource) if name not in shown)]
    return _panel(resource, state, order, set(shown))


def _panel(resource: Resource, state: ListState, order: list[str], shown: set[str], error: str = "") -> str:
    title = _("Columns of %(things)s", things=within_sentence(resource.title))
    return render_template(
        "resource/columns.html",
        title=title,
        crumbs=[(str(resource.title), state.base), (_("Columns"), None)],
        action=f"{state.base}/columns",
        cancel_url=state.url(),
        query=state.query,
        view=state.view_id,
        options=[(name, label_of_field(resource, name), name in shown) for name in order],
        belongs_to_view=_is_of_view(state),
        error=error,
        in_dialog=in_dialog(),
    )


def _is_of_view(state: ListState) -> bool:
    return state.view_id is not None or "fields" in state.values


def columns(context: Context, resource: Resource) -> ResponseReturnValue:
    """Show a list with other columns: in a view as part of its URL, else as the reader's usual ones from now on."""
    sent: MultiDict[str, Any] = MultiDict(parse_qsl(request.form.get("query", "")))
    sent["view"] = request.form.get("view", "")
    state, known = ListState(context, resource, sent), set(choosable(resource))
    order = [name for name in dict.fromkeys(request.form.getlist("order")) if name in known]
    shown = [name for name in order if name in set(request.form.getlist("show"))]
    for button, step in (("up", -1), ("down", 1)):
        if request.form.get(button) in order:
            return _panel(resource, state, moved(order, request.form[button], step), set(shown))
    if request.form.get("act") == "usual":
        shown = []
    elif not shown:
        return _panel(resource, state, order, set(), _("Tick at least one column.")), 422
    if _is_of_view(state):
        return go(state.url(fields=",".join(shown)))
    keep_columns(context, resource, [] if tuple(shown) == resource.columns else shown)
    return go(state.url(fields=None))


def moved(order: list[str], name: str, step: int) -> list[str]:
    """Return names with one of them a place further up (-1) or down (1)."""
    rest = [other for other in order if other != name]
    at = min(max(order.index(name) + step, 0), len(rest))
    return [*rest[:at], name, *rest[at:]]
