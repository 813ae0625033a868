"""Exports: lists that are written into files, once or again and again, and what became of each time."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import (
    ForeignId,
    Id,
    JsonList,
    KeyColumn,
    LongText,
    Model,
    Moment,
    ShortText,
    UtcDateTime,
    table_of,
)
from webapp.core.tenancy import Entity, SoftDeleted, TenantScoped, tenant_reference, tenant_table_arguments

FORMATS = ("csv", "xlsx", "jsonl")
SCHEDULES = ("none", "daily", "weekly", "monthly")
STATES = ("running", "done", "failed")


class Export(Entity, SoftDeleted, Model):
    """A list to be written: "Lisbon's cameras as a workbook, every Monday at 6, to ops@example.org".

    It runs with the rights of whoever saved it last (`runs_as_…`), as they are when it runs.
    """

    __tablename__ = "exports"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    resource: Mapped[KeyColumn]
    format: Mapped[str] = mapped_column(String(8))
    query: Mapped[LongText | None]
    fields: Mapped[JsonList] = mapped_column(default=list)
    schedule: Mapped[str] = mapped_column(String(16), default="none")
    weekday: Mapped[str | None] = mapped_column(String(16))
    month_day: Mapped[int | None]
    hour: Mapped[int] = mapped_column(default=6)
    receivers: Mapped[JsonList] = mapped_column(default=list)
    next_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_run_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_state: Mapped[str | None] = mapped_column(String(16))
    last_error: Mapped[LongText | None]
    last_rows: Mapped[int | None]
    job_id: Mapped[ForeignId | None]
    runs_as_user_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))
    runs_as_key_id: Mapped[ForeignId | None]
    runs_as_name: Mapped[ShortText]
    search_text: Mapped[LongText]

    __table_args__: Any = tenant_table_arguments(
        *tenant_reference("api_keys", "runs_as_key_id"),
        CheckConstraint(f"format IN {FORMATS}", name="format"),
        CheckConstraint(f"schedule IN {SCHEDULES}", name="schedule"),
        CheckConstraint(f"last_state IN {STATES}", name="last_state"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        CheckConstraint("month_day BETWEEN 1 AND 31", name="month_day"),
        Index(None, "organization_id", "next_run_at"),
    )


class ExportRun(TenantScoped, Model):
    """One time that an export was made: 1,204 rows, 96 kB, its file for 30 days; or the sentence why not.

    `due_at` is the moment of the schedule that it was made for, which no second run can be made for. Who wants its file
    needs the right `permission`, and where `scope_location_id` is set to see no less than that part of the tree.
    """

    __tablename__ = "export_runs"
    __recorded__ = False

    export_id: Mapped[ForeignId]
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[Moment]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rows: Mapped[int | None]
    bytes: Mapped[ForeignId | None]
    file_key: Mapped[ShortText | None]
    filename: Mapped[ShortText | None]
    error: Mapped[LongText | None]
    job_id: Mapped[ForeignId | None]
    permission: Mapped[str | None] = mapped_column(String(64))
    scope_location_id: Mapped[ForeignId | None]

    __table_args__: Any = tenant_table_arguments(
        *tenant_reference("exports", "export_id"),
        *tenant_reference("locations", "scope_location_id"),
        UniqueConstraint("organization_id", "export_id", "due_at"),
        Index(None, "organization_id", "export_id", "id"),
        Index(None, "organization_id", "finished_at"),
    )


EXPORTS, RUNS = table_of(Export), table_of(ExportRun)
