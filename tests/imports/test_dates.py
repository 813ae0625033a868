"""Reading dates: formats, and the order of day and month judged over a column."""

from datetime import date

import pytest

from webapp.imports.dates import detect_order, parse_date
from webapp.imports.values import UnreadableValue


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2024-12-31", date(2024, 12, 31)),
        ("2024-12-31T14:30:00.123Z", date(2024, 12, 31)),
        ("2024/1/5", date(2024, 1, 5)),
        ("1/23/23", date(2023, 1, 23)),
        ("1/23/23 12:00 AM", date(2023, 1, 23)),
        ("31.12.2024", date(2024, 12, 31)),
        ("31.12.99", date(1999, 12, 31)),
        ("12-Jan-2024", date(2024, 1, 12)),
        ("Jan 12, 2024", date(2024, 1, 12)),
        ("Fri, 12 Sept. 2024", date(2024, 9, 12)),
        ("3 février 2024", date(2024, 2, 3)),
        ("5. März 2024", date(2024, 3, 5)),
        ("20241231", date(2024, 12, 31)),
        ("45292", date(2024, 1, 1)),
        (45292.75, date(2024, 1, 1)),
        ("29.02.2024", date(2024, 2, 29)),
    ],
)
def test_dates_are_read_as_people_and_programs_write_them(cell, day):
    assert parse_date(cell) == day


@pytest.mark.parametrize("cell", ["", "-", "n/a", "0000-00-00", "0000-00-00 00:00:00"])
def test_a_cell_that_says_nothing_is_no_date(cell):
    assert parse_date(cell) is None


@pytest.mark.parametrize(
    "cell", ["31.02.2024", "13/13/2024", "soon", "May 2024", "2024", 2024, True, "12.3.", "1/1/3024"]
)
def test_what_is_no_date_is_quoted_in_the_error(cell):
    with pytest.raises(UnreadableValue, match=f"“{cell}” is not a date"):
        parse_date(cell)


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["1/2/24", "1/23/24"], "mdy"),
        (["1/2/24", "23/1/24"], "dmy"),
        (["1/2/24", "3-4-2024"], "ambiguous"),
        (["01.02.2024"], "dmy"),
        (["2024-01-02", "12-Jan-2024", "1/1/24", "", 45292], None),
        (["1/23/24", "1/24/24", "25/1/24"], "mdy"),
    ],
)
def test_the_order_of_a_column_is_found_over_all_its_cells(cells, order):
    assert detect_order(cells) == order


def test_the_order_decides_and_an_undecided_date_is_asked_about():
    assert parse_date("1/2/24", "mdy") == date(2024, 1, 2)
    assert parse_date("1/2/24", "dmy") == date(2024, 2, 1)
    with pytest.raises(UnreadableValue, match="Choose the order"):
        parse_date("1/2/24", "ambiguous")


def test_a_date_against_the_columns_order_is_an_error_not_a_swap():
    with pytest.raises(UnreadableValue):
        parse_date("25/1/24", "mdy")
