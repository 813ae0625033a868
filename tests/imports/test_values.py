"""Reading cells: numbers and money of many countries, flags, text, and formulas made harmless and back."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.faces.export import neutralize, restore
from webapp.imports.values import (
    UnreadableValue,
    clean_text,
    detect_decimal,
    parse_currency,
    parse_money,
    parse_whole,
)


@pytest.mark.parametrize(
    ("cell", "amount", "currency"),
    [
        ("1,234.56", "1234.56", None),
        ("1.234,56", "1234.56", None),
        ("1\u202f234,56 €", "1234.56", "EUR"),
        ("€ 548,00", "548", "EUR"),
        ("CHF 1'234.50", "1234.50", "CHF"),
        ("12.-", "12", None),
        ("1.234.567", "1234567", None),
        ("USD 5", "5", "USD"),
        ("R$ 10,00", "10", "BRL"),
        ("12,50 zł", "12.50", "PLN"),
        ("(12.50)", "-12.50", None),
        ("-$5.00", "-5", "USD"),
        ("−3", "-3", None),
        ("1’234.50", "1234.50", None),
        ("Fr. 1'234.50", "1234.50", "CHF"),
        ("₹1,23,456.78", "123456.78", "INR"),
        ("Rs. 500/-", "500", "INR"),
        ("1,00,00,000", "10000000", None),
        ("1\u00a0234\u00a0567,5", "1234567.5", None),
        ("1\u2009234", "1234", None),
        ("١٬٢٣٤٫٥٦", "1234.56", None),
        ("१,२३,४५६.७८", "123456.78", None),
        ("￥１，２３４", "1234", "JPY"),
        ("1.234,56-", "-1234.56", None),
        ("12,--", "12", None),
        ("1 500 руб.", "1500", "RUB"),
        ("100 kr.", "100", "SEK"),
        ("$5 CAD", "5", "CAD"),
        ("12 euro", "12", "EUR"),
        ("S/. 10.50", "10.50", "PEN"),
        (2266.13, "2266.13", None),
        (1912, "1912", None),
        (0.1 + 0.2, "0.3", None),
    ],
)
def test_money_is_read_as_people_write_it(cell, amount, currency):
    assert parse_money(cell) == (Decimal(amount), currency)


@pytest.mark.parametrize("cell", ["", " ", "-", "n/a", "#N/A", "NULL"])
def test_a_cell_that_says_nothing_is_no_amount(cell):
    assert parse_money(cell) == (None, None)


@pytest.mark.parametrize(
    "cell",
    [
        "abc",
        "12 monkeys",
        "1.2.3,4,5",
        "1.2.3",
        "31.12.2024",
        "10 20",
        "12 pcs",
        "1234,567.8",
        "1 " * 99,
        "..",
        True,
        "1e400",
        float("inf"),
        "9" * 30,
    ],
)
def test_what_is_no_amount_is_quoted_in_the_error(cell):
    with pytest.raises(UnreadableValue, match=str(cell)[:10].replace(".", r"\.")):
        parse_money(cell)


def test_a_bare_dollar_is_the_organizations_own():
    assert parse_money("$5", home="CAD") == (Decimal(5), "CAD")
    assert parse_money("5 kr", home="NOK") == (Decimal(5), "NOK")


@pytest.mark.parametrize(
    ("cells", "style"),
    [
        (["12", "1,50"], "comma"),
        (["12", "1.5"], "point"),
        (["1.234", "2.345,6"], "comma"),
        (["1.234", "0.5"], "point"),
        (["1.234", "900"], "ambiguous"),
        (["12", 3.5, ""], None),
    ],
)
def test_a_columns_decimal_mark_is_found_over_the_whole_column(cells, style):
    assert detect_decimal(cells) == style


def test_the_columns_habit_decides_a_number_that_could_be_two():
    assert parse_money("1.234", "comma")[0] == Decimal(1234)
    assert parse_money("1.234", "point")[0] == Decimal("1.234")
    assert parse_money("1.234")[0] == Decimal(1234)


def test_whole_numbers_may_carry_their_unit():
    assert [parse_whole(cell) for cell in ("36", "36 months", 36.0, "", "1,000")] == [36, 36, 36, None, 1000]
    with pytest.raises(UnreadableValue, match="not a whole number"):
        parse_whole("1.5")


def test_currencies_are_read_by_their_sign_name_or_code():
    assert [parse_currency(cell) for cell in ("eur", "€", "Euro (EUR)", "")] == ["EUR", "EUR", "EUR", None]
    with pytest.raises(UnreadableValue, match="not an amount"):
        parse_currency("pcs")


def test_text_is_tidied():
    assert clean_text("  Cafe\u0301\u00a0 bar\u200b\x07 ") == "Café bar"
    assert clean_text("one\r\ntwo ") == "one two"
    assert clean_text("one \r\ntwo\r", multiline=True) == "one\ntwo"
    assert [clean_text(cell) for cell in (61240355, 12.50, 1e-05, True)] == ["61240355", "12.5", "0.00001", "TRUE"]


@pytest.mark.parametrize("text", ["=1+1", "+49 30", "-5", "@x", "\tx", "\rx", "'=x", "''@x"])
def test_formulas_are_made_harmless_and_come_back(text):
    harmless = neutralize(text)

    assert harmless[0] == "'"
    assert restore(harmless) == text


@given(st.text())
def test_neutralizing_is_lossless_for_any_text(text):
    assert restore(neutralize(text)) == text
    assert neutralize(text)[:1] not in {"=", "+", "-", "@", "\t", "\r"}
