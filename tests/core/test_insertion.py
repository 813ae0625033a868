"""Rows whose ids are known before they are there."""

from tests.factories import make
from tests.households import Household
from tests.rows import add
from webapp.core.insertion import insert_rows, reserve_ids
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, scoped


def test_reserved_ids_are_new_and_whoever_comes_later_gets_others(organization: Household) -> None:
    last, table = make(organization, "manufacturers"), registry.resources["manufacturers"].table
    with organization.context() as context:
        ids = reserve_ids(context.session, table, 3)
        row = {"organization_id": organization.id, "name_key": "", "custom": {}, "search_text": "", "version": 1}
        times = {"created_at": context.at, "updated_at": context.at}
        rows = [row | times | {"id": i, "guid": str(i), "name": str(i), "name_key": str(i)} for i in reversed(ids)]
        insert_rows(context.session, table, rows)
        later = add(context, "manufacturers")
        found = context.session.execute(
            table.select().where(scoped(context.session, table), table.c.id.in_(ids)), execution_options=CHECKED
        )

        assert last < ids[0] < ids[1] < ids[2] < later
        assert {row["id"]: row["name"] for row in found.mappings()} == {i: str(i) for i in ids}


def test_a_row_may_leave_out_what_it_has_not(organization: Household) -> None:
    table = registry.resources["manufacturers"].table
    with organization.context() as context:
        row = {"organization_id": organization.id, "custom": {}, "search_text": "", "version": 1}
        row |= {"created_at": context.at, "updated_at": context.at}
        rows = [row | {"guid": name, "name": name, "name_key": name} for name in ("bosch", "hilti")]
        rows[1]["notes"] = "drills"
        ids = insert_rows(context.session, table, rows, columns=(*rows[0], "notes"))

        mine = table.select().where(scoped(context.session, table), table.c.id.in_(ids)).order_by(table.c.id)
        found = context.session.execute(mine, execution_options=CHECKED).mappings()
        assert [(row["id"], row["name"], row["notes"]) for row in found] == [
            (ids[0], "bosch", None),
            (ids[1], "hilti", "drills"),
        ]
