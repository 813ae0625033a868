"""Imports: an uploaded table on its way into a resource, and its rows."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import CheckConstraint, Index, String, Table, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import (
    ForeignId,
    JsonDict,
    JsonList,
    KeyColumn,
    LongText,
    Model,
    ShortText,
    UtcDateTime,
)
from webapp.core.tenancy import (
    Entity,
    SoftDeleted,
    TenantScoped,
    tenant_reference,
    tenant_table_arguments,
    unique_among_living,
)

STATES = ("uploaded", "checking", "checked", "applying", "applied", "undoing", "undone", "failed", "discarded")
FATES = ("create", "update", "unchanged", "skip", "error")


class ImportMapping(Entity, SoftDeleted, Model):
    """What the headings of one kind of file mean: "Lab sheet" of assets, whose "Inv. No." is the tag.

    `fields` is {heading as `mappings.heading_keys` writes it: field or None}, `headings_key` stands for all of them
    together; options that speak of a column name its heading, too.
    """

    __tablename__ = "import_mappings"

    resource: Mapped[str] = mapped_column(String(64))
    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    headings_key: Mapped[str] = mapped_column(String(64))
    fields: Mapped[JsonDict]
    options: Mapped[JsonDict]
    created_by_name: Mapped[ShortText]

    __table_args__: Any = tenant_table_arguments(
        unique_among_living("uq_import_mappings_name_key", "resource", "name_key"),
        Index(None, "organization_id", "headings_key"),
    )


class Import(Entity, Model):
    """A file on its way in: "lab-inventory-2026.xlsx into assets, checked, 3,240 to create"."""

    __tablename__ = "imports"
    __recorded__ = False

    resource: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16), default="uploaded")
    mapping_id: Mapped[ForeignId | None]
    filename: Mapped[ShortText]
    file_key: Mapped[ShortText]
    file_size: Mapped[int]
    source: Mapped[JsonDict] = mapped_column(default=dict)
    headers: Mapped[JsonList]
    samples: Mapped[JsonList]
    columns: Mapped[JsonDict]
    options: Mapped[JsonDict]
    findings: Mapped[JsonDict] = mapped_column(default=dict)
    basis: Mapped[JsonDict | None]
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
    purged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__: Any = tenant_table_arguments(
        *tenant_reference("import_mappings", "mapping_id"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index(None, "organization_id", "created_at", "id"),
    )


class ImportRow(TenantScoped, Model):
    """One row of an import: row 12 creates "Thermal camera", row 13 is an error because its date does not exist.

    `plan` is what a new thing's columns will hold as long as the import's `basis` stands (`foreseen.py`);
    `key_tokens` stand for what only one row of a file may have (`work.Keys`); `carried` is for features above; the
    cells of a mended row are those that somebody typed, one skipped by hand stays out whatever it says.
    """

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
    carried: Mapped[JsonDict] = mapped_column(default=dict)
    plan: Mapped[JsonDict | None]
    search_text: Mapped[LongText] = mapped_column(default="")
    key_tokens: Mapped[LongText] = mapped_column(default="")
    is_mended: Mapped[bool] = mapped_column(default=False)
    is_skipped: Mapped[bool] = mapped_column(default=False)
    item_id: Mapped[ForeignId | None]
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__: Any = tenant_table_arguments(
        *tenant_reference("imports", "import_id"),
        CheckConstraint(f"fate IN {FATES}", name="fate"),
        UniqueConstraint("organization_id", "import_id", "number"),
        Index(None, "organization_id", "import_id", "fate", "number"),
    )


class ImportKept(TenantScoped, Model):
    """What an undo left as it is, and why: "AST-000012 keeps its name, it was changed since"."""

    __tablename__ = "import_kept"
    __recorded__ = False

    import_id: Mapped[ForeignId]
    item_type: Mapped[str] = mapped_column(String(64))
    item_id: Mapped[ForeignId]
    name: Mapped[ShortText]
    reason: Mapped[LongText]
    fields: Mapped[JsonList]

    __table_args__: Any = tenant_table_arguments(
        *tenant_reference("imports", "import_id"), Index(None, "organization_id", "import_id", "id")
    )


IMPORTS, IMPORT_ROWS = cast(Table, Import.__table__), cast(Table, ImportRow.__table__)
IMPORT_KEPT, IMPORT_MAPPINGS = cast(Table, ImportKept.__table__), cast(Table, ImportMapping.__table__)
