"""Book values against worked examples of accounting texts, each with its source, and what holds for every thing."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webapp.assets.valuation import CONVENTIONS, METHODS, Terms, book_value, curve, minimum_of, rounded, schedule
from webapp.assets.valuation import written_off_on as end_of

NEW_YEAR = date(2020, 1, 1)


def charges(terms, cost, bought_on=NEW_YEAR):
    return [row.charge for row in schedule(terms, Decimal(cost), bought_on)]


def amounts(*texts):
    return [Decimal(str(text)).quantize(Decimal("0.01")) for text in texts]


CRANE = {"minimum_value": Decimal(50_000), "months": 60}


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("straight_line", (90_000, 90_000, 90_000, 90_000, 90_000)),
        ("sum_of_years", (150_000, 120_000, 90_000, 60_000, 30_000)),
        ("double_declining", (200_000, 120_000, 72_000, 43_200, 14_800)),
    ],
)
def test_the_crane_of_stanley_coal_mines(method, expected):
    """Kieso, Weygandt, Warfield, Intermediate Accounting, 16th ed., illustrations 11-2, 11-4, 11-6 and 11-7."""
    assert charges(Terms(method, **CRANE), 500_000) == amounts(*expected)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("straight_line", (9_600, 9_600, 9_600, 9_600, 9_600)),
        ("double_declining", (23_200, 13_920, 8_352, 2_528, 0)),
    ],
)
def test_the_silk_screen_machine_of_kenzie_company(method, expected):
    """OpenStax, Principles of Accounting Vol. 1, 11.3, openstax.org/books/principles-financial-accounting/pages/11-3."""
    terms = Terms(method, 60, minimum_value=Decimal(10_000))

    assert charges(terms, 58_000, date(2019, 1, 1)) == amounts(*expected)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("straight_line", ("11812.50", "15750.00")),
        ("sum_of_years", ("22500.00", "28875.00")),
        ("double_declining", ("25875.00", "31912.50")),
    ],
)
def test_a_plant_bought_in_april_is_depreciated_for_nine_months_of_its_first_year(method, expected):
    """Kalidas Company: Kieso, exercises to chapter 11, "Depreciation for Partial Periods": 345,000, 20 years, 30,000."""
    terms = Terms(method, 240, minimum_value=Decimal(30_000))

    assert charges(terms, 345_000, date(2014, 4, 1))[:2] == amounts(*expected)


def test_a_truck_bought_in_august_stops_at_its_minimum_a_year_early():
    """Solution of a partial-year exercise, coursehero.com/file/6545368/Double1: 90,000, 5 years, 10,000, 1 August."""
    terms = Terms("double_declining", 60, minimum_value=Decimal(10_000))

    assert charges(terms, 90_000, date(2019, 8, 1)) == amounts(15_000, 30_000, 18_000, 10_800, 6_200, 0)


def test_a_reducing_balance_takes_its_rate_of_what_is_left():
    """Blackhall Publishing, Financial Statements, solution 9.6 (blackhallpublishing.com/…/FS9_6.htm): 30 %, 20,000."""
    terms = Terms("declining", 48, rate=Decimal(30), minimum_value=Decimal(4_800))

    values = [row.book_value for row in schedule(terms, Decimal(20_000), NEW_YEAR)]

    assert values[:3] == amounts(14_000, 9_800, 6_860)
    assert values[3] == 4_800  # the book's rate is rounded and ends at 4,802; a life ends at the minimum here


def test_a_declining_balance_changes_to_straight_line_when_that_takes_more():
    """SAS functions DEPDBSL and DACCDBSL (support.sas.com): 1,000 over ten years at 150 %: 87.00 and 564.99 in year 5."""
    fifth = schedule(Terms("declining", 120, rate=Decimal(15)), Decimal(1_000), NEW_YEAR)[4]

    assert (fifth.charge, fifth.accumulated) == (Decimal("87.00"), Decimal("564.99"))


@pytest.mark.parametrize(
    ("terms", "percents"),
    [
        (Terms("double_declining", 60, convention="half_year"), "20.00 32.00 19.20 11.52 11.52 5.76"),
        (Terms("double_declining", 36, convention="half_year"), "33.33 44.45 14.81 7.41"),
        (Terms("double_declining", 84, convention="half_year"), "14.29 24.49 17.49 12.49 8.93 8.92 8.93 4.46"),
        (
            Terms("declining", 180, rate=Decimal(10), convention="half_year"),
            "5.00 9.50 8.55 7.70 6.93 6.23 5.90 5.90 5.91 5.90 5.91 5.90 5.91 5.90 5.91 2.95",
        ),
        (Terms("straight_line", 60, convention="half_year"), "10 20 20 20 20 10"),
    ],
)
def test_the_half_year_convention_gives_the_tables_of_the_tax_office(terms, percents):
    """IRS Publication 946, appendix A, tables A-1 (200 % and 150 % balances) and A-8; the tables round to a hundredth."""
    found = charges(terms, 100, date(2023, 11, 20))

    assert len(found) == len(percents.split())
    for charge, percent in zip(found, percents.split(), strict=True):
        assert abs(charge - Decimal(percent)) <= Decimal("0.01")


def test_half_a_year_of_the_digits():
    """Sage Fixed Assets help, "Sum-of-the-Years'-Digits, Half-Year Example": 2,800 over ten years."""
    terms = Terms("sum_of_years", 120, convention="half_year")

    found = charges(terms, 280_000, date(2024, 3, 9))[:2]  # a hundred of them: our charges add up to the cent
    assert [round(charge / 100, 2) for charge in found] == amounts("254.55", "483.64")


def test_a_thing_bought_in_february_counts_from_july_under_the_half_year_convention():
    """AccountingTools, "Mid-year convention": 100,000 over five years, bought on 15 February."""
    terms = Terms("straight_line", 60, convention="half_year")

    assert charges(terms, 100_000, date(2017, 2, 15)) == amounts(10_000, *[20_000] * 4, 10_000)
    assert book_value(terms, Decimal(100_000), date(2017, 2, 15), date(2017, 6, 30)) == 100_000


def test_the_camera_of_the_design():
    """Picture 03: € 3,949.00, bought on 3 Feb 2025, straight line over 60 months, seen on 19 Nov 2026."""
    camera = (Terms("straight_line", 60), Decimal("3949.00"), date(2025, 2, 3))

    assert book_value(*camera, date(2026, 11, 19)) == Decimal("2566.85")
    assert book_value(*camera, date(2026, 11, 29)) == Decimal("2566.85")
    assert book_value(*camera, date(2026, 11, 30)) == Decimal("2501.03")  # November is over


def test_before_the_purchase_a_thing_stands_at_its_cost_and_after_its_life_at_its_minimum():
    terms = Terms("double_declining", 36, minimum_percent=Decimal(10))

    assert book_value(terms, Decimal("999.99"), date(2024, 5, 5), date(2020, 1, 1)) == Decimal("999.99")
    assert book_value(terms, Decimal("999.99"), date(2024, 5, 5), date(2027, 4, 30)) == Decimal("100.00")
    assert book_value(terms, Decimal("999.99"), date(2024, 5, 5), date.max) == Decimal("100.00")
    assert end_of(terms, date(2024, 5, 5)) == date(2027, 4, 30)


def test_a_minimum_above_the_cost_leaves_the_cost():
    terms = Terms("sum_of_years", 12, minimum_value=Decimal(500))

    assert book_value(terms, Decimal(300), date(2024, 1, 1), date(2030, 1, 1)) == 300


def test_halves_are_rounded_away_from_zero_once_at_the_end():
    """A third of 0.05 a month: 0.0333…, not three times a rounded 0.02."""
    terms = Terms("straight_line", 3)

    assert book_value(terms, Decimal("0.05"), date(2024, 1, 1), date(2024, 1, 31)) == Decimal("0.03")
    assert book_value(Terms("straight_line", 2), Decimal("0.05"), date(2024, 1, 1), date(2024, 1, 31)) == Decimal(
        "0.03"
    )
    assert book_value(Terms("straight_line", 2), Decimal(5), date(2024, 1, 1), date(2024, 1, 31), places=0) == 3
    assert rounded(Fraction(-1, 2), 0) == -1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"method": "magic", "months": 12}, "no such method"),
        ({"method": "straight_line", "months": 0}, "at least one month"),
        ({"method": "declining", "months": 12}, "needs its rate"),
    ],
)
def test_terms_that_nothing_can_be_reckoned_by_are_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Terms(**wrong)


MONEY = st.decimals(min_value=0, max_value=10**9, places=4)
PERCENT = st.decimals(min_value=0, max_value=100, places=2)
TERMS = st.builds(
    Terms,
    method=st.sampled_from(METHODS),
    months=st.integers(1, 480),
    rate=st.decimals(min_value="0.5", max_value=100, places=2),
    convention=st.sampled_from(CONVENTIONS),
    minimum_value=st.none() | MONEY,
    minimum_percent=st.none() | PERCENT,
)
DAYS = st.dates(date(1990, 1, 1), date(2060, 12, 31))


@settings(deadline=None)
@given(terms=TERMS, cost=MONEY, bought_on=DAYS)
def test_the_charges_of_all_years_add_up_to_what_is_written_off(terms, cost, bought_on):
    rows = schedule(terms, cost, bought_on)

    first, last = book_value(terms, cost, bought_on, date.min), rounded(minimum_of(terms, cost), 2)
    assert sum(row.charge for row in rows) == first - last
    assert rows[-1].book_value == book_value(terms, cost, bought_on, rows[-1].ends_on) == last


@settings(deadline=None)
@given(terms=TERMS, cost=MONEY, bought_on=DAYS, days=st.lists(DAYS, min_size=2, max_size=8))
def test_a_value_never_rises_and_stays_between_the_minimum_and_the_cost(terms, cost, bought_on, days):
    values = [book_value(terms, cost, bought_on, day) for day in sorted(days)]

    assert values == sorted(values, reverse=True)
    assert all(rounded(minimum_of(terms, cost), 2) <= value <= rounded(cost_of(cost), 2) for value in values)


@settings(deadline=None)
@given(terms=TERMS, cost=MONEY, bought_on=DAYS)
def test_the_curve_runs_from_the_cost_to_the_minimum_through_the_book_values(terms, cost, bought_on):
    corners = curve(terms, cost, bought_on)

    assert corners[0][0] == bought_on
    assert corners[-1] == (end_of(terms, bought_on), rounded(minimum_of(terms, cost), 2))
    assert all(value == book_value(terms, cost, bought_on, day) for day, value in corners)
    assert [day for day, _value in corners] == sorted({day for day, _value in corners})


def cost_of(cost):
    return minimum_of(Terms("straight_line", 1, minimum_percent=Decimal(100)), cost)
