"""The names of referenced things: small kinds from a cache an organization, large kinds by one query a page."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Table, select

from webapp.core.context import Context
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.totals import standing

LabelRow = dict[str, Any]
_cache: dict[tuple[int, str], tuple[str, dict[int, LabelRow]]] = {}
CACHED_ORGANIZATIONS = 2_000


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
    """Return {kind: {id: {"label", …}}} for the ids that a page needs."""
    found = {}
    for kind, ids in wanted.items():
        resource = registry.resources[kind]
        if resource.cached:
            found[kind] = label_rows(context, kind)
        else:
            needed = sorted({row_id for row_id in ids if row_id is not None})
            found[kind] = _read(context, resource, needed) if needed else {}
    return found


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
