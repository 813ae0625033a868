"""Every unsafe endpoint of the API, rehearsed and repeated: what was only tried leaves nothing, what is sent thrice is
done once."""

import re
import uuid
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.clients import UNSAFE
from tests.conftest import on_postgresql
from tests.factories import RESOURCES
from tests.households import found_organization
from tests.snapshots import snapshot
from tests.unsafe_calls import call_for, unsafe_rules
from webapp.core.database import Base, db

OUTSIDE = ("users", "one_time_links", "rate_buckets")  # tables that snapshots do not tell of


@pytest.fixture(scope="module")
def household(app):
    return found_organization(app)


@pytest.fixture(scope="module")
def api(household):
    return household.api_client()


def everything(household):
    """Return all that a request may write: the organization's rows, identity tables, files."""
    with household.app.app_context(), db.engine.connect() as connection:
        tables = [] if on_postgresql() else [Base.metadata.tables[name] for name in OUTSIDE]
        counts = [connection.scalar(select(func.count()).select_from(table)) for table in tables]
        sums = [connection.scalar(select(func.sum(t.c["count"]))) for t in tables if "count" in t.c]
    store = Path(household.app.config["INSTANCE_DIR"])
    files = sorted(str(path) for path in store.rglob("*") if path.is_file() and path.suffix != ".sqlite3")
    return snapshot(household), counts, sums, [name for name in files if "jobs" not in name]


def groups(app, methods):
    """Return the endpoints by the first part of their paths, so that a failing one has a name."""
    found = {}
    for method, rule in unsafe_rules(app, methods):
        found.setdefault(rule.partition("/")[0], []).append((method, rule))
    return found


KINDS = sorted({*RESOURCES, "imports", "jobs", "changes"})


def test_every_endpoint_is_tried(app):
    assert set(groups(app, UNSAFE)) <= set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_only_tried_is_answered_as_if_and_leaves_nothing(app, household, api, kind):
    calls = [call_for(household, api, *endpoint) for endpoint in groups(app, UNSAFE).get(kind, [])]
    before = everything(household)

    tried = [call.send(api, **{"Prefer": "dry-run", "Idempotency-Key": str(uuid.uuid4())}) for call in calls]

    assert everything(household) == before
    for call, rehearsal in zip(calls, tried, strict=True):
        done = call.send(api)
        assert rehearsal.headers["Preference-Applied"] == "dry-run", call
        assert "Preference-Applied" not in done.headers
        assert done.status_code < 300, (call, done.get_data(as_text=True))
        assert (rehearsal.status_code, rehearsal.mimetype) == (done.status_code, done.mimetype), call
    assert not calls or everything(household) != before


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_posted_three_times_is_done_once(app, household, api, kind):
    calls = [
        (call_for(household, api, *endpoint), {"Idempotency-Key": str(uuid.uuid4())})
        for endpoint in groups(app, frozenset({"POST"})).get(kind, [])
    ]

    first = [call.send(api, **key) for call, key in calls]
    once = everything(household)
    again = [call.send(api, **key) for _ in range(2) for call, key in calls]

    assert everything(household) == once
    for (call, _key), done, *repeated in zip(calls, first, again[: len(calls)], again[len(calls) :], strict=True):
        assert done.status_code < 300, (call, done.get_data(as_text=True))
        for answer in repeated:
            assert answer.headers["Idempotent-Replayed"] == "true", call
            shown = [found for path, found in SECRET.items() if re.fullmatch(path, call.path)]
            if shown:
                assert (answer.status_code, answer.json["code"]) == (409, "already_done")
                assert answer.headers.get("Location") == done.headers.get("Location")
                assert done.json["data"][shown[0]] not in str(once)
            else:
                assert (answer.status_code, answer.data) == (done.status_code, done.data), call


SECRET = {"api-keys": "key", "webhooks": "secret", r"webhooks/\d+/rotate-secret": "secret"}


def test_patch_and_delete_sent_twice_come_to_what_they_come_to_once(app, household, api):
    endpoints = [found for found in unsafe_rules(app, frozenset({"PATCH", "DELETE"})) if found[1] not in CHECKED_AGAIN]
    calls = [call_for(household, api, *endpoint) for endpoint in endpoints]
    refused = [call for call in calls if call.send(api).status_code >= 300]
    once = snapshot(household)

    for call in calls:
        call.send(api)

    assert refused == []
    assert snapshot(household) == once


# Each correction has the rows checked again, and the import says when.
CHECKED_AGAIN = {"imports/<row_id:row_id>", "imports/<row_id:row_id>/rows/<row_id:number>"}
