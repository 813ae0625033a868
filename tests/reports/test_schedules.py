"""When exports are due, against dates worked out on a calendar."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from webapp.reports.schedules import Plan, next_run

MONDAY = Plan("weekly", weekday="monday", hour=6)
LAST = Plan("monthly", month_day=31, hour=6)
NIGHT = Plan("daily", hour=2)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("plan", "zone", "after", "due"),
    [
        (Plan("daily", hour=6), "UTC", "2026-11-24T05:59", "2026-11-24T06:00"),
        (Plan("daily", hour=6), "UTC", "2026-11-24T06:00", "2026-11-25T06:00"),
        (Plan("daily", hour=6), "Europe/Lisbon", "2026-07-01T00:00", "2026-07-01T05:00"),
        (Plan("daily", hour=0), "Asia/Tokyo", "2026-11-24T14:00", "2026-11-24T15:00"),
        (MONDAY, "UTC", "2026-11-24T00:00", "2026-11-30T06:00"),
        (MONDAY, "America/New_York", "2026-11-30T00:00", "2026-11-30T11:00"),
        (LAST, "UTC", "2027-02-01T00:00", "2027-02-28T06:00"),
        (LAST, "UTC", "2027-02-28T06:00", "2027-03-31T06:00"),
        (LAST, "UTC", "2028-02-01T00:00", "2028-02-29T06:00"),
        # the clock of Berlin goes from 2 to 3 on 2027-03-28 and from 3 back to 2 on 2027-10-31
        (NIGHT, "Europe/Berlin", "2027-03-27T12:00", "2027-03-28T01:00"),
        (NIGHT, "Europe/Berlin", "2027-03-28T01:00", "2027-03-29T00:00"),
        (NIGHT, "Europe/Berlin", "2027-10-30T12:00", "2027-10-31T00:00"),
        (NIGHT, "Europe/Berlin", "2027-10-31T00:00", "2027-11-01T01:00"),
        # Samoa had no 30 December 2011
        (Plan("daily", hour=12), "Pacific/Apia", "2011-12-29T23:00", "2011-12-30T22:00"),
    ],
)
def test_an_export_is_due_on_the_organizations_clock(plan, zone, after, due):
    assert next_run(plan, zone, at(after)) == at(due)


def test_an_export_without_a_schedule_is_never_due():
    assert next_run(Plan("none"), "UTC", at("2026-11-24T00:00")) is None


def test_a_year_of_days_has_each_day_once_whatever_the_clock_does():
    moment, seen = at("2027-01-01T12:00"), []
    while (moment := next_run(NIGHT, "Europe/Berlin", moment)) < at("2028-01-01T12:00"):
        seen.append(moment)

    assert len(seen) == 365
    assert len({later - earlier for earlier, later in pairwise(seen)}) == 3
