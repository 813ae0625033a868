"""Holds a copied asset beside the same asset written by the rules, so that the data cannot drift from the program."""

from typing import Any

from sqlalchemy import select

from tests.bench.pattern import Household, asset, context_of
from webapp.core.activity import Activity
from webapp.core.batch import find_rows, plan_rows, write_rows
from webapp.core.custom import VALUES
from webapp.core.database import key_of, table_of
from webapp.core.resource import registry
from webapp.core.search import search_ids
from webapp.core.tenancy import CHECKED, new_session, scoped
from webapp.core.totals import standing

# What two writings of one asset never share.
OWN = frozenset({"id", "guid", "created_at", "updated_at", "version", "location_id", "condition"})
Row = dict[str, Any]


class Drifted(RuntimeError):
    """A copy is not what the program writes."""


def check_copies(household: Household) -> None:
    """Compare the last copy of an organization with what the rules make of the same words; nothing is kept."""
    number = household.count
    if number == len(household.pattern):
        return
    with new_session(household.tenant.id, write=True) as session:
        context = context_of(session, household)
        resource = registry.resources["assets"]
        tag = f"AST-{number:06d}"
        total = standing(session)[0]["assets"]
        if total != number:
            raise Drifted(f"the counter says {total}, there are {number}")
        copied = find_rows(context, resource, "tag_key", [key_of(tag)])[key_of(tag)]
        copied_values, copied_lines = _values(session, copied["id"]), _lines(session, copied["id"])
        again = {**asset(household, number), **_moved(household, number)}
        patch = {**again, "tag": "TWIN", "serial_number": None}
        drafts = plan_rows(context, resource, [(None, patch)])
        if drafts[0].errors:
            raise Drifted(str(drafts[0].errors))
        [twin_id] = write_rows(context, resource, drafts)
        twin = find_rows(context, resource, "id", [twin_id])[twin_id]
        _compare(number, _told(copied), _told(_renamed(twin, number)))
        _compare(number, copied_values, _values(session, twin_id))
        if len(copied_lines) != 2 or set(copied_lines[0]["changes"]) < set(_custom(copied)):
            raise Drifted(f"the history of asset {number} is {copied_lines}")
        found = search_ids(context, resource, f"sn-{number:07d}")
        if found.ids != str(copied["id"]):
            raise Drifted(f"asset {number} is not found by its serial number")
        session.rollback()


def _moved(household: Household, number: int) -> Row:
    """Return nothing but what keeps the twin apart; places and conditions are not compared."""
    return {"location_id": household.ids["locations"][0]}


def _custom(row: Row) -> set[str]:
    return {f"custom.{key}" for key in row["custom"]}


def _told(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in OWN}


def _renamed(twin: Row, number: int) -> Row:
    """Return a twin with the tag and serial number that only one asset can have."""
    serial, tag = f"SN-{number:07d}", f"AST-{number:06d}"
    texts = [key_of(tag), key_of(serial), *str(twin["search_text"]).split("\n")[1:]]
    return twin | {
        "tag": tag,
        "tag_key": key_of(tag),
        "serial_number": serial,
        "serial_key": key_of(serial),
        "search_text": "\n".join(texts),
    }


def _values(session: Any, row_id: int) -> list[Row]:
    query = select(VALUES).where(scoped(session, VALUES), VALUES.c.row_id == row_id).order_by(VALUES.c.field_id)
    return [
        {name: value for name, value in row.items() if name != "row_id"}
        for row in session.execute(query, execution_options=CHECKED).mappings()
    ]


def _lines(session: Any, row_id: int) -> list[Row]:
    table = table_of(Activity)
    query = select(table).where(scoped(session, table), table.c.item_type == "assets", table.c.item_id == row_id)
    return [dict(row) for row in session.execute(query.order_by(table.c.id), execution_options=CHECKED).mappings()]


def _compare(number: int, copied: Any, written: Any) -> None:
    if copied != written:
        raise Drifted(f"asset {number} is copied as {copied}, and written as {written}")
