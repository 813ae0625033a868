"""Two questions for whoever runs us: is the process alive, and can it serve?"""

from flask import Flask, Response, current_app, jsonify
from sqlalchemy.exc import SQLAlchemyError

from webapp.core.database import db
from webapp.schema.migrate import current_heads, known_revisions


def init_app(app: Flask) -> None:
    """Answer `/healthz` and `/readyz`, for which nobody needs to sign in."""
    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def healthz() -> Response:
    """Say that the process answers."""
    return jsonify(status="ok")


def readyz() -> tuple[Response, int]:
    """Say whether the database answers and has this version's tables."""
    try:
        with db.engine.connect() as connection:
            stands = current_heads(connection)
    except SQLAlchemyError:
        current_app.logger.warning("readyz: the database does not answer")
        return jsonify(status="unavailable", database="unreachable"), 503
    if not _serves(stands):
        return jsonify(status="unavailable", database="not migrated"), 503
    return jsonify(status="ok", database="ok"), 200


def _serves(stands: set[str]) -> bool:
    """Tell whether we can work on a database: it is at our head, or at one of a later version (expand, contract)."""
    heads, known = known_revisions()
    return bool(stands) and (stands == heads or not stands <= known)
