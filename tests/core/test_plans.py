"""Lists of a million: each order that is offered and each filter is served by an index, or says here why not.

The databases are asked for their plans. PostgreSQL may sort and scan only where nothing else is possible, so that a few
hundred rows show what a million would.
"""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import NullPool, create_engine, event, text
from werkzeug.datastructures import MultiDict

from tests.factories import RESOURCES, fill
from tests.households import Household, found_organization
from tests.postgres_cluster import DatabaseUrls
from webapp.assets.models import FLAGS, SELDOM
from webapp.core.context import Context
from webapp.core.custom import COLUMNS, DEFINITIONS, tailor
from webapp.core.database import column_names, db
from webapp.core.fields import Text, Through
from webapp.core.labels import label_rows
from webapp.core.parameters import ListParameters, filter_parameters, sortable
from webapp.core.query import list_rows, stream_columns
from webapp.core.resource import Resource
from webapp.core.tenancy import CHECKED

ROWS = 600
KINDS = ("text", "number", "date", "boolean", "choice", "choices", "url", "money")
VALUES_OF = {
    "reference": "1",
    "whole": "3",
    "amount": "3",
    "number": "3",
    "day": "2024-05-01",
    "moment": "2024-05-01T00:00:00Z",
    "flag": "true",
    "url": "https://example.org",
    "codes": "a",
}
# where nearly all rows are on one side, an index of something else may well be quicker
RARE = {
    "after": {
        "day": "2090-01-01",
        "moment": "2090-01-01T00:00:00Z",
        "whole": "1000",
        "amount": "1000000",
        "number": "1000",
    },
    "before": {"day": "2000-01-01", "moment": "2000-01-01T00:00:00Z", "whole": "1", "amount": "0", "number": "-1000"},
}
# the lists of few things are sorted when they are asked for; only that of assets grows to a million
LARGE = ("assets",)
PLAIN = {"latitude", "longitude", "currency", "maintenance_interval_days"}
"""Not offered as an order; as a filter a rare value among a million costs a look at each row (0.4 s)."""


def reason_of(field: Any, name: str, op: str, column: str) -> str | None:
    """Return why no index serves a filter, None when one has to."""
    if op == "not":
        return None if name in FLAGS else "nearly every row says something else: the first of the list do"
    if name in PLAIN:
        return "an index would cost each write more than the rare question is worth"
    if op == "in" and name in FLAGS:
        return "yes or no is everything"
    if op == "eq" and name in FLAGS:
        return None
    if op == "empty" and field.custom_id is not None:
        return "what is not there stands in no index; at a million it is probed, 0.1 to 1.3 s"
    if op == "empty" and column in SELDOM:
        return "most things have nothing there: the first of the list do"
    return None


@pytest.fixture(scope="module")
def household(app: Any, database: DatabaseUrls) -> Household:
    """Return an organization with own fields and a few hundred assets, all different."""
    found = found_organization(app)
    api = found.api_client()
    for kind in KINDS:
        options = {"options": ["a", "b"]} if kind.startswith("choice") else {}
        made = {"resource": "assets", "kind": kind, "name": kind, "slug": kind, **options}
        assert api.post("custom-fields", made).status_code == 201
    fill(found, "assets", 3)
    with found.context() as context:
        copy_assets(context)
        context.session.commit()
    if database.owner_url:
        with create_engine(database.owner_url, poolclass=NullPool).begin() as owner:
            owner.execute(text("ANALYZE assets, custom_values"))
    return found


def copy_assets(context: Context) -> None:
    """Make many of the first asset: each has its own words and numbers, the days and references of one of three."""
    numbered = {"guid", "tag", "tag_key", "serial_number", "serial_key", "name", "name_key", "order_number"}
    others = [name for name in column_names(RESOURCES["assets"].model) if name != "id"]
    said = [f"'{name}' || n" if name in numbered else name for name in others]
    numbers = f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROWS})"
    source = "FROM assets, numbers WHERE organization_id = :mine AND id % 3 = n % 3"
    insert = f"INSERT INTO assets ({', '.join(others)}) {numbers} SELECT {', '.join(said)} {source}"
    context.session.execute(text(insert), {"mine": context.organization_id}, execution_options=CHECKED)
    for row in label_rows(context, DEFINITIONS).values():
        column = COLUMNS.get({"date": "day", "boolean": "flag", "money": "amount"}.get(row["kind"], row["kind"]), "")
        value = {"int_value": "id % 50", "date_value": "date(created_at)"}.get(column, "'a' || id")
        insert = (
            f"INSERT INTO custom_values (organization_id, field_id, row_id, position, {column or 'text_value'}) "
            f"SELECT organization_id, :field, id, 0, {value} FROM assets WHERE organization_id = :mine"
        )
        given = {"mine": context.organization_id, "field": row["id"]}
        context.session.execute(text(insert), given, execution_options=CHECKED)


@pytest.fixture
def reader(household: Household) -> Iterator[Context]:
    """Return a context whose PostgreSQL sorts and scans only where there is no other way."""
    with household.context(write=False) as context:
        link = context.session.connection()
        if link.dialect.name == "postgresql":
            for way in ("seqscan", "sort", "hashjoin", "mergejoin", "bitmapscan"):
                link.execute(text(f"SET LOCAL enable_{way} = off"))
        yield context


def sent(context: Context, resource: Resource, query: str, *, deep: bool = False) -> list[tuple[str, Any]]:
    """Return (statement, parameters) of what a list asks of its table, from a cursor on when it is `deep`."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if f"FROM {resource.table.name}" in statement or "FROM custom_values" in statement:
            found.append((statement, parameters))

    engine = db.engine
    parameters = ListParameters.parse(resource, MultiDict(parse_qsl(query)))
    event.listen(engine, "before_cursor_execute", note)
    try:
        if deep:
            pages = stream_columns(context, resource, parameters, chunk=5)
            next(pages)
            found.clear()
            next(pages, None)
        else:
            list_rows(context, resource, parameters)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    return found


def scans(context: Context, statement: str, parameters: Any) -> list[tuple[str, str]]:
    """Return (how, by which index or condition) of each step of a plan that matters."""
    link = context.session.connection()
    if link.dialect.name != "postgresql":
        steps = link.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters)).all()
        return [("Sort" if "TEMP B-TREE FOR ORDER BY" in step[3] else "step", step[3]) for step in steps]
    plan = link.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    found: list[tuple[str, str]] = []

    def walk(node: dict[str, Any]) -> None:
        found.append(
            (node["Node Type"], " ".join(node.get(key, "") for key in ("Relation Name", "Index Name", "Index Cond")))
        )
        for child in node.get("Plans", ()):
            walk(child)

    walk((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"])
    return found


def unordered(context: Context, resource: Resource, sort: str) -> list[tuple[str, str]]:
    """Return the steps of a list's first page and of its next that sort, or read the whole table."""
    asks = [ask for deep in (False, True) for ask in sent(context, resource, sort, deep=deep)]
    steps = [step for ask in asks for step in scans(context, *ask)]
    table = resource.table.name
    return [(how, what) for how, what in steps if how in ("Sort", "Seq Scan") or what.strip() == f"SCAN {table}"]


@pytest.mark.parametrize("name", LARGE)
def test_every_order_that_is_offered_is_a_walk_along_an_index(reader: Context, name: str):
    resource = tailor(reader, RESOURCES[name])

    orders = [f"{sign}{field}" for field in sortable(resource) for sign in ("", "-")]
    found = {order: unordered(reader, resource, f"sort={order}") for order in orders}

    assert {order: steps for order, steps in found.items() if steps} == {}


def example(resource: Resource, name: str, op: str) -> str:
    """Return a value that few rows hold."""
    item = resource.fields[name]
    if item.kind == "flag":
        return "false" if op == "not" else "true"
    if op == "empty":
        return "true"
    if item.kind == "choice":
        return "a" if item.custom_id else "leased"
    if op in RARE and item.kind in RARE[op]:
        return RARE[op][item.kind]
    return VALUES_OF.get(item.kind, "x")


@pytest.mark.parametrize("name", LARGE)
def test_every_filter_is_served_by_an_index_or_says_why_not(reader: Context, name: str):
    resource = tailor(reader, RESOURCES[name])
    unserved = {}
    for parameter, (field, op) in filter_parameters(resource).items():
        item = resource.fields[field]
        column = resource.fields[item.of].column if isinstance(item, Through) else item.column
        column = (item.twin if isinstance(item, Text) else None) or column
        if reason_of(item, field, op, column):
            continue
        wanted = f"ix_{name}_{field}" if field in FLAGS else column
        if item.custom_id is not None:
            wanted = COLUMNS.get(item.kind, "text_value")
        # behind the last page it is counted, too
        asks = sent(reader, resource, f"{parameter}={example(resource, field, op)}&page={ROWS}")
        steps = [what for ask in asks for _how, what in scans(reader, *ask) if what.strip()]
        if not any(wanted in what for what in steps):
            unserved[parameter] = steps

    assert unserved == {}
