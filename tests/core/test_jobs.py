"""Work in the background: done once, taken up again after a crash, and never somebody else's to see."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from tests.conftest import NewDatabase
from tests.households import Household, found_organization
from tests.rows import add, at_once, lines, listed, stored
from webapp.core import jobs
from webapp.core.context import Context
from webapp.core.database import utcnow
from webapp.core.errors import Invalid, NotFound
from webapp.core.jobs import JOBS, JobRun, cancel_job, enqueue, get_job, job, run_due, run_job

SECOND = timedelta(seconds=1)
LEASE = timedelta(seconds=31)


class Killed(BaseException):
    """What stands in for kill -9: nothing catches it."""


@job("test_make")
def make(context: Context, run: JobRun) -> str:
    """Make so many manufacturers, one a commit, going on where an earlier run stopped."""
    for number in range(run.done, run.payload["count"]):
        PAUSES.pop((run.id, number), lambda: None)()
        add(context, "manufacturers", name=f"Maker {number}")
        run.progress(number + 1, run.payload["count"], made=number + 1)
        INTERRUPTIONS.pop((run.id, number), lambda: None)()
        run.commit()
    return "All made."


@job("test_fail")
def fail(context: Context, run: JobRun) -> None:
    """Write something, then fail as a mistake of ours does."""
    add(context, "manufacturers", name="Never")
    raise RuntimeError("no route to the printer")


@job("test_refuse")
def refuse(context: Context, run: JobRun) -> None:
    """Write something, then refuse as a rule does."""
    add(context, "manufacturers", name="Never")
    raise Invalid({"file": ["There are no rows in it."]})


@job("test_long")
def long(context: Context, run: JobRun) -> None:
    """Say that it will take ten minutes, and die."""
    run.extend(600)
    run.commit()
    kill()


PAUSES: dict[tuple[int, int], Callable[[], None]] = {}
INTERRUPTIONS: dict[tuple[int, int], Callable[[], None]] = {}
"""What happens, by job and step: between two steps, and before a step is committed."""


@pytest.fixture(scope="module")
def shop(new_app: Callable[..., Flask], new_database: NewDatabase) -> Flask:
    """Return an application on a database with no jobs but ours."""
    return new_app(new_database())


@pytest.fixture
def organization(shop: Flask) -> Iterator[Household]:
    """Return a fresh organization there; whatever it left is cancelled."""
    made = found_organization(shop)
    with shop.app_context():
        yield made
    with made.context() as context:
        for found in stored(context, JOBS):
            cancel_job(context, found["id"])
        context.session.commit()


def queue(organization: Household, kind: str = "test_make", payload: dict | None = None, **options: Any) -> int:
    """Put a job into the outbox and commit."""
    with organization.context(options.pop("actor", None)) as context:
        job_id = enqueue(context, kind, {"count": 3} if payload is None else payload, **options)
        context.session.commit()
    return job_id


def seen(organization: Household, job_id: int) -> dict[str, Any]:
    """Return a job as its organization sees it."""
    with organization.context(write=False) as context:
        return get_job(context, job_id)


def makers(organization: Household) -> list[str]:
    """Return the names of the manufacturers that are committed."""
    with organization.context(write=False) as context:
        return [found["name"] for found in listed(context, "manufacturers", "sort=name")]


def test_a_job_is_done_and_says_so(organization: Household):
    job_id = queue(organization, total=3)
    before = seen(organization, job_id)

    assert run_job(organization.id, job_id) is True

    after = seen(organization, job_id)
    assert (before["state"], before["done"], before["total"], before["attempts"]) == ("queued", 0, 3, 0)
    assert (after["state"], after["done"], after["counts"], after["attempts"]) == ("done", 3, {"made": 3}, 1)
    assert (after["message"], after["locked_until"]) == ("All made.", None)
    assert after["finished_at"] >= after["created_at"]
    assert makers(organization) == ["Maker 0", "Maker 1", "Maker 2"]


def test_a_job_is_done_once(organization: Household):
    job_id = queue(organization)
    run_job(organization.id, job_id)

    assert run_job(organization.id, job_id) is False
    assert run_due() == 0
    assert len(makers(organization)) == 3


def test_two_workers_at_once_do_not_both_do_it(organization: Household, shop: Flask):
    job_id = queue(organization, payload={"count": 20})

    def work() -> bool:
        with shop.app_context():
            return run_job(organization.id, job_id)

    outcomes = [outcome.result() for outcome in at_once(work, work)]

    assert sorted(outcomes) == [False, True]
    assert len(makers(organization)) == 20


def test_a_job_that_was_rolled_back_never_was(organization: Household):
    with organization.context() as context:
        enqueue(context, "test_make", {"count": 1})
        context.session.rollback()

    assert run_due() == 0


def test_what_a_job_does_is_signed_by_whoever_asked_and_by_the_job(organization: Household):
    clerk = replace(organization.owner, name="Inês", user_id=None, face="page")
    job_id = queue(organization, payload={"count": 1}, actor=clerk)
    run_job(organization.id, job_id)

    with organization.context(write=False) as context:
        maker = listed(context, "manufacturers")[0]["id"]
        (line,) = lines(context, "manufacturers", maker)
    assert (line["actor_name"], line["face"], line["job_id"]) == ("Inês", "job", job_id)
    assert line["change_set_id"] == seen(organization, job_id)["change_set_id"]


def test_a_job_may_do_no_more_than_whoever_asked_for_it(organization: Household):
    acting: list[Context] = []
    job("test_look")(lambda context, run: acting.append(context))
    with organization.context() as context:
        lisbon = add(context, "locations", name="Lisbon")
        context.session.commit()

    run_job(organization.id, queue(organization, "test_look", {}, actor=organization.actor("technician", lisbon)))

    (actor,) = [context.actor for context in acting]
    assert (actor.role, actor.scope_location_id) == ("technician", lisbon)
    assert actor.permissions == organization.actor("technician").permissions
    assert acting[0].session.info["scope_location_id"] == lisbon


def test_others_see_how_far_it_is(organization: Household):
    job_id = queue(organization)
    halfway: list[dict] = []
    INTERRUPTIONS[job_id, 1] = lambda: halfway.append(seen(organization, job_id))

    run_job(organization.id, job_id)

    (found,) = halfway
    assert (found["state"], found["done"], found["counts"]) == ("running", 1, {"made": 1})


def kill() -> None:
    """Die on the spot."""
    raise Killed


def test_a_killed_job_is_taken_up_when_its_lease_is_over_and_goes_on(organization: Household):
    job_id = queue(organization)
    INTERRUPTIONS[job_id, 1] = kill
    with pytest.raises(Killed):
        run_job(organization.id, job_id)
    dead = seen(organization, job_id)

    taken_at_once = run_due()
    with time_machine.travel(utcnow() + LEASE):
        taken_later = run_due()

    assert (dead["state"], dead["done"], taken_at_once, taken_later) == ("running", 1, 0, 1)
    assert makers(organization) == ["Maker 0", "Maker 1", "Maker 2"]
    assert (seen(organization, job_id)["state"], seen(organization, job_id)["attempts"]) == ("done", 2)


def test_progress_renews_the_lease(organization: Household):
    job_id = queue(organization)
    leases = []
    for number in (1, 2):
        INTERRUPTIONS[job_id, number] = lambda: leases.append(seen(organization, job_id)["locked_until"])

    run_job(organization.id, job_id)

    assert utcnow() + timedelta(seconds=20) < leases[0] <= leases[1]


def test_a_long_step_keeps_others_away_for_as_long_as_it_says(organization: Household):
    job_id = queue(organization, "test_long", {})

    with pytest.raises(Killed):
        run_job(organization.id, job_id)
    with time_machine.travel(utcnow() + timedelta(minutes=9)):
        during = run_due()

    assert (during, seen(organization, job_id)["state"]) == (0, "running")


def test_a_worker_that_was_thought_dead_writes_nothing_more(organization: Household):
    job_id = queue(organization)

    def be_overtaken() -> None:
        PAUSES[job_id, 1] = kill
        with time_machine.travel(utcnow() + LEASE), pytest.raises(Killed):
            run_job(organization.id, job_id)

    PAUSES[job_id, 1] = be_overtaken
    run_job(organization.id, job_id)

    found = seen(organization, job_id)
    assert makers(organization) == ["Maker 0"]
    assert (found["state"], found["attempts"], found["message"]) == ("running", 2, None)


def test_a_mistake_of_ours_is_tried_again_later_and_then_given_up(organization: Household):
    job_id = queue(organization, "test_fail", {})
    now, waits, states = utcnow(), [], []
    for _ in range(6):
        with time_machine.travel(now, tick=False):
            run_due()
            found = seen(organization, job_id)
        waits.append(int((found["run_at"] - now).total_seconds()) if found["state"] == "queued" else None)
        states.append((found["state"], found["attempts"]))
        now = max(now + SECOND, found["run_at"])

    assert waits[:4] == [30, 60, 90, 120]
    assert states == [("queued", 1), ("queued", 2), ("queued", 3), ("queued", 4), ("failed", 5), ("failed", 5)]
    assert "no route to the printer" in found["message"]
    assert makers(organization) == []


def test_a_job_that_waits_is_not_tried_early(organization: Household):
    job_id = queue(organization, "test_fail", {})
    run_due()

    with time_machine.travel(utcnow() + timedelta(seconds=25)):
        assert run_due() == 0
    assert seen(organization, job_id)["attempts"] == 1


def test_what_a_rule_refuses_is_not_tried_again(organization: Household):
    job_id = queue(organization, "test_refuse", {})
    run_due()

    found = seen(organization, job_id)
    assert (found["state"], found["attempts"]) == ("failed", 1)
    assert "There are no rows in it." in found["message"]
    assert makers(organization) == []


def test_a_failing_job_does_not_stop_the_others(organization: Household):
    bad, unknown, good = (
        queue(organization, "test_fail", {}),
        queue(organization, "test_nobody", {}),
        queue(organization),
    )

    assert run_due() == 3
    assert [seen(organization, one)["state"] for one in (bad, unknown, good)] == ["queued", "queued", "done"]


def test_a_job_for_later_waits_for_its_time(organization: Household):
    job_id = queue(organization, run_at=utcnow() + timedelta(hours=1))

    now = run_due()
    woken = run_job(organization.id, job_id)
    with time_machine.travel(utcnow() + timedelta(hours=1, seconds=1)):
        later = run_due()

    assert (now, woken, later, seen(organization, job_id)["state"]) == (0, False, 1, "done")


def test_what_is_due_longest_comes_first_whoever_it_belongs_to(
    organization: Household, shop: Flask, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(jobs, "_served", {})  # other tests' databases have the same ids
    other = found_organization(shop)
    order: list[int] = []
    job("test_order")(lambda context, run: order.append(run.id))
    now = utcnow()
    late = queue(organization, "test_order", {}, run_at=now - SECOND)
    first = queue(other, "test_order", {}, run_at=now - 60 * SECOND)
    middle = queue(organization, "test_order", {}, run_at=now - 30 * SECOND)

    assert (run_due(limit=2), run_due()) == (2, 1)
    assert order == [first, middle, late]


def test_an_organization_with_a_long_queue_does_not_stand_before_the_others(organization: Household, shop: Flask):
    other = found_organization(shop)
    order: list[int] = []
    job("test_order")(lambda context, run: order.append(run.id))
    now = utcnow()
    many = [queue(organization, "test_order", {}, run_at=now - (60 - n) * SECOND) for n in range(4)]
    one = queue(other, "test_order", {}, run_at=now - SECOND)

    assert run_due() == 5
    assert order.index(one) <= 1
    assert [ran for ran in order if ran != one] == many


def test_a_cancelled_job_is_not_begun(organization: Household):
    job_id = queue(organization)
    with organization.context() as context:
        assert cancel_job(context, job_id) is True
        context.session.commit()

    assert (run_due(), run_job(organization.id, job_id), makers(organization)) == (0, False, [])
    assert seen(organization, job_id)["state"] == "cancelled"


def test_a_job_cancelled_on_the_way_keeps_what_it_has_committed(organization: Household):
    job_id = queue(organization)

    def cancel() -> None:
        with organization.context() as context:
            cancel_job(context, job_id)
            context.session.commit()

    PAUSES[job_id, 2] = cancel
    run_job(organization.id, job_id)

    assert makers(organization) == ["Maker 0", "Maker 1"]
    assert (seen(organization, job_id)["state"], seen(organization, job_id)["done"]) == ("cancelled", 2)


def test_what_has_ended_cannot_be_cancelled(organization: Household):
    job_id = queue(organization)
    run_job(organization.id, job_id)

    with organization.context() as context:
        assert cancel_job(context, job_id) is False
    assert seen(organization, job_id)["state"] == "done"


def test_another_organization_neither_sees_nor_stops_nor_runs_it(organization: Household, shop: Flask):
    other = found_organization(shop)
    job_id = queue(organization)

    with other.context() as theirs:
        assert cancel_job(theirs, job_id) is False
        with pytest.raises(NotFound):
            get_job(theirs, job_id)
    assert run_job(other.id, job_id) is False
    assert other.api_client().get(f"jobs/{job_id}").status_code == 404
    assert other.page_client().get(f"/jobs/{job_id}").status_code == 404
    assert seen(organization, job_id)["state"] == "queued"


def test_the_api_tells_how_far_a_job_is(organization: Household):
    api = organization.api_client()
    key = replace(organization.owner, user_id=None, api_key_id=api.get("me").json["data"]["api_key_id"])
    job_id = queue(organization, total=3, actor=key)

    before = api.get(f"jobs/{job_id}").json["data"]
    run_job(organization.id, job_id)
    after = api.get(f"jobs/{job_id}").json["data"]

    assert (before["state"], before["done"], before["total"], before["finished_at"]) == ("queued", 0, 3, None)
    assert (after["state"], after["done"], after["counts"], after["message"]) == ("done", 3, {"made": 3}, "All made.")
    assert after["finished_at"].endswith("Z")
    assert not {"payload", "actor", "locked_until"} & set(after)


def test_a_job_is_shown_to_who_started_it_alone(organization: Household):
    job_id = queue(organization)

    assert organization.api_client().get(f"jobs/{job_id}").status_code == 404
    assert organization.member_client("admin").get(f"/jobs/{job_id}").status_code == 404
    assert organization.page_client().get(f"/jobs/{job_id}").status_code == 200


def test_a_job_of_an_organization_that_is_not_there_is_nobodys(organization: Household):
    assert run_job(987654321, queue(organization)) is False


def test_a_job_is_in_the_table_even_when_nobody_can_be_woken(organization: Household, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(organization.app.extensions, "jobs", None)

    job_id = queue(organization)

    assert run_due() == 1
    assert seen(organization, job_id)["state"] == "done"


def test_the_api_lists_ones_own_jobs_and_stops_them(organization: Household):
    api, other = organization.api_client(), organization.api_client()
    place = api.post("locations", {"name": "Lisbon"}).json["data"]["id"]
    body = {"action": "update", "ids": [place], "values": {"city": "Lisboa"}}
    ids = [api.post("locations/bulk", body, headers={"Prefer": "respond-async"}).json["data"]["id"] for _ in range(3)]

    stopped, again = (api.post(f"jobs/{ids[0]}/cancel") for _ in range(2))
    first = api.get("jobs?per_page=2").json
    rest = api.get(f"jobs?cursor={first['pagination']['next_cursor']}").json

    assert (stopped.json["data"]["state"], again.status_code, again.json["code"]) == ("cancelled", 409, "not_stopped")
    assert [job["id"] for job in first["data"] + rest["data"]] == ids[::-1]
    assert rest["pagination"]["next_cursor"] is None
    assert [job["id"] for job in api.get("jobs?state=queued&kind=bulk").json["data"]] == ids[:0:-1]
    assert other.get("jobs").json["data"] == []
    assert other.post(f"jobs/{ids[1]}/cancel").status_code == 404
    assert [api.get(f"jobs?{query}").status_code for query in ("state=asleep", "kind=%00", "page=2", "cursor=x")] == [
        422
    ] * 4


def test_what_follows_from_something_done_is_not_stopped(organization: Household):
    api = organization.api_client()
    maker = api.post("manufacturers", {"name": "Sony"}).json["data"]["id"]
    api.post("products", {"name": "FX3", "manufacturer_id": maker, "category_id": add_category(api)})
    api.patch(f"manufacturers/{maker}", {"name": "Sony Group"})
    (job,) = api.get("jobs?kind=refresh_search").json["data"]

    assert api.post(f"jobs/{job['id']}/cancel").status_code == 409
    assert api.get(f"jobs/{job['id']}").json["data"]["state"] == "queued"


def add_category(api: Any) -> int:
    """Return the id of a new category, made through the API."""
    return int(api.post("categories", {"name": "Cameras"}).json["data"]["id"])
