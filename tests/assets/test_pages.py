"""An asset's page: what it is worth on any day, what comes next, what is inside of it."""

from datetime import date, timedelta

import pytest

from tests.rows import add
from webapp.assets.panels import distance


@pytest.fixture
def camera(context):
    """The camera of the design: bought for 3,949.00 on 3 Feb 2025, straight line over 60 months."""
    terms = add(context, "depreciations", name="Film", method="straight_line", months=60)
    made = add(
        context,
        "assets",
        tag="CAM-1",
        name="FX3 body",
        purchase_cost="3949.00",
        currency="EUR",
        purchased_on="2025-02-03",
        depreciation_id=terms,
    )
    context.session.commit()
    return made


def test_the_page_tells_the_book_value_on_the_day_that_was_asked_for(client, camera):
    page = client.get(f"/assets/{camera}?on=2026-11-19").text

    assert "€2,566.85" in page
    assert "book value on" in page
    assert "65% of cost" in page
    assert 'value="2026-11-19"' in page
    assert "Straight line, 60 months" in page


def test_the_curve_says_in_a_sentence_what_it_shows(client, camera):
    page = client.get(f"/assets/{camera}?on=2026-11-19").text

    assert (
        'role="img" aria-label="Book value from €3,949.00 on 3 Feb 2025 to €0.00 on 31 Jan 2030, €2,566.85 on' in page
    )


def test_the_years_stand_in_a_table(client, camera):
    """A year takes 789.80, the eleven months of 2025 take 723.98, the one of 2030 what 2029 left: 65.82."""
    page = client.get(f"/assets/{camera}").text

    assert [page.count(f">€{charge}<") for charge in ("789.80", "723.98", "65.82")] == [4, 1, 2]


@pytest.mark.parametrize("day", ["tomorrow", "", "2026-02-31"])
def test_what_is_no_day_shows_today(client, camera, day):
    assert "book value today" in client.get(f"/assets/{camera}?on={day}").text


def test_a_thing_without_a_day_of_purchase_says_what_is_missing(client, context):
    terms = add(context, "depreciations", name="Film", method="straight_line", months=60)
    bare = add(context, "assets", purchase_cost="10", depreciation_id=terms)
    context.session.commit()

    assert "Say on which day it was bought" in client.get(f"/assets/{bare}").text


def test_what_comes_next_stands_in_order_with_how_far_it_is(client, context):
    today = context.today
    made = add(
        context,
        "assets",
        warranty_expires_on=(today + timedelta(days=5)).isoformat(),
        end_of_life_on=(today - timedelta(days=1)).isoformat(),
        maintenance_enabled=True,
        next_maintenance_on=(today - timedelta(days=3)).isoformat(),
        next_audit_on=(today + timedelta(days=1)).isoformat(),
    )
    context.session.commit()

    page = client.get(f"/assets/{made}").text.partition('id="coming"')[2]

    found = [page.index(words) for words in ("Maintenance is overdue", "End of life", "Audit", "Warranty ends")]
    assert found == sorted(found)
    assert all(words in page for words in ("3 days ago", "1 day ago", "in 1 day<", "in 5 days"))


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, "today"),
        (1, "in 1 day"),
        (-90, "90 days ago"),
        (91, "in 3 months"),
        (-596, "20 months ago"),
        (730, "in 24 months"),
        (1100, "in 3 years"),
        (-3652, "9 years ago"),
    ],
)
def test_a_distance_is_told_in_the_unit_that_says_most(app, days, said):
    with app.test_request_context():
        assert distance(date(2026, 11, 22) + timedelta(days=days), date(2026, 11, 22)) == said


def test_the_contents_are_a_tab_and_another_is_added_from_there(client, context):
    crate = add(context, "assets", tag="CRATE")
    inner = add(context, "assets", tag="CASE", name="Blue case", parent_id=crate)
    add(context, "assets", tag="LOOSE")
    context.session.commit()

    page = client.get(f"/assets/{crate}?tab=0").text

    assert f'href="/assets/{inner}">Blue case' in page
    assert "LOOSE" not in page
    assert f'href="/assets/new?parent_id={crate}"' in page
    assert f'<option selected value="{crate}">CRATE' in client.get(f"/assets/new?parent_id={crate}").text


def test_a_reader_sees_the_contents_but_adds_none(as_role, context):
    crate = add(context, "assets", tag="CRATE")
    add(context, "assets", tag="CASE", parent_id=crate)
    context.session.commit()

    page = as_role("member").get(f"/assets/{crate}?tab=0").text

    assert "CASE" in page
    assert "/assets/new" not in page


def test_coordinates_are_a_link_to_the_map_of_the_device(client, context):
    made = add(context, "assets", latitude=-38.70712, longitude=100)
    context.session.commit()

    assert 'href="geo:-38.707120,100.000000"' in client.get(f"/assets/{made}").text


def test_degrees_stand_close_to_their_number(client, context):
    site = add(context, "locations", name="Lisbon", kind="site", latitude=38.7, longitude=-9.139)
    context.session.commit()

    assert "<dd>38.7°</dd>" in client.get(f"/locations/{site}").text


def test_the_rows_for_a_phone_lead_on(client, context):
    site = add(context, "locations", name="Lisbon", kind="site")
    shelf = add(context, "locations", name="Shelf 3", kind="location", parent_id=site)
    crate = add(context, "assets", tag="CRATE", name="Blue crate", location_id=site, home_location_id=shelf)
    inner = add(context, "assets", tag="CASE", parent_id=crate)
    context.session.commit()

    outer_page, inner_page = (client.get(f"/assets/{row_id}").text for row_id in (crate, inner))

    assert [words in outer_page for words in ("At Lisbon", "Belongs in Shelf 3", "1 thing inside")] == [True] * 3
    assert "Inside Blue crate" in inner_page
    assert f'href="/assets/{crate}"' in inner_page
