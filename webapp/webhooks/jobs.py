"""What the worker does for webhooks: each has its turn in a thread of its own, so that a slow receiver holds up nobody.

The log is the outbox: a job only wakes the worker sooner than its sweep would. A worker that is killed leaves a lease
that runs out, and the message it was sending goes out again.
"""

import logging
import threading
from datetime import timedelta
from time import monotonic

from flask import Flask, current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from webapp.core import identity
from webapp.core.access import permissions_of
from webapp.core.context import Actor, Context, make_context
from webapp.core.database import utcnow
from webapp.core.jobs import JOBS, JobRun, job
from webapp.core.recorder import watch
from webapp.core.seals import seal_finished
from webapp.core.tenancy import CHECKED, new_session, scoped
from webapp.core.worker import every_sweep
from webapp.webhooks import rules, turns
from webapp.webhooks.models import DELIVERIES
from webapp.webhooks.sending import Outcome, send

TURN_SECONDS, MOST_AT_ONCE = 20.0, 8
KEPT, TIDY_EVERY, WAKINGS_KEPT = timedelta(days=30), timedelta(hours=1), timedelta(hours=1)
log = logging.getLogger(__name__)
_busy: set[tuple[int, int]] = set()
_lock = threading.Lock()
_tidied = [utcnow() - TIDY_EVERY]


@watch
def wake_for_changes(session: Session) -> None:
    """Put one job into a transaction that changed something, when a webhook may be told and nobody is woken yet."""
    context: Context | None = session.info.get("context")
    if context is None or not rules.has_active(context):
        return
    queued = select(JOBS.c.id).where(scoped(session, JOBS), JOBS.c.kind == rules.JOB, JOBS.c.state == "queued").limit(1)
    if session.execute(queued, execution_options=CHECKED).first() is None:
        rules.wake(context)


@job(rules.JOB, _l("Webhooks"))
def woken(context: Context, run: JobRun) -> None:
    """Seal what was just committed (PostgreSQL), then give every webhook that has something to do its turn."""
    while seal_finished(context.session):
        run.commit()
    context.session.rollback()
    hand_out()


@every_sweep
def hand_out() -> int:
    """Begin the turns that are due, the ones first that had none for longest; return how many were begun."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # Flask's proxy is untyped here
    begun = 0
    for due in turns.DUE_WEBHOOKS(at=utcnow(), count=MOST_AT_ONCE * 4):
        key = (due["organization_id"], due["webhook_id"])
        with _lock:
            if key in _busy or len(_busy) >= MOST_AT_ONCE:
                continue
            _busy.add(key)
        begun += 1
        if app.testing:
            _in_turn(app, key)
        else:
            threading.Thread(target=_in_turn, args=(app, key), daemon=True).start()
    return begun


def _in_turn(app: Flask, key: tuple[int, int]) -> None:
    """Take one webhook's turn and hand out what is due next."""
    try:
        with app.app_context():
            take_turn(*key)
    except Exception:  # the lease runs out and the sweep tries again
        log.exception("the turn of webhook %s of organization %s failed", key[1], key[0])
    finally:
        with _lock:
            _busy.discard(key)
    if not app.testing:
        with app.app_context():
            hand_out()


def take_turn(organization_id: int, webhook_id: int) -> int:
    """Send what a webhook has to send, for a while; return how many messages were tried."""
    tenant = identity.organization_by_id(organization_id)
    if tenant is None:
        return 0
    machine = Actor(name="Quartermaster", role="owner", permissions=permissions_of("owner"), face="system")
    outcome: Outcome | None = None
    until, tried, is_ours = monotonic() + TURN_SECONDS, 0, False
    while True:
        with new_session(organization_id, write=True) as session:
            context = make_context(session, tenant, machine)
            if not is_ours and not turns.claim(context, webhook_id):
                return 0
            found = turns.step(context, webhook_id, outcome, ends=monotonic() > until)
            session.commit()
        is_ours, outcome = True, None
        if found.hook is not None and found.delivery is not None:
            outcome = send(found.hook, found.delivery, utcnow())
            tried += 1
        elif not found.goes_on:
            return tried


@every_sweep
def tidy() -> None:
    """Once an hour, throw away what messages said that were done with 30 days ago, and the jobs that woke us."""
    now = utcnow()
    if now - _tidied[0] < TIDY_EVERY:
        return
    _tidied[0] = now
    for organization_id in identity.organization_ids():
        with new_session(organization_id, write=True) as session:
            over = scoped(session, DELIVERIES) & (DELIVERIES.c.finished_at < now - KEPT)
            said = DELIVERIES.c.payload.isnot(None)
            statement = update(DELIVERIES).where(over, said).values(payload=None, answer=None)
            session.execute(statement, execution_options=CHECKED)
            old = (JOBS.c.kind == rules.JOB) & (JOBS.c.finished_at < now - WAKINGS_KEPT)
            session.execute(delete(JOBS).where(scoped(session, JOBS), old), execution_options=CHECKED)
            session.commit()
