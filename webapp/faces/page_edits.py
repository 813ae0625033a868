"""Pages that write one thing: create, edit, delete, restore, undo; nothing that was typed is ever lost."""

import json
from collections.abc import Mapping
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.core.activity import history as lines_of
from webapp.core.activity import plain
from webapp.core.blockers import Blocker, blockers
from webapp.core.context import Context
from webapp.core.errors import Conflict, DomainError, Invalid, NotFound, StaleVersion
from webapp.core.fields import LARGEST_ID
from webapp.core.query import get_row
from webapp.core.resource import Resource
from webapp.core.undo import undo_all
from webapp.core.writes import create as create_row
from webapp.core.writes import delete as delete_row
from webapp.core.writes import restore as restore_row
from webapp.core.writes import update as update_row
from webapp.faces.forms import ResourceForm, form_for, same, text_of
from webapp.faces.page_columns import label_of_field
from webapp.faces.page_details import found, renderer_for, reverting, title_of
from webapp.faces.page_lists import template_of
from webapp.faces.rendering import within_sentence
from webapp.faces.surface import forced, go, in_dialog, is_fragment, number_in, once, own_change, safe_next, toast

Row = Mapping[str, Any]
OWN_FIELDS = "own-fields"


def create(context: Context, resource: Resource) -> ResponseReturnValue:
    """Show the empty form, or make what was typed; the same form sent twice makes one."""
    if is_fragment(OWN_FIELDS):
        return _own_fields(context, resource, None)
    if request.method != "POST":
        original = number_in(request.args, "from")
        if original is None:
            return _form_page(resource, form_for(context, resource, initial=request.args))
        row = get_row(context, resource, original)
        said = _("A copy of %(name)s", name=" · ".join(filter(None, title_of(resource, row)[::-1])))
        return _form_page(resource, form_for(context, resource, initial=copied(resource, row)), note=said)
    form = form_for(context, resource, posted=request.form)
    context, done = once(context, form.nonce.data or "")
    if done:
        made = next((line["item_id"] for line in done if line["item_type"] == resource.table.name), None)
        return go(url_for(f"{resource.name}.detail", row_id=made) if made else url_for(f"{resource.name}.index"))
    loaded = form.load(resource.schema_for(), form.patch(request.form))
    if loaded is None:
        return _form_page(resource, form), 422
    try:
        row_id = create_row(context, resource, loaded)
    except Invalid as error:
        form.refuse(error)
        return _form_page(resource, form), 422
    row = get_row(context, resource, row_id)
    toast(_("%(name)s was created", name=title_of(resource, row)[0]))
    return go(url_for(f"{resource.name}.detail", row_id=row_id))


def copied(resource: Resource, row: Row) -> Row:
    """Return what a copy of a thing starts with: all but what is unique among its kind or numbered."""
    own = {rule.field for rule in resource.unique} | ({resource.numbering.column} if resource.numbering else set())
    return {name: row[name] for name in resource.writable if name not in own and row.get(name) is not None}


def edit(context: Context, resource: Resource, row_id: int) -> ResponseReturnValue:
    """Show the form of a thing, or change what was changed in it; the second of two editors sees both values."""
    row = get_row(context, resource, row_id)
    if is_fragment(OWN_FIELDS):
        return _own_fields(context, resource, row)
    if request.method != "POST":
        return _form_page(resource, form_for(context, resource, row=row), row)
    form = form_for(context, resource, row=row, posted=request.form)
    changed = form.changed() - {n for n in form.items if request.form.get(f"pick-{n}") == "theirs"}
    loaded = form.load(resource.schema_for(partial=True), form.patch(request.form), only=changed)
    if loaded is None:
        return _form_page(resource, form, row), 422
    version = request.form.get("version", row["version"], type=int)
    try:
        update_row(context, resource, row_id, loaded, version=version)
    except StaleVersion as stale:
        return _conflict_page(context, resource, form, stale.current), 412
    except Invalid as error:
        form.refuse(error)
        return _form_page(resource, form, row), 422
    after = get_row(context, resource, row_id)
    if after["version"] != row["version"]:
        toast(_("%(name)s was saved", name=title_of(resource, after)[0]), undo_url=undo_url(context))
    return go(url_for(f"{resource.name}.detail", row_id=row_id))


def _own_fields(context: Context, resource: Resource, row: Row | None) -> str:
    """Return the part of a form that another product changes, with what stands in it now."""
    form = form_for(context, resource, row=row, posted=request.args)
    form.also_drawn = json.dumps(form.own_texts)
    return render_template("resource/_own_fields.html", form=form)


def _form_page(
    resource: Resource,
    form: ResourceForm,
    row: Row | None = None,
    conflict: dict[str, Any] | None = None,
    *,
    note: str = "",
) -> str:
    base = url_for(f"{resource.name}.index")
    crumbs: list[tuple[str, str | None]] = [(str(resource.title), base)]
    if row is None:
        title, tag, back = _("New %(thing)s", thing=within_sentence(resource.singular)), "", base
        crumbs.append((title, None))
    else:
        name, tag = title_of(resource, row)
        title, back = _("Edit %(name)s", name=name), f"{base}/{row['id']}"
        crumbs += [(tag or name, back), (_("Edit"), None)]
    return render_template(
        template_of(resource, "form.html"),
        resource=resource,
        form=form,
        title=title,
        subtitle=tag or note,
        action=request.path,
        crumbs=crumbs,
        cancel_url=back,
        save_label=_("Create") if row is None else _("Save"),
        conflict=conflict,
    )


def _conflict_page(context: Context, resource: Resource, form: ResourceForm, theirs: Row) -> str:
    """Return the form again with mine kept, what only they changed taken over, and both where both changed."""
    mine, base = form.changed(), form.drawn_with()
    renderer = renderer_for(context, resource, theirs)
    fields = []
    for name, item, bound in form.face_fields():
        text = text_of(context, item, theirs.get(name))
        if same(text) == same(base.get(name)):
            continue
        both = name in mine and same(bound.data) != same(text)
        words = {str(value): label for value, label in getattr(bound, "choices", None) or ()}
        fields.append(
            {
                "name": name,
                "label": label_of_field(resource, name),
                "yours": words.get(str(bound.data), bound.data) or "—",
                "theirs": renderer.plain(resource, name, plain(theirs.get(name))) or "—",
                "both": both,
            }
        )
        if not both:
            bound.data = text
    form.rebase(theirs)
    last = next(iter(lines_of(context, resource, theirs["id"], limit=1)), None)
    who = last["actor_name"] if last else _("Somebody")
    said = _("%(who)s saved it at %(when)s.", who=who, when=renderer.time(theirs["updated_at"]))
    return _form_page(resource, form, theirs, {"said": said, "fields": fields})


def delete(context: Context, resource: Resource, row_id: int) -> ResponseReturnValue:
    """Ask before a thing is deleted, naming what is in the way, or delete it."""
    row = get_row(context, resource, row_id)
    if request.method != "POST":
        in_the_way = blockers(context, resource, [row_id]).get(row_id, [])
        return _confirm_page(resource, row, in_the_way)
    version = request.form.get("version", type=int)
    try:
        delete_row(context, resource, row_id, version=version)
    except Conflict as error:
        context.session.rollback()
        return _confirm_page(resource, row, error.blockers, error.message), 409
    except StaleVersion as stale:
        changed = _("Somebody changed it since you looked. Look again before you delete it.")
        return _confirm_page(resource, stale.current, [], changed), 412
    undo = url_for(f"{resource.name}.restore", row_id=row_id)
    toast(_("%(name)s was deleted", name=title_of(resource, row)[0]), undo_url=undo, undo_label=_("Restore"))
    return go(url_for(f"{resource.name}.index"))


def _confirm_page(resource: Resource, row: Row, in_the_way: list[Any], problem: str = "") -> str:
    name, tag = title_of(resource, row)
    base = url_for(f"{resource.name}.index")
    back = f"{base}/{row['id']}"
    crumbs = [(str(resource.title), base), (tag or name, back), (_("Delete"), None)]
    return render_template(
        "resource/confirm.html",
        title=_("Delete %(name)s", name=name),
        crumbs=crumbs,
        action=url_for(f"{resource.name}.delete", row_id=row["id"]),
        cancel_url=back,
        verb=_("Delete"),
        rows=[(f"{tag} · {name}" if tag else name, back)],
        more=0,
        words="" if in_the_way else _("It goes to the deleted ones and can be restored from there."),
        problem=problem or (_("It is still in use.") if in_the_way else ""),
        blockers=blocker_links(in_the_way),
        hidden=[("version", row["version"])],
        in_dialog=in_dialog(),
    )


def blocker_links(in_the_way: list[Any]) -> list[tuple[str, str | None]]:
    """Return (words, URL) of what refers to a thing: each leads to the list of exactly those."""
    links: list[tuple[str, str | None]] = []
    for item in in_the_way:
        if isinstance(item, Blocker):
            words = within_sentence(item.resource.singular if item.count == 1 else item.resource.title)
            shown = "list" in item.resource.pages and item.resource.menu is not None
            url = f"{url_for(f'{item.resource.name}.index')}?{item.parameter}={item.row_id}" if shown else None
            links.append((f"{item.count} {words}", url))
        else:
            links.append((str(item), None))
    return links


def restore(context: Context, resource: Resource, row_id: int) -> ResponseReturnValue:
    """Bring a deleted thing back."""
    found(context, resource, row_id)
    restore_row(forced(context), resource, row_id)
    row = get_row(context, resource, row_id)
    toast(_("%(name)s was restored", name=title_of(resource, row)[0]))
    return go(url_for(f"{resource.name}.detail", row_id=row_id))


def undo_url(context: Context) -> str:
    """Return where everything this request did can be taken back."""
    return url_for("changes.undo", change_set_id=context.change_set_id)


def undo_changes(context: Context, change_set_id: str) -> ResponseReturnValue:
    """Take back everything that one act of this user did, unless somebody has touched the same fields since."""
    own_change(context, change_set_id)
    report = undo_all(forced(context), change_set_id)
    said = ngettext(
        "%(num)s change was taken back", "%(num)s changes were taken back", report.restored + report.removed
    )
    if report.kept:
        kept = ngettext(
            "%(num)s stays, somebody has touched it since",
            "%(num)s stay, somebody has touched them since",
            len(report.kept),
        )
        said = f"{said}; {kept}"
    toast(said)
    return go(safe_next(request.form.get("next"), url_for("dashboard.index")))


def undo(context: Context, resource: Resource, row_id: int) -> ResponseReturnValue:
    """Take one line of a thing's history back, unless somebody has touched the same fields since."""
    row = get_row(context, resource, row_id)
    line_id = request.form.get("activity", type=int)
    known = line_id is not None and 0 < line_id < LARGEST_ID
    lines = lines_of(context, resource, row_id, before_id=(line_id or 0) + 1, limit=1) if known else []
    if not lines or lines[0]["id"] != line_id:
        raise NotFound("there is no such line in this history")
    patch = reverting(resource, row, lines[0])
    if patch is None:
        raise Conflict(_("Somebody has changed the same fields since."))
    try:
        loaded = resource.schema_for(partial=True).load(patch)
        update_row(forced(context), resource, row_id, loaded)
    except (DomainError, ValueError) as error:
        raise Conflict(_("This cannot be taken back: %(why)s", why=str(error))) from error
    after = get_row(context, resource, row_id)
    toast(_("The change of %(name)s was undone", name=title_of(resource, after)[0]))
    return go(url_for(f"{resource.name}.detail", row_id=row_id))
