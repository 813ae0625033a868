"""The pages of archives: those made of this organization, and a new organization from one."""

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from webapp.accounts.setting_frame import confirm_page, settings_page
from webapp.archives import rules
from webapp.archives.incoming import Refused
from webapp.archives.models import IN, OUT
from webapp.core.context import Context
from webapp.core.errors import Conflict, DomainError, Forbidden
from webapp.core.files import CHUNK
from webapp.core.jobs import job_title
from webapp.faces.navigation import ROLE_NAMES, SETTINGS, Link, add_link
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go, job_card, page, toast

blueprint = Blueprint("archives", __name__, url_prefix="/archives")
STATES = {
    "working": (_l("At work"), "loader-2", "blue"),
    "ready": (_l("Ready"), "circle-check", "green"),
    "failed": (_l("Failed"), "alert-circle", "red"),
    "removed": (_l("Thrown away"), "trash", "gray"),
}
MEGABYTE, KILOBYTE = 1_000_000, 1_000


def index(context: Context) -> ResponseReturnValue:
    """Show the archives of this organization; POST has another one made."""
    if request.method == "POST":
        try:
            rules.make(context)
        except Conflict as error:
            context.session.rollback()
            toast(error.message)
        return go(url_for("archives.index"))
    renderer, rows = Renderer(context), rules.list_archives(context)
    made = [row for row in rows if row["direction"] == OUT]
    origin = next((row for row in rows if row["made_guid"] == context.tenant.guid), None)
    return settings_page(
        "archives/index.html",
        _("Archive"),
        jobs=[_card(renderer, row) for row in made if row["state"] == "working"],
        rows=[_line(renderer, row) for row in made if row["state"] != "working"],
        origin=_origin(renderer, origin) if origin else None,
    )


def _card(renderer: Renderer, row: dict[str, Any]) -> dict[str, Any]:
    job = row["job"]
    words = {"title": f"{job_title(job['kind'])}: {row['filename']}", "icon": "archive"}
    return job_card(job, renderer, poll_url=url_for("archives.progress", row_id=row["id"]), **words)


def _line(renderer: Renderer, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"],
        "filename": row["filename"],
        "words": ", ".join(_words(renderer, row)),
        "state": STATES[row["state"]],
        "message": row["message"] if row["state"] == "failed" else "",
        "is_ready": row["state"] == "ready" and bool(row["file_key"]),
        "name": row["made_name"],
        "slug": row["made_slug"] if row["state"] == "ready" else None,
    }


def _words(renderer: Renderer, row: dict[str, Any]) -> Iterator[str]:
    """Yield what is said of an archive: when, by whom, how much, until when."""
    yield renderer.moment(row["created_at"])
    yield row["created_by_name"]
    if row["counts"]:
        rows = sum(row["counts"].values())
        yield ngettext("%(rows)s row", "%(rows)s rows", rows, rows=renderer.number(rows))
    if row["file_key"] and row["state"] == "ready":
        yield _size(renderer, row["file_size"])
        yield _("to be fetched until %(when)s", when=renderer.moment(row["finished_at"] + rules.KEPT))


def _size(renderer: Renderer, size: int) -> str:
    """Return a number of bytes in words of a reader."""
    if size < MEGABYTE:
        return _("%(size)s kB", size=renderer.number(-(-size // KILOBYTE)))
    return _("%(size)s MB", size=renderer.number(-(-size // MEGABYTE)))


def _origin(renderer: Renderer, row: dict[str, Any]) -> dict[str, Any]:
    """Return where the organization came from, and who had access there."""
    members = [{**member, "role": ROLE_NAMES.get(member["role"], member["role"])} for member in row["members"]]
    rows = renderer.number(sum(row["counts"].values()))
    when = renderer.moment(row["created_at"])
    words = _("It came out of %(file)s on %(when)s, %(rows)s rows.", file=row["filename"], when=when, rows=rows)
    return {"name": row["made_name"], "words": words, "note": row["message"], "members": members}


def progress(context: Context, row_id: int) -> ResponseReturnValue:
    """Answer the polling job card; when the job has ended the page is drawn anew."""
    row = rules.get_archive(context, row_id)
    if row["state"] != "working" or row["job"] is None:
        return Response(headers={"HX-Refresh": "true"})
    card = _card(Renderer(context), row)
    fragment = "HX-Request" in request.headers
    return render_template("resource/job.html", job=card, crumbs=[(card["title"], None)], fragment=fragment)


def download(context: Context, row_id: int) -> ResponseReturnValue:
    """Send an archive as a file to save."""
    row, file = rules.open_file(context, row_id)
    response = Response(_blocks(file), mimetype="application/zip")
    response.content_length = row["file_size"]
    response.headers.set("Content-Disposition", "attachment", filename=row["filename"])
    return response


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while block := file.read(CHUNK):
            yield block


def remove(context: Context, row_id: int) -> ResponseReturnValue:
    """Ask before an archive is thrown away, or do it."""
    row = rules.get_archive(context, row_id)
    if request.method == "POST":
        rules.remove(context, row_id)
        toast(_("%(file)s was thrown away", file=row["filename"]))
        return go(url_for("archives.index"))
    words = _("The file goes; the organisation stays as it is. You can make another one.")
    return confirm_page(_("Throw %(file)s away", file=row["filename"]), _("Throw away"), "archives.index", words)


def bring_in(context: Context) -> ResponseReturnValue:
    """Take an archive, of which a new organization is made; show what became of earlier ones."""
    error = ""
    if request.method == "POST":
        sent = request.files.get("file")
        try:
            if sent is None or not sent.filename:
                raise Refused(_("Choose a file."))
            rules.upload(context, cast(BinaryIO, sent.stream), sent.filename, request.form.get("name", ""))
            return go(url_for("archives.bring_in"))
        except Forbidden:
            raise
        except DomainError as refused:
            context.session.rollback()
            error = refused.message
    renderer = Renderer(context)
    rows = [row for row in rules.list_archives(context) if row["direction"] == IN]
    rows = [row for row in rows if row["made_guid"] != context.tenant.guid]
    body = render_template(
        "archives/bring_in.html",
        crumbs=[(_("Organisations"), url_for("accounts.organizations")), (_("From an archive"), None)],
        jobs=[_card(renderer, row) for row in rows if row["state"] == "working" and row["job"]],
        rows=[_line(renderer, row) for row in rows if row["state"] != "working"],
        error=error,
        name=request.form.get("name", ""),
    )
    return make_response(body, 422 if error else 200)


for rule, endpoint, view, methods in (
    ("", "index", index, ["GET", "POST"]),
    ("/<int:row_id>/progress", "progress", progress, ["GET"]),
    ("/<int:row_id>/download", "download", download, ["GET"]),
    ("/<int:row_id>/remove", "remove", remove, ["GET", "POST"]),
    ("/bring-in", "bring_in", bring_in, ["GET", "POST"]),
):
    blueprint.add_url_rule(rule, endpoint, page(view, rules.WRITE), methods=methods)
add_link(
    Link(
        endpoint="archives.index",
        label=_l("Archive"),
        icon="archive",
        group=SETTINGS,
        permission=rules.WRITE,
        order=60,
        act=_l("Make an archive of the organisation"),
        act_permission=rules.WRITE,
    )
)
