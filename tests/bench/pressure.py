"""What others feel: beside a tenant with ten times the load, beside jobs, and beyond what the server can do."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from tests.bench.data import Built, Organization
from tests.bench.reading import LIST
from tests.bench.server import WORKERS, Served, finished, get
from tests.bench.stage import Stage
from tests.bench.verdicts import Figure, median, percentile
from tests.bench.writing import IMPORTED, table_to_import, unit
from webapp.core.resource import registry
from webapp.core.writes import create
from webapp.imports import rules as imports

QUEUE, OVERLOADED = 6, 20.0
PATIENCE = 5.0
"""Seconds after which nobody waits for a list any more: a later answer is not a good one."""
MODERATE = 0.1
"""The others' load, as a share of what the server can do; the flood is ten times of it."""


def fairness(stage: Stage) -> list[Figure]:
    """Measure another tenant's p95 alone, and beside a flood, an import that is applied, and a queue of exports."""
    figures = []
    with stage.copy(stage.built(stage.middle)) as built, stage.serve(built, worker=True) as server:
        other = built.organizations[1]
        peak = _peak(server, built.big, stage.seconds)
        rate = max(4.0, peak * MODERATE)
        seconds = max(5.0, stage.seconds * 4)
        flood = [get(LIST, built.big)]
        disturbances: list[tuple[str, Callable[[], AbstractContextManager[Any]]]] = [
            ("a tenant with 10 × the load", lambda: _flood(server, flood, seconds, rate * 10)),
            ("an import being applied", lambda: _import(stage, built, seconds)),
            ("a queue of XLSX exports", lambda: _queue(stage, built)),
        ]
        for name, disturb in disturbances:
            alone, beside, refused = [], [], 0
            for _ in range(max(1, stage.rounds // 3)):
                alone.append(_p95(server, other, rate, seconds)[0])
                with disturb():
                    p95, failed = _p95(server, other, rate, seconds)
                    beside.append(p95)
                    refused += failed
            note = (
                f"p95 {median(alone):.0f} ms alone, {median(beside):.0f} ms beside it, at {rate:.0f}/s of {peak:.0f}/s"
            )
            if name.startswith("a queue"):
                note += "; there are no PDFs yet, so exports stand for them"
            note += f"; {refused} not answered well" if refused else ""
            value = median(beside) / median(alone) if not refused else float("inf")
            figures.append(Figure(f"others' p95 beside {name}", min(value, 9_999), "×", most=2, note=note))
    return figures


def _peak(server: Served, organization: Organization, seconds: float) -> float:
    """Return how many lists a second the server gives at most, asked by a few at once."""
    request = [get(LIST, organization)]
    server.load(request, seconds=1, connections=WORKERS * 2)
    rates = [server.load(request, seconds=seconds, connections=WORKERS * 2)["good_a_second"] for _ in range(3)]
    return max(1.0, median(rates))


def _p95(server: Served, organization: Organization, rate: float, seconds: float) -> tuple[float, int]:
    """Return the p95 of an open loop in milliseconds, and how many were not answered well."""
    seen = server.load([get(LIST, organization)], seconds=seconds, connections=8, rate=rate)
    failed = seen["sent"] - seen["statuses"].get("200", 0)
    return percentile(seen["milliseconds"] or [60_000.0], 0.95), failed


@contextmanager
def _flood(server: Served, requests: list[str], seconds: float, rate: float) -> Iterator[None]:
    process = server.loading(requests, seconds=seconds + 2, connections=20, rate=rate)
    time.sleep(1)  # the line has filled by then
    try:
        yield
    finally:
        finished(process)


@contextmanager
def _import(stage: Stage, built: Built, seconds: float) -> Iterator[None]:
    """Have the worker apply an import of as many rows as keep it busy all the while."""
    import io

    rows = IMPORTED if stage.middle >= IMPORTED else 10_000
    app = stage.app(built)
    file = io.BytesIO(table_to_import(built, rows, first=int(time.time()) % 100_000 * 10))
    with unit(app, built.big) as context:
        import_id = imports.upload(context, "assets", file, "bench.csv")
        context.session.commit()
    _wait(stage, built, import_id, ("checked",))
    with unit(app, built.big) as context:
        imports.apply(context, import_id)
        context.session.commit()
    time.sleep(0.5)
    yield
    _wait(stage, built, import_id, ("applied",))


def _wait(stage: Stage, built: Built, import_id: int, states: tuple[str, ...]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with unit(stage.app(built), built.big, write=False) as context:
            if (state := imports.get_import(context, import_id)["state"]) in states:
                return
        if state in ("failed", "stopped"):
            break
        time.sleep(0.3)
    raise RuntimeError(f"the worker did not bring the import to {states}, it is {state}")


@contextmanager
def _queue(stage: Stage, built: Built) -> Iterator[None]:
    """Queue exports of the largest organization for the worker."""
    app, exports = stage.app(built), registry.resources["exports"]
    with unit(app, built.big) as context:
        for number in range(QUEUE):
            name = f"bench {number} {time.time()}"
            create(context, exports, {"name": name, "resource": "assets", "format": "xlsx", "schedule": "none"})
        context.session.commit()
    time.sleep(0.5)
    yield


def overload(stage: Stage) -> list[Figure]:
    """Send twice of what the server can do, from many, and see what is answered, and how the rest is refused."""
    built = stage.built(stage.middle)
    requests = [get(LIST, organization) for organization in built.organizations[:4]]
    shares, goodput, peaks, seen = [], [], [], {}
    refused = unnamed = lost = 0
    with stage.serve(built) as server:
        for _ in range(max(3, stage.rounds // 2)):
            peak = _peak(server, built.big, stage.seconds)
            seen = server.load(requests, seconds=OVERLOADED, connections=50, rate=peak * 2, patience=PATIENCE)
            peaks.append(peak)
            goodput.append(seen["good_a_second"])
            shares.append(seen["good_a_second"] / peak)
            refused += seen["refused"]
            unnamed += seen["refused"] - seen["refused_with_retry_after"]
            lost += sum(count for status, count in seen["statuses"].items() if status not in ("200", "429", "503"))
            lost += seen["sent"] - seen["answered"]
    note = f"{median(goodput):.0f}/s of {median(peaks):.0f}/s; last statuses {seen['statuses']}"
    rest = Figure("refused without Retry-After, or lost", unnamed + lost, "", most=0, note=f"{refused} refused")
    return [Figure("goodput at twice the peak", median(shares), "", least=0.8, note=note), rest]
