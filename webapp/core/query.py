"""One engine for every list: filters, search, sort and paging, for pages, API, exports and jobs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Dialect, Select, func, literal, literal_column, select
from sqlalchemy.types import TypeDecorator

from webapp.core.compiled import Columns, Row, fetch, fetch_columns, rows_of
from webapp.core.conditions import conditions, decided_by_values, reach
from webapp.core.context import Context
from webapp.core.database import Id
from webapp.core.errors import NotFound
from webapp.core.labels import keep_names, label_rows, labels_for
from webapp.core.naming import add_names, height, spread_custom, with_needs
from webapp.core.ordering import stretches
from webapp.core.parameters import ListParameters, encode_cursor, sort_column
from webapp.core.resource import Resource, registry
from webapp.core.search import search_ids
from webapp.core.tenancy import CHECKED
from webapp.core.totals import standing

COUNT_LIMIT = 10_000


@dataclass
class Listing:
    """One page of a list, and where it stands in the whole."""

    rows: list[Row]
    total: int
    total_capped: bool
    page: int
    per_page: int
    next_cursor: str | None = None
    labels: Mapping[str, Mapping[int, Mapping[str, Any]]] = field(default_factory=dict)

    @property
    def total_pages(self) -> int:
        """Return the number of pages that the known total makes."""
        return max(1, -(-self.total // self.per_page))


def searched(context: Context, resource: Resource, parameters: ListParameters) -> ListParameters:
    """Return parameters with what their search finds."""
    if not parameters.q:
        return parameters
    return replace(parameters, hits=search_ids(context, resource, parameters.q, gone=parameters.deleted))


def list_rows(
    context: Context, resource: Resource, parameters: ListParameters, *, fields: tuple[str, ...] | None = None
) -> Listing:
    """Return one page of rows with the names of what they refer to."""
    parameters = searched(context, resource, parameters)
    if fields is not None:
        parameters = replace(parameters, fields=fields)
    skip = 0 if parameters.cursor else (parameters.page - 1) * parameters.per_page
    found = _columns(context, resource, parameters, parameters.per_page + 1, skip)
    columns = {name: values[: parameters.per_page] for name, values in found.items()}
    count = height(found)
    seen = skip + count if not parameters.cursor and count <= parameters.per_page and (count or not skip) else None
    total, capped = _total(context, resource, parameters, seen)
    labels = add_names(context, resource, columns, parameters.fields)
    rows = rows_of(columns)
    cursor = encode_cursor(parameters.sort, rows[-1], resource) if count > len(rows) and not parameters.q else None
    more = parameters.hits is not None and parameters.hits.more
    return Listing(rows, total, capped or more, parameters.page, parameters.per_page, cursor, labels)


def stream_columns(
    context: Context, resource: Resource, parameters: ListParameters, *, chunk: int = 1000
) -> Iterator[Columns]:
    """Yield the columns of every row that a list would show, in its order, a chunk of rows at a time by keyset."""
    page = parameters = searched(context, resource, parameters)
    keep_names(context)
    while True:
        columns = _columns(context, resource, page, chunk, ranked=False)
        if count := height(columns):
            page = parameters.following(resource, {name: values[-1] for name, values in columns.items()})
            add_names(context, resource, columns, parameters.fields)
            yield columns
        if count < chunk:
            return


def get_row(context: Context, resource: Resource, row_id: int, *, deleted: bool = False) -> Row:
    """Return one row with names; raises NotFound for what is foreign, out of scope, or (by default) deleted."""

    def build(values: Sequence[Any]) -> Select[Any]:
        where = [*reach(context, resource), resource.table.c.id == values[0]]
        if not deleted and "deleted_at" in resource.table.c:
            where.append(resource.table.c.deleted_at.is_(None))
        return _select(resource, None).where(*where)

    shape = _shape(context, resource, ListParameters(), "row", deleted)
    columns = _just_written(context, resource, row_id) or fetch_columns(context.session, shape, (row_id,), build)
    spread_custom(resource, columns)
    if not height(columns):
        raise NotFound(f"there is no {resource.name} {row_id}")
    add_names(context, resource, columns, None)
    return rows_of(columns)[0]


def _just_written(context: Context, resource: Resource, row_id: int) -> Columns:
    """Return the row that the transaction wrote last as the database would give it back, if it is this living one.

    For who sees a part of the tree only, the database says whether the row is still in it.
    """
    written: tuple[Any, int, Row] = context.session.info.get("written") or (None, 0, {})
    table, known, values = written
    narrowed = context.session.info.get("scope_location_id") is not None or resource.belongs is not None
    if table is not resource.table or known != row_id or narrowed or values.get("deleted_at"):
        return {}
    dialect = context.session.get_bind().dialect
    kept = [(name, item.column, table.c[item.column].type) for name, item in resource.stored.items()]
    return {name: (_as_read(values[column], kind, dialect),) for name, column, kind in kept}


def _as_read(value: Any, kind: Any, dialect: Dialect) -> Any:
    if value is None or not isinstance(kind, TypeDecorator):
        return value
    return kind.process_result_value(kind.process_bind_param(value, dialect), dialect)


def existing_ids(context: Context, resource: Resource, ids: list[int]) -> list[int]:
    """Return those ids that are living rows in the actor's reach."""
    where = [*conditions(context, resource, ListParameters()), resource.table.c.id.in_(ids)]
    query = select(resource.table.c.id).where(*where)
    return list(context.session.execute(query, execution_options=CHECKED).scalars())


def matching_ids(context: Context, resource: Resource, parameters: ListParameters, limit: int) -> list[int]:
    """Return the ids of at most `limit` rows that a list would show, the lowest first."""
    identity, parameters = resource.table.c.id, searched(context, resource, parameters)
    query = select(identity).where(*conditions(context, resource, parameters)).order_by(identity).limit(limit)
    return list(context.session.execute(query, execution_options=CHECKED).scalars())


def choices(
    context: Context,
    resource: Resource,
    q: str = "",
    *,
    limit: int = 200,
    only: set[int] | None = None,
    offered: bool = False,
) -> list[tuple[int, str]]:
    """Return (id, name) of living rows in reach for a picker, by name; `only` narrows them further.

    `offered` leaves out what the resource does not offer for new references, such as places out of use.
    """
    narrowed = resource.offered(context) if offered else None
    if resource.cached and resource.located_by is None and narrowed is None:
        needle, rows = q.casefold(), label_rows(context, resource.name)
        named = [(i, str(r["label"])) for i, r in rows.items() if not r.get("deleted_at")]
        named = [pair for pair in named if needle in pair[1].casefold()]
    else:
        parameters = searched(context, resource, ListParameters(sort=((resource.label, False),), q=q))
        where = [*conditions(context, resource, parameters), *([] if narrowed is None else [narrowed])]
        order = sort_column(resource, resource.label)
        query = select(resource.table.c.id).where(*where).order_by(order).limit(limit + 1 if only is None else 10_000)
        ids = list(context.session.execute(query, execution_options=CHECKED).scalars())
        known = labels_for(context, {resource.name: ids})[resource.name]
        named = [(row_id, str(known[row_id]["label"])) for row_id in ids]
    found = [pair for pair in named if only is None or pair[0] in only]
    return sorted(found, key=lambda pair: pair[1].casefold())[:limit]


def _select(resource: Resource, wanted: tuple[str, ...] | None, sort: tuple[tuple[str, bool], ...] = ()) -> Select[Any]:
    names = resource.stored
    if wanted is not None:
        wanted = with_needs(resource, (*wanted, *(name for name, _descending in sort)))
        needed = {"id", resource.label, *wanted, *(resource.names[n].of for n in wanted if n in resource.names)}
        needed |= {resource.throughs[n].of for n in needed if n in resource.throughs}
        needed |= {n for n in ("version", "deleted_at", "currency", "updated_at") if n in resource.stored}
        needed |= {"custom" for name in wanted if name in resource.customs}
        names = {name: item for name, item in resource.stored.items() if name in needed}
    return select(*[resource.table.c[item.column].label(name) for name, item in names.items()])


def _shape(context: Context, resource: Resource, parameters: ListParameters, *more: Any) -> tuple[Any, ...] | None:
    """Return what the text of a list's statements comes from; None for what depends on more, such as who asks.

    Where own fields play no part the statement is the same for every organization.
    """
    if resource.belongs:
        return None
    plain = parameters.named.isdisjoint(resource.customs)
    kind = registry.resources.get(resource.name, resource) if plain else resource
    return (kind, parameters.shape, context.session.info.get("scope_location_id"), *more)


def _cut(query: Select[Any], limit: int, skip: Any) -> Select[Any]:
    """Return a query of a stretch of its rows; how long is text, so that the database plans for it."""
    query = query.limit(literal_column(str(limit)))
    return query if skip is None else query.offset(literal(skip, Id))


def _count(context: Context, query: Select[Any]) -> int:
    counted = select(func.count()).select_from(query.order_by(None).subquery())
    return int(context.session.execute(counted, execution_options=CHECKED).scalar_one())


def _columns(
    context: Context, resource: Resource, parameters: ListParameters, limit: int, skip: int = 0, *, ranked: bool = True
) -> Columns:
    """Return the columns of rows in order, with the organization's own values under their names."""

    def part_of(values: Sequence[Any], part: int) -> Select[Any] | None:
        given = parameters.filled(values)
        wanted = _select(resource, parameters.fields, parameters.sort).where(*conditions(context, resource, given))
        parts = stretches(context, resource, given, wanted, ranked=ranked)
        return parts[part] if part < len(parts) else None

    columns: Columns = {}
    for part in (0, 1):
        left = limit - height(columns)

        def build(values: Sequence[Any], part: int = part, left: int = left) -> Select[Any] | None:
            query = part_of(values, part)
            return None if query is None else _cut(query, left, values[-1])

        shape = _shape(context, resource, parameters, "page", ranked, part, left)
        values, anew = (*parameters.values, skip or None), bool(parameters.filters)
        found = fetch_columns(context.session, shape, values, build, anew=anew)
        columns = {name: (*columns.get(name, ()), *more) for name, more in found.items()} or columns
        if height(columns) == limit:
            break
        first = part_of(values, 0) if skip and not height(found) and part == 0 else None
        skip = 0 if first is None else skip - _count(context, first)
    spread_custom(resource, columns)
    return columns


def _total(context: Context, resource: Resource, parameters: ListParameters, seen: int | None) -> tuple[int, bool]:
    """Return how many rows a list has, counted to 10,000, and whether it has more; `seen` are all that there are."""
    unfiltered = not (parameters.filters or resource.belongs)
    if unfiltered and (resource.located_by is None or context.actor.scope_location_id is None):
        if parameters.hits is not None:
            return parameters.hits.count, False
        if not parameters.deleted:
            return standing(context.session)[0].get(resource.table.name, 0), False

    def build(values: Sequence[Any]) -> Select[Any]:
        given = parameters.filled(values)
        inner = decided_by_values(context, resource, given)
        if inner is None:
            where = conditions(context, resource, given)
            inner = select(literal(1)).select_from(resource.table).where(*where)
        return select(func.count().label("count")).select_from(inner.limit(COUNT_LIMIT + 1).subquery())

    if seen is None:
        shape = _shape(context, resource, parameters, "total")
        seen = int(fetch(context.session, shape, parameters.values, build, anew=True)[0]["count"])
    return min(seen, COUNT_LIMIT), seen > COUNT_LIMIT
