"""Work that outlives a request: the job table is the outbox, huey wakes the worker, a sweep runs what is due (D4)."""

import logging
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKeyConstraint, Index, String, UniqueConstraint, cast, event, insert, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.core import identity
from webapp.core.context import Actor, Context, make_context
from webapp.core.database import (
    ForeignId,
    JsonDict,
    LongText,
    Model,
    Moment,
    PrimaryKey,
    UtcDateTime,
    table_of,
    utcnow,
)
from webapp.core.database import Session as TenantSession
from webapp.core.errors import DomainError, NotFound
from webapp.core.identity_statements import ID, MOMENT, WHOLE, Call
from webapp.core.tenancy import CHECKED, new_session, organization_of

ATTEMPTS = 5
STATES = ("queued", "running", "done", "failed", "cancelled")
BACKOFF = timedelta(seconds=30)
LOOKED_AT = 2_000  # due jobs, for the next in turn
PAUSE_SECONDS = 0.01
log = logging.getLogger(__name__)

DUE_JOBS = Call(
    "due_jobs",
    """SELECT id, organization_id FROM jobs
WHERE (state = 'queued' AND run_at <= :at) OR (state = 'running' AND locked_until < :at)
ORDER BY run_at, id LIMIT :count""",
    takes={"at": MOMENT, "count": WHOLE},
    gives={"id": ID, "organization_id": ID},
)


class Job(Model):
    """A piece of work in the background: "apply import 12", "send this mail"; its state, progress and lease."""

    __tablename__ = "jobs"

    id: Mapped[PrimaryKey]
    organization_id: Mapped[ForeignId]
    kind: Mapped[str] = mapped_column(String(64))
    payload: Mapped[JsonDict]
    actor: Mapped[JsonDict]
    state: Mapped[str] = mapped_column(String(16), default="queued")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    counts: Mapped[JsonDict]
    message: Mapped[LongText | None]
    change_set_id: Mapped[str] = mapped_column(String(36))
    run_at: Mapped[Moment]
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[Moment]
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
        UniqueConstraint("organization_id", "id"),
        Index(None, "state", "run_at"),
        {"sqlite_autoincrement": True},
    )


JOBS = table_of(Job)


@dataclass
class JobRun:
    """A job while it runs: what it was asked, and how it tells that it lives."""

    context: Context
    id: int
    payload: dict[str, Any]
    change_set_id: str
    attempt: int = 1
    done: int = 0
    counts: dict[str, Any] = field(default_factory=dict)

    def progress(self, done: int, total: int | None = None, **counts: Any) -> None:
        """Note how far the work is and renew the lease, in the caller's transaction: the caller commits.

        Raises Cancelled when somebody has stopped the job, or taken it over after a silence.
        """
        self.done = done
        self.counts = {**self.counts, **counts}
        values: dict[str, Any] = {"done": done, "counts": self.counts, "locked_until": _lease()}
        if total is not None:
            values["total"] = total
        if not _still_ours(self.context.session, self.id, self.attempt, values):
            raise Cancelled("somebody stopped it")

    def extend(self, seconds: float) -> None:
        """Renew the lease for a step so long that it cannot tell that it lives; the caller commits."""
        until = utcnow() + timedelta(seconds=seconds)
        if not _still_ours(self.context.session, self.id, self.attempt, {"locked_until": until}):
            raise Cancelled("somebody stopped it")

    def commit(self) -> None:
        """Commit this step of the work and begin the next one; on SQLite others may write between them."""
        self.context.session.commit()
        if self.context.session.get_bind().dialect.name == "sqlite":
            time.sleep(PAUSE_SECONDS)


class Cancelled(Exception):
    """The job was stopped, or taken over, while it ran; what it has committed stays."""


Runner = Callable[[Context, JobRun], str | None]
UNNAMED = _l("Work in the background")
_kinds: dict[str, Runner] = {}
_titles: dict[str, Any] = {}
_lasting: set[str] = set()


def job(kind: str, title: Any = None, *, lasting: bool = False) -> Callable[[Runner], Runner]:
    """Register the function that does a kind of job, called `title`; it returns a sentence for the reader, or None.

    A `lasting` one follows from something done and is not to be stopped by itself.
    """

    def register(run: Runner) -> Runner:
        _kinds[kind] = run
        _titles[kind] = title or _titles.get(kind) or UNNAMED
        if lasting:
            _lasting.add(kind)
        return run

    return register


def job_title(kind: str) -> str:
    """Return what a kind of job is called, in the reader's language."""
    return str(_titles.get(kind, UNNAMED))


def _lease() -> datetime:
    return utcnow() + timedelta(seconds=current_app.config["JOB_LEASE_SECONDS"])


def _is(session: Session, job_id: int) -> Any:
    return (JOBS.c.organization_id == organization_of(session)) & (JOBS.c.id == job_id)


def enqueue(
    context: Context, kind: str, payload: dict[str, Any], *, total: int = 0, run_at: datetime | None = None
) -> int:
    """Put a job into the outbox, in the context's transaction, and return its id; the worker is woken after commit."""
    actor = context.actor
    row = {
        "organization_id": context.organization_id,
        "kind": kind,
        "payload": payload,
        "actor": {
            "name": actor.name,
            "role": actor.role,
            "permissions": sorted(actor.permissions),
            "user_id": actor.user_id,
            "api_key_id": actor.api_key_id,
            "scope_location_id": actor.scope_location_id,
            "locale": actor.locale,
            "timezone": actor.timezone,
        },
        "counts": {},
        "change_set_id": context.change_set_id,
        "total": total,
        "run_at": run_at or context.at,
        "created_at": context.at,
    }
    statement = insert(JOBS).values(row).returning(JOBS.c.id)
    job_id = int(context.session.execute(statement, execution_options=CHECKED).scalar_one())
    context.session.info.setdefault("wake", []).append((context.organization_id, job_id))
    return job_id


@event.listens_for(TenantSession, "after_commit")
def wake_worker(session: Session) -> None:
    """Tell huey about the jobs that this commit made; when that fails the sweep finds them."""
    for organization_id, job_id in session.info.pop("wake", []):
        try:
            current_app.extensions["jobs"].wake(organization_id, job_id)
        except Exception:  # the job is in the table: nothing is lost
            log.exception("could not wake the worker for job %s", job_id)


def get_job(context: Context, job_id: int) -> dict[str, Any]:
    """Return a job of the organization as a dict of its columns; raises NotFound."""
    query = select(JOBS).where(_is(context.session, job_id))
    row = context.session.execute(query, execution_options=CHECKED).mappings().first()
    if row is None:
        raise NotFound(f"there is no job {job_id}")
    return dict(row)


def get_own_job(context: Context, job_id: int) -> dict[str, Any]:
    """Return a job that the actor has started; raises NotFound for anybody else's."""
    row = get_job(context, job_id)
    actor = context.actor
    if (row["actor"]["user_id"], row["actor"]["api_key_id"]) != (actor.user_id, actor.api_key_id):
        raise NotFound(f"there is no job {job_id}")
    return row


def own_jobs(
    context: Context, *, limit: int, before_id: int | None = None, state: str | None = None, kind: str | None = None
) -> list[dict[str, Any]]:
    """Return the newest jobs that the actor has started, without what they were asked."""
    columns = [column for column in JOBS.c if column.name != "payload"]
    query = select(*columns).where(JOBS.c.organization_id == context.organization_id).order_by(JOBS.c.id.desc())
    for name in ("user_id", "api_key_id"):
        own, value = cast(JOBS.c.actor[name].as_string(), String), getattr(context.actor, name)
        query = query.where(own.is_(None) if value is None else own == str(value))
    for column, value in ((JOBS.c.state, state), (JOBS.c.kind, kind)):
        query = query if value is None else query.where(column == value)
    if before_id is not None:
        query = query.where(JOBS.c.id < before_id)
    return [dict(row) for row in context.session.execute(query.limit(limit), execution_options=CHECKED).mappings()]


def cancel_job(context: Context, job_id: int) -> bool:
    """Stop a job that has not ended and may be stopped; tell whether there was one to stop."""
    statement = (
        update(JOBS)
        .where(_is(context.session, job_id), JOBS.c.state.in_(("queued", "running")), JOBS.c.kind.notin_(_lasting))
        .values(state="cancelled", finished_at=context.at)
    )
    result: Any = context.session.execute(statement, execution_options=CHECKED)
    return bool(result.rowcount)


def run_job(organization_id: int, job_id: int) -> bool:
    """Claim a job and do it; return whether it was ours to do.

    A worker killed on the way leaves a lease that runs out; the job runs again then and goes on where it had committed.
    """
    tenant = identity.organization_by_id(organization_id)
    if tenant is None:
        return False
    with new_session(organization_id, write=True) as session:
        row = _claim(session, job_id)
    if row is None:
        return False
    actor = Actor(**{**row["actor"], "permissions": frozenset(row["actor"]["permissions"])}, face="job", job_id=job_id)
    with new_session(organization_id, write=True, scope_location_id=actor.scope_location_id) as session:
        context = make_context(session, tenant, actor).with_change_set(row["change_set_id"])
        kept = {name: row[name] for name in ("payload", "change_set_id", "done", "counts")}
        ended = _run(row, context, JobRun(context, job_id, attempt=row["attempts"], **kept))
    if ended:
        with new_session(organization_id, write=True) as session:
            _finish(session, row, *ended)
            session.commit()
    return True


def _claim(session: Session, job_id: int) -> dict[str, Any] | None:
    now = utcnow()
    queued, running = JOBS.c.state == "queued", JOBS.c.state == "running"
    free = or_(queued & (JOBS.c.run_at <= now), running & (JOBS.c.locked_until < now))
    statement = (
        update(JOBS)
        .where(_is(session, job_id), free)
        .values(state="running", locked_until=_lease(), attempts=JOBS.c.attempts + 1)
        .returning(*JOBS.c)
    )
    row = session.execute(statement, execution_options=CHECKED).mappings().first()
    session.commit()
    return dict(row) if row else None


def _run(row: dict[str, Any], context: Context, running: JobRun) -> tuple[str, str | None] | None:
    """Do a job and note its end in its last transaction; return (state, message) when it came to no such end."""
    try:
        message = _kinds[row["kind"]](context, running)
        if not _finish(context.session, row, "done", message):
            raise Cancelled("somebody stopped it")
        context.session.commit()
    except Cancelled as stopped:
        context.session.rollback()
        return "cancelled", str(stopped)
    except DomainError as error:
        context.session.rollback()
        return "failed", error.message
    except Exception:  # whatever a job does, the worker goes on
        context.session.rollback()
        log.exception("job %s (%s) failed", row["id"], row["kind"])
        return "retry", traceback.format_exc(limit=1).splitlines()[-1]
    return None


def _finish(session: Session, row: dict[str, Any], state: str, message: str | None) -> bool:
    """Note how a job ended, unless somebody else has stopped it or taken it over; the caller commits."""
    now = utcnow()
    values: dict[str, Any] = {"state": state, "message": message, "locked_until": None, "finished_at": now}
    if state == "retry" and row["attempts"] < ATTEMPTS:
        values |= {"state": "queued", "run_at": now + BACKOFF * row["attempts"], "finished_at": None}
    elif state == "retry":
        values["state"] = "failed"
    return _still_ours(session, row["id"], row["attempts"], values)


def _still_ours(session: Session, job_id: int, attempt: int, values: dict[str, Any]) -> bool:
    """Change a running job's row; tell whether it was still this attempt's to change."""
    ours = (JOBS.c.state == "running") & (JOBS.c.attempts == attempt)
    statement = update(JOBS).where(_is(session, job_id), ours).values(values)
    result: Any = session.execute(statement, execution_options=CHECKED)
    return bool(result.rowcount)


def run_due(limit: int = 20) -> int:
    """Run what is due, one job an organization at a time; return how many were run.

    The next is of the organization whose last one here is longest ago, so that nobody's queue stands before another's.
    """
    ran, tried = 0, set[int]()
    while ran < limit and (due := _next_due(tried)):
        organization_id, job_id = due
        try:
            ran += run_job(organization_id, job_id)
        finally:
            _busy.discard(organization_id)
        tried.add(job_id)
    return ran


_busy: set[int] = set()
_served: dict[int, float] = {}
_choosing = threading.Lock()


def _next_due(tried: set[int]) -> tuple[int, int] | None:
    """Return (organization, job) of the next in turn and keep the organization for this thread; None: all is done."""
    with _choosing:
        due = [(row["organization_id"], row["id"]) for row in DUE_JOBS(at=utcnow(), count=LOOKED_AT)]
        free = [(owner, job_id) for owner, job_id in due if owner not in _busy and job_id not in tried]
        if not free:
            return None
        chosen = min(free, key=lambda pair: _served.get(pair[0], 0))
        _busy.add(chosen[0])
        _served[chosen[0]] = time.monotonic()
        return chosen
