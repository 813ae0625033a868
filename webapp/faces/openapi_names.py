"""What the finished document says beside its operations: their stable names, what follows on a create, its headings."""

import inspect
from collections.abc import Mapping
from typing import Any

from apispec import APISpec

from webapp.core.resource import registry
from webapp.faces.openapi import IDEMPOTENCY, PREFER, errors_of
from webapp.faces.openapi_examples import IDS, VALUES, add_examples

PREFIX, ROW_ID = "/api/v1/", "{row_id}"
VERBS = ("get", "post", "put", "patch", "delete")
ON_MANY = {"get": "list", "post": "create"}
ON_ONE = {"get": "get", "post": "act", "put": "replace", "patch": "update", "delete": "delete"}
# What can be done with a row that was just made, by the end of the operation's path.
FOLLOWING = (("get", ""), ("patch", ""), ("get", "/history"), ("delete", ""), ("post", "/restore"))
# The headings that are no resource; whoever adds one says here what it is.
TAGS = {
    "auth": "Sign in with e-mail and password instead of a key: a short access token, and one to renew it with.",
    "me": "Who asks, and what they may do.",
    "jobs": "How far work in the background is.",
    "imports": "A file on its way in: checked row by row, applied, and undone within 30 days.",
    "exports": "A list or the whole organisation as a file.",
    "webhooks": "Where events are sent to, and what became of each delivery.",
    "activity": "Every change, in order, from any point on: what a receiver missed is read here.",
    "bulk": "One act with many rows.",
}
Json = dict[str, Any]


def finish(spec: APISpec) -> None:
    """Name and link the operations of the whole document, describe its headings and give every call an example."""
    paths = spec._paths
    _end_patterns(spec.components.schemas)
    _drop_defaults(spec.components.schemas)
    name_operations(paths)
    take_headers(paths)
    link_operations(paths)
    spec._tags.extend(describe_tags(paths))
    for path, _verb, operation in operations(paths):
        add_examples(operation, spec.components.schemas)
        for parameter in paths[path].get("parameters", []):
            of_row = parameter["name"] == "row_id"
            parameter["example"] = IDS.get(operation["tags"][0], 1) if of_row else VALUES.get(parameter["name"], 1)


def _drop_defaults(schemas: Mapping[str, Any]) -> None:
    """Leave out what a change does not set by itself: a client would send it, and overwrite what is there."""
    for name, schema in schemas.items():
        if name.endswith(("Patch", "SyncItem")):
            for item in schema["properties"].values():
                item.pop("default", None)


def _end_patterns(part: Any) -> None:
    r"""Write the end of a pattern as ECMA 262 knows it: `$`, not `\Z`."""
    if isinstance(part, dict):
        if isinstance(pattern := part.get("pattern"), str):
            part["pattern"] = pattern.removesuffix(r"\Z") + ("$" if pattern.endswith(r"\Z") else "")
        for inner in part.values():
            _end_patterns(inner)
    elif isinstance(part, list):
        for inner in part:
            _end_patterns(inner)


def operations(paths: Mapping[str, Any]) -> list[tuple[str, str, Json]]:
    """Return (path, verb, operation) of a document's paths."""
    return [(path, verb, item[verb]) for path, item in paths.items() for verb in VERBS if verb in item]


def operation_id(path: str, verb: str, item: Mapping[str, Any]) -> str:
    """Return the name of an operation: assets_list, assets_update, locations_move, imports_rows."""
    words = [part.replace("-", "_") for part in path.removeprefix(PREFIX).split("/")]
    named = [word for word in words if not word.startswith("{")]
    on_one = words[-1].startswith("{")
    is_list = _schema(item[verb], "200").get("properties", {}).get("data", {}).get("type") == "array"
    last = ON_ONE[verb] if on_one or (verb == "get" and not is_list) else ON_MANY.get(verb, ON_ONE[verb])
    shared = verb != "get" and len({*VERBS} & {*item}) > 1
    return "_".join([*named, last] if len(named) == 1 or (on_one and verb != "post") or shared else named)


def name_operations(paths: Mapping[str, Any]) -> None:
    """Give every operation that has no name its own."""
    for path, verb, operation in operations(paths):
        operation.setdefault("operationId", operation_id(path, verb, paths[path]))


def take_headers(paths: Mapping[str, Any]) -> None:
    """Say of every write that it can be rehearsed, and of every POST that it can be sent again; not of signing in.

    A parameter that nobody knows is refused everywhere.
    """
    for _path, verb, operation in operations(paths):
        if operation["tags"] != ["auth"]:
            taken = {parameter["name"] for parameter in operation["parameters"]}
            wanted = [] if verb == "get" else [PREFER, *([IDEMPOTENCY] if verb == "post" else [])]
            operation["parameters"] += [dict(found) for found in wanted if found["name"] not in taken]
            refusals = errors_of(422, *([409] if verb == "post" else []))
            operation["responses"] |= {
                status: said for status, said in refusals.items() if status not in operation["responses"]
            }


def link_operations(paths: Mapping[str, Any]) -> None:
    """Say at each answer that makes a row what can be done with it next, and where a deleted one is brought back."""
    known = {(path, verb): operation for path, verb, operation in operations(paths)}
    for (path, verb), operation in known.items():
        if verb == "post" and "data" in _schema(operation, "201").get("properties", {}):
            ways = [known.get((f"{path}/{ROW_ID}{end}", then)) for then, end in FOLLOWING]
            operation["responses"]["201"]["links"] = _links(ways, "$response.body#/data/id")
        elif verb == "delete" and (back := known.get((f"{path}/restore", "post"))):
            operation["responses"]["204"]["links"] = _links([back], "$request.path.row_id")


def _links(ways: list[Json | None], row_id: str) -> Json:
    names = [way["operationId"] for way in ways if way]
    return {name: {"operationId": name, "parameters": {"row_id": row_id}} for name in names}


def _schema(operation: Json, status: str) -> Json:
    answer = operation["responses"].get(status, {})
    schema: Json = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def describe_tags(paths: Mapping[str, Any]) -> list[Json]:
    """Return the headings in the order of their operations: a resource's is what its model says it is."""
    names = dict.fromkeys(operation["tags"][0] for _path, _verb, operation in operations(paths))
    found = []
    for name in names:
        resource = registry.resources.get(name)
        words = (inspect.getdoc(resource.model) or "").partition("\n\n")[0] if resource else TAGS.get(name, "")
        found.append({"name": name, "description": " ".join(words.split())})
    return found
