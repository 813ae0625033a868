"""What the generic pages cannot do for exports: progress, files, long workbooks, and the way here from every list."""

import uuid
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from marshmallow import ValidationError

from webapp.core.access import can, require
from webapp.core.context import Context
from webapp.core.errors import BadRequest, TooLarge
from webapp.core.files import store
from webapp.core.query import get_row
from webapp.core.resource import Resource, registry
from webapp.core.writes import create
from webapp.faces.export import AT_ONCE, TYPES, drain, offer, when_long
from webapp.faces.page_edits import create as create_page
from webapp.faces.page_edits import edit as edit_page
from webapp.faces.rendering import Renderer, within_sentence
from webapp.faces.surface import go, number_in, once, page
from webapp.reports import rules
from webapp.reports.asking import kept_query
from webapp.reports.presenting import card_of, list_words
from webapp.reports.resources import EXPORTS, LISTS

blueprint = Blueprint("exports", __name__, url_prefix="/exports")


@offer
def schedule_way(context: Context, resource: Resource, query: str, fields: str) -> list[dict[str, Any]]:
    """Return the way from a list to an export that is made again and again: the form, filled with the list."""
    if resource.name not in LISTS or not can(context.actor, EXPORTS.write_permission):
        return []
    filled = {"resource": resource.name, "query": kept_query(query)[0] or "", "name": str(resource.title)}
    pairs = [*filled.items(), *(("fields", name) for name in fields.split(","))]
    url = f"{url_for('exports.create')}?{urlencode([*pairs, ('schedule', 'weekly'), ('weekday', 'monday')])}"
    return [{"label": _("Schedule…"), "url": url, "icon": "calendar-repeat"}]


@when_long
def long_workbook(context: Context, resource: Resource, query: str) -> Response:
    """Send whoever asks for a long workbook to where it is made; raises TooLarge for who may not have exports made."""
    if resource.name not in LISTS or not can(context.actor, EXPORTS.read_permission):
        words = _("A workbook of more than %(count)s rows is too long. Take CSV, or narrow the list.", count=AT_ONCE)
        raise TooLarge(words)
    return go(url_for("exports.large", resource=resource.name, query=query))


def new(context: Context) -> ResponseReturnValue:
    """Show the form of an export with its list in words, or make what was typed."""
    values = request.form if request.method == "POST" else request.args
    g.list_words = list_words(context, values.get("resource", ""), values.get("query"), values.getlist("fields"))
    return create_page(context, EXPORTS)


def change(context: Context, row_id: int) -> ResponseReturnValue:
    """Show the form of an export that is there with its list in words, or change it."""
    row = get_row(context, EXPORTS, row_id)
    g.list_words = list_words(context, row["resource"], row["query"], row["fields"])
    return edit_page(context, EXPORTS, row_id)


def large(context: Context) -> ResponseReturnValue:
    """Say why a workbook takes its time; POST has it made and leads to its progress."""
    values = request.form if request.method == "POST" else request.args
    resource = registry.resources.get(values.get("resource", ""))
    if resource is None or resource.name not in LISTS or f"{resource.name}.index" not in current_app.view_functions:
        return go(url_for("exports.index"))
    require(context.actor, resource.read_permission)
    try:
        query, fields = kept_query(values.get("query"))
    except ValueError:
        raise BadRequest(_("This is not what stands behind the ? of a list's address.")) from None
    if request.method == "POST":
        context, done = once(context, request.form.get("nonce", ""))
        made = next((line["item_id"] for line in done if line["item_type"] == EXPORTS.table.name), None)
        return go(url_for("exports.detail", row_id=made or _make_workbook(context, resource, query, fields)))
    words = _("%(things)s, as shown", things=resource.title)
    return render_template(
        "exports/large.html",
        title=words,
        crumbs=[(str(resource.title), url_for(f"{resource.name}.index")), (_("Excel workbook"), None)],
        count=Renderer(context).number(AT_ONCE),
        things=within_sentence(resource.title),
        words=list_words(context, resource.name, query, fields),
        hidden=[("resource", resource.name), ("query", values.get("query", "")), ("nonce", uuid.uuid4().hex)],
        action=url_for("exports.large"),
        back=f"{url_for(f'{resource.name}.index')}?{query or ''}",
    )


def _make_workbook(context: Context, resource: Resource, query: str | None, fields: list[str]) -> int:
    name = f"{resource.title}, {context.today.isoformat()}"
    wanted = {"name": name, "resource": resource.name, "format": "xlsx", "query": query, "fields": fields}
    try:
        loaded = EXPORTS.schema_for().load(wanted)
    except ValidationError as error:
        raise BadRequest(str(error)) from error
    return create(context, EXPORTS, loaded)


def progress(context: Context, row_id: int) -> ResponseReturnValue:
    """Answer the polling job card; when the job has ended the page is drawn anew."""
    card = card_of(context, get_row(context, EXPORTS, row_id))
    if "HX-Request" not in request.headers:
        return go(url_for("exports.detail", row_id=row_id))
    if card is None:
        return Response(status=204, headers={"HX-Refresh": "true"})
    return render_template("exports/_job.html", job=card)


def file(context: Context, row_id: int) -> ResponseReturnValue:
    """Send the file of a run, the newest one by default."""
    return file_response(context, rules.file_of(context, row_id, number_in(request.args, "run")))


def file_response(context: Context, run: dict[str, Any]) -> Response:
    """Return a run's file to save: never opened in the browser, whatever stands in it."""
    kind = TYPES[str(run["filename"]).rpartition(".")[2]]
    stored = store().open(run["file_key"], context.organization_id)
    response = Response(drain(stored), mimetype=kind)
    response.content_length = run["bytes"]
    response.headers.set("Content-Disposition", "attachment", filename=run["filename"])
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.call_on_close(stored.close)
    return response


ROW = "/<int(max=9223372036854775807):row_id>"
for rule, endpoint, view, permission, methods in (
    ("/new", "create", new, rules.WRITE, ["GET", "POST"]),
    (f"{ROW}/edit", "edit", change, rules.WRITE, ["GET", "POST"]),
    (f"{ROW}/progress", "progress", progress, rules.READ, ["GET"]),
    (f"{ROW}/file", "file", file, rules.READ, ["GET"]),
    ("/large", "large", large, rules.READ, ["GET", "POST"]),
):
    blueprint.add_url_rule(rule, endpoint, page(view, permission), methods=methods)
