"""The letters that accounts send: text and simple HTML from templates/email, in the receiver's language."""

from typing import Any
from urllib.parse import urlencode

from flask import current_app, render_template
from flask_babel import force_locale

from webapp.edge import mail


def link_to(path: str, token: str) -> str:
    """Return the full address of a page for who holds a token; its origin comes from BASE_URL alone."""
    return f"{current_app.config['BASE_URL']}{path}?{urlencode({'token': token})}"


def send_letter(to: str, subject: Any, template: str, locale: str, **values: Any) -> None:
    """Send a letter now, from `email/<template>.txt` and `.html`; `subject` is a function, asked in that language."""
    with force_locale(locale):
        text = render_template(f"email/{template}.txt", **values)
        html = render_template(f"email/{template}.html", **values)
        mail.send([to], str(subject()), text, html)
