"""What keeps a thing from being deleted: the living rows that refer to it, counted by resource."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, func, literal, select, union_all

from webapp.core.context import Context
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, references, scoped


@dataclass(frozen=True)
class Blocker:
    """So many rows of a resource refer to what should go; `parameter` filters their list."""

    resource: Resource
    count: int
    parameter: str
    row_id: int


def blockers(context: Context, resource: Resource, ids: list[int]) -> dict[int, list[Blocker]]:
    """Return {id: what living rows refer to it}: one query over every table that points here."""
    parts = []
    for other in registry.resources.values():
        for column, target in references(other.table).items():
            if target is resource.table:
                parts.append(_referring(context, other, other.table, column, ids))
    found: dict[int, list[Blocker]] = {}
    if not parts:
        return found
    for name, parameter, row_id, count in context.session.execute(union_all(*parts), execution_options=CHECKED):
        found.setdefault(row_id, []).append(Blocker(registry.resources[name], count, parameter, row_id))
    return found


def _referring(context: Context, other: Resource, table: Table, column: str, ids: list[int]) -> Any:
    query = (
        select(literal(other.name), literal(column), table.c[column], func.count())
        .where(scoped(context.session, table), table.c[column].in_(ids))
        .group_by(table.c[column])
    )
    return query.where(table.c.deleted_at.is_(None)) if "deleted_at" in table.c else query
