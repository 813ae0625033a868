"""One row of an import in the page: its cells as inputs, its new fate at once; a page of its own without scripts."""

from typing import Any

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import Invalid
from webapp.core.resource import registry
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go
from webapp.imports import mending, presenting, presenting_rows, rules
from webapp.imports.models import FATES
from webapp.imports.standing import MENDABLE, get_row

MOST_TYPED = 200


def asked() -> dict[str, str]:
    """Return which rows are asked for: `fate` and `q`, as far as the address says it."""
    fate, q = request.args.get("fate", ""), request.args.get("q", "").strip()[:MOST_TYPED]
    return ({"fate": fate} if fate in FATES else {}) | ({"q": q} if q else {})


def row(context: Context, import_id: int, number: int) -> ResponseReturnValue:
    """Show a row's cells as inputs; POST puts what was typed into them."""
    imported = rules.get_import(context, import_id, write=True)
    if presenting.is_running(imported) or imported["state"] not in MENDABLE:
        return go(presenting_rows.rows_url(import_id, asked()))
    if request.method == "GET":
        return _answer(context, [number], opened=request.args.get("as") != "line")
    before = get_row(context, import_id, number)
    try:
        touched = mending.mend(context, import_id, number, _typed(before, len(imported["headers"])))
    except Invalid as error:
        context.session.rollback()
        messages = [message for found in error.errors.values() for message in found]
        return _answer(context, [number], opened=True, errors=messages)
    return _settled(context, touched)


def _typed(before: dict[str, Any], width: int) -> dict[int, Any]:
    """Return the cells that were changed; what looks as before stays what it was, a number a number."""
    old = {i: str(cell) for i, cell in enumerate(before["cells"])}
    form = {i: request.form[f"cell-{i}"] for i in range(width) if f"cell-{i}" in request.form}
    return {i: text for i, text in form.items() if text.replace("\r\n", "\n") != old.get(i, "").replace("\r\n", "\n")}


def skip(context: Context, import_id: int, number: int) -> ResponseReturnValue:
    """Leave a row out, or take it in again."""
    touched = mending.skip(context, import_id, number, skipped=request.form.get("skip", "1") == "1")
    return _settled(context, touched)


def _settled(context: Context, numbers: list[int]) -> ResponseReturnValue:
    """Answer what came of it: the lines anew, or the form again while the row is in error."""
    import_id = request.view_args["import_id"] if request.view_args else 0
    failed = get_row(context, import_id, numbers[0])["fate"] == "error"
    if "HX-Request" in request.headers or failed:
        return _answer(context, numbers, opened=failed)
    return go(presenting_rows.rows_url(import_id, asked()))


def _answer(
    context: Context, numbers: list[int], *, opened: bool, errors: list[str] | None = None
) -> ResponseReturnValue:
    """Draw rows anew where the page has them, with the tabs and the acts above them; or the one as a page.

    With `errors` nothing was written.
    """
    imported = rules.get_import(context, request.view_args["import_id"] if request.view_args else 0)
    resource, renderer, shown = tailor(context, registry.resources[imported["resource"]]), Renderer(context), asked()
    rows = [get_row(context, imported["id"], number) for number in numbers]
    cells, whole = presenting_rows.cells_of(resource, imported, rows[0])
    values = {
        "row": imported,
        "lines": presenting_rows.row_lines(renderer, resource, imported, rows, shown),
        "shown": shown,
        "opened": opened,
        "cells": cells,
        "errors": [*(errors or []), *whole],
        "skipped": rows[0]["is_skipped"],
        "skip_url": url_for("imports.skip", **{"import_id": imported["id"], "number": numbers[0], **shown}),
        "back_url": presenting_rows.rows_url(imported["id"], shown),
    }
    if "HX-Request" in request.headers:
        tabs = presenting_rows.fate_tabs(renderer, imported, shown)
        return render_template(
            "imports/_mended.html", **values, **presenting.acts_of(context, renderer, imported), tabs=tabs
        )
    crumbs = [(_("Imports"), url_for("imports.index")), (imported["filename"], values["back_url"])]
    title = _("Row %(number)s", number=renderer.number(numbers[0]))
    body = render_template("imports/row.html", **values, title=title, crumbs=[*crumbs, (title, None)])
    return make_response(body, 422 if errors else 200)
