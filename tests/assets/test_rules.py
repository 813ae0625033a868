"""Assets: which state may follow which, and what a purchase and a product make of the dates."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rows import add, any_category, change, listed, resource, row
from webapp.assets.rules import add_months, may_follow
from webapp.core.context import Context
from webapp.core.errors import Invalid

# domain §4.2, row by row
TABLE = {
    "active": "idle in_maintenance in_transit retired lost non_compliant decommissioned",
    "idle": "active in_maintenance in_transit retired decommissioned lost",
    "in_maintenance": "active idle retired decommissioned",
    "pending_install": "active idle in_transit non_compliant",
    "in_transit": "active idle pending_install",
    "lost": "active retired decommissioned",
    "non_compliant": "active idle in_maintenance retired decommissioned",
    "retired": "active decommissioned",
    "decommissioned": "",
}


def status(context: Context, name: str) -> int:
    """Return the id of a status."""
    return next(int(found["id"]) for found in listed(context, "statuses") if found["name"] == name)


def default(context: Context, lifecycle: str) -> int:
    """Return the id of a lifecycle's first status."""
    found = listed(context, "statuses", f"lifecycle={lifecycle}")
    return next(int(one["id"]) for one in found if one["is_default_for_lifecycle"])


@pytest.mark.parametrize("before", TABLE)
@pytest.mark.parametrize("after", TABLE)
def test_a_state_follows_as_the_table_says(context: Context, before: str, after: str):
    asset = add(context, "assets", status_id=default(context, before))
    allowed = after == before or after in TABLE[before].split()

    assert may_follow(before, after) is allowed
    if allowed:
        change(context, "assets", asset, status_id=default(context, after))
        assert row(context, "assets", asset)["status_id"] == default(context, after)
    else:
        with pytest.raises(Invalid, match=r"status_id: .* cannot follow"):
            change(context, "assets", asset, status_id=default(context, after))


def test_another_word_for_the_same_state_may_always_follow(context: Context):
    asset = add(context, "assets", status_id=status(context, "Sold"))

    change(context, "assets", asset, status_id=status(context, "Donated"))

    assert row(context, "assets", asset)["status"] == "Donated"


def test_a_new_asset_may_begin_in_any_state(context: Context):
    states = [default(context, lifecycle) for lifecycle in TABLE]

    made = [row(context, "assets", add(context, "assets", status_id=state))["status_id"] for state in states]

    assert made == states


def test_a_new_asset_is_active_unless_said_otherwise(context: Context):
    assert row(context, "assets", add(context, "assets"))["status"] == "Active"
    assert row(context, "assets", add(context, "assets", status_id=None))["status"] == "Active"


def test_a_state_cannot_be_taken_away(context: Context):
    asset = add(context, "assets")

    with pytest.raises(Invalid, match="status_id: This is needed"):
        change(context, "assets", asset, status_id=None)


def test_a_forced_move_passes_the_table(context: Context):
    asset = add(context, "assets", status_id=status(context, "Sold"))
    forced = replace(context, forced=True)

    change(forced, "assets", asset, status_id=status(context, "Active"))

    assert row(context, "assets", asset)["status"] == "Active"


def test_other_fields_of_a_decommissioned_asset_can_still_be_changed(context: Context):
    asset = add(context, "assets", status_id=status(context, "Sold"))

    change(context, "assets", asset, notes="Sold to the museum", status_id=status(context, "Sold"))

    assert row(context, "assets", asset)["notes"] == "Sold to the museum"


@pytest.mark.parametrize(
    ("bought", "months", "until"),
    [
        ("2024-11-15", 36, date(2027, 11, 15)),
        ("2024-01-31", 1, date(2024, 2, 29)),
        ("2025-01-31", 1, date(2025, 2, 28)),
        ("2025-10-31", 1, date(2025, 11, 30)),
        ("2024-02-29", 12, date(2025, 2, 28)),
        ("2024-02-29", 48, date(2028, 2, 29)),
        ("2025-12-31", 2, date(2026, 2, 28)),
        ("2025-03-01", 0, date(2025, 3, 1)),
    ],
)
def test_a_warranty_ends_so_many_calendar_months_after_the_purchase(
    context: Context, bought: str, months: int, until: date
):
    asset = add(context, "assets", purchased_on=bought, warranty_months=months)

    assert row(context, "assets", asset)["warranty_expires_on"] == until


@given(st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.integers(0, 1200), st.integers(0, 1200))
def test_months_later_is_in_the_month_it_should_be(day: date, months: int, more: int):
    later = add_months(day, months)

    assert later.year * 12 + later.month == day.year * 12 + day.month + months
    assert later.day <= day.day
    assert add_months(day, months) <= add_months(day, months + more)


def test_a_changed_purchase_or_warranty_moves_its_end(context: Context):
    asset = add(context, "assets", purchased_on="2024-11-15", warranty_months=36)

    ends = []
    for patch in ({"purchased_on": "2024-12-31"}, {"warranty_months": 2}, {"name": "Renamed"}):
        change(context, "assets", asset, **patch)
        ends.append(row(context, "assets", asset)["warranty_expires_on"])

    assert ends == [date(2027, 12, 31), date(2025, 2, 28), date(2025, 2, 28)]


def test_a_day_given_alone_drops_the_months_unless_they_agree(context: Context):
    agrees = add(context, "assets", purchased_on="2024-11-15", warranty_months=36)
    differs = add(context, "assets", purchased_on="2024-11-15", warranty_months=36)

    change(context, "assets", agrees, warranty_expires_on="2027-11-15")
    change(context, "assets", differs, warranty_expires_on="2026-01-01")

    found = [row(context, "assets", asset) for asset in (agrees, differs)]
    assert [one["warranty_months"] for one in found] == [36, None]
    assert found[1]["warranty_expires_on"] == date(2026, 1, 1)


def test_a_day_without_months_stays_when_the_purchase_changes(context: Context):
    asset = add(context, "assets", purchased_on="2024-11-15", warranty_expires_on="2026-01-01")

    change(context, "assets", asset, purchased_on="2025-01-01")

    assert row(context, "assets", asset)["warranty_expires_on"] == date(2026, 1, 1)


def test_months_without_a_purchase_wait_for_it(context: Context):
    asset = add(context, "assets", warranty_months=12)
    before = row(context, "assets", asset)["warranty_expires_on"]

    change(context, "assets", asset, purchased_on="2024-02-29")

    assert (before, row(context, "assets", asset)["warranty_expires_on"]) == (None, date(2025, 2, 28))


def test_a_warranty_does_not_end_before_the_purchase(context: Context):
    with pytest.raises(Invalid, match="warranty_expires_on: This is before the purchase"):
        add(context, "assets", purchased_on="2024-11-15", warranty_expires_on="2024-11-14")
    add(context, "assets", purchased_on="2024-11-15", warranty_expires_on="2024-11-15")


def test_a_warranty_beyond_the_calendar_has_no_day(context: Context):
    asset = add(context, "assets", purchased_on="9990-01-01", warranty_months=1200)

    assert row(context, "assets", asset)["warranty_expires_on"] is None


def test_a_product_gives_its_category(context: Context):
    laptops, cameras = add(context, "categories", name="Laptops"), add(context, "categories", name="Cameras")
    laptop, camera = add(context, "products", category_id=laptops), add(context, "products", category_id=cameras)
    asset = add(context, "assets", product_id=laptop, category_id=cameras)
    first = row(context, "assets", asset)["category"]

    change(context, "assets", asset, product_id=camera)

    assert (first, row(context, "assets", asset)["category"]) == ("Laptops", "Cameras")


def test_a_category_of_ones_own_stands_beside_the_product(context: Context):
    product = add(context, "products", category_id=add(context, "categories", name="Laptops"))
    tablets = add(context, "categories", name="Tablets")
    asset = add(context, "assets", product_id=product)

    change(context, "assets", asset, category_id=tablets)
    change(context, "assets", asset, name="Renamed")

    found = row(context, "assets", asset)
    assert (found["category"], found["product_id"]) == ("Tablets", product)


def test_an_asset_without_product_needs_a_category_of_assets(context: Context):
    cables = add(context, "categories", name="Cables", kind="accessory")

    with pytest.raises(Invalid, match="Choose a category, or a product that has one"):
        add(context, "assets", category_id=None)
    with pytest.raises(Invalid, match="category_id: This is not a category of assets"):
        add(context, "assets", category_id=cables)
    with pytest.raises(Invalid, match="category_id"):
        change(context, "assets", add(context, "assets"), category_id=None)


def test_a_product_taken_away_leaves_the_category(context: Context):
    laptops = add(context, "categories", name="Laptops")
    asset = add(context, "assets", product_id=add(context, "products", category_id=laptops))

    change(context, "assets", asset, product_id=None)

    assert row(context, "assets", asset)["category"] == "Laptops"


@pytest.mark.parametrize(
    ("rule", "patch", "ends"),
    [
        ({"end_of_life_rule": "months", "end_of_life_months": 48}, {"purchased_on": "2024-02-29"}, date(2028, 2, 29)),
        ({"end_of_life_rule": "months", "end_of_life_months": 12}, {"purchased_on": "2024-02-29"}, date(2025, 2, 28)),
        ({"end_of_life_rule": "months", "end_of_life_months": 12}, {}, None),
        ({"end_of_life_rule": "fixed_date", "end_of_life_on": "2028-06-30"}, {}, date(2028, 6, 30)),
        ({"end_of_life_rule": "individual"}, {"purchased_on": "2024-02-29"}, None),
        (
            {"end_of_life_rule": "fixed_date", "end_of_life_on": "2028-06-30"},
            {"end_of_life_on": "2030-01-01"},
            date(2030, 1, 1),
        ),
    ],
)
def test_a_products_rule_gives_the_end_of_life(
    context: Context, rule: dict[str, Any], patch: dict[str, Any], ends: date | None
):
    asset = add(context, "assets", product_id=add(context, "products", **rule), **patch)

    assert row(context, "assets", asset)["end_of_life_on"] == ends


def test_a_later_purchase_moves_the_end_of_life(context: Context):
    product = add(context, "products", end_of_life_rule="months", end_of_life_months=12)
    asset = add(context, "assets", product_id=product, purchased_on="2024-01-31")

    change(context, "assets", asset, purchased_on="2024-03-31")

    assert row(context, "assets", asset)["end_of_life_on"] == date(2025, 3, 31)


def test_an_end_of_life_of_ones_own_stays_when_other_things_change(context: Context):
    product = add(context, "products", end_of_life_rule="fixed_date", end_of_life_on="2028-06-30")
    asset = add(context, "assets", product_id=product)

    change(context, "assets", asset, end_of_life_on="2030-01-01")
    change(context, "assets", asset, name="Renamed", location_id=add(context, "locations"))

    assert row(context, "assets", asset)["end_of_life_on"] == date(2030, 1, 1)


def test_a_price_without_currency_is_in_the_organizations(context: Context):
    own = row(context, "assets", add(context, "assets", purchase_cost="9.50"))
    other = row(context, "assets", add(context, "assets", purchase_cost="9.50", currency="USD"))
    free = row(context, "assets", add(context, "assets"))

    assert [one["currency"] for one in (own, other, free)] == ["EUR", "USD", None]


def test_serial_numbers_are_unique_while_the_organization_wants_it(context: Context):
    lax = replace(context, tenant=replace(context.tenant, settings={"unique_serial": False}))
    add(context, "assets", tag="HOLDER", serial_number="SN 1")

    with pytest.raises(Invalid, match="serial_number: HOLDER has this already"):
        add(context, "assets", serial_number="sn 1")
    add(lax, "assets", serial_number="SN 1")


def test_assets_without_serial_number_are_no_duplicates(context: Context):
    for serial in (None, "", "  "):
        assert row(context, "assets", add(context, "assets", serial_number=serial))["serial_number"] is None


def test_a_picker_offers_only_what_may_follow_and_categories_of_assets(context: Context):
    add(context, "categories", name="Cables", kind="accessory")
    things, sold = any_category(context), status(context, "Sold")
    asset = row(context, "assets", add(context, "assets", status_id=sold))
    offer = resource("assets").offer

    names = {found["id"]: found["name"] for found in listed(context, "statuses")}
    assert offer(context, "category_id", asset) == {things}
    assert {names[one] for one in offer(context, "status_id", asset) or ()} == {
        "Decommissioned",
        "Disposed",
        "Sold",
        "Donated",
    }
    assert len(offer(context, "status_id", None) or ()) == 13
    assert offer(context, "location_id", asset) is None


def test_a_category_that_is_not_there_is_refused_beside_a_product_too(context: Context):
    product = add(context, "products")

    with pytest.raises(Invalid) as caught:
        add(context, "assets", product_id=product, category_id=2**40)

    assert caught.value.errors == {"category_id": ["does not exist"]}
