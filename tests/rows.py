"""Rows as the rules make them, with as little as they need, for tests that say their own numbers."""

import contextvars
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask
from sqlalchemy import func, select
from werkzeug.datastructures import MultiDict

from tests.households import Household, unique
from webapp.core.activity import history
from webapp.core.batch import plan_rows, write_rows
from webapp.core.context import Context
from webapp.core.database import Base
from webapp.core.parameters import ListParameters
from webapp.core.query import get_row, list_rows
from webapp.core.resource import Resource, registry
from webapp.core.seals import seal_finished
from webapp.core.tenancy import CHECKED, new_session, scoped
from webapp.core.writes import create, update

Row = dict[str, Any]


def resource(name: str) -> Resource:
    """Return a resource by its name."""
    return registry.resources[name]


def add(context: Context, kind: str, /, **patch: Any) -> int:
    """Make a row from what a client would send, with what it cannot be without, and return its id."""
    if kind == "assets" and not {"category_id", "product_id"} & set(patch):
        patch["category_id"] = any_category(context)
    if kind == "products" and "category_id" not in patch:
        patch["category_id"] = any_category(context)
    if kind == "persons":
        patch.setdefault("first_name", unique("Amara"))
    elif kind != "assets":
        patch.setdefault("name", unique(kind))
    if kind == "locations":
        patch.setdefault("kind", "site" if patch.get("parent_id") is None else "location")
    if kind == "statuses":
        patch = {"lifecycle": "active", "label_type": "deployable"} | patch
    return create(context, resource(kind), resource(kind).schema_for().load(patch))


def any_category(context: Context) -> int:
    """Return the organization's category "Things", made the first time."""
    for found in listed(context, "categories", "kind=asset"):
        if found["name"] == "Things":
            return int(found["id"])
    return add(context, "categories", name="Things")


def add_many(context: Context, kind: str, /, patches: list[Row]) -> list[int]:
    """Make many rows at once by the batch writer and return their ids."""
    drafts = plan_rows(context, resource(kind), [(None, patch) for patch in patches])
    assert not [draft.errors for draft in drafts if draft.errors]
    return write_rows(context, resource(kind), drafts)


def change(context: Context, kind: str, /, row_id: int, **patch: Any) -> Row:
    """Change a row as a client's PATCH would and return the columns that changed."""
    return update(context, resource(kind), row_id, resource(kind).schema_for(partial=True).load(patch))


def row(context: Context, kind: str, /, row_id: int) -> Row:
    """Return a row, deleted or not, with the names of what it refers to."""
    return get_row(context, resource(kind), row_id, deleted=True)


def lines(context: Context, kind: str, /, row_id: int) -> list[Row]:
    """Return the history of a row, oldest first."""
    return history(context, resource(kind), row_id)[::-1]


def stored(context: Context, table: Any) -> list[Row]:
    """Return every row of the organization in a table, as it is kept."""
    query = select(table).where(scoped(context.session, table))
    return [dict(found) for found in context.session.execute(query, execution_options=CHECKED).mappings()]


def asked(kind: str, query: str) -> ListParameters:
    """Return the parameters of a query string such as `status_id=3&sort=-name`."""
    return ListParameters.parse(resource(kind), MultiDict(parse_qsl(query, keep_blank_values=True)))


def listed(context: Context, kind: str, /, query: str = "") -> list[Row]:
    """Return the rows of one page of a list."""
    return list_rows(context, resource(kind), asked(kind, query)).rows


def at_once(*acts: Callable[[], Any]) -> list[Future[Any]]:
    """Do several things at the same moment, each in a thread and an empty context, and return their outcomes."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return [pool.submit(contextvars.Context().run, act) for act in acts]


def second_of_two(organization: Household, act: Callable[[Context], Any]) -> BaseException | None:
    """Do something twice, the second time before the first is committed; return what the second is told."""

    def again() -> None:
        with organization.context() as second:
            act(second)
            second.session.commit()

    with ThreadPoolExecutor(1) as pool:
        with organization.context() as first:
            act(first)
            waiting = pool.submit(contextvars.Context().run, again)
            time.sleep(0.3)
            first.session.commit()
        return waiting.exception(20)


def seal_log(app: Flask, organization_id: int) -> None:
    """Seal the whole log of an organization; a transaction of any other test may make the sealer wait (PostgreSQL)."""
    lines, seals = (Base.metadata.tables[name] for name in ("activity", "activity_seals"))
    for _try in range(2_000):
        with app.app_context(), new_session(organization_id, write=True) as session:
            while seal_finished(session):
                session.commit()
            counting = [
                select(func.count()).where(table.c.organization_id == organization_id) for table in (lines, seals)
            ]
            made, sealed = (session.execute(query, execution_options=CHECKED).scalar_one() for query in counting)
        if made == sealed:
            return
        time.sleep(0.01)
    raise AssertionError("the log is not sealed")
