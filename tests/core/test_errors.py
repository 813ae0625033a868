"""What goes wrong is said in the envelope of the face that was asked, and says nothing else."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.clients import ApiClient, PageClient
from tests.conftest import NewDatabase
from tests.households import Household, anonymous_client, found_organization
from webapp.core.errors import Conflict, Forbidden, NotFound, TooManyRequests

JSON = {"Content-Type": "application/json"}
BEYOND = 2**63


def is_problem(answer: Any, status: int) -> bool:
    """Tell whether an answer is RFC 9457 problem details of a status."""
    body = answer.json
    keys = {"type", "title", "status", "detail", "code", "request_id"}
    return answer.mimetype == "application/problem+json" and keys <= set(body) and body["status"] == status


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "assets/1",
        f"assets/{BEYOND}",
        "assets/99999999999999999999999",
        "assets/1/nothing",
        "jobs/1",
        "assets/",
    ],
)
def test_what_is_not_there_is_a_404_of_the_api(api: ApiClient, path: str):
    answer = api.get(path)

    assert answer.status_code == 404
    assert is_problem(answer, 404)


@pytest.mark.parametrize(
    "path", ["/nothing", "/assets/1", f"/assets/{BEYOND}", "/assets/99999999999999999999999", "/assets/-1"]
)
def test_what_is_not_there_is_a_page_for_people(client: PageClient, path: str):
    answer = client.get(path)

    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "assets"), ("DELETE", "assets"), ("POST", "assets/1"), ("PUT", "assets/1")]
)
def test_a_method_that_is_not_offered_says_which_are(api: ApiClient, method: str, path: str):
    answer = api.request(method, path, {})

    assert is_problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


def test_a_page_says_which_methods_it_takes_too(client: PageClient):
    answer = client.delete("/assets")

    assert (answer.status_code, answer.mimetype) == (405, "text/html")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'name': 'Lisbon'}",
        b'{"name": "Lisbon",}',
        b'{"name": "Lisbon"} more',
        b"\xff\xfe",
        b'{"name": "\xff"}',
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": "\\ud800"}',
        b'{"\\ud800": 1}',
        b"[" * 100_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
    ],
)
def test_what_is_not_json_cannot_be_parsed(api: ApiClient, body: bytes):
    answer = api.request("POST", "locations", data=body, headers=JSON)

    assert is_problem(answer, 400)
    assert answer.json["code"] == "not_json"
    assert api.get("locations").json["data"] == []


@pytest.mark.parametrize("body", [b"[]", b"7", b'"Lisbon"', b"null", b"true"])
def test_json_that_is_no_object_names_no_field(api: ApiClient, body: bytes):
    answer = api.request("POST", "locations", data=body, headers=JSON)

    assert is_problem(answer, 422)
    assert [error["field"] for error in answer.json["errors"]] == ["_"]


@pytest.mark.parametrize(
    "mimetype", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/csv"]
)
def test_another_content_type_is_refused(api: ApiClient, mimetype: str):
    answer = api.request("POST", "locations", data=b'{"name": "Lisbon"}', headers={"Content-Type": mimetype})

    assert is_problem(answer, 415)


@pytest.mark.parametrize(
    "mimetype", ["application/json", "application/json; charset=utf-8", "application/merge-patch+json"]
)
def test_json_by_any_of_its_names_is_taken(api: ApiClient, mimetype: str):
    answer = api.request("POST", "locations", data=b'{"name": "Lisbon"}', headers={"Content-Type": mimetype})

    assert answer.status_code == 201


@pytest.mark.parametrize("name", ["a\\u0000b", "\\ud83d", "\\udc00x", "ok\\ud800ok"])
def test_text_that_is_no_text_is_refused(api: ApiClient, name: str):
    answers = [
        api.request("POST", "locations", data=f'{{"name": "{name}"}}'.encode(), headers=JSON),
        api.request(
            "POST", "assets/sync", data=f'{{"assets": [{{"serial_number": "{name}"}}]}}'.encode(), headers=JSON
        ),
    ]

    assert answers[0].status_code in (400, 422)
    assert answers[1].status_code == 400 or answers[1].json["data"]["failed"]


@pytest.mark.parametrize("data", [{"name": "a\x00b"}, {"name": "Lisbon", "parent_id": str(BEYOND)}, {"name": ""}])
def test_a_form_with_what_is_no_value_is_shown_again(client: PageClient, data: dict):
    client.get("/locations/new")

    answer = client.post("/locations/new", data={**data, "csrf_token": client.csrf_token})

    assert (answer.status_code, answer.mimetype) == (422, "text/html")
    assert client.get("/locations").text.count("/locations/1") == 0


@pytest.fixture(scope="module")
def broken(new_app: Callable[..., Flask], new_database: NewDatabase) -> PageClient:
    """Return somebody signed in to an application with views that fail, on both faces."""
    app = new_app(new_database())
    failures: dict[str, Exception] = {
        "bug": RuntimeError("the password is swordfish"),
        "away": OperationalError("SELECT swordfish", {}, Exception("no route")),
        "conflict": Conflict("It is still in use."),
        "forbidden": Forbidden("this needs the permission assets:write"),
        "missing": NotFound("there is no thing 7"),
        "busy": TooManyRequests(17),
    }

    def fail(kind: str) -> None:
        raise failures[kind]

    app.add_url_rule("/api/fail/<kind>", "api_fail", fail)
    app.add_url_rule("/fail/<kind>", "fail", fail)
    return found_organization(app).page_client()


@pytest.mark.parametrize(
    ("kind", "status"),
    [("bug", 500), ("away", 503), ("conflict", 409), ("forbidden", 403), ("missing", 404), ("busy", 429)],
)
def test_each_failure_has_its_status_on_both_faces(broken: PageClient, kind: str, status: int):
    api, page = broken.get(f"/api/fail/{kind}"), broken.get(f"/fail/{kind}")

    assert is_problem(api, status)
    assert (page.status_code, page.mimetype) == (status, "text/html")


@pytest.mark.parametrize("path", ["/api/fail/bug", "/fail/bug", "/api/fail/away", "/fail/away"])
def test_a_failure_of_ours_tells_nothing_but_the_requests_id(broken: PageClient, path: str):
    answer = broken.get(path, headers={"X-Request-Id": "walk-7"})

    assert "swordfish" not in answer.text
    assert "Traceback" not in answer.text
    assert "walk-7" in answer.text


def test_who_asks_too_often_is_told_when_to_come_back(broken: PageClient):
    assert [broken.get(path).headers["Retry-After"] for path in ("/api/fail/busy", "/fail/busy")] == ["17", "17"]


def test_a_database_that_is_away_asks_to_try_again(broken: PageClient):
    assert broken.get("/api/fail/away").headers["Retry-After"] == "5"


def test_an_unsigned_reader_is_sent_to_the_door_and_an_integration_is_told(organization: Household):
    browser = anonymous_client(organization.app)

    page, api = browser.get("/assets"), browser.get("/api/v1/assets")

    assert page.status_code in (302, 303)
    assert unquote(page.headers["Location"]) == "/login?next=/assets"
    assert is_problem(api, 401)


def test_a_deleted_rows_conflict_names_what_is_in_the_way_to_people(client: PageClient, api: ApiClient):
    place = api.post("locations", {"name": "Lisbon"}).json["data"]
    api.post("locations", {"name": "Floor 2", "parent_id": place["id"]})

    answer = client.post(f"/locations/{place['id']}/delete", data={"csrf_token": client.csrf_token})

    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert f"/locations?parent_id={place['id']}" in answer.text
