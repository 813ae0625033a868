"""Who does what, when, for whom."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from flask import Flask

from tests.households import Household
from tests.rows import add, lines
from webapp.core.context import Context, current_context, make_context
from webapp.core.errors import Unauthorized


@pytest.mark.parametrize(
    ("zone", "today"),
    [("UTC", date(2026, 1, 10)), ("Pacific/Auckland", date(2026, 1, 11)), ("Pacific/Honolulu", date(2026, 1, 10))],
)
def test_today_is_the_day_in_the_organizations_zone(context: Context, zone: str, today: date):
    tenant = replace(context.tenant, timezone=zone)
    at = datetime(2026, 1, 10, 14, 30, tzinfo=UTC)

    assert make_context(context.session, tenant, context.actor, at=at).today == today


def test_nobody_acts_before_signing_in(app: Flask):
    with app.app_context(), pytest.raises(Unauthorized):
        current_context()


def test_each_unit_of_work_has_a_change_set_of_its_own(organization: Household):
    with organization.context() as one:
        first = one.change_set_id
    with organization.context() as other:
        assert other.change_set_id != first


def test_a_context_of_another_change_set_writes_into_that(context: Context):
    other = context.with_change_set("6f1c2d52-7c1f-4a53-9f2e-0d1d6c5ab001")

    place_id = add(other, "locations", name="Lisbon")

    assert lines(other, "locations", place_id)[0]["change_set_id"] == "6f1c2d52-7c1f-4a53-9f2e-0d1d6c5ab001"
