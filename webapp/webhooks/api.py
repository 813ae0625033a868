"""Webhooks through the API beyond the usual: making one, its secret, tests, its messages."""

from collections.abc import Mapping
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from flask_smorest import Blueprint
from marshmallow import RAISE, Schema

from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.fields import LARGEST_ID, Choice, Text
from webapp.core.parameters import PER_PAGE, PER_PAGE_LIMIT
from webapp.core.query import get_row
from webapp.faces import openapi
from webapp.faces.api import PREFIX, answer, entered, idempotent, json_body, load, one
from webapp.faces.serialize import dump, moment_text, to_plain
from webapp.webhooks import rules
from webapp.webhooks.models import DELIVERY_STATES
from webapp.webhooks.resources import WEBHOOKS, WebhookSchema

blueprint = Blueprint("api_webhooks_own", __name__, url_prefix=f"{PREFIX}/webhooks")
SECRET_ONCE = "The secret is in this answer alone; keep it to verify signatures (standardwebhooks.com)."  # noqa: S105 words
NULLABLE_MOMENT = {"type": ["string", "null"], "format": "date-time"}
DELIVERY: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "message_id": {"type": "string", "description": "The header `webhook-id`, the same at every try"},
        "event": {"type": "string"},
        "state": {"type": "string", "enum": list(DELIVERY_STATES)},
        "count": {"type": "integer", "description": "How many things it is about"},
        "first_sequence": {"type": ["integer", "null"]},
        "last_sequence": {"type": ["integer", "null"]},
        "attempts": {"type": "integer"},
        "next_at": {**NULLABLE_MOMENT, "description": "Not before this it is tried again"},
        "last_status": {"type": ["integer", "null"]},
        "last_error": {"type": ["string", "null"]},
        "duration_ms": {"type": ["integer", "null"]},
        "created_at": {"type": "string", "format": "date-time"},
        "attempted_at": NULLABLE_MOMENT,
        "finished_at": NULLABLE_MOMENT,
    },
}
WHOLE_DELIVERY: dict[str, Any] = {
    "type": "object",
    "properties": {
        **DELIVERY["properties"],
        "payload": {"type": ["string", "null"], "description": "The body as it is signed; kept for 30 days"},
        "answer": {"type": ["string", "null"], "description": "The first 2,048 bytes of the last answer"},
    },
}
DELIVERIES: dict[str, Any] = {
    "type": "object",
    "required": ["data", "pagination"],
    "properties": {
        "data": {"type": "array", "items": DELIVERY},
        "pagination": {
            "type": "object",
            "properties": {"per_page": {"type": "integer"}, "next_cursor": {"type": ["string", "null"]}},
        },
    },
}
PARAMETERS = [
    {"name": "state", "in": "query", "schema": {"type": "string", "enum": list(DELIVERY_STATES)}},
    {"name": "cursor", "in": "query", "schema": {"type": "string", "pattern": "^[0-9]{1,18}$"}},
    {
        "name": "per_page",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": PER_PAGE_LIMIT, "default": PER_PAGE},
    },
]


class MadeWebhookSchema(WebhookSchema):
    """A webhook as the answers show it that carry its secret."""

    secret = Text(dump_only=True)


class StartSchema(Schema):
    """Where a webhook goes on that is switched on again."""

    start = Choice({"missed": "missed", "now": "now"}, load_default="missed", nullable=False)


@blueprint.post("")
@openapi.document(
    "webhooks",
    "Make a webhook; its secret is in this answer alone",
    MadeWebhookSchema(),
    status=201,
    errors=openapi.BODY_ERRORS,
    parameters=[openapi.IDEMPOTENCY],
    body=openapi.json_body(WEBHOOKS.schema_for()),
    description=SECRET_ONCE,
)
@idempotent(secret=True)
def create() -> Response:
    """Make a webhook that is told of what comes from now on."""
    context = entered(WEBHOOKS, write=True)
    row_id, secret = rules.create_webhook(context, WEBHOOKS, load(WEBHOOKS.schema_for(), json_body()))
    return _with_secret(context, row_id, secret, 201, Location=f"{PREFIX}/webhooks/{row_id}")


@blueprint.post("/<row_id:row_id>/rotate-secret")
@openapi.document(
    "webhooks",
    "Give a webhook another secret; the one before signs along for 24 hours",
    MadeWebhookSchema(),
    errors=(404, 409, 422),
    parameters=[openapi.IDEMPOTENCY],
    description=SECRET_ONCE,
)
@idempotent(secret=True)
def rotate_secret(row_id: int) -> Response:
    """Rotate a secret."""
    context = entered(WEBHOOKS, write=True)
    return _with_secret(context, row_id, rules.rotate_secret(context, row_id), 200)


def _with_secret(context: Context, row_id: int, secret: str, status: int, **headers: str) -> Response:
    row = get_row(context, WEBHOOKS, row_id)
    body = dump({"data": {**to_plain(WEBHOOKS, row), "secret": secret}})
    return answer(body, status, ETag=f'"{row["version"]}"', **headers)


@blueprint.post("/<row_id:row_id>/enable")
@openapi.document(
    "webhooks",
    "Switch a webhook on: it goes on with what it missed, or from now",
    WEBHOOKS.schema_for(),
    errors=(404, *openapi.BODY_ERRORS),
    parameters=[openapi.IDEMPOTENCY],
    body=openapi.json_body(StartSchema()),
)
@idempotent
def enable(row_id: int) -> Response:
    """Switch a webhook on."""
    context = entered(WEBHOOKS, write=True)
    rules.get_webhook(context, row_id)
    wanted = load(StartSchema(unknown=RAISE), json_body())
    rules.enable(context, row_id, from_now=wanted["start"] == "now")
    return one(context, WEBHOOKS, row_id)


@blueprint.post("/<row_id:row_id>/test")
@openapi.document(
    "webhooks",
    "Send a test; the delivery tells what was answered",
    WHOLE_DELIVERY,
    status=202,
    errors=(404, 409, 422),
    parameters=[openapi.IDEMPOTENCY],
)
@idempotent
def test(row_id: int) -> Response:
    """Send a message of the type `webhook.test`, whatever the webhook's state."""
    context = entered(WEBHOOKS, write=True)
    return _one(context, row_id, rules.send_test(context, row_id))


@blueprint.get("/<row_id:row_id>/deliveries")
@openapi.document(
    "webhooks",
    "The messages of a webhook, the newest first",
    DELIVERIES,
    errors=(404, 422),
    parameters=PARAMETERS,
    envelope=False,
)
def deliveries(row_id: int) -> Response:
    """Answer with a page of messages; `cursor` goes on behind the last one."""
    context = entered(WEBHOOKS, write=False, parameters=True)
    state, before, per_page = _asked()
    found = rules.list_deliveries(context, row_id, state=state, before_id=before, limit=per_page + 1)
    shown = found[:per_page]
    cursor = str(shown[-1]["id"]) if len(found) > per_page else None
    data = [plain_delivery(row) for row in shown]
    return answer(dump({"data": data, "pagination": {"per_page": per_page, "next_cursor": cursor}}))


@blueprint.get("/<row_id:row_id>/deliveries/<row_id:delivery_id>")
@openapi.document("webhooks", "A message, with what it says and what was answered", WHOLE_DELIVERY, errors=(404, 422))
def delivery(row_id: int, delivery_id: int) -> Response:
    """Answer with a message."""
    context = entered(WEBHOOKS, write=False)
    return answer(dump({"data": plain_delivery(rules.get_delivery(context, row_id, delivery_id))}))


@blueprint.post("/<row_id:row_id>/deliveries/<row_id:delivery_id>/resend")
@openapi.document(
    "webhooks",
    "Send a message again, or now rather than later",
    WHOLE_DELIVERY,
    status=202,
    errors=(404, 409, 422),
    parameters=[openapi.IDEMPOTENCY],
)
@idempotent
def resend(row_id: int, delivery_id: int) -> Response:
    """Send a message again under its id."""
    context = entered(WEBHOOKS, write=True)
    rules.send_again(context, row_id, delivery_id)
    return _one(context, row_id, delivery_id)


def _one(context: Context, row_id: int, delivery_id: int) -> Response:
    body = dump({"data": plain_delivery(rules.get_delivery(context, row_id, delivery_id))})
    return answer(body, 202, Location=f"{PREFIX}/webhooks/{row_id}/deliveries/{delivery_id}")


def _asked() -> tuple[str | None, int | None, int]:
    """Return (state, the id to go on behind, how many) of the query string; raises Invalid."""
    given = {name: request.args[name] for name in request.args}
    errors = {name: [_("There is no such parameter here.")] for name in given.keys() - {"state", "cursor", "per_page"}}
    numbers: dict[str, int] = {}
    for name, most in (("cursor", LARGEST_ID), ("per_page", PER_PAGE_LIMIT)):
        text = given.get(name, "")
        if name in given:
            numbers[name] = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
            if not 1 <= numbers[name] <= most:
                errors[name] = [_("This must be from %(low)s to %(high)s.", low=1, high=most)]
    if errors:
        raise Invalid(errors)
    return given.get("state"), numbers.get("cursor"), numbers.get("per_page", PER_PAGE)


def plain_delivery(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as the API shows it."""
    shown = {name: row[name] for name in WHOLE_DELIVERY["properties"] if name in row}
    if row["state"] != "waiting":
        shown["next_at"] = None
    return {name: moment_text(v) if name.endswith("_at") and v else v for name, v in shown.items()}
