"""A receiver that really listens, and an organization whose operator lets webhooks reach this machine."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest
from flask import Flask
from standardwebhooks.webhooks import Webhook as Verifier

from tests.conftest import NewDatabase
from tests.households import Household, found_organization
from tests.rows import Row, seal_log, stored
from webapp.core.jobs import run_due
from webapp.webhooks import jobs
from webapp.webhooks.models import DELIVERIES, WEBHOOKS
from webapp.webhooks.resources import WEBHOOKS as RESOURCE
from webapp.webhooks.rules import create_webhook


@dataclass
class Told:
    """A message as it came in."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """Return what it says."""
        found: dict[str, Any] = orjson.loads(self.body)
        return found

    @property
    def sequences(self) -> list[int]:
        """Return the lines of the log that it is about."""
        return [item["sequence"] for item in self.json["data"]["items"]]


@dataclass
class Receiver:
    """What listens at an address: what it was told, and what it says to that."""

    told: list[Told] = field(default_factory=list)
    status: int | Callable[[Told], int] = 204
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""
    server: ThreadingHTTPServer | None = None
    port: int = 0

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.port}/in?from=us"

    def start(self) -> None:
        """Listen, where it listened before."""
        receiver = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                told = Told({name.lower(): value for name, value in self.headers.items()}, body)
                receiver.told.append(told)
                status = receiver.status
                self.send_response(status(told) if callable(status) else status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: Any) -> None:
                pass

        ThreadingHTTPServer.allow_reuse_address = True
        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Door)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Listen no more: who connects is refused."""
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
        self.server = None

    def sequences(self) -> list[int]:
        """Return the lines of the log that all messages are about, in the order in which they came."""
        return [sequence for told in self.told if "items" in told.json["data"] for sequence in told.sequences]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a receiver that listens."""
    found = Receiver()
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def open_app(new_app: Callable[..., Flask], new_database: NewDatabase) -> Flask:
    """Return an application whose operator has opened this machine to webhooks."""
    return new_app(new_database(), OUTGOING_ALLOW="127.0.0.1")


@pytest.fixture
def organization(open_app: Flask) -> Household:
    """Return a fresh organization in it."""
    return found_organization(open_app)


@dataclass
class Post:
    """Webhooks of an organization as tests use them."""

    household: Household
    receiver: Receiver

    def make(self, *events: str, **more: Any) -> tuple[int, str]:
        """Make a webhook to the receiver, which begins behind what the log holds by now; return (id, secret)."""
        seal_log(self.household.app, self.household.id)
        patch = {"name": "ERP", "url": self.receiver.url, "events": list(events) or ["assets.*"], **more}
        with self.household.context() as context:
            made = create_webhook(context, RESOURCE, RESOURCE.schema_for().load(patch))
            context.session.commit()
        return made

    def run(self) -> None:
        """Let the worker do what is due now."""
        seal_log(self.household.app, self.household.id)
        with self.household.app.app_context():
            while run_due() or jobs.hand_out():
                pass

    def hook(self) -> Row:
        """Return the webhook as it is kept; there is one."""
        (row,) = self.hooks()
        return row

    def hooks(self) -> list[Row]:
        """Return the webhooks as they are kept."""
        with self.household.context(write=False) as context:
            return stored(context, WEBHOOKS)

    def deliveries(self) -> list[Row]:
        """Return the messages as they are kept, in order."""
        with self.household.context(write=False) as context:
            return sorted(stored(context, DELIVERIES), key=lambda row: int(row["id"]))

    def states(self) -> list[str]:
        """Return the states of the messages, in order."""
        return [row["state"] for row in self.deliveries()]


@pytest.fixture
def post(organization: Household, receiver: Receiver) -> Post:
    """Return the organization's webhooks."""
    return Post(organization, receiver)


def is_signed(told: Told, secret: str) -> bool:
    """Tell whether a receiver with this secret believes a message."""
    try:
        Verifier(secret).verify(told.body, told.headers)
    except Exception:  # noqa: BLE001 the library has a class of its own for each fault
        return False
    return True
