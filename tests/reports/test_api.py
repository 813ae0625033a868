"""Exports through the API: a list asked for once, its job, its file; and who gets none of it."""

from typing import Any

import pytest

from tests.clients import ApiClient
from tests.households import Household
from tests.reports.conftest import Exporter
from webapp.reports.models import RUNS

ONCE = {"name": "Makers", "resource": "manufacturers", "format": "jsonl", "query": "sort=name"}


def made(api: ApiClient, **patch: Any) -> dict[str, Any]:
    answer = api.post("exports", ONCE | patch)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return answer.json["data"]


def test_a_list_is_asked_for_waited_for_and_fetched(api: ApiClient, exporter: Exporter):
    row = made(api)
    early = api.get(f"exports/{row['id']}/file")
    queued = api.get(f"jobs/{row['job_id']}").json["data"]
    exporter.work()

    answer = api.get(f"exports/{row['id']}/file")

    assert (row["last_state"], row["schedule"], queued["state"]) == ("running", "none", "queued")
    assert (early.status_code, early.json["code"]) == (409, "not_ready")
    assert (answer.status_code, answer.mimetype) == (200, "application/jsonl")
    assert answer.headers["Content-Length"] == str(len(answer.data))
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=manufacturers-")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.data.count(b"\n") == 3
    assert api.get(f"jobs/{row['job_id']}").json["data"]["done"] == 3


def test_the_runs_say_what_became_of_each(api: ApiClient, exporter: Exporter):
    row_id = made(api, schedule="daily")["id"]
    assert api.get(f"exports/{row_id}/file").status_code == 404
    assert api.post(f"exports/{row_id}/run", {}).json["data"]["last_state"] == "running"
    assert api.post(f"exports/{row_id}/run", {}).status_code == 409
    exporter.work()
    api.post(f"exports/{row_id}/run", {})

    newest, first = api.get(f"exports/{row_id}/runs").json["data"]

    assert (newest["state"], newest["has_file"], first["state"], first["has_file"]) == ("running", False, "done", True)
    assert (first["rows"], first["error"], first["due_at"]) == (3, None, None)
    assert api.get(f"exports/{row_id}/file?run={first['id']}").status_code == 200
    assert api.get(f"exports/{row_id}/file").status_code == 409


def test_what_is_asked_wrongly_is_named(api: ApiClient, exporter: Exporter):
    row_id = made(api)["id"]
    refused = [
        api.post("exports", ONCE | {"query": "nothing=1"}),
        api.post("exports", ONCE | {"receivers": ["nobody"]}),
        api.post("exports", ONCE | {"resource": "passwords"}),
        api.get(f"exports/{row_id}/file?run=x"),
        api.get(f"exports/{row_id}/file?which=1"),
        api.get(f"exports/{row_id}/runs?page=1"),
    ]

    assert [answer.status_code for answer in refused] == [422] * 6
    fields = [answer.json["errors"][0]["field"] for answer in refused]
    assert fields == ["query", "receivers", "resource", "run", "which", "page"]


def test_the_same_request_sent_again_makes_one_file(api: ApiClient, exporter: Exporter):
    headers = {"Idempotency-Key": "once"}

    first, second = (api.post("exports", ONCE, headers=headers) for _ in range(2))

    assert first.json == second.json
    assert len(exporter.stored(RUNS)) == 1


@pytest.mark.parametrize("scopes", [("exports:read", "manufacturers:read"), ("exports:write",)])
def test_a_key_without_the_right_makes_none(organization: Household, exporter: Exporter, scopes):
    answer = organization.api_client(scopes).post("exports", ONCE)

    assert answer.status_code == (403 if "exports:read" in scopes else 422)
    assert exporter.stored(RUNS) == []
