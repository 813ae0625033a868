"""Charts that the server draws: round numbers beside them, the reader's words, nothing inline."""

import re
from datetime import date
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace

import pytest
from babel import Locale

from webapp.faces.charts import bar_list, compact_money, line_chart, sparkline, ticks_up_to

FIRST, MIDDLE, LAST = date(2026, 1, 1), date(2026, 7, 2), date(2026, 12, 31)
LINE = [(FIRST, Decimal(3000)), (MIDDLE, Decimal(1500)), (LAST, Decimal(0))]


def reader(language="en"):
    return SimpleNamespace(locale=Locale.parse(language))


def chart(*series, language="en", **options):
    return str(line_chart(series, label="It falls", renderer=reader(language), **options))


def texts(svg):
    return [text.replace("\xa0", " ") for text in re.findall(r"<text[^>]*>([^<]*)</text>", svg)]


def points(svg, form):
    path = re.search(rf'class="{form}" d="M([^"VH]*)"', svg)[1]
    numbers = [float(number) for number in path.split()]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@pytest.mark.parametrize(("most", "last"), [("3120000", 4000000), ("0.4", 0.4), ("9", 10), ("1", 1), ("0", 1)])
def test_the_axis_has_round_numbers_that_hold_the_largest_value(most, last):
    ticks = ticks_up_to(Decimal(most))

    assert ticks[0] == 0
    assert ticks[-1] == Decimal(str(last))
    assert len(ticks) <= 6
    assert len({b - a for a, b in pairwise(ticks)}) == 1


def test_a_line_falls_to_the_foot_of_the_drawing():
    (left, top), (_x, half), (right, foot) = points(chart(LINE, height=200), "qm-line")

    assert left < right
    assert top < half < foot
    assert foot == 176
    assert half == pytest.approx((top + foot) / 2, abs=0.2)


def test_both_lines_share_the_axes_and_the_second_is_dashed():
    svg = chart(LINE, [(LAST, Decimal(0)), (date(2027, 12, 31), Decimal(4000))])

    assert points(svg, "qm-line")[-1] == points(svg, "qm-line2")[0]


def test_the_axes_speak_the_readers_language_and_the_values_currency():
    assert texts(chart(LINE, language="de", currency="EUR"))[:4] == ["0", "1.000 €", "2.000 €", "3.000 €"]
    assert "Mai" in texts(chart(LINE, language="de"))
    assert texts(chart(LINE, currency="JPY"))[1] == "¥1,000"


def test_months_are_named_within_two_years_and_years_beyond():
    assert {"Jan", "May", "Nov"} <= set(texts(chart(LINE)))
    assert {"2027", "2029"} <= set(texts(chart([(FIRST, Decimal(10)), (date(2030, 1, 1), Decimal(0))])))


def test_a_day_is_marked_where_the_line_stands_on_it():
    svg = chart([(date(2026, 1, 1), Decimal(100)), (date(2026, 1, 11), Decimal(0))], mark=(date(2026, 1, 6), "today"))

    dot = re.search(r'<circle class="qm-dot" cx="([\d.]+)" cy="([\d.]+)"', svg)
    (left, top), (right, foot) = points(svg, "qm-line")
    assert float(dot[1]) == pytest.approx((left + right) / 2, abs=0.2)
    assert float(dot[2]) == pytest.approx((top + foot) / 2, abs=0.2)
    assert "today" in texts(svg)


def test_a_chart_says_itself_in_one_sentence_and_styles_nothing():
    svg = chart(LINE, names=["Book value <b>", "Cost"])

    assert 'role="img" aria-label="It falls"' in svg
    assert "Book value &lt;b&gt;" in svg
    assert "style" not in svg


def test_without_values_there_is_no_chart():
    assert chart([]) == ""
    assert chart() == ""


def test_a_line_of_nothing_but_zeros_lies_at_the_foot():
    assert {y for _x, y in points(chart([(FIRST, Decimal(0)), (LAST, Decimal(0))], height=200), "qm-line")} == {176}


def test_the_largest_count_has_the_longest_bar_and_each_leads_to_its_list():
    html = str(
        bar_list(
            [("Laptops", 40, "/a?c=1", None), ("<b>", 10, None, "red"), ("None", 0, None, None)], renderer=reader()
        )
    )

    assert re.findall(r'<rect class="qm-(?:bar|fill qm-red)" width="(\d+)"', html) == ["100", "25", "0"]
    assert '<a href="/a?c=1">' in html
    assert "&lt;b&gt;" in html


def test_a_sparkline_is_as_wide_as_it_is_told():
    svg = str(sparkline([Decimal(1), Decimal(2), Decimal(1)], label="It rose", width=100, height=24))

    assert [x for x, _y in points(svg, "qm-line")] == [0, 50, 100]


@pytest.mark.parametrize(
    ("amount", "language", "words"),
    [
        ("1840000", "en", "€1.84M"),
        ("9480", "en", "€9,480"),
        ("393812.5", "en", "€393.8K"),
        ("250000", "de", "250.000 €"),
    ],
)
def test_a_figure_is_short(amount, language, words):
    assert compact_money(Decimal(amount), "EUR", Locale.parse(language)).replace("\xa0", " ") == words
