"""Imports: an uploaded table on its way into a resource, and its rows."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, Index, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import ForeignId, JsonDict, JsonList, LongText, Model, ShortText, UtcDateTime
from webapp.core.tenancy import Entity, TenantScoped, tenant_reference, tenant_table_arguments

STATES = ("uploaded", "checking", "checked", "applying", "applied", "undoing", "undone", "failed", "discarded")
FATES = ("create", "update", "unchanged", "skip", "error")


class Import(Entity, Model):
    """A file on its way in: "lab-inventory-2026.xlsx into assets, checked, 3,240 to create"."""

    __tablename__ = "imports"
    __recorded__ = False

    resource: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="uploaded")
    filename: Mapped[ShortText]
    file_key: Mapped[ShortText]
    file_size: Mapped[int]
    headers: Mapped[JsonList]
    samples: Mapped[JsonList]
    columns: Mapped[JsonDict]
    options: Mapped[JsonDict]
    findings: Mapped[JsonDict] = mapped_column(default=dict)
    missing: Mapped[JsonDict] = mapped_column(default=dict)
    counts: Mapped[JsonDict] = mapped_column(default=dict)
    kept: Mapped[JsonList] = mapped_column(default=list)
    total: Mapped[int] = mapped_column(default=0)
    cursor: Mapped[ForeignId] = mapped_column(default=0)
    job_id: Mapped[ForeignId | None]
    change_set_id: Mapped[str | None] = mapped_column(String(36))
    message: Mapped[LongText | None]
    created_by_user_id: Mapped[ForeignId | None]
    created_by_name: Mapped[ShortText]
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__: Any = tenant_table_arguments(
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index(None, "organization_id", "created_at", "id"),
    )


class ImportRow(TenantScoped, Model):
    """One row of an import: row 12 creates "Thermal camera", row 13 is an error because its date does not exist."""

    __tablename__ = "import_rows"
    __recorded__ = False

    import_id: Mapped[ForeignId]
    number: Mapped[int]
    fate: Mapped[str] = mapped_column(String(16))
    title: Mapped[ShortText]
    mark: Mapped[ShortText]
    cells: Mapped[JsonList]
    changes: Mapped[JsonDict]
    errors: Mapped[JsonDict]
    note: Mapped[LongText | None]
    item_id: Mapped[ForeignId | None]
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__: Any = tenant_table_arguments(
        *tenant_reference("imports", "import_id"),
        CheckConstraint(f"fate IN {FATES}", name="fate"),
        UniqueConstraint("organization_id", "import_id", "number"),
        Index(None, "organization_id", "import_id", "fate", "number"),
    )


IMPORTS, IMPORT_ROWS = cast(Table, Import.__table__), cast(Table, ImportRow.__table__)
