"""The pages of imports: the list with the upload, and one import on its way from columns to done."""

import csv
import io
from collections.abc import Iterator
from typing import Any, BinaryIO, cast

from flask import Blueprint, Response, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.core.context import Context, make_context
from webapp.core.custom import tailor
from webapp.core.errors import Invalid
from webapp.core.resource import registry
from webapp.core.tenancy import new_session
from webapp.faces.export import neutralize, streamed_csv
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go, is_fragment, page, toast
from webapp.imports import presenting, rules
from webapp.imports.targets import TARGETS, targets_of

blueprint = Blueprint("imports", __name__, url_prefix="/imports")
PER_PAGE = 50
ERROR_PAGE = 1_000


def index(context: Context) -> ResponseReturnValue:
    """Show what is running, the upload and earlier imports; POST takes a file in."""
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        sent = request.files.get("file")
        try:
            if sent is None or not sent.filename:
                raise Invalid({"file": [_("Choose a file.")]})
            import_id = rules.upload(
                context, request.form.get("resource", "assets"), cast(BinaryIO, sent.stream), sent.filename
            )
            return go(url_for("imports.detail", import_id=import_id))
        except Invalid as error:
            context.session.rollback()
            errors = error.errors
    number = _page_number()
    rows, total = rules.list_imports(context, page=number, per_page=PER_PAGE)
    renderer = Renderer(context)
    running = [row for row in rows if presenting.is_running(row)]
    body = render_template(
        "imports/index.html",
        crumbs=[(_("Imports"), None)],
        jobs=[presenting.job_of(renderer, row, stoppable=presenting.may_write(context, row)) for row in running],
        rows=[presenting.list_line(context, renderer, row) for row in rows if row not in running],
        errors=[message for found in errors.values() for message in found],
        resources=[(name, registry.resources[name].title) for name in TARGETS],
        may_write="imports:write" in context.actor.permissions,
        foot=_foot(renderer, number, len(rows), total, url_for("imports.index"), {}),
    )
    return make_response(body, 422 if errors else 200)


def detail(context: Context, import_id: int) -> ResponseReturnValue:
    """Show one import: its columns, what is missing, and the fate of its rows."""
    row = rules.get_import(context, import_id)
    return _detail(context, row)


def _detail(context: Context, row: dict[str, Any], errors: list[str] | None = None) -> str:
    renderer, resource = Renderer(context), tailor(context, registry.resources[row["resource"]])
    targets = targets_of(resource)
    fate = request.args.get("fate") if request.args.get("fate") in presenting.FATES else None
    number, counts = _page_number(), row["counts"]
    total = counts.get(fate, 0) if fate else sum(counts.get(name, 0) for name in presenting.FATES)
    rows = rules.list_rows(context, row["id"], fate=fate, page=number, per_page=PER_PAGE) if total else []
    base = url_for("imports.detail", import_id=row["id"])
    values = {
        "row": row,
        "lines": presenting.row_lines(renderer, resource, rows),
        "foot": _foot(renderer, number, len(rows), total, base, {"fate": fate} if fate else {}),
        "singular": resource.singular,
    }
    if is_fragment("import-rows"):
        return render_template("imports/_rows.html", **values)
    editable = row["state"] in {"uploaded", "checked", "failed"} and presenting.may_write(context, row)
    changing = sum(counts.get(name, 0) for name in ("create", "update"))
    lines = presenting.column_lines(resource, row)
    return render_template(
        "imports/detail.html",
        **values,
        crumbs=[(_("Imports"), url_for("imports.index")), (row["filename"], None)],
        steps=[str(step) for step in presenting.STEPS],
        step=presenting.STEP_OF.get(row["state"], 5 if row["state"] in {"applied", "undone"} else 4),
        state=presenting.STATES[row["state"]],
        into=resource.title,
        total=renderer.number(row["total"]),
        outcome=presenting.outcome(renderer, row),
        job=presenting.job_of(renderer, row, stoppable=True) if presenting.is_running(row) else None,
        columns=lines,
        mapped=sum(1 for line in lines if line.target),
        targets=[(name, target.label) for name, target in targets.items()],
        keys=[(name, target.label) for name, target in targets.items() if target.key],
        missing=presenting.missing_lines(context, row),
        tabs=presenting.fate_tabs(renderer, row, fate),
        changing=ngettext("Apply %(count)s row", "Apply %(count)s rows", changing, count=renderer.number(changing)),
        can_apply=row["state"] == "checked" and changing > 0,
        editable=editable,
        may_write=presenting.may_write(context, row),
        errors=errors or [],
        kept=[_kept_line(context, item) for item in row["kept"]],
    )


def _kept_line(context: Context, item: dict[str, Any]) -> dict[str, Any]:
    known = registry.by_table(item["item_type"])
    resource = tailor(context, known) if known else None
    url = url_for(f"{resource.name}.detail", row_id=item["item_id"]) if resource and "get" in resource.pages else None
    words = [presenting.label_of(resource, name) if resource else name for name in item["fields"]]
    return {"name": item["name"], "url": url, "reason": item["reason"], "fields": ", ".join(words)}


def _page_number() -> int:
    text = request.args.get("page", "1")
    return min(int(text), 100_000) if text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) else 1


def _foot(
    renderer: Renderer, number: int, shown: int, total: int, base: str, state: dict[str, str]
) -> dict[str, str | None]:
    """Return the foot of a paged table: its range and where to go on."""
    first = (number - 1) * PER_PAGE + 1

    def url(page_number: int) -> str:
        query = "&".join(f"{name}={value}" for name, value in {**state, "page": str(page_number)}.items())
        return f"{base}?{query}"

    words = _(
        "%(first)s–%(last)s of %(total)s",
        first=renderer.number(first),
        last=renderer.number(first + shown - 1),
        total=renderer.number(total),
    )
    return {
        "range": words if shown else _("nothing"),
        "previous_url": url(number - 1) if number > 1 else None,
        "next_url": url(number + 1) if first + shown - 1 < total else None,
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
    mapping, options = _posted(len(row["headers"]))
    try:
        rules.change(context, import_id, mapping, options)
    except Invalid as error:
        context.session.rollback()
        row = rules.get_import(context, import_id)
        row["columns"] = {str(index): field for index, field in mapping.items()}
        messages = [message for found in error.errors.values() for message in found]
        return make_response(_detail(context, row, messages), 422)
    return go(url_for("imports.detail", import_id=import_id))


def _posted(width: int) -> tuple[dict[int, str | None], dict[str, Any]]:
    """Return the mapping and the options of the form."""
    form = request.form
    mapping = {i: form[f"column-{i}"] or None for i in range(width) if f"column-{i}" in form}
    options: dict[str, Any] = {
        "create": form.getlist("create"),
        "match": form.get("match") or None,
        "blanks": form.get("blanks", "keep"),
    }
    for name in ("dates", "decimals"):
        options[name] = {str(i): form[f"{name}-{i}"] for i in range(width) if form.get(f"{name}-{i}")}
    return mapping, options


def apply(context: Context, import_id: int) -> ResponseReturnValue:
    """Start to write the rows."""
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


def errors(context: Context, import_id: int) -> ResponseReturnValue:
    """Send the rows in error as CSV: the file's own columns, then what is wrong; mended, it can be uploaded again."""
    row = rules.get_import(context, import_id)
    return streamed_csv(_error_blocks(context, row), f"errors-{import_id}.csv")


def _error_blocks(context: Context, row: dict[str, Any]) -> Iterator[bytes]:
    buffer = io.StringIO(newline="")
    writer, resource = csv.writer(buffer), tailor(context, registry.resources[row["resource"]])
    writer.writerow([neutralize(header) for header in (*row["headers"], _("Row"), _("Problem"))])
    yield b"\xef\xbb\xbf"
    scope, number = context.actor.scope_location_id, 1
    with new_session(context.organization_id, write=False, scope_location_id=scope) as session:
        own = make_context(session, context.tenant, context.actor, at=context.at)
        while found := rules.list_rows(own, row["id"], fate="error", page=number, per_page=ERROR_PAGE):
            for item in found:
                cells = [neutralize(str(cell)) for cell in item["cells"]]
                cells += [""] * (len(row["headers"]) - len(cells))
                problem = " ".join(presenting.error_sentences(resource, item["errors"]))
                writer.writerow([*cells[: len(row["headers"])], item["number"], neutralize(problem)])
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
            number += 1
    yield buffer.getvalue().encode()


READ, WRITE = rules.READ, rules.WRITE
for rule, endpoint, view, permission, methods in (
    ("", "index", index, READ, ["GET", "POST"]),
    ("/<int:import_id>", "detail", detail, READ, ["GET"]),
    ("/<int:import_id>/progress", "progress", progress, READ, ["GET"]),
    ("/<int:import_id>/errors.csv", "errors", errors, READ, ["GET"]),
    ("/<int:import_id>/columns", "columns", columns, WRITE, ["POST"]),
    ("/<int:import_id>/apply", "apply", apply, WRITE, ["POST"]),
    ("/<int:import_id>/undo", "undo", undo, WRITE, ["POST"]),
    ("/<int:import_id>/stop", "stop", stop, WRITE, ["POST"]),
    ("/<int:import_id>/discard", "discard", discard, WRITE, ["POST"]),
):
    blueprint.add_url_rule(rule, endpoint, page(view, permission), methods=methods)
