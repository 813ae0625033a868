"""When an export is due: pure reckoning with the organization's clock, which may jump in spring and autumn."""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LONGEST_GAP = 63
"""Days after which every schedule has come round: two months and a day."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Every day, on one day of the week or of the month, at a full hour; "none" is never."""

    schedule: str
    weekday: str | None = None
    month_day: int | None = None
    hour: int = 6

    def falls_on(self, day: date) -> bool:
        """Tell whether a day is one of the schedule's; the 31st is the last day of shorter months."""
        if self.schedule == "weekly":
            return WEEKDAYS[day.weekday()] == self.weekday
        if self.schedule == "monthly":
            last = calendar.monthrange(day.year, day.month)[1]
            return day.day == min(self.month_day or 1, last)
        return self.schedule == "daily"


def next_run(plan: Plan, zone: str, after: datetime) -> datetime | None:
    """Return the first moment (UTC) after another at which a plan is due on a zone's clock, None for never.

    An hour that the clock leaves out is taken as the one after the jump, an hour that comes twice counts once, the
    first time. Source of both: PEP 495, fold=0.
    """
    local = ZoneInfo(zone)
    first = after.astimezone(local).date()
    for step in range(LONGEST_GAP):
        day = first + timedelta(days=step)
        if plan.falls_on(day):
            moment = datetime.combine(day, time(plan.hour), local).astimezone(UTC)
            if moment > after:
                return moment
    return None
