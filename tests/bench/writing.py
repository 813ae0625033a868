"""Sync, imports and many writers at once."""

import csv
import gc
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import text

from tests.bench.data import Built, Organization
from tests.bench.stage import SMALL, Stage
from tests.bench.verdicts import Figure, median
from tests.clients import ApiClient
from webapp.core import identity
from webapp.core.access import permissions_of
from webapp.core.context import Actor, Context, Tenant, make_context
from webapp.core.database import db
from webapp.core.jobs import run_job
from webapp.core.resource import registry
from webapp.core.tenancy import new_session
from webapp.core.writes import create, update
from webapp.imports import rules as imports

ROWS, BY_ORM, IMPORTED, WRITERS, EACH = 1_000, 200, 50_000, 20, 10
Row = dict[str, Any]


@contextmanager
def unit(app: Flask, organization: Organization, *, write: bool = True) -> Iterator[Context]:
    """Open a unit of work of an organization's owner."""
    with app.app_context():
        tenant = identity.organization_by_id(organization.id)
        if not isinstance(tenant, Tenant):
            raise RuntimeError(f"there is no organization {organization.id}")
        user = identity.find_user(organization.email)
        actor = Actor(
            name="Olive Owner",
            role="owner",
            permissions=permissions_of("owner"),
            face="api",
            user_id=None if user is None else int(user["id"]),
        )
        with new_session(organization.id, write=write) as session:
            yield make_context(session, tenant, actor)


def sync(stage: Stage) -> list[Figure]:
    """Time the sync of 1,000 new rows and of 1,000 changed ones, beside the ORM row by row."""
    took: dict[str, list[float]] = {"new": [], "changed": [], "ORM, new": [], "ORM, changed": []}
    with stage.copy(stage.built(stage.middle)) as built:
        app = stage.app(built)
        client = ApiClient(app, built.big.api_key)
        gc.freeze()  # as wsgi.py does
        for turn in range(max(3, stage.rounds // 2)):
            took["new"].append(_synced(client, _items(turn, built), "created"))
            took["changed"].append(
                _synced(client, _items(turn, built, price="99.50", condition=turn % 5 + 1), "updated")
            )
            if turn < 2:  # a part of them is enough: it takes as long for each
                took["ORM, new"].append(_by_orm(app, built, _items(turn + 500, built), new=True))
                changed = _items(turn + 500, built, price="99.50", condition=turn % 5 + 1)
                took["ORM, changed"].append(_by_orm(app, built, changed, new=False))
        _see_history(app, built)
    figures = []
    for name in ("new", "changed"):
        seconds, orm = median(took[name]), median(took[f"ORM, {name}"])
        figures.append(Figure(f"sync of {ROWS:,} {name} assets", seconds, "s", most=0.3))
        figures.append(
            Figure(f"sync, {name}, beside the ORM row by row", orm / seconds, "×", least=10, note=f"{orm:.2f} s")
        )
    return figures


def _items(turn: int, built: Built, *, price: str = "10.00", condition: int = 3) -> list[Row]:
    return [
        {
            "serial_number": f"SYNC-{turn:03d}-{number:05d}",
            "name": f"synced {number} in state {condition}",
            "category_id": built.big.category_id,
            "location_id": built.big.location_id,
            "purchase_cost": price,
            "condition": condition,
            "custom": {"cycles": number + condition, "grade": "ABCDE"[condition - 1]},
        }
        for number in range(ROWS)
    ]


def _synced(client: ApiClient, items: list[Row], fate: str) -> float:
    began = time.perf_counter()
    answer = client.post("/api/v1/assets/sync", {"assets": items})
    took = time.perf_counter() - began
    found = answer.get_json()["data"] if answer.status_code == 200 else {}
    if len(found.get(fate, ())) != ROWS:
        raise RuntimeError(f"the sync said {answer.status_code}: {answer.get_data(as_text=True)[:500]}")
    return took


def _by_orm(app: Flask, built: Built, items: list[Row], *, new: bool) -> float:
    """Write the same rows one by one, each flushed, by the rule of a single write; one commit."""
    resource = registry.resources["assets"]
    with unit(app, built.big) as context:
        began = time.perf_counter()
        for item in items[:BY_ORM]:
            patch = {name: value for name, value in item.items() if name != "custom"}
            patch["purchase_cost"] = resource.fields["purchase_cost"].deserialize(item["purchase_cost"])
            patch |= {"custom.cycles": item["custom"]["cycles"], "custom.grade": item["custom"]["grade"]}
            if new:
                create(context, resource, patch)
                continue
            query = text(
                "SELECT id FROM assets WHERE organization_id = :o AND serial_number = :s AND deleted_at IS NULL"
            )
            values = {"o": built.big.id, "s": item["serial_number"]}
            row_id = context.session.execute(query, values, execution_options={"tenant_checked": True}).scalar_one()
            update(context, resource, row_id, patch)
        context.session.commit()
        return (time.perf_counter() - began) * ROWS / BY_ORM


def _see_history(app: Flask, built: Built) -> None:
    """See to it that each synced change left a line with its differences, so that nothing is saved at its cost."""
    with app.app_context(), db.engine.connect() as connection:
        if built.database == "postgresql":
            connection.execute(text("SELECT set_config('app.organization_id', :o, true)"), {"o": str(built.big.id)})
        query = text(
            "SELECT count(*) FROM activity l JOIN assets a ON a.id = l.item_id WHERE l.item_type = 'assets' AND "
            "a.serial_number LIKE 'SYNC-000-%' AND CAST(l.changes AS text) LIKE '%condition%'"
        )
        lines = connection.execute(query).scalar_one()
    if lines < 2 * ROWS:
        raise RuntimeError(f"2,000 changes left {lines} lines of history")


def table_to_import(built: Built, rows: int, *, first: int = 0) -> bytes:
    """Return a CSV of new assets with names to look up and values of the organization's own fields."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    headings = ("Name", "Serial number", "Category", "Status", "Bought on", "Price", "Rack code", "Cycles", "Grade")
    writer.writerow(headings)
    for number in range(first, first + rows):
        day = f"2024-{number % 12 + 1:02d}-{number % 28 + 1:02d}"
        values = (f"imported {number}", f"IMP-{number:06d}", "Cameras", "Active", day, f"{number % 900}.50")
        writer.writerow([*values, f"I-{number:06d}", number % 5_000, "ABCDE"[number % 5]])
    return buffer.getvalue().encode()


def importing(stage: Stage) -> list[Figure]:
    """Time the dry run and the apply of 50,000 rows, as the worker does them."""
    rows = IMPORTED if stage.middle >= IMPORTED else stage.middle // 4
    with stage.copy(stage.built(stage.middle)) as built:
        app = stage.app(built)
        gc.freeze()  # as the worker does when it starts
        gc.set_threshold(50_000)
        began = time.perf_counter()
        import_id = uploaded(app, built, rows)
        checked = time.perf_counter() - began
        began = time.perf_counter()
        applied(app, built, import_id)
        took = time.perf_counter() - began
        _counted(app, built, import_id, rows)
    return [
        Figure(f"import of {IMPORTED:,} rows, dry run", checked * IMPORTED / rows, "s", most=20, note=f"{rows:,} rows"),
        Figure("import, apply", rows / took, "rows/s", least=5_000, note=f"{rows:,} rows in {took:.1f} s"),
    ]


def uploaded(app: Flask, built: Built, rows: int, *, first: int = 0) -> int:
    """Upload a table, check it, and return the import's id."""
    file = io.BytesIO(table_to_import(built, rows, first=first))
    with unit(app, built.big) as context:
        import_id = imports.upload(context, "assets", file, "bench.csv")
        context.session.commit()
    _run(app, built, import_id)
    return import_id


def applied(app: Flask, built: Built, import_id: int) -> None:
    """Apply an import, in this process."""
    with unit(app, built.big) as context:
        imports.apply(context, import_id)
        context.session.commit()
    _run(app, built, import_id)


def _run(app: Flask, built: Built, import_id: int) -> None:
    with unit(app, built.big, write=False) as context:
        job_id = imports.get_import(context, import_id)["job_id"]
    with app.app_context():
        run_job(built.big.id, job_id)


def _counted(app: Flask, built: Built, import_id: int, rows: int) -> None:
    with unit(app, built.big, write=False) as context:
        found = imports.get_import(context, import_id)
    if found["state"] != "applied" or found["counts"].get("created", 0) != rows:
        raise RuntimeError(f"the import is {found['state']}: {found['counts']}")


def writers(stage: Stage) -> list[Figure]:
    """Let twenty write at once on SQLite, through the server: none may be refused."""
    faults: list[str] = []
    with stage.copy(stage.built(SMALL, "sqlite")) as built, stage.serve(built) as server:

        def write(number: int) -> None:
            from tests.live import LiveApi

            api = LiveApi(server.url, built.big.api_key)
            for turn in range(EACH):
                try:
                    api("POST", "assets", {"name": f"writer {number}, {turn}", "category_id": built.big.category_id})
                except (RuntimeError, OSError) as error:
                    faults.append(str(error)[:200])

        threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
    note = f"{WRITERS * EACH} writes in {took:.1f} s" + (f"; {faults[0]}" if faults else "")
    return [Figure(f"errors of {WRITERS} writers at once on SQLite", len(faults), "", most=0, note=note)]
