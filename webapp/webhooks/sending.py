"""One message on its way out: through the safe fetch rules, with what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any

from flask import current_app
from flask_babel import gettext as _

from webapp.edge.fetch import FetchError, FetchRefused, Opening, check_address, fetch
from webapp.webhooks.signing import headers_for, open_secret

SECONDS, ANSWER_BYTES = 15.0, 2_048
BUSY = frozenset({408, 425, 429, 502, 503, 504})
"""What a receiver says when it is down or has too much to do, whatever the message is."""


@dataclass(frozen=True)
class Outcome:
    """What became of one try: the answer's status and beginning, or why there was none."""

    delivery_id: int
    at: datetime
    status: int | None = None
    error: str | None = None
    answer: str | None = None
    milliseconds: int = 0
    retry_after: timedelta = timedelta()
    is_unsigned: bool = False

    @property
    def is_delivered(self) -> bool:
        """Tell whether the receiver has taken the message."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_refused(self) -> bool:
        """Tell whether the receiver is there and does not want this message."""
        return self.status is not None and not self.is_delivered and self.status not in BUSY


def opening() -> Opening:
    """Return what the operator has opened of the own network."""
    return Opening.of(current_app.config["OUTGOING_ALLOW"])


def address_faults(url: str) -> list[str]:
    """Return what is wrong with the address of a webhook, as far as it shows before a name is looked up."""
    try:
        check_address(url, opening())
    except FetchRefused as error:
        return [_("We do not send to this address: %(reason)s.", reason=error.message)]
    return []


def send(hook: Mapping[str, Any], delivery: Mapping[str, Any], at: datetime) -> Outcome:
    """Send a message now and return what became of it; nothing of the database is touched meanwhile."""
    secrets = [hook["secret"]]
    if hook["previous_secret"] and hook["previous_until"] and hook["previous_until"] > at:
        secrets.append(hook["previous_secret"])
    keys = [key for sealed in secrets if (key := open_secret(sealed, hook["guid"]))]
    if not keys or delivery["payload"] is None:
        return Outcome(delivery["id"], at, error="its secret cannot be read", is_unsigned=True)
    begun, body = monotonic(), delivery["payload"]
    try:
        answer = fetch(
            hook["url"],
            body=body.encode(),
            headers=headers_for(delivery["message_id"], at, body, keys),
            limit=ANSWER_BYTES,
            cut=True,
            seconds=SECONDS,
            opening=opening(),
        )
    except FetchError as error:
        return Outcome(delivery["id"], at, error=error.message, milliseconds=_since(begun))
    return Outcome(
        delivery["id"],
        at,
        answer.status,
        answer=answer.body.decode("utf-8", "replace").replace("\x00", "\ufffd"),
        milliseconds=_since(begun),
        retry_after=_retry_after(answer.headers.get("retry-after", ""), at) if answer.status in BUSY else timedelta(),
    )


def _since(begun: float) -> int:
    return int((monotonic() - begun) * 1000)


def _retry_after(text: str, at: datetime) -> timedelta:
    """Return how long a receiver asks us to wait, a day at most: seconds or a date (RFC 9110, 10.2.3)."""
    try:
        asked = timedelta(seconds=int(text)) if text.isdecimal() and len(text) < 9 else parsedate_to_datetime(text) - at
    except (ValueError, TypeError):
        return timedelta()
    return min(max(asked, timedelta()), timedelta(days=1))
