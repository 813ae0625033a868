"""In which order a list stands, and where it goes on after a cursor."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, literal, or_, tuple_

from webapp.core.conditions import HOLDING, holds
from webapp.core.context import Context
from webapp.core.custom import VALUES, column_of, lacking
from webapp.core.parameters import ListParameters, sort_column
from webapp.core.resource import Resource
from webapp.core.search import search_rank

Key = tuple[Any, bool, bool]
"""A column, whether it descends, and whether rows may have nothing there."""


def stretches(
    context: Context, resource: Resource, parameters: ListParameters, query: Select[Any], *, ranked: bool = True
) -> list[Select[Any]]:
    """Return the parts of a list from its cursor on, one behind the other: a query each, in its order.

    Rows with nothing in the first column come last, both ways. They are a part of their own, because one query over
    all would sort them all; each part is a walk along an index that reads no more rows than it gives, at a million too.
    Hits stand by how well they fit; where none begins with what was looked for, they fit alike.
    """
    identity, values, hits = resource.table.c.id, parameters.cursor or (), parameters.hits
    if hits is not None and ranked and not parameters.sorted_by_user:
        return [query.order_by(*([search_rank(resource, hits[-3:])] if hits.begins else ()), identity.desc())]
    name, descending = parameters.sort[0]
    own = resource.customs.get(name)
    same = [item for item in parameters.filters if item.field == name and item.op in HOLDING]
    keys: list[Key] = [(column, down, column.nullable) for column, down in _columns(resource, parameters)]
    if "id" not in dict(parameters.sort):
        keys.append((identity, descending, False))
    held = query
    lacks: ColumnElement[bool] | None = None
    if own is not None:
        held = query.join(VALUES, VALUES.c.row_id == identity).where(
            VALUES.c.organization_id == context.organization_id,
            VALUES.c.field_id == own.custom_id,
            VALUES.c.position == 0,
            column_of(own).isnot(None),
            *(holds(own, item) for item in same),  # the walk along the index starts and ends where the filters say
        )
        held_keys, rest = [(column_of(own), descending, False), (VALUES.c.row_id, descending, False)], keys
        lacks = lacking(context, resource, own)
    else:
        column, _down, nullable = keys[0]
        if nullable:
            held, lacks = query.where(column.isnot(None)), column.is_(None)
        held_keys, rest = [(column, descending, False), *keys[1:]], keys[1:]
    without = bool(values) and values[0] is None
    found = [] if without else [_walk(held, held_keys, values)]
    if lacks is not None and not same:
        found.append(_walk(query.where(lacks), rest, values[1:] if without else ()))
    return found


def _columns(resource: Resource, parameters: ListParameters) -> list[tuple[Any, bool]]:
    return [(sort_column(resource, name), down) for name, down in parameters.sort if name not in resource.customs]


def _walk(query: Select[Any], keys: Sequence[Key], values: Sequence[Any]) -> Select[Any]:
    """Return a query in an order, from after some values on."""
    if values:
        query = query.where(_beyond(keys, values))
    for column, descending, nullable in keys:
        if nullable:
            query = query.order_by(column.is_(None))
        query = query.order_by(column.desc() if descending else column.asc())
    return query


def _beyond(keys: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    """Return the predicate of the rows after the cursor, nulls last in both directions."""
    limits = [literal(value, column.type) for (column, _down, _null), value in zip(keys, values, strict=False)]
    if len({down for _column, down, _null in keys}) == 1 and not any(null for _column, _down, null in keys):
        here, there = tuple_(*(column for column, _down, _null in keys)), tuple_(*limits)
        return here < there if keys[0][1] else here > there  # as one row, which the index knows
    clauses: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for (column, descending, nullable), value, limit in zip(keys, values, limits, strict=False):
        if value is not None:
            beyond = column < limit if descending else column > limit
            clauses.append(and_(*equal, or_(beyond, column.is_(None)) if nullable else beyond))
        equal = [*equal, column.is_(None) if value is None else column == limit]
    first, descending, nullable = keys[0]
    if nullable:
        return or_(*clauses)
    return and_(first <= limits[0] if descending else first >= limits[0], or_(*clauses))
