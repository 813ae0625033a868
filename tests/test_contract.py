"""The API does what its OpenAPI document says, whatever it is sent and in whatever order.

CONTRACT_EXAMPLES=50 CONTRACT_SEED=7 look longer and elsewhere.
"""

import os
import re
from collections import Counter
from contextlib import suppress

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Flaky
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.hypothesis.examples import generate_one
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ensure_resource_availability,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.factories import RESOURCES, fill
from tests.households import found_organization

EXAMPLES, SEED = int(os.environ.get("CONTRACT_EXAMPLES", "5")), int(os.environ.get("CONTRACT_SEED", "2026"))
PARTS, SCENARIOS, STEPS = 8, EXAMPLES * 8, 12
TRIES = -(-EXAMPLES * 3 // 5)  # of each call alone; the walk along the links needs more to come everywhere
UNIQUE = {"name", "email", "slug", "serial_number", "tag", "code", "username", "employee_number"}
DOCUMENT, PREFIX = "/api/v1/openapi.json", "/api/v1/"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
QUICK = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def document(app):
    return app.test_client().get(DOCUMENT).json


@pytest.fixture(scope="module")
def schema(app):
    config = SchemathesisConfig.from_dict({"phases": {"stateful": {"inference": {"algorithms": []}}}})  # links say it
    return schemathesis.openapi.from_wsgi(DOCUMENT, app, config=config)


@pytest.fixture(scope="module")
def office(app):
    """An organization, and ids of rows that are there, by the name in their path."""
    household = found_organization(app)
    return household, {name: fill(household, name, 3) for name in RESOURCES}


@pytest.fixture(scope="module")
def bearer(office):
    return {"Authorization": f"Bearer {office[0].api_client().token}"}


def operations_of(schema):
    return [found.ok() for found in schema.get_all_operations()]


def part_of(schema, part):
    """Return every eighth operation, so that the parts take about as long as each other."""
    return operations_of(schema)[part::PARTS]


def aimed(case, rows):
    """Return a case that asks for a row that is there in two of three cases, as random numbers would never."""
    ids, asked = rows.get(case.path.split("/")[3], []), (case.path_parameters or {}).get("row_id")
    if ids and isinstance(asked, int) and asked % 3:
        case.path_parameters["row_id"] = ids[asked % len(ids)]
    return case


def related(case, rows, number):
    """Return a case whose body refers to rows that are there; in two of three to make something it is the example's.

    What is generated has a right form and rarely makes sense, so that little would ever be made of it.
    """
    if number % 2:
        case.headers.pop("If-Match", None)
    resource, raw = RESOURCES.get(case.path.split("/")[3]), case.operation.definition.raw
    if number % 3 and raw["operationId"].endswith("_create") and case.media_type == "application/json":
        case.body = dict(raw["requestBody"]["content"]["application/json"]["example"])
        case.headers.pop("Idempotency-Key", None)
        for name in UNIQUE & set(case.body):
            case.body[name] = f"n{number}{case.body[name]}"
    if resource is not None and isinstance(case.body, dict):
        for name, value in case.body.items():
            target = getattr(resource.fields.get(name), "target", None)
            if target in rows and isinstance(value, int):
                case.body[name] = rows[target][value % len(rows[target])]
    return case


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_one_that_the_document_tells(schema, office, bearer, part, mode):
    for operation in part_of(schema, part):

        @seed(SEED)
        @settings(max_examples=TRIES, phases=[Phase.explicit, Phase.generate], **QUICK)
        @given(case=operation.as_strategy(generation_mode=mode))
        def probe(case):
            answer = aimed(case, office[1]).call(headers=bearer)
            case.validate_response(answer, checks=CHECKS)

        try:
            probe()
        except schemathesis.errors.InvalidSchema:  # nothing of this operation can be made wrong
            assert mode is GenerationMode.NEGATIVE


@pytest.mark.parametrize("part", range(PARTS))
def test_every_example_is_answered_as_the_document_tells(schema, office, bearer, part):
    for operation in part_of(schema, part):
        strategies = operation.get_strategies_from_examples()
        assert strategies or not (operation.body or operation.query or operation.path_parameters), operation.label

        for strategy in strategies:
            case = aimed(generate_one(strategy), office[1])
            case.validate_response(case.call(headers=bearer), checks=CHECKS)


def test_what_is_made_is_read_changed_and_deleted_as_the_links_say(schema, office, bearer):
    steps, wrong, scenarios = Counter(), [], Counter()

    class Scenario(schema.as_state_machine()):
        def setup(self):
            scenarios["begun"] += 1

        def before_call(self, case):
            related(case, office[1], steps.total())

        def get_call_kwargs(self, case):
            return {"headers": bearer}

        def validate_response(self, response, case, **_kwargs):
            steps[case.operation.definition.raw["operationId"].rpartition("_")[2], response.status_code] += 1
            try:
                case.validate_response(response, checks=[*CHECKS, ensure_resource_availability])
            except FailureGroup as failure:  # raised, it would be tried again on what it has left behind
                wrong.append(str(failure))

    how = settings(max_examples=SCENARIOS, stateful_step_count=STEPS, phases=[Phase.generate], **QUICK)
    for number in range(SEED, SEED + SCENARIOS):
        if scenarios["begun"] < SCENARIOS:
            Scenario.rule_order_seed = number
            with suppress(Flaky):  # the server remembers what was made, so that the same steps come to something else
                seed(number)(Scenario).run(settings=how)

    assert wrong == []
    done = {verb for verb, status in steps if status in (200, 201, 204)}
    assert {"create", "get", "update", "delete", "history", "restore"} <= done, steps


def test_every_operation_is_tried(schema, document):
    tried = [operation.definition.raw["operationId"] for part in range(PARTS) for operation in part_of(schema, part)]
    verbs = {"get", "post", "patch", "delete", "put"}

    assert len(tried) == len(set(tried)) == sum(verb in verbs for item in document["paths"].values() for verb in item)


def test_every_served_path_is_documented(app, document):
    served = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and rule.rule != DOCUMENT
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    verbs = {"get", "post", "patch", "delete", "put"}

    assert {(verb, path) for path, item in document["paths"].items() for verb in item if verb in verbs} == served


def test_the_document_is_one_of_openapi_3_1_with_sound_schemas(document):
    assert document["openapi"] == "3.1.0"
    assert document["security"] == [{"key": []}, {"jwt": []}]
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
