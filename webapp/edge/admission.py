"""The door in front of the application: one request of a process runs at a time, the rest wait in a short, fair line.

More threads at work in one process have bad tails, and a line without an end answers nobody in time. So the server has
many threads that wait (bodies that come slowly, files that are fetched slowly, turns), and each takes a turn to run.
The next turn goes to the organization that has run the least of late, and in it to the credential that has; whoever
floods waits behind himself. What finds the line full is refused at once, with `Retry-After`, before it costs anything.
"""

import time
import uuid
from collections.abc import Callable, Iterable
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import Any

import orjson
from flask import Flask, Response, g, request
from flask_babel import force_locale
from flask_babel import gettext as _

from webapp.core import database
from webapp.edge import ratelimit
from webapp.edge.line import REMEMBERED, Line, Names, Place, Streamed, aside

Environ = dict[str, Any]
Known = tuple[Names, ratelimit.Standing | None]
HOLDER = "quartermaster.holder"
PROBLEM = "application/problem+json"
ALIVE, API, OPEN = "/healthz", "/api/", "/api/v1/openapi.json"
PATIENCE = 5.0  # seconds that a request waits for its first turn
AT_ONCE = 1024 * 1024  # bytes of an answer that is made whole in one turn
STREAMS = 16  # answers that are being sent at a time; each holds a connection of the database
IN_MEMORY = 256 * 1024  # bytes of a body that are not put on disk
NOTED_EVERY = 10.0  # seconds between two lines of the log about refusals
REASONS = {
    400: ("bad_request", "the body ended before its length"),
    429: ("too_many_requests", "too many requests"),
    503: ("unavailable", "too many requests are being served; try again in a moment"),
}
PAGE = """<!doctype html><html lang="{lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{text}</title><main><h1>{text}</h1></main></html>"""


class Admission:
    """The WSGI application in front of ours."""

    def __init__(self, app: Flask) -> None:
        self.app, self.inner, self.line = app, app.wsgi_app, Line(app.config["WEB_QUEUE"])
        self.largest: int = app.config["MAX_CONTENT_LENGTH"]
        self.known: dict[int, Known] = {}
        self.pages: dict[str, bytes] = {}
        self.refused, self.noted_at = 0, 0.0

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request in its turn, or refuse it."""
        path = environ["PATH_INFO"]
        if path == ALIVE:
            return self.inner(environ, start_response)
        shown = environ.get("HTTP_AUTHORIZATION") or environ.get("HTTP_COOKIE")
        address = environ.get("REMOTE_ADDR", "")
        names, standing = self.known.get(hash(shown), ((address, address + " "), None))
        if standing is not None and path.startswith(API) and path != OPEN and standing.is_spent():
            return self.refuse(environ, start_response, 429, standing)
        sends = environ.get("CONTENT_LENGTH", "0") not in ("", "0") or "HTTP_TRANSFER_ENCODING" in environ
        place = self.line.enter(names)
        if isinstance(place, int):
            return self.refuse(environ, start_response, place, standing)
        keeps = False
        given = environ.get("wsgi.input")
        try:
            if sends and not self.receive(environ):
                return self.refuse(environ, start_response, 400, standing)
            if not place.take(PATIENCE):
                return self.refuse(environ, start_response, 503, standing)
            answer = self.run(environ, start_response, place)
            if shown:
                self.remember(hash(shown), environ.get(HOLDER))
            if answer is None:
                return self.refuse(environ, start_response, 503, standing)
            keeps = isinstance(answer, Streamed)
            return answer
        finally:
            (place.give if keeps else place.leave)()
            if environ.get("wsgi.input") is not given:
                environ["wsgi.input"].close()

    def run(self, environ: Environ, start_response: Callable[..., Any], place: Place) -> Iterable[bytes] | None:
        """Run the application in a turn; what is short is made at once. None: too many long answers are being sent."""
        told: tuple[Any, ...] = ()

        def start(*what: Any) -> Any:
            nonlocal told
            told = what

        answer = self.inner(environ, start)
        length = next((int(value) for name, value in told[1] if name == "Content-Length"), -1)
        is_short = 0 <= length <= AT_ONCE
        keeps = False
        try:
            if not is_short and not place.keep(STREAMS):
                return None
            start_response(*told)
            keeps = not is_short
            return Streamed(answer, place) if keeps else [b"".join(answer)]
        finally:
            if not keeps and hasattr(answer, "close"):
                answer.close()

    def receive(self, environ: Environ) -> bool:
        """Have the whole body here before it takes a turn, and tell whether all of it came.

        What is larger than we take is left where it is: the application refuses it unread.
        """
        length = environ.get("CONTENT_LENGTH") or ""
        if length.isdecimal() and int(length) > self.largest:
            return True
        body, size = SpooledTemporaryFile(IN_MEMORY), 0  # noqa: SIM115 the request's end closes it
        while size <= self.largest and (block := environ["wsgi.input"].read(65_536)):
            size += body.write(block)
        body.seek(0)
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ |= {"wsgi.input": body, "CONTENT_LENGTH": str(size)}
        return not length.isdecimal() or size >= int(length)

    def remember(self, sign: int, holder: Known | None) -> None:
        """Note whose a credential is: until it has been good, and when it no longer is, it counts as its address."""
        self.known.pop(sign if holder is None or len(self.known) < REMEMBERED else next(iter(self.known)), None)
        if holder is not None:
            self.known[sign] = holder

    def refuse(
        self, environ: Environ, start: Callable[..., Any], status: int, standing: ratelimit.Standing | None
    ) -> Iterable[bytes]:
        """Answer without a turn, in the envelope of the face that was asked."""
        self.refused += 1
        if (now := time.monotonic()) - self.noted_at > NOTED_EVERY:
            self.app.logger.warning("too much at once: %s requests refused", self.refused)
            self.refused, self.noted_at = 0, now
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Request-Id": uuid.uuid4().hex}
        if status != 400:
            headers["Retry-After"] = "1"
        if environ["PATH_INFO"].startswith(API):
            standing = standing or ratelimit.limits_of(self.app).untouched()
            if standing.is_spent():
                headers["Retry-After"] = str(standing.seconds_left())
            headers |= ratelimit.headers_of(standing) | {"Content-Type": PROBLEM}
            code, detail = REASONS[status]
            content = {"type": "about:blank", "title": code.replace("_", " ").capitalize(), "status": status}
            body = orjson.dumps(content | {"detail": detail, "code": code, "request_id": headers["X-Request-Id"]})
        else:
            headers |= {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'"}
            body = self.page(environ.get("HTTP_ACCEPT_LANGUAGE", "")[:2].lower())
        start(f"{status} {HTTPStatus(status).phrase}", [*headers.items(), ("Content-Length", str(len(body)))])
        return [body]

    def page(self, language: str) -> bytes:
        """Return the page of a refusal, made once a language."""
        language = language if language in ("de", "es") else "en"
        if language not in self.pages:
            with self.app.app_context(), force_locale(language):
                text = _("Wait a little, then try again.")
            self.pages[language] = PAGE.format(lang=language, text=text).encode()
        return self.pages[language]


def tell_holder(response: Response) -> Response:
    """Tell the door whose request it was."""
    who = g.get("holder") or g.get("context")
    if who is not None:
        organization = f"organization {who.tenant.id}"
        names = (organization, f"{organization}: {who.actor.credential}")
        request.environ[HOLDER] = (names, g.get("rate_standing"))
    return response


def init_app(app: Flask) -> None:
    """Put the door in front of the application; WEB_QUEUE=0 leaves it open."""
    if app.config["WEB_QUEUE"]:
        app.wsgi_app = Admission(app)  # type: ignore[method-assign] # as Flask says
        app.after_request(tell_holder)
        database.aside = aside
