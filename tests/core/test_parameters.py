"""What a list is asked for: parsed, or refused with the parameter's name."""

import base64
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clients import ApiClient
from tests.rows import add, asked, listed, resource
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.parameters import filter_parameters
from webapp.core.query import list_rows

MANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize(
    ("query", "column", "op", "value"),
    [
        ("status_id=3", "status_id", "eq", 3),
        ("status_id_in=1,2,2", "status_id", "in", [1, 2, 2]),
        ("status_id_not=3", "status_id", "not", 3),
        ("location_id_empty=true", "location_id", "empty", True),
        ("location_id_empty=0", "location_id", "empty", False),
        ("location_id_within=7", "location_id", "within", 7),
        ("tag=ast-000001", "tag_key", "eq", "ast-000001"),
        ("tag=AST-000001", "tag_key", "eq", "ast-000001"),
        ("serial_number=SN 1", "serial_number", "eq", "SN 1"),
        ("purchased_on=2025-03-01", "purchased_on", "eq", date(2025, 3, 1)),
        ("purchased_after=2025-03-01", "purchased_on", "after", date(2025, 3, 1)),
        ("purchased_on_before=2025-03-01", "purchased_on", "before", date(2025, 3, 1)),
        ("purchase_cost_after=1250.5", "purchase_cost", "after", Decimal("1250.5")),
        ("created_after=2026-01-10T14:30:00Z", "created_at", "after", datetime(2026, 1, 10, 14, 30, tzinfo=UTC)),
        ("id_in=4,9223372036854775807", "id", "in", [4, 2**63 - 1]),
    ],
)
def test_a_filter_is_read_as_its_column_compares(context: Context, query: str, column: str, op: str, value: Any):
    (found,) = asked("assets", query).filters

    assert (found.column, found.op, found.value) == (column, op, value)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("statsu_id=3", "statsu_id"),
        ("status_id=three", "status_id"),
        ("status_id=3.5", "status_id"),
        ("status_id=--3", "status_id"),
        ("status_id=²", "status_id"),
        ("status_id=99999999999999999999", "status_id"),
        ("status_id=1&status_id=2", "status_id"),
        ("status_id_in=1,,2", "status_id_in"),
        ("status_id_empty=true", "status_id_empty"),
        ("location_id_empty=perhaps", "location_id_empty"),
        ("purchased_on=2025-02-30", "purchased_on"),
        ("purchased_on=01/03/2025", "purchased_on"),
        ("purchase_cost_after=NaN", "purchase_cost_after"),
        ("purchase_cost_after=1e400", "purchase_cost_after"),
        ("purchase_cost=-1", "purchase_cost"),
        ("created_after=yesterday", "created_after"),
        ("created_after=0001-01-01T00:00:00%2B14:00", "created_after"),
        ("created_after=9999-12-31T23:59:59-14:00", "created_after"),
        ("tag=a\x00b", "tag"),
        ("notes=x", "notes"),
        ("page=0", "page"),
        ("page=1000001", "page"),
        ("page=2001", "page"),
        ("page=101&per_page=1000", "page"),
        ("per_page=0", "per_page"),
        ("per_page=1001", "per_page"),
        ("per_page=many", "per_page"),
        ("sort=colour", "sort"),
        ("sort=location", "sort"),
        ("sort=tag,-tag", "sort"),
        ("sort=tag,name,created_at,updated_at,purchased_on", "sort"),
        ("q=a\x00b", "q"),
        ("fields=tag,colour", "fields"),
        ("deleted=maybe", "deleted"),
        ("cursor=@@@", "cursor"),
        ("cursor=AAAA", "cursor"),
    ],
)
def test_what_makes_no_sense_is_named(context: Context, query: str, parameter: str):
    with pytest.raises(Invalid) as refused:
        asked("assets", query.replace("%2B", "+"))

    assert list(refused.value.errors) == [parameter]


def test_every_wrong_parameter_is_named_at_once(context: Context):
    with pytest.raises(Invalid) as refused:
        asked("assets", "colour=red&page=0&status_id=x&sort=colour")

    assert set(refused.value.errors) == {"colour", "page", "status_id", "sort"}


def test_a_list_has_fifty_rows_and_its_own_order_unless_asked_otherwise(context: Context):
    parameters = asked("assets", "")

    assert (parameters.page, parameters.per_page, parameters.sort) == (1, 50, (("created_at", True),))


def test_pages_by_number_end_where_all_before_them_would_be_walked_past(context: Context):
    assert asked("assets", "page=2000").page == 2000
    with pytest.raises(Invalid) as refused:
        asked("assets", "page=2001")
    assert "cursor" in refused.value.errors["page"][0]


def test_empty_controls_are_as_good_as_none(context: Context):
    assert asked("assets", "q=&sort=&page=&cursor=&fields=&deleted=") == asked("assets", "")


def test_ids_and_times_can_be_filtered_everywhere(context: Context):
    found = filter_parameters(resource("manufacturers"))

    assert {"id", "id_in", "created_after", "created_at_before", "updated_after"} <= set(found)


def cursor(sort: Any, values: Any, row_id: Any) -> str:
    """Return a cursor as somebody would forge it."""
    return base64.urlsafe_b64encode(orjson.dumps([sort, values, row_id])).decode().rstrip("=")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("created_at", "0001-01-01T00:00:00+14:00"),
        ("created_at", 5),
        ("purchase_cost", "NaN"),
        ("purchase_cost", "Infinity"),
        ("purchase_cost", "1e300"),
        ("purchase_cost", [0, [1], 2]),
        ("purchase_cost", {}),
        ("purchased_on", "2025-13-01"),
        ("purchased_on", True),
        ("tag", "a\x00b"),
        ("tag", 5),
        ("serial_number", "a\x00b"),
        ("warranty_months", 2**63),
        ("warranty_months", "1"),
    ],
)
def test_a_forged_cursor_is_refused(context: Context, field: str, value: Any):
    with pytest.raises(Invalid) as refused:
        list_rows(
            context, resource("assets"), asked("assets", f"sort={field}&cursor={cursor([[field, False]], [value], 1)}")
        )

    assert list(refused.value.errors) == ["cursor"]


@pytest.mark.parametrize("row_id", [-1, 2**63, "1", None, 1.5, [1]])
def test_a_cursor_with_an_impossible_row_is_refused(context: Context, row_id: Any):
    with pytest.raises(Invalid, match="cursor"):
        asked("assets", f"sort=tag&cursor={cursor([['tag', False]], ['AST-1'], row_id)}")


def test_a_cursor_of_another_order_is_refused(context: Context):
    for _ in range(3):
        add(context, "assets")
    given_cursor = list_rows(context, resource("assets"), asked("assets", "sort=tag&per_page=1")).next_cursor

    with pytest.raises(Invalid, match="cursor"):
        asked("assets", f"sort=-tag&cursor={given_cursor}")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
SORTS = ("tag", "-created_at", "purchase_cost", "-purchased_on", "warranty_months,-name", "serial_number")


@MANY
@given(sort=st.sampled_from(SORTS), values=st.lists(JSON, min_size=1, max_size=2), row_id=JSON)
def test_whatever_a_cursor_says_it_is_followed_or_refused(context: Context, sort: str, values: list, row_id: Any):
    keys = [[part.removeprefix("-"), part.startswith("-")] for part in sort.split(",")]
    try:
        found = listed(context, "assets", f"sort={sort}&cursor={cursor(keys, values, row_id)}")
    except Invalid as refused:
        found = refused.errors

    assert found in ([], {"cursor": ["This cursor does not belong to this list."]})


@pytest.mark.parametrize(
    "query", ["cursor=%FF", "cursor=W10", "q=%00", "sort=%ED%A0%80", "tag=%ED%A0%80", "page=1&page=2"]
)
def test_a_damaged_query_is_answered_or_refused_but_never_fails(api: ApiClient, query: str):
    assert api.get(f"assets?{query}").status_code in (200, 422)
