"""The organization's log by the API: read on from where one stood, look at one act as a whole, take it back."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Response
from flask_babel import gettext as _
from flask_smorest import Blueprint

from webapp.accounts.log import read_on, readable_lines
from webapp.core.access import require
from webapp.core.activity import change_set
from webapp.core.context import Context, current_context
from webapp.core.custom import tailor
from webapp.core.errors import NotFound
from webapp.core.fields import LARGEST_ID, Moment
from webapp.core.jobs import enqueue
from webapp.core.resource import registry
from webapp.core.undo import undo_all
from webapp.faces import openapi
from webapp.faces.api import (
    ASYNC,
    answer,
    asked,
    history_line,
    idempotent,
    plain_text,
    preferences,
    queued,
    whole,
)
from webapp.faces.serialize import dump
from webapp.faces.surface import forced, own_change

READ = "activity:read"
ACTORS = {"user": "actor_user_id", "key": "api_key_id", "job": "job_id"}
LIMIT, MOST, UNDONE_AT_ONCE = 100, 1_000, 1_000
WORDS = (
    "The log in the order of its seals: a line never comes before one that was read. Ask again with "
    "`after=<next_after>`; while `next_after` is less than `end` there may be more, though few lines or none came, for "
    "a long log is looked through in stretches. With PostgreSQL a line is there some seconds after its commit. Only "
    "lines about what the key may read are told; to a key narrowed to a place, those of what stands there now."
)
LINE = openapi.HISTORY_LINE["properties"] | {  # type: ignore[operator] # a literal of ours
    "sequence": {"type": "integer"},
    "resource": {"type": ["string", "null"]},
    "actor_user_id": {"type": ["integer", "null"]},
    "api_key_id": {"type": ["integer", "null"]},
    "job_id": {"type": ["integer", "null"]},
    "forced": {"type": "boolean"},
}
LINES = {"type": "array", "items": {"type": "object", "properties": LINE}}
UNDONE = {
    "type": "object",
    "properties": {
        "restored": {"type": "integer"},
        "removed": {"type": "integer"},
        "kept": {"type": "array", "items": {"type": "object"}, "description": "What somebody has touched since"},
    },
}


def _page(**more: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": ["data", *more], "properties": {"data": LINES, **more}}


def _query(**schemas: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in schemas.items()]


WHOLE, TEXT = {"type": "integer", "minimum": 1}, {"type": "string"}
MOMENT = {"type": "string", "format": "date-time"}


@openapi.document(
    "activity",
    "Read the log on from a place in it",
    _page(next_after={"type": "integer"}, end={"type": "integer"}),
    errors=(422,),
    parameters=_query(
        after={"type": "integer", "minimum": 0, "default": 0},
        limit={**WHOLE, "maximum": MOST, "default": LIMIT},
        item_type={"type": "string", "enum": sorted({*registry.resources})},
        item_id=WHOLE,
        event=TEXT,
        actor={"type": "string", "pattern": "^(user|key|job):[0-9]{1,18}$"},
        change_set_id=TEXT,
        at_after=MOMENT,
        at_before=MOMENT,
    ),
    envelope=False,
    description=WORDS,
)
def activity() -> Response:
    """Answer with the lines of the log behind a place in it."""
    context = current_context()
    require(context.actor, READ)
    text, moment, row_id = plain_text, Moment(allow_none=False).deserialize, whole(1, LARGEST_ID)
    places = {"after": whole(0, LARGEST_ID), "limit": whole(1, MOST)}
    given = asked(
        item_type=_table,
        item_id=row_id,
        event=text,
        actor=_actor,
        change_set_id=text,
        at_after=moment,
        at_before=moment,
        **places,
    )
    given |= given.pop("actor", {})
    after, limit = given.pop("after", 0), given.pop("limit", LIMIT)
    lines, next_after, end = read_on(context, after, limit, given)
    return answer(dump({"data": _plain(context, lines), "next_after": next_after, "end": end}))


def _table(text: str) -> str:
    if text not in registry.resources:
        raise ValueError(_("There is no such resource."))
    return registry.resources[text].table.name


def _actor(text: str) -> dict[str, int]:
    kind, _colon, number = text.partition(":")
    if kind not in ACTORS:
        raise ValueError(_("Say user:5, key:5 or job:5."))
    return {ACTORS[kind]: whole(1, LARGEST_ID)(number)}


def _plain(context: Context, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return lines of the log as the API tells them, own fields by their short names."""
    known = {name: registry.by_table(name) for name in {line["item_type"] for line in lines}}
    resources = {name: tailor(context, found) for name, found in known.items() if found is not None}
    return [_line(line, resources[line["item_type"]]) for line in lines]


def _line(line: Mapping[str, Any], resource: Any) -> dict[str, Any]:
    shown = [name for name in ("sequence", *ACTORS.values(), "forced") if name in line]
    return {**history_line(line, resource), "resource": resource.name, **{name: line[name] for name in shown}}


@openapi.document(
    "activity",
    "One act as a whole: all that was written under a change_set_id, the newest first",
    _page(next_before_id={"type": ["integer", "null"]}),
    errors=(404, 422),
    parameters=_query(before_id=WHOLE),
    envelope=False,
)
def changes(change_set_id: UUID) -> Response:
    """Answer with the newest lines of a change set, or those before `before_id`."""
    context = current_context()
    require(context.actor, READ)
    before = asked(before_id=whole(1, LARGEST_ID)).get("before_id")
    lines = change_set(context, str(change_set_id), readable_lines(context), before_id=before, limit=MOST)
    if not lines and before is None:
        raise NotFound("there is no such change")
    more = lines[-1]["id"] if len(lines) == MOST else None
    return answer(dump({"data": _plain(context, lines), "next_before_id": more}))


@openapi.document(
    "activity",
    "Take back what one has done, as far as nobody has touched it since; more than 1,000 lines by a job",
    UNDONE,
    errors=(404, 409, 422),
    parameters=[openapi.IDEMPOTENCY],
)
@openapi.as_job
@idempotent
def undo(change_set_id: UUID) -> Response:
    """Take back a change set of the actor's own."""
    asked()
    context = current_context()
    count = own_change(context, str(change_set_id))
    if count > UNDONE_AT_ONCE or ASYNC in preferences():
        return queued(context, enqueue(context, "undo_changes", {"change_set_id": str(change_set_id)}, total=count))
    report = undo_all(forced(context), str(change_set_id))
    return answer(dump({"data": {"restored": report.restored, "removed": report.removed, "kept": report.kept}}))


def serve(blueprint: Blueprint) -> None:
    """Offer the log among a blueprint's endpoints."""
    blueprint.get("/activity")(activity)
    blueprint.get("/changes/<uuid:change_set_id>")(changes)
    blueprint.post("/changes/<uuid:change_set_id>/undo", endpoint="undo_changes")(undo)
