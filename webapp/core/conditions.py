"""What a list asks of its rows: the actor's reach, the filters, the hits of a search."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, literal, or_, select

from webapp.core.context import Context
from webapp.core.custom import VALUES, column_of, having, lacking, of_field
from webapp.core.database import key_of
from webapp.core.fields import FaceField, Text, Through
from webapp.core.parameters import Filter, ListParameters
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import among, below, scoped, within_location_scope

HOLDING: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "in": lambda column, value: column.in_(value),
    "after": operator.gt,
    "before": operator.lt,
}


def reach(context: Context, resource: Resource) -> list[ColumnElement[bool]]:
    """Return the predicates of what an actor may see at all: the organization and its part of the tree."""
    table = resource.table
    where = [resource.belongs(context) if resource.belongs else scoped(context.session, table)]
    if resource.located_by:
        narrowed = within_location_scope(context.session, table.c[resource.located_by])
        if narrowed is not None:
            where.append(narrowed)
    return where


def conditions(context: Context, resource: Resource, parameters: ListParameters) -> list[ColumnElement[bool]]:
    """Return every predicate of a list but the cursor's."""
    table = resource.table
    where = reach(context, resource)
    if "deleted_at" in table.c:
        where.append(table.c.deleted_at.isnot(None) if parameters.deleted else table.c.deleted_at.is_(None))
    where += [_condition(context, resource, item) for item in parameters.filters if item.field not in resource.customs]
    for name in dict.fromkeys(item.field for item in parameters.filters if item.field in resource.customs):
        asked = [item for item in parameters.filters if item.field == name]
        where += _custom(context, resource, resource.fields[name], asked)
    if parameters.hits is not None:
        where.append(among(context.session, table.c.id, parameters.hits.ids))
    return where


def _condition(context: Context, resource: Resource, item: Filter) -> ColumnElement[bool]:
    field, value = resource.fields[item.field], item.value
    if isinstance(field, Through):
        return _through(context, resource, field, item)
    column: Column[Any] = resource.table.c[item.column]
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "eq": lambda: column == value,
        "in": lambda: column.in_(value),
        "not": lambda: _differs(column, value),
        "after": lambda: column > value,
        "before": lambda: column < value,
        "empty": lambda: column.is_(None) if value else column.isnot(None),
        "within": lambda: below(context.session, column, value),
    }
    return conditions[item.op]()


def _differs(column: Column[Any], value: Any) -> ColumnElement[bool]:
    """Return the predicate that a column says something else, or nothing; "not no" is "yes", which has an index."""
    if column.nullable:
        return or_(column != value, column.is_(None))
    return column == (not value) if isinstance(value, bool) else column != value


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


def decided_by_values(context: Context, resource: Resource, parameters: ListParameters) -> Select[Any] | None:
    """Return a query with a row for each row of a list that one own field's values decide; None when more does.

    To count the values, without those of the deleted, takes a tenth of what it takes to count the rows that have them.
    """
    table, asked = resource.table, parameters.filters
    own = resource.customs.get(asked[0].field) if len({item.field for item in asked}) == 1 else None
    narrowed = resource.located_by and context.session.info.get("scope_location_id") is not None
    if own is None or own.kind == "codes" or narrowed or resource.belongs or parameters.deleted or parameters.q:
        return None
    if not all(item.op in HOLDING or (item.op == "empty" and item.value is False) for item in asked):
        return None
    gone = select(literal(1)).where(
        scoped(context.session, table), table.c.deleted_at.isnot(None), table.c.id == VALUES.c.row_id
    )
    return select(literal(1)).where(
        *of_field(context, own),
        *(holds(own, item) for item in asked if item.op != "empty"),
        ~gone.correlate(VALUES).exists(),
    )
