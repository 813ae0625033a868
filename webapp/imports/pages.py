"""The pages of imports: the list with the upload, and one import on its way from columns to done."""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import Invalid
from webapp.core.resource import Resource, registry
from webapp.faces.export import offer
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go, is_fragment, page, toast
from webapp.imports import mapping_pages, mappings, presenting, presenting_rows, row_pages, rules
from webapp.imports.downloads import kept_file, rows_file
from webapp.imports.standing import EDITABLE, HIGHEST, KEPT_FOR, list_kept, total_rows
from webapp.imports.targets import importable, match_keys, targets_of

blueprint = Blueprint("imports", __name__, url_prefix="/imports")
PER_PAGE = 50
FORMATS = "<any(csv, xlsx):format>"
ONE, MAPPING = (f"<int(max={2**63 - 1}):{name}>" for name in ("import_id", "mapping_id"))
ROW = f"<int(max={HIGHEST}):number>"


@offer
def way_in(context: Context, resource: Resource, _query: str, _fields: str) -> list[dict[str, Any]]:
    """Return the way from a list to the import of its kind."""
    allowed = can(context.actor, rules.WRITE) and can(context.actor, resource.write_permission)
    if not allowed or resource.name not in {known.name for known in importable()}:
        return []
    url = url_for("imports.index", resource=resource.name)
    return [{"label": _("Import a spreadsheet"), "url": url, "icon": "file-import"}]


def index(context: Context) -> ResponseReturnValue:
    """Show what is running, the upload and earlier imports; POST takes a file in."""
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        sent = request.files.get("file")
        try:
            if sent is None or not sent.filename:
                raise Invalid({"file": [_("Choose a file.")]})
            import_id = rules.upload(
                context,
                request.form.get("resource") or rules.AUTO,
                cast(BinaryIO, sent.stream),
                sent.filename,
                mapping=request.form.get("mapping") or None,
            )
            return go(url_for("imports.detail", import_id=import_id))
        except Invalid as error:
            context.session.rollback()
            errors = error.errors
    number = page_number()
    rows, total = rules.list_imports(context, page=number, per_page=PER_PAGE)
    renderer = Renderer(context)
    running = [row for row in rows if presenting.is_running(row)]
    writable = [known for known in importable() if can(context.actor, known.write_permission)]
    body = render_template(
        "imports/index.html",
        crumbs=[(_("Imports"), None)],
        jobs=[presenting.job_of(renderer, row, stoppable=presenting.may_write(context, row)) for row in running],
        rows=[presenting.list_line(context, renderer, row) for row in rows if row not in running],
        errors=[message for found in errors.values() for message in found],
        resources=[(known.name, known.title) for known in writable],
        chosen=request.form.get("resource") or request.args.get("resource", ""),
        mappings=mappings.list_mappings(context),
        may_write=can(context.actor, rules.WRITE),
        foot=foot(renderer, number, len(rows), total, url_for("imports.index")),
    )
    return make_response(body, 422 if errors else 200)


def detail(context: Context, import_id: int) -> ResponseReturnValue:
    """Show one import: its columns, what is missing, and the fate of its rows."""
    return _detail(context, rules.get_import(context, import_id))


def _detail(context: Context, row: dict[str, Any], errors: list[str] | None = None) -> str:
    renderer, resource = Renderer(context), tailor(context, registry.resources[row["resource"]])
    number, shown = page_number(), row_pages.asked()
    fate, q = shown.get("fate"), shown.get("q", "")
    counts = row["counts"]
    counted = counts.get(fate, 0) if fate else sum(counts.get(name, 0) for name in presenting.FATES)
    total = total_rows(context, row["id"], fate=fate, q=q) if q else counted
    rows = rules.list_rows(context, row["id"], fate=fate, q=q, page=number, per_page=PER_PAGE) if total else []
    values = {
        "row": row,
        "lines": presenting_rows.row_lines(renderer, resource, row, rows, shown),
        "foot": foot(renderer, number, len(rows), total, presenting_rows.rows_url(row["id"], shown)),
        "singular": resource.singular,
        "tabs": presenting_rows.fate_tabs(renderer, row, shown),
        "downloads": presenting_rows.downloads(row, shown) if total else [],
        "shown": shown,
    }
    if is_fragment("import-rows"):
        return render_template("imports/_rows.html", swapped=True, **values)
    targets, lines = targets_of(resource), presenting.column_lines(resource, row)
    return render_template(
        "imports/detail.html",
        **values,
        **_standing(context, renderer, row),
        **presenting.acts_of(context, renderer, row),
        crumbs=[(_("Imports"), url_for("imports.index")), (row["filename"], None)],
        into=resource.title,
        columns=lines,
        mapped=sum(1 for line in lines if line.target),
        targets=[(name, target.label) for name, target in targets.items()],
        keys=[(name, presenting.label_of(resource, name)) for name in match_keys(resource)],
        missing=presenting.missing_lines(context, row),
        source=presenting.source_words(row),
        reading=presenting.reading_choices(row),
        mappings=mappings.list_mappings(context, resource.name),
        mapping=next((m for m in mappings.list_mappings(context, resource.name) if m["id"] == row["mapping_id"]), None),
        editable=row["state"] in EDITABLE and presenting.may_write(context, row),
        errors=errors or [],
    )


def _standing(context: Context, renderer: Renderer, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return how far an import is, and what came of it."""
    until = row["applied_at"] + KEPT_FOR if row["applied_at"] else None
    return {
        "steps": [str(step) for step in presenting.STEPS],
        "step": presenting.STEP_OF.get(row["state"], 5 if row["state"] in {"applied", "undone"} else 4),
        "state": presenting.STATES[row["state"]],
        "total": renderer.number(row["total"]),
        "outcome": presenting.outcome(renderer, row),
        "job": presenting.job_of(renderer, row, stoppable=True) if presenting.is_running(row) else None,
        "until": renderer.moment(until) if until and presenting.can_undo(context, dict(row)) else "",
        "kept": presenting.kept_lines(context, row["kept"]),
        "kept_more": row["counts"].get("kept", 0) > len(row["kept"]),
    }


def page_number() -> int:
    """Return the page that is asked for, 1 when it is none."""
    text = request.args.get("page", "1")
    return min(int(text), 100_000) if text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) else 1


def foot(renderer: Renderer, number: int, shown: int, total: int, base: str) -> dict[str, str | None]:
    """Return the foot of a paged table: its range and where to go on."""
    first, joint = (number - 1) * PER_PAGE + 1, "&" if "?" in base else "?"
    words = _(
        "%(first)s–%(last)s of %(total)s",
        first=renderer.number(first),
        last=renderer.number(first + shown - 1),
        total=renderer.number(total),
    )
    return {
        "range": words if shown else _("nothing"),
        "previous_url": f"{base}{joint}page={number - 1}" if number > 1 else None,
        "next_url": f"{base}{joint}page={number + 1}" if first + shown - 1 < total else None,
    }


def progress(context: Context, import_id: int) -> ResponseReturnValue:
    """Answer the polling job card; when the job has ended the page is drawn anew."""
    row = rules.get_import(context, import_id)
    if not presenting.is_running(row):
        return Response(status=204, headers={"HX-Refresh": "true"})
    job = presenting.job_of(Renderer(context), row, stoppable=presenting.may_write(context, row))
    return render_template("imports/_job.html", job=job)


def columns(context: Context, import_id: int) -> ResponseReturnValue:
    """Take the corrected columns and options, and check again."""
    row = rules.get_import(context, import_id, write=True)
    mapping, options = _posted(row)
    try:
        rules.change(context, import_id, mapping, options)
    except Invalid as error:
        context.session.rollback()
        row = rules.get_import(context, import_id)
        row["columns"] = {str(index): field for index, field in mapping.items()}
        return make_response(_detail(context, row, _messages(error)), 422)
    return go(url_for("imports.detail", import_id=import_id))


def _messages(error: Invalid) -> list[str]:
    return [message for found in error.errors.values() for message in found]


def _posted(row: Mapping[str, Any]) -> tuple[dict[int, str | None], dict[str, Any]]:
    """Return the mapping and the options of the form; a key that nobody chose is left to the columns."""
    form, width = request.form, len(row["headers"])
    mapping = {i: form[f"column-{i}"] or None for i in range(width) if f"column-{i}" in form}
    options: dict[str, Any] = {"create": form.getlist("create"), "blanks": form.get("blanks", "keep")}
    if form.get("match") or row["options"].get("match"):
        options["match"] = form.get("match") or None
    for name in ("dates", "decimals"):
        options[name] = {str(i): form[f"{name}-{i}"] for i in range(width) if form.get(f"{name}-{i}")}
    options |= {name: form[name] or None for name in ("encoding", "delimiter", "sheet") if name in form}
    return mapping, options


def use(context: Context, import_id: int) -> ResponseReturnValue:
    """Read the columns by a kept mapping, and check again."""
    try:
        rules.change(context, import_id, mapping=request.form.get("mapping", ""))
    except Invalid as error:
        context.session.rollback()
        return make_response(_detail(context, rules.get_import(context, import_id), _messages(error)), 422)
    return go(url_for("imports.detail", import_id=import_id))


def keep(context: Context, import_id: int) -> ResponseReturnValue:
    """Keep what the columns mean, under a name."""
    name = request.form.get("name", "")
    try:
        mappings.keep(context, import_id, name)
    except Invalid as error:
        context.session.rollback()
        return make_response(_detail(context, rules.get_import(context, import_id), _messages(error)), 422)
    toast(_("Files with these headings are read as “%(name)s” from now on", name=" ".join(name.split())))
    return go(url_for("imports.detail", import_id=import_id))


def apply(context: Context, import_id: int) -> ResponseReturnValue:
    """Start to write the rows that wait."""
    rules.apply(context, import_id)
    return go(url_for("imports.detail", import_id=import_id))


def undo(context: Context, import_id: int) -> ResponseReturnValue:
    """Start to take the import back."""
    rules.undo(context, import_id)
    return go(url_for("imports.detail", import_id=import_id))


def stop(context: Context, import_id: int) -> ResponseReturnValue:
    """Stop the job, and take back what it wrote."""
    rules.stop(context, import_id)
    return go(url_for("imports.detail", import_id=import_id))


def discard(context: Context, import_id: int) -> ResponseReturnValue:
    """Lay the import aside."""
    row = rules.get_import(context, import_id)
    rules.discard(context, import_id)
    toast(_("%(file)s was discarded", file=row["filename"]))
    return go(url_for("imports.index"))


def rows_as_file(context: Context, import_id: int, format: str) -> ResponseReturnValue:
    """Send the rows that are asked for: the file's own columns, then what becomes of each; it can be uploaded again."""
    shown = row_pages.asked()
    return rows_file(context, rules.get_import(context, import_id), format, shown.get("fate"), shown.get("q", ""))


def kept(context: Context, import_id: int) -> ResponseReturnValue:
    """Show all that the undo left as it is, and why."""
    row, number, renderer = rules.get_import(context, import_id), page_number(), Renderer(context)
    lines = list_kept(context, import_id, page=number, per_page=PER_PAGE)
    url, total = url_for("imports.detail", import_id=import_id), row["counts"].get("kept", 0)
    return render_template(
        "imports/kept.html",
        crumbs=[(_("Imports"), url_for("imports.index")), (row["filename"], url), (_("Kept"), None)],
        row=row,
        lines=presenting.kept_lines(context, lines),
        foot=foot(renderer, number, len(lines), total, url_for("imports.kept", import_id=import_id)),
    )


def kept_as_file(context: Context, import_id: int, format: str) -> ResponseReturnValue:
    """Send all that the undo left as it is."""
    return kept_file(context, rules.get_import(context, import_id), format)


READ, WRITE = rules.READ, rules.WRITE
for rule, endpoint, view, permission, methods in (
    ("", "index", index, READ, ["GET", "POST"]),
    (f"/{ONE}", "detail", detail, READ, ["GET"]),
    (f"/{ONE}/progress", "progress", progress, READ, ["GET"]),
    (f"/{ONE}/rows.{FORMATS}", "rows_file", rows_as_file, READ, ["GET"]),
    (f"/{ONE}/rows/{ROW}", "row", row_pages.row, WRITE, ["GET", "POST"]),
    (f"/{ONE}/rows/{ROW}/skip", "skip", row_pages.skip, WRITE, ["POST"]),
    (f"/{ONE}/kept", "kept", kept, READ, ["GET"]),
    (f"/{ONE}/kept.{FORMATS}", "kept_file", kept_as_file, READ, ["GET"]),
    (f"/{ONE}/columns", "columns", columns, WRITE, ["POST"]),
    (f"/{ONE}/use", "use", use, WRITE, ["POST"]),
    (f"/{ONE}/keep", "keep", keep, WRITE, ["POST"]),
    (f"/{ONE}/apply", "apply", apply, WRITE, ["POST"]),
    (f"/{ONE}/undo", "undo", undo, WRITE, ["POST"]),
    (f"/{ONE}/stop", "stop", stop, WRITE, ["POST"]),
    (f"/{ONE}/discard", "discard", discard, WRITE, ["POST"]),
    ("/mappings", "mappings", mapping_pages.index, READ, ["GET"]),
    (f"/mappings/{MAPPING}", "rename_mapping", mapping_pages.rename, WRITE, ["POST"]),
    (f"/mappings/{MAPPING}/delete", "delete_mapping", mapping_pages.delete, WRITE, ["POST"]),
):
    blueprint.add_url_rule(rule, endpoint, page(view, permission), methods=methods)
