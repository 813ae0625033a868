"""The names of referenced things: small kinds from a cache an organization, large kinds by one query a page."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, cast, literal_column, null, select, union_all

from webapp.core.compiled import fetch
from webapp.core.context import Context
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, among, scoped
from webapp.core.totals import standing

LabelRow = dict[str, Any]
_cache: dict[tuple[int, str], tuple[str, dict[int, LabelRow]]] = {}
_asked: dict[tuple[int, str], tuple[str, dict[int, LabelRow]]] = {}
CACHED_ORGANIZATIONS, KEPT_NAMES = 2_000, 4_000


def label_rows(context: Context, kind: str) -> dict[int, LabelRow]:
    """Return {id: {"label", …}} of every row, deleted ones too, of a cached kind."""
    resource = registry.resources[kind]
    if resource.table.name in context.session.info.get("touched", ()):
        return _read(context, resource, None)
    version = standing(context.session)[1].get(kind, "")
    known = _cache.get((context.organization_id, kind))
    if known and known[0] == version:
        return known[1]
    rows = _read(context, resource, None)
    if len(_cache) > CACHED_ORGANIZATIONS:
        _cache.clear()
    _cache[context.organization_id, kind] = (version, rows)
    return rows


def labels_for(context: Context, wanted: Mapping[str, Iterable[int | None]]) -> dict[str, dict[int, LabelRow]]:
    """Return {kind: {id: {"label", …}}} for the ids that a page needs: one statement for all large kinds."""
    found, large = {}, {}
    for kind, ids in wanted.items():
        if registry.resources[kind].cached:
            found[kind] = label_rows(context, kind)
        else:
            large[kind] = set(ids) - {None}
    return found | _large(context, large)


def keep_names(context: Context) -> None:
    """Have a session that reads many pages of one list keep the names of large kinds, which the pages share."""
    context.session.info["kept_names"] = {}


def _large(context: Context, wanted: dict[str, set[Any]]) -> dict[str, dict[int, LabelRow]]:
    missing: dict[str, list[int]] = {}
    found = {}
    for kind, ids in wanted.items():
        found[kind] = kept = _memory(context, registry.resources[kind])
        if "looked_at" in context.session.info:
            kept |= _looked_at(context, registry.resources[kind], ids - kept.keys())
        if new := ids - kept.keys():
            missing[kind] = sorted(new)
    for kind in [kind for kind in missing if registry.resources[kind].belongs]:
        found[kind] |= _read(context, registry.resources[kind], missing.pop(kind))
    for kind, rows in _read_all(context, missing).items():
        found[kind] |= rows
    return found


def _memory(context: Context, resource: Resource) -> dict[int, LabelRow]:
    """Return where the names of a large kind are kept: by a session that keeps them, by the process, or not at all."""
    session, version, place = context.session, "", (context.organization_id, resource.name)
    memory = session.info.get("kept_names")
    if memory is None:
        if not resource.remembered or resource.table.name in session.info.get("touched", ()):
            return {}
        memory, version = _asked, standing(session)[1].get(resource.name, "")
        if place not in memory and sum([len(rows) for _version, rows in memory.values()]) > KEPT_NAMES:
            memory.clear()
    if place not in memory or memory[place][0] != version or len(memory[place][1]) > KEPT_NAMES:
        memory[place] = (version, {})
    rows: dict[int, LabelRow] = memory[place][1]
    return rows


def _looked_at(context: Context, resource: Resource, ids: set[Any]) -> dict[int, LabelRow]:
    """Return the names of those rows that a plan has read in this transaction, unless it has written the kind since."""
    read = context.session.info.get("looked_at", {}).get(resource.name, {})
    if resource.table.name in context.session.info.get("touched", ()):
        return {}
    label, names = resource.fields[resource.label].column, _columns_of((resource,))[1][0][2:]
    rows = {i: {"id": i, "label": read[i][label], **{n: read[i][n] for n in names}} for i in ids & read.keys()}
    resource.build_labels(rows)
    return rows


def _read_all(context: Context, wanted: dict[str, list[int]]) -> dict[str, dict[int, LabelRow]]:
    """Return the names of rows of several kinds by one statement; a kind has nothing in the others' columns."""
    if not wanted:
        return {}
    resources = [registry.resources[kind] for kind in wanted]
    others, shown = _columns_of(tuple(resources))

    def build(values: Sequence[Any]) -> Any:
        parts = []
        for number, (resource, ids) in enumerate(zip(resources, values, strict=True)):
            table = resource.table
            columns = [table.c.id, table.c[resource.fields[resource.label].column].label("label")]
            columns += [(table.c[n] if n in table.c else cast(null(), kind)).label(n) for n, kind in others.items()]
            inside = scoped(context.session, table), among(context.session, table.c.id, ids)
            parts.append(select(literal_column(str(number)).label("number"), *columns).where(*inside))
        return union_all(*parts) if len(parts) > 1 else parts[0]

    found: dict[str, dict[int, LabelRow]] = {kind: {} for kind in wanted}
    for row in fetch(context.session, ("labels", *wanted), [*wanted.values()], build):
        number = row["number"]
        found[resources[number].name][row["id"]] = {name: row[name] for name in shown[number]}
    for resource in resources:
        resource.build_labels(found[resource.name])
    return found


@lru_cache(maxsize=200)
def _columns_of(resources: tuple[Resource, ...]) -> tuple[dict[str, Any], list[tuple[str, ...]]]:
    """Return {column: type} of what some kinds have beside id and label, and the names of each kind's own."""
    own = [[n for n in (*r.label_columns, "deleted_at") if n in r.table.c] for r in resources]
    others = {name: r.table.c[name].type for r, names in zip(resources, own, strict=True) for name in names}
    return others, [("id", "label", *names) for names in own]


def label_of(context: Context, kind: str, row_id: int) -> str:
    """Return the name of one row, or its number when there is none."""
    row = labels_for(context, {kind: [row_id]})[kind].get(row_id)
    return str(row["label"]) if row else f"#{row_id}"


def _read(context: Context, resource: Resource, ids: list[int] | None) -> dict[int, LabelRow]:
    table: Table = resource.table
    columns = [table.c.id, table.c[resource.fields[resource.label].column].label("label")]
    columns += [table.c[name] for name in resource.label_columns]
    if "deleted_at" in table.c:
        columns.append(table.c.deleted_at)
    inside = resource.belongs(context) if resource.belongs else scoped(context.session, table)
    query = select(*columns).where(inside)
    if ids is not None:
        query = query.where(table.c.id.in_(ids))
    rows = {row["id"]: dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()}
    resource.build_labels(rows)
    return rows
