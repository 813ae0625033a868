"""Plan what each row of an import does: find its thing, resolve its names, ask the resource's plan, say the fate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from webapp.core.batch import plan_rows
from webapp.core.context import Context
from webapp.core.custom import stored_value
from webapp.core.database import key_of
from webapp.core.fields import FaceField, Text
from webapp.core.resource import Resource
from webapp.core.writes import Draft
from webapp.faces.export import neutralize
from webapp.imports import carrying, describing
from webapp.imports.ancestry import NAMED_BY, Ancestry
from webapp.imports.completing import complete
from webapp.imports.finding import Finder
from webapp.imports.lookups import Lookups
from webapp.imports.making import PretendingFacts
from webapp.imports.options import Options
from webapp.imports.reading import Reading, RowReader, split_codes
from webapp.imports.resolving import Resolver
from webapp.imports.targets import CHECKED_OUT_TO, targets_of
from webapp.imports.unreadable import RawRow
from webapp.imports.values import clean_text

Row = dict[str, Any]


@dataclass(slots=True)
class Planned:
    """A row's fate with its reasons; `draft` is what to write, None for skipped rows and those that make no sense.

    `carried` is what later features take over: {"checked_out_to": {"type": "person", "text": …, "person_id": …}}.
    """

    reading: Reading
    fate: str = "error"
    draft: Draft | None = None
    current: Mapping[str, Any] | None = None
    patch: Row = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    pretended: list[tuple[str, int]] = field(default_factory=list)
    carried: Row = field(default_factory=dict)
    promised: int | None = None

    @property
    def item_id(self) -> int | None:
        """Return the id of the thing that the row is about, if it is there."""
        return None if self.current is None else int(self.current["id"])


class Planner:
    """Plans the rows of one import chunk by chunk; remembers which keys the file has used already."""

    def __init__(self, context: Context, resource: Resource, options: Options, mapped: frozenset[str]) -> None:
        self.context, self.resource, self.options, self.mapped = context, resource, options, mapped
        self.lookups = Lookups(context)
        self.targets = targets_of(resource)
        self.ancestry = Ancestry(resource, mapped)
        self.resolver = Resolver(context, resource, self.lookups, options, mapped)
        self.finder = Finder(context, resource, options.match, self.resolver)
        self._promised: dict[int, int] = {}
        self.carries = any(name.partition(".")[0] == CHECKED_OUT_TO for name in mapped)

    def foresee(self, reader: RowReader, rows: Iterable[RawRow]) -> None:
        """Look through the whole file for rows that name each other, before any is planned."""
        self.ancestry.survey(reader, rows)
        self.resolver.circular = self.ancestry.circular

    def in_order(self, rows: Iterable[RawRow]) -> Iterator[RawRow]:
        """Yield rows so that each comes after those that it names."""
        return self.ancestry.in_order(rows)

    def depth(self, number: int) -> int:
        """Return how deep a row stands below others of the file."""
        return self.ancestry.depths.get(number, 0)

    def plan(self, readings: Sequence[Reading]) -> list[Planned]:
        """Return the fate of each row; those that others of them name are planned first."""
        planned = [Planned(reading) for reading in readings]
        levels: defaultdict[int, list[Planned]] = defaultdict(list)
        for row in planned:
            levels[self.depth(row.reading.number)].append(row)
        for depth in sorted(levels):
            self._plan(levels[depth])
        return planned

    def _plan(self, rows: list[Planned]) -> None:
        self.resolver.expect(rows)
        if self.carries:
            carrying.expect(self.lookups, rows)
        self.finder.find(rows)
        self.resolver.expect_current(rows)
        for row in rows:
            if row.fate != "skip":
                self._make_patch(row)
        self._draft([row for row in rows if row.fate != "skip" and not row.reading.errors])
        if self.ancestry.matters:
            self._remember_broken(rows)

    def replan(self, rows: Sequence[Planned], real: Mapping[int, int]) -> None:
        """Plan rows again whose pretended references have become real ones."""
        columns = set(self.resource.references)
        for row in rows:
            row.patch = {n: real.get(v, v) if n in columns and v else v for n, v in row.patch.items()}
            row.carried = carrying.settled(row.carried, real)
            row.pretended = []
        self._draft(rows)

    def make_missing(self, rows: Sequence[Planned]) -> None:
        """Create what good rows need and is missing, then plan them again on what is real now."""
        needy = [row for row in rows if row.pretended and row.fate in {"create", "update"}]
        if not needy:
            return
        real = self.lookups.make_real(pair for row in needy for pair in row.pretended)
        for row in needy:
            for pair in row.pretended:
                if pair in self.lookups.refused:
                    row.fate = "error"
                    row.reading.fail("_", self.lookups.refused[pair])
        self.replan([row for row in needy if row.fate != "error"], real)

    def settle(self, rows: Sequence[Planned], ids: Sequence[int]) -> None:
        """Let rows that were just written be named by the rows after them."""
        for row, row_id in zip(rows, ids, strict=True):
            if row.promised is not None:
                self.lookups.settle(self.resource.name, row.promised, row_id)
                self._promised.pop(row.reading.number, None)
                row.promised = None

    def _make_patch(self, row: Planned) -> None:
        """Turn a row's values into a patch of the resource: names become ids, empty cells follow the option."""
        writable = self.resource.writable
        row.patch = {n: v for n, v in row.reading.values.items() if n in writable}
        if self.options.blanks == "keep" or row.current is None:
            row.patch = {n: v for n, v in row.patch.items() if v is not None}
        row.patch = {n: v for n, v in row.patch.items() if v is not None or writable[n].allow_none}
        numbering = self.resource.numbering
        if numbering is not None and row.patch.get(numbering.column, "") is None:
            del row.patch[numbering.column]
        for name, value in row.patch.items():
            row.patch[name] = self._as_it_is(row, writable[name], value)
        self.resolver.resolve(row)
        if row.current is None:
            complete(self.resource.name, row.patch, self.lookups)
        if self.carries:
            carrying.carry(row, self.resolver, self.options)

    def _as_it_is(self, row: Planned, item: FaceField, value: Any) -> Any:
        """Return a value as the thing has it where a cell cannot tell the two apart, such as by its inner spaces."""
        if item.kind == "codes":
            return self._codes(row, item, value)
        if row.current is None or not isinstance(item, Text) or value is None:
            return value
        now = stored_value(row.current, item.column)
        if now is None or now == value or clean_text(neutralize(now), multiline=item.kind == "longtext") != value:
            return value
        return now

    def _codes(self, row: Planned, item: FaceField, value: list[str] | None) -> list[str] | None:
        now = None if row.current is None else stored_value(row.current, item.column)
        if value and now and value in (split_codes(", ".join(now)), split_codes("\n".join(now))):
            return list(now)
        words = {key_of(str(word)): code for code, word in item.words(self.context).items()} if value else {}
        return [words.get(key_of(code), code) for code in value] if value else value

    def _draft(self, rows: Sequence[Planned]) -> None:
        """Ask the resource's plan, forgive what it says of pretended rows, and look for keys that stand twice."""
        facts = PretendingFacts(self.context, self.lookups)
        drafts = plan_rows(self.context, self.resource, [(row.current, row.patch) for row in rows], facts=facts)
        for row, draft in zip(rows, drafts, strict=True):
            row.draft = draft
            self._forgive_pretended(draft)
            self._check_file(row, draft)
            if draft.errors:
                row.fate = "error"
            else:
                row.fate = "create" if draft.is_new else "update" if draft.changes else "unchanged"
                if self.ancestry.matters:
                    self._promise(row, draft)

    def _promise(self, row: Planned, draft: Draft) -> None:
        """Let other rows name what this one makes, or what it will be called."""
        if draft.is_new:
            number = row.reading.number
            row.promised = self.lookups.promise(self.resource.name, draft.changes, self._promised.get(number))
            self._promised[number] = row.promised
        elif row.item_id is not None and draft.changes:
            self.lookups.renamed(self.resource.name, row.item_id, draft.changes)

    def _remember_broken(self, rows: Sequence[Planned]) -> None:
        own = NAMED_BY.get(self.resource.name, (self.resource.label,))
        for row in rows:
            if row.current is None and row.fate == "error":
                for name in own:
                    text = row.reading.values.get(name)
                    self.resolver.broken |= {key_of(str(text)): row.reading.number} if text else {}

    def _forgive_pretended(self, draft: Draft) -> None:
        for column in self.resource.references:
            if (draft[column] or 0) < 0 and column in draft.errors:
                draft.errors[column] = [m for m in draft.errors[column] if m != _("does not exist")]
                if not draft.errors[column]:
                    del draft.errors[column]

    def _check_file(self, row: Planned, draft: Draft) -> None:
        for rule in self.resource.unique:
            value = tuple(draft[column] for column in (*rule.within, rule.column))
            if value[-1] is None:
                continue
            again = self.finder.used_before((rule.field, value), row.reading.number)
            if again is not None:
                draft.errors[rule.field] = [_("Row %(row)s has this already.", row=again)]

    def describe(self, rows: Sequence[Planned]) -> list[Row]:
        """Return each row as the import keeps it: what it is called, what would change, in names instead of ids."""
        return describing.describe(self.context, self.resource, self.lookups, rows)
