"""Which living thing each row of a file is about, by the key that was chosen and what else tells namesakes apart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from babel.dates import format_date
from flask_babel import gettext as _
from sqlalchemy import exists, select

from webapp.core.activity import Activity
from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.matching import Ambiguous, candidates, compared, key_column, meant, said_of
from webapp.core.resource import Resource
from webapp.core.tenancy import CHECKED, scoped
from webapp.imports.resolving import Resolver
from webapp.imports.targets import GLOBAL_ID, match_keys

if TYPE_CHECKING:
    from webapp.imports.planner import Planned

Row = dict[str, Any]
LOG = table_of(Activity)
NOWHERE = -1
"""The id of what a row names and nobody has: no living thing stands there."""


class Finder:
    """Finds the things of one import's rows; remembers which keys the file has used already.

    A row without the chosen key is found by the next one that it has and that no two things share. `seen` is {key: the
    first row that has it}, which whoever plans single rows may ask elsewhere.
    """

    def __init__(self, context: Context, resource: Resource, match: str | None, resolver: Resolver) -> None:
        self.context, self.resource, self.resolver = context, resource, resolver
        unique = {rule.field for rule in resource.unique}
        others = [key for key in match_keys(resource) if key in resolver.mapped & unique and key != match]
        self.keys = [] if match is None else [match, *others]
        self._within = {rule.field: rule.within for rule in resource.unique}
        self.seen: dict[Any, int] = {}

    def find(self, rows: Sequence[Planned]) -> None:
        """Give each row the living thing that its key names; a key of a deleted one makes it skipped."""
        left = list(rows)
        for key in self.keys:
            having = [row for row in left if row.reading.values.get(key) is not None]
            left = [row for row in left if row.reading.values.get(key) is None]
            if having:
                self._find_by(key, having)

    def _find_by(self, key: str, rows: Sequence[Planned]) -> None:
        patches = {id(row): self._patch(key, row) for row in rows}
        living = candidates(self.context, self.resource, key, list(patches.values()))
        values = {id(row): compared(self.resource, key, row.reading.values[key]) for row in rows}
        gone = self._deleted(key, set(values.values()) - set(living))
        for row in rows:
            patch, value = patches[id(row)], values[id(row)]
            try:
                row.current = meant(self.resource, key, patch, self._several(key, living.get(value, [])))
                deleted = None if row.current else meant(self.resource, key, patch, gone.get(value, []))
            except Ambiguous:
                row.reading.fail(key, self._ambiguous(key, patch[key], len(living.get(value, []))))
                continue
            if deleted is not None:
                row.fate = "skip"
                day = format_date(deleted["deleted_at"].date(), "medium")
                row.notes.append(_("It was deleted on %(day)s, restore it first.", day=day))
                continue
            if key == GLOBAL_ID and row.current is None:
                row.notes.append(_("Its global id is not one of ours: taken as new."))
            self._refuse_again(row, key, patch, value)

    def used_before(self, key: Any, number: int) -> int | None:
        """Return the row of the file that has used a key before, None when this is the first."""
        first = self.seen.setdefault(key, number)
        return None if first == number else first

    def _refuse_again(self, row: Planned, key: str, patch: Mapping[str, Any], value: Any) -> None:
        said = tuple(said_of(self.resource, column, patch) for column in self._within.get(key, ()))
        mark = ("id", row.item_id) if row.item_id is not None else (key, value, said)
        again = self.used_before(mark, row.reading.number)
        if again is not None:
            row.reading.fail(key, _("Row %(row)s has this already.", row=again))

    def _patch(self, key: str, row: Planned) -> Row:
        """Return a row's key with what tells namesakes apart; a column of the file counts when it is blank too."""
        values, within = row.reading.values, self._within.get(key, ())
        patch = {key: values[key]}
        for column in within:
            stem = column.removesuffix("_key")
            if stem in values and f"{stem}_id" not in self.resource.fields and (values[stem] or stem != column):
                patch[stem] = values[stem]
        for name, column in self._beside(key):
            self._put_reference(row, name, column, patch)
        return patch

    def _beside(self, key: str) -> list[tuple[str, str]]:
        """Return (name, column) of the references that the file has and that are part of a key."""
        columns = {f"{column.removesuffix('_key')}_id" for column in self._within.get(key, ())}
        return [(n, self.resolver.columns[n]) for n in self.resolver.used if self.resolver.columns[n] in columns]

    def _put_reference(self, row: Planned, name: str, column: str, patch: Row) -> None:
        said = self.resolver.said(row, name)
        if "text" not in said:
            patch[column] = None
            return
        found = self.resolver.lookups.candidates(str(self.resolver.targets[name].refers_to), said["text"])
        if len(found) < 2:
            patch[column] = found[0] if found else NOWHERE

    def _several(self, key: str, rows: list[Row]) -> list[Row]:
        """Return rows among which one may be meant; several where nothing can tell them apart are ambiguous."""
        if len(rows) > 1 and key not in self._within:
            raise Ambiguous
        return rows

    def _ambiguous(self, key: str, text: Any, count: int) -> str:
        within = self._within.get(key, ())
        columns = {f"{column.removesuffix('_key')}_id" for column in within} | {c.removesuffix("_key") for c in within}
        names = [n for n in self.resolver.targets if n in columns or self.resolver.columns.get(n) in columns]
        labels = [str(self.resolver.targets[name].label) for name in (*names, GLOBAL_ID)]
        return _(
            "“%(name)s” could be any of %(count)s. A column tells them apart: %(columns)s.",
            name=text,
            count=count,
            columns=", ".join(labels),
        )

    def _deleted(self, key: str, keys: Iterable[Any]) -> dict[Any, list[Row]]:
        """Return {key: rows} of what somebody has deleted; what an undo took away may come again."""
        wanted, table = sorted(keys), self.resource.table
        if not wanted or "deleted_at" not in table.c:
            return {}
        undone = exists().where(
            scoped(self.context.session, LOG),
            LOG.c.item_type == table.name,
            LOG.c.item_id == table.c.id,
            LOG.c.event == "Delete",
            LOG.c.at == table.c.deleted_at,
            LOG.c.forced,
        )
        column = table.c[key_column(self.resource, key)]
        found: dict[Any, list[Row]] = {}
        for start in range(0, len(wanted), 1_000):
            query = select(table).where(
                *reach(self.context, self.resource),
                column.in_(wanted[start : start + 1_000]),
                table.c.deleted_at.isnot(None),
                ~undone,
            )
            rows = self.context.session.execute(query.order_by(table.c.deleted_at), execution_options=CHECKED)
            for row in rows.mappings():
                found[row[column.name]] = [dict(row)]
        return found
