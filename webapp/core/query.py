"""One engine for every list: filters, search, sort and paging, for pages, API, exports and jobs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_

from webapp.core.conditions import HOLDING, conditions, holds, reach
from webapp.core.context import Context
from webapp.core.custom import VALUES, column_of, lacking
from webapp.core.errors import NotFound
from webapp.core.fields import FaceField
from webapp.core.labels import label_rows, labels_for
from webapp.core.naming import Row, add_names, spread_custom, with_needs
from webapp.core.ordering import ordered
from webapp.core.parameters import ListParameters, encode_cursor, sort_column
from webapp.core.resource import Resource
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


def list_rows(
    context: Context, resource: Resource, parameters: ListParameters, *, fields: tuple[str, ...] | None = None
) -> Listing:
    """Return one page of rows with the names of what they refer to."""
    hits, more = (None, False)
    if parameters.q:
        hits, more = search_ids(context, resource, parameters.q, gone=parameters.deleted)
    where = conditions(context, resource, parameters, hits)
    wanted = _select(resource, fields or parameters.fields, parameters.sort)
    skip = 0 if parameters.cursor else (parameters.page - 1) * parameters.per_page
    found = _rows(context, resource, parameters, wanted, where, parameters.per_page + 1, skip)
    rows = found[: parameters.per_page]
    total, capped = _total(context, resource, parameters, where)
    cursor = encode_cursor(parameters.sort, rows[-1], resource) if len(found) > len(rows) and not parameters.q else None
    labels = add_names(context, resource, rows, fields or parameters.fields)
    return Listing(rows, total, capped or more, parameters.page, parameters.per_page, cursor, labels)


def stream_rows(
    context: Context, resource: Resource, parameters: ListParameters, *, chunk: int = 1000
) -> Iterator[list[Row]]:
    """Yield every row that a list would show, in its order, a chunk at a time by keyset."""
    hits = search_ids(context, resource, parameters.q, gone=parameters.deleted)[0] if parameters.q else None
    where = conditions(context, resource, parameters, hits)
    wanted = _select(resource, parameters.fields, parameters.sort)
    page = parameters
    while True:
        rows = _rows(context, resource, page, wanted, where, chunk, ranked=False)
        if rows:
            page = parameters.following(resource, rows[-1])
            add_names(context, resource, rows, parameters.fields)
            yield rows
        if len(rows) < chunk:
            return


def get_row(context: Context, resource: Resource, row_id: int, *, deleted: bool = False) -> Row:
    """Return one row with names; raises NotFound for what is foreign, out of scope, or (by default) deleted."""
    where = [*reach(context, resource), resource.table.c.id == row_id]
    if not deleted and "deleted_at" in resource.table.c:
        where.append(resource.table.c.deleted_at.is_(None))
    rows = _fetch(context, _select(resource, None).where(*where))
    spread_custom(resource, rows)
    if not rows:
        raise NotFound(f"there is no {resource.name} {row_id}")
    add_names(context, resource, rows, None)
    return rows[0]


def existing_ids(context: Context, resource: Resource, ids: list[int]) -> list[int]:
    """Return those ids that are living rows in the actor's reach."""
    where = [*reach(context, resource), resource.table.c.id.in_(ids)]
    if "deleted_at" in resource.table.c:
        where.append(resource.table.c.deleted_at.is_(None))
    query = select(resource.table.c.id).where(*where)
    return list(context.session.execute(query, execution_options=CHECKED).scalars())


def matching_ids(context: Context, resource: Resource, parameters: ListParameters, limit: int) -> list[int]:
    """Return the ids of at most `limit` rows that a list would show, the lowest first."""
    hits = search_ids(context, resource, parameters.q, gone=parameters.deleted)[0] if parameters.q else None
    identity = resource.table.c.id
    query = select(identity).where(*conditions(context, resource, parameters, hits)).order_by(identity).limit(limit)
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
        parameters = ListParameters(sort=((resource.label, False),), q=q)
        hits = search_ids(context, resource, q)[0] if q else None
        where = [*conditions(context, resource, parameters, hits), *([] if narrowed is None else [narrowed])]
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


def _fetch(context: Context, query: Select[Any]) -> list[Row]:
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def _rows(
    context: Context,
    resource: Resource,
    parameters: ListParameters,
    wanted: Select[Any],
    where: list[ColumnElement[bool]],
    limit: int,
    skip: int = 0,
    *,
    ranked: bool = True,
) -> list[Row]:
    """Return rows in order, with the organization's own values under their names."""
    by_rank = parameters.q and ranked and not parameters.sorted_by_user
    own = resource.customs.get(parameters.sort[0][0])
    if own is None or by_rank:
        query = ordered(resource, parameters, wanted, where, ranked=ranked)
        rows = _fetch(context, query.limit(limit).offset(skip))
    else:
        rows = _by_custom(context, resource, parameters, wanted.where(*where), own, limit, skip)
    spread_custom(resource, rows)
    return rows


def _by_custom(
    context: Context,
    resource: Resource,
    parameters: ListParameters,
    query: Select[Any],
    field: FaceField,
    limit: int,
    skip: int,
) -> list[Row]:
    """Return rows in the order of an own field: those with a value along its index, then the rest.

    Both parts read no more rows than they give, at a million too; one query over both would sort them all.
    """
    identity, column, descending = resource.table.c.id, column_of(field), parameters.descending
    value, last = parameters.cursor or (None, None)
    rows: list[Row] = []
    same = [item for item in parameters.filters if resource.fields[item.field] is field and item.op in HOLDING]
    if last is None or value is not None:
        held = query.join(VALUES, VALUES.c.row_id == identity).where(
            VALUES.c.organization_id == context.organization_id,
            VALUES.c.field_id == field.custom_id,
            VALUES.c.position == 0,
            *(holds(field, item) for item in same),  # the walk along the index starts and ends where the filters say
        )
        if last is not None:  # compared as a pair, which the index knows: thousands may have the same value
            here, there = tuple_(column, VALUES.c.row_id), tuple_(literal(value, column.type), literal(last))
            held = held.where(here < there if descending else here > there)
        order = (column.desc(), VALUES.c.row_id.desc()) if descending else (column, VALUES.c.row_id)
        rows = _fetch(context, held.order_by(*order).limit(limit).offset(skip))
        if len(rows) == limit or same:
            return rows
        if not rows and skip:
            skip -= context.session.execute(
                select(func.count()).select_from(held.subquery()), execution_options=CHECKED
            ).scalar_one()
        else:
            skip = 0
        last = None
    rest = query.where(lacking(context, resource, field))
    if last is not None:
        rest = rest.where(identity < last if descending else identity > last)
    order_of_rest = identity.desc() if descending else identity.asc()
    return rows + _fetch(context, rest.order_by(order_of_rest).limit(limit - len(rows)).offset(max(0, skip)))


def _total(
    context: Context, resource: Resource, parameters: ListParameters, where: list[ColumnElement[bool]]
) -> tuple[int, bool]:
    unfiltered = not (parameters.filters or parameters.q or parameters.deleted or resource.belongs)
    if unfiltered and (resource.located_by is None or context.actor.scope_location_id is None):
        return standing(context.session)[0].get(resource.table.name, 0), False
    inner = select(literal(1)).select_from(resource.table).where(*where).limit(COUNT_LIMIT + 1).subquery()
    counted = context.session.execute(select(func.count()).select_from(inner), execution_options=CHECKED).scalar_one()
    return min(counted, COUNT_LIMIT), counted > COUNT_LIMIT
