"""What follows from the deletion of an own field: its words are no longer found, and after 30 days its values go."""

from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, delete, select, update

from webapp.catalog.custom_fields import FIELDS
from webapp.core.context import Context
from webapp.core.custom import VALUES
from webapp.core.database import Json
from webapp.core.jobs import JobRun, job
from webapp.core.resource import Resource, registry
from webapp.core.search_refresh import rewrite
from webapp.core.tenancy import CHECKED, scoped

CHUNK = 1000
Row = dict[str, Any]


@job("refresh_own_words", _l("Search words of own fields"), lasting=True)
def refresh_own_words(context: Context, run: JobRun) -> None:
    """Write the search texts of everything that has a value of a field which went or came back."""
    field = _field(context, run.payload["field_id"])
    for resource, rows in _holders(context, field):
        rewrite(context, resource, rows)
        run.progress(run.done + len(rows))
        run.commit()


@job("purge_own_values", _l("Removing the values of deleted own fields"), lasting=True)
def purge_own_values(context: Context, run: JobRun) -> None:
    """Throw the values of a field away that has been deleted for 30 days, 1,000 things a commit.

    They have not been seen since: neither the history nor the things' versions say it.
    """
    field = _field(context, run.payload["field_id"])
    if field["deleted_at"] is None or field["deleted_at"].isoformat() != run.payload["deleted_at"]:
        return  # it came back meanwhile; when it went again, that has its own job
    for resource, rows in _holders(context, field):
        _forget(context, resource, rows, field["id"])
        run.progress(run.done + len(rows))
        run.commit()


def _field(context: Context, field_id: int) -> Row:
    query = select(FIELDS).where(scoped(context.session, FIELDS), FIELDS.c.id == field_id)
    return dict(context.session.execute(query, execution_options=CHECKED).mappings().one())


def _holders(context: Context, field: Row) -> Iterator[tuple[Resource, list[Row]]]:
    """Yield the whole rows that have a value of a field, deleted ones too, by id, a chunk at a time."""
    resource, last = registry.resources[field["resource"]], 0
    table = resource.table
    while True:
        held = (
            select(VALUES.c.row_id)
            .where(
                VALUES.c.organization_id == context.organization_id,
                VALUES.c.field_id == field["id"],
                VALUES.c.row_id > last,
            )
            .distinct()
            .order_by(VALUES.c.row_id)
            .limit(CHUNK)
        )
        ids = list(context.session.execute(held, execution_options=CHECKED).scalars())
        if not ids:
            return
        last = ids[-1]
        query = select(table).where(scoped(context.session, table), table.c.id.in_(ids)).order_by(table.c.id)
        yield resource, [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def _forget(context: Context, resource: Resource, rows: list[Row], field_id: int) -> None:
    """Take a field's value out of the JSON of some rows and out of the index."""
    table, key = resource.table, str(field_id)
    without = [
        {"_id": row["id"], "_custom": {k: value for k, value in row["custom"].items() if k != key}} for row in rows
    ]
    statement = (
        update(table)
        .where(table.c.organization_id == context.organization_id, table.c.id == bindparam("_id"))
        .values(custom=bindparam("_custom", type_=Json))
    )
    context.session.execute(statement, without, execution_options=CHECKED)
    gone = delete(VALUES).where(
        VALUES.c.organization_id == context.organization_id,
        VALUES.c.field_id == field_id,
        VALUES.c.row_id.in_([row["id"] for row in rows]),
    )
    context.session.execute(gone, execution_options=CHECKED)
