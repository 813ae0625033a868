"""In which order a list stands, and where it goes on after a cursor."""

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, literal, or_

from webapp.core.parameters import ListParameters, sort_column
from webapp.core.resource import Resource
from webapp.core.search import search_rank


def ordered(
    resource: Resource,
    parameters: ListParameters,
    query: Select[Any],
    where: list[ColumnElement[bool]],
    *,
    ranked: bool = True,
) -> Select[Any]:
    """Return a query of rows in their order, from the cursor on; hits of a search the best first."""
    query = query.where(*where)
    if parameters.q and ranked and not parameters.sorted_by_user:
        return query.order_by(*search_rank(resource, parameters.q), resource.table.c.id.desc())
    if parameters.cursor:
        query = query.where(beyond(resource, parameters))
    for name, descending in parameters.sort:
        column = sort_column(resource, name)
        if column.nullable:
            query = query.order_by(column.is_(None))
        query = query.order_by(column.desc() if descending else column.asc())
    identity = resource.table.c.id
    return query.order_by(identity.desc() if parameters.descending else identity.asc())


def beyond(resource: Resource, parameters: ListParameters) -> ColumnElement[bool]:
    """Return the predicate of the rows after the cursor, nulls last in both directions."""
    table: Table = resource.table
    assert parameters.cursor is not None  # noqa: S101 the caller has looked
    keys = [(sort_column(resource, name), descending) for name, descending in parameters.sort]
    keys.append((table.c.id, parameters.descending))
    values = parameters.cursor
    clauses: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for (column, descending), value in zip(keys, values, strict=True):
        if value is not None:
            limit = literal(value, column.type)
            beyond = column < limit if descending else column > limit
            clauses.append(and_(*equal, or_(beyond, column.is_(None)) if column.nullable else beyond))
        equal = [*equal, column.is_(None) if value is None else column == value]
    condition = or_(*clauses)
    first, descending = keys[0]
    if values[0] is not None and not first.nullable:
        limit = literal(values[0], first.type)
        condition = and_(first <= limit if descending else first >= limit, condition)
    return condition
