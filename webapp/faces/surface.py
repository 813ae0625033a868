"""What every page shares: permission, dialogs, toasts, and a form that counts once."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any

from flask import Response, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.access import require
from webapp.core.activity import change_set
from webapp.core.context import Context, current_context
from webapp.core.errors import Conflict, NotFound
from webapp.core.jobs import job_title
from webapp.core.resource import registry
from webapp.core.tenancy import hold
from webapp.faces.rendering import Renderer

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


def number_in(values: Mapping[str, str], name: str) -> int | None:
    """Return an id that a request says, 0 for one that can be no row's, None when it says none."""
    text = values.get(name, "")
    if not text:
        return None
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


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


def own_change(context: Context, change_set_id: str) -> int:
    """Return how many lines of a change set the actor has written, who may take them back.

    Raises NotFound when there are none, Forbidden, and Conflict for what cannot be taken back.
    """
    actor = context.actor
    lines = change_set(context, change_set_id)
    own = [e for e in lines if (e["actor_user_id"], e["api_key_id"]) == (actor.user_id, actor.api_key_id)]
    if not own:
        raise NotFound("there is no such change")
    for table in {line["item_type"] for line in own}:
        resource = registry.by_table(table)
        if resource is None:
            raise Conflict(_("This cannot be taken back."))
        require(actor, resource.write_permission)
    return len(own)


def once(context: Context, nonce: str) -> tuple[Context, list[dict[str, Any]]]:
    """Return (context that writes under a form's nonce, what the same form has already done).

    The nonce becomes the change set's id, so a second send finds the first one's lines; on PostgreSQL two at the same
    moment queue on a lock, on SQLite they queue anyway.
    """
    try:
        change_set_id = str(uuid.UUID(nonce))
    except ValueError:
        return context, []
    hold(context.session, f"change set {change_set_id}")
    done = list(change_set(context, change_set_id))
    return context.with_change_set(change_set_id), done


def job_card(row: Mapping[str, Any], renderer: Renderer, **words: Any) -> dict[str, Any]:
    """Return what the macro `job_card` draws of a job; `words` win: title, meta, icon, counts, poll_url, cancel_url."""
    done, total = renderer.number(row["done"]), renderer.number(row["total"])
    running = row["state"] in ("queued", "running")
    if row["total"]:
        percent = renderer.share(row["done"], row["total"])
        summary = _("%(done)s of %(total)s, %(percent)s", done=done, total=total, percent=percent)
    else:
        summary = _("Waiting for a free worker") if row["state"] == "queued" else done
    return {
        "id": row["id"],
        "title": job_title(row["kind"]),
        "meta": _("Asked for %(when)s by %(who)s.", when=renderer.moment(row["created_at"]), who=row["actor"]["name"]),
        "icon": "loader-2" if running else "check",
        "done": row["done"],
        "total": row["total"],
        "running": running,
        "failed": row["state"] in ("failed", "cancelled"),
        "message": row["message"] or (_("It was stopped.") if row["state"] == "cancelled" else _("It failed.")),
        "summary": summary if running else row["message"] or _("Done"),
        "counts": [f"{renderer.number(n)} {name}" for name, n in row["counts"].items() if isinstance(n, int)],
        "poll_url": url_for("jobs.detail", job_id=row["id"]),
        **words,
    }
