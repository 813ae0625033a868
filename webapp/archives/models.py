"""Archives: an organization as one file, made here or brought here."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, CheckConstraint, Index, String, Table
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import ForeignId, JsonDict, JsonList, LongText, Model, ShortText, UtcDateTime
from webapp.core.tenancy import Entity, tenant_table_arguments

OUT, IN = "out", "in"
STATES = ("working", "ready", "failed", "removed")


class Archive(Entity, Model):
    """One file with a whole organization: "kestrel-20261122.zip", made on Sunday, to be fetched until next Sunday.

    One that goes `in` becomes another organization, by its guid; `members` had access where it came from. In the
    organization that came out of it such a row says where that was. `staged` files belong to no row yet.
    """

    __tablename__ = "archives"
    __recorded__ = False

    direction: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(16), default="working")
    filename: Mapped[ShortText]
    file_key: Mapped[ShortText | None]
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    counts: Mapped[JsonDict] = mapped_column(default=dict)
    members: Mapped[JsonList] = mapped_column(default=list)
    staged: Mapped[JsonList] = mapped_column(default=list)
    job_id: Mapped[ForeignId | None]
    made_guid: Mapped[str | None] = mapped_column(String(36))
    made_name: Mapped[ShortText | None]
    made_slug: Mapped[ShortText | None]
    message: Mapped[LongText | None]
    created_by_user_id: Mapped[ForeignId | None]
    created_by_name: Mapped[ShortText]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__: Any = tenant_table_arguments(
        CheckConstraint("direction IN ('out', 'in')", name="direction"),
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index(None, "organization_id", "created_at", "id"),
    )


ARCHIVES = cast(Table, Archive.__table__)
