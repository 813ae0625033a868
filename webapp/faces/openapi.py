"""What the OpenAPI document says of the native API: parameters, bodies and every answer an operation gives."""

from collections.abc import Callable, Mapping
from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields
from werkzeug.routing import BaseConverter

from webapp.core.fields import Amount, Custom, FaceField, Through
from webapp.core.parameters import CONTROLS, PER_PAGE, PER_PAGE_LIMIT, encode_cursor, filter_parameters, sortable
from webapp.core.resource import Action, Resource
from webapp.faces.openapi_examples import IDS
from webapp.faces.openapi_problems import PROBLEM as PROBLEM
from webapp.faces.openapi_problems import WORDS, problem_of
from webapp.faces.sync import sync_schema

SPEC_OPTIONS = {
    "info": {"description": "Keeps track of everything an organization owns. Errors are RFC 9457 problem details."},
    "components": {
        "securitySchemes": {
            "key": {"type": "http", "scheme": "bearer", "description": "An API key, `qm_live_…`"},
            "jwt": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "An access token of `POST /api/v1/auth/login`, good for 15 minutes",
            },
        }
    },
    "security": [{"key": []}, {"jwt": []}],
}
PAGINATION = {
    "type": "object",
    "properties": {
        "page": {"type": "integer"},
        "per_page": {"type": "integer"},
        "total": {"type": "integer"},
        "total_capped": {"type": "boolean", "description": "There are more than `total`"},
        "total_pages": {"type": "integer"},
        "next_cursor": {"type": ["string", "null"]},
    },
}
HISTORY_LINE = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "at": {"type": "string", "format": "date-time"},
        "event": {"type": "string"},
        "actor_name": {"type": "string"},
        "face": {"type": "string"},
        "change_set_id": {"type": "string"},
        "item_type": {"type": "string"},
        "item_id": {"type": "integer"},
        "item_name": {"type": "string"},
        "note": {"type": ["string", "null"]},
        "changes": {
            "type": "array",
            "items": {"type": "object", "properties": {"field": {"type": "string"}, "old": {}, "new": {}}},
        },
    },
}
JOB = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "kind": {"type": "string"},
        "state": {"type": "string", "enum": ["queued", "running", "done", "failed", "cancelled"]},
        "done": {"type": "integer"},
        "total": {"type": "integer"},
        "counts": {"type": "object"},
        "message": {"type": ["string", "null"]},
        "change_set_id": {"type": "string"},
        "created_at": {"type": "string", "format": "date-time"},
        "finished_at": {"type": ["string", "null"], "format": "date-time"},
    },
}
JOBS = {
    "type": "object",
    "required": ["data", "pagination"],
    "properties": {
        "data": {"type": "array", "items": JOB},
        "pagination": {
            "type": "object",
            "properties": {"per_page": {"type": "integer"}, "next_cursor": {"type": ["string", "null"]}},
        },
    },
}
JOBS_ASKED = [
    {"name": "state", "in": "query", "schema": JOB["properties"]["state"]},  # type: ignore[index] # a literal above
    {"name": "kind", "in": "query", "schema": {"type": "string"}},
    {
        "name": "per_page",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": PER_PAGE_LIMIT, "default": PER_PAGE},
    },
    {"name": "cursor", "in": "query", "schema": {"type": "integer", "minimum": 1}},
]
OWN_FIELDS = "Values of the organization's own fields by their short names, as `custom-fields` lists them."
OWN_FILTERS = (
    "The organization's own fields are filtered as `custom.<slug>`, `custom.<slug>_in`, `_not`, `_empty` and, for "
    "numbers, money and dates, `_after` and `_before`; `sort=custom.<slug>` sorts by one, `fields=custom.<slug>` gives "
    "it beside the others that are asked for."
)
Documented = Callable[[Callable[..., Any]], Callable[..., Any]]


class RowId(BaseConverter):
    """The id of a row in a path: what no row can have is not found."""

    regex = r"[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        """Return the number."""
        return int(value)


def prepare(app: Flask) -> MarshmallowPlugin:
    """Teach Flask the row id, and return the plugin that names our schemas."""
    app.url_map.converters["row_id"] = RowId
    return MarshmallowPlugin(schema_name_resolver=name_of)


def complete(api: Api) -> None:
    """Teach the document our kinds of field and the shape of a problem."""
    api.register_converter(RowId, lambda _converter: {"type": "integer", "minimum": 1})
    api.ma_plugin.converter.add_attribute_function(describe_field)
    api.spec.components.schema("Problem", PROBLEM)
    for status in WORDS:
        api.spec.components.response(f"Problem{status}", problem_of(status))
    # A blueprint is no heading of the documentation: each operation names its own.
    api.spec.tag = lambda _tag: api.spec


def describe_field(self: Any, field: fields.Field[Any], **_options: Any) -> dict[str, Any]:
    """Return what apispec does not know of our kinds: amounts are text, throughs are like what they show."""
    described: dict[str, Any] = {}
    if isinstance(field, Amount):
        described = {"type": "string" if field.allow_none is False else ["string", "null"], "example": "1250.00"}
        described["pattern"] = r"^[0-9]{1,11}(\.[0-9]{1,4})?$"
    if isinstance(field, Through):
        described = {"type": ["integer" if field.like.kind == "reference" else "string", "null"]}
    if isinstance(field, Custom):
        described = {"type": "object", "additionalProperties": True, "readOnly": False, "description": OWN_FIELDS}
    if isinstance(field, FaceField) and field.label is not None:
        described["title"] = str(field.label)
    return described


def name_of(schema: Any) -> str:
    """Return the component's name of a schema: its class, and whether all is optional."""
    made = schema if isinstance(schema, Schema) else schema()
    name = type(made).__name__.removesuffix("Schema")
    return f"{name}Patch" if made.partial is True and not name.endswith("SyncItem") else name


def errors_of(*statuses: int) -> dict[str, Any]:
    """Return the error answers of an operation, which all operations share."""
    found = sorted({401, 403, 429, *statuses})
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in found}


def data_of(schema: Any) -> dict[str, Any]:
    """Return the envelope around a schema."""
    return {"type": "object", "required": ["data"], "properties": {"data": schema}}


def document(
    tag: str,
    summary: str,
    data: Any,
    *,
    status: int = 200,
    errors: tuple[int, ...] = (),
    parameters: list[dict[str, Any]] | None = None,
    body: dict[str, Any] | None = None,
    envelope: bool = True,
    description: str = "",
    public: bool = False,
) -> Documented:
    """Return a decorator that documents one operation with all its answers; `data` None means an empty answer.

    A `public` one is for who has no token yet.
    """
    answer: dict[str, Any] = {"description": summary}
    if data is not None:
        answer["content"] = {"application/json": {"schema": data_of(data) if envelope else data}}
    described: dict[str, Any] = {
        "tags": [tag],
        "summary": summary,
        "parameters": parameters or [],
        "responses": {str(status): answer, **errors_of(*errors)},
    }
    if body is not None:
        described["requestBody"] = body
    if description:
        described["description"] = description
    if public:
        described["security"] = []
    decorate: Documented = Blueprint.doc(**described)

    def documented(view: Callable[..., Any]) -> Callable[..., Any]:
        made = decorate(view)
        made.is_public = public  # type: ignore[attr-defined] # a mark on our own function
        return made

    return documented


def as_job(view: Callable[..., Any]) -> Callable[..., Any]:
    """Document that an operation may be left to a job."""
    content = {"application/json": {"schema": data_of(JOB)}}
    documented: Callable[..., Any] = Blueprint.doc(
        responses={"202": {"description": "A job does it; `Location` tells how far it is", "content": content}}
    )(view)
    return documented


def is_public(view: Callable[..., Any]) -> bool:
    """Tell whether an operation is for who has no token yet."""
    return bool(getattr(view, "is_public", False))


def json_body(schema: Any) -> dict[str, Any]:
    """Return a required JSON body."""
    return {"required": True, "content": {"application/json": {"schema": schema}}}


IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "maxLength": 255},
    "description": "Sent again within a day, the same request has no second effect and gets the same answer.",
}
PREFER = {
    "name": "Prefer",
    "in": "header",
    "schema": {"type": "string", "examples": ["dry-run"]},
    "description": (
        "`dry-run`: all is done, answered as if, with `Preference-Applied: dry-run`, and rolled back; no job is "
        "started, no file kept."
    ),
}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The ETag that was read: 412 when the row has changed since.",
}
BODY_ERRORS = (400, 409, 413, 415, 422)


class Docs:
    """What the document says of one resource."""

    def __init__(self, resource: Resource) -> None:
        self.resource, self.tag = resource, resource.name
        self.row = resource.schema_for()
        self.patch = resource.schema_for(partial=True)

    def list(self) -> Documented:
        """Document the list."""
        envelope = {
            "type": "object",
            "required": ["data", "pagination"],
            "properties": {"data": {"type": "array", "items": self.row}, "pagination": PAGINATION},
        }
        return document(
            self.tag,
            f"List {self.tag}",
            envelope,
            errors=(422,),
            parameters=list_parameters(self.resource),
            envelope=False,
            description=OWN_FILTERS if "custom" in self.resource.fields else "",
        )

    def create(self) -> Documented:
        """Document the making of one."""
        return document(
            self.tag,
            f"Create one of {self.tag}",
            self.row,
            status=201,
            errors=BODY_ERRORS,
            parameters=[IDEMPOTENCY],
            body=json_body(self.row),
        )

    def get(self) -> Documented:
        """Document the reading of one."""
        return document(self.tag, f"Get one of {self.tag}", self.row, errors=(404, 422))

    def update(self) -> Documented:
        """Document the partial change of one."""
        return document(
            self.tag,
            f"Change one of {self.tag}",
            self.row,
            errors=(404, 412, *BODY_ERRORS),
            parameters=[IF_MATCH],
            body=json_body(self.patch),
        )

    def delete(self) -> Documented:
        """Document the deletion of one."""
        return document(
            self.tag,
            f"Delete one of {self.tag}",
            None,
            status=204,
            errors=(404, 409, 412, 422),
            parameters=[IF_MATCH],
        )

    def restore(self) -> Documented:
        """Document the return of a deleted one."""
        return document(
            self.tag,
            f"Restore one of {self.tag}",
            self.row,
            errors=(404, 409, 422),
            parameters=[IDEMPOTENCY],
        )

    def action(self, action: Action) -> Documented:
        """Document an act with one."""
        return document(
            self.tag,
            f"{action.label}: one of {self.tag}",
            self.row,
            errors=(404, 412, *BODY_ERRORS),
            parameters=[IDEMPOTENCY, IF_MATCH],
            body=json_body(action.schema()),
        )

    def history(self) -> Documented:
        """Document the history of one."""
        before = {"name": "before_id", "in": "query", "schema": {"type": "integer", "minimum": 1}}
        return document(
            self.tag,
            f"History of one of {self.tag}",
            {"type": "array", "items": HISTORY_LINE},
            errors=(404, 422),
            parameters=[before],
        )

    def sync(self) -> Documented:
        """Document the upsert of many."""
        key = str(self.resource.sync_key)
        made = {
            "type": "array",
            "items": {"type": "object", "properties": {"id": {"type": "integer"}, key: {"type": "string"}}},
        }
        failed = {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {key: {"type": ["string", "null"]}, "errors": PROBLEM["properties"]["errors"]},  # type: ignore[index] # a literal above
            },
        }
        result = {
            "type": "object",
            "properties": {"created": made, "updated": made, "unchanged": made, "failed": failed},
        }
        body = {
            "type": "object",
            "required": [self.tag],
            "additionalProperties": False,
            "properties": {self.tag: {"type": "array", "maxItems": 1000, "items": sync_schema(self.resource)}},
        }
        missing = {
            "name": "create_missing",
            "in": "query",
            "schema": {"type": "string"},
            "description": "References to make when they are named and unknown: category,location",
        }
        return document(
            self.tag,
            f"Upsert {self.tag} by {key}",
            result,
            errors=BODY_ERRORS,
            parameters=[IDEMPOTENCY, missing],
            body=json_body(body),
        )


def list_parameters(resource: Resource) -> list[dict[str, Any]]:
    """Return the query parameters of a list."""
    described: dict[str, dict[str, Any]] = {
        "page": {"type": "integer", "minimum": 1, "default": 1},
        "per_page": {"type": "integer", "minimum": 1, "maximum": PER_PAGE_LIMIT, "default": PER_PAGE},
        "sort": {"type": "string", "description": f"Of {', '.join(sortable(resource))}; - for descending"},
        "q": {"type": "string", "maxLength": 200},
        "cursor": {
            "type": "string",
            "description": "`next_cursor` of the page before, with the same `sort`",
            "examples": [encode_cursor((("id", True),), {"id": IDS.get(resource.name, 1)}, resource)],
        },
        "fields": {"type": "string", "description": "Comma-separated names of fields to return"},
        "deleted": {"type": "boolean", "default": False, "description": "The deleted ones instead of the living"},
    }
    assert set(described) == set(CONTROLS)  # noqa: S101 the two say the same
    if not resource.search:
        del described["q"]
    listed = [{"name": name, "in": "query", "schema": schema} for name, schema in described.items()]
    for name, (field, op) in filter_parameters(resource).items():
        listed.append({"name": name, "in": "query", "schema": _filter_schema(resource.fields[field], op)})
    return listed


def _filter_schema(item: FaceField, op: str) -> dict[str, Any]:
    if op == "empty" or item.kind == "flag":
        return {"type": "boolean"}
    if op == "in":
        return {"type": "string", "description": "Comma-separated values"}
    kinds: Mapping[str, dict[str, Any]] = {
        "whole": {"type": "integer"},
        "reference": {"type": "integer", "minimum": 1},
        "amount": {"type": "string"},
        "day": {"type": "string", "format": "date"},
        "moment": {"type": "string", "format": "date-time"},
    }
    choices = getattr(item, "choices", None)
    return {"type": "string", "enum": list(choices)} if choices else dict(kinds.get(item.kind, {"type": "string"}))
