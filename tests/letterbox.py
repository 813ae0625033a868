"""Where letters of tests end up: a real SMTP server on this machine, or the folder of an application."""

import email
import email.policy
import re
import time
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from flask import Flask

from tests.processes import free_port
from webapp.core.jobs import run_due

LINK = re.compile(r"https?://\S+\?token=[\w-]+")


class LetterBox:
    """An SMTP server that keeps what it is sent."""

    def __init__(self) -> None:
        self.letters: list[tuple[list[str], EmailMessage]] = []
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self.url = f"smtp://127.0.0.1:{self.controller.port}"
        self.controller.start()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 aiosmtpd's name
        """Keep a letter."""
        self.letters.append((envelope.rcpt_tos, parsed(envelope.content)))
        return "250 OK"

    def wait_for(self, address: str, seconds: float = 15) -> EmailMessage:
        """Return the first letter to an address, once it is there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for receivers, letter in self.letters:
                if receivers == [address]:
                    return letter
            time.sleep(0.05)
        raise AssertionError(f"no letter came to {address}")

    def close(self) -> None:
        """Stop the server."""
        self.controller.stop()


def parsed(content: bytes) -> EmailMessage:
    """Return a message as its receiver reads it."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(letter: EmailMessage, kind: str = "plain") -> str:
    """Return the words of a letter."""
    body = letter.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def link_in(letter: EmailMessage) -> str:
    """Return the link that a letter carries."""
    found = LINK.search(text_of(letter))
    assert found, text_of(letter)
    return found[0]


def letters_to(app: Flask, address: str) -> list[EmailMessage]:
    """Let the worker's part be done, and return the letters that went to an address, the oldest first."""
    with app.app_context():
        while run_due():
            pass
    files = sorted(Path(app.config["INSTANCE_DIR"], "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [letter for letter in (parsed(path.read_bytes()) for path in files) if letter["To"] == address]


def path_in(letter: EmailMessage) -> str:
    """Return the link of a letter without its host, as a test's client follows it."""
    return "/" + link_in(letter).split("/", 3)[3]
