"""What a check has planned is written as it is, as long as nobody changes what it went by."""

import pytest

from tests.factories import make
from tests.imports.conftest import Importer
from tests.rows import add, change, resource
from tests.statements import counted
from webapp.core.errors import Conflict
from webapp.core.lookup import ids_by_name
from webapp.imports import jobs, rules
from webapp.imports.planner import Planner

pytestmark = pytest.mark.both_databases


def sheet(count: int) -> str:
    return "Serial number,Name,Category,Purchase cost,Purchase date\n" + "".join(
        f"S-{number:04d},Thing {number},Tools,12.5,2026-01-10\n" for number in range(count)
    )


@pytest.fixture
def planned(monkeypatch) -> list[int]:
    """Return how many rows were planned at a time, from now on."""
    sizes: list[int] = []
    plan = Planner.plan
    monkeypatch.setattr(Planner, "plan", lambda self, readings: sizes.append(len(readings)) or plan(self, readings))
    return sizes


def test_what_was_checked_is_written_without_being_planned_again(importer: Importer, planned: list[int]):
    make(importer.organization, "categories", name="Tools")
    import_id = importer.upload(sheet(3))
    planned.clear()

    importer.do(rules.apply, import_id)

    assert sum(planned) == 0
    assert [(row["name"], str(row["purchase_cost"].normalize()), row["tag"]) for row in importer.living()] == [
        (f"Thing {number}", "12.5", f"AST-{number + 1:06d}") for number in range(3)
    ]


def test_rows_are_planned_anew_when_what_they_name_has_changed(importer: Importer, planned: list[int]):
    make(importer.organization, "categories", name="Tools")
    import_id = importer.upload(sheet(3))
    with importer.organization.context() as context:
        category = ids_by_name(context, resource("categories"), ["Tools"])["Tools"]
        change(context, "categories", category, name="Instruments")
        context.session.commit()
    planned.clear()

    importer.do(rules.apply, import_id)

    assert sum(planned) == 3
    assert set(importer.fates(import_id)) == {"error"}


@pytest.mark.postgresql
def test_rows_are_planned_anew_when_a_change_that_had_begun_before_their_check_is_seen(
    importer: Importer, planned: list[int]
):
    tools, lasers = (make(importer.organization, "categories", name=name) for name in ("Tools", "Lasers"))
    product = make(importer.organization, "products", name="L7", category_id=tools)
    with importer.organization.context() as slow:
        change(slow, "products", product, category_id=lasers)
        make(importer.organization, "departments", name="Later in the log, sooner to be seen")
        import_id = importer.upload("Serial number,Product\nS-1,L7\n")
        slow.session.commit()
    planned.clear()

    importer.do(rules.apply, import_id)

    assert sum(planned) == 1
    assert [row["category_id"] for row in importer.living()] == [lasers]


def test_a_row_whose_serial_number_was_taken_meanwhile_is_planned_anew(importer: Importer, planned: list[int]):
    make(importer.organization, "categories", name="Tools")
    import_id = importer.upload(sheet(3))
    with importer.organization.context() as context:
        category = ids_by_name(context, resource("categories"), ["Tools"])["Tools"]
        add(context, "assets", serial_number="s-0001", name="Mine", category_id=category)
        context.session.commit()
    planned.clear()

    importer.do(rules.apply, import_id)

    assert [size for size in planned if size] == [1]
    assert importer.fates(import_id) == ["create", "error", "create"]
    assert [row["name"] for row in importer.living()] == ["Mine", "Thing 0", "Thing 2"]


def test_a_chunk_costs_the_same_statements_however_many_rows_it_has(importer: Importer):
    make(importer.organization, "categories", name="Tools")
    costs = []
    for count in (10, 20, 200):  # the first fills the caches of names
        text = sheet(count).replace("S-", f"S{count}-")
        with counted(importer.organization.app) as check:
            import_id = importer.upload(text)
        with counted(importer.organization.app) as write:
            importer.do(rules.apply, import_id)
        costs.append((len(check.statements), len(write.statements)))

    assert jobs.APPLY_CHUNK >= 200
    assert costs[1] == costs[2]
    assert max(costs[2]) < 60


def test_an_import_whose_plans_are_written_can_be_undone_and_is_in_the_log(importer: Importer):
    make(importer.organization, "categories", name="Tools")
    import_id = importer.upload(sheet(2))
    importer.do(rules.apply, import_id)

    importer.do(rules.undo, import_id)

    assert importer.living() == []
    with pytest.raises(Conflict):
        importer.do(rules.apply, import_id)
