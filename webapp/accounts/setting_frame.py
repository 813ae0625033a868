"""What the settings' pages share: their menu, the question before something is taken away, the permission."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from webapp.core.context import current_context
from webapp.faces.navigation import settings_menu
from webapp.faces.surface import in_dialog, page


def settings_page(template: str, title: str, **values: Any) -> str:
    """Return a page of the settings, with their menu beside it."""
    crumbs = [(_("Settings"), None), *values.pop("crumbs", [(title, None)])]
    return render_template(template, title=title, crumbs=crumbs, menu=settings_menu(current_context().actor), **values)


def confirm_page(title: str, verb: str, back: str, words: str, problem: str = "") -> str:
    """Return the question before something is taken away, as a page or for the dialog."""
    return render_template(
        "resource/confirm.html",
        title=title,
        crumbs=[(_("Settings"), None), (title, None)],
        action=request.path,
        cancel_url=url_for(back),
        verb=verb,
        rows=[],
        more=0,
        words=words,
        problem=problem,
        blockers=[],
        hidden=[],
        in_dialog=in_dialog(),
    )


def route(
    blueprint: Blueprint,
    rule: str,
    endpoint: str,
    view: Any,
    permission: str,
    *methods: str,
    only: tuple[str, ...] = (),
) -> None:
    """Serve a view that takes the context, to those who hold a permission: GET and `methods`, or `only` some."""
    blueprint.add_url_rule(rule, endpoint, page(view, permission), methods=list(only) or ["GET", *methods])
