"""Errors as the API tells them: RFC 9457 problem details."""

from collections.abc import Mapping
from typing import Any

from flask import Response, g
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from webapp.core.blockers import Blocker
from webapp.core.errors import Conflict, DomainError, Invalid, StaleVersion
from webapp.edge.admission import PROBLEM as PROBLEM
from webapp.faces.serialize import dump

PREFIX = "/api/v1"


def problem(error: Exception, status: int) -> Response:
    """Render an error as RFC 9457 problem details."""
    detail, code = "", "error"
    content: dict[str, Any] = {}
    if isinstance(error, DomainError):
        detail, code = error.message, error.code
    elif isinstance(error, HTTPException) and status < 500:
        detail, code = error.description or "", error.name.lower().replace(" ", "_")
    title = code.replace("_", " ").capitalize()
    if isinstance(error, Invalid):
        detail = _("Some fields are wrong; nothing was written.")
        content["errors"] = field_errors(error.errors)
    if isinstance(error, Conflict) and error.blockers:
        content["blockers"] = [blocker_plain(found) for found in error.blockers]
    if isinstance(error, StaleVersion):
        content["version"] = error.current["version"]
    if status >= 500:
        detail, code = _("Something went wrong on our side. The request id helps us find it."), "server_error"
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code, **content}
    body["request_id"] = g.get("request_id", "")
    response = Response(dump(body), status, content_type=PROBLEM)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def blocker_plain(found: Blocker | str) -> dict[str, Any]:
    """Return what is in the way as the API tells it: how many of which resource, and where they are listed."""
    if isinstance(found, str):
        return {"detail": found}
    return {
        "resource": found.resource.name,
        "count": found.count,
        "url": f"{PREFIX}/{found.resource.name}?{found.parameter}={found.row_id}",
    }


def field_errors(errors: Mapping[str, list[str]]) -> list[dict[str, str]]:
    """Return [{"field", "message", "code"}] of errors by field."""
    return [
        {"field": name, "message": str(message), "code": "invalid"}
        for name, messages in errors.items()
        for message in messages
    ]
