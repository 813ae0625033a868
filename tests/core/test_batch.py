"""Many rows at once: the same plan, the same rows, the same history as one by one."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.households import Household, found_organization
from tests.rows import add, add_many, any_category, asked, change, lines, resource, row, second_of_two
from tests.statements import counted
from webapp.core.batch import find_rows, plan_rows, write_rows
from webapp.core.context import Context
from webapp.core.errors import Conflict, DomainError
from webapp.core.query import list_rows
from webapp.core.writes import create, delete, update

NAMES = st.sampled_from(["Drill", "drill", "Säge", "FX3", "Camera 7", "x" * 255])
DAYS = st.dates(date(2019, 1, 1), date(2027, 12, 31)) | st.sampled_from([date(2024, 1, 31), date(2024, 2, 29)])
AMOUNTS = st.decimals(0, 10_000, places=4)
MAYBE: Callable[[Any], Any] = lambda strategy: st.none() | strategy  # noqa: E731
ASSET = st.fixed_dictionaries(
    {},
    optional={
        "tag": MAYBE(st.sampled_from(["A-1", "a-1", "A-2", "AST-000001", "AST-000003"])),
        "name": MAYBE(NAMES),
        "serial_number": MAYBE(st.sampled_from(["S1", "s1", "S2", "S3"])),
        "status_id": st.sampled_from(["Active", "Idle", "Retired", "Sold", "Lost"]),
        "category_id": MAYBE(st.sampled_from(["Things", "Laptops", "Cables"])),
        "product_id": MAYBE(st.sampled_from(["FX3", "T14", "Old"])),
        "location_id": MAYBE(st.sampled_from(["Lisbon", "Gone"])),
        "purchased_on": MAYBE(DAYS),
        "purchase_cost": MAYBE(AMOUNTS),
        "warranty_months": MAYBE(st.integers(0, 60)),
        "warranty_expires_on": MAYBE(DAYS),
        "end_of_life_on": MAYBE(DAYS),
        "notes": MAYBE(st.just("kept dry")),
    },
)
OTHERS = {
    "manufacturers": st.fixed_dictionaries({"name": NAMES}, optional={"url": MAYBE(st.just("https://sony.example"))}),
    "statuses": st.fixed_dictionaries({"name": NAMES, "lifecycle": st.just("idle"), "label_type": st.just("pending")}),
    "categories": st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "kind": st.sampled_from(["asset", "accessory"]),
            "parent_id": MAYBE(st.sampled_from(["Things", "Cables"])),
        },
    ),
    "locations": st.fixed_dictionaries(
        {"name": NAMES},
        optional={
            "kind": st.sampled_from(["site", "location", "bin"]),
            "parent_id": MAYBE(st.sampled_from(["Lisbon", "Gone"])),
        },
    ),
    "persons": st.fixed_dictionaries(
        {"first_name": NAMES}, optional={"email": MAYBE(st.just("A@x.org")), "last_name": MAYBE(NAMES)}
    ),
    "products": st.fixed_dictionaries(
        {"name": NAMES, "category_id": st.sampled_from(["Things", "Laptops"])},
        optional={
            "end_of_life_rule": st.sampled_from(["individual", "months"]),
            "end_of_life_months": MAYBE(st.integers(1, 60)),
        },
    ),
}
OWN = ("id", "guid", "created_at", "updated_at", "organization_id")
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(SLOW, max_examples=25)


class Twin:
    """An organization like its twin: the same things under the same names, so that outcomes can be compared."""

    def __init__(self, app: Flask) -> None:
        self.organization = found_organization(app)
        with self.organization.context() as context:
            things = any_category(context)
            laptops = add(context, "categories", name="Laptops")
            self.ids = {
                "Things": things,
                "Laptops": laptops,
                "Cables": add(context, "categories", name="Cables", kind="accessory"),
                "Lisbon": add(context, "locations", name="Lisbon"),
                "Gone": add(context, "locations", name="Gone"),
                "FX3": add(
                    context,
                    "products",
                    name="FX3",
                    category_id=things,
                    end_of_life_rule="months",
                    end_of_life_months=48,
                ),
                "T14": add(context, "products", name="T14", category_id=laptops),
                "Old": add(
                    context,
                    "products",
                    name="Old",
                    category_id=things,
                    end_of_life_rule="fixed_date",
                    end_of_life_on="2028-06-30",
                ),
            }
            delete(context, resource("locations"), self.ids["Gone"])
            statuses = list_rows(context, resource("statuses"), asked("statuses", "")).rows
            self.ids |= {found["name"]: found["id"] for found in statuses}
            context.session.commit()
        kinds = {"Lisbon": "location", "Gone": "location", "FX3": "product", "T14": "product", "Old": "product"}
        kinds |= dict.fromkeys(("Things", "Laptops", "Cables"), "category")
        self.names = {(kinds.get(name, "status"), row_id): name for name, row_id in self.ids.items()}

    def real(self, patch: dict[str, Any]) -> dict[str, Any]:
        """Return a patch with this organization's ids for names."""
        return {name: self.ids[value] if name.endswith("_id") and value else value for name, value in patch.items()}

    def seen(self, context: Context, kind: str, row_id: int) -> tuple[Any, Any]:
        """Return (row, history) without what differs between two organizations anyway."""

        def plain(name: str, value: Any) -> Any:
            target = {"parent_id": "category" if kind == "categories" else "location"}.get(
                name, name.removesuffix("_id")
            )
            return self.names.get((target, value), value) if name.endswith("_id") else value

        found = {name: plain(name, value) for name, value in row(context, kind, row_id).items() if name not in OWN}
        told = [
            (line["event"], line["item_name"], {n: [plain(n, v) for v in pair] for n, pair in line["changes"].items()})
            for line in lines(context, kind, row_id)
        ]
        return found, told


@pytest.fixture(scope="module")
def twins(app: Flask) -> tuple[Twin, Twin]:
    """Return two organizations with the same things."""
    return Twin(app), Twin(app)


def one_by_one(twin: Twin, context: Context, kind: str, patches: list[dict]) -> list[Any]:
    """Make a row of the first patch and change it by the others, by the single writer."""
    said: list[Any] = []
    row_id = None
    for patch in map(twin.real, patches):
        try:
            if row_id is None:
                row_id = create(context, resource(kind), patch)
            else:
                update(context, resource(kind), row_id, patch)
            said.append({})
        except DomainError as error:
            said.append(getattr(error, "errors", None))
    return [said, row_id and twin.seen(context, kind, row_id)]


def by_batches(twin: Twin, context: Context, kind: str, patches: list[dict]) -> list[Any]:
    """Do the same by the batch writer."""
    said: list[Any] = []
    row_id = None
    for patch in map(twin.real, patches):
        current = find_rows(context, resource(kind), "id", [row_id]).get(row_id)
        drafts = plan_rows(context, resource(kind), [(current, patch)])
        said.append(drafts[0].errors)
        if not drafts[0].errors:
            (row_id,) = write_rows(context, resource(kind), drafts)
    return [said, row_id and twin.seen(context, kind, row_id)]


def assert_equal_outcomes(twins: tuple[Twin, Twin], kind: str, patches: list[dict]) -> None:
    """Hold the single writer's outcome against the batch writer's."""
    with twins[0].organization.context() as context:
        single = one_by_one(twins[0], context, kind, patches)
    with twins[1].organization.context() as context:
        batch = by_batches(twins[1], context, kind, patches)

    assert single == batch


@SLOW
@given(patches=st.lists(ASSET, min_size=1, max_size=3))
def test_both_writers_make_equal_assets_with_equal_histories(twins: tuple[Twin, Twin], patches: list[dict]):
    assert_equal_outcomes(twins, "assets", patches)


@pytest.mark.parametrize("kind", OTHERS)
@FEW
@given(data=st.data())
def test_both_writers_make_equal_rows_with_equal_histories(twins: tuple[Twin, Twin], kind: str, data: st.DataObject):
    assert_equal_outcomes(twins, kind, data.draw(st.lists(OTHERS[kind], min_size=1, max_size=2)))


@FEW
@given(patches=st.lists(ASSET, min_size=1, max_size=6))
def test_a_batch_of_new_assets_is_what_one_by_one_would_have_made(twins: tuple[Twin, Twin], patches: list[dict]):
    patches = [{"category_id": "Things", **patch} for patch in patches]
    patches = [{**patch, "tag": None, "serial_number": None} for patch in patches]
    with twins[0].organization.context() as context:
        singles = [one_by_one(twins[0], context, "assets", [patch]) for patch in patches]
    with twins[1].organization.context() as context:
        drafts = plan_rows(context, resource("assets"), [(None, twins[1].real(patch)) for patch in patches])
        ids = iter(write_rows(context, resource("assets"), drafts))
        batch = [[[d.errors], None if d.errors else twins[1].seen(context, "assets", next(ids))] for d in drafts]

    assert [said for said, _seen in singles] == [said for said, _seen in batch]
    assert [seen for _said, seen in singles if seen] == [seen for _said, seen in batch if seen]


def test_rows_with_errors_are_left_out_and_the_others_written(context: Context):
    patches = [{"name": "Sony"}, {"name": "sony"}, {"name": "Leica"}]

    drafts = plan_rows(context, resource("manufacturers"), [(None, patch) for patch in patches])
    ids = write_rows(context, resource("manufacturers"), drafts)

    assert [draft.errors for draft in drafts] == [{}, {"name": ["This stands twice in what you sent."]}, {}]
    assert [row(context, "manufacturers", found)["name"] for found in ids] == ["Sony", "Leica"]


def test_each_row_with_a_foreign_id_is_told_so(context: Context, other_organization: Household):
    with other_organization.context() as theirs:
        foreign = add(theirs, "locations")
        theirs.session.commit()
    own, category = add(context, "locations"), any_category(context)

    rows = [(None, {"category_id": category, "location_id": place}) for place in (own, foreign, 987654321)]
    drafts = plan_rows(context, resource("assets"), rows)

    assert [draft.errors for draft in drafts] == [{}, *[{"location_id": ["does not exist"]}] * 2]


def test_a_batch_on_stale_rows_writes_nothing(organization: Household):
    with organization.context() as context:
        ids = add_many(context, "manufacturers", [{"name": "Sony"}, {"name": "Leica"}])
        context.session.commit()

    with organization.context() as context:
        current = find_rows(context, resource("manufacturers"), "id", ids)
        drafts = plan_rows(context, resource("manufacturers"), [(current[i], {"notes": "seen"}) for i in ids])
        change(context, "manufacturers", ids[0], notes="faster")
        with pytest.raises(Conflict) as refused:
            write_rows(context, resource("manufacturers"), drafts)

    assert refused.value.code == "stale"


def test_a_batch_that_another_overtakes_is_told_to_try_again(organization: Household):
    told = second_of_two(organization, lambda context: add_many(context, "manufacturers", [{"name": "Sony"}]))

    assert isinstance(told, Conflict | AssertionError)  # SQLite lets the second one see it, and plan_rows says so


def test_a_note_stands_in_each_line(context: Context):
    drafts = plan_rows(context, resource("manufacturers"), [(None, {"name": "Sony"}), (None, {"name": "Leica"})])

    ids = write_rows(context, resource("manufacturers"), drafts, "From list.csv")

    assert [lines(context, "manufacturers", found)[0]["note"] for found in ids] == ["From list.csv"] * 2


def test_ids_come_back_in_the_order_of_the_rows(context: Context):
    names = [f"Maker {number:03d}" for number in range(120)]

    ids = add_many(context, "manufacturers", [{"name": name} for name in names])

    assert [row(context, "manufacturers", found)["name"] for found in ids] == names


def test_a_row_that_would_not_change_is_not_written(context: Context):
    maker = add(context, "manufacturers", name="Sony")
    current = find_rows(context, resource("manufacturers"), "id", [maker])[maker]

    drafts = plan_rows(context, resource("manufacturers"), [(current, {"name": "Sony", "notes": None})])
    write_rows(context, resource("manufacturers"), drafts)

    assert drafts[0].changes == {}
    assert row(context, "manufacturers", maker)["version"] == 1
    assert len(lines(context, "manufacturers", maker)) == 1


def test_rows_are_found_by_a_column_living_and_in_reach(context: Context):
    gone = add(context, "assets", serial_number="S1")
    delete(context, resource("assets"), gone)
    kept = add(context, "assets", serial_number="S1")

    found = find_rows(context, resource("assets"), "serial_number", ["S1", "s1", None, "S2"])

    assert {value: kept_row["id"] for value, kept_row in found.items()} == {"S1": kept}


def test_a_batch_takes_as_many_statements_for_many_rows_as_for_few(context: Context, app: Flask):
    category, place = any_category(context), add(context, "locations")
    counts = []
    for size in (5, 400):
        patches = [
            {"category_id": category, "location_id": place, "purchased_on": date(2025, 1, 1) + timedelta(days=n)}
            for n in range(size)
        ]
        with counted(app) as cost:
            add_many(context, "assets", [{**patch, "purchase_cost": Decimal(n)} for n, patch in enumerate(patches)])
        counts.append(len(cost.statements))

    assert counts[1] <= counts[0] + 3
