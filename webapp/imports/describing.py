"""Tell planned rows as an import keeps them: what each is called, and what would change, in names instead of ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from webapp.core.activity import differences, plain
from webapp.core.context import Context
from webapp.core.labels import labels_for
from webapp.core.resource import Resource
from webapp.imports.carrying import settled
from webapp.imports.lookups import Lookups

if TYPE_CHECKING:
    from webapp.imports.planner import Planned

Row = dict[str, Any]
Labels = Mapping[str, Mapping[int, Mapping[str, Any]]]
TITLES = ("name", "first_name", "product")
MARKS = ("tag", "serial_number", "model_number", "code", "email", "username", "employee_number", "slug")
"""What a row is called by, and what is told beside it: the first of them that it has."""


def describe(context: Context, resource: Resource, lookups: Lookups, rows: Sequence[Planned]) -> list[Row]:
    """Return each row as the import keeps it."""
    labels = _labels(context, resource, rows)
    return [_described(resource, lookups, row, labels) for row in rows]


def _labels(context: Context, resource: Resource, rows: Sequence[Planned]) -> Labels:
    wanted: dict[str, set[int | None]] = {}
    for row in rows:
        if row.draft is None:
            continue
        for column, item in resource.references.items():
            if column in row.draft.changes:
                before = None if row.current is None else row.current.get(column)
                wanted.setdefault(str(item.target), set()).update((before, row.draft.changes[column]))
    real = {kind: [i for i in ids if i is not None and i > 0] for kind, ids in wanted.items()}
    return labels_for(context, real)


def _described(resource: Resource, lookups: Lookups, row: Planned, labels: Labels) -> Row:
    draft = row.draft
    changes = differences(row.current, draft.changes) if draft is not None else {}
    for column, item in resource.references.items():
        if column in changes:
            changes[column] = [_label(lookups, str(item.target), i, labels) for i in changes[column]]
    errors = {n: list(found) for n, found in row.reading.errors.items()}
    for name, found in (draft.errors if draft is not None else {}).items():
        errors.setdefault(name, []).extend(found)
    return {
        "number": row.reading.number,
        "fate": row.fate if not errors else "error",
        "title": _told(row, TITLES),
        "mark": _told(row, MARKS),
        "cells": row.reading.cells,
        "changes": {} if errors else changes,
        "errors": errors,
        "note": " ".join(row.notes) or None,
        "item_id": row.item_id,
        "carried": settled(row.carried, lookups.real),
    }


def _told(row: Planned, names: Sequence[str]) -> str:
    """Return the first of some fields that a row says, or its thing has."""
    values, current = row.reading.values, row.current or {}
    for name in names:
        text = values.get(name) or current.get(name)
        if name == "first_name" and text:
            text = " ".join(str(values[part]) for part in ("first_name", "last_name") if values.get(part))
        if text:
            return str(text)[:255]
    return ""


def _label(lookups: Lookups, kind: str, row_id: int | None, labels: Labels) -> Any:
    if row_id is None:
        return None
    if row_id < 0:
        return lookups.label(kind, row_id)
    known = labels.get(kind, {}).get(row_id)
    return plain(known["label"]) if known else f"#{row_id}"
