"""The organization's log, read on from a place in it: as far as an actor may read, and as it is asked for."""

import operator
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from webapp.core.access import can
from webapp.core.activity import Activity
from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.resource import registry
from webapp.core.seals import ActivitySeal, last_seal, sealed_lines

SCANNED = 20_000
ASKED = {
    **{name: (name, operator.eq) for name in ("item_type", "item_id", "event", "change_set_id")},
    **{name: (name, operator.eq) for name in ("actor_user_id", "api_key_id", "job_id")},
    "at_after": ("at", operator.gt),
    "at_before": ("at", operator.lt),
}


def read_on(
    context: Context, after: int, limit: int, asked: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], int, int]:
    """Return (lines that the actor may read and that are as asked, where to read on, the chain's end).

    Of a long chain a stretch is looked through at once, so there may be more though few lines were found, or none.
    """
    lines, chain, end = table_of(Activity), table_of(ActivitySeal), last_seal(context.session)[0]
    stretch = max(after, min(end, after + SCANNED))
    where = [compare(lines.c[name], asked[key]) for key, (name, compare) in ASKED.items() if key in asked]
    where += [chain.c.sequence <= stretch, readable_lines(context)]
    found = sealed_lines(context.session, after, limit, where)
    return found, found[-1]["sequence"] if len(found) == limit else stretch, end


def readable_lines(context: Context) -> ColumnElement[bool]:
    """Return the predicate of the lines about what an actor may read: for a narrowed one, what is in its part now."""
    lines, wide, inside = table_of(Activity), set[str](), []
    closed = {r.table.name for r in registry.resources.values() if not can(context.actor, r.read_permission)}
    for resource in registry.resources.values():
        if resource.table.name in closed:
            continue
        if resource.located_by is None or context.actor.scope_location_id is None:
            wide.add(resource.table.name)
        else:
            ids = select(resource.table.c.id).where(*reach(context, resource))
            inside.append((lines.c.item_type == resource.table.name) & lines.c.item_id.in_(ids))
    return or_(lines.c.item_type.in_(sorted(wide)), *inside)
