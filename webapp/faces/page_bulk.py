"""Pages that write many things at once: choose, say what changes, see what it touches, apply all or nothing."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.core.access import require
from webapp.core.batch import deletable, delete_rows, find_rows, plan_rows, write_rows
from webapp.core.context import Context
from webapp.core.errors import Conflict, Invalid, NotFound, TooLarge
from webapp.core.labels import labels_for
from webapp.core.query import existing_ids, matching_ids
from webapp.core.resource import Action, Resource
from webapp.core.writes import Draft
from webapp.faces.forms import ResourceForm, action_form, form_for
from webapp.faces.list_state import ListState
from webapp.faces.page_details import copy_url
from webapp.faces.page_edits import blocker_links, undo_url
from webapp.faces.rendering import within_sentence
from webapp.faces.surface import go, once, toast

MOST_ROWS = 5_000
SHOWN = 20


def bulk(context: Context, resource: Resource, action: str) -> ResponseReturnValue:
    """Ask what shall happen to a selection, or do it."""
    declared = next((item for item in resource.actions if item.name == action and item.bulk), None)
    known = {"edit": "update", "delete": "delete", "duplicate": "create"}.get(action)
    if declared is None and known not in resource.pages:
        raise NotFound(f"there is no such action: {action}")
    require(context.actor, declared.permission if declared else resource.write_permission)
    ids = selection(context, resource)
    if not ids:
        toast(_("Nothing is selected"))
        return go(list_url(resource))
    apply = request.form.get("step") == "apply"
    if declared:
        return _act(context, resource, declared, ids, apply)
    if action == "duplicate":
        return _duplicate(resource, ids)
    return (_edit if action == "edit" else _delete)(context, resource, ids, apply)


def list_url(resource: Resource) -> str:
    """Return the list that a selection was made in, with its filters."""
    query = urlencode(parse_qsl(request.values.get("query", "")))
    base = url_for(f"{resource.name}.index")
    return f"{base}?{query}" if query else base


def _duplicate(resource: Resource, ids: list[int]) -> ResponseReturnValue:
    if len(ids) > 1:
        toast(_("Tick a single one to duplicate it"))
        return go(list_url(resource))
    return go(copy_url(resource, ids[0]))


def selection(context: Context, resource: Resource) -> list[int]:
    """Return the ids that a list's form has sent: the ticked ones, or all that its filters show."""
    if request.values.get("all") == "1":
        state = ListState(context, resource, MultiDict(parse_qsl(request.values.get("query", ""))))
        ids = matching_ids(context, resource, state.parameters, MOST_ROWS + 1)
    else:
        texts = [*request.values.getlist("id"), *request.values.get("ids", "").split(",")]
        wanted = {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19}
        ids = sorted(wanted)
    if len(ids) > MOST_ROWS:
        raise TooLarge(_("At most %(count)s at once. Narrow the list with a filter.", count=MOST_ROWS))
    return existing_ids(context, resource, ids)


def _page(context: Context, resource: Resource, ids: list[int], title: str, **more: Any) -> dict[str, Any]:
    """Return what every bulk page is drawn with."""
    base = url_for(f"{resource.name}.index")
    names = names_of(context, resource, ids[:SHOWN])
    return {
        "resource": resource,
        "title": title,
        "crumbs": [(str(resource.title), base), (title, None)],
        "rows": [(names.get(row_id, f"#{row_id}"), f"{base}/{row_id}") for row_id in ids[:SHOWN]],
        "more": max(0, len(ids) - SHOWN),
        "hidden": [
            ("ids", ",".join(map(str, ids))),
            ("step", "apply"),
            ("query", urlencode(parse_qsl(request.values.get("query", "")))),
        ],
        "action": request.path,
        "cancel_url": list_url(resource),
        **more,
    }


def names_of(context: Context, resource: Resource, ids: list[int]) -> dict[int, str]:
    """Return {id: name} of rows for the lists of what an act touches: "AST-000001 · Tripod" where a tag says little."""
    names = {key: str(row["label"]) for key, row in labels_for(context, {resource.name: ids})[resource.name].items()}
    if resource.subtitle:
        column = resource.stored[resource.subtitle].column
        rows = find_rows(context, resource, "id", list(names)).values()
        names |= {row["id"]: f"{names[row['id']]} · {row[column]}" for row in rows if row[column]}
    return names


def counted(resource: Resource, count: int) -> str:
    """Return a number of things in words: "3 assets"."""
    word = within_sentence(resource.singular if count == 1 else resource.title)
    return _("%(number)s %(things)s", number=format_decimal(count), things=word)


def _edit(context: Context, resource: Resource, ids: list[int], apply: bool) -> ResponseReturnValue:
    single = {rule.field for rule in resource.unique}
    names = [name for name in resource.writable if name not in single]
    form = form_for(context, resource, posted=request.form if apply else None, names=names)
    if not apply:
        return _form_page(context, resource, ids, form)
    form.applied = frozenset(request.form.getlist("apply")) & set(form.items)
    if not form.applied:
        form.form_errors.append(_("Tick at least one field."))
        return _form_page(context, resource, ids, form), 422
    context, done = once(context, form.nonce.data or "")
    loaded = form.load(resource.schema_for(partial=True), form.patch(request.form), only=form.applied)
    if loaded is None:
        return _form_page(context, resource, ids, form), 422
    if not done:
        rows = list(find_rows(context, resource, "id", ids).values())
        drafts = plan_rows(context, resource, [(row, loaded) for row in rows])
        wrong = [draft for draft in drafts if draft.errors]
        if wrong:
            return _form_page(context, resource, ids, form, wrong), 422
        write_rows(context, resource, drafts)
        changed = sum(1 for draft in drafts if draft.changes)
        toast(
            ngettext("%(things)s was changed", "%(things)s were changed", changed, things=counted(resource, changed)),
            undo_url=undo_url(context),
        )
    return go(list_url(resource))


def _form_page(
    context: Context, resource: Resource, ids: list[int], form: ResourceForm, wrong: list[Draft] | None = None
) -> str:
    title = _("Edit %(things)s", things=counted(resource, len(ids)))
    base = url_for(f"{resource.name}.index")
    shown = (wrong or [])[:SHOWN]
    names = names_of(context, resource, [draft["id"] for draft in shown])
    problems = [
        (
            names.get(draft["id"], ""),
            f"{base}/{draft['id']}",
            " ".join(m for found in draft.errors.values() for m in found),
        )
        for draft in shown
    ]
    verb = _("Change %(things)s", things=counted(resource, len(ids)))
    page = _page(context, resource, ids, title, form=form, problems=problems, verb=verb)
    return render_template("resource/bulk.html", **page)


def _delete(context: Context, resource: Resource, ids: list[int], apply: bool) -> ResponseReturnValue:
    rows, in_the_way = deletable(context, resource, ids)
    free = [row["id"] for row in rows]
    if not apply:
        title = _("Delete %(things)s", things=counted(resource, len(free)))
        links = [link for found in list(in_the_way.values())[:SHOWN] for link in blocker_links(found)]
        stay = ngettext("%(num)s stays: it is still in use.", "%(num)s stay: they are still in use.", len(in_the_way))
        page = _page(context, resource, free, title, verb=title)
        return render_template(
            "resource/confirm.html",
            **page,
            words=_("They go to the deleted ones and can be restored from there."),
            problem=stay if in_the_way else "",
            blockers=[] if free else links,
            in_dialog=False,
        )
    deleted = delete_rows(context, resource, rows)
    said = ngettext("%(things)s was deleted", "%(things)s were deleted", deleted, things=counted(resource, deleted))
    if in_the_way:
        said += ngettext(", %(num)s stays in use", ", %(num)s stay in use", len(in_the_way))
    toast(said, undo_url=undo_url(context))
    return go(list_url(resource))


def _act(context: Context, resource: Resource, action: Action, ids: list[int], apply: bool) -> ResponseReturnValue:
    form = action_form(context, action.schema, posted=request.form if apply else None)
    form.applied = frozenset(form.items)
    title = f"{action.label}: {counted(resource, len(ids))}"
    page = _page(context, resource, ids, title, form=form, verb=str(action.label), problems=[])
    if not apply:
        return render_template("resource/action.html", **page)
    context, done = once(context, form.nonce.data or "")
    loaded = None if done else form.load(action.schema(), form.patch(request.form))
    if done:
        return go(list_url(resource))
    status = 422
    if loaded is not None:
        try:
            action.rule(context, ids, loaded)
            said = _("%(act)s: done for %(things)s", act=action.label, things=counted(resource, len(ids)))
            toast(said, undo_url=undo_url(context))
            return go(list_url(resource))
        except Invalid as error:
            form.refuse(error)
        except Conflict as error:
            context.session.rollback()
            status = 409
            named = [label for label, _url in blocker_links(error.blockers)]
            form.form_errors.append(" ".join([error.message, *named]))
    return render_template("resource/action.html", **page), status
