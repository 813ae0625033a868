"""The activity log: what was changed, by whom, through which face, field by field, in the transaction that did it."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.context import Context
from webapp.core.database import (
    ForeignId,
    Json,
    JsonDict,
    LongText,
    Model,
    Moment,
    ShortText,
    table_of,
    utcnow,
)
from webapp.core.driver import dicts
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, TenantScoped, scoped, tenant_table_arguments

SILENT = frozenset({"id", "guid", "organization_id", "created_at", "updated_at", "version", "search_text"})
HIDDEN = "***"


class Activity(TenantScoped, Model):
    """One change of one thing: "Inês moved AST-000007 from Lisbon to Porto"."""

    __tablename__ = "activity"
    __recorded__ = False

    at: Mapped[Moment]
    actor_user_id: Mapped[ForeignId | None]
    api_key_id: Mapped[ForeignId | None]
    job_id: Mapped[ForeignId | None]
    actor_name: Mapped[ShortText]
    face: Mapped[str] = mapped_column(String(16))
    request_id: Mapped[str] = mapped_column(String(64), default="")
    ip: Mapped[str] = mapped_column(String(64), default="")
    change_set_id: Mapped[str] = mapped_column(String(36))
    item_type: Mapped[str] = mapped_column(String(64))
    item_id: Mapped[ForeignId]
    item_name: Mapped[ShortText]
    event: Mapped[str] = mapped_column(String(32))
    changes: Mapped[JsonDict] = mapped_column(Json)
    note: Mapped[LongText | None]
    forced: Mapped[bool] = mapped_column(default=False)
    transaction_id: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = tenant_table_arguments(
        Index(None, "organization_id", "item_type", "item_id", "id"),
        Index(None, "organization_id", "change_set_id", "id"),
    )


def plain(value: Any) -> Any:
    """Return a value as JSON keeps it: amounts and times as text."""
    if value is None or type(value) in (str, int, bool):
        return value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    return value


@cache
def is_recorded(column: str) -> bool:
    """Tell whether a column is worth a line in the history: derived twins are not."""
    return column not in SILENT and not column.endswith("_key")


def event_of(before: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> str:
    """Return the name of what a set of changes amounts to."""
    if before is None:
        return "Create"
    if "deleted_at" in changes:
        return "Restore" if changes["deleted_at"] is None else "Delete"
    return "Update"


def differences(
    before: Mapping[str, Any] | None, changes: Mapping[str, Any], secrets: frozenset[str] = frozenset()
) -> dict[str, list[Any]]:
    """Return {column: [old, new]} of what a write says, secrets hidden."""
    if not before:
        said = {c: plain(v) for c, v in changes.items() if v is not None and c != "custom" and is_recorded(c)}
        made = {c: [None, HIDDEN if c in secrets else value] for c, value in said.items()}
        return made | _own_differences({}, changes.get("custom") or {})
    found: dict[str, list[Any]] = {}
    for column, new in changes.items():
        old = before.get(column)
        if old is new or not is_recorded(column):
            continue
        if column == "custom":
            found |= _own_differences(old or {}, new or {})
        elif (was := old if old is None else plain(old)) != (now := plain(new)):
            found[column] = [HIDDEN if old else None, HIDDEN] if column in secrets else [was, now]
    return found


def _own_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return {column: [old, new]} of custom values, each by itself: as JSON has them, they are plain."""
    keys = sorted(old.keys() | new.keys(), key=int)
    return {f"custom.{key}": [old.get(key), new.get(key)] for key in keys if old.get(key) != new.get(key)}


def name_of(table: str, row: Mapping[str, Any]) -> str:
    """Return the name by which the history calls a row."""
    resource = registry.by_table(table)
    return str(row.get(resource.label if resource else "name") or row.get("name") or f"#{row.get('id')}")[:255]


def activity_row(
    context: Context | None,
    organization_id: int,
    table: str,
    row: Mapping[str, Any],
    event_name: str,
    changes: dict[str, list[Any]],
    note: str | None = None,
) -> dict[str, Any]:
    """Return one line of the log as a row for `record`."""
    actor = context.actor if context else None
    return {
        "organization_id": organization_id,
        "at": context.at if context else utcnow(),
        "actor_user_id": actor.user_id if actor else None,
        "api_key_id": actor.api_key_id if actor else None,
        "job_id": actor.job_id if actor else None,
        "actor_name": actor.name if actor else "Quartermaster",
        "face": actor.face if actor else "system",
        "request_id": context.request_id if context else "",
        "ip": context.ip if context else "",
        "change_set_id": context.change_set_id if context else "",
        "item_type": table,
        "item_id": row["id"],
        "item_name": name_of(table, row),
        "event": event_name,
        "changes": changes,
        "note": note,
        "forced": bool(context and context.forced),
    }


def history(
    context: Context, resource: Resource, row_id: int, *, before_id: int | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Return the newest lines about one thing, newest first, as dicts of the log's columns."""
    lines = table_of(Activity).c
    return _newest(context, lines.item_type == resource.table.name, lines.item_id == row_id, before=before_id, n=limit)


def change_set(
    context: Context,
    change_set_id: str,
    *where: ColumnElement[bool],
    before_id: int | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Return the lines of a change set, newest first."""
    mine = table_of(Activity).c.change_set_id == change_set_id
    return _newest(context, mine, *where, before=before_id, n=limit)


def _newest(context: Context, *where: ColumnElement[bool], before: int | None, n: int | None) -> list[dict[str, Any]]:
    table = table_of(Activity)
    older = [] if before is None else [table.c.id < before]
    query = select(table).where(scoped(context.session, table), *where, *older).order_by(table.c.id.desc()).limit(n)
    return dicts(context.session.execute(query, execution_options=CHECKED))
