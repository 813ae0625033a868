"""A verb on one thing: its form in a dialog over the thing's page, a page of its own without scripts."""

from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.core.activity import change_set
from webapp.core.context import Context
from webapp.core.errors import Conflict, Invalid
from webapp.core.query import get_row
from webapp.core.resource import Action, Resource
from webapp.faces.forms import ResourceForm, action_form
from webapp.faces.page_details import title_of
from webapp.faces.page_edits import blocker_links, undo_url
from webapp.faces.surface import go, in_dialog, once, toast

Row = Mapping[str, Any]


def act(context: Context, resource: Resource, row_id: int, action: Action) -> ResponseReturnValue:
    """Show the form of an act, or do it; the same form sent twice does it once."""
    row = get_row(context, resource, row_id)
    if request.method != "POST":
        return _form_page(context, resource, row, action, action_form(context, action.schema, action=action, row=row))
    form = action_form(context, action.schema, action=action, row=row, posted=request.form)
    context, done = once(context, form.nonce.data or "")
    if done:
        return go(url_for(f"{resource.name}.detail", row_id=row_id))
    loaded = form.load(action.schema(), form.patch(request.form))
    if loaded is None:
        return _form_page(context, resource, row, action, form), 422
    try:
        after = action.rule(context, [row_id], loaded)
    except Invalid as error:
        form.refuse(error)
        return _form_page(context, resource, row, action, form), 422
    except Conflict as error:
        context.session.rollback()
        return _form_page(context, resource, row, action, form, error), 409
    shown = after if isinstance(after, int) else row_id
    name = title_of(resource, row)[0]
    said = str(action.done) % {"name": name} if action.done else f"{action.label}: {name}"
    has_changed = change_set(context, context.change_set_id, limit=1)  # a run of an export, say, changes nothing
    toast(said, undo_url=undo_url(context) if has_changed else None)
    return go(url_for(f"{resource.name}.detail", row_id=shown))


def _form_page(
    context: Context, resource: Resource, row: Row, action: Action, form: ResourceForm, conflict: Conflict | None = None
) -> str:
    name, tag = title_of(resource, row)
    base = url_for(f"{resource.name}.index")
    back = f"{base}/{row['id']}"
    return render_template(
        "resource/act.html",
        title=f"{action.label}: {name}",
        crumbs=[(str(resource.title), base), (tag or name, back), (str(action.label), None)],
        form=form,
        words=action.words,
        problem=conflict.message if conflict else "",
        blockers=blocker_links(conflict.blockers) if conflict else [],
        action=request.path,
        cancel_url=back,
        verb=str(action.verb or action.label),
        touched=blocker_links(action.touches(context, row) or []) if conflict is None else [],
        danger=action.danger,
        in_dialog=in_dialog(),
    )
