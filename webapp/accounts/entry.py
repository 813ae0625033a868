"""The way in for browsers: every page but the public ones asks who is there, and opens the unit of work.

The session's secret is the user id that Flask-Login keeps in Flask's signed cookie; everything else about a session
lies in the table of sessions. Visitors whom nobody knows have the same cookie with no more than CSRF and flashes.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    g,
    has_request_context,
    make_response,
    redirect,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, UserMixin, current_user, login_user
from sqlalchemy import Connection

from webapp.core import identity
from webapp.core.context import open_context
from webapp.core.database import db
from webapp.core.identity import Visit
from webapp.edge.security_headers import SAFE_METHODS

PUBLIC = frozenset({"static", "healthz", "readyz"})
TOKENS_ONLY = ("/api/",)
View = Callable[..., Any]
login_manager = LoginManager()


class Visitor(UserMixin):
    """Who is signed in, as Flask-Login wants it: its id is the session's secret."""

    def __init__(self, secret: str, visit: Visit | None = None) -> None:
        self.secret, self.visit = secret, visit

    def get_id(self) -> str:
        """Return the secret that goes into the cookie."""
        return self.secret


def public(view: View) -> View:
    """Mark a view that nobody need sign in for."""
    view.is_public = True  # type: ignore[attr-defined] # a mark on our own function
    return view


def init_app(app: Flask) -> None:
    """Set up cookie, sign-in and the check in front of every page."""
    is_https = app.config["BASE_URL"].startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="__Host-quartermaster" if is_https else "quartermaster",
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=identity.REMEMBERED_LIFE,
        WTF_CSRF_TIME_LIMIT=None,
    )
    login_manager.init_app(app)
    login_manager.session_protection = None
    app.before_request(enter)
    app.context_processor(reader_look)


@login_manager.user_loader
def load_visitor(secret: str) -> Visitor | None:
    """Return who a session's secret stands for."""
    visit = identity.find_session(secret, session=db.session(), reads=request.method in SAFE_METHODS)
    return Visitor(secret, visit) if visit else None


@login_manager.unauthorized_handler
def send_to_sign_in() -> Response:
    """Send a visitor to the sign-in, or to the first run while there is no user."""
    page = "accounts.setup" if identity.is_empty() else "accounts.login"
    wanted = request.full_path.rstrip("?") if request.method == "GET" and not request.headers.get("HX-Request") else ""
    target = url_for(page, next=wanted if wanted not in ("", "/") else None)
    if request.headers.get("HX-Request"):
        response = make_response("", 401)
        response.headers["HX-Redirect"] = target
        return response
    return make_response(redirect(target))


def enter() -> Response | None:
    """Let a request to a page in when it has a session, and bind it to the session's organization."""
    if request.path.startswith(TOKENS_ONLY):
        return None
    if request.endpoint is None:  # nothing is there; who is signed in is told so inside the frame
        if visit := current_visit():
            open_context(visit.tenant, visit.actor, write=False)
        return None
    view = current_app.view_functions[request.endpoint]
    if request.endpoint in PUBLIC or getattr(view, "is_public", False):
        return None
    visit = current_visit()
    if visit is None:
        return send_to_sign_in()
    writes = request.method not in SAFE_METHODS
    if writes:
        identity.flush_uses()
    open_context(visit.tenant, visit.actor, write=writes)
    return None


def current_visit() -> Visit | None:
    """Return the session of this request, None when nobody is signed in."""
    return current_user.visit if current_user.is_authenticated else None


def start_session(
    user_id: int,
    organization_id: int,
    *,
    remember: bool = False,
    expires_at: datetime | None = None,
    connection: Connection | None = None,
    visit: Visit | None = None,
) -> None:
    """Sign somebody in: a new session, and nothing of the old cookie.

    With a `connection` it takes part in a transaction that has begun, as SQLite and a user just made need it.
    """
    close_session(connection=connection)
    secret = identity.open_session(
        user_id,
        organization_id,
        ip=request.remote_addr or "",
        user_agent=request.user_agent.string,
        remember=remember,
        expires_at=expires_at,
        connection=connection,
    )
    session.permanent = remember
    login_user(Visitor(secret, visit))


def renew_session(visit: Visit, connection: Connection) -> None:
    """Give somebody who is signed in a new session in place of this one, as long as it would have been."""
    start_session(
        visit.actor.user_id or 0,
        visit.tenant.id,
        remember=bool(session.permanent),
        expires_at=visit.expires_at,
        connection=connection,
        visit=visit,
    )


def close_session(*, connection: Connection | None = None) -> None:
    """End this browser's session and forget all its cookie said."""
    secret = session.get("_user_id")
    if secret:
        identity.close_session(secret, connection=connection)
    session.clear()


def reader_look() -> dict[str, Any]:
    """Return what the document is drawn with: the reader's theme, and whether single letters are shortcuts.

    It asks nothing: a page that did not look who is there, such as one that says the database is away, has no look.
    """
    known = g.get("_login_user") if has_request_context() else None
    visit = getattr(known, "visit", None)
    theme = visit.theme if visit and visit.theme in ("light", "dark") else None
    return {"reader_theme": theme, "reader_shortcuts": visit.has_shortcuts if visit else True}
