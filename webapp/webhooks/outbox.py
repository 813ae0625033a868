"""From the log to messages: the activity log in the order of its seals is the outbox that webhooks read on from.

What a message says is what the history says; how far a webhook has read moves in the transaction that makes the
messages, so that no line is left out and none makes two.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

import orjson
from sqlalchemy import func, insert, select, update
from werkzeug.datastructures import MultiDict

from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.parameters import Filter, ListParameters
from webapp.core.query import matching_ids
from webapp.core.resource import Resource, registry
from webapp.core.seals import seal_finished, sealed_lines
from webapp.core.tenancy import CHECKED, scoped
from webapp.faces.api import history_line
from webapp.faces.serialize import moment_text
from webapp.webhooks.events import told_of, type_of, wants
from webapp.webhooks.models import DELIVERIES, WEBHOOKS

LINES, ROUNDS = 1_000, 5
"""How many lines are read at once, and how often before the transaction ends."""
BACKLOG = 20
"""How many messages wait for a receiver: what comes after them waits in the log."""
MOST_ITEMS, MOST_BYTES = 500, 1_000_000
Row = Mapping[str, Any]


@dataclass
class Message:
    """Neighbouring lines of one change set about one kind of thing."""

    resource: Resource
    type: str
    lines: list[Row]
    items: list[bytes] = field(default_factory=list)
    size: int = 0

    def takes(self, resource: Resource, type_: str, line: Row) -> bool:
        """Tell whether another line belongs to this message and has room in it."""
        first = self.lines[0]
        return (
            type_ == self.type
            and resource is self.resource
            and bool(line["change_set_id"])
            and all(line[name] == first[name] for name in ("change_set_id", "actor_name", "face"))
            and len(self.lines) < MOST_ITEMS
            and self.size < MOST_BYTES
        )

    def add(self, line: Row, guid: str | None) -> None:
        """Take a line in as an item: a thing with what changed, field by field."""
        item = {
            "id": line["item_id"],
            "guid": guid,
            "name": line["item_name"],
            "changes": history_line(line, self.resource)["changes"],
            "sequence": line["sequence"],
        }
        self.items.append(orjson.dumps(item))
        self.size += len(self.items[-1])


def refill(context: Context, hook: Row) -> bool:
    """Make messages of what the log has behind a webhook's cursor until enough wait; tell whether there may be more.

    Raises Invalid when the webhook's filter no longer means anything.
    """
    session, cursor = context.session, int(hook["sequence"])
    mine = scoped(session, DELIVERIES) & (DELIVERIES.c.webhook_id == hook["id"])
    counted = select(func.count()).where(mine, DELIVERIES.c.state == "waiting", DELIVERIES.c.by_hand.is_(False))
    room = BACKLOG - session.execute(counted, execution_options=CHECKED).scalar_one()
    if room <= 0:
        return False
    seal_finished(session)
    more = True
    for _round in range(ROUNDS):
        lines = sealed_lines(session, cursor, LINES)
        if not lines or room <= 0:
            more = bool(lines)
            break
        made, cursor = messages_of(context, hook, lines)
        if made:
            rows = [_delivery(context, hook, message) for message in made]
            session.execute(insert(DELIVERIES), rows, execution_options=CHECKED)
            room -= len(made)
    own = scoped(session, WEBHOOKS) & (WEBHOOKS.c.id == hook["id"])
    session.execute(update(WEBHOOKS).where(own).values(sequence=cursor), execution_options=CHECKED)
    return more


def messages_of(context: Context, hook: Row, lines: list[dict[str, Any]]) -> tuple[list[Message], int]:
    """Return the messages that lines of the log make, and the sequence of the last line that is dealt with.

    When there are as many lines as are read at once the last message may go on behind them: it is left for then.
    """
    wanted = _wanted(context, hook, lines)
    guids = {name: _guids(context, resource, ids) for name, (resource, ids) in _ids(wanted).items()}
    messages: list[Message] = []
    for resource, type_, line in wanted:
        if not messages or not messages[-1].takes(resource, type_, line):
            messages.append(Message(resource, type_, []))
        messages[-1].lines.append(line)
        messages[-1].add(line, guids[resource.name].get(line["item_id"]))
    if len(lines) == LINES and len(messages) > 1 and len(messages[-1].lines) < MOST_ITEMS:
        return messages[:-1], messages[-1].lines[0]["sequence"] - 1
    return messages, lines[-1]["sequence"]


def _wanted(context: Context, hook: Row, lines: Iterable[Row]) -> list[tuple[Resource, str, Row]]:
    """Return (resource with own fields, type, line) of the lines that a webhook is to be told of."""
    by_table = {resource.table.name: resource for resource in told_of().values()}
    tailored: dict[str, Resource] = {}
    found = []
    for line in lines:
        known = by_table.get(line["item_type"])
        if known is not None and wants(hook["events"], type_ := type_of(known, line["event"])):
            resource = tailored.get(known.name) or tailored.setdefault(known.name, tailor(context, known))
            found.append((resource, type_, line))
    if not hook["filter"] or not found:
        return found
    resource = found[0][0]
    parameters = parse_filter(resource, hook["filter"])
    let_in = _matching(context, resource, parameters, {line["item_id"] for _resource, _type, line in found})
    return [one for one in found if one[2]["item_id"] in let_in or _has_left(parameters, one[2])]


def parse_filter(resource: Resource, text: str) -> ListParameters:
    """Return what a filter, a list's query string, asks for; raises Invalid."""
    return ListParameters.parse(resource, MultiDict(parse_qsl(text, keep_blank_values=True)))


def _matching(context: Context, resource: Resource, parameters: ListParameters, ids: set[int]) -> set[int]:
    """Return those ids whose things a filter lets through as they are now, living or deleted."""
    among = Filter("id", "id", "in", sorted(ids), "id_in", "")
    narrowed = replace(parameters, filters=(*parameters.filters, among))
    both = (narrowed, replace(narrowed, deleted=True))
    asked = both if "deleted_at" in resource.table.c else both[:1]
    return {row_id for each in asked for row_id in matching_ids(context, resource, each, len(ids))}


def _has_left(parameters: ListParameters, line: Row) -> bool:
    """Tell whether a change took a thing out of a filter: its old value was one that the filter asks for."""
    for item in parameters.filters:
        old = line["changes"].get(item.column, (None,))[0]
        asked = {"eq": [item.value], "in": item.value}.get(item.op, [])
        if line["event"] == "Update" and old is not None and old in asked:
            return True
    return False


def _ids(wanted: Iterable[tuple[Resource, str, Row]]) -> dict[str, tuple[Resource, set[int]]]:
    found: dict[str, tuple[Resource, set[int]]] = {}
    for resource, _type, line in wanted:
        found.setdefault(resource.name, (resource, set()))[1].add(line["item_id"])
    return found


def _guids(context: Context, resource: Resource, ids: set[int]) -> dict[int, str]:
    table = registry.resources[resource.name].table
    inside = resource.belongs(context) if resource.belongs else scoped(context.session, table)
    query = select(table.c.id, table.c.guid).where(inside, table.c.id.in_(sorted(ids)))
    return {row.id: row.guid for row in context.session.execute(query, execution_options=CHECKED)}


def _delivery(context: Context, hook: Row, message: Message) -> dict[str, Any]:
    """Return the row of a message: its body is kept as it will be sent, each time the same."""
    first, last = message.lines[0], message.lines[-1]
    data = {
        "organization": organization_of(context),
        "resource": message.resource.name,
        "change_set_id": first["change_set_id"],
        "actor": {"name": first["actor_name"], "user_id": first["actor_user_id"], "api_key_id": first["api_key_id"]},
        "face": first["face"],
        "items": [orjson.Fragment(item) for item in message.items],
        "count": len(message.items),
        "first_sequence": first["sequence"],
        "last_sequence": last["sequence"],
    }
    body = orjson.dumps({"type": message.type, "timestamp": moment_text(first["at"]), "data": data})
    return new_delivery(context, hook["id"], message.type, body.decode()) | {
        "count": len(message.items),
        "first_sequence": first["sequence"],
        "last_sequence": last["sequence"],
    }


def organization_of(context: Context) -> dict[str, Any]:
    """Return what a message says of the organization that it is about."""
    tenant = context.tenant
    return {"id": tenant.id, "guid": tenant.guid, "slug": tenant.slug, "name": tenant.name}


def new_delivery(
    context: Context, webhook_id: int, event: str, payload: str, *, by_hand: bool = False
) -> dict[str, Any]:
    """Return the row of a message that waits to be sent."""
    return {
        "organization_id": context.organization_id,
        "webhook_id": webhook_id,
        "message_id": f"msg_{uuid.uuid4().hex}",
        "event": event,
        "payload": payload,
        "count": 0,
        "first_sequence": None,
        "last_sequence": None,
        "state": "waiting",
        "by_hand": by_hand,
        "attempts": 0,
        "next_at": context.at,
        "created_at": context.at,
    }
