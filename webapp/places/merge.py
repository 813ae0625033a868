"""Merging: one thing takes over everything that refers to another, which then goes, all in one change set.

It knows no feature; it stands with the lowest one, where all others reach it.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import RAISE, Schema
from sqlalchemy import Table, select

from webapp.core.access import can
from webapp.core.batch import CHUNK, find_rows, plan_rows, write_rows
from webapp.core.blockers import Blocker, blockers
from webapp.core.context import Context
from webapp.core.errors import Conflict, Invalid, NotFound
from webapp.core.fields import Reference
from webapp.core.query import existing_ids
from webapp.core.resource import Action, Resource, registry
from webapp.core.tenancy import CHECKED, hold, references, scoped
from webapp.core.writes import Draft

Row = Mapping[str, Any]


def merge_action(name: str) -> Action:
    """Return the act that merges rows of a resource into another of its rows."""
    fields = {"into_id": Reference(name, required=True, label=_l("Into")), "Meta": type("Meta", (), {"unknown": RAISE})}
    return Action(
        name="merge",
        label=_l("Merge into another"),
        icon="arrow-merge",
        schema=type(f"Merge{name.title().replace('-', '')}Schema", (Schema,), fields),
        rule=partial(_merge, name),
        permission=f"{name}:write",
        danger=True,
        verb=_l("Merge"),
        done=_l("%(name)s was merged"),
        touches=partial(_touched, name),
        words=_l("Everything that refers to this will refer to the other one; then this goes to the deleted ones."),
    )


def _touched(name: str, context: Context, row: Row) -> list[Blocker]:
    return blockers(context, registry.resources[name], [row["id"]]).get(row["id"], [])


def _merge(name: str, context: Context, ids: list[int], values: Mapping[str, Any]) -> int:
    return merge_rows(context, registry.resources[name], ids, values["into_id"])


def merge_rows(context: Context, resource: Resource, ids: Iterable[int], into_id: int) -> int:
    """Merge rows into another and return its id; what stands among `ids` itself is left out.

    Raises NotFound, Invalid for a target that is not there, Conflict naming what cannot be taken over.
    """
    hold(context.session, f"merge of {resource.name}")
    wanted = [row_id for row_id in ids if row_id != into_id]
    if not wanted:
        raise Invalid({"into_id": [_("Choose another one than this.")]})
    if not existing_ids(context, resource, [into_id]):
        raise Invalid({"into_id": [_("does not exist")]})
    for row_id in wanted:
        rows = find_rows(context, resource, "id", [row_id, into_id])
        if row_id not in rows:  # it may have gone into the target with what it stood in
            if not existing_ids(context, resource, [row_id]) and len(wanted) == 1:
                raise NotFound(f"there is no {resource.name} {row_id}")
            continue
        _take_over(context, resource, rows[row_id], rows[into_id])
    return into_id


def _take_over(context: Context, resource: Resource, source: Row, target: Row) -> None:
    """Point everything from one row to another of its kind, then delete the first."""
    resource.guard(context, dict(source))
    note = _("%(source)s was merged into %(target)s", source=_name(resource, source), target=_name(resource, target))
    for other in registry.resources.values():
        for column, table in references(other.table).items():
            if table is resource.table:
                _point(context, other, column, source, target, note)
    left = blockers(context, resource, [source["id"]]).get(source["id"])
    if left:
        raise Conflict(_("It is still in use."), blockers=left, code="in_use")
    write_rows(context, resource, [Draft(resource, source, {}, {"deleted_at": context.at})], note=note)


def _point(context: Context, other: Resource, column: str, source: Row, target: Row, note: str) -> None:
    """Point the living rows of a resource from one row to another, merging those that would then be twins."""
    for rows in _referring(context, other, column, source["id"]):
        _check_reach(context, other, column, rows, source["id"])
        twins = _twins(context, other, column, rows, target["id"])
        drafts = _drafts(context, other, column, [row for row in rows if row["id"] not in twins], source, target)
        wrong = [_said(other, draft) for draft in drafts if draft.errors]
        if wrong:
            raise Conflict(_("This cannot be merged."), blockers=wrong[:20], code="unmergeable")
        write_rows(context, other, drafts, note=note)
        for row in rows:
            if row["id"] in twins:
                _take_over(context, other, row, twins[row["id"]])


def _said(other: Resource, draft: Draft) -> str:
    said = " ".join(message for messages in draft.errors.values() for message in messages)
    return f"{_name(other, draft.current or {})}: {said}"


def _referring(context: Context, other: Resource, column: str, row_id: int) -> Iterator[list[dict[str, Any]]]:
    table, last = other.table, 0
    while True:
        query = select(table).where(scoped(context.session, table), table.c[column] == row_id, table.c.id > last)
        if "deleted_at" in table.c:
            query = query.where(table.c.deleted_at.is_(None))
        query = query.order_by(table.c.id).limit(CHUNK)
        rows = [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
        if not rows:
            return
        last = rows[-1]["id"]
        yield rows


def _check_reach(context: Context, other: Resource, column: str, rows: list[dict[str, Any]], row_id: int) -> None:
    """Refuse to change for somebody what they may not change, or not even see."""
    ids = [row["id"] for row in rows]
    if not can(context.actor, other.write_permission) or len(existing_ids(context, other, ids)) < len(ids):
        held = [Blocker(other, len(ids), column, row_id)]
        raise Conflict(_("You may not change everything that refers to it."), blockers=held, code="out_of_reach")


def _twins(
    context: Context, other: Resource, column: str, rows: list[dict[str, Any]], target_id: int
) -> dict[int, dict[str, Any]]:
    """Return {id: row of the target with the same name} of rows whose name is unique within the column."""
    key = f"{column.removesuffix('_id')}_key"
    rule = next((rule for rule in other.unique if key in rule.within), None)
    if rule is None:
        return {}
    columns = [name for name in (*rule.within, rule.column) if name != key]
    table: Table = other.table
    query = select(table).where(
        scoped(context.session, table),
        table.c[column] == target_id,
        table.c[rule.column].in_({row[rule.column] for row in rows}),
        table.c.deleted_at.is_(None),
    )
    there = [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
    by_name = {tuple(row[name] for name in columns): row for row in there}
    found = {row["id"]: by_name.get(tuple(row[name] for name in columns)) for row in rows}
    return {row_id: twin for row_id, twin in found.items() if twin is not None and twin["id"] != row_id}


def _drafts(
    context: Context, other: Resource, column: str, rows: list[dict[str, Any]], source: Row, target: Row
) -> list[Draft]:
    """Return the drafts that point rows to the target; the target itself takes over where the source points."""
    name = next((name for name, item in other.stored.items() if item.column == column), None)
    pairs = []
    for row in rows:
        is_target = other.table.name == _table_of(other, column) and row["id"] == target["id"]
        value = (None if source[column] == target["id"] else source[column]) if is_target else target["id"]
        pairs.append((row, value))
    if name is None:
        return [Draft(other, row, {}, {column: value}) for row, value in pairs]
    return plan_rows(context, other, [(row, {name: value}) for row, value in pairs])


def _table_of(other: Resource, column: str) -> str:
    return references(other.table)[column].name


def _name(resource: Resource, row: Row) -> str:
    return str(row.get(resource.fields[resource.label].column) or f"#{row.get('id')}")
