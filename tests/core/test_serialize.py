"""Rows as JSON: exact amounts, moments with milliseconds, names in the schema's order."""

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clients import ApiClient
from tests.rows import add, any_category, resource, row
from webapp.core.context import Context
from webapp.faces.serialize import amount_text, day_text, dump_rows, moment_text, to_plain


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1250", "1250.00"),
        ("1250.0000", "1250.00"),
        ("12.5", "12.50"),
        ("0", "0.00"),
        ("0.0015", "0.0015"),
        ("0.1230", "0.123"),
        ("33.3333", "33.3333"),
        ("99999999999.9999", "99999999999.9999"),
        ("10000000000", "10000000000.00"),
    ],
)
def test_an_amount_has_at_least_two_decimals_and_never_an_exponent(amount: str, text: str):
    assert amount_text(Decimal(amount)) == text


@given(st.decimals(0, Decimal("99999999999.9999"), places=4))
def test_an_amount_reads_back_as_itself(amount: Decimal):
    assert Decimal(amount_text(amount)) == amount
    assert "E" not in amount_text(amount)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 1, 10, 14, 30, 0, 123000, tzinfo=UTC), "2026-01-10T14:30:00.123Z"),
        (datetime(2026, 1, 10, 14, 30, tzinfo=UTC), "2026-01-10T14:30:00.000Z"),
        (datetime(2026, 12, 31, 23, 59, 59, 7000, tzinfo=UTC), "2026-12-31T23:59:59.007Z"),
    ],
)
def test_a_moment_has_milliseconds_and_says_utc(moment: datetime, text: str):
    assert moment_text(moment) == text


def test_a_day_is_iso():
    assert day_text(date(2026, 1, 9)) == "2026-01-09"


@pytest.mark.parametrize("kind", ["assets", "locations", "persons", "products", "statuses", "categories"])
def test_a_row_has_every_field_of_the_schema_in_its_order(context: Context, kind: str):
    plain = to_plain(resource(kind), row(context, kind, add(context, kind)))

    assert list(plain) == list(resource(kind).schema().dump_fields)


def test_what_the_schema_would_dump_is_what_is_sent(context: Context):
    asset = add(context, "assets", purchased_on="2025-03-01", purchase_cost="1250.5", warranty_months=12)
    found = row(context, "assets", asset)

    sent, dumped = to_plain(resource("assets"), found), resource("assets").schema().dump(found)

    moments, amounts = {"created_at", "updated_at", "deleted_at"}, {"purchase_cost", "book_value"}
    assert {k: v for k, v in sent.items() if k not in moments} == {
        k: v if k not in amounts else "1250.50" for k, v in dumped.items() if k not in moments
    }


def test_only_wanted_fields_are_sent(context: Context):
    found = row(context, "assets", add(context, "assets", name="Drill"))

    assert to_plain(resource("assets"), found, ("name", "status")) == {"name": "Drill", "status": "Active"}


def test_a_page_is_an_envelope_of_bytes(context: Context):
    found = row(context, "manufacturers", add(context, "manufacturers", name='Sony "Group" ✓ </script>'))

    body = orjson.loads(dump_rows(resource("manufacturers"), [found], ("name",), {"page": 1}))

    assert body == {"data": [{"name": 'Sony "Group" ✓ </script>'}], "pagination": {"page": 1}}


def test_the_api_sends_amounts_as_text_and_takes_them_as_text_or_number(api: ApiClient, context: Context):
    category = any_category(context)
    context.session.commit()

    costs = ["1250.00", 1250, 12.5, "0.0015"]
    sent = [api.post("assets", {"category_id": category, "purchase_cost": cost}).json["data"] for cost in costs]

    assert [one["purchase_cost"] for one in sent] == ["1250.00", "1250.00", "12.50", "0.0015"]
    assert {one["currency"] for one in sent} == {"EUR"}
