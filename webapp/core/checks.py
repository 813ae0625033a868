"""What other rows say to a draft: whether what it refers to is there, and whether what is unique is free."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from flask_babel import gettext as _
from sqlalchemy import Select, Table, Text, and_, case, cast, literal, null, select
from sqlalchemy.exc import IntegrityError

from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.resource import Resource, Unique
from webapp.core.tenancy import among, missing_beside, references, scoped

if TYPE_CHECKING:
    from webapp.core.writes import Draft


Claim = tuple[Unique, tuple[str, ...], dict[tuple[Any, ...], list["Draft"]]]
"""What drafts want for themselves alone: a unique rule, its columns, and {their values: the drafts}."""


def check(context: Context, resource: Resource, drafts: list["Draft"], *, referred: bool = True) -> None:
    """Fail the drafts that want what another living row or an earlier draft has, or refer to what is not there.

    One query finds all of it. Without `referred` nothing is said of references.
    """
    pairs = _pairs(resource, drafts) if referred else []
    claims = _claims(resource, drafts)
    widest = max((len(columns) for _rule, columns, _wanted in claims), default=0)
    queries = [_holders(context, resource, f"#{at}", claim, widest) for at, claim in enumerate(claims)]
    missing, rows = missing_beside(context.session, pairs, queries)
    gone = {(column, row_id) for _table, column, row_id in missing}
    for draft in drafts if gone else ():
        for column in references(resource.table):
            if draft.changed(column) and (column, draft[column]) in gone:
                draft.fail(column, _("does not exist"))
    for at, claim in enumerate(claims):
        _fail_taken(claim, {tuple(row[3 : 3 + len(claim[1])]): row[1:3] for row in rows if row[0] == f"#{at}"})


def _pairs(resource: Resource, drafts: list["Draft"]) -> list[tuple[Table, str, int]]:
    pairs: list[tuple[Table, str, int]] = []
    for column, target in references(resource.table).items():
        said = [draft for draft in drafts if draft.changes.get(column) is not None]
        pairs += ((target, column, row_id) for row_id in {draft[column] for draft in said if draft.changed(column)})
    return pairs


def _claims(resource: Resource, drafts: list["Draft"]) -> list[Claim]:
    claims: list[Claim] = []
    for rule in resource.unique:
        columns = (*rule.within, rule.column)
        wanted: dict[tuple[Any, ...], list[Draft]] = {}
        for draft in drafts:
            value = tuple(draft[column] for column in columns)
            if value[-1] is not None and draft.changed(*columns) and not draft["deleted_at"]:
                wanted.setdefault(value, []).append(draft)
        if wanted:
            claims.append((rule, columns, wanted))
    return claims


def _holders(context: Context, resource: Resource, mark: str, claim: Claim, widest: int) -> Select[Any]:
    """Return the query of (mark, id, name if it is in reach, the columns as text) of who has what is wanted."""
    table, (rule, columns, wanted) = resource.table, claim
    name = table.c[resource.fields[resource.label].column]
    holder = cast(case((and_(*reach(context, resource)), name)), Text)
    shown = [cast(table.c[column], Text) for column in columns]
    keys = {value[-1] for value in wanted}
    query = select(literal(mark), table.c.id, holder, *shown, *[null()] * (widest - len(shown))).where(
        scoped(context.session, table), among(context.session, table.c[rule.column], keys)
    )
    return query.where(table.c.deleted_at.is_(None)) if "deleted_at" in table.c else query


def _fail_taken(claim: Claim, holders: Mapping[tuple[str, ...], Sequence[Any]]) -> None:
    rule, _columns, wanted = claim
    for value, drafts in wanted.items():
        holder = holders.get(tuple(map(str, value)))
        for position, draft in enumerate(drafts):
            own = draft.current["id"] if draft.current else None
            if holder and holder[0] != own:
                name = holder[1] or _("Something out of your reach")
                draft.fail(rule.field, _("%(name)s has this already.", name=name))
            elif position:
                draft.fail(rule.field, _("This stands twice in what you sent."))


def taken_meanwhile(resource: Resource, error: IntegrityError) -> Exception:
    """Return the error to show when a constraint refused what the check before it had allowed."""
    text = str(error.orig)  # PostgreSQL names the index alone where rows are secured
    indexes = [index for index in resource.table.indexes if index.unique and str(index.name) in text]
    taken = {column.name for index in indexes for column in index.columns}
    for rule in resource.unique:
        if rule.column in text or rule.column in taken:
            return Invalid({rule.field: [_("Somebody has just taken this.")]})
    return error
