"""What the check of a row has planned is written as it is, while nothing that it went by has changed.

Only new things that need nothing made before them: what a row changes is compared with what is there by then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, Text, cast, func, literal, null, select

from webapp.core.activity import Activity, plain
from webapp.core.checks import check
from webapp.core.context import Context
from webapp.core.custom import DEFINITIONS, SETS
from webapp.core.database import table_of
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, among, scoped
from webapp.core.writes import Draft

if TYPE_CHECKING:
    from webapp.imports.planner import Planned

LOG = table_of(Activity)
REVIVED: Mapping[type, Callable[[Any], Any]] = {
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    Decimal: Decimal,
}
Row = dict[str, Any]
LOOK_BACK = 10_000
"""How many lines may have been written since the first of a change that had begun and was not to be seen yet."""


def basis_of(context: Context) -> Row:
    """Return what plans go by from now on: the organization, the day, who asks, the log so far, what could be seen.

    A change that has begun may have lines before the last, and show them later; on SQLite only one writes at a time.
    """
    postgresql = context.session.get_bind().dialect.name == "postgresql"
    seen: ColumnElement[Any] = cast(func.pg_current_snapshot(), Text) if postgresql else null()
    query = select(func.coalesce(func.max(LOG.c.id), 0), seen).where(scoped(context.session, LOG))
    last, snapshot = context.session.execute(query, execution_options=CHECKED).one()
    return {"log": last, "seen": snapshot, **_asked_by(context)}


def _asked_by(context: Context) -> Row:
    actor, tenant = context.actor, context.tenant
    return {
        "day": context.today.isoformat(),
        "tenant": [tenant.currency, tenant.timezone, dict(tenant.settings)],
        "actor": [actor.credential, actor.role, actor.scope_location_id],
    }


def stands(context: Context, resource: Resource, basis: Row | None) -> bool:
    """Tell whether plans of new things still hold: nobody else has changed anything that such a thing refers to."""
    if basis is None or not _asked_by(context).items() <= basis.items():
        return False
    since = LOG.c.id > basis["log"]
    if basis.get("seen"):
        writer, seen = func.xid8(cast(LOG.c.transaction_id, Text)), func.pg_snapshot(literal(basis["seen"], Text))
        since = (LOG.c.id > basis["log"] - LOOK_BACK) & ~func.pg_visible_in_snapshot(writer, seen)
    kinds = {DEFINITIONS, SETS, *(str(item.target) for item in resource.references.values())} - {resource.name}
    for kind in list(kinds):
        kinds |= {str(item.target) for item in registry.resources[kind].references.values()} - {resource.name}
    others = (
        select(LOG.c.id)
        .where(scoped(context.session, LOG), since, LOG.c.change_set_id != context.change_set_id)
        .where(among(context.session, LOG.c.item_type, sorted({registry.resources[kind].table.name for kind in kinds})))
        .limit(1)
    )
    return context.session.execute(others, execution_options=CHECKED).first() is None


def plan_of(row: Planned) -> Row | None:
    """Return what a row's new thing will hold, as JSON; None where that depends on other rows of the file."""
    draft = row.draft
    if draft is None or row.fate != "create" or row.reading.errors or row.pretended or row.carried or row.promised:
        return None
    own = [name for name, item in draft.resource.references.items() if item.target == draft.resource.name]
    if any(draft[name] for name in own):
        return None
    return {column: plain(value) for column, value in draft.changes.items() if value is not None}


def drafts_of(context: Context, resource: Resource, rows: Sequence[Row]) -> dict[int, Draft]:
    """Return {number: what to write} of the rows whose plan still holds in all that other rows say to it."""
    drafts = {row["number"]: Draft(resource, None, {}, _revived(resource.table, row["plan"])) for row in rows}
    check(context, resource, list(drafts.values()))
    return {number: draft for number, draft in drafts.items() if not draft.errors}


def _revived(table: Table, plan: Row) -> Row:
    return plan | {name: revive(plan[name]) for name, revive in _revivers(table).items() if name in plan}


@cache
def _revivers(table: Table) -> dict[str, Callable[[Any], Any]]:
    kinds = {column.name: column.type.python_type for column in table.c}
    return {name: REVIVED[kind] for name, kind in kinds.items() if kind in REVIVED}
