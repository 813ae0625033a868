"""What stands beside the stored columns of a row: the names of what it refers to, its own and its derived values."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.custom import PREFIX, revived
from webapp.core.labels import labels_for
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED

Row = dict[str, Any]


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
