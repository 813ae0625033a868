"""The pages' face: a blueprint a resource, the dashboard, the error pages, and what templates know."""

import json
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, current_app, g, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import BadRequest, Conflict, DomainError, Unauthorized, register_face
from webapp.core.jobs import get_own_job
from webapp.core.query import choices as choices_of
from webapp.core.resource import Resource, registry
from webapp.faces import (
    page_actions,
    page_bulk,
    page_columns,
    page_details,
    page_edits,
    page_lists,
    page_views,
    search_page,
)
from webapp.faces.dashboard import dashboard
from webapp.faces.navigation import navigation, settings_menu
from webapp.faces.rendering import Renderer, initials_of, tone_of
from webapp.faces.surface import View, go, job_card, page

GET, POST, BOTH = ["GET"], ["POST"], ["GET", "POST"]
HTMX = {
    "allowEval": False,
    "allowScriptTags": False,
    "includeIndicatorStyles": False,
    "historyCacheSize": 0,
    "refreshOnHistoryMiss": True,
    "selfRequestsOnly": True,
    "responseHandling": [
        {"code": "204", "swap": False},
        {"code": "[23]..", "swap": True},
        {"code": "(409|412|422)", "swap": True},
        {"code": "[45]..", "swap": True, "error": True},
    ],
}


Route = tuple[str, str, str, Callable[..., Any], str | None, list[str]]


def add_pages(app: Flask, resource: Resource) -> None:
    """Add the pages of a resource, as many as it declares; an endpoint that a feature has made itself stands."""
    read, write = resource.read_permission, resource.write_permission
    routes: list[Route] = [
        ("list", "", "index", page_lists.index, read, GET),
        ("list", "/export.<any(csv, xlsx, jsonl):format>", "export", page_lists.export, read, GET),
        ("list", "/choices", "choices", choices, read, GET),
        ("list", "/columns", "columns", page_columns.columns, read, POST),
        ("list", "/views", "views", page_views.views, read, BOTH),
        ("create", "/new", "create", page_edits.create, write, BOTH),
        ("get", "/<int(max=9223372036854775807):row_id>", "detail", page_details.detail, read, GET),
        ("update", "/<int(max=9223372036854775807):row_id>/edit", "edit", page_edits.edit, write, BOTH),
        ("update", "/<int(max=9223372036854775807):row_id>/undo", "undo", page_edits.undo, write, POST),
        ("delete", "/<int(max=9223372036854775807):row_id>/delete", "delete", page_edits.delete, write, BOTH),
        ("restore", "/<int(max=9223372036854775807):row_id>/restore", "restore", page_edits.restore, write, POST),
        ("history", "/<int(max=9223372036854775807):row_id>/history", "history", page_details.history, read, GET),
        ("update", "/bulk/<action>", "bulk", page_bulk.bulk, None, BOTH),
    ]
    for verb, rule, name, view, permission, methods in routes:
        endpoint = f"{resource.name}.{name}"
        if verb in resource.pages and endpoint not in app.view_functions:
            answer = page(_of(resource, view), permission)
            app.add_url_rule(f"/{resource.name}{rule}", endpoint, answer, methods=methods)
    for action in resource.actions if "get" in resource.pages else ():
        answer = page(_of(resource, partial(page_actions.act, action=action)), action.permission)
        rule = f"/{resource.name}/<int(max=9223372036854775807):row_id>/{action.path}"
        app.add_url_rule(rule, f"{resource.name}.{action.name}", answer, methods=BOTH)


def _of(resource: Resource, view: Callable[..., Any]) -> View:
    def answer(context: Context, **values: Any) -> ResponseReturnValue:
        found: ResponseReturnValue = view(context, tailor(context, resource), **values)
        return found

    return answer


def choices(context: Context, resource: Resource) -> ResponseReturnValue:
    """Return what a picker of this kind offers for some letters: [{"value", "text"}]."""
    q = request.args.get("q", "")[:200]
    if "\x00" in q:
        raise BadRequest(_("NUL characters are not text."))
    found = choices_of(context, resource, q, limit=50, offered="offered" in request.args)
    return make_response([{"value": str(row_id), "text": label} for row_id, label in found])


def job_page(context: Context, job_id: int) -> ResponseReturnValue:
    """Show how far one's own piece of work is; to htmx the card alone, which asks again while it runs."""
    row = get_own_job(context, job_id)
    card = job_card(row, Renderer(context))
    fragment = "HX-Request" in request.headers
    return render_template("resource/job.html", job=card, crumbs=[(card["title"], None)], fragment=fragment)


def said(error: Exception, status: int) -> tuple[str, str, str]:
    """Return (title, text, icon) of an error for people."""
    alert, away = "alert-circle", "plug-connected-x"
    titles = {
        400: (_("This cannot be understood"), _("The address or the form is damaged. Go back and try again."), alert),
        403: (_("You may not do this"), _("Ask an administrator of your organisation for the right to it."), "lock"),
        404: (_("There is nothing here"), _("It may have been deleted, or the address is mistyped."), "map-question"),
        405: (_("This cannot be done here"), _("Go back and use the buttons of the page."), alert),
        409: (_("This cannot be done now"), "", alert),
        412: (_("Somebody changed this meanwhile"), _("Open it again and look before you repeat it."), "users"),
        413: (_("This is too much at once"), _("Send less, or narrow the list with a filter."), alert),
        429: (_("Too many tries"), _("Wait a little, then try again."), "clock"),
        503: (_("The database does not answer"), _("Nothing is lost. Try again in a moment."), away),
    }
    sorry = _("It has been noted. Nothing was saved. Try again, or go back.")
    unexpected = (_("Something went wrong here"), sorry, away)
    if isinstance(error, CSRFError):
        return (
            _("This page was open too long"),
            _("Nothing was saved. Go back, reload it and send again."),
            alert,
        )
    title, text, icon_name = titles.get(status, titles[400] if status < 500 else unexpected)
    if isinstance(error, DomainError) and status in (400, 409, 413) and error.message:
        text = error.message
    return title, text, icon_name


def render_error_page(error: Exception, status: int) -> Response:
    """Return the page of an error; who is not signed in goes to the login and comes back afterwards."""
    if isinstance(error, Unauthorized):
        wanted = request.full_path.rstrip("?") if request.method == "GET" else "/"
        return go(login_url(wanted))
    title, text, icon_name = said(error, status)
    blockers = page_edits.blocker_links(error.blockers) if isinstance(error, Conflict) else []
    again = status >= 500 and request.method == "GET"
    ways = [(_("Try again"), request.full_path.rstrip("?"), "refresh")] if again else []
    values = {
        "title": title,
        "text": text,
        "status": status,
        "request_id": getattr(g, "request_id", ""),
        "problem_icon": icon_name,
        "blockers": [(label, url) for label, url in blockers if url],
        "ways": [*ways, (_("Go to the dashboard"), url_for("dashboard.index"), "layout-dashboard")],
        "crumbs": [(title, None)],
    }
    layout = _layout(status)
    try:
        if context := g.get("context"):
            context.session.rollback()
        body = render_template("errors/problem.html", layout=layout, **values)
    except Exception:
        current_app.logger.exception("the error page failed")
        body = render_template("errors/plain.html", **values)
    response = make_response(body, status)
    if isinstance(error, HTTPException) and status in (301, 302, 308):
        response.headers.extend(error.get_headers())
    return response


def login_url(wanted: str) -> str:
    """Return where to sign in, and where to go on to afterwards."""
    query = f"?{urlencode({'next': wanted})}" if wanted != "/" else ""
    return f"/login{query}"


def _layout(status: int) -> str:
    if "HX-Request" in request.headers:
        return "layouts/dialog.html" if request.headers.get("HX-Target") == "dialog" else "layouts/bare.html"
    return "base.html" if g.get("context") is not None and status < 500 else "gate.html"


def init_app(app: Flask, blueprints: Iterable[Blueprint] = ()) -> None:
    """Give an app its pages: the features' own ones first, then the generic ones of every resource."""
    known: dict[str, Any] = {
        "navigation": navigation,
        "settings_menu": settings_menu,
        "htmx_config": partial(json.dumps, HTMX),
        "locale_tag": lambda: str(get_locale() or "en").replace("_", "-"),
        "text_direction": lambda: getattr(get_locale(), "text_direction", "ltr"),
        "initials_of": initials_of,
        "tone_of": tone_of,
    }
    app.jinja_env.globals.update(known)
    register_face("/", render_error_page)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    app.add_url_rule("/", "dashboard.index", page(dashboard), methods=GET)
    search_page.init_app(app)
    app.add_url_rule("/changes/<change_set_id>/undo", "changes.undo", page(page_edits.undo_changes), methods=POST)
    app.add_url_rule("/jobs/<int(max=9223372036854775807):job_id>", "jobs.detail", page(job_page), methods=GET)
    for resource in registry.resources.values():
        add_pages(app, resource)
