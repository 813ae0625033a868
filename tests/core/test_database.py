"""Column types keep what they are given, on both databases."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError, StatementError

from tests.rows import add, add_many, any_category, row
from webapp.assets.models import Asset
from webapp.core.context import Context
from webapp.core.database import Money, key_of, table_of, utcnow
from webapp.core.tenancy import CHECKED, scoped
from webapp.places.models import LocationAncestor

ASSETS = table_of(Asset)
KATHMANDU = timezone(timedelta(hours=5, minutes=45))
AMOUNTS = st.decimals(min_value=0, max_value=Decimal("99999999999.9999"), places=4)


@pytest.mark.parametrize("amount", ["0", "0.0001", "0.1", "1250", "33.3333", "1234567890.12", "99999999999.9999"])
def test_an_amount_comes_back_as_it_was_given(context: Context, amount: str):
    asset_id = add(context, "assets", purchase_cost=amount)

    assert row(context, "assets", asset_id)["purchase_cost"] == Decimal(amount)


def test_a_hundred_times_ten_cents_is_exactly_ten(context: Context):
    patch = {"category_id": any_category(context), "purchase_cost": Decimal("0.1")}
    add_many(context, "assets", [patch] * 100)

    query = select(func.sum(ASSETS.c.purchase_cost)).where(scoped(context.session, ASSETS))
    total = context.session.execute(query, execution_options=CHECKED).scalar_one()

    assert str(total) == "10.0000"


@given(AMOUNTS, AMOUNTS)
def test_amounts_keep_their_order_and_their_sum(one: Decimal, other: Decimal):
    kept = [Money().process_bind_param(amount, sqlite.dialect()) for amount in (one, other)]

    assert (kept[0] < kept[1]) == (one < other)
    assert Money().process_result_value(sum(kept), sqlite.dialect()) == one + other


@pytest.mark.parametrize(("amount", "kept"), [("0.00005", 1), ("0.00004", 0), ("2.00015", 20002), ("1.99995", 20000)])
def test_a_fifth_decimal_is_rounded_half_up(amount: str, kept: int):
    assert Money().process_bind_param(Decimal(amount), sqlite.dialect()) == kept


def test_a_moment_of_another_zone_comes_back_in_utc(context: Context):
    asset_id = add(context, "assets")
    given_moment = datetime(2026, 1, 10, 5, 30, 0, 123000, tzinfo=KATHMANDU)

    context.session.execute(
        ASSETS.update().where(ASSETS.c.id == asset_id).values(created_at=given_moment), execution_options=CHECKED
    )

    assert row(context, "assets", asset_id)["created_at"] == datetime(2026, 1, 9, 23, 45, 0, 123000, tzinfo=UTC)


def test_a_moment_without_zone_is_refused(context: Context):
    statement = select(ASSETS.c.id).where(ASSETS.c.created_at > datetime(2026, 1, 10))

    with pytest.raises(StatementError, match="a moment needs a zone"):
        context.session.execute(statement, execution_options=CHECKED)


def test_now_has_no_more_than_milliseconds():
    assert utcnow().microsecond % 1000 == 0
    assert utcnow().utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Straße", "STRASSE"),
        ("\u00c5ngstr\u00f6m", "A\u030angstro\u0308m"),
        ("  Media   store ", "media store"),
        ("Media\u00a0store", "Media store"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("İstanbul".casefold(), "İSTANBUL"),
    ],
)
def test_two_spellings_of_a_name_have_one_key(one: str, other: str):
    assert key_of(one) == key_of(other)


def test_different_letters_have_different_keys():
    assert len({key_of(name) for name in ("Ara", "Ära", "Arä", "Ara 2", "Ara2")}) == 5


@given(st.text())
def test_a_key_is_its_own_key(name: str):
    assert key_of(key_of(name)) == key_of(name)


def test_a_reference_to_nothing_is_refused_by_the_database_itself(context: Context):
    dangling = {"organization_id": context.organization_id, "ancestor_id": 987654321, "location_id": 987654321}
    statement = insert(table_of(LocationAncestor)).values(**dangling, depth=0)

    with pytest.raises(IntegrityError):
        context.session.execute(statement, execution_options=CHECKED)


def test_a_negative_price_is_refused_by_the_database_itself(context: Context):
    asset_id = add(context, "assets")
    statement = ASSETS.update().where(ASSETS.c.id == asset_id).values(purchase_cost=Decimal("-0.01"))

    with pytest.raises(IntegrityError):
        context.session.execute(statement, execution_options=CHECKED)
