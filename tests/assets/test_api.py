"""The value of an asset through the API."""

import pytest

from tests.rows import add


@pytest.fixture
def crane(context):
    """Kieso's crane: 500,000 down to 50,000 in five years by the double declining balance."""
    terms = add(context, "depreciations", name="Cranes", method="double_declining", months=60, minimum_value="50000.00")
    made = add(
        context,
        "assets",
        depreciation_id=terms,
        purchase_cost="500000.00",
        currency="USD",
        purchased_on="2020-01-01",
    )
    context.session.commit()
    return made


def test_the_book_value_is_told_for_any_day(api, crane):
    found = api.get(f"assets/{crane}/book-value?on=2022-12-31").json["data"]

    assert (found["on"], found["book_value"], found["accumulated_depreciation"]) == (
        "2022-12-31",
        "108000.00",
        "392000.00",
    )
    assert (found["cost"], found["currency"], found["minimum"]) == ("500000.00", "USD", "50000.00")
    assert (found["method"], found["convention"], found["months"]) == ("double_declining", "full_month", 60)
    assert (found["purchased_on"], found["written_off_on"]) == ("2020-01-01", "2024-12-31")


@pytest.mark.parametrize(("on", "value"), [("1999-01-01", "500000.00"), ("2039-01-01", "50000.00")])
def test_before_the_purchase_it_is_the_cost_and_in_the_end_the_minimum(api, crane, on, value):
    assert api.get(f"assets/{crane}/book-value?on={on}").json["data"]["book_value"] == value


def test_without_a_day_it_is_todays_value_that_the_record_shows(api, crane):
    today = api.get(f"assets/{crane}/book-value").json["data"]

    assert today["book_value"] == api.get(f"assets/{crane}").json["data"]["book_value"] == "50000.00"


def test_the_schedule_has_a_line_for_each_calendar_year(api, crane):
    found = api.get(f"assets/{crane}/depreciation-schedule").json["data"]

    assert [year["charge"] for year in found["years"]] == [
        "200000.00",
        "120000.00",
        "72000.00",
        "43200.00",
        "14800.00",
    ]
    assert found["years"][0] == {
        "begins_on": "2020-01-01",
        "ends_on": "2020-12-31",
        "charge": "200000.00",
        "accumulated_depreciation": "200000.00",
        "book_value": "300000.00",
    }
    assert found["written_off_on"] == "2024-12-31"


def test_a_thing_that_is_not_depreciated_has_its_cost_and_no_schedule(api, context):
    land = add(context, "assets", purchase_cost="900.00")
    context.session.commit()

    value = api.get(f"assets/{land}/book-value?on=2022-12-31").json["data"]

    assert (value["book_value"], value["accumulated_depreciation"], value["method"]) == ("900.00", "0.00", None)
    assert api.get(f"assets/{land}/depreciation-schedule").json["data"]["years"] == []


def test_a_thing_without_a_cost_has_no_value(api, context):
    found = add(context, "assets")
    context.session.commit()

    value = api.get(f"assets/{found}/book-value").json["data"]

    assert (value["book_value"], value["cost"], value["accumulated_depreciation"]) == (None, None, None)


@pytest.mark.parametrize(
    "query", ["on=tomorrow", "on=2026-02-30", "on=", "day=2026-01-01", "on=2026-01-01&on=2026-01-02"]
)
def test_what_is_no_day_is_refused(api, crane, query):
    answer = api.get(f"assets/{crane}/book-value?{query}")

    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")


def test_values_are_not_told_about_foreign_things(api, other_organization, crane):
    stranger = other_organization.api_client()

    for name in ("book-value", "depreciation-schedule"):
        assert stranger.get(f"assets/{crane}/{name}").status_code == 404
        assert api.get(f"assets/999999999/{name}").status_code == 404
        assert other_organization.api_client(("persons:read",)).get(f"assets/{crane}/{name}").status_code == 403
