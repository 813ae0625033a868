"""What other rows say to a draft: whether what it refers to is there, and whether what is unique is free."""

from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import and_, case, select
from sqlalchemy.exc import IntegrityError

from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.resource import Resource, Unique
from webapp.core.tenancy import CHECKED, among, missing_references, references, scoped

if TYPE_CHECKING:
    from webapp.core.writes import Draft

Row = dict[str, Any]


def check_references(context: Context, resource: Resource, drafts: list["Draft"]) -> None:
    """Fail the drafts that would refer to what does not exist, is deleted or out of reach: one query."""
    targets = references(resource.table)
    pairs = [
        (target, column, row_id)
        for draft in drafts
        for column, target in targets.items()
        if (row_id := draft.changes.get(column)) is not None and draft.changed(column)
    ]
    missing = {(column, row_id) for _table, column, row_id in missing_references(context.session, pairs)}
    for draft in drafts if missing else ():
        for column in targets:
            if draft.changed(column) and (column, draft[column]) in missing:
                draft.fail(column, _("does not exist"))


def check_unique(context: Context, resource: Resource, drafts: list["Draft"]) -> None:
    """Fail the drafts whose unique values a living row, or an earlier draft, has already: one query a rule."""
    for rule in resource.unique:
        columns = (*rule.within, rule.column)
        wanted: dict[tuple[Any, ...], list[Draft]] = {}
        for draft in drafts:
            value = tuple(draft[column] for column in columns)
            if value[-1] is not None and draft.changed(*columns) and not draft["deleted_at"]:
                wanted.setdefault(value, []).append(draft)
        if wanted:
            _fail_taken(context, resource, rule, columns, wanted)


def _fail_taken(
    context: Context,
    resource: Resource,
    rule: Unique,
    columns: tuple[str, ...],
    wanted: dict[tuple[Any, ...], list["Draft"]],
) -> None:
    table = resource.table
    name = table.c[resource.fields[resource.label].column]
    seen = and_(*reach(context, resource))
    key = table.c[rule.column]
    query = select(table.c.id, case((seen, name)).label("holder"), *[table.c[column] for column in columns]).where(
        scoped(context.session, table), among(context.session, key, {value[-1] for value in wanted})
    )
    if "deleted_at" in table.c:
        query = query.where(table.c.deleted_at.is_(None))
    holders = {tuple(row[c] for c in columns): row for row in _rows(context, query)}
    for value, drafts in wanted.items():
        holder = holders.get(value)
        for position, draft in enumerate(drafts):
            own = draft.current["id"] if draft.current else None
            if holder and holder["id"] != own:
                name = holder["holder"] or _("Something out of your reach")
                draft.fail(rule.field, _("%(name)s has this already.", name=name))
            elif position:
                draft.fail(rule.field, _("This stands twice in what you sent."))


def _rows(context: Context, query: Any) -> list[Row]:
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def taken_meanwhile(resource: Resource, error: IntegrityError) -> Exception:
    """Return the error to show when a constraint refused what the check before it had allowed."""
    text = str(error.orig)  # PostgreSQL names the index alone where rows are secured
    indexes = [index for index in resource.table.indexes if index.unique and str(index.name) in text]
    taken = {column.name for index in indexes for column in index.columns}
    for rule in resource.unique:
        if rule.column in text or rule.column in taken:
            return Invalid({rule.field: [_("Somebody has just taken this.")]})
    return error
