"""The document that integrators read: names that stay, an example for every call, what follows on a create."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from tests.clients import ApiClient
from webapp.core.resource import registry
from webapp.faces.openapi_examples import Examples, fits
from webapp.faces.openapi_names import ON_MANY, ON_ONE, operation_id, operations

GOOD = re.compile("2..")


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get("/api/v1/openapi.json").json


@pytest.fixture(scope="module")
def every(document):
    """(where, operation) of the whole document."""
    return [(f"{verb} {path}", operation) for path, verb, operation in operations(document["paths"])]


def test_nothing_stays_in_memory_of_what_documented_the_resources(app):
    blueprints = {f"api_{name}": app.blueprints[f"api_{name}"] for name, each in registry.resources.items() if each.api}
    views = {name: view for name, view in app.view_functions.items() if name.partition(".")[0] in blueprints}

    assert [name for name, blueprint in blueprints.items() if blueprint._docs] == []
    assert [n for n, view in views.items() if any(hasattr(p, "_apidoc") for p in vars(view.view_class).values())] == []
    assert len(views) > len(blueprints)


def test_each_application_of_a_process_has_the_whole_document(app, document, database, new_app):
    second = new_app(database, Path(app.config["INSTANCE_DIR"]))

    assert second.test_client().get("/api/v1/openapi.json").json == document
    assert second.extensions["without_parameters"] == app.extensions["without_parameters"]


def faults(document, schema, example):
    """Return what is wrong with an example under the schema that stands beside it."""
    whole = {"allOf": [schema], "components": document["components"]}
    return [str(error) for error in jsonschema_rs.validator_for(whole, validate_formats=True).iter_errors(example)]


def media_of(operation):
    """Yield every media type that an operation takes or gives in a good answer."""
    yield from operation.get("requestBody", {}).get("content", {}).values()
    for status, answer in operation["responses"].items():
        if GOOD.match(status):
            yield from answer.get("content", {}).values()


def test_every_body_and_every_good_answer_has_an_example_that_its_schema_takes(document, every):
    wrong = {
        where: faults(document, media["schema"], media["example"])
        for where, operation in every
        for media in media_of(operation)
    }

    assert {where: found for where, found in wrong.items() if found} == {}


def test_every_parameter_has_an_example_that_its_schema_takes(document, every):
    wrong = {}
    for where, operation in every:
        path = where.partition(" ")[2]
        for parameter in (*operation.get("parameters", []), *document["paths"][path].get("parameters", [])):
            schema = parameter["schema"]
            found = [parameter[key] for key in ("example",) if key in parameter] + schema.get("examples", [])
            assert found or "example" in schema, (where, parameter["name"])
            wrong[where, parameter["name"]] = [fault for one in found for fault in faults(document, schema, one)]

    assert {where: found for where, found in wrong.items() if found} == {}


def test_an_example_of_a_parameter_fills_in_no_form_by_itself(every):
    """Swagger UI writes `example` and `default` into the form: a list would be asked with ninety filters."""
    assert [
        where for where, op in every for p in op.get("parameters", []) if "example" in p or "example" in p["schema"]
    ] == []


def test_examples_tell_one_story(document):
    made = document["paths"]["/api/v1/assets"]["post"]
    sent = made["requestBody"]["content"]["application/json"]["example"]
    given = made["responses"]["201"]["content"]["application/json"]["example"]["data"]

    assert (sent["name"], given["id"], given["name"], given["location"]) == ("FX3 body", 42, "FX3 body", "Media store")
    assert set(sent) <= set(given)
    assert {name: sent[name] for name in sent} == {name: given[name] for name in sent}
    moved = document["paths"]["/api/v1/locations/{row_id}"]["get"]["responses"]["200"]
    assert moved["content"]["application/json"]["example"]["data"]["id"] == given["location_id"]


def test_what_the_server_sets_is_in_no_example_of_a_body(document, every):
    told = {"id", "guid", "version", "created_at", "updated_at", "deleted_at"}
    sent = {
        where: media["example"]
        for where, operation in every
        for media in operation.get("requestBody", {}).get("content", {}).values()
    }

    assert {
        where: told & set(body) for where, body in sent.items() if isinstance(body, dict) and told & set(body)
    } == {}


def test_names_of_operations_are_unique_and_readable(every):
    names = [operation["operationId"] for _where, operation in every]

    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []
    assert {"assets_list", "assets_create", "assets_get", "assets_update", "assets_delete", "assets_restore",
            "assets_history", "assets_sync", "locations_move", "assets_book_value", "imports_rows", "me_get", "jobs_get",
            "auth_login", "auth_refresh", "auth_logout", "api_keys_usage"} <= set(names)  # fmt: skip


def test_two_verbs_on_one_path_have_two_names():
    answer = {"responses": {"204": {}}}
    item = {"get": answer, "put": answer, "delete": answer}

    names = {verb: operation_id("/api/v1/webhooks/{row_id}/secret", verb, item) for verb in item}

    assert names == {"get": "webhooks_secret", "put": "webhooks_secret_replace", "delete": "webhooks_secret_delete"}
    assert operation_id("/api/v1/a/{row_id}/b/{other_id}", "delete", {"delete": answer}) == "a_b_delete"
    assert set(ON_MANY) < set(ON_ONE)


def test_every_heading_says_what_it_is(document, every):
    used = [operation["tags"] for _where, operation in every]
    described = {tag["name"]: tag["description"] for tag in document["tags"]}

    assert all(len(tags) == 1 for tags in used)
    assert set(described) == {name for (name,) in used}
    assert [name for name, words in described.items() if len(words) < 15] == []


def test_an_answer_that_makes_a_row_says_what_can_be_done_with_it(document, every):
    names = {operation["operationId"] for _where, operation in every}
    links = document["paths"]["/api/v1/assets"]["post"]["responses"]["201"]["links"]

    assert set(links) == {"assets_get", "assets_update", "assets_delete", "assets_history", "assets_restore"}
    for link in links.values():
        assert link["parameters"] == {"row_id": "$response.body#/data/id"}
    back = document["paths"]["/api/v1/assets/{row_id}"]["delete"]["responses"]["204"]["links"]["assets_restore"]
    assert back["parameters"] == {"row_id": "$request.path.row_id"}
    for resource in registry.resources.values():
        if {"create", "get"} <= resource.api:
            made = document["paths"][f"/api/v1/{resource.name}"]["post"]["responses"]["201"]
            assert {link["operationId"] for link in made["links"].values()} <= names
            assert made["links"], resource.name


def test_both_ways_in_are_told_and_what_is_open_says_so(app, document, every):
    assert set(document["components"]["securitySchemes"]) == {"key", "jwt"}
    assert document["security"] == [{"key": []}, {"jwt": []}]
    open_ones = {operation["operationId"] for _where, operation in every if operation.get("security") == []}
    assert open_ones == {"auth_login", "auth_refresh"}
    assert ApiClient(app, "").post("auth/login", {}).status_code == 422


def test_what_is_changed_has_no_defaults_that_a_client_would_send(document):
    schemas = document["components"]["schemas"]
    changes = [name for name in schemas if name.endswith(("Patch", "SyncItem"))]

    assert {"AssetPatch", "AssetSyncItem", "LocationPatch"} <= set(changes)
    assert [(n, f) for n in changes for f, item in schemas[n]["properties"].items() if "default" in item] == []
    assert schemas["Asset"]["properties"]["is_byod"]["default"] is False


def test_patterns_end_as_javascript_ends_them(document):
    text = re.findall(r'"pattern": "((?:[^"\\]|\\.)*)"', json.dumps(document))

    assert text
    assert [pattern for pattern in text if r"\Z" in pattern] == []


@pytest.mark.parametrize(
    ("value", "schema", "right"),
    [
        (1, {"type": "integer"}, True),
        (True, {"type": "integer"}, False),
        (None, {"type": "string"}, False),
        (None, {"type": ["string", "null"]}, True),
        ("PT", {"type": "string", "enum": ["DE"]}, False),
        ("long", {"type": "string", "maxLength": 3}, False),
        ({"any": 1}, {}, True),
    ],
)
def test_the_story_stands_only_where_it_fits(value, schema, right):
    assert fits(value, schema) is right


def test_what_the_story_does_not_tell_is_made_from_the_schema():
    schema = {
        "type": "object",
        "required": ["unheard_of"],
        "properties": {
            "unheard_of": {"type": "string", "format": "date"},
            "read": {"type": "string", "readOnly": True},
            "some": {"oneOf": [{"type": "null"}, {"type": "array", "items": {"type": "number", "minimum": 2}}]},
            "whole": {"allOf": [{"type": "object"}, {"properties": {"flag": {"type": "boolean"}}}]},
        },
    }
    makes = Examples({}, "nothing")

    assert makes.of(schema) == {"unheard_of": "2026-03-02", "read": "text", "some": [2], "whole": {"flag": False}}
    assert set(makes.of(schema, sent=True)) == {"unheard_of", "some", "whole"}


def test_a_reader_who_has_the_document_is_told_so(app):
    first = app.test_client().get("/api/v1/openapi.json")

    again = app.test_client().get("/api/v1/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    other = app.test_client().get("/api/v1/openapi.json", headers={"If-None-Match": '"another"'})

    assert (first.status_code, first.headers["Cache-Control"]) == (200, "no-cache")
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert (other.status_code, other.data) == (200, first.data)


def test_the_document_is_rendered_once_whatever_the_language(app, monkeypatch):
    client = app.test_client()
    first = client.get("/api/v1/openapi.json", headers={"Accept-Language": "de"})
    monkeypatch.setattr("apispec.APISpec.to_dict", lambda _spec: pytest.fail("rendered again"))

    assert client.get("/api/v1/openapi.json", headers={"Accept-Language": "es"}).data == first.data
