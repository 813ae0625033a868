"""What stands beside the stored columns of a row: the names of what it refers to, its own and its derived values."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import select

from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.custom import PREFIX, revived
from webapp.core.fields import Derived
from webapp.core.labels import labels_for
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED

Row = dict[str, Any]


def add_names(
    context: Context, resource: Resource, rows: list[Row], wanted: tuple[str, ...] | None
) -> Mapping[str, Mapping[int, Mapping[str, Any]]]:
    """Fill each row's name fields from the labels of what it refers to, and return those labels."""
    throughs, direct, indirect, deriveds = _plan(resource, wanted)
    labels = _labels(
        context, rows, [*((of, kind) for _n, of, _s, kind in throughs), *((of, k) for _n, of, k in direct)]
    )
    for name, of, source, kind in throughs:
        known = labels[kind]
        for row in rows:
            label = known.get(row.get(of))
            row[name] = label.get(source) if label else None
    for kind, more in _labels(context, rows, [(of, kind) for _name, of, kind in indirect]).items():
        labels[kind] = more if labels.get(kind, more) is more else {**labels[kind], **more}
    for name, of, kind in (*direct, *indirect):
        known = labels[kind]
        for row in rows:
            label = known.get(row.get(of))
            row[name] = label["label"] if label else None
    for name, derived in deriveds:
        for row in rows:
            row[name] = derived.compute(context, row)
    return labels


Plan = tuple[
    list[tuple[str, str, str, str]], list[tuple[str, str, str]], list[tuple[str, str, str]], list[tuple[str, Derived]]
]


@lru_cache(maxsize=500)
def _plan(resource: Resource, wanted: tuple[str, ...] | None) -> Plan:
    """Return (name, of, source, kind) of throughs, (name, of, kind) of names, those of throughs apart, and deriveds."""
    if wanted is not None:
        wanted = with_needs(resource, wanted)
    names = [
        (name, item.of, str(resource.fields[item.of].target))
        for name, item in resource.names.items()
        if wanted is None or name in wanted
    ]
    named = {of for _name, of, _kind in names}
    throughs = [
        (name, through.of, through.source, str(resource.fields[through.of].target))
        for name, through in resource.throughs.items()
        if wanted is None or name in wanted or name in named
    ]
    direct = [found for found in names if found[1] not in resource.throughs]
    indirect = [found for found in names if found[1] in resource.throughs]
    return throughs, direct, indirect, [(n, d) for n, d in resource.deriveds.items() if wanted is None or n in wanted]


def _labels(
    context: Context, rows: list[Row], columns: Iterable[tuple[str, str]]
) -> dict[str, Mapping[Any, Mapping[str, Any]]]:
    """Return the labels that (column, kind) of some rows need; of cached kinds all are at hand anyway."""
    everywhere = context.actor.scope_location_id is None
    ids: dict[str, set[Any]] = {}
    for column, kind in columns:
        needed = ids.setdefault(kind, set())
        if not (everywhere and registry.resources[kind].cached):
            needed.update([row.get(column) for row in rows])
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
