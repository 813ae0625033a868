"""Many rows at once by the API: the same change, deletion, return or act for ids or for all that a filter finds.

Rows that cannot be done are told, the others are written. An act is done whole or not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint
from werkzeug.datastructures import MultiDict

from webapp.core.access import can, require
from webapp.core.batch import deletable, delete_rows, find_rows, plan_rows, write_rows
from webapp.core.blockers import Blocker
from webapp.core.context import Context
from webapp.core.errors import Conflict, DomainError, Forbidden, Invalid, TooLarge
from webapp.core.fields import LARGEST_ID
from webapp.core.jobs import enqueue
from webapp.core.parameters import CONTROLS, ListParameters
from webapp.core.query import matching_ids
from webapp.core.resource import Action, Resource
from webapp.core.search import search_ids
from webapp.core.writes import restore_row
from webapp.faces import openapi
from webapp.faces.api import (
    ASYNC,
    PREFIX,
    answer,
    idempotent,
    json_body,
    load,
    opened,
    preferences,
    queued,
)
from webapp.faces.problems import blocker_plain, field_errors
from webapp.faces.serialize import dump

AT_ONCE, MOST_ROWS = 1_000, 100_000
PARTS = ("action", "ids", "filter", "values")
VERBS = ("update", "delete", "restore")
WORDS = (
    "Give `ids`, or `filter`: an object of the list's own parameters (`restore` looks among the deleted ones). An id "
    'may stand with the version that was read, {"id": 5, "version": 2}; a row that has changed since fails. Rows '
    "that cannot be done are told in `failed`, the others are written, all under one `change_set_id`. The "
    "resource's own acts are done whole or not at all. Up to 1,000 rows are done at once (200); more, or with "
    "`Prefer: respond-async`, by a job (202) in steps of 500, whose `counts` tell the same in numbers, with the first "
    "failures."
)
Errors = list[dict[str, Any]]


@dataclass
class Outcome:
    """What became of the rows of a bulk act, by their ids."""

    changed: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)

    def fail(self, row_id: int, errors: Errors) -> None:
        """Say what is wrong with a row."""
        self.failed.append({"id": row_id, "errors": errors})


@dataclass(frozen=True)
class Order:
    """What shall be done with each row: a verb or a declared act, its values as they were sent."""

    resource: Resource
    action: str
    values: Mapping[str, Any]
    versions: Mapping[int, int] = field(default_factory=dict)

    @property
    def declared(self) -> Action | None:
        """Return the resource's own act of the name, None for a verb."""
        return next((act for act in self.resource.actions if act.bulk and act.name == self.action), None)

    def load(self) -> dict[str, Any]:
        """Return the values as the rules take them; raises Invalid naming `values.<field>`."""
        schema = self.declared.schema() if self.declared else self.resource.schema_for(partial=True)
        if self.action in ("delete", "restore"):
            if self.values:
                raise Invalid({"values": [_("This takes no values.")]})
            return {}
        if self.action == "update" and not self.values:
            raise Invalid({"values": [_("This is needed.")]})
        try:
            return load(schema, dict(self.values))
        except Invalid as error:
            raise Invalid({f"values.{name}": found for name, found in error.errors.items()}) from error

    def do(self, context: Context, ids: list[int]) -> Outcome:
        """Do it with some rows; raises Conflict and, for an act, Invalid, when nothing can be done with any."""
        outcome, values = Outcome(), self.load()
        if self.action == "restore":
            _restore(context, self.resource, ids, outcome)
            return outcome
        found, rows = find_rows(context, self.resource, "id", ids), {}
        for row_id in ids:
            if row_id not in found:
                outcome.fail(row_id, [_error("id", _("There is no such row."), "not_found")])
            elif row_id in self.versions and self.versions[row_id] != found[row_id]["version"]:
                outcome.fail(row_id, [_error("version", _("Somebody has changed it since."), "stale_version")])
            else:
                rows[row_id] = found[row_id]
        if self.action == "update":
            _update(context, self.resource, rows, values, outcome)
        elif self.action == "delete":
            _delete(context, self.resource, rows, outcome)
        elif self.declared and rows:
            self.declared.rule(context, list(rows), values)
            outcome.changed += list(rows)
        return outcome


def _error(name: str, message: str, code: str, **more: Any) -> dict[str, Any]:
    return {"field": name, "message": message, "code": code, **more}


def _update(
    context: Context, resource: Resource, rows: Mapping[int, Any], values: dict[str, Any], outcome: Outcome
) -> None:
    drafts = plan_rows(context, resource, [(row, values) for row in rows.values()])
    for row_id, draft in zip(rows, drafts, strict=True):
        if draft.errors:
            outcome.fail(row_id, field_errors(draft.errors))
        else:
            (outcome.changed if draft.changes else outcome.unchanged).append(row_id)
    write_rows(context, resource, drafts)


def _delete(context: Context, resource: Resource, rows: Mapping[int, Any], outcome: Outcome) -> None:
    """Delete what may go, and then what only that has kept."""
    left, kept = list(rows), dict[int, list[Blocker]]()
    while left:
        free, kept = deletable(context, resource, left)
        delete_rows(context, resource, free)
        outcome.changed += [row["id"] for row in free]
        left = [row_id for row_id in left if row_id in kept] if free else []
    for row_id, found in kept.items():
        message, code = _why(context, resource, rows[row_id])
        outcome.fail(row_id, [_error("_", message, code, blockers=list(map(blocker_plain, found)))])


def _why(context: Context, resource: Resource, row: Mapping[str, Any]) -> tuple[str, str]:
    try:
        resource.guard(context, dict(row))
    except Conflict as refused:
        return refused.message, refused.code
    return _("It is still in use."), "in_use"


def _restore(context: Context, resource: Resource, ids: list[int], outcome: Outcome) -> None:
    for row_id in ids:
        try:
            restore_row(context, resource, row_id)
            outcome.changed.append(row_id)
        except DomainError as error:
            if not context.session.in_transaction():  # somebody took a name this moment: all is rolled back
                raise
            message = _("There is no such deleted row.") if error.code == "not_found" else error.message
            outcome.fail(row_id, [_error("id", message, error.code)])


def bulk_view(resource: Resource) -> Response:
    """Do something with many rows: at once up to 1,000, as a job beyond that or when it is asked for."""
    context, resource = opened(resource, write=False)
    if not any(can(context.actor, name) for name in (resource.write_permission, *_rights(resource))):
        raise Forbidden(f"this needs the permission {resource.write_permission}")
    order, ids = _asked(context, resource, json_body())
    order.load()
    if len(ids) > AT_ONCE or ASYNC in preferences():
        payload = {"resource": resource.name, "action": order.action, "values": order.values, "ids": ids}
        payload["versions"] = [[row_id, version] for row_id, version in order.versions.items()]
        job_id = enqueue(context, "bulk", payload, total=len(ids))
        return queued(context, job_id)
    outcome = order.do(context, ids)
    found = {"changed": outcome.changed, "unchanged": outcome.unchanged, "failed": outcome.failed}
    return answer(dump({"data": {"change_set_id": context.change_set_id, **found}}))


def _rights(resource: Resource) -> list[str]:
    return [act.permission for act in resource.actions if act.bulk]


def actions_of(resource: Resource) -> list[str]:
    """Return what can be done with many rows of a resource: the verbs, and its own acts."""
    verbs = [verb for verb in VERBS if verb in resource.api and (verb != "restore" or "deleted_at" in resource.table.c)]
    return verbs + [act.name for act in resource.actions if act.bulk and "get" in resource.api]


def _asked(context: Context, resource: Resource, body: Any) -> tuple[Order, list[int]]:
    """Return what a body asks for and the ids of its rows; raises Invalid, Forbidden and TooLarge."""
    if not isinstance(body, dict):
        raise Invalid({"_": [_("Send an object.")]})
    errors = {str(name): [_("There is no such field.")] for name in body if name not in PARTS}
    if body.get("action") not in actions_of(resource):
        errors["action"] = [_("Say one of: %(names)s.", names=", ".join(actions_of(resource)))]
    if ("ids" in body) == ("filter" in body):
        errors["ids"] = [_("Give ids or a filter.")]
    if not isinstance(body.get("values", {}), dict):
        errors["values"] = [_("Send an object.")]
    if request.if_match:
        errors["If-Match"] = [_('Give the version beside each id: {"id": 5, "version": 2}.')]
    if errors:
        raise Invalid(errors)
    order = Order(resource, body["action"], body.get("values", {}))
    require(context.actor, order.declared.permission if order.declared else resource.write_permission)
    if "filter" in body:
        return order, _found(context, resource, body["filter"], deleted=order.action == "restore")
    versions = _ids(body["ids"])
    told = {row_id: version for row_id, version in versions.items() if version is not None}
    if told and order.action == "restore":
        raise Invalid({"ids": [_("A deleted row comes back as it is, whatever its version.")]})
    return Order(resource, order.action, order.values, told), list(versions)


def _ids(given: Any) -> dict[int, int | None]:
    """Return {id: version or None} of a list of ids, or of {"id", "version"}; each row once."""
    if not isinstance(given, list) or not given:
        raise Invalid({"ids": [_("Send a list of ids.")]})
    if len(given) > MOST_ROWS:
        raise TooLarge(_("At most %(count)s rows at once.", count=MOST_ROWS))
    versions: dict[int, int | None] = {}
    for item in given:
        one = item if isinstance(item, dict) else {"id": item, "version": 0}
        if set(one) != {"id", "version"} or any(type(number) is not int or number < 0 for number in one.values()):
            raise Invalid({"ids": [_("This is no id.")]})
        if one["id"] > LARGEST_ID:
            raise Invalid({"ids": [_("This number is too large.")]})
        versions[one["id"]] = one["version"] if isinstance(item, dict) else None
    return versions


def _found(context: Context, resource: Resource, given: Any, *, deleted: bool) -> list[int]:
    """Return the ids of all that a filter finds; raises Invalid naming `filter.<parameter>`, and TooLarge."""
    if not isinstance(given, dict) or not given:
        raise Invalid({"filter": [_("Send an object of at least one of the list's parameters.")]})
    unknown = [name for name in given if name in CONTROLS and name != "q"]
    wrong = [name for name, value in given.items() if not isinstance(value, str | int | float | list)]
    if unknown or wrong:
        raise Invalid({f"filter.{name}": [_("There is no such filter here.")] for name in (*unknown, *wrong)})
    try:
        texts = {str(name): _text(value) for name, value in given.items()}
        parameters = ListParameters.parse(resource, MultiDict(texts | {"deleted": _text(deleted)}))
    except Invalid as error:
        raise Invalid({f"filter.{name}": found for name, found in error.errors.items()}) from error
    if parameters.q and search_ids(context, resource, parameters.q, gone=deleted).more:
        raise Invalid({"filter.q": [_("This finds too many. Say more.")]})
    ids = matching_ids(context, resource, parameters, MOST_ROWS + 1)
    if len(ids) > MOST_ROWS:
        raise TooLarge(_("At most %(count)s rows at once.", count=MOST_ROWS))
    return ids


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _documented(resource: Resource) -> openapi.Documented:
    ids = {"type": "array", "items": {"type": "integer"}}
    failed = {"id": {"type": "integer"}, "errors": openapi.PROBLEM["properties"]["errors"]}  # type: ignore[index] # a literal of ours
    properties = {
        "changed": ids,
        "unchanged": ids,
        "failed": {"type": "array", "items": {"type": "object", "properties": failed}},
    }
    row_id = {"type": "integer", "minimum": 1}
    versioned = {"type": "object", "required": ["id", "version"], "properties": {"id": row_id, "version": row_id}}
    body = {
        "type": "object",
        "required": ["action"],
        "additionalProperties": False,
        "properties": {
            "action": {"type": "string", "enum": actions_of(resource)},
            "ids": {"type": "array", "minItems": 1, "maxItems": MOST_ROWS, "items": {"oneOf": [row_id, versioned]}},
            "filter": {"type": "object", "minProperties": 1},
            "values": {"type": "object", "description": "What to write, or what the act needs"},
        },
    }
    described = openapi.document(
        resource.name,
        f"Change, delete, restore or act on many of {resource.name}",
        {"type": "object", "properties": {"change_set_id": {"type": "string"}, **properties}},
        errors=openapi.BODY_ERRORS,
        parameters=[openapi.IDEMPOTENCY],
        body=openapi.json_body(body),
        description=WORDS,
    )
    return lambda view: described(openapi.as_job(view))


def bulk_blueprint(resource: Resource) -> Blueprint:
    """Return the endpoint that does something with many rows of a resource."""
    blueprint = Blueprint(f"api_{resource.name}_bulk", __name__, url_prefix=f"{PREFIX}/{resource.name}")
    view = _documented(resource)(idempotent(lambda self: bulk_view(resource)))
    blueprint.route("/bulk", endpoint="bulk")(type("Bulk", (MethodView,), {"post": view}))
    return blueprint
