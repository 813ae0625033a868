"""What a list asks of its rows: the actor's reach, the filters, the hits of a search."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from webapp.core.context import Context
from webapp.core.custom import column_of, having, lacking
from webapp.core.database import key_of
from webapp.core.fields import FaceField, Text, Through
from webapp.core.parameters import Filter, ListParameters
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import below, scoped, within_location_scope

HOLDING: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "in": lambda column, value: column.in_(value),
    "after": operator.gt,
    "before": operator.lt,
}


def reach(context: Context, resource: Resource) -> list[ColumnElement[bool]]:
    """Return the predicates of what an actor may see at all: the organization and its part of the tree."""
    table = resource.table
    inside = resource.belongs(context) if resource.belongs else scoped(context.session, table)
    where = [inside]
    if resource.located_by:
        narrowed = within_location_scope(context.session, table.c[resource.located_by])
        if narrowed is not None:
            where.append(narrowed)
    return where


def conditions(
    context: Context, resource: Resource, parameters: ListParameters, hits: list[int] | None
) -> list[ColumnElement[bool]]:
    """Return every predicate of a list but the cursor's."""
    table = resource.table
    where = reach(context, resource)
    if "deleted_at" in table.c:
        where.append(table.c.deleted_at.isnot(None) if parameters.deleted else table.c.deleted_at.is_(None))
    where += [_condition(context, resource, item) for item in parameters.filters if item.field not in resource.customs]
    for name in dict.fromkeys(item.field for item in parameters.filters if item.field in resource.customs):
        asked = [item for item in parameters.filters if item.field == name]
        where += _custom(context, resource, resource.fields[name], asked)
    if hits is not None:
        where.append(table.c.id.in_(hits))
    return where


def _condition(context: Context, resource: Resource, item: Filter) -> ColumnElement[bool]:
    field, value = resource.fields[item.field], item.value
    if isinstance(field, Through):
        return _through(context, resource, field, item)
    column: ColumnElement[Any] = resource.table.c[item.column]
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "eq": lambda: column == value,
        "in": lambda: column.in_(value),
        "not": lambda: or_(column != value, column.is_(None)),
        "after": lambda: column > value,
        "before": lambda: column < value,
        "empty": lambda: column.is_(None) if value else column.isnot(None),
        "within": lambda: below(context.session, column, value),
    }
    return conditions[item.op]()


def _through(context: Context, resource: Resource, field: Through, item: Filter) -> ColumnElement[bool]:
    """Return the predicate of a filter by a column of what a reference points to."""
    target = registry.resources[str(resource.fields[field.of].target)]
    source = target.fields[field.source]
    twin = source.twin if isinstance(source, Text) else None
    value = item.value if twin is None or item.op == "empty" else keys_of(item.value)
    inner = replace(item, field=field.source, column=twin or source.column, value=value)
    inside = select(target.table.c.id).where(scoped(context.session, target.table), _condition(context, target, inner))
    return resource.table.c[resource.fields[field.of].column].in_(inside)


def keys_of(value: Any) -> Any:
    """Return the case-insensitive form of a text, or of each of several."""
    return [key_of(text) for text in value] if isinstance(value, list) else key_of(value)


def _custom(context: Context, resource: Resource, field: FaceField, filters: list[Filter]) -> list[ColumnElement[bool]]:
    """Return the predicates of the filters by an own field: a range of single values is one stretch of its index."""
    column, where = column_of(field), []
    wanted = [holds(field, item) for item in filters if item.op in HOLDING]
    if wanted:
        together = [wanted] if field.kind != "codes" else [[one] for one in wanted]
        where += [having(context, resource, field, *some) for some in together]
    for item in filters:
        if item.op == "not":
            where.append(lacking(context, resource, field, column == item.value))
        elif item.op == "empty":
            where.append((lacking if item.value else having)(context, resource, field))
    return where


def holds(field: FaceField, item: Filter) -> ColumnElement[bool]:
    """Return what a filter by an own field asks of its indexed value."""
    condition: ColumnElement[bool] = HOLDING[item.op](column_of(field), item.value)
    return condition
