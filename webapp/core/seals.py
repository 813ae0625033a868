"""Seals over the activity log: an HMAC chain an organization, so that a changed or missing line shows.

On SQLite a line is sealed in its own transaction. On PostgreSQL one sealer an organization takes the lines of finished
transactions, so that writers do not queue behind each other.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import orjson
from flask import current_app
from sqlalchemy import (
    ColumnElement,
    ForeignKeyConstraint,
    RowMapping,
    String,
    UniqueConstraint,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.core.activity import Activity, plain
from webapp.core.database import ForeignId, Id, Model, column_names, table_of, utcnow
from webapp.core.secrets import derive_key
from webapp.core.tenancy import CHECKED, hold, organization_of

START = "0" * 64
LOOK_BACK = 100_000
CHUNK = 5_000
SETTLE = timedelta(minutes=1)


class ActivitySeal(Model):
    """One link of the chain: it seals one line of the log and the link before it."""

    __tablename__ = "activity_seals"

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    activity_id: Mapped[ForeignId]
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    __table_args__ = (
        ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        UniqueConstraint("organization_id", "activity_id"),
    )


def seal_hash(previous: str, row: Mapping[str, Any] | RowMapping) -> str:
    """Return the HMAC-SHA256, in hex, over the previous seal and the line's canonical JSON."""
    content = {name: plain(row[name]) for name in column_names(Activity) if name != "transaction_id"}
    body = previous.encode() + orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    return hmac.new(derive_key(current_app.config["MASTER_SECRET"], "activity"), body, hashlib.sha256).hexdigest()


def last_seal(session: Session) -> tuple[int, str]:
    """Return (sequence, hash) of the newest seal of the session's organization."""
    table = table_of(ActivitySeal)
    query = (
        select(table.c.sequence, table.c.hash)
        .where(table.c.organization_id == organization_of(session))
        .order_by(table.c.sequence.desc())
        .limit(1)
    )
    found = session.execute(query, execution_options=CHECKED).first()
    return (found[0], found[1]) if found else (0, START)


def seal(session: Session, rows: Iterable[Mapping[str, Any] | RowMapping]) -> int:
    """Add the seals of lines, in their order, to the chain; return how many."""
    sequence, previous = last_seal(session)
    seals = []
    for row in rows:
        sequence += 1
        digest = seal_hash(previous, row)
        seals.append(
            {
                "organization_id": organization_of(session),
                "sequence": sequence,
                "activity_id": row["id"],
                "previous_hash": previous,
                "hash": digest,
            }
        )
        previous = digest
    if seals:
        session.execute(insert(table_of(ActivitySeal)), seals, execution_options=CHECKED)
    return len(seals)


def seal_finished(session: Session) -> int:
    """Seal what finished transactions left unsealed (PostgreSQL); return how many. The caller commits."""
    if session.get_bind().dialect.name != "postgresql":
        return 0
    organization_id = organization_of(session)
    if not hold(session, "seals", wait=False):
        return 0
    lines, seals = table_of(Activity), table_of(ActivitySeal)
    newest = select(func.coalesce(func.max(seals.c.activity_id), 0)).where(seals.c.organization_id == organization_id)
    query = (
        select(lines)
        .outerjoin(seals, (seals.c.organization_id == lines.c.organization_id) & (seals.c.activity_id == lines.c.id))
        .where(
            lines.c.organization_id == organization_id,
            lines.c.id > newest.scalar_subquery() - LOOK_BACK,
            seals.c.activity_id.is_(None),
            lines.c.transaction_id < text("pg_snapshot_xmin(pg_current_snapshot())::text::bigint"),
        )
        .order_by(lines.c.id)
        .limit(CHUNK)
    )
    return seal(session, session.execute(query, execution_options=CHECKED).mappings().all())


def sealed_lines(
    session: Session, after: int, limit: int, where: Iterable[ColumnElement[bool]] = ()
) -> list[dict[str, Any]]:
    """Return the log's lines behind a place in the chain, in its order, each with its `sequence`.

    The chain has no gap and only grows, so whoever reads on from the last sequence seen misses nothing.
    """
    lines, seals = table_of(Activity), table_of(ActivitySeal)
    query = (
        select(*lines.c, seals.c.sequence)
        .select_from(seals)
        .join(lines, (lines.c.organization_id == seals.c.organization_id) & (lines.c.id == seals.c.activity_id))
        .where(seals.c.organization_id == organization_of(session), seals.c.sequence > after, *where)
        .order_by(seals.c.sequence)
        .limit(limit)
    )
    return [dict(row) for row in session.execute(query, execution_options=CHECKED).mappings()]


def first_fault(session: Session) -> str | None:
    """Return a sentence about the first line that was changed, lost or never sealed, None when the chain holds."""
    lines, seals = table_of(Activity), table_of(ActivitySeal)
    organization_id = organization_of(session)
    expected, previous = 1, START
    query = (
        select(
            seals.c.sequence,
            seals.c.activity_id,
            seals.c.previous_hash,
            seals.c.hash,
            *[lines.c[name].label(f"line_{name}") for name in column_names(Activity)],
        )
        .outerjoin(lines, (lines.c.organization_id == seals.c.organization_id) & (lines.c.id == seals.c.activity_id))
        .where(seals.c.organization_id == organization_id)
        .order_by(seals.c.sequence)
        .execution_options(yield_per=1000, **CHECKED)
    )
    with session.execute(query) as chain:  # closed on the way out: it is a cursor of the server
        for found in chain.mappings():
            fault = _fault_of(found, expected, previous)
            if fault:
                return fault
            expected, previous = expected + 1, found["hash"]
    unsealed = (
        select(lines.c.id)
        .outerjoin(seals, (seals.c.organization_id == lines.c.organization_id) & (seals.c.activity_id == lines.c.id))
        .where(
            lines.c.organization_id == organization_id,
            seals.c.activity_id.is_(None),
            lines.c.at < utcnow() - SETTLE,
        )
        .order_by(lines.c.id)
        .limit(1)
    )
    line = session.execute(unsealed, execution_options=CHECKED).scalar()
    return f"activity {line} is not sealed" if line else None


def _fault_of(found: RowMapping, expected: int, previous: str) -> str | None:
    if found["sequence"] != expected:
        return f"seal {expected} is missing"
    if found["line_id"] is None:
        return f"activity {found['activity_id']} is missing"
    row = {name: found[f"line_{name}"] for name in column_names(Activity)}
    if found["previous_hash"] != previous or found["hash"] != seal_hash(previous, row):
        return f"activity {found['activity_id']} does not match its seal"
    return None
