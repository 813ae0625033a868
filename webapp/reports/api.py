"""Exports through the API, beyond the usual: their runs, and their files."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from flask_smorest import Blueprint

from webapp.core.errors import Invalid
from webapp.core.query import get_row
from webapp.faces import openapi
from webapp.faces.api import answer, entered
from webapp.faces.export import TYPES
from webapp.faces.problems import PREFIX
from webapp.faces.serialize import dump, moment_text
from webapp.faces.surface import number_in
from webapp.reports import rules
from webapp.reports.pages import file_response
from webapp.reports.resources import EXPORTS

blueprint = Blueprint("api_export_files", __name__, url_prefix=f"{PREFIX}/exports")
RUN = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "state": {"type": "string", "enum": ["running", "done", "failed"]},
        "due_at": {"type": ["string", "null"], "format": "date-time", "description": "The moment of its schedule"},
        "started_at": {"type": "string", "format": "date-time"},
        "finished_at": {"type": ["string", "null"], "format": "date-time"},
        "rows": {"type": ["integer", "null"]},
        "bytes": {"type": ["integer", "null"]},
        "filename": {"type": ["string", "null"]},
        "has_file": {"type": "boolean", "description": "Files are kept for 30 days"},
        "error": {"type": ["string", "null"]},
        "job_id": {"type": ["integer", "null"]},
    },
}
WHICH = {
    "name": "run",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1},
    "description": "The newest by default",
}
FILE: dict[str, Any] = {
    "tags": ["exports"],
    "summary": "The file of an export",
    "parameters": [WHICH],
    "description": "409 until it is ready, and when it could not be made; 404 after 30 days.",
    "responses": {
        "200": {
            "description": "The file",
            "content": {kind: {"schema": {"type": "string"}} for kind in TYPES.values()},
        },
        **openapi.errors_of(404, 409, 422),
    },
}


@blueprint.get("/<row_id:row_id>/runs")
@openapi.document("exports", "The newest 50 runs of an export", {"type": "array", "items": RUN}, errors=(404, 422))
def runs(row_id: int) -> Response:
    """Answer with the runs of an export, the newest first."""
    context = entered(EXPORTS, write=False)
    get_row(context, EXPORTS, row_id)
    return answer(dump({"data": [plain_run(run) for run in rules.list_runs(context, row_id)]}))


@blueprint.get("/<row_id:row_id>/file")
@Blueprint.doc(**FILE)
def file(row_id: int) -> Response:
    """Answer with the file of a run."""
    context = entered(EXPORTS, write=False, parameters=True)
    wrong = [name for name in request.args if name != "run"] or (["run"] if number_in(request.args, "run") == 0 else [])
    if wrong:
        raise Invalid({wrong[0]: [_("There is no such parameter here.")]})
    return file_response(context, rules.file_of(context, row_id, number_in(request.args, "run")))


def plain_run(run: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run as the API shows it."""
    shown = ("rows", "bytes", "filename", "error", "job_id")
    state = "failed" if run["error"] else "done" if run["finished_at"] else "running"
    times = ("due_at", "started_at", "finished_at")
    moments = {name: moment_text(run[name]) if run[name] else None for name in times}
    has_file = run["file_key"] is not None
    return {"id": run["id"], "state": state, **moments, **{name: run[name] for name in shown}, "has_file": has_file}
