"""What else refers to a thing, counted by kind: each count leads to the list of exactly those."""

from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy import func, literal, select, union_all

from webapp.core.access import can
from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.query import COUNT_LIMIT
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED


@dataclass(frozen=True)
class Related:
    """So many living things of a kind name this one in a field; at most 10,001 are counted."""

    resource: Resource
    field: str
    count: int
    label: str
    url: str


def related_to(context: Context, resource: Resource, row_id: int) -> list[Related]:
    """Return what refers to a thing and the actor may list, in the menu's order: one query for all kinds."""
    fields = {other.name: _referring_fields(context, other, resource) for other in _listed()}
    parts = [_counting(context, registry.resources[name], field, row_id) for name in fields for field in fields[name]]
    if not parts:
        return []
    found = []
    for name, field, count in context.session.execute(union_all(*parts), execution_options=CHECKED):
        if count:
            other = registry.resources[name]
            plainly = len(fields[name]) == 1 and other.name != resource.name
            said = str(other.title) if plainly else f"{other.title} · {other.fields[field].label or field}"
            found.append(Related(other, field, count, said, f"{url_for(f'{name}.index')}?{field}={row_id}"))
    return found


def _listed() -> list[Resource]:
    """Return the resources that have a list of their own, those of the menu first."""
    shown = [other for other in registry.resources.values() if "list" in other.pages]
    return sorted(shown, key=lambda other: other.menu.order if other.menu else 10_000)


def _referring_fields(context: Context, other: Resource, resource: Resource) -> list[str]:
    if not can(context.actor, other.read_permission):
        return []
    return [n for n, item in other.references.items() if item.target == resource.name and item.column in other.table.c]


def _counting(context: Context, other: Resource, field: str, row_id: int) -> Any:
    table = other.table
    where = [*reach(context, other), table.c[other.fields[field].column] == row_id]
    if "deleted_at" in table.c:
        where.append(table.c.deleted_at.is_(None))
    inner = select(literal(1)).select_from(table).where(*where).limit(COUNT_LIMIT + 1).subquery()
    return select(literal(other.name), literal(field), select(func.count()).select_from(inner).scalar_subquery())
