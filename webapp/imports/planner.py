"""Plan what each row of an import does: find its thing, resolve its names, ask the resource's plan, say the fate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from babel.dates import format_date
from flask_babel import gettext as _
from sqlalchemy import exists, select

from webapp.core.activity import Activity, differences, plain
from webapp.core.batch import find_rows, plan_rows
from webapp.core.context import Context
from webapp.core.database import key_of, table_of
from webapp.core.fields import Text
from webapp.core.labels import labels_for
from webapp.core.lookup import ids_by_name
from webapp.core.query import reach
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.writes import Draft
from webapp.faces.rendering import within_sentence
from webapp.imports.lookups import BY_NAME_ALONE, Lookups, PretendingFacts, Unresolved, Wanted
from webapp.imports.options import Options
from webapp.imports.reading import Reading
from webapp.imports.targets import targets_of

Row = dict[str, Any]
LOG = table_of(Activity)
DERIVED = frozenset({"category", "manufacturer", "status"})
"""Names that an empty cell does not clear: a product says them, or there must be one."""


@dataclass(slots=True)
class Planned:
    """A row's fate with its reasons; `draft` is what to write, None for skipped rows and those that make no sense."""

    reading: Reading
    fate: str = "error"
    draft: Draft | None = None
    current: Mapping[str, Any] | None = None
    patch: Row = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    pretended: list[tuple[str, int]] = field(default_factory=list)

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
        self._seen: dict[tuple[str, Any], int] = {}
        self._names: dict[str, dict[str, int | None]] = {}

    def plan(self, readings: Sequence[Reading]) -> list[Planned]:
        """Return the fate of each row."""
        planned = [Planned(reading) for reading in readings]
        self._find_current(planned)
        for row in planned:
            if row.fate != "skip":
                self._make_patch(row)
        self._draft([row for row in planned if row.fate != "skip" and not row.reading.errors])
        return planned

    def replan(self, rows: Sequence[Planned], real: Mapping[int, int]) -> None:
        """Plan rows again whose pretended references have become real ones."""
        columns = set(self.resource.references)
        for row in rows:
            row.patch = {n: real.get(v, v) if n in columns and v else v for n, v in row.patch.items()}
            row.pretended = []
        self._draft(rows)

    def _find_current(self, planned: list[Planned]) -> None:
        """Give each row the living thing that its key names; a key of a deleted one makes it skipped."""
        match = self.options.match
        if match is None:
            return
        item = self.resource.fields[match]
        column = (item.twin if isinstance(item, Text) else None) or item.column
        keys = {
            id(row): key_of(value) if column != item.column else value
            for row in planned
            if (value := row.reading.values.get(match)) is not None
        }
        found = find_rows(self.context, self.resource, column, keys.values())
        deleted = self._deleted(column, set(keys.values()) - set(found))
        for row in planned:
            key = keys.get(id(row))
            row.current = found.get(key)
            if key in deleted:
                row.fate = "skip"
                day = format_date(deleted[key].date(), "medium")
                row.notes.append(_("It was deleted on %(day)s, restore it first.", day=day))
                continue
            if key is not None and self._used_before((column, key), row.reading.number):
                again = _("Row %(row)s has this already.", row=self._seen[column, key])
                row.reading.fail(match, again)

    def _used_before(self, key: tuple[str, Any], number: int) -> bool:
        return self._seen.setdefault(key, number) != number

    def _deleted(self, column: str, keys: set[Any]) -> dict[Any, datetime]:
        """Return {key: when} of what somebody has deleted; what an undo took away may come again."""
        table = self.resource.table
        if not keys or "deleted_at" not in table.c:
            return {}
        undone = exists().where(
            scoped(self.context.session, LOG),
            LOG.c.item_type == table.name,
            LOG.c.item_id == table.c.id,
            LOG.c.event == "Delete",
            LOG.c.at == table.c.deleted_at,
            LOG.c.forced,
        )
        query = select(table.c[column], table.c.deleted_at).where(
            *reach(self.context, self.resource),
            table.c[column].in_(sorted(keys)),
            table.c.deleted_at.isnot(None),
            ~undone,
        )
        return {row[0]: row[1] for row in self.context.session.execute(query, execution_options=CHECKED)}

    def _make_patch(self, row: Planned) -> None:
        """Turn a row's values into a patch of the resource: names become ids, empty cells follow the option."""
        values = row.reading.values
        names = {n: v for n, v in values.items() if self.targets[n].refers_to and v is not None}
        row.patch = {n: v for n, v in values.items() if n in self.resource.writable and n not in names}
        if self.options.blanks == "keep" or row.current is None:
            row.patch = {n: v for n, v in row.patch.items() if v is not None}
        row.patch = {n: v for n, v in row.patch.items() if v is not None or self.resource.writable[n].allow_none}
        row.patch.pop("tag", None) if row.patch.get("tag") is None else None
        self._resolve(row, names)
        if self.options.blanks == "clear" and row.current is not None:
            cleared = {n for n, v in values.items() if v is None and self.targets[n].refers_to and n not in DERIVED}
            row.patch |= {self.resource.names[name].of: None for name in cleared}

    def _resolve(self, row: Planned, names: Mapping[str, Any]) -> None:
        current = row.current or {}
        ids: dict[str, int | None] = {}
        finders: dict[str, Any] = {
            "category": lambda text: self.lookups.category(text),
            "manufacturer": lambda text: self.lookups.manufacturer(text),
            "status": lambda text: self.lookups.status(text),
            "location": lambda text: self.lookups.location(text, current.get("location_id")),
        }
        for name, find in finders.items():
            if name in names:
                ids[name] = self._try(row, name, find, names[name])
        product = names.get("product") or row.reading.values.get("model_number")
        if product and not {"category", "manufacturer"} & set(row.reading.errors):
            wanted = Wanted(
                name=product,
                model_number=row.reading.values.get("model_number"),
                manufacturer_id=ids.get("manufacturer"),
                category_id=ids.get("category"),
                number_known="model_number" in self.mapped,
                maker_known="manufacturer" in self.mapped,
            )
            ids["product"] = self._try(
                row, "product", lambda _text: self.lookups.product(wanted, current.get("product_id")), product
            )
        elif ids.get("manufacturer"):
            row.notes.append(_("The maker is left out: the row names no product."))
            del ids["manufacturer"]
        for name in names.keys() - finders.keys() - {"product"}:
            target = registry.resources[str(self.targets[name].refers_to)]
            column = self.resource.names[name].of
            ids[name] = self._try(row, name, self._finder(target, column, current.get(column)), names[name])
        self._keep_products_category(row, ids)
        self._refuse_unwanted(row, ids)
        if ids.get("product"):
            ids.pop("category", None)
        row.patch |= {f"{n}_id": i for n, i in ids.items() if n != "manufacturer" and i is not None}

    def _finder(self, target: Resource, column: str, current_id: int | None) -> Callable[[str], int]:
        if target.name in BY_NAME_ALONE:
            return lambda text: self.lookups.by_name(target.name, text, current_id)
        return lambda text: self._named(target, column, text)

    def _named(self, target: Resource, column: str, text: str) -> int:
        """Return the row with a name that a reference may have; each name is looked for once."""
        found = self._names.setdefault(column, {})
        if text not in found:
            only = self.resource.offer(self.context, column, None)
            found[text] = ids_by_name(self.context, target, [text], only=only).get(text, 0)
        row_id = found[text]
        if row_id is None:
            raise Unresolved(_("More than one is called “%(name)s”.", name=text))
        if row_id == 0:
            singular = within_sentence(target.singular)
            raise Unresolved(_("There is no %(thing)s “%(name)s”.", thing=singular, name=text))
        return row_id

    def _try(self, row: Planned, name: str, find: Any, text: str) -> int | None:
        try:
            return int(find(text))
        except Unresolved as reason:
            row.reading.fail(name, str(reason))
            return None

    def _keep_products_category(self, row: Planned, ids: dict[str, int | None]) -> None:
        """Drop the row's category where its product has one: a product sets the category."""
        product_id = ids.get("product")
        if product_id is None:
            return
        product = self.lookups.row("products", product_id)
        if ids.get("category") not in (None, product["category_id"]):
            kept = product["category_id"]
            label = self.lookups.label("categories", kept) if kept in self.lookups.known("categories") else f"#{kept}"
            row.notes.append(_("The category is that of the product: %(name)s.", name=label))
        ids |= {"category": product["category_id"], "manufacturer": product["manufacturer_id"]}

    def _refuse_unwanted(self, row: Planned, ids: Mapping[str, int | None]) -> None:
        """Fail a row that needs something missing which nobody has asked to be made."""
        for name, row_id in ids.items():
            kind = self.targets[name].refers_to
            if kind is None or row_id is None or row_id >= 0:
                continue
            row.pretended.append((kind, row_id))
            self.lookups.need(kind, row_id)
            if kind not in self.options.create:
                singular = within_sentence(registry.resources[kind].singular)
                text = self.lookups.label(kind, row_id)
                row.reading.fail(name, _("There is no %(thing)s “%(name)s”.", thing=singular, name=text))

    def _draft(self, rows: Sequence[Planned]) -> None:
        """Ask the resource's plan, forgive what it says of pretended rows, and look for keys that stand twice."""
        facts = PretendingFacts(self.context, self.lookups)
        products = {row.patch.get("product_id") for row in rows} - {None}
        facts.preload("categories", {self.lookups.row("products", i)["category_id"] for i in products if i is not None})
        drafts = plan_rows(self.context, self.resource, [(row.current, row.patch) for row in rows], facts=facts)
        for row, draft in zip(rows, drafts, strict=True):
            row.draft = draft
            self._forgive_pretended(draft)
            self._check_file(row, draft)
            if draft.errors:
                row.fate = "error"
            else:
                row.fate = "create" if draft.is_new else "update" if draft.changes else "unchanged"

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
            if self._used_before((rule.field, value), row.reading.number):
                draft.errors[rule.field] = [_("Row %(row)s has this already.", row=self._seen[rule.field, value])]

    def describe(self, rows: Sequence[Planned]) -> list[Row]:
        """Return each row as the import keeps it: what it is called, what would change, in names instead of ids."""
        labels = self._labels(rows)
        return [self._described(row, labels) for row in rows]

    def _labels(self, rows: Sequence[Planned]) -> Mapping[str, Mapping[int, Mapping[str, Any]]]:
        wanted: dict[str, set[int | None]] = {}
        for row in rows:
            if row.draft is None:
                continue
            for column, item in self.resource.references.items():
                if column in row.draft.changes:
                    before = None if row.current is None else row.current.get(column)
                    wanted.setdefault(str(item.target), set()).update((before, row.draft.changes[column]))
        real = {kind: [i for i in ids if i is not None and i > 0] for kind, ids in wanted.items()}
        return labels_for(self.context, real)

    def _described(self, row: Planned, labels: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> Row:
        draft, values = row.draft, row.reading.values
        current = row.current or {}
        changes = differences(row.current, draft.changes) if draft is not None else {}
        for column, item in self.resource.references.items():
            if column in changes:
                changes[column] = [self._label(str(item.target), i, labels) for i in changes[column]]
        errors = {n: list(found) for n, found in row.reading.errors.items()}
        for name, found in (draft.errors if draft is not None else {}).items():
            errors.setdefault(name, []).extend(found)
        title = values.get("name") or current.get("name") or values.get("product") or ""
        mark = values.get("tag") or current.get("tag") or values.get("serial_number") or ""
        return {
            "number": row.reading.number,
            "fate": row.fate if not errors else "error",
            "title": str(title)[:255],
            "mark": str(mark)[:255],
            "cells": row.reading.cells,
            "changes": {} if errors else changes,
            "errors": errors,
            "note": " ".join(row.notes) or None,
            "item_id": row.item_id,
        }

    def _label(self, kind: str, row_id: int | None, labels: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> Any:
        if row_id is None:
            return None
        if row_id < 0:
            return self.lookups.label(kind, row_id)
        known = labels.get(kind, {}).get(row_id)
        return plain(known["label"]) if known else f"#{row_id}"
