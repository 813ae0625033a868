"""Saved views on a list's page: the tabs with their counts, the dialog that keeps one, and what becomes of it."""

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.errors import BadRequest, Invalid
from webapp.core.query import COUNT_LIMIT
from webapp.core.resource import Resource
from webapp.core.totals import standing
from webapp.faces import saved_views as kept
from webapp.faces.list_state import ListState
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go, in_dialog, number_in, toast

Row = Mapping[str, Any]
ALL = 0


def url_of(resource: Resource, view_id: int, query: str) -> str:
    """Return the URL of a saved view: all it says, and which one it is."""
    return f"{url_for(f'{resource.name}.index')}?{query}{'&' if query else ''}view={view_id}"


def counted(renderer: Renderer, count: int | None) -> str:
    """Return a count in words: nothing, "1,204", or "10,000+" for all that is more."""
    if count is None:
        return ""
    return renderer.number(min(count, COUNT_LIMIT)) + ("+" if count > COUNT_LIMIT else "")


def current_of(state: ListState, views: kept.Views) -> Row | None:
    """Return the view that a list started from, or the one that it happens to be."""
    said = views.get(state.view_id)
    return said or next((row for row in views.rows if row["query"] and state.says(row["query"])), None)


def is_changed(state: ListState, current: Row | None) -> bool:
    """Tell whether a list shows something that no tab keeps."""
    return not state.says(str(current["query"]) if current else "deleted=true" if state.parameters.deleted else "")


def tabs_of(
    context: Context, resource: Resource, state: ListState, views: kept.Views, counts: Mapping[int, int]
) -> list[dict[str, Any]]:
    """Return the tabs of a list: all, each saved view, the deleted ones; `counts` by view."""
    current, living, renderer = current_of(state, views), not state.parameters.deleted, Renderer(context)
    total = _standing(context, resource)
    tabs: list[dict[str, Any]] = [
        {
            "label": _("All"),
            "url": state.base,
            "current": current is None and living,
            "count": counted(renderer, counts.get(ALL) if total is None else total),
            "counted": True,
        }
    ]
    for row in views.rows:
        is_current = row is current
        tab = {"label": row["name"], "url": url_of(resource, row["id"], row["query"]), "current": is_current}
        tab["count"], tab["counted"] = counted(renderer, counts.get(row["id"])), "q" not in kept.values_of(row["query"])
        tab["shared"] = row["is_shared"] and row["user_id"] != context.actor.user_id
        if is_current and kept.may_change(context.actor, row):
            tab["edit_url"] = url_for(f"{resource.name}.views", id=row["id"])
        tabs.append(tab)
    restores = "restore" in resource.pages and "deleted_at" in resource.table.c
    if restores and can(context.actor, resource.write_permission):
        url = f"{state.base}?deleted=true"
        tabs.append({"label": _("Deleted"), "url": url, "current": not living and current is None})
    return tabs


def _standing(context: Context, resource: Resource) -> int | None:
    """Return how many there are in all, None when that has to be counted."""
    if resource.belongs or (resource.located_by and context.actor.scope_location_id is not None):
        return None
    return standing(context.session)[0].get(resource.table.name, 0)


def tabs_with_counts(context: Context, resource: Resource, state: ListState) -> str:
    """Return the tabs alone, each with its count: what the page asks for once it is shown."""
    views = kept.views_of(context, resource)
    asked = {int(row["id"]): _state(context, resource, row["query"]).parameters for row in views.rows}
    if _standing(context, resource) is None:
        asked[ALL] = _state(context, resource, "").parameters
    tabs = tabs_of(context, resource, state, views, kept.counts_of(context, resource, asked))
    return render_template("resource/_views.html", tabs=tabs, new_url=save_url(resource, state, views))


def _state(context: Context, resource: Resource, query: str) -> ListState:
    return ListState(context, resource, MultiDict(kept.values_of(query)))


def save_url(resource: Resource, state: ListState, views: kept.Views) -> str:
    """Return where what a list shows now is kept: its columns too when they are not everybody's."""
    values = kept.values_of(state.query)
    if "fields" not in values and views.columns and views.columns != resource.columns:
        values["fields"] = ",".join(views.columns)
    current = current_of(state, views)
    return url_for(f"{resource.name}.views", query=kept.canonical(values), view=current["id"] if current else None)


def views(context: Context, resource: Resource) -> ResponseReturnValue:
    """Ask for the name of a view, or keep, change, move, delete and restore one."""
    if request.method != "POST":
        row = kept.views_of(context, resource).get(number_in(request.args, "id"))
        return _dialog(context, resource, row if row and kept.may_change(context.actor, row) else None)
    act = request.values.get("act", "save")
    if act not in ACTS:
        raise BadRequest(_("There is no such act."))
    try:
        return ACTS[act](context, resource)
    except Invalid as error:
        context.session.rollback()
        row = kept.views_of(context, resource).get(number_in(request.values, "id"))
        return _dialog(context, resource, row, [m for found in error.errors.values() for m in found]), 422


def _dialog(context: Context, resource: Resource, row: Row | None, errors: list[str] | None = None) -> str:
    base = url_for(f"{resource.name}.index")
    query = request.values.get("query", "")
    started = kept.views_of(context, resource).get(number_in(request.values, "view"))
    replaceable = row is None and started is not None and kept.may_change(context.actor, started)
    title = _("Change the view %(name)s", name=row["name"]) if row else _("Save view")
    return render_template(
        "resource/view.html",
        title=title,
        crumbs=[(str(resource.title), base), (title, None)],
        action=url_for(f"{resource.name}.views"),
        cancel_url=url_of(resource, row["id"], row["query"]) if row else f"{base}?{query}",
        row=row,
        name=request.form.get("name", row["name"] if row else ""),
        longest=kept.LONGEST_NAME,
        shared=request.form.get("shared") == "true" if request.form else bool(row and row["is_shared"]),
        may_share=can(context.actor, kept.SHARE),
        query=query,
        started=started if replaceable else None,
        errors=errors or [],
        in_dialog=in_dialog(),
    )


def _asked(context: Context, resource: Resource, name: str = "id", *, deleted: bool = False) -> kept.SavedView:
    return kept.find_view(context, resource, number_in(request.values, name) or 0, deleted=deleted)


def _open(resource: Resource, view: kept.SavedView) -> ResponseReturnValue:
    return go(url_of(resource, view.id, view.query))


def _save(context: Context, resource: Resource) -> ResponseReturnValue:
    shared = request.form.get("shared") == "true"
    view = kept.save_view(context, resource, request.form.get("name", ""), request.form.get("query", ""), shared=shared)
    toast(_("The view %(name)s was saved", name=view.name))
    return _open(resource, view)


def _replace(context: Context, resource: Resource) -> ResponseReturnValue:
    view = _asked(context, resource, "view")
    kept.replace_query(view, request.form.get("query", ""))
    toast(_("The view %(name)s shows this from now on", name=view.name))
    return _open(resource, view)


def _rename(context: Context, resource: Resource) -> ResponseReturnValue:
    view = _asked(context, resource)
    shared = request.form.get("shared") == "true" if can(context.actor, kept.SHARE) else view.is_shared
    kept.name_view(context, view, request.form.get("name", ""), shared=shared)
    toast(_("The view %(name)s was saved", name=view.name))
    return _open(resource, view)


def _move(context: Context, resource: Resource) -> ResponseReturnValue:
    view = _asked(context, resource)
    kept.move_view(context, resource, view, step=-1 if request.form.get("act") == "left" else 1)
    return _open(resource, view)


def _delete(context: Context, resource: Resource) -> ResponseReturnValue:
    view = _asked(context, resource)
    view.deleted_at = context.at
    undo = url_for(f"{resource.name}.views", act="restore", id=view.id)
    toast(_("The view %(name)s was deleted", name=view.name), undo_url=undo, undo_label=_("Restore"))
    return go(url_for(f"{resource.name}.index"))


def _restore(context: Context, resource: Resource) -> ResponseReturnValue:
    view = _asked(context, resource, deleted=True)
    kept.restore_view(context, view)
    toast(_("The view %(name)s was restored", name=view.name))
    return _open(resource, view)


ACTS = {
    "save": _save,
    "replace": _replace,
    "rename": _rename,
    "left": _move,
    "right": _move,
    "delete": _delete,
    "restore": _restore,
}
