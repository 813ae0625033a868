"""What keys ask, by day and face: counted in the process that answers, written with the noted last uses.

A GET writes nothing, so the counts lie in memory for up to half a minute; a process that is killed loses those. They
are kept for 400 days.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, g
from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from webapp.accounts.models import KeyUsage
from webapp.core import identity
from webapp.core.context import Context
from webapp.core.database import table_of, utcnow
from webapp.core.errors import Invalid
from webapp.core.tenancy import CHECKED, new_session, scoped

TABLE = table_of(KeyUsage)
KEY = ("organization_id", "api_key_id", "day", "face")
COUNTS = ("requests", "client_errors", "server_errors", "limited")
DAYS_SHOWN, KEPT, PURGED_EVERY = 30, timedelta(days=400), timedelta(hours=6)
Place = tuple[int, int, date, str]
_counts: dict[Place, Counter[str]] = {}
_lock = threading.Lock()
_purged_at: datetime | None = None


def count_answer(response: Response) -> Response:
    """Count an answer that was given to a key, whatever face it came through."""
    holder = g.get("holder")
    if isinstance(holder, identity.KeyHolder):
        day = utcnow().astimezone(ZoneInfo(holder.tenant.timezone)).date()
        place = holder.tenant.id, holder.actor.api_key_id or 0, day, holder.dialect
        note(place, outcome_of(response.status_code))
    return response


def outcome_of(status: int) -> str | None:
    """Return what a status counts as beside a request: too many of them, the caller's error or ours."""
    if status == 429:
        return "limited"
    return "server_errors" if status >= 500 else "client_errors" if status >= 400 else None


def note(place: Place, outcome: str | None) -> None:
    """Count one more request of (organization, key, day, face), and its outcome when it is one of COUNTS."""
    with _lock:
        _counts.setdefault(place, Counter()).update(["requests", *([outcome] if outcome else [])])
    identity.flush_soon()


def write_counts() -> None:
    """Add what was counted to the table; a database that is away keeps it for the next time."""
    with _lock:
        taken = dict(_counts)
        _counts.clear()
    for organization_id in sorted({place[0] for place in taken}):
        mine = {place: counts for place, counts in taken.items() if place[0] == organization_id}
        try:
            with new_session(organization_id, write=True) as session:
                for place, counts in sorted(mine.items()):
                    _add(session, dict(zip(KEY, place, strict=True)) | {name: counts[name] for name in COUNTS})
                session.commit()
        except IntegrityError:  # a key that is no longer in the table: restored from an older backup
            continue
        except SQLAlchemyError:
            with _lock:
                for place, counts in sorted(mine.items()):
                    _counts.setdefault(place, Counter()).update(counts)


def _add(session: Session, row: Mapping[str, Any]) -> None:
    insert: Callable[..., Any] = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    fresh = insert(TABLE).values(**row)
    sums = {name: TABLE.c[name] + fresh.excluded[name] for name in COUNTS}
    session.execute(fresh.on_conflict_do_update(index_elements=KEY, set_=sums), execution_options=CHECKED)


def purge() -> None:
    """Throw away what is older than 400 days, some times a day; the worker calls this at each sweep."""
    global _purged_at
    now = utcnow()
    if _purged_at is not None and now - _purged_at < PURGED_EVERY:
        return
    _purged_at = now
    for organization_id in identity.organization_ids():
        with new_session(organization_id, write=True) as session:
            old = scoped(session, TABLE) & (TABLE.c.day < (now - KEPT).date())
            session.execute(delete(TABLE).where(old), execution_options=CHECKED)
            session.commit()


def usage_of(context: Context, key_id: int, first: date, last: date) -> list[dict[str, Any]]:
    """Return the days, in order, on which a key asked something: {day, faces: {face: requests}} and its counts.

    Raises Invalid at `from` for a time that ends before it begins, or that is longer than what is kept.
    """
    if not timedelta() <= last - first <= KEPT:
        raise Invalid({"from": [_("Ask for at most 400 days, the first one first.")]})
    query = (
        select(TABLE)
        .where(scoped(context.session, TABLE), TABLE.c.api_key_id == key_id, TABLE.c.day.between(first, last))
        .order_by(TABLE.c.day, TABLE.c.face)
    )
    days: dict[date, dict[str, Any]] = {}
    for row in context.session.execute(query, execution_options=CHECKED).mappings():
        day = days.setdefault(row["day"], {"day": row["day"], **dict.fromkeys(COUNTS, 0), "faces": {}})
        day["faces"][row["face"]] = row["requests"]
        for name in COUNTS:
            day[name] += row[name]
    return list(days.values())


def totals_of(days: list[dict[str, Any]]) -> Mapping[str, int]:
    """Return the counts of many days together."""
    return {name: sum(day[name] for day in days) for name in COUNTS}
