"""Structured logs: one JSON object a line, with the request's id and without secrets."""

import logging
import re
import sys
import time

import orjson
from flask import Flask, Response, g, has_request_context, request

SECRETS = (
    (re.compile(r"qm_live_([0-9a-f]{8})_\w+"), r"qm_live_\1_***"),
    (re.compile(r"(?i)(bearer\s+)\S+"), r"\1***"),
    (
        re.compile(r"(?i)((?:password|secret|token|api_key|authorization|cookie)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,}]+"),
        r"\1***",
    ),
    (re.compile(r"(://[^:/@\s]+:)[^@\s]+@"), r"\1***@"),
)


def redact(message: str) -> str:
    """Return a text with what looks like a secret replaced."""
    for pattern, replacement in SECRETS:
        message = pattern.sub(replacement, message)
    return message


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": redact(record.getMessage()),
            **getattr(record, "facts", {}),
        }
        if has_request_context():
            line["request_id"] = g.get("request_id", "")
        if record.exc_info:
            line["trace"] = redact(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def init_app(app: Flask) -> None:
    """Log to standard error, and a line a request."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("webapp")
    logger.handlers[:] = [handler]
    logger.setLevel(app.config["LOG_LEVEL"])
    logger.propagate = bool(app.testing)
    app.before_request(note_start)
    app.after_request(log_request)


def note_start() -> None:
    """Remember when the request began."""
    g.started = time.perf_counter()


def log_request(response: Response) -> Response:
    """Write who asked for what, how it went and how long it took; paths carry no secrets, queries are left out."""
    context = g.get("context")
    facts = {
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "milliseconds": round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
        "organization_id": context.organization_id if context else None,
        "user_id": context.actor.user_id if context else None,
        "api_key_id": context.actor.api_key_id if context else None,
    }
    logging.getLogger("webapp.requests").info("request", extra={"facts": facts})
    return response
