"""The worker process: woken, sweeping, and killed at the worst moment."""

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest
from flask import Flask
from huey import SqliteHuey

from tests.conftest import NewDatabase
from tests.households import Household, found_organization
from tests.live import LiveApi, LiveServer
from tests.rows import add, change, stored
from webapp.core import worker
from webapp.core.jobs import JOBS

THINGS = 4_000


@pytest.fixture(scope="module")
def workshop(new_app: Callable[..., Flask], new_database: NewDatabase) -> Household:
    """Return an organization in an application with no jobs but its own."""
    return found_organization(new_app(new_database()))


def wait_for(reached: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def states(organization: Household) -> list[str]:
    """Return the states of an organization's jobs."""
    with organization.context(write=False) as context:
        return [job["state"] for job in stored(context, JOBS)]


def rename(organization: Household) -> None:
    """Do something that leaves a job behind."""
    with organization.context() as context:
        product = add(context, "products")
        context.session.commit()
        change(context, "products", product, name=f"Renamed {product}")
        context.session.commit()


def test_the_sweep_finds_what_nobody_was_woken_for(workshop: Household):
    stop = threading.Event()
    rename(workshop)
    sweeper = threading.Thread(target=worker.sweep, args=(workshop.app, stop))
    sweeper.start()

    wait_for(lambda: "queued" not in states(workshop))
    stop.set()
    sweeper.join(10)

    assert set(states(workshop)) == {"done"}
    assert not sweeper.is_alive()


def test_the_sweep_goes_on_after_a_failure(workshop: Household, monkeypatch: pytest.MonkeyPatch):
    stop, rounds = threading.Event(), []

    def fail_once() -> int:
        rounds.append(1)
        if len(rounds) == 1:
            raise RuntimeError("the database is away")
        stop.set()
        return 0

    monkeypatch.setattr(worker, "run_due", fail_once)
    monkeypatch.setattr(worker, "SWEEP_SECONDS", 0.01)
    worker.sweep(workshop.app, stop)

    assert len(rounds) == 2


def test_the_queue_is_where_it_is_said_to_be(tmp_path):
    queue = worker.open_queue(f"sqlite:///{tmp_path}/jobs.sqlite3")

    assert isinstance(queue, SqliteHuey)
    with pytest.raises(ValueError, match="names no known queue: mysql"):
        worker.open_queue("mysql://localhost/jobs")


@pytest.fixture(scope="module")
def live(new_live_server: Callable[..., LiveServer]) -> LiveServer:
    """Return real processes on a database of their own, in which a silent worker is soon thought dead."""
    return new_live_server(JOB_LEASE_SECONDS="2")


def door(live: LiveServer) -> LiveApi:
    """Return an integration of a new organization."""
    slug, _email, _password = live.found_organization()
    return LiveApi(live.url, live.api_key(slug))


def kill(*processes: object) -> None:
    """kill -9 processes and all that they started."""
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_a_job_is_done_within_a_moment_of_its_commit(live: LiveServer):
    api = door(live)
    product = api(
        "POST", "products", {"name": "Station", "category_id": api("POST", "categories", {"name": "C"})["id"]}
    )
    api("POST", "assets", {"product_id": product["id"]})

    api("PATCH", f"products/{product['id']}", {"name": "Theodolite"})

    wait_for(lambda: len(api("GET", "assets?q=theodolite")) == 1, 15)


def test_a_worker_killed_in_a_long_job_leaves_nothing_half_done(live: LiveServer):
    api = door(live)
    category = api("POST", "categories", {"name": "Instruments"})["id"]
    product = api("POST", "products", {"name": "Station", "category_id": category})["id"]
    for start in range(0, THINGS, 1000):
        rows = [{"serial_number": f"S-{number}", "product_id": product} for number in range(start, start + 1000)]
        api("POST", "assets/sync", {"assets": rows})

    api("PATCH", f"products/{product}", {"name": "Theodolite"})
    wait_for(lambda: len(api("GET", "assets?q=theodolite&per_page=1&fields=id")) > 0)
    kill(live.worker)
    live.start_worker()
    wait_for(lambda: api("GET", "assets?q=station") == [], 90)

    assert {row["version"] for row in api("GET", "assets?q=theodolite&per_page=1000")} == {1}
    assert live.flask("activity", "verify").splitlines()[-1] == "ok"


def test_no_acknowledged_write_is_lost_when_the_server_is_killed(live: LiveServer):
    api = door(live)
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            name = f"Maker {len(acknowledged)}"
            try:
                api("POST", "manufacturers", {"name": name})
            except Exception:  # noqa: BLE001 the server is being killed
                return
            acknowledged.append(name)

    writer = threading.Thread(target=write)
    writer.start()
    wait_for(lambda: len(acknowledged) >= 20)
    kill(live.web)
    stop.set()
    writer.join(30)
    live.start_web()

    kept = [row["name"] for row in api("GET", "manufacturers?per_page=1000&sort=id")]
    assert set(acknowledged) <= set(kept)
    assert len(kept) <= len(acknowledged) + 1
    assert live.flask("activity", "verify").splitlines()[-1] == "ok"


def test_the_worker_stops_when_it_is_told(live: LiveServer):
    kept, live.worker = live.worker, None
    live.start_worker()
    time.sleep(1.5)

    live.worker.send_signal(signal.SIGTERM)

    assert live.worker.wait(15) in (0, -signal.SIGTERM)
    live.worker = kept
