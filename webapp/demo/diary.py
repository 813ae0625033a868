"""What is to happen on which day, and what was then done: like things on one day become one act."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any

from webapp.demo.books import Patch

MOST_ROWS, TUESDAY, FRIDAY = 500, 1, 4


@dataclass
class Act:
    """What one actor did in one go: rows of one kind, each with what the demo calls it and its patch."""

    day: int
    actor: str
    kind: str
    verb: str
    note: str | None
    rows: list[tuple[Any, Patch]] = field(default_factory=list)


class Diary:
    """Days from a first one to a last, what is planned for them, and the acts that came of it."""

    def __init__(self, source: random.Random, start: date, days: int, *, weekly: bool) -> None:
        self.source, self.start, self.days, self.weekly = source, start, days, weekly
        self.day = 0
        self._due: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._acts: list[Act] = []
        self._open: dict[tuple[Any, ...], int] = {}
        self._last: dict[tuple[str, Any], int] = {}

    def write_down(self) -> list[Act]:
        """Have everything happen, also what comes of it, and return the acts in order."""
        while self._due:
            self.day, _order, action, arguments = heappop(self._due)
            action(*arguments)
        return self._acts

    def today(self) -> date:
        """Return the day on which things happen just now."""
        return self.start + timedelta(days=self.day)

    def when(self, day: int, action: Callable[..., None], *arguments: Any) -> None:
        """Have something happen on a day, moved past the weekend; what lies beyond the last day does not happen.

        A large fleet is looked after once a week: fewer and longer acts.
        """
        if day > self.days:
            return
        weekday = (self.start + timedelta(days=day)).weekday()
        later = (TUESDAY - weekday) % 7 if self.weekly else 7 - weekday if weekday > FRIDAY else 0
        heappush(self._due, (min(day + later, self.days) if day else 0, next(self._order), action, arguments))

    def between(self, first: int, last: int) -> int:
        """Return a day between two."""
        return self.source.randint(first, max(first, last))

    def act(self, actor: str, kind: str, verb: str, note: str | None, key: Any, patch: Patch) -> None:
        """Add a row to the act of its like on this day, unless something else has been done to the thing since."""
        like = (self.day, actor, kind, verb, note, "parent_id" in patch)
        index = self._open.get(like)
        if index is None or len(self._acts[index].rows) >= MOST_ROWS or self._last.get((kind, key), -1) >= index:
            index = self._open[like] = len(self._acts)
            self._acts.append(Act(self.day, actor, kind, verb, note))
        self._acts[index].rows.append((key, patch))
        self._last[kind, key] = index
