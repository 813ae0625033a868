"""What stands beside the stored columns of a row: the names of what it refers to, its own and its derived values."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from webapp.core.compiled import Columns, rows_of
from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.custom import PREFIX, revived
from webapp.core.fields import Derived
from webapp.core.labels import labels_for
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED


def add_names(
    context: Context, resource: Resource, columns: Columns, wanted: tuple[str, ...] | None
) -> Mapping[str, Mapping[int, Mapping[str, Any]]]:
    """Add the name fields from the labels of what the columns refer to, and return those labels."""
    throughs, direct, indirect, deriveds = _plan(resource, wanted)
    nothing = (None,) * height(columns)
    labels = _labels(context, columns, [*throughs, *direct])
    for name, of, source, kind in throughs:
        known = labels[kind]
        columns[name] = [known[i].get(source) if i in known else None for i in columns.get(of, nothing)]
    for kind, more in _labels(context, columns, indirect).items():
        labels[kind] = more if labels.get(kind, more) is more else {**labels[kind], **more}
    for name, of, source, kind in (*direct, *indirect):
        known = labels[kind]
        columns[name] = [known[i][source] if i in known else None for i in columns.get(of, nothing)]
    for name, derived in deriveds:
        needed = rows_of({need: columns.get(need, nothing) for need in derived.needs})
        columns[name] = [derived.compute(context, row) for row in needed]
    return labels


def height(columns: Columns) -> int:
    """Return how many rows some columns have."""
    return len(next(iter(columns.values()), ()))


Told = tuple[str, str, str, str]
Plan = tuple[list[Told], list[Told], list[Told], list[tuple[str, Derived]]]


@lru_cache(maxsize=500)
def _plan(resource: Resource, wanted: tuple[str, ...] | None) -> Plan:
    """Return (name, of, source, kind) of throughs, of names, and of names of throughs; and the deriveds."""
    if wanted is not None:
        wanted = with_needs(resource, wanted)
    names = [
        (name, item.of, "label", str(resource.fields[item.of].target))
        for name, item in resource.names.items()
        if wanted is None or name in wanted
    ]
    named = {of for _name, of, _source, _kind in names}
    throughs = [
        (name, through.of, through.source, str(resource.fields[through.of].target))
        for name, through in resource.throughs.items()
        if wanted is None or name in wanted or name in named
    ]
    direct = [found for found in names if found[1] not in resource.throughs]
    indirect = [found for found in names if found[1] in resource.throughs]
    return throughs, direct, indirect, [(n, d) for n, d in resource.deriveds.items() if wanted is None or n in wanted]


def _labels(context: Context, columns: Columns, references: list[Told]) -> dict[str, Mapping[Any, Mapping[str, Any]]]:
    """Return the labels that references need; of cached kinds all are at hand anyway."""
    everywhere = context.actor.scope_location_id is None
    ids: dict[str, set[Any]] = {}
    for _name, column, _source, kind in references:
        needed = ids.setdefault(kind, set())
        if not (everywhere and registry.resources[kind].cached):
            needed.update(columns.get(column, ()))
    return dict(labels_in_reach(context, ids))


def labels_in_reach(
    context: Context, wanted: Mapping[str, Iterable[int | None]]
) -> dict[str, dict[int, dict[str, Any]]]:
    """Return `labels_for` ids, without the names of what lies out of the actor's part of the tree."""
    if context.actor.scope_location_id is None:
        return labels_for(context, wanted)
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for kind, ids in wanted.items():
        resource = registry.resources[kind]
        if not resource.located_by:
            found |= labels_for(context, {kind: ids})
            continue
        sent = {row_id for row_id in ids if row_id is not None}
        if sent:
            query = select(resource.table.c.id).where(*reach(context, resource), resource.table.c.id.in_(sorted(sent)))
            sent = set(context.session.execute(query, execution_options=CHECKED).scalars())
        known = labels_for(context, {kind: sent})[kind]
        found[kind] = {row_id: known[row_id] for row_id in sent if row_id in known}
    return found


def with_needs(resource: Resource, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the wanted fields and those that the derived ones among them are computed from."""
    needs = [need for name in wanted if name in resource.deriveds for need in resource.deriveds[name].needs]
    return (*wanted, *needs)


def spread_custom(resource: Resource, columns: Columns) -> None:
    """Put own values under the names of their fields, and all of a row by slug under `custom`."""
    if "custom" not in columns:
        return
    stored = [values or {} for values in columns["custom"]]
    for name, item in resource.customs.items():
        key = str(item.custom_id)
        columns[name] = [revived(item, own.get(key)) for own in stored]
    slugs = {name.removeprefix(PREFIX): columns[name] for name in resource.customs}
    columns["custom"] = rows_of(slugs) if slugs else [{} for _own in stored]
