"""Where imports stand: who may see which, how far each is, and what their rows say; nothing here writes."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, func, select

from webapp.core.access import can, require
from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.errors import Invalid, NotFound
from webapp.core.jobs import get_job
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.imports.models import FATES, IMPORT_KEPT, IMPORTS
from webapp.imports.models import IMPORT_ROWS as ROWS
from webapp.imports.targets import importable

READ, WRITE = "imports:read", "imports:write"
KEPT_FOR = timedelta(days=30)
"""How long an import can be undone, and its file and rows stay."""

RUNNING = {"checking": "failed", "applying": "stopped", "undoing": "applied"}
"""The states in which a job works, and where its end without success leaves the import."""

EDITABLE = ("uploaded", "checked", "failed")
MENDABLE = ("checked", "applied", "stopped")
STATE_WORDS = {
    "uploaded": _l("Columns to choose"),
    "checking": _l("Checking"),
    "checked": _l("Ready to apply"),
    "applying": _l("Applying"),
    "applied": _l("Applied"),
    "stopped": _l("Stopped halfway"),
    "undoing": _l("Undoing"),
    "undone": _l("Undone"),
    "failed": _l("Not applied"),
    "discarded": _l("Discarded"),
}
OUTCOMES = {"create": "created", "update": "updated", "error": "failed"}
"""What a fate is called once its row has been applied."""

HIGHEST = 2**31 - 1
"""The highest number that a row can have."""

Row = dict[str, Any]


def is_import(context: Context, import_id: int) -> ColumnElement[bool]:
    """Return the predicate for one import of the organization."""
    return scoped(context.session, IMPORTS) & (IMPORTS.c.id == import_id)


def _visible(context: Context) -> list[ColumnElement[bool]]:
    """Return what an actor may see: imports into what it may read; one narrowed to a part of the tree only its own."""
    names = [known.name for known in importable() if can(context.actor, known.read_permission)]
    where = [scoped(context.session, IMPORTS), IMPORTS.c.resource.in_(names)]
    if context.actor.scope_location_id is not None:
        where.append(IMPORTS.c.created_by_user_id == (context.actor.user_id or 0))
    return where


def get_import(context: Context, import_id: int, *, write: bool = False) -> Row:
    """Return an import with its job under `job`; its `state` tells when the job has died.

    Raises NotFound for what the actor may not see, and Forbidden.
    """
    require(context.actor, WRITE if write else READ)
    query = select(IMPORTS).where(*_visible(context), IMPORTS.c.id == import_id)
    found = context.session.execute(query, execution_options=CHECKED).mappings().first()
    if found is None:
        raise NotFound(_("There is no import %(id)s.", id=import_id))
    if write:
        require(context.actor, registry.resources[found["resource"]].write_permission)
    job = get_job(context, found["job_id"]) if found["job_id"] else None
    return with_standing(dict(found), job)


def with_standing(row: Row, job: Mapping[str, Any] | None) -> Row:
    """Return an import's row with `job`, `stored_state`, and the state that its job's end leaves it in."""
    state = row["state"]
    row |= {"stored_state": state, "job": job}
    if state in RUNNING and job is not None and job["state"] in {"failed", "cancelled"}:
        row["state"] = RUNNING[state]
        row["message"] = row["message"] or job["message"]
    return row


def progress_of(row: Row) -> int:
    """Return how far an import's present step is, from 0 to 100."""
    if row["state"] == "uploaded":
        return 0
    job = row["job"]
    if row["state"] not in RUNNING or job is None:
        return 100
    return min(99, 100 * int(job["done"]) // int(job["total"])) if job["total"] else 0


def list_imports(context: Context, *, page: int = 1, per_page: int = 50) -> tuple[list[Row], int]:
    """Return one page of imports, the newest first, and how many there are."""
    require(context.actor, READ)
    where = [*_visible(context), IMPORTS.c.state != "discarded"]
    query = select(IMPORTS).where(*where).order_by(IMPORTS.c.created_at.desc(), IMPORTS.c.id.desc())
    query = query.limit(per_page).offset((page - 1) * per_page)
    rows = [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
    total = _count(context, select(func.count()).select_from(IMPORTS).where(*where))
    jobs = {r["job_id"]: get_job(context, r["job_id"]) for r in rows if r["state"] in RUNNING and r["job_id"]}
    return [with_standing(row, jobs.get(row["job_id"])) for row in rows], total


def _count(context: Context, query: Select[Any]) -> int:
    return int(context.session.execute(query, execution_options=CHECKED).scalar_one())


def _rows_where(context: Context, import_id: int, fate: str | None, q: str) -> list[ColumnElement[bool]]:
    if fate is not None and fate not in FATES:
        raise Invalid({"fate": [_("Say one of: %(names)s.", names=", ".join(FATES))]})
    where: list[ColumnElement[bool]] = [scoped(context.session, ROWS), ROWS.c.import_id == import_id]
    if fate is not None:
        where.append(ROWS.c.fate == fate)
    if wanted := key_of(q.replace("\0", "")):
        where.append(ROWS.c.search_text.contains(wanted, autoescape=True))
    return where


def list_rows(
    context: Context,
    import_id: int,
    *,
    fate: str | None = None,
    q: str = "",
    page: int = 1,
    per_page: int = 50,
    after: int | None = None,
) -> list[Row]:
    """Return one page of an import's rows in the file's order, or those `after` a number.

    The caller has looked at the import. Raises Invalid for an unknown fate.
    """
    query = select(ROWS).where(*_rows_where(context, import_id, fate, q)).order_by(ROWS.c.number).limit(per_page)
    query = query.offset((page - 1) * per_page) if after is None else query.where(ROWS.c.number > after)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def total_rows(context: Context, import_id: int, *, fate: str | None = None, q: str = "") -> int:
    """Return how many rows `list_rows` has in all."""
    return _count(context, select(func.count()).select_from(ROWS).where(*_rows_where(context, import_id, fate, q)))


def get_row(context: Context, import_id: int, number: int) -> Row:
    """Return one row of an import by the number that a spreadsheet program shows; raises NotFound."""
    query = select(ROWS).where(*_rows_where(context, import_id, None, ""), ROWS.c.number == number)
    rows = context.session.execute(query, execution_options=CHECKED).mappings() if number <= HIGHEST else None
    found = rows.first() if rows is not None else None
    if found is None:
        raise NotFound(_("There is no row %(number)s.", number=number))
    return dict(found)


def count_fates(context: Context, import_id: int) -> dict[str, int]:
    """Return how many rows have each fate, how many were created, updated, or failed, and how many are `waiting`."""
    done = ROWS.c.applied_at.isnot(None)
    where = _rows_where(context, import_id, None, "")
    query = select(ROWS.c.fate, done, func.count()).where(*where).group_by(ROWS.c.fate, done)
    counts: dict[str, int] = {}
    for fate, applied, number in context.session.execute(query, execution_options=CHECKED):
        counts[fate] = counts.get(fate, 0) + number
        name = OUTCOMES.get(fate) if applied else "waiting" if fate in {"create", "update"} else None
        if name is not None:
            counts[name] = counts.get(name, 0) + number
    return counts


def list_kept(
    context: Context, import_id: int, *, page: int = 1, per_page: int = 50, after: int | None = None
) -> list[Row]:
    """Return one page of what an import's undo left as it is, or what comes `after` an id."""
    where = [scoped(context.session, IMPORT_KEPT), IMPORT_KEPT.c.import_id == import_id]
    query = select(IMPORT_KEPT).where(*where).order_by(IMPORT_KEPT.c.id).limit(per_page)
    query = query.offset((page - 1) * per_page) if after is None else query.where(IMPORT_KEPT.c.id > after)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
