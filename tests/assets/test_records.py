"""What follows from an asset's record: its maintenance, its value, and who and where may stand in it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.factories import RESOURCES
from tests.rows import add, change, listed, row
from webapp.core.errors import Invalid


def day(text):
    return date.fromisoformat(text)


@pytest.mark.parametrize(
    ("given", "following"),
    [
        # domain §5.5: 2024-12-01 + 180 days = 2025-05-30
        ({"last_maintained_on": "2024-12-01", "purchased_on": "2020-01-01"}, "2025-05-30"),
        ({"purchased_on": "2024-12-01"}, "2025-05-30"),
        ({"last_maintained_on": "2024-12-01", "next_maintenance_on": "2026-01-01"}, "2026-01-01"),
    ],
)
def test_the_next_maintenance_is_counted_from_the_last_else_the_purchase(context, given, following):
    asset = add(context, "assets", maintenance_interval_days=180, **given)

    assert row(context, "assets", asset)["next_maintenance_on"] == day(following)


def test_without_last_or_purchase_the_next_maintenance_is_counted_from_the_record(context):
    asset = add(context, "assets", maintenance_interval_days=30)

    assert row(context, "assets", asset)["next_maintenance_on"] == context.today + timedelta(days=30)


def test_done_maintenance_moves_the_next_one(context):
    asset = add(context, "assets", maintenance_interval_days=10, next_maintenance_on="2026-01-01")

    change(context, "assets", asset, last_maintained_on="2026-02-01")
    assert row(context, "assets", asset)["next_maintenance_on"] == day("2026-02-11")

    change(context, "assets", asset, next_maintenance_on=None)
    assert row(context, "assets", asset)["next_maintenance_on"] == day("2026-02-11")  # it has an interval


@pytest.mark.parametrize(
    ("is_on", "days", "expected"),
    [
        (False, -5, "disabled"),
        (True, -1, "overdue"),
        (True, 0, "due_soon"),
        (True, 14, "due_soon"),
        (True, 15, "current"),
        (True, None, "current"),
    ],
)
def test_a_maintenance_is_due_soon_from_fourteen_days_before(context, is_on, days, expected):
    following = None if days is None else (context.today + timedelta(days=days)).isoformat()
    asset = add(context, "assets", maintenance_enabled=is_on, next_maintenance_on=following)

    assert row(context, "assets", asset)["maintenance_status"] == expected


def test_a_thing_loses_its_value_as_its_product_does_unless_it_says_otherwise(context):
    slow, fast = (
        add(context, "depreciations", name=str(months), method="straight_line", months=months) for months in (48, 24)
    )
    product = add(context, "products", depreciation_id=slow)
    bought = context.today.replace(day=1) - timedelta(days=1)
    bought = bought.replace(day=1).replace(year=bought.year - 1)  # 13 months are over
    common = {"product_id": product, "purchase_cost": "4800.00", "purchased_on": bought.isoformat()}

    own, usual = (add(context, "assets", **common, depreciation_id=terms) for terms in (fast, None))

    assert row(context, "assets", usual)["book_value"] == Decimal("3500.00")  # 4800 × 35 / 48
    assert row(context, "assets", own)["book_value"] == Decimal("2200.00")  # 4800 × 11 / 24
    assert [found["book_value"] for found in listed(context, "assets", "fields=book_value&sort=id")] == [
        Decimal("2200.00"),
        Decimal("3500.00"),
    ]


def test_a_thing_keeps_its_cost_where_nothing_is_written_off(context):
    asset = add(context, "assets", purchase_cost="10.1234", purchased_on="2001-01-01")

    assert row(context, "assets", asset)["book_value"] == Decimal("10.1234")


def test_nobody_tells_a_value_without_a_cost_or_the_day_of_the_purchase(context):
    terms = add(context, "depreciations", name="Slow", method="straight_line", months=48)

    for given in ({"purchase_cost": "10"}, {"purchased_on": "2020-01-01"}):
        assert row(context, "assets", add(context, "assets", depreciation_id=terms, **given))["book_value"] is None


def test_a_currency_without_cents_has_a_value_without_cents(context):
    terms = add(context, "depreciations", name="Slow", method="straight_line", months=3)
    asset = add(
        context,
        "assets",
        depreciation_id=terms,
        purchase_cost="1000",
        currency="JPY",
        purchased_on=context.today.replace(day=1).isoformat(),
    )
    before = row(context, "assets", asset)["book_value"]

    change(context, "assets", asset, purchased_on=(context.today.replace(day=1) - timedelta(days=1)).isoformat())

    assert (before, row(context, "assets", asset)["book_value"]) == (Decimal(1000), Decimal(667))


def test_an_amount_is_in_the_currency_of_its_place_else_of_the_organization(context):
    site = add(context, "locations", name="Nairobi", kind="site", currency="KES")
    store = add(context, "locations", name="Store", kind="location", parent_id=site)

    there, nowhere = (add(context, "assets", purchase_cost="5", location_id=place) for place in (store, None))

    assert row(context, "assets", there)["currency"] == "KES"
    assert row(context, "assets", nowhere)["currency"] == context.tenant.currency


def test_only_a_technician_is_a_things_technician(context):
    amara = add(context, "persons", first_name="Amara", last_name="Okafor")
    zeynep = add(context, "persons", first_name="Zeynep", last_name="Aydın", is_technician=True)
    asset = add(context, "assets", technician_id=zeynep)

    with pytest.raises(Invalid, match=r"technician_id: Amara Okafor is not a technician"):
        change(context, "assets", asset, technician_id=amara)

    change(context, "persons", zeynep, is_technician=False)
    change(context, "assets", asset, notes="Whoever it was stays")
    assert RESOURCES["assets"].offer(context, "technician_id", None) == set()


def test_coordinates_come_in_pairs(context):
    with pytest.raises(Invalid, match=r"longitude: Give both coordinates"):
        add(context, "assets", latitude=38.7)
    asset = add(context, "assets", latitude=-38.7071, longitude=-9.1355)

    with pytest.raises(Invalid, match=r"latitude: Give both coordinates"):
        change(context, "assets", asset, latitude=None)
    assert row(context, "assets", asset)["longitude"] == Decimal("-9.1355")


@pytest.mark.parametrize(
    ("field", "value"),
    [("latitude", 90.1), ("longitude", -180.1), ("condition", 0), ("condition", 6), ("ownership", "borrowed")],
)
def test_what_makes_no_sense_is_refused_at_its_field(api, context, field, value):
    add(context, "assets", tag="A-1")
    context.session.commit()
    asset = api.get("assets?tag=A-1").json["data"][0]["id"]

    answer = api.patch(f"assets/{asset}", {field: value})

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
