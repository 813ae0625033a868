"""What every page shares: permission, dialogs, toasts, and a form that counts once."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from flask import Response, flash, make_response, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from webapp.core.access import require
from webapp.core.activity import change_set
from webapp.core.context import Context, current_context
from webapp.core.tenancy import CHECKED

View = Callable[..., ResponseReturnValue]


def page(view: View, permission: str | None = None) -> View:
    """Return a view that gets the context first and needs a permission; the application commits what it wrote."""

    @wraps(view)
    def answer(**values: Any) -> Response:
        context = current_context()
        if permission:
            require(context.actor, permission)
        return make_response(view(context, **values))

    return answer


def in_dialog() -> bool:
    """Tell whether htmx asks for what goes into the page's dialog."""
    return request.headers.get("HX-Target") == "dialog"


def is_fragment(target: str) -> bool:
    """Tell whether htmx asks for the content of an element of a page that it already has."""
    return request.headers.get("HX-Target") == target and "HX-History-Restore-Request" not in request.headers


def go(url: str) -> Response:
    """Send the reader to another page, out of a dialog too."""
    if "HX-Request" in request.headers:
        return Response(status=204, headers={"HX-Redirect": url})
    return make_response(redirect(url, 303))


def toast(said: str, **ways: str | None) -> None:
    """Have the next page say one sentence, with a way back: `undo_url`, `undo_label`, `link_url`, `link_label`."""
    flash({"text": said, **ways}, "toast")  # type: ignore[arg-type] # flash keeps any JSON


def safe_next(url: str | None, fallback: str) -> str:
    """Return a path of this site to go on to, the fallback for anything that leads elsewhere."""
    if not url or not url.startswith("/") or url.startswith(("//", "/\\")) or any(ord(c) < 32 for c in url):
        return fallback
    return url


def forced(context: Context) -> Context:
    """Return the context marked as forced, as undo and restore write in it."""
    changed = replace(context, forced=True)
    context.session.info["context"] = changed
    return changed


def once(context: Context, nonce: str) -> tuple[Context, list[dict[str, Any]]]:
    """Return (context that writes under a form's nonce, what the same form has already done).

    The nonce becomes the change set's id, so a second send finds the first one's lines; on PostgreSQL two at the same
    moment queue on a lock, on SQLite they queue anyway.
    """
    try:
        change_set_id = str(uuid.UUID(nonce))
    except ValueError:
        return context, []
    if context.session.get_bind().dialect.name == "postgresql":
        key = uuid.UUID(change_set_id).int & (2**63 - 1)
        context.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key}, execution_options=CHECKED)
    done = list(change_set(context, change_set_id))
    return context.with_change_set(change_set_id), done
