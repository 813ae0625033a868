"""The API does what its OpenAPI document says, whatever it is sent. CONTRACT_EXAMPLES=200 CONTRACT_SEED=7 look longer and elsewhere."""

import os

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.factories import RESOURCES, fill
from tests.households import found_organization

EXAMPLES, SEED = int(os.environ.get("CONTRACT_EXAMPLES", "5")), int(os.environ.get("CONTRACT_SEED", "2026"))
DOCUMENT = "/api/v1/openapi.json"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TAGS = (*RESOURCES, "me", "jobs", "imports")


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get(DOCUMENT).json


@pytest.fixture(scope="module")
def schema(app):
    return schemathesis.openapi.from_wsgi(DOCUMENT, app, config=SchemathesisConfig())


@pytest.fixture(scope="module")
def office(app):
    """An organization, and ids of rows that are there, by the name in their path."""
    household = found_organization(app)
    return household, {name: fill(household, name, 3) for name in RESOURCES}


def operations_of(schema, tag):
    return [found.ok() for found in schema.get_all_operations() if tag in found.ok().definition.raw["tags"]]


def aimed(case, rows):
    """Return a case that asks for a row that is there in two of three cases, as random numbers would never."""
    ids, asked = rows.get(case.path.split("/")[3], []), (case.path_parameters or {}).get("row_id")
    if ids and isinstance(asked, int) and asked % 3:
        case.path_parameters["row_id"] = ids[asked % len(ids)]
    return case


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("tag", TAGS)
def test_every_answer_is_one_that_the_document_tells(schema, office, tag, mode):
    client, rows = office[0].api_client(), office[1]
    operations = operations_of(schema, tag)
    assert operations

    for operation in operations:

        @seed(SEED)
        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.explicit, Phase.generate],
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def probe(case):
            answer = aimed(case, rows).call(headers={"Authorization": f"Bearer {client.token}"})
            case.validate_response(answer, checks=CHECKS)

        try:
            probe()
        except schemathesis.errors.InvalidSchema:  # nothing of this operation can be made wrong
            assert mode is GenerationMode.NEGATIVE


def test_every_operation_is_tried(schema):
    tags = [found.ok().definition.raw["tags"] for found in schema.get_all_operations()]

    assert {tag for tag_list in tags for tag in tag_list} == set(TAGS)


def test_every_served_path_is_documented(app, document):
    served = {
        (method.lower(), rule.rule.replace("<row_id:row_id>", "{row_id}"))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.rule != DOCUMENT
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    verbs = {"get", "post", "patch", "delete", "put"}

    assert {(verb, path) for path, item in document["paths"].items() for verb in item if verb in verbs} == served


def test_the_document_is_one_of_openapi_3_1_with_sound_schemas(document):
    assert document["openapi"] == "3.1.0"
    assert document["security"] == [{"key": []}]
    for component in document["components"]["schemas"].values():
        assert jsonschema_rs.meta.is_valid(component)


def test_every_operation_says_what_goes_wrong(document):
    for path, item in document["paths"].items():
        for verb, operation in item.items():
            if verb != "parameters":
                assert {"401", "403", "429"} <= set(operation["responses"]), (verb, path)
                assert operation["summary"], (verb, path)
                assert ("requestBody" in operation) <= ({"400", "415", "422"} <= set(operation["responses"])), (
                    verb,
                    path,
                )
