"""The worker process: huey wakes it for new jobs, and every five seconds it sweeps for what is due."""

import gc
import logging
import os
import signal
import threading
from collections.abc import Callable

from flask import Flask
from huey import Huey, SqliteHuey
from huey.consumer import Consumer

from webapp.core import identity, seals, search_refresh
from webapp.core.jobs import run_due
from webapp.core.tenancy import new_session

SWEEP_SECONDS = 5
SWEPT_AT_LEAST_EVERY = 3  # sweeps
log = logging.getLogger(__name__)
KINDS_OF_THE_MACHINERY = (search_refresh.refresh_search,)


_sweeps: list[Callable[[], object]] = []


def every_sweep(work: Callable[[], object]) -> Callable[[], object]:
    """Have the worker do a feature's work every few seconds, in an application context; use as a decorator."""
    if work not in _sweeps:
        _sweeps.append(work)
    return work


class Waker:
    """What the web process knows of the worker: how to wake it for a job."""

    def __init__(self, app: Flask) -> None:
        self.huey = open_queue(app.config["JOBS_URL"])

        @self.huey.task(name="run_job")
        def run(organization_id: int, job_id: int) -> None:
            with app.app_context():
                while run_due():  # not this job, but whose turn it is
                    pass

        self._task: Callable[[int, int], object] = run

    def wake(self, organization_id: int, job_id: int) -> None:
        """Hand a committed job to the worker at once."""
        self._task(organization_id, job_id)


def open_queue(url: str) -> Huey:
    """Return the queue behind JOBS_URL: SQLite by default, PostgreSQL or Redis when grown."""
    if url.startswith("sqlite:///"):
        return SqliteHuey("quartermaster", filename=url.removeprefix("sqlite:///"), results=False, fsync=False)
    if url.startswith(("redis://", "rediss://")):
        from huey import RedisHuey

        return RedisHuey("quartermaster", url=url, results=False)
    raise ValueError(f"JOBS_URL names no known queue: {url.split('://')[0]}")


def init_app(app: Flask) -> None:
    """Give the application its waker."""
    app.extensions["jobs"] = Waker(app)


def seal_all() -> int:
    """Seal what each organization's finished transactions left (PostgreSQL); return how many lines."""
    sealed = 0
    for organization_id in identity.organization_ids():
        with new_session(organization_id, write=True) as session:
            while found := seals.seal_finished(session):
                session.commit()
                sealed += found
    return sealed


def sweep(app: Flask, stop: threading.Event) -> None:
    """Run what is due, seal the log and note last uses, until told to stop."""
    rounds = 0
    while not stop.is_set():
        try:
            with app.app_context():
                run_due()
                seal_all()
                for work in _sweeps:
                    work()
                if rounds % SWEPT_AT_LEAST_EVERY == 0:
                    identity.sweep()
        except Exception:  # the database may be away for a while: the next sweep tries again
            log.exception("sweep failed")
        rounds += 1
        stop.wait(SWEEP_SECONDS)


def run_worker(app: Flask) -> None:
    """Serve the queue and the sweep until the process is told to stop."""
    os.nice(app.config["WORKER_NICENESS"])
    gc.freeze()  # an import's rows are many, and no reason to walk through the whole program
    gc.set_threshold(50_000)  # nor through themselves: they hold no circles
    stop = threading.Event()
    sweeper = threading.Thread(target=sweep, args=(app, stop), daemon=True)
    sweeper.start()
    consumer = Consumer(
        app.extensions["jobs"].huey, workers=2, periodic=False, initial_delay=0.05, max_delay=0.5, backoff=1.3
    )
    try:
        consumer.run()
    finally:
        stop.set()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
