"""Kept mappings through the API: list, keep, rename, delete."""

from typing import Any

from flask import Response, request
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Blueprint

from webapp.core.access import require
from webapp.core.context import current_context
from webapp.core.errors import Invalid
from webapp.faces import openapi
from webapp.faces.api import answer, idempotent, json_body
from webapp.faces.problems import PREFIX
from webapp.faces.serialize import dump
from webapp.imports import mappings
from webapp.imports.schemas import MAPPING, NEW_MAPPING, RENAMING, plain_mapping
from webapp.imports.standing import WRITE

RESOURCE = {"name": "resource", "in": "query", "schema": {"type": "string"}, "description": "Only those of a resource"}


class Mappings(MethodView):
    """All kept mappings of the organization."""

    @openapi.document(
        "imports", "List kept mappings", {"type": "array", "items": MAPPING}, errors=(422,), parameters=[RESOURCE]
    )
    def get(self) -> Response:
        """Answer with the kept mappings of what the caller may read."""
        unknown = sorted(set(request.args) - {"resource"})
        if unknown:
            raise Invalid({unknown[0]: [_("There is no such filter here.")]})
        rows = mappings.list_mappings(current_context(), request.args.get("resource"))
        return answer(dump({"data": [plain_mapping(row) for row in rows]}))

    @openapi.document(
        "imports",
        "Keep a mapping: an import's, or one written down",
        MAPPING,
        status=201,
        errors=(400, 404, 409, 413, 415, 422),
        body=NEW_MAPPING,
        parameters=[openapi.IDEMPOTENCY],
    )
    @idempotent
    def post(self) -> Response:
        """Keep a mapping under a name."""
        context = current_context()
        require(context.actor, WRITE)
        body = _checked(json_body())
        if "import_id" in body:
            mapping_id = mappings.keep(context, body["import_id"], body["name"])
        else:
            columns, options = body.get("columns", {}), body.get("options", {})
            mapping_id = mappings.make(context, body.get("resource", ""), body["name"], columns, options)
        return _one(mapping_id, 201, Location=f"{PREFIX}/imports/mappings/{mapping_id}")


class OneMapping(MethodView):
    """One kept mapping."""

    @openapi.document("imports", "Get a kept mapping", MAPPING, errors=(404,))
    def get(self, mapping_id: int) -> Response:
        """Answer with a kept mapping."""
        return _one(mapping_id)

    @openapi.document("imports", "Rename a kept mapping", MAPPING, errors=(400, 404, 409, 413, 415, 422), body=RENAMING)
    def patch(self, mapping_id: int) -> Response:
        """Call a mapping something else."""
        context = current_context()
        require(context.actor, WRITE)
        mappings.get_mapping(context, mapping_id)
        body = json_body()
        if not isinstance(body, dict) or set(body) != {"name"} or not isinstance(body["name"], str):
            raise Invalid({"name": [_("Send an object with a name.")]})
        mappings.rename(context, mapping_id, body["name"])
        return _one(mapping_id)

    @openapi.document("imports", "Delete a kept mapping", None, status=204, errors=(404, 409))
    def delete(self, mapping_id: int) -> Response:
        """Forget a mapping."""
        mappings.forget(current_context(), mapping_id)
        return Response(status=204)


def _checked(body: Any) -> dict[str, Any]:
    """Return the body of a POST; raises Invalid naming what is wrong."""
    if not isinstance(body, dict):
        raise Invalid({"_": [_("Send an object.")]})
    kinds: dict[str, type] = {"name": str, "import_id": int, "resource": str, "columns": dict, "options": dict}
    errors = {str(name): [_("There is no such field.")] for name in body if name not in kinds}
    for name, kind in kinds.items():
        if name in body and (not isinstance(body[name], kind) or isinstance(body[name], bool)):
            errors[name] = [_("This has the wrong type.")]
    if "name" not in body:
        errors["name"] = [_("This is needed.")]
    if "import_id" in body and set(body) - {"import_id", "name"}:
        errors["import_id"] = [_("With an import's id there is nothing else to say but the name.")]
    columns = body.get("columns", {})
    if isinstance(columns, dict) and not all(isinstance(field, str | None) for field in columns.values()):
        errors["columns"] = [_("Give the field or null of each heading.")]
    if errors:
        raise Invalid(errors)
    return body


def _one(mapping_id: int, status: int = 200, **headers: str) -> Response:
    row = mappings.get_mapping(current_context(), mapping_id)
    return answer(dump({"data": plain_mapping(row)}), status, **headers)


def serve(blueprint: Blueprint) -> None:
    """Offer the kept mappings below the imports."""
    blueprint.route("/mappings")(Mappings)
    blueprint.route("/mappings/<row_id:mapping_id>")(OneMapping)
