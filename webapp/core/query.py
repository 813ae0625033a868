"""One engine for every list: filters, search, sort and paging, for pages, API, exports and jobs."""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, func, literal, or_, select, tuple_

from webapp.core.context import Context
from webapp.core.custom import PREFIX, VALUES, column_of, having, lacking, revived
from webapp.core.database import key_of
from webapp.core.errors import NotFound
from webapp.core.fields import FaceField, Text, Through
from webapp.core.labels import label_rows, labels_for
from webapp.core.parameters import Filter, ListParameters, encode_cursor, sort_column
from webapp.core.resource import Resource, registry
from webapp.core.search import search_ids, search_rank
from webapp.core.tenancy import CHECKED, below, scoped, within_location_scope
from webapp.core.totals import standing

COUNT_LIMIT = 10_000
HOLDING: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "in": lambda column, value: column.in_(value),
    "after": operator.gt,
    "before": operator.lt,
}
Row = dict[str, Any]


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


def labels_in_reach(
    context: Context, wanted: Mapping[str, Iterable[int | None]]
) -> dict[str, dict[int, dict[str, Any]]]:
    """Return `labels_for` ids, without the names of what lies out of the actor's part of the tree."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for kind, ids in wanted.items():
        resource = registry.resources[kind]
        if not resource.located_by or context.actor.scope_location_id is None:
            found |= labels_for(context, {kind: ids})
            continue
        sent = {row_id for row_id in ids if row_id is not None}
        if sent:
            query = select(resource.table.c.id).where(*reach(context, resource), resource.table.c.id.in_(sorted(sent)))
            sent = set(context.session.execute(query, execution_options=CHECKED).scalars())
        known = labels_for(context, {kind: sent})[kind]
        found[kind] = {row_id: known[row_id] for row_id in sent if row_id in known}
    return found


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
    wanted = [_holds(field, item) for item in filters if item.op in HOLDING]
    if wanted:
        together = [wanted] if field.kind != "codes" else [[one] for one in wanted]
        where += [having(context, resource, field, *some) for some in together]
    for item in filters:
        if item.op == "not":
            where.append(lacking(context, resource, field, column == item.value))
        elif item.op == "empty":
            where.append((lacking if item.value else having)(context, resource, field))
    return where


def _holds(field: FaceField, item: Filter) -> ColumnElement[bool]:
    """Return what a filter by an own field asks of its indexed value."""
    condition: ColumnElement[bool] = HOLDING[item.op](column_of(field), item.value)
    return condition


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


def with_needs(resource: Resource, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the wanted fields and those that the derived ones among them are computed from."""
    needs = [need for name in wanted if name in resource.deriveds for need in resource.deriveds[name].needs]
    return (*wanted, *needs)


def spread_custom(resource: Resource, rows: list[Row]) -> None:
    """Put each row's own values under the names of their fields, and all of them by slug under `custom`."""
    if not rows or "custom" not in rows[0]:
        return
    own = [(name, name.removeprefix(PREFIX), str(i.custom_id), i) for name, i in resource.customs.items()]
    for row in rows:
        stored = row["custom"] or {}
        row["custom"] = {}
        for name, slug, key, item in own:
            row[name] = row["custom"][slug] = revived(item, stored.get(key))


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
        query = _ordered(context, resource, parameters, wanted, where, ranked=ranked)
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
            *(_holds(field, item) for item in same),  # the walk along the index starts and ends where the filters say
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


def _ordered(
    context: Context,
    resource: Resource,
    parameters: ListParameters,
    query: Select[Any],
    where: list[ColumnElement[bool]],
    *,
    ranked: bool = True,
) -> Select[Any]:
    query = query.where(*where)
    if parameters.q and ranked and not parameters.sorted_by_user:
        return query.order_by(*search_rank(resource, parameters.q), resource.table.c.id.desc())
    if parameters.cursor:
        query = query.where(_beyond(resource, parameters))
    for name, descending in parameters.sort:
        column = sort_column(resource, name)
        if column.nullable:
            query = query.order_by(column.is_(None))
        query = query.order_by(column.desc() if descending else column.asc())
    identity = resource.table.c.id
    return query.order_by(identity.desc() if parameters.descending else identity.asc())


def _beyond(resource: Resource, parameters: ListParameters) -> ColumnElement[bool]:
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


def _total(
    context: Context, resource: Resource, parameters: ListParameters, where: list[ColumnElement[bool]]
) -> tuple[int, bool]:
    unfiltered = not (parameters.filters or parameters.q or parameters.deleted or resource.belongs)
    if unfiltered and (resource.located_by is None or context.actor.scope_location_id is None):
        return standing(context.session)[0].get(resource.table.name, 0), False
    inner = select(literal(1)).select_from(resource.table).where(*where).limit(COUNT_LIMIT + 1).subquery()
    counted = context.session.execute(select(func.count()).select_from(inner), execution_options=CHECKED).scalar_one()
    return min(counted, COUNT_LIMIT), counted > COUNT_LIMIT


def add_names(
    context: Context, resource: Resource, rows: list[Row], wanted: tuple[str, ...] | None
) -> Mapping[str, Mapping[int, Mapping[str, Any]]]:
    """Fill each row's name fields from the labels of what it refers to, and return those labels."""
    wanted = None if wanted is None else with_needs(resource, wanted)
    throughs = {
        n: t for n, t in resource.throughs.items() if wanted is None or n in wanted or _named(resource, n, wanted)
    }
    names = {n: i for n, i in resource.names.items() if wanted is None or n in wanted}
    sources = [*(through.of for through in throughs.values()), *(item.of for item in names.values())]
    direct = [column for column in sources if column not in resource.throughs]
    labels = _labels(context, resource, rows, direct)
    for name, through in throughs.items():
        source = labels[str(resource.fields[through.of].target)]
        for row in rows:
            row[name] = (source.get(row.get(through.of) or 0) or {}).get(through.source)
    labels |= _labels(context, resource, rows, [i.of for i in names.values() if i.of in resource.throughs])
    for name, item in names.items():
        known = labels[str(resource.fields[item.of].target)]
        for row in rows:
            label = known.get(row.get(item.of) or 0)
            row[name] = label["label"] if label else None
    for name, derived in resource.deriveds.items():
        if wanted is None or name in wanted:
            for row in rows:
                row[name] = derived.compute(context, row)
    return labels


def _named(resource: Resource, through: str, wanted: tuple[str, ...]) -> bool:
    return any(item.of == through for name, item in resource.names.items() if name in wanted)


def _labels(
    context: Context, resource: Resource, rows: list[Row], columns: list[str]
) -> dict[str, dict[int, dict[str, Any]]]:
    ids: dict[str, set[int | None]] = {}
    for column in columns:
        ids.setdefault(str(resource.fields[column].target), set()).update(row.get(column) for row in rows)
    return labels_in_reach(context, ids)
