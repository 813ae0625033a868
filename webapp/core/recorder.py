"""Who writes the log: the session's own events, so that no change can forget to; the batch writer calls `record`."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import event, inspect
from sqlalchemy.orm import Session as BaseSession

from webapp.core.activity import Activity, activity_row, differences, event_of
from webapp.core.context import Context
from webapp.core.database import Session, column_names, table_of, utcnow
from webapp.core.insertion import Stamp, insert_rows
from webapp.core.resource import Resource
from webapp.core.seals import seal
from webapp.core.tenancy import Entity, TenantScoped, organization_of

TRANSACTION: Stamp = ("transaction_id", "pg_current_xact_id()::text::bigint", lambda: None)
_watchers: list[Callable[[BaseSession], None]] = []


def watch(tell: Callable[[BaseSession], None]) -> Callable[[BaseSession], None]:
    """Have a function told, once a transaction and inside it, that the log has new lines; use as a decorator."""
    if tell not in _watchers:
        _watchers.append(tell)
    return tell


def record(session: BaseSession, rows: list[dict[str, Any]]) -> None:
    """Write lines of the log, and on SQLite their seals, in the session's transaction."""
    if not rows:
        return
    table = table_of(Activity)
    ids = insert_rows(session, table, rows, (TRANSACTION,))
    if session.get_bind().dialect.name != "postgresql":
        seal(session, [{**row, "id": new_id, "transaction_id": None} for row, new_id in zip(rows, ids, strict=True)])
    if session.info.get("told") is not (transaction := session.get_transaction()):
        session.info["told"] = transaction
        for tell in _watchers:
            tell(session)


@event.listens_for(Session, "before_flush")
def notice_changes(session: BaseSession, _context: Any, _instances: Any) -> None:
    """Remember what the flush will change, while the old values are still known."""
    context: Context | None = session.info.get("context")
    pending = session.info.setdefault("pending_activity", [])
    for row in session.dirty:
        if isinstance(row, TenantScoped) and session.is_modified(row):
            before, changes = changed_columns(row)
            if isinstance(row, Entity):
                row.updated_at = context.at if context else utcnow()
            if row.__recorded__:
                pending.append((row, before, changes))
    for row in session.new:
        if context and isinstance(row, Entity) and vars(row).get("created_at") is None:
            row.created_at = row.updated_at = context.at
    pending += [(row, None, {}) for row in session.new if isinstance(row, TenantScoped) and row.__recorded__]


def changed_columns(row: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return ({column: old}, {column: new}) of the attributes a flush would write."""
    before, changes = {}, {}
    for attribute in inspect(row).attrs:
        history = attribute.history
        if history.has_changes() and attribute.key in row.__table__.c:
            before[attribute.key] = history.deleted[0] if history.deleted else None
            changes[attribute.key] = history.added[0] if history.added else None
    return before, changes


@event.listens_for(Session, "after_flush")
def write_noticed(session: BaseSession, _context: Any) -> None:
    """Write one line for each changed object, and note what the commit must settle."""
    pending = session.info.pop("pending_activity", [])
    rows = []
    for row, before, changes in pending:
        table = row.__table__.name
        values = {column: getattr(row, column) for column in column_names(type(row))}
        event_name = event_of(before, changes)
        found = differences(before, values if before is None else changes, type(row).__secrets__)
        if before is None or found or event_name != "Update":
            context = session.info.get("context")
            rows.append(activity_row(context, organization_of(session), table, values, event_name, found))
        note_for_commit(session, table, event_name)
    record(session, rows)


COUNTED = {"Create": 1, "Restore": 1, "Delete": -1}


def note_for_commit(session: BaseSession, table: str, event_name: str, count: int = 1) -> None:
    """Note that a table's total and label version change with this transaction."""
    totals = session.info.setdefault("totals", {})
    totals[table] = totals.get(table, 0) + COUNTED.get(event_name, 0) * count
    session.info.setdefault("touched", set()).add(table)
    session.info.pop("written", None)


def remember(
    context: Context, resource: Resource, row: Mapping[str, Any], event_name: str, note: str | None = None
) -> None:
    """Write a line about something that changed no column, such as a sign-in."""
    organization_id, table = organization_of(context.session), resource.table.name
    record(context.session, [activity_row(context, organization_id, table, row, event_name, {}, note)])
