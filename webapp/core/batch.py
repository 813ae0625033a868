"""The batch writer: many planned rows by one statement a kind, with the same plan, log and totals as a single write."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import Table
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from webapp.core.activity import activity_row, differences, event_of
from webapp.core.blockers import Blocker, blockers
from webapp.core.checks import check, taken_meanwhile
from webapp.core.context import Context
from webapp.core.errors import Conflict, Invalid
from webapp.core.insertion import Stamp, insert_rows, update_rows
from webapp.core.matching import living_rows
from webapp.core.recorder import note_for_commit, record
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import Entity, organization_of
from webapp.core.writes import (
    Change,
    Draft,
    Facts,
    make_way,
    number,
    plan_change,
    settle,
)

Row = dict[str, Any]
CHUNK = 500
GUID: Stamp = ("guid", "gen_random_uuid()::text", lambda: str(uuid.uuid4()))


def find_rows(context: Context, resource: Resource, column: str, values: Iterable[Any]) -> dict[Any, Row]:
    """Return {value: whole living row} of the rows in reach whose column has one of the values, lowest id first."""
    return {value: rows[0] for value, rows in living_rows(context, resource, column, values).items()}


def plan_rows(
    context: Context,
    resource: Resource,
    rows: Sequence[tuple[Mapping[str, Any] | None, Mapping[str, Any]]],
    *,
    facts: Facts | None = None,
) -> list[Draft]:
    """Return a draft for each (current row or None, patch); what is wrong stands in `draft.errors` by field."""
    facts = facts or Facts(context)
    named: defaultdict[str, set[Any]] = defaultdict(set)
    for name, item in resource.references.items():
        ids = {patch.get(name) for _current, patch in rows} | {(current or {}).get(name) for current, _patch in rows}
        named[str(item.target)] |= ids
    for kind, ids in named.items():
        facts.preload(kind, ids)
    for kind, ids in named.items():  # a plan looks at what follows from those too, such as the category of a product
        for name, item in registry.resources[kind].references.items():
            if item.target in named:
                facts.preload(str(item.target), {(facts.row(kind, row_id) or {}).get(name) for row_id in ids})
    drafts = [plan_change(resource, current, patch, facts) for current, patch in rows]
    check(context, resource, drafts)
    return drafts


def write_rows(context: Context, resource: Resource, drafts: Sequence[Draft], note: str | None = None) -> list[int]:
    """Write drafts without errors and return their ids, in order; raises Conflict when somebody was faster."""
    good = [draft for draft in drafts if not draft.errors]
    make_way(context, resource, good)
    number(context, resource, good)
    new = [draft for draft in good if draft.is_new]
    changed = [draft for draft in good if not draft.is_new and draft.changes]
    given = {column: value for column, value in _defaults(resource.table).items() if value is not None}
    for draft in new:
        draft.changes = {**given, **draft.changes}
    try:
        made = _insert(context, resource, new)
        ids = {id(d): d.current["id"] for d in good if d.current} | dict(zip(map(id, new), made, strict=True))
        _update(context, resource, changed)
    except IntegrityError as error:
        context.session.rollback()
        if isinstance(taken_meanwhile(resource, error), Invalid):
            raise Conflict(_("Somebody took one of these at the same moment. Try again."), code="taken") from error
        raise
    blank, written = _defaults(resource.table), [*new, *changed]
    after = [Change(d.current, {**(d.current or blank), **d.changes, "id": ids[id(d)]}) for d in written]
    _log(context, resource, list(zip(written, after, strict=True)), note)
    if after:
        settle(context, resource, after)
    return [ids[id(draft)] for draft in good]


def deletable(context: Context, resource: Resource, ids: list[int]) -> tuple[list[Row], dict[int, list[Blocker]]]:
    """Return (rows that may be deleted, {id: what refers to it} of those that stay); a rule keeps without referrers."""
    kept, rows = blockers(context, resource, ids), find_rows(context, resource, "id", ids)
    for row in rows.values():
        try:
            resource.guard(context, row)
        except Conflict:
            kept.setdefault(row["id"], [])
    return [row for row_id, row in rows.items() if row_id not in kept], kept


def delete_rows(context: Context, resource: Resource, rows: Iterable[Row]) -> int:
    """Delete rows that may go, as `deletable` has found them, and return how many."""
    return len(write_rows(context, resource, [Draft(resource, row, {}, {"deleted_at": context.at}) for row in rows]))


@cache
def _defaults(table: Table) -> dict[str, Any]:
    """Return what a table's columns hold in a row that says nothing of them."""
    columns = [column for column in table.c if column.name not in ("id", "organization_id")]
    return {c.name: c.default.arg if isinstance(c.default, ScalarElementColumnDefault) else None for c in columns}


def _insert(context: Context, resource: Resource, drafts: list[Draft]) -> list[int]:
    if not drafts:
        return []
    table = resource.table
    own: Row = {"organization_id": organization_of(context.session)}
    if issubclass(resource.model, Entity):
        own |= {"created_at": context.at, "updated_at": context.at, "version": 1}
    rows = [draft.changes | own for draft in drafts]
    stamps = (GUID,) if "guid" in table.c else ()
    return insert_rows(context.session, table, rows, stamps, columns=(*_defaults(table), "organization_id"))


def _update(context: Context, resource: Resource, drafts: list[Draft]) -> None:
    """Update rows, each only in the version that was planned on; what one of them changes is written of each."""
    columns = sorted({column for draft in drafts for column in draft.changes})
    rows = [
        {"id": d.current["id"], "version": d.current["version"], "updated_at": context.at} | {c: d[c] for c in columns}
        for d in drafts
        if d.current is not None
    ]
    if update_rows(context.session, resource.table, rows, versioned=True) != len(rows):
        raise Conflict(_("Somebody changed one of these at the same moment. Try again."), code="stale")


def _log(context: Context, resource: Resource, written: list[tuple[Draft, Change]], note: str | None) -> None:
    table, organization_id = resource.table.name, organization_of(context.session)
    lines = []
    events: Counter[str] = Counter()
    for draft, change in written:
        event = event_of(draft.current, draft.changes)
        found = differences(draft.current, draft.changes, resource.model.__secrets__)
        events[event] += 1
        if event != "Update" or found:
            lines.append(activity_row(context, organization_id, table, change.after, event, found, note))
    for event, count in events.items():
        note_for_commit(context.session, table, event, count)
    record(context.session, lines)
