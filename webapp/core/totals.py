"""What a commit settles last: how many things an organization has, and which cached names are stale (D6)."""

import uuid
from typing import Any

from sqlalchemy import ForeignKeyConstraint, String, event, literal, select, text, union_all
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm import Session as BaseSession

from webapp.core.database import Id, Model, Session, table_of
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, organization_of


class ResourceTotal(Model):
    """How many living rows of a table an organization has, kept in the transaction that changes it."""

    __tablename__ = "resource_totals"

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    item_type: Mapped[str] = mapped_column(String(64), primary_key=True)
    total: Mapped[int] = mapped_column(Id)

    __table_args__ = (ForeignKeyConstraint(["organization_id"], ["organizations.id"]),)


class LabelVersion(Model):
    """The version of an organization's names of one kind; a new one makes every process read them again."""

    __tablename__ = "label_versions"

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[str] = mapped_column(String(36))

    __table_args__ = (ForeignKeyConstraint(["organization_id"], ["organizations.id"]),)


ADD_TOTAL = text(
    "INSERT INTO resource_totals (organization_id, item_type, total) VALUES (:organization_id, :item_type, :total) "
    "ON CONFLICT (organization_id, item_type) DO UPDATE SET total = resource_totals.total + excluded.total"
)
KNOWN = ("standing", "held", "looked_at", "written")  # what a transaction knows of the rows, and that ends with it
NEW_VERSION = text(
    "INSERT INTO label_versions (organization_id, kind, version) VALUES (:organization_id, :kind, :version) "
    "ON CONFLICT (organization_id, kind) DO UPDATE SET version = excluded.version"
)


def standing(session: BaseSession) -> tuple[dict[str, int], dict[str, str]]:
    """Return ({table: total}, {kind: label version}) of the organization: one statement, once a transaction.

    On PostgreSQL a transaction hears it when it begins (`tenancy.announce_organization`).
    """
    known: tuple[dict[str, int], dict[str, str]] | None = session.info.get("standing")
    if known is None:
        session.connection()
        known = session.info.get("standing")
    if known is None:
        totals, versions = table_of(ResourceTotal), table_of(LabelVersion)
        query = union_all(
            select(literal("total"), totals.c.item_type, totals.c.total, literal("")).where(
                totals.c.organization_id == organization_of(session)
            ),
            select(literal("version"), versions.c.kind, literal(0), versions.c.version).where(
                versions.c.organization_id == organization_of(session)
            ),
        )
        rows = session.execute(query, execution_options=CHECKED).all()
        known = (
            {name: total for what, name, total, _ in rows if what == "total"},
            {name: version for what, name, _, version in rows if what == "version"},
        )
        session.info["standing"] = known
    return known


@event.listens_for(Session, "before_commit")
def settle(session: BaseSession) -> None:
    """Write the totals and the label versions that this transaction changed, last of all."""
    session.flush()
    totals: dict[str, int] = session.info.pop("totals", {})
    touched: set[str] = session.info.pop("touched", set())
    for name in KNOWN:
        session.info.pop(name, None)
    rows: list[dict[str, Any]] = [
        {"organization_id": organization_of(session), "item_type": table, "total": total}
        for table, total in sorted(totals.items())
        if total
    ]
    if rows:
        session.execute(ADD_TOTAL, rows, execution_options=CHECKED)
    kinds = sorted(
        r.name for r in registry.resources.values() if (r.cached or r.remembered) and r.table.name in touched
    )
    if kinds:
        stamps = [
            {"organization_id": organization_of(session), "kind": kind, "version": str(uuid.uuid4())} for kind in kinds
        ]
        session.execute(NEW_VERSION, stamps, execution_options=CHECKED)


@event.listens_for(Session, "after_rollback")
def forget(session: BaseSession) -> None:
    """Drop what an undone transaction would have settled."""
    for name in ("totals", "touched", "pending_activity", *KNOWN):
        session.info.pop(name, None)
