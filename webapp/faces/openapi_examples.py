"""Examples for every call of the document, made from its schemas and one story, Kestrel Field Research.

A value is looked up by component, or the property around it, and field (`Asset.name`, `job.state`), by heading and
field (`imports.state`), by field; what the story does not tell is made from the schema. Nothing is written by hand for
an endpoint.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STORY: dict[str, Any] = json.loads((Path(__file__).parent / "story.json").read_text(encoding="utf-8"))
IDS, VALUES, BODIES, MEDIA, PARAMETERS = (STORY[name] for name in ("ids", "values", "bodies", "media", "parameters"))
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
FORMATS = {"date": "2026-03-02", "date-time": "2026-03-02T09:15:04.500Z", "binary": "Tag,Name\nKFR-00042,FX3 body\n"}
OPERATORS = ("_in", "_not", "_after", "_before", "_empty", "_within")
LISTED_FIELDS = ("id", "tag", "name", "email", "created_at")
Json = dict[str, Any]


def types_of(schema: Mapping[str, Any]) -> list[str]:
    """Return the types that a schema allows, none when it does not say."""
    said = schema.get("type", [])
    return [said] if isinstance(said, str) else list(said)


def fits(value: Any, schema: Mapping[str, Any]) -> bool:
    """Tell whether a value of the story can stand where a schema is, as far as type, enum and size go."""
    allowed = types_of(schema)
    if allowed and not any(isinstance(value, TYPES[name]) for name in allowed):
        return False
    if isinstance(value, bool) and allowed and "boolean" not in allowed:
        return False
    if isinstance(value, str) and len(value) > schema.get("maxLength", len(value)):
        return False
    return "enum" not in schema or value in schema["enum"]


class Examples:
    """Makes the examples of one heading's operations."""

    def __init__(self, components: Mapping[str, Any], tag: str) -> None:
        self.components, self.tag = components, tag

    def of(self, schema: Json, name: str = "", component: str = "", *, sent: bool = False) -> Any:
        """Return an example of a schema: of a body that is `sent`, or of an answer."""
        if "$ref" in schema:
            component = schema["$ref"].rpartition("/")[2]
            return self.of(self.components[component], "", component, sent=sent)
        for choices in (schema.get("oneOf"), schema.get("anyOf")):
            if choices:
                return self.of(next(one for one in choices if one.get("type") != "null"), name, component, sent=sent)
        if "allOf" in schema:
            return self.of({key: value for one in schema["allOf"] for key, value in one.items()}, name, component)
        told, found = self._told(schema, name, component)
        if found:
            return told
        if "properties" in schema:
            return self._object(schema, name or component, sent=sent)
        if "items" in schema:
            inner = "" if {"$ref", "properties"} & {*schema["items"]} else name
            return [self.of(schema["items"], inner, component, sent=sent)]
        return self._made(schema)

    def _told(self, schema: Json, name: str, component: str) -> tuple[Any, bool]:
        kind = component.removesuffix("Patch").removesuffix("SyncItem")
        if name == "id" and self.tag in IDS and f"{kind}.id" not in VALUES:
            return IDS[self.tag], True
        for key in (f"{kind}.{name}", f"{self.tag}.{name}", name):
            if key in VALUES and fits(VALUES[key], schema):
                return VALUES[key], True
        for key in ("const", "default", "example"):
            if key in schema:
                return schema[key], True
        return None, False

    def _object(self, schema: Json, component: str, *, sent: bool) -> Json:
        properties, wanted = schema["properties"], set(schema["properties"])
        if sent:
            open_ones = {name for name, item in properties.items() if not item.get("readOnly")}
            wanted = (set(BODIES.get(component, [])) or self._told_ones(properties, component)) & open_ones
            wanted = (wanted or open_ones) | set(schema.get("required", []))
        return {n: self.of(item, n, component, sent=sent) for n, item in properties.items() if n in wanted}

    def _told_ones(self, properties: Json, component: str) -> set[str]:
        kind = component.removesuffix("Patch")
        found = {name for name in properties if VALUES.get(f"{kind}.{name}") is not None}
        return set(sorted(found)[:2]) if component.endswith("Patch") else found

    @staticmethod
    def _made(schema: Json) -> Any:
        allowed = types_of(schema)
        if schema.get("enum"):
            return schema["enum"][0]
        if "null" in allowed or not allowed:
            return None
        kind = allowed[0]
        if kind == "string":
            return FORMATS.get(schema.get("format", ""), "text")
        if kind in ("integer", "number"):
            return schema.get("minimum", 1)
        return {"boolean": False, "array": [], "object": {}}[kind]


def add_examples(operation: Json, components: Mapping[str, Any]) -> None:
    """Give an operation's body, its good answers and its parameters an example each."""
    makes, act = Examples(components, operation["tags"][0]), operation["operationId"].rpartition("_")[2]
    for media in operation.get("requestBody", {}).get("content", {}).values():
        if "example" not in media:
            media["example"] = makes.of(media["schema"], "", act, sent=True)
    for status, answer in operation["responses"].items():
        for kind, media in answer.get("content", {}).items() if status.startswith("2") else ():
            if "example" not in media:
                schema = media.get("schema", {})
                told = Examples(components, "jobs") if _is_job(schema) else makes
                media["example"] = MEDIA[kind] if kind in MEDIA and fits(MEDIA[kind], schema) else told.of(schema)
    operation["parameters"] = [_with_example(given, operation, makes) for given in operation.get("parameters", [])]


def _is_job(schema: Json) -> bool:
    return {"kind", "done", "counts"} <= {*schema.get("properties", {}).get("data", {}).get("properties", {})}


def _with_example(parameter: Json, operation: Json, makes: Examples) -> Json:
    """Return a parameter with an example, which is no one else's: operations share what they say."""
    schema = parameter["schema"]
    if {"example", "examples"} & {*parameter, *schema}:
        return parameter
    return {**parameter, "schema": {**schema, "examples": [_parameter(parameter, operation, makes)]}}


def _parameter(parameter: Json, operation: Json, makes: Examples) -> Any:
    """Return an example of a parameter; of a filter one by what its field holds."""
    name, schema = parameter["name"], parameter["schema"]
    if name == "fields":
        return ",".join(found) if (found := _fields(operation, makes.components)) else "id"
    for key in (f"{makes.tag}.{name}", name):
        if key in PARAMETERS and fits(PARAMETERS[key], schema):
            return PARAMETERS[key]
    field = next((name.removesuffix(end) for end in OPERATORS if name.endswith(end)), name)
    component = _component(operation)
    whole = makes.components.get(component, {}).get("properties", {}).get(field, schema)
    value = makes.of(whole, field, component)
    if value is None and field.endswith("_id"):
        value = IDS.get(operation["tags"][0], 1)
    if value is None or (schema.get("type") != "string" and not fits(value, schema)):
        value = makes.of(schema, field, component)
    return str(value) if schema.get("type") == "string" else value


def _fields(operation: Json, components: Mapping[str, Any]) -> list[str]:
    properties = components.get(_component(operation), {}).get("properties", {})
    return [name for name in LISTED_FIELDS if name in properties][:3]


def _component(operation: Json) -> str:
    """Return the component that a list's or a single answer's data is made of, nothing for another."""
    answer: Json = next((found for status, found in operation["responses"].items() if status.startswith("2")), {})
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    data = schema.get("properties", {}).get("data", {})
    return str(data.get("items", data).get("$ref", "")).rpartition("/")[2]
