"""What can go wrong in a rule, and how each face says it."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException, SecurityError

FieldErrors = Mapping[str, list[str]]


class DomainError(Exception):
    """Something a rule will not do; `status` is what HTTP calls it, `code` is stable for machines."""

    status = 400
    code = "error"

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code:
            self.code = code


class BadRequest(DomainError):
    """The request cannot be parsed at all."""

    status, code = 400, "bad_request"


class Unauthorized(DomainError):
    """Nobody has shown who they are."""

    status, code = 401, "unauthorized"


class Forbidden(DomainError):
    """The actor may not do this."""

    status, code = 403, "forbidden"


class NotFound(DomainError):
    """There is no such thing, or it is out of the actor's reach."""

    status, code = 404, "not_found"


class Conflict(DomainError):
    """The state of things forbids it; `blockers` name what is in the way."""

    status, code = 409, "conflict"

    def __init__(self, message: str, *, blockers: list[Any] | None = None, code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.blockers = blockers or []


class StaleVersion(DomainError):
    """Somebody else saved first; `current` is the row as it is now."""

    status, code = 412, "stale_version"

    def __init__(self, current: Mapping[str, Any]) -> None:
        super().__init__("somebody changed this since you read it")
        self.current = current


class TooLarge(DomainError):
    """More than is taken at once."""

    status, code = 413, "too_large"


class Invalid(DomainError):
    """Fields are wrong; `errors` has the sentences by field, `_` for the whole."""

    status, code = 422, "invalid"

    def __init__(self, errors: FieldErrors) -> None:
        super().__init__("; ".join(f"{name}: {', '.join(found)}" for name, found in errors.items()))
        self.errors = {name: list(found) for name, found in errors.items()}


class TooManyRequests(DomainError):
    """Wait `retry_after` seconds."""

    status, code = 429, "too_many_requests"

    def __init__(self, retry_after: int, message: str = "too many requests") -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """The database or the disk is away; trying again helps."""

    status, code = 503, "unavailable"


Renderer = Callable[[Exception, int], Response]
_faces: dict[str, Renderer] = {}


def register_face(prefix: str, render: Renderer) -> None:
    """Let a face render every error under a path prefix; "/" is the pages' face."""
    _faces[prefix] = render


def render_error(error: Exception, status: int) -> Response:
    """Render an error in the envelope of the face that was asked."""
    if isinstance(error, SecurityError):  # for a host we do not answer to there are no addresses to link to
        return Response("This host is not served here.\n", 400, mimetype="text/plain")
    prefixes = sorted((p for p in _faces if request.path.startswith(p)), key=len, reverse=True)
    response = _faces[prefixes[0]](error, status)
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def init_app(app: Flask) -> None:
    """Handle every error once, whatever face it happens in."""
    from sqlalchemy.exc import InterfaceError, OperationalError
    from sqlalchemy.exc import TimeoutError as NoConnection

    @app.errorhandler(DomainError)
    def domain_error(error: DomainError) -> Response:
        return render_error(error, error.status)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        return render_error(error, error.code or 500)

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(NoConnection)
    def database_away(error: Exception) -> Response:
        app.logger.exception("database unavailable")
        response = render_error(Unavailable("the database does not answer"), 503)
        response.headers["Retry-After"] = "5"
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        app.logger.exception("unexpected error")
        return render_error(error, 500)
