"""How many statements a request sends, and whether any of them reads a large table from end to end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from tests.bench.data import Built
from tests.bench.reading import LIST, paths
from tests.bench.stage import Stage
from tests.bench.verdicts import Figure
from tests.clients import ApiClient
from webapp.core.database import db

MANY = 10_000
PLANNED = ("SELECT", "WITH", "UPDATE", "INSERT", "DELETE")
Sent = list[tuple[str, Any]]


@contextmanager
def sent_by(app: Flask) -> Iterator[Sent]:
    """Note every statement that the application sends inside, with its values."""
    sent: Sent = []
    with app.app_context():
        engine = db.engine

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


def statements(stage: Stage) -> list[Figure]:
    """Count the statements of a list, one asset and a new one; and of lists of two sizes, which must not differ."""
    figures = []
    with stage.copy(stage.built(1_000)) as built:
        app, organization = stage.app(built), built.big
        client = ApiClient(app, organization.api_key)
        one = f"/api/v1/assets/{organization.middle_id}"
        new = {"name": "counted", "product_id": organization.product_id, "custom": {"cycles": 7, "grade": "A"}}
        asked: tuple[tuple[str, int, Callable[[], TestResponse]], ...] = (
            ("list", 5, lambda: client.get(LIST)),
            ("list of 200", 5, lambda: client.get("/api/v1/assets?per_page=200")),
            ("detail", 6, lambda: client.get(one)),
            ("create", 10, lambda: client.post("/api/v1/assets", new)),
        )
        for name, most, act in asked:
            for _ in range(3):  # what a process remembers is there after the first ones
                with sent_by(app) as sent:
                    answer = act()
            if answer.status_code >= 300:
                raise RuntimeError(f"{name}: {answer.get_data(as_text=True)}")
            words = [" ".join(statement.split())[:160] for statement, _values in sent]
            figures.append(Figure(f"statements: {name}", len(sent), "", most=most, details={"statements": words}))
        stage.release(built)
    return figures


def plans(stage: Stage) -> list[Figure]:
    """Look at the plan of every statement of the lists and of one asset: none may read a large table from end to end."""
    built = stage.built(stage.large)
    app, organization = stage.app(built), built.big
    client = ApiClient(app, organization.api_key)
    asked = paths(built) | {"one asset": f"/api/v1/assets/{organization.middle_id}"}
    scans, seen = [], {}
    for name, path in asked.items():
        client.get(path)
        with sent_by(app) as sent:
            client.get(path)
        seen[name] = [_plan(built, organization.id, *each) for each in sent if each[0].lstrip().startswith(PLANNED)]
        scans += [f"{name}: {scan}" for plan in seen[name] for scan in plan["scans"]]
    stage.release(built)
    found = Figure("sequential scans of large tables", len(scans), "", most=0, note="; ".join(scans)[:200])
    return [Figure(**{**vars(found), "details": {"scans": scans, "plans": seen}})]


def _plan(built: Built, organization_id: int, statement: str, values: Any) -> dict[str, Any]:
    with psycopg.connect(built.url.replace("+psycopg", "")) as connection:
        connection.execute("SET jit = off; SET random_page_cost = 1.1")
        connection.execute("SELECT set_config('app.organization_id', %s, true)", [str(organization_id)])
        tables = "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > %s"
        large = {name for (name,) in connection.execute(tables, [MANY])}
        found = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", values or None).fetchone()
        plan = found[0][0]["Plan"] if found else {}
        nodes = list(_nodes(plan))
        connection.rollback()
    scans = [
        node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan" and node["Relation Name"] in large
    ]
    short = [
        f"{node['Node Type']} {node.get('Index Name') or node.get('Relation Name') or ''}".strip() for node in nodes
    ]
    return {"statement": " ".join(statement.split())[:200], "plan": short, "scans": scans}


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)
