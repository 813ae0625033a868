"""Lists: filtered, sorted, paged, named, and as few statements for many rows as for one."""

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.households import Household, found_organization
from tests.rows import add, add_many, any_category, asked, change, listed, resource, row
from tests.statements import counted
from webapp.core.context import Context
from webapp.core.errors import NotFound
from webapp.core.query import choices, existing_ids, get_row, list_rows, matching_ids, stream_columns
from webapp.core.writes import delete

# Ties, gaps and letters whose order differs by case and by byte.
KIT: tuple[dict[str, Any], ...] = (
    {"tag": "T-01", "name": "beta", "purchase_cost": "10", "purchased_on": "2025-01-02", "warranty_months": 12},
    {"tag": "T-02", "name": "Alpha", "purchase_cost": "10"},
    {"tag": "T-03", "name": None, "purchase_cost": None, "purchased_on": "2025-01-01"},
    {"tag": "T-04", "name": "alpha", "purchase_cost": "9.9999", "warranty_months": 0},
    {"tag": "T-05", "name": "Éclair", "purchase_cost": "0", "purchased_on": "2025-01-02"},
    {"tag": "T-06", "name": None, "purchase_cost": "10", "warranty_months": 12},
    {"tag": "T-07", "name": "BETA", "purchase_cost": None, "purchased_on": "2024-12-31"},
    {"tag": "T-08", "name": "alpha 2", "purchase_cost": "100"},
)
PAGED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEYS = ("tag", "name", "purchase_cost", "purchased_on", "warranty_months", "created_at")


@pytest.fixture(scope="module")
def kit(app: Flask) -> Household:
    """Return an organization with eight assets, which the tests of this module only read."""
    organization = found_organization(app)
    with organization.context() as context:
        for patch in KIT:
            add(context, "assets", **patch)
        context.session.commit()
    return organization


def tags(rows: list[dict[str, Any]]) -> list[str]:
    """Return the numbers of rows, such as "01 04"."""
    return [found["tag"][2:] for found in rows]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("tag", "01 02 03 04 05 06 07 08"),
        ("-tag", "08 07 06 05 04 03 02 01"),
        ("name", "02 04 08 01 07 05 03 06"),
        ("-name", "05 07 01 08 04 02 06 03"),
        ("purchase_cost", "05 04 01 02 06 08 03 07"),
        ("-purchase_cost", "08 06 02 01 04 05 07 03"),
        ("purchased_on,-tag", "07 03 05 01 08 06 04 02"),
        ("-warranty_months,name", "01 06 04 02 08 07 05 03"),
        ("created_at", "01 02 03 04 05 06 07 08"),
    ],
)
def test_what_has_no_value_comes_last_and_ties_have_one_order(kit: Household, sort: str, order: str):
    with kit.context(write=False) as context:
        found = tags(listed(context, "assets", f"sort={sort}"))

    assert found == order.split()


SORTS = st.lists(
    st.tuples(st.sampled_from(KEYS), st.booleans()), min_size=1, max_size=4, unique_by=lambda key: key[0]
).map(lambda keys: ",".join(f"-{name}" if descending else name for name, descending in keys))


@PAGED
@given(sort=SORTS, per_page=st.integers(1, 5))
def test_following_the_cursor_shows_each_row_once_in_the_lists_order(kit: Household, sort: str, per_page: int):
    with kit.context(write=False) as context:
        whole, walked, query = tags(listed(context, "assets", f"sort={sort}")), [], f"sort={sort}&per_page={per_page}"
        page = list_rows(context, resource("assets"), asked("assets", query))
        while page.next_cursor:
            walked += tags(page.rows)
            page = list_rows(context, resource("assets"), asked("assets", f"{query}&cursor={page.next_cursor}"))

    assert walked + tags(page.rows) == whole


@PAGED
@given(sort=SORTS, chunk=st.integers(1, 5))
def test_a_stream_has_every_row_in_the_lists_order(kit: Household, sort: str, chunk: int):
    with kit.context(write=False) as context:
        whole = tags(listed(context, "assets", f"sort={sort}"))
        streamed = stream_columns(context, resource("assets"), asked("assets", f"sort={sort}"), chunk=chunk)

        assert [tag[2:] for columns in streamed for tag in columns["tag"]] == whole


def test_a_row_made_while_somebody_pages_is_not_shown_twice(context: Context):
    for tag in ("A", "C", "D"):
        add(context, "assets", tag=tag)
    first = list_rows(context, resource("assets"), asked("assets", "sort=tag&per_page=2"))
    add(context, "assets", tag="B")

    rest = listed(context, "assets", f"sort=tag&per_page=2&cursor={first.next_cursor}")

    assert [found["tag"] for found in first.rows + rest] == ["A", "C", "D"]


def test_numbered_pages_cut_the_list(kit: Household):
    with kit.context(write=False) as context:
        pages = [
            list_rows(context, resource("assets"), asked("assets", f"sort=tag&per_page=3&page={n}")) for n in (1, 3, 4)
        ]

    assert [tags(page.rows) for page in pages] == [["01", "02", "03"], ["07", "08"], []]
    assert [(page.total, page.total_pages, page.total_capped) for page in pages] == [(8, 3, False)] * 3
    assert [bool(page.next_cursor) for page in pages] == [True, False, False]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("tag=t-03", "03"),
        ("tag_in=T-01,t-08,T-99", "01 08"),
        ("tag_not=T-01", "02 03 04 05 06 07 08"),
        ("purchase_cost=10", "01 02 06"),
        ("purchase_cost=9.9999", "04"),
        ("purchase_cost_before=10", "04 05"),
        ("purchase_cost_after=9.9999", "01 02 06 08"),
        ("purchase_cost_not=10", "03 04 05 07 08"),
        ("purchase_cost_empty=true", "03 07"),
        ("purchase_cost_empty=false", "01 02 04 05 06 08"),
        ("purchased_on=2025-01-02", "01 05"),
        ("purchased_after=2024-12-31&purchased_before=2025-01-02", "03"),
        ("created_after=2020-01-01T00:00:00Z", "01 02 03 04 05 06 07 08"),
        ("created_before=2020-01-01T00:00:00Z", ""),
        ("purchase_cost=10&purchased_on=2025-01-02", "01"),
    ],
)
def test_filters_keep_what_they_say(kit: Household, query: str, found: str):
    with kit.context(write=False) as context:
        listing = list_rows(context, resource("assets"), asked("assets", f"{query}&sort=tag"))

    assert tags(listing.rows) == found.split()
    assert listing.total == len(found.split())


def test_a_place_stands_for_everything_below_it(context: Context):
    lisbon = add(context, "locations", name="Lisbon")
    floor = add(context, "locations", name="Floor 2", parent_id=lisbon)
    porto = add(context, "locations", name="Porto")
    for tag, place in (("A", lisbon), ("B", floor), ("C", porto), ("D", None)):
        add(context, "assets", tag=tag, location_id=place)

    found = {
        query: [r["tag"] for r in listed(context, "assets", f"sort=tag&{query}")]
        for query in (
            f"location_id={lisbon}",
            f"location_id_within={lisbon}",
            f"location_id_within={floor}",
            "location_id_within=987654321",
        )
    }

    assert list(found.values()) == [["A"], ["A", "B"], ["B"], []]


def test_deleted_rows_are_a_list_of_their_own(context: Context):
    gone, stays = add(context, "assets"), add(context, "assets")
    delete(context, resource("assets"), gone)

    assert [found["id"] for found in listed(context, "assets")] == [stays]
    assert [found["id"] for found in listed(context, "assets", "deleted=true")] == [gone]
    with pytest.raises(NotFound):
        get_row(context, resource("assets"), gone)
    assert get_row(context, resource("assets"), gone, deleted=True)["deleted_at"] == context.at


def test_a_row_carries_the_names_of_what_it_refers_to(context: Context):
    lisbon = add(context, "locations", name="Lisbon")
    floor = add(context, "locations", name="Floor 2", parent_id=lisbon)
    sony = add(context, "manufacturers", name="Sony")
    product = add(context, "products", name="FX3", model_number="ILME-FX3", manufacturer_id=sony)

    found = row(context, "assets", add(context, "assets", product_id=product, location_id=floor))

    assert (found["location"], found["product"], found["category"]) == ("Lisbon / Floor 2", "FX3", "Things")
    assert (found["manufacturer_id"], found["manufacturer"], found["model_number"]) == (sony, "Sony", "ILME-FX3")
    assert found["status"] == "Active"


def test_only_the_fields_that_were_asked_for_are_read(context: Context):
    sony = add(context, "manufacturers", name="Sony")
    product = add(context, "products", manufacturer_id=sony)
    add(context, "assets", product_id=product, name="Camera", notes="secret")

    (found,) = listed(context, "assets", "fields=name,manufacturer")

    assert (found["name"], found["manufacturer"]) == ("Camera", "Sony")
    assert "notes" not in found


def test_the_name_of_something_deleted_is_still_shown(context: Context):
    product = add(context, "products", name="FX3")
    asset = add(context, "assets", product_id=product)
    delete(context, resource("assets"), asset)
    delete(context, resource("products"), product)

    assert row(context, "assets", asset)["product"] == "FX3"


def test_a_list_takes_as_few_statements_for_many_rows_as_for_one(organization: Household):
    counts = []
    for rows in (1, 30):
        with organization.context() as context:
            products = [add(context, "products") for _ in range(rows)]
            places = [add(context, "locations") for _ in range(rows)]
            for product, place in zip(products, places, strict=True):
                add(context, "assets", product_id=product, location_id=place)
            context.session.commit()
        with organization.context(write=False) as context, counted(organization.app) as cost:
            listed(context, "assets", "sort=name&per_page=100")
        counts.append(len([statement for statement in cost.statements if "set_config" not in statement]))

    assert counts[1] <= counts[0] + 3  # the first reading of renamed places fills their cache
    with organization.context(write=False) as context, counted(organization.app) as cost:
        listed(context, "assets", "sort=name&per_page=100")
    assert len([statement for statement in cost.statements if "set_config" not in statement]) <= 5


@pytest.mark.parametrize("per_page", [1, 2, 3, 4, 50])
def test_each_page_of_a_filtered_list_says_how_many_there_are(context: Context, per_page: int):
    for _ in range(4):
        add(context, "assets", order_number="PO")
    add(context, "assets")

    pages = [asked("assets", f"order_number=PO&per_page={per_page}&page={page}") for page in range(1, 6)]
    found = [list_rows(context, resource("assets"), page) for page in pages]

    assert [page.total for page in found] == [4] * 5
    assert sum(len(page.rows) for page in found) == 4
    assert list_rows(context, resource("assets"), asked("assets", "order_number=none")).total == 0


def test_what_stands_on_one_page_is_not_counted_again(organization: Household):
    with organization.context() as context:
        add(context, "assets", order_number="PO")
        add(context, "assets", order_number="PO")
        context.session.commit()
    with organization.context(write=False) as context, counted(organization.app) as cost:
        for per_page in (2, 1):
            list_rows(context, resource("assets"), asked("assets", f"order_number=PO&per_page={per_page}"))

    assert len([one for one in cost.statements if "count(*)" in one]) == 1, cost


def test_a_filtered_total_is_counted_to_ten_thousand(context: Context):
    category = any_category(context)
    add_many(context, "assets", [{"category_id": category, "order_number": "PO"} for _ in range(10_001)])

    listing = list_rows(context, resource("assets"), asked("assets", "order_number=PO&per_page=1"))

    assert (listing.total, listing.total_capped) == (10_000, True)


def test_a_picker_offers_names_in_order(context: Context):
    for name in ("beta", "Alpha", "gamma", "alphabet"):
        add(context, "manufacturers", name=name)
        add(context, "products", name=name)

    for kind in ("manufacturers", "products"):
        assert [name for _id, name in choices(context, resource(kind))] == ["Alpha", "alphabet", "beta", "gamma"]
        assert [name for _id, name in choices(context, resource(kind), "ALPH")] == ["Alpha", "alphabet"]
        assert [name for _id, name in choices(context, resource(kind), limit=1)] == ["Alpha"]


def test_a_picker_finds_by_a_word_that_is_not_in_the_name(context: Context):
    add(context, "products", name="FX3", model_number="ILME-100")

    assert [name for _id, name in choices(context, resource("products"), "ilme")] == ["FX3"]


def test_a_picker_offers_nothing_that_is_deleted(context: Context):
    for kind in ("manufacturers", "products", "locations"):
        delete(context, resource(kind), add(context, kind, name="Gone"))

        assert choices(context, resource(kind)) == []


def test_ids_are_kept_when_they_are_living_and_in_reach(context: Context, other_organization: Household):
    stays, gone = add(context, "assets"), add(context, "assets")
    delete(context, resource("assets"), gone)
    context.session.commit()
    with other_organization.context() as theirs:
        foreign = add(theirs, "assets")
        theirs.session.commit()

    assert existing_ids(context, resource("assets"), [gone, stays, foreign, 987654321]) == [stays]


def test_the_ids_of_a_filtered_list_are_found_for_a_bulk_act(kit: Household):
    with kit.context(write=False) as context:
        ids = matching_ids(context, resource("assets"), asked("assets", "purchase_cost=10"), 2)
        every = matching_ids(context, resource("assets"), asked("assets", "purchase_cost=10"), 100)

        assert len(ids) == 2
        assert sorted(row(context, "assets", found)["tag"] for found in every) == ["T-01", "T-02", "T-06"]


def test_a_list_tells_the_newest_first(context: Context):
    first, second = add(context, "assets"), add(context, "assets")

    assert [found["id"] for found in listed(context, "assets")] == [second, first]


def test_a_changed_row_stands_where_its_new_name_belongs(context: Context):
    ids = [add(context, "manufacturers", name=name) for name in ("Able", "Baker")]

    change(context, "manufacturers", ids[0], name="zulu")

    assert [found["name"] for found in listed(context, "manufacturers", "sort=name")] == ["Baker", "zulu"]
