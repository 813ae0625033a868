"""Imports through the API: send a file, look at every row's fate, correct the columns, apply, undo."""

from collections.abc import Mapping
from typing import Any, BinaryIO, cast

from flask import Response, request
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint
from werkzeug.exceptions import UnsupportedMediaType

from webapp.core.access import require
from webapp.core.context import Context, current_context
from webapp.core.custom import tailor
from webapp.core.errors import Invalid
from webapp.core.parameters import PER_PAGE, PER_PAGE_LIMIT
from webapp.core.resource import registry
from webapp.faces import openapi
from webapp.faces.api import PREFIX, answer, idempotent, job_plain, json_body
from webapp.faces.serialize import dump, moment_text
from webapp.imports import rules
from webapp.imports.mapping import guess_columns
from webapp.imports.models import FATES
from webapp.imports.targets import TARGETS

blueprint = Blueprint("api_imports", __name__, url_prefix=f"{PREFIX}/imports")
STATES = (*rules.STEPS, "uploaded", "checked", "applied", "stopped", "undone", "failed", "discarded")
OPTIONS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "match": {"type": ["string", "null"], "description": "The field that finds existing rows"},
        "create": {"type": "array", "items": {"type": "string"}, "description": "Kinds to make when missing"},
        "dates": {"type": "object", "description": "Column number → dmy, mdy or ymd"},
        "decimals": {"type": "object", "description": "Column number → point or comma"},
        "blanks": {"type": "string", "enum": ["keep", "clear"]},
    },
}
COLUMNS = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
IMPORT = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "guid": {"type": "string"},
        "resource": {"type": "string"},
        "filename": {"type": "string"},
        "state": {"type": "string", "enum": list(STATES)},
        "message": {"type": ["string", "null"]},
        "total": {"type": "integer"},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "columns": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "column": {"type": "integer"},
                    "header": {"type": "string"},
                    "field": {"type": ["string", "null"]},
                    "reason": {"type": ["string", "null"]},
                    "samples": {"type": "array", "items": {"type": "string"}},
                    "date_order": {"type": ["string", "null"]},
                    "decimal_mark": {"type": ["string", "null"]},
                },
            },
        },
        "options": OPTIONS,
        "missing": {"type": "object"},
        "kept": {"type": "array", "items": {"type": "object"}},
        "change_set_id": {"type": ["string", "null"]},
        "job": {"oneOf": [openapi.JOB, {"type": "null"}]},
        "created_at": {"type": "string", "format": "date-time"},
        "applied_at": {"type": ["string", "null"], "format": "date-time"},
        "undone_at": {"type": ["string", "null"], "format": "date-time"},
    },
}
ROW = {
    "type": "object",
    "properties": {
        "number": {"type": "integer", "description": "As a spreadsheet program counts"},
        "fate": {"type": "string", "enum": list(FATES)},
        "title": {"type": "string"},
        "item_id": {"type": ["integer", "null"]},
        "cells": {"type": "array", "items": {}},
        "changes": {"type": "array", "items": {"type": "object"}},
        "errors": openapi.PROBLEM["properties"]["errors"],  # type: ignore[index] # a literal of ours
        "note": {"type": ["string", "null"]},
        "applied_at": {"type": ["string", "null"], "format": "date-time"},
    },
}
FILE = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                    "resource": {"type": "string", "enum": list(TARGETS), "default": "assets"},
                },
            }
        }
    },
}
PATCH = openapi.json_body(
    {"type": "object", "additionalProperties": False, "properties": {"columns": COLUMNS, "options": OPTIONS}}
)
PAGING = [
    {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 1}},
    {
        "name": "per_page",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": PER_PAGE_LIMIT, "default": PER_PAGE},
    },
]
FATE = {"name": "fate", "in": "query", "schema": {"type": "string", "enum": list(FATES)}}


def _list_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the envelope of one page of a list."""
    return {
        "type": "object",
        "required": ["data", "pagination"],
        "properties": {"data": {"type": "array", "items": schema}, "pagination": openapi.PAGINATION},
    }


@blueprint.route("")
class Imports(MethodView):
    """All imports of the organization."""

    @openapi.document("imports", "List imports", _list_of(IMPORT), errors=(422,), parameters=PAGING, envelope=False)
    def get(self) -> Response:
        """Answer with a page of imports, the newest first."""
        page, per_page, _fate = _paging(())
        context = current_context()
        rows, total = rules.list_imports(context, page=page, per_page=per_page)
        return _page([plain_import(context, row) for row in rows], page, per_page, total)

    @openapi.document(
        "imports", "Send a file and have its rows checked", IMPORT, status=201, errors=(400, 413, 415, 422), body=FILE
    )
    def post(self) -> Response:
        """Take a file in; its columns are guessed and its rows are checked in the background."""
        context = current_context()
        require(context.actor, rules.WRITE)
        if request.mimetype != "multipart/form-data":
            raise UnsupportedMediaType(_("Send multipart/form-data with a file."))
        unknown = (set(request.form) - {"resource"}) | (set(request.files) - {"file"})
        sent = request.files.get("file")
        if unknown or sent is None:
            wrong = str(min(unknown, key=str)) if unknown else "file"
            raise Invalid({wrong: [_("There is no such part.") if unknown else _("This is needed.")]})
        resource = request.form.get("resource", "assets")
        import_id = rules.upload(context, resource, cast(BinaryIO, sent.stream), sent.filename or "")
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
        columns, options = _loaded(json_body())
        rules.change(context, row_id, columns, options)
        return _one(row_id)


@blueprint.route("/<row_id:row_id>/rows")
@openapi.document(
    "imports", "The rows of an import", _list_of(ROW), errors=(404, 422), parameters=[FATE, *PAGING], envelope=False
)
def rows(row_id: int) -> Response:
    """Answer with a page of rows, of one fate or all."""
    context = current_context()
    found = rules.get_import(context, row_id)
    page, per_page, fate = _paging(("fate",))
    lines = rules.list_rows(context, row_id, fate=fate, page=page, per_page=per_page)
    counts = found["counts"]
    total = counts.get(fate, 0) if fate else sum(counts.get(name, 0) for name in FATES)
    return _page([plain_row(context, found, line) for line in lines], page, per_page, total)


def _act(name: str, summary: str, act: Any) -> None:
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
    return answer(dump({"data": plain_import(context, rules.get_import(context, import_id))}), status, **headers)


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


def _paging(also: tuple[str, ...]) -> tuple[int, int, str | None]:
    """Return page, per_page and fate of the query string; raises Invalid naming what is wrong."""
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
    return numbers["page"], numbers["per_page"], request.args.get("fate")


def _loaded(body: Any) -> tuple[dict[int, str | None], dict[str, Any]]:
    """Return (columns, options) of a PATCH; raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid({"_": [_("Send an object.")]})
    errors = {str(name): [_("There is no such field.")] for name in body if name not in {"columns", "options"}}
    columns, options = body.get("columns", {}), body.get("options", {})
    known = isinstance(columns, dict) and all(
        index.isascii() and index.isdigit() and len(index) < 6 and (field is None or isinstance(field, str))
        for index, field in columns.items()
    )
    if not known:
        errors["columns"] = [_("Give the field or null of each column's number.")]
    if not isinstance(options, dict):
        errors["options"] = [_("Send an object.")]
    if errors:
        raise Invalid(errors)
    return {int(index): field for index, field in columns.items()}, options


def plain_import(context: Context, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return an import as the API shows it."""
    shown = ("id", "guid", "resource", "filename", "state", "message", "total", "counts", "options", "missing", "kept")
    moments = {
        name: moment_text(row[name]) if row[name] else None for name in ("created_at", "applied_at", "undone_at")
    }
    guesses = guess_columns(tailor(context, registry.resources[row["resource"]]), row["headers"])
    findings = row["findings"]
    columns = [
        {
            "column": index,
            "header": header,
            "field": row["columns"].get(str(index)),
            "reason": str(guess.reason) if guess.reason and row["columns"].get(str(index)) is None else None,
            "samples": row["samples"][index],
            "date_order": findings.get("dates", {}).get(str(index)),
            "decimal_mark": findings.get("decimals", {}).get(str(index)),
        }
        for index, (header, guess) in enumerate(zip(row["headers"], guesses, strict=True))
    ]
    job = job_plain(row["job"]) if row["job"] else None
    own = {name: row[name] for name in shown}
    return own | moments | {"change_set_id": row["change_set_id"], "columns": columns, "job": job}


def plain_row(context: Context, found: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as the API shows it."""
    shown = ("number", "fate", "title", "item_id", "cells", "note")
    resource = tailor(context, registry.resources[found["resource"]])
    names = {item.column: name for name, item in resource.customs.items()}
    changes = [{"field": names.get(name, name), "old": old, "new": new} for name, (old, new) in row["changes"].items()]
    errors = [{"field": n, "message": m, "code": "invalid"} for n, found in row["errors"].items() for m in found]
    applied = moment_text(row["applied_at"]) if row["applied_at"] else None
    return {name: row[name] for name in shown} | {"changes": changes, "errors": errors, "applied_at": applied}
