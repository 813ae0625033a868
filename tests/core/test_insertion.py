"""Rows whose ids are known before they are there, and many rows that are alike."""

from datetime import date
from decimal import Decimal

from tests.factories import make
from tests.households import Household
from tests.rows import add
from webapp.assets.rules import default_status
from webapp.core.insertion import MANY, insert_rows, reserve_ids, update_rows
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


def test_many_rows_are_what_few_would_be_whatever_all_of_them_share(organization: Household) -> None:
    category, table = make(organization, "categories", kind="asset"), registry.resources["assets"].table
    with organization.context() as context:
        status = default_status(context, "active")
        shared = {"organization_id": organization.id, "status_id": status, "category_id": category, "version": 1}
        shared |= {"created_at": context.at, "updated_at": context.at, "name": "50% of :all", "name_key": None}
        shared |= {
            "is_byod": True,
            "is_requestable": False,
            "maintenance_enabled": False,
            "search_text": "",
            "notes": None,
        }
        shared |= {"custom": {"1": "a"}, "purchase_cost": Decimal("12.50"), "purchased_on": date(2026, 1, 10)}
        found = []
        for count in (MANY - 1, MANY, MANY + 1):
            names = [f"{count} {number}" for number in range(count)]
            rows = [shared | {"guid": name, "tag": name, "tag_key": name} for name in names]
            rows[1] |= {"latitude": Decimal("1.5")}
            ids = insert_rows(context.session, table, rows, columns=(*rows[0], "latitude", "longitude"))
            wrote = update_rows(context.session, table, [{"id": i, "condition": 3, "notes": None} for i in ids])
            mine = table.select().where(scoped(context.session, table), table.c.id.in_(ids)).order_by(table.c.id)
            read = [dict(row) for row in context.session.execute(mine, execution_options=CHECKED).mappings()]
            assert (wrote, [row["tag"] for row in read], ids) == (count, names, sorted(ids))
            found.append([[v for n, v in row.items() if n not in ("id", "guid", "tag", "tag_key")] for row in read[:9]])

        assert found[0] == found[1] == found[2]
        assert [row["latitude"] for row in read[:3]] == [None, Decimal("1.5"), None]
        assert [read[0][name] for name in ("name", "name_key", "purchase_cost", "condition", "is_byod", "custom")] == [
            "50% of :all", None, Decimal("12.5"), 3, True, {"1": "a"}
        ]  # fmt: skip
