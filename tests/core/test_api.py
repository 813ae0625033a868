"""The native API: its envelopes, headers and refusals."""

import re
import uuid
from typing import Any

import pytest

from tests.clients import ApiClient
from tests.households import Household
from tests.rows import add, any_category, listed
from webapp.core.database import utcnow


def fields(answer: Any) -> list[str]:
    """Return the fields that a refusal names."""
    return [error["field"] for error in answer.json["errors"]]


@pytest.fixture
def place(api: ApiClient) -> dict[str, Any]:
    """Return the place "Lisbon", made through the API."""
    made: dict[str, Any] = api.post("locations", {"name": "Lisbon"}).json["data"]
    return made


def test_what_is_made_is_answered_with_its_address_and_version(api: ApiClient):
    answer = api.post("locations", {"name": "Lisbon", "kind": "site"})

    made = answer.json["data"]
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/locations/{made['id']}"
    assert answer.headers["ETag"] == '"1"'
    assert (made["name"], made["kind"], made["parent_id"], made["version"]) == ("Lisbon", "site", None, 1)
    assert api.get(answer.headers["Location"]).json["data"] == made


def test_a_patch_changes_what_it_says_and_nothing_else(api: ApiClient, place: dict):
    answer = api.patch(f"locations/{place['id']}", {"city": "Lisboa"})

    changed = answer.json["data"]
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')
    assert {k for k in place if place[k] != changed[k]} <= {"city", "version", "updated_at"}
    assert changed["city"] == "Lisboa"


def test_an_empty_patch_changes_nothing(api: ApiClient, place: dict):
    assert api.patch(f"locations/{place['id']}", {}).json["data"] == place


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', "*", '"1", "x"'])
def test_if_match_lets_the_current_version_pass(api: ApiClient, place: dict, tag: str):
    answer = api.patch(f"locations/{place['id']}", {"city": "Lisboa"}, headers={"If-Match": tag})

    assert answer.status_code == (412 if "," in tag else 200)


@pytest.mark.parametrize("tag", ['"2"', '"abc"', '"-1"', '"99999999999999999999"'])
def test_if_match_stops_a_stale_write_and_says_the_version(api: ApiClient, place: dict, tag: str):
    answers = [
        api.patch(f"locations/{place['id']}", {"city": "Porto"}, headers={"If-Match": tag}),
        api.delete(f"locations/{place['id']}", headers={"If-Match": tag}),
    ]

    assert [(a.status_code, a.json["code"], a.json["version"]) for a in answers] == [(412, "stale_version", 1)] * 2
    assert api.get(f"locations/{place['id']}").json["data"] == place


def test_deleting_answers_nothing_and_restoring_answers_the_row(api: ApiClient, place: dict):
    path = f"locations/{place['id']}"
    deleted, gone = api.delete(path), api.get(path)
    restored = api.post(f"{path}/restore")

    assert (deleted.status_code, deleted.data, gone.status_code) == (204, b"", 404)
    assert (restored.status_code, restored.json["data"]["deleted_at"], restored.json["data"]["version"]) == (
        200,
        None,
        3,
    )
    assert api.post(f"{path}/restore").status_code == 404


def test_what_is_in_use_is_refused_with_links_to_what_uses_it(api: ApiClient, place: dict):
    api.post("locations", {"name": "Floor 2", "parent_id": place["id"]})

    answer = api.delete(f"locations/{place['id']}")

    assert (answer.status_code, answer.json["code"]) == (409, "in_use")
    (blocker,) = answer.json["blockers"]
    assert (blocker["resource"], blocker["count"]) == ("locations", 1)
    assert [found["name"] for found in api.get(blocker["url"]).json["data"]] == ["Floor 2"]


def test_the_history_tells_each_change_newest_first(api: ApiClient, place: dict):
    api.patch(f"locations/{place['id']}", {"city": "Lisboa"})
    api.delete(f"locations/{place['id']}")

    lines = api.get(f"locations/{place['id']}/history").json["data"]

    assert [line["event"] for line in lines] == ["Delete", "Update", "Create"]
    assert lines[1]["changes"] == [{"field": "city", "old": None, "new": "Lisboa"}]
    assert api.get(f"locations/{place['id']}/history?before_id={lines[1]['id']}").json["data"] == lines[2:]


@pytest.mark.parametrize("query", ["before_id=x", "before_id=-1", "page=2", "before_id=99999999999999999999"])
def test_a_history_takes_no_other_parameters(api: ApiClient, place: dict, query: str):
    assert api.get(f"locations/{place['id']}/history?{query}").status_code == 422


def test_a_list_says_where_it_stands(api: ApiClient):
    for name in ("Lisbon", "Porto", "Faro"):
        api.post("locations", {"name": name})

    body = api.get("locations?per_page=2&sort=name").json

    assert [found["name"] for found in body["data"]] == ["Faro", "Lisbon"]
    assert body["pagination"] | {"next_cursor": None} == {
        "page": 1,
        "per_page": 2,
        "total": 3,
        "total_capped": False,
        "total_pages": 2,
        "next_cursor": None,
    }
    rest = api.get(f"locations?per_page=2&sort=name&cursor={body['pagination']['next_cursor']}").json
    assert [found["name"] for found in rest["data"]] == ["Porto"]
    assert rest["pagination"]["next_cursor"] is None


def test_an_empty_list_has_one_page(api: ApiClient):
    assert api.get("locations").json["pagination"]["total_pages"] == 1


def test_chosen_fields_alone_are_sent(api: ApiClient, place: dict):
    assert api.get("locations?fields=name,id").json["data"] == [{"id": place["id"], "name": "Lisbon"}]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": 7}, "name"),
        ({"name": True}, "name"),
        ({"name": ["Lisbon"]}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "Lisbon", "kind": "castle"}, "kind"),
        ({"name": "Lisbon", "kind": None}, "kind"),
        ({"name": "Lisbon", "parent_id": "1"}, "parent_id"),
        ({"name": "Lisbon", "parent_id": 1.5}, "parent_id"),
        ({"name": "Lisbon", "parent_id": True}, "parent_id"),
        ({"name": "Lisbon", "parent_id": 0}, "parent_id"),
        ({"name": "Lisbon", "parent_id": 2**63}, "parent_id"),
        ({"name": "Lisbon", "parent_id": 10**30}, "parent_id"),
        ({"name": "Lisbon", "parent_id": 987654321}, "parent_id"),
        ({"name": "Lisbon", "country": "PRT"}, "country"),
        ({"name": "Lisbon", "colour": "red"}, "colour"),
        ({"name": "Lisbon", "id": 7}, "id"),
        ({"name": "Lisbon", "organization_id": 1}, "organization_id"),
        ({"name": "Lisbon", "version": 1}, "version"),
        ({"name": "Lisbon", "parent": "Portugal"}, "parent"),
        ({"name": "Lisbon", "name_key": "porto"}, "name_key"),
        ({"name": "Lisbon", "deleted_at": None}, "deleted_at"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(api: ApiClient, body: dict, field: str):
    answer = api.post("locations", body)

    assert (answer.status_code, set(fields(answer))) == (422, {field})
    assert api.get("locations").json["data"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"purchase_cost": "12,50"}, "purchase_cost"),
        ({"purchase_cost": "-1"}, "purchase_cost"),
        ({"purchase_cost": "NaN"}, "purchase_cost"),
        ({"purchase_cost": "1.00001"}, "purchase_cost"),
        ({"purchase_cost": "100000000000"}, "purchase_cost"),
        ({"purchase_cost": "1e400"}, "purchase_cost"),
        ({"purchase_cost": True}, "purchase_cost"),
        ({"purchase_cost": "1" * 5000}, "purchase_cost"),
        ({"purchase_cost": "1", "currency": "eur"}, "currency"),
        ({"purchase_cost": "1", "currency": "EUR\n"}, None),
        ({"purchased_on": "2025-02-30"}, "purchased_on"),
        ({"purchased_on": "2025-03-01T00:00:00"}, "purchased_on"),
        ({"purchased_on": 20250301}, "purchased_on"),
        ({"warranty_months": "12"}, "warranty_months"),
        ({"warranty_months": 1201}, "warranty_months"),
        ({"warranty_months": 12.5}, "warranty_months"),
        ({"status_id": 987654321}, "status_id"),
        ({"tag": ""}, None),
        ({"tag": "x" * 256}, "tag"),
        ({"notes": "x" * 10_001}, "notes"),
    ],
)
def test_each_kind_of_field_refuses_what_it_is_not(
    api: ApiClient, organization: Household, body: dict, field: str | None
):
    with organization.context() as context:
        category = any_category(context)
        context.session.commit()

    answer = api.post("assets", {"category_id": category, **body})

    assert (answer.status_code, fields(answer) if field else None) == (
        422 if field else 201,
        [field] if field else None,
    )


def test_every_wrong_field_is_named_at_once(api: ApiClient):
    answer = api.post("assets", {"purchase_cost": "x", "purchased_on": "x", "colour": 1})

    assert set(fields(answer)) == {"purchase_cost", "purchased_on", "colour"}


def test_a_refused_change_leaves_the_row_as_it_was(api: ApiClient, place: dict):
    answer = api.patch(f"locations/{place['id']}", {"city": "Porto", "parent_id": place["id"]})

    assert (answer.status_code, fields(answer)) == (422, ["parent_id"])
    assert api.get(f"locations/{place['id']}").json["data"] == place


@pytest.mark.parametrize("path", ["locations/{id}", "locations/{id}/restore", "locations/{id}/history", "locations"])
def test_parameters_that_nobody_knows_are_refused(api: ApiClient, place: dict, path: str):
    path = path.format(id=place["id"])
    ask = api.post if path.endswith("restore") else api.get

    answer = ask(f"{path}?colour=red")

    assert (answer.status_code, fields(answer)) == (422, ["colour"])


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_with_a_parameter_that_nobody_knows_writes_nothing(api: ApiClient, place: dict, method: str):
    path = "locations" if method == "POST" else f"locations/{place['id']}"

    answer = api.request(method, f"{path}?dry_run=true", {"name": "Porto"} if method != "DELETE" else None)

    assert (answer.status_code, fields(answer)) == (422, ["dry_run"])
    assert api.get("locations").json["data"] == [place]


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer qm_live_abc",
        "Basic b2xpdmU6eA==",
        "Token x",
        "Bearer qm_live_1_{x}".format(x="a" * 60),
    ],
)
def test_without_a_valid_key_nothing_is_answered(api: ApiClient, authorization: str):
    answer = api.get("locations", headers={"Authorization": authorization})

    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_the_browsers_session_does_not_open_the_api(organization: Household):
    browser = organization.page_client()

    assert browser.get("/api/v1/locations").status_code == 401


def test_another_organizations_row_is_not_there(api: ApiClient, place: dict, other_organization: Household):
    stranger, path = other_organization.api_client(), f"locations/{place['id']}"

    answers = [
        stranger.get(path),
        stranger.patch(path, {"name": "Mine"}),
        stranger.delete(path),
        stranger.get(f"{path}/history"),
        stranger.post(f"{path}/restore"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5
    assert api.get(path).json["data"] == place


def test_a_change_is_seen_on_the_page_and_in_the_list_at_once(api: ApiClient, place: dict, organization: Household):
    browser = organization.page_client()
    api.patch(f"locations/{place['id']}", {"name": "Lisboa depot"})

    assert "Lisboa depot" in browser.get("/locations").text
    assert "Lisboa depot" in browser.get(f"/locations/{place['id']}").text


def test_every_answer_has_the_requests_id(api: ApiClient):
    answers = [
        api.get("locations", headers={"X-Request-Id": "walk-7"}),
        api.get("locations/1", headers={"X-Request-Id": "walk-7"}),
        api.get("locations", headers={"X-Request-Id": "<script>"}),
    ]

    assert [answer.headers["X-Request-Id"] for answer in answers[:2]] == ["walk-7", "walk-7"]
    assert answers[1].json["request_id"] == "walk-7"
    assert "<" not in answers[2].headers["X-Request-Id"]


def test_a_get_changes_nothing(api: ApiClient, organization: Household):
    api.get("locations?q=x&sort=name")
    api.get("assets")
    before = utcnow()

    with organization.context(write=False) as context:
        assert [found for found in listed(context, "statuses") if found["updated_at"] > before] == []


def test_two_hundred_characters_of_an_idless_path_are_not_a_row(api: ApiClient):
    assert [api.get(f"locations/{path}").status_code for path in ("abc", "1x", "-1", "1.0", "0", "9" * 200)] == [
        404
    ] * 6


def test_what_was_made_by_hand_is_read_through_the_api(api: ApiClient, organization: Household):
    with organization.context() as context:
        lisbon = add(context, "locations", name="Lisbon")
        floor = add(context, "locations", name="Floor 2", parent_id=lisbon)
        context.session.commit()

    assert api.get(f"locations/{floor}").json["data"]["parent"] == "Lisbon"


def test_no_endpoint_takes_a_parameter_that_it_does_not_know(api: ApiClient, place: dict):
    paths = api.get("/api/v1/openapi.json").json["paths"]
    told = {}
    for path, item in paths.items():
        asked = re.sub(r"{\w+}", str(place["id"]), path.replace("{change_set_id}", str(uuid.UUID(int=7))))
        for verb, operation in item.items():
            if verb != "parameters" and operation.get("security") != []:
                body = {} if verb in ("post", "patch") else None
                told[verb, path] = api.request(verb.upper(), f"{asked}?colour=red", body)

    known = {found: answer for found, answer in told.items() if answer.status_code != 404}  # a row that is not there
    assert {answer.status_code for answer in known.values()} == {422}
    assert {tuple(fields(answer)) for answer in known.values()} == {("colour",)}
    assert len(known) > len(told) / 2


@pytest.mark.parametrize(
    "path", ["/api/v1//locations", "/api/v1/locations/", "/api//v1/locations", "/api/v1/locations%00"]
)
def test_an_address_is_what_it_is_to_the_letter(api: ApiClient, path: str):
    answer = api.get(path)

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_rehearsal_is_asked_for_by_one_of_several_preferences(api: ApiClient):
    tried = api.post("locations", {"name": "Lisbon"}, headers={"Prefer": "wait=5, dry-run; reason=test"})
    refused = api.post("locations", {"nom": "Lisbon"}, headers={"Prefer": "dry-run"})
    read = api.get("locations", headers={"Prefer": "dry-run"})

    assert (tried.status_code, tried.headers["Preference-Applied"]) == (201, "dry-run")
    assert "Prefer" in tried.headers["Vary"]
    assert (refused.status_code, refused.headers["Preference-Applied"]) == (422, "dry-run")
    assert read.json["data"] == []
    assert "Preference-Applied" not in read.headers


def test_a_rehearsal_keeps_no_answer_for_its_key(api: ApiClient):
    key = {"Idempotency-Key": "walk-7"}

    tried = api.post("locations", {"name": "Lisbon"}, headers=key | {"Prefer": "dry-run"})
    done = api.post("locations", {"name": "Lisbon"}, headers=key)
    again = api.post("locations", {"name": "Lisbon"}, headers=key | {"Prefer": "dry-run"})

    assert (tried.status_code, done.status_code) == (201, 201)
    assert "Idempotent-Replayed" not in done.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(api.get("locations").json["data"]) == 1
