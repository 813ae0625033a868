"""Outgoing mail: into a folder by default, through SMTP when MAIL_URL says so."""

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from email.encoders import encode_base64
from email.mime.base import MIMEBase
from email.utils import make_msgid
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app
from flask_babel import lazy_gettext as _l
from flask_mailman import EmailMultiAlternatives, Mail
from flask_mailman.backends.base import BaseEmailBackend

from webapp.core.context import Context
from webapp.core.files import store
from webapp.core.jobs import JobRun, job

ADDRESS = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,253}")
NOT_IN_HEADERS = re.compile(r"[\x00-\x20\x7f\x85\u2028\u2029]+")
SMTP_TIMEOUT = 10


def init_app(app: Flask) -> None:
    """Set mail up as MAIL_URL says; raise ValueError when it makes no sense."""
    app.config.update(_backend(app.config["MAIL_URL"]), MAIL_DEFAULT_SENDER=app.config["MAIL_FROM"])
    Mail().init_app(app)


def letter(
    to: Sequence[str], subject: str, text: str, html: str | None = None, files: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """Return the payload of a "mail" job; raise ValueError for a receiver that is no plain address.

    The message's id is fixed here, so that a job which runs again sends a copy that receivers can tell as one. `files`
    are stored ones, by their `key`, with `name` and `type`: they are read when the letter is sent.
    """
    for address in to:
        if not ADDRESS.fullmatch(address):
            raise ValueError(f"{address!r} is not a mail address")
    host = urlsplit(current_app.config["BASE_URL"]).hostname
    return {
        "to": list(to),
        "subject": NOT_IN_HEADERS.sub(" ", subject).strip(),
        "text": text,
        "html": html,
        "message_id": make_msgid(domain=host),
        "files": [dict(file) for file in files],
    }


def send(to: Sequence[str], subject: str, text: str, html: str | None = None) -> None:
    """Send a message now; inside a request put a "mail" job with `letter` into the transaction instead."""
    deliver(letter(to, subject, text, html))


def deliver(payload: dict[str, Any], organization_id: int = 0) -> None:
    """Send what `letter` made; raise OSError or smtplib.SMTPException when the server does not take it."""
    message = EmailMultiAlternatives(
        subject=payload["subject"],
        body=payload["text"],
        to=payload["to"],
        headers={"Message-ID": payload["message_id"], "Auto-Submitted": "auto-generated"},
    )
    if payload["html"]:
        message.attach_alternative(payload["html"], "text/html")
    for file in payload.get("files", ()):
        part = MIMEBase(*file["type"].split("/"))
        with store().open(file["key"], organization_id) as stored:
            part.set_payload(stored.read())
        encode_base64(part)  # byte for byte: as text its line ends would change on the way
        part.add_header("Content-Disposition", "attachment", filename=file["name"])
        message.attach(part)
    message.send()


@job("mail", _l("E-mail"))
def send_letter(context: Context, run: JobRun) -> None:
    """Send one letter; the job table keeps it until the server has taken it."""
    deliver(run.payload, context.organization_id)


class FolderBackend(BaseEmailBackend):
    """Write each message as one .eml file, named by its id, so that the same message is one file."""

    def send_messages(self, email_messages: Iterable[EmailMultiAlternatives]) -> int:
        """Write messages and return how many."""
        folder = Path(self.mailman.file_path)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        count = 0
        for email in email_messages:
            message = email.message()
            name = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:32]
            draft = folder / f".{name}.{os.getpid()}"
            draft.write_bytes(message.as_bytes())
            draft.chmod(0o600)
            draft.replace(folder / f"{name}.eml")
            count += 1
        return count


def _backend(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path:
        return {"MAIL_BACKEND": FolderBackend, "MAIL_FILE_PATH": unquote(parts.path)}
    if parts.scheme in ("smtp", "smtps") and parts.hostname:
        secure = parts.scheme == "smtps"
        return {
            "MAIL_BACKEND": "smtp",
            "MAIL_SERVER": parts.hostname,
            "MAIL_PORT": parts.port or (465 if secure else 587 if parts.username else 25),
            "MAIL_USERNAME": unquote(parts.username or "") or None,
            "MAIL_PASSWORD": unquote(parts.password or "") or None,
            "MAIL_USE_SSL": secure,
            "MAIL_USE_TLS": bool(parts.username) and not secure,
            "MAIL_TIMEOUT": SMTP_TIMEOUT,
        }
    raise ValueError("MAIL_URL must be file:///folder, smtp://host or smtps://host")
