"""Imports through the API: send a file, look at every row's fate, correct columns and rows, apply, undo."""

import hashlib
from collections.abc import Callable
from io import BufferedReader
from typing import Any, BinaryIO, cast

import orjson
from flask import Response, request
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint
from werkzeug.exceptions import UnsupportedMediaType

from webapp.core.access import require
from webapp.core.context import Context, current_context
from webapp.core.errors import Invalid
from webapp.core.parameters import PER_PAGE, PER_PAGE_LIMIT
from webapp.faces import openapi
from webapp.faces.api import answer, idempotent, json_body
from webapp.faces.problems import PREFIX
from webapp.faces.serialize import dump
from webapp.imports import mapping_api, mappings, mending, rules
from webapp.imports.schemas import (
    FATE,
    FILE,
    IMPORT,
    KEPT,
    MENDING,
    PAGING,
    PATCH,
    ROW,
    Q,
    list_of,
    plain_import,
    plain_kept,
    plain_row,
)
from webapp.imports.standing import get_row, list_kept, total_rows

blueprint = Blueprint("api_imports", __name__, url_prefix=f"{PREFIX}/imports")
mapping_api.serve(blueprint)


def _parts() -> bytes:
    """Return what two equal uploads have in common: their parts and the SHA-256 of files, not what parts them."""
    digest = hashlib.sha256()
    for name, value in sorted((name or "", value) for name, value in request.form.items(multi=True)):
        digest.update(orjson.dumps([name, value]))
    for name, file in sorted(request.files.items(multi=True), key=lambda pair: pair[0] or ""):
        content = hashlib.file_digest(cast(BufferedReader, file.stream), "sha256").hexdigest()
        file.stream.seek(0)
        digest.update(orjson.dumps([name, file.filename, content]))
    return digest.digest()


def _posted_options(text: str | None) -> dict[str, Any]:
    """Return the options of an upload, which are a part of JSON; raises Invalid."""
    try:
        found = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise Invalid({"options": [_("Send a JSON object.")]})
    return found


@blueprint.route("")
class Imports(MethodView):
    """All imports of the organization."""

    @openapi.document("imports", "List imports", list_of(IMPORT), errors=(422,), parameters=PAGING, envelope=False)
    def get(self) -> Response:
        """Answer with a page of imports, the newest first."""
        page, per_page = _paging()
        context = current_context()
        rows, total = rules.list_imports(context, page=page, per_page=per_page)
        names = _mapping_names(context)
        return _page([plain_import(context, row, names) for row in rows], page, per_page, total)

    @openapi.document(
        "imports",
        "Send a file and have its rows checked",
        IMPORT,
        status=201,
        errors=(400, 409, 413, 415, 422),
        body=FILE,
        parameters=[openapi.IDEMPOTENCY],
    )
    @idempotent(body=_parts)
    def post(self) -> Response:
        """Take a file in; its columns are guessed and its rows are checked in the background."""
        context = current_context()
        require(context.actor, rules.WRITE)
        if request.mimetype != "multipart/form-data":
            raise UnsupportedMediaType(_("Send multipart/form-data with a file."))
        unknown = (set(request.form) - {"resource", "mapping", "options"}) | (set(request.files) - {"file"})
        sent = request.files.get("file")
        if unknown or sent is None:
            wrong = str(min(unknown, key=str)) if unknown else "file"
            raise Invalid({wrong: [_("There is no such part.") if unknown else _("This is needed.")]})
        import_id = rules.upload(
            context,
            request.form.get("resource", "assets"),
            cast(BinaryIO, sent.stream),
            sent.filename or "",
            mapping=request.form.get("mapping") or None,
            options=_posted_options(request.form.get("options")),
        )
        return _one(import_id, 201, Location=f"{PREFIX}/imports/{import_id}")


@blueprint.route("/<row_id:row_id>")
class OneImport(MethodView):
    """One import."""

    @openapi.document("imports", "Get an import, with its progress", IMPORT, errors=(404,))
    def get(self, row_id: int) -> Response:
        """Answer with an import."""
        return _one(row_id)

    @openapi.document(
        "imports",
        "Correct columns or options, and have the rows checked again",
        IMPORT,
        errors=(400, 404, 409, 413, 415, 422),
        body=PATCH,
    )
    def patch(self, row_id: int) -> Response:
        """Change the mapping and the options that were sent."""
        context = current_context()
        rules.get_import(context, row_id, write=True)
        rules.change(context, row_id, *_loaded(json_body()))
        return _one(row_id)

    @openapi.document("imports", "Lay an import aside that has written nothing", None, status=204, errors=(404, 409))
    def delete(self, row_id: int) -> Response:
        """Discard an import."""
        rules.discard(current_context(), row_id)
        return Response(status=204)


@blueprint.route("/<row_id:row_id>/rows")
@openapi.document(
    "imports", "The rows of an import", list_of(ROW), errors=(404, 422), parameters=[FATE, Q, *PAGING], envelope=False
)
def rows(row_id: int) -> Response:
    """Answer with a page of rows, of one fate or all."""
    context = current_context()
    found = rules.get_import(context, row_id)
    page, per_page = _paging("fate", "q")
    fate, q = request.args.get("fate"), request.args.get("q", "")
    lines = rules.list_rows(context, row_id, fate=fate, q=q, page=page, per_page=per_page)
    return _page(
        [plain_row(context, found, line) for line in lines], page, per_page, total_rows(context, row_id, fate=fate, q=q)
    )


@blueprint.route("/<row_id:row_id>/rows/<row_id:number>")
class OneRow(MethodView):
    """One row of an import, by the number that a spreadsheet program shows."""

    @openapi.document(
        "imports",
        "Mend a row of an import, or leave it out; its fate is said anew at once",
        ROW,
        errors=(400, 404, 409, 413, 415, 422),
        body=MENDING,
    )
    def patch(self, row_id: int, number: int) -> Response:
        """Put other cells into a row, skip it, or take it in again."""
        context = current_context()
        found = rules.get_import(context, row_id, write=True)
        cells, skipped = _loaded_cells(json_body(), found["headers"])
        get_row(context, row_id, number)
        if cells is not None:
            mending.mend(context, row_id, number, cells)
        if skipped is not None:
            mending.skip(context, row_id, number, skipped=skipped)
        return _row(row_id, number)


def _row(row_id: int, number: int) -> Response:
    context = current_context()
    found = rules.get_import(context, row_id)
    return answer(dump({"data": plain_row(context, found, get_row(context, row_id, number))}))


def _loaded_cells(body: Any, headers: list[str]) -> tuple[dict[int, Any] | None, bool | None]:
    """Return (cells by column, whether to skip) of a PATCH, None for what it does not say; raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid({"_": [_("Send an object.")]})
    errors = {str(name): [_("There is no such field.")] for name in body if name not in {"cells", "skip"}}
    given, skipped = body.get("cells"), body.get("skip")
    found: dict[int, Any] | None = None
    if isinstance(given, list):
        found = dict(enumerate(given))
    elif isinstance(given, dict):
        errors |= {f"cells.{name}": [_("There is no such column.")] for name in given if name not in headers}
        found = {headers.index(name): cell for name, cell in given.items() if name in headers}
    elif "cells" in body:
        errors["cells"] = [_("Send an object by heading, or a list.")]
    if "skip" in body and not isinstance(skipped, bool):
        errors["skip"] = [_("Say true or false.")]
    if errors:
        raise Invalid(errors)
    return None if found is None else {i: "" if cell is None else cell for i, cell in found.items()}, skipped


@blueprint.route("/<row_id:row_id>/kept")
@openapi.document(
    "imports", "What the undo of an import kept", list_of(KEPT), errors=(404, 422), parameters=PAGING, envelope=False
)
def kept(row_id: int) -> Response:
    """Answer with a page of what an undo left as it is, and why."""
    context = current_context()
    found = rules.get_import(context, row_id)
    page, per_page = _paging()
    lines = list_kept(context, row_id, page=page, per_page=per_page)
    return _page([plain_kept(line) for line in lines], page, per_page, found["counts"].get("kept", 0))


def _act(name: str, summary: str, act: Callable[[Context, int], None]) -> None:
    """Offer one verb on an import."""

    @openapi.document("imports", summary, IMPORT, errors=(404, 409, 422), parameters=[openapi.IDEMPOTENCY])
    @idempotent
    def view(row_id: int) -> Response:
        act(current_context(), row_id)
        return _one(row_id)

    blueprint.route(f"/<row_id:row_id>/{name}", methods=["POST"], endpoint=name)(view)


_act("apply", "Write the rows of an import, as one change set", rules.apply)
_act("undo", "Take an import back as far as nobody has touched its rows", rules.undo)
_act("stop", "Stop an import; what it has written is taken back", rules.stop)


def _one(import_id: int, status: int = 200, **headers: str) -> Response:
    context = current_context()
    found = plain_import(context, rules.get_import(context, import_id), _mapping_names(context))
    return answer(dump({"data": found}), status, **headers)


def _page(data: list[dict[str, Any]], page: int, per_page: int, total: int) -> Response:
    pagination = {
        "page": page,
        "per_page": per_page,
        "total": total,
        "total_capped": False,
        "total_pages": max(1, -(-total // per_page)),
        "next_cursor": None,
    }
    return answer(dump({"data": data, "pagination": pagination}))


def _paging(*also: str) -> tuple[int, int]:
    """Return page and per_page of the query string; raises Invalid naming what is wrong."""
    errors: dict[str, list[str]] = {}
    numbers = {}
    for name, default, most in (("page", 1, 1_000_000), ("per_page", PER_PAGE, PER_PAGE_LIMIT)):
        text = request.args.get(name, str(default))
        numbers[name] = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
        if not 1 <= numbers[name] <= most:
            errors[name] = [_("This must be from %(low)s to %(high)s.", low=1, high=most)]
    for name in request.args:
        if name not in {"page", "per_page", *also}:
            errors[name] = [_("There is no such filter here.")]
    if errors:
        raise Invalid(errors)
    return numbers["page"], numbers["per_page"]


def _loaded(body: Any) -> tuple[dict[int, str | None], dict[str, Any], str | None]:
    """Return (columns, options, mapping) of a PATCH; raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid({"_": [_("Send an object.")]})
    known = ("columns", "options", "mapping")
    errors = {str(name): [_("There is no such field.")] for name in body if name not in known}
    columns, options, mapping = body.get("columns", {}), body.get("options", {}), body.get("mapping")
    valid = isinstance(columns, dict) and all(
        index.isascii() and index.isdigit() and len(index) < 6 and (field is None or isinstance(field, str))
        for index, field in columns.items()
    )
    if not valid:
        errors["columns"] = [_("Give the field or null of each column's number.")]
    if not isinstance(options, dict):
        errors["options"] = [_("Send an object.")]
    if not isinstance(mapping, str | int | None) or isinstance(mapping, bool):
        errors["mapping"] = [_("Give a mapping's name or id.")]
    if errors:
        raise Invalid(errors)
    return {int(index): field for index, field in columns.items()}, options, None if mapping is None else str(mapping)


def _mapping_names(context: Context) -> dict[int, str]:
    return {row["id"]: row["name"] for row in mappings.list_mappings(context)}
