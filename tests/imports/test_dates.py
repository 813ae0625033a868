"""Reading dates: formats, and the order of day and month judged over a column."""

import time
from datetime import date

import pytest
from babel import Locale

from webapp.imports.dates import LANGUAGES, detect_order, parse_date
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
        ("2024年1月12日", date(2024, 1, 12)),
        ("2024년 1월 12일", date(2024, 1, 12)),
        ("2024. 1. 12.", date(2024, 1, 12)),
        ("３１．０１．２０２４", date(2024, 1, 31)),
        ("١٢ يناير ٢٠٢٤", date(2024, 1, 12)),
        ("2024. január 12.", date(2024, 1, 12)),
        ("12 января 2024 г.", date(2024, 1, 12)),
        ("12 Oca 2024", date(2024, 1, 12)),
        ("12 stycznia 2024", date(2024, 1, 12)),
        ("12 de enero de 2024", date(2024, 1, 12)),
        ("mar. 16 janv. 2024", date(2024, 1, 16)),
        ("1st May 2024", date(2024, 5, 1)),
        ("31.12.2024, 14:30 Uhr", date(2024, 12, 31)),
        ("31.12.2024 um 14:30", date(2024, 12, 31)),
        ("31/12/2024 à 14h30", date(2024, 12, 31)),
        ("31.12.2024 14.30", date(2024, 12, 31)),
        ("31/12/2024 2:30 p. m.", date(2024, 12, 31)),
        ("2024/12/31 午後2:30", date(2024, 12, 31)),
        ("2024-12-31 14:30:00 +0100", date(2024, 12, 31)),
        ("2024-12-31T14:30:00+01:00", date(2024, 12, 31)),
        ("2024-12-31 14:30:00 UTC", date(2024, 12, 31)),
        ("Fri Jan 12 14:30:00 2024", date(2024, 1, 12)),
        ("Fri Jan 12 2024 14:30:00 GMT+0100 (CET)", date(2024, 1, 12)),
    ],
)
def test_dates_are_read_as_people_and_programs_write_them(cell, day):
    assert parse_date(cell) == day


@pytest.mark.parametrize("cell", ["", "-", "n/a", "0000-00-00", "0000-00-00 00:00:00", "00.00.0000", "00/00/00"])
def test_a_cell_that_says_nothing_is_no_date(cell):
    assert parse_date(cell) is None


@pytest.mark.parametrize(
    "cell",
    [
        "31.02.2024",
        "13/13/2024",
        "soon",
        "May 2024",
        "2024",
        2024,
        True,
        "12.3.",
        "1/1/3024",
        "2024-W03",
        "2024-W03-5",
        "12 listopada",
        "T" * 60,
        "10:30",
    ],
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
        (["99/05/06", "24/01/05"], "ymd"),
        (["23/1/45", "99/1/1"], "dmy"),
        ([f"24-0{day}-{day * 3}" for day in range(1, 9)], "ambiguous"),
        (["12/31/2024 2:30 PM", "1/2/2024 at 10:00"], "mdy"),
    ],
)
def test_the_order_of_a_column_is_found_over_all_its_cells(cells, order):
    assert detect_order(cells) == order


def test_the_order_decides_and_an_undecided_date_is_asked_about():
    assert parse_date("1/2/24", "mdy") == date(2024, 1, 2)
    assert parse_date("1/2/24", "dmy") == date(2024, 2, 1)
    with pytest.raises(UnreadableValue, match="Choose the order"):
        parse_date("1/2/24", "ambiguous")


def test_a_month_has_one_number_whatever_the_language():
    """A word that meant two months would be read as one of them without a sound."""
    months: dict[str, set[int]] = {}
    for language in LANGUAGES:
        for context in Locale(language).months.values():
            for names in (context["abbreviated"], context["wide"]):
                for number, name in names.items():
                    months.setdefault(name.casefold().rstrip("."), set()).add(number)

    assert {name: numbers for name, numbers in months.items() if len(numbers) > 1} == {}


def test_a_text_without_end_is_no_date_and_takes_no_time():
    started = time.monotonic()

    assert detect_order(["T" * 131_072, "1/23/24"]) == "mdy"

    assert time.monotonic() - started < 1


def test_a_date_against_the_columns_order_is_an_error_not_a_swap():
    with pytest.raises(UnreadableValue):
        parse_date("25/1/24", "mdy")
