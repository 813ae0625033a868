"""Make the rows that an import has only pretended, and let plans refer to them before they are made."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from webapp.core.batch import plan_rows, write_rows
from webapp.core.context import Context
from webapp.core.resource import registry
from webapp.core.writes import Facts

if TYPE_CHECKING:
    from webapp.imports.lookups import Lookups

Kept = tuple[str, int]


class PretendingFacts(Facts):
    """The facts of a plan that may refer to rows which are only pretended yet."""

    def __init__(self, context: Context, lookups: Lookups) -> None:
        super().__init__(context)
        self.lookups = lookups

    def preload(self, kind: str, ids: Iterable[int | None]) -> None:
        """Take pretended rows from the look-ups, the others from the database."""
        wanted = {row_id for row_id in ids if row_id is not None}
        for row_id in wanted:
            if row_id < 0:
                self._rows[kind, row_id] = self.lookups.row(kind, row_id)
        super().preload(kind, [row_id for row_id in wanted if row_id > 0])


def make_real(lookups: Lookups, used: Iterable[Kept]) -> dict[int, int]:
    """Create pretended rows, and what they refer to before them, a batch a kind; return {pretended id: real id}."""
    waiting, made = _with_needs(lookups, used), {}
    while waiting:
        ready: defaultdict[str, list[int]] = defaultdict(list)
        for kind, row_id in sorted(waiting, reverse=True):
            if not _needs(lookups, kind, row_id):
                ready[kind].append(row_id)
        for kind, ids in ready.items():
            for row_id, new_id in zip(ids, _create(lookups, kind, ids), strict=True):
                waiting.remove((kind, row_id))
                if new_id is not None:
                    made[row_id] = new_id
        if not ready or not waiting:
            break
        _refuse_the_rest(lookups, waiting)
    return made


def _needs(lookups: Lookups, kind: str, row_id: int) -> list[Kept]:
    """Return the pretended rows that a pretended one refers to; those made meanwhile are put in their place."""
    row, needs = lookups.pretended[kind][row_id], []
    for column, item in registry.resources[kind].references.items():
        value: Any = row.get(column)
        if value is not None and value < 0:
            row[column] = lookups.real.get(value, value)
            needs += [(str(item.target), value)] if row[column] < 0 else []
    return needs


def _with_needs(lookups: Lookups, used: Iterable[Kept]) -> set[Kept]:
    wanted: set[Kept] = set()
    waiting = list(used)
    while waiting:
        kind, row_id = waiting.pop()
        if (kind, row_id) not in wanted and row_id in lookups.pretended[kind]:
            wanted.add((kind, row_id))
            waiting += _needs(lookups, kind, row_id)
    return wanted


def _refuse_the_rest(lookups: Lookups, waiting: set[Kept]) -> None:
    """Take out what refers to something that was refused."""
    for kind, row_id in sorted(waiting):
        reasons = [lookups.refused[need] for need in _needs(lookups, kind, row_id) if need in lookups.refused]
        if reasons:
            lookups.refused[kind, row_id] = reasons[0]
            waiting.discard((kind, row_id))


def _create(lookups: Lookups, kind: str, ids: list[int]) -> list[int | None]:
    """Write some pretended rows of a kind; return their real ids, None for those that their own rules refuse."""
    resource, rows = registry.resources[kind], [lookups.pretended[kind][row_id] for row_id in ids]
    patches = [{n: row[n] for n in resource.writable if row.get(n) is not None} for row in rows]
    drafts = plan_rows(lookups.context, resource, [(None, patch) for patch in patches])
    written = iter(write_rows(lookups.context, resource, drafts))
    made: list[int | None] = []
    for row_id, draft in zip(ids, drafts, strict=True):
        if draft.errors:
            words = " ".join(message for found in draft.errors.values() for message in found)
            lookups.refused[kind, row_id] = f"“{lookups.label(kind, row_id)}”: {words}"
            made.append(None)
        else:
            made.append(next(written))
            lookups.settle(kind, row_id, int(made[-1] or 0))
    return made
