"""What the faces leave to the worker: the same act on many rows, and the undo of many changes."""

from collections import Counter
from typing import Any

from flask_babel import force_locale
from flask_babel import lazy_gettext as _l

from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import Conflict, Invalid
from webapp.core.jobs import JobRun, job
from webapp.core.resource import registry
from webapp.core.undo import UNDO_CHUNK, undo_chunk
from webapp.faces.api_bulk import Order, Outcome
from webapp.faces.problems import field_errors
from webapp.faces.surface import forced

CHUNK, TRIES, MOST_TOLD = 500, 3, 200


@job("bulk", _l("Change of many things"))
def bulk(context: Context, run: JobRun) -> str | None:
    """Do something with many rows, 500 a commit; a killed job goes on behind the last of them."""
    asked = run.payload
    resource = tailor(context, registry.resources[asked["resource"]])
    order = Order(resource, asked["action"], asked["values"], dict(map(tuple, asked["versions"])))
    counts = Counter({name: run.counts.get(name, 0) for name in ("changed", "unchanged", "failed")})
    failures: list[dict[str, Any]] = list(run.counts.get("failures", []))
    with force_locale(context.actor.locale):
        while ids := asked["ids"][run.done : run.done + CHUNK]:
            outcome = _step(context, order, ids)
            for name in counts:
                counts[name] += len(getattr(outcome, name))
            failures = [*failures, *outcome.failed][:MOST_TOLD]
            run.progress(run.done + len(ids), **counts, failures=failures)
            run.commit()
    return None


def _step(context: Context, order: Order, ids: list[int]) -> Outcome:
    """Do it with some rows; what is refused as a whole, or disturbed three times, fails with each of them."""
    for tried in range(1, TRIES + 1):
        try:
            return order.do(context, ids)
        except (Conflict, Invalid) as error:
            context.session.rollback()
            refused = error
            if order.declared is not None or tried == TRIES:
                break
    outcome = Outcome()
    told = refused.errors if isinstance(refused, Invalid) else {"_": [refused.message]}
    for row_id in ids:
        outcome.fail(row_id, field_errors(told))
    return outcome


@job("undo_changes", _l("Undoing changes"))
def undo_changes(context: Context, run: JobRun) -> str | None:
    """Take a change set back, newest first, 500 lines a commit."""
    context = forced(context)
    counts = Counter({name: run.counts.get(name, 0) for name in ("restored", "removed", "kept")})
    said, kept = run.counts.get("before"), list(run.counts.get("left", []))
    before = int(said) if said else None
    with force_locale(context.actor.locale):
        while report := undo_chunk(context, run.payload["change_set_id"], before_id=before, limit=UNDO_CHUNK):
            before, kept = report.last_id, [*kept, *report.kept][:MOST_TOLD]
            counts.update({"restored": report.restored, "removed": report.removed, "kept": len(report.kept)})
            run.progress(run.done + report.lines, **counts, before=str(before), left=kept)
            run.commit()
    return None
