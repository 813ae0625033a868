"""What may happen to an export: saved, run, made again on its day, handed out as a file for thirty days."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, and_, insert, select, update

from webapp.core.access import can, require
from webapp.core.context import Actor, Context
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound
from webapp.core.jobs import enqueue, get_job
from webapp.core.parameters import ListParameters
from webapp.core.query import get_row
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.writes import Change, Draft, Facts
from webapp.edge.mail import ADDRESS
from webapp.reports.asking import kept_query, parameters_of
from webapp.reports.models import EXPORTS, RUNS
from webapp.reports.schedules import Plan, next_run

READ, WRITE = "exports:read", "exports:write"
KEPT = timedelta(days=30)
MOST_RECEIVERS, MOST_RUNS = 20, 50
PLANNED = ("schedule", "weekday", "month_day", "hour")
SAVED = ("name", "resource", "format", "query", "fields", "receivers", *PLANNED)

Row = Mapping[str, Any]


def visible(context: Context) -> ColumnElement[bool]:
    """Return the predicate of the exports an actor sees: of lists they may read; who is narrowed sees only their own.

    What a file shows was in reach of whoever saved the export, which a narrowed actor may not be.
    """
    resources = registry.resources.items()
    readable = [name for name, resource in resources if can(context.actor, resource.read_permission)]
    where = and_(scoped(context.session, EXPORTS), EXPORTS.c.resource.in_(readable))
    if context.actor.scope_location_id is None:
        return where
    if context.actor.api_key_id is not None:
        return and_(where, EXPORTS.c.runs_as_key_id == context.actor.api_key_id)
    return and_(where, EXPORTS.c.runs_as_user_id == (context.actor.user_id or 0))


def plan_export(draft: Draft, facts: Facts) -> None:
    """Say what an export will be; whoever changes it has it run with their own rights from then on."""
    context = facts.context
    _plan_list(draft, facts)
    _plan_receivers(draft)
    if draft["schedule"] == "weekly" and draft["weekday"] is None:
        draft.fail("weekday", _("Say on which day of the week."))
    if draft["schedule"] == "monthly" and draft["month_day"] is None:
        draft.fail("month_day", _("Say on which day of the month."))
    if draft.errors or not draft.changed(*SAVED):
        return
    draft["runs_as_user_id"] = context.actor.user_id
    draft["runs_as_key_id"] = context.actor.api_key_id if context.actor.user_id is None else None
    draft["runs_as_name"] = context.actor.name[:255]
    if draft.is_new or draft.changed(*PLANNED):
        draft["next_run_at"] = next_run(plan_of(draft), context.tenant.timezone, context.at)


def plan_of(row: Any) -> Plan:
    """Return the plan that a row or a draft says."""
    return Plan(row["schedule"], row["weekday"], row["month_day"], row["hour"])


def _plan_list(draft: Draft, facts: Facts) -> None:
    """Hold an export to what its list can be asked for, by somebody who may read it."""
    resource = registry.resources.get(str(draft["resource"]))
    if resource is None or not can(facts.context.actor, resource.read_permission):
        if draft["resource"] is not None:
            draft.fail("resource", _("You may not read this list."))
        return
    try:
        draft["query"], fields = kept_query(draft["query"])
    except ValueError:
        draft.fail("query", _("This is not what stands behind the ? of a list's address."))
        return
    draft["fields"] = list(dict.fromkeys(draft["fields"] or fields))
    try:
        asked(facts.context, facts.tailored(resource), draft)
    except Invalid as error:
        for name, messages in error.errors.items():
            for message in messages:
                draft.fail(name, message)
    except Forbidden as error:
        draft.fail("query", error.message)


def _plan_receivers(draft: Draft) -> None:
    receivers = list(dict.fromkeys(text for given in draft["receivers"] or () if (text := given.strip())))
    wrong = [text for text in receivers if not ADDRESS.fullmatch(text)]
    if wrong:
        draft.fail("receivers", _("“%(text)s” is not an e-mail address.", text=wrong[0][:100]))
    if len(receivers) > MOST_RECEIVERS:
        draft.fail("receivers", _("At most %(count)s receivers.", count=MOST_RECEIVERS))
    draft["receivers"] = receivers


def asked(context: Context, resource: Resource, row: Any) -> ListParameters:
    """Return what an export asks of its list; raises Invalid, and Forbidden for deleted things one may not restore."""
    parameters = parameters_of(resource, row["query"], row["fields"])
    if parameters.deleted and not can(context.actor, resource.write_permission):
        raise Forbidden(_("The deleted ones are for those who may restore them."))
    return parameters


def settle_exports(context: Context, changes: list[Change]) -> None:
    """Make new exports without a schedule at once; one that comes back is due on its next day, not at once."""
    for change in changes:
        before, after = change.before, change.after
        if before is None and after["schedule"] == "none":
            start(context, after)
        elif before is not None and before["deleted_at"] is not None and after["deleted_at"] is None:
            due_at = next_run(plan_of(after), context.tenant.timezone, context.at)
            _set(context, after["id"], next_run_at=due_at)


def start(context: Context, row: Row, *, due_at: datetime | None = None) -> int:
    """Put one run of an export into the outbox and return its job's id."""
    values = {
        "organization_id": context.organization_id,
        "export_id": row["id"],
        "due_at": due_at,
        "started_at": context.at,
    }
    statement = insert(RUNS).values(values).returning(RUNS.c.id)
    run_id = int(context.session.execute(statement, execution_options=CHECKED).scalar_one())
    job_id = enqueue(context, "export", {"run_id": run_id})
    mine = scoped(context.session, RUNS) & (RUNS.c.id == run_id)
    context.session.execute(update(RUNS).where(mine).values(job_id=job_id), execution_options=CHECKED)
    _set(context, row["id"], job_id=job_id, last_state="running", last_run_at=context.at, last_error=None)
    return job_id


def start_when_due(context: Context, row: Row) -> bool:
    """Start the run that an export's schedule asks for, and set its next day; False when another worker was faster.

    A worker that was away for days comes back to one run, not to one for each day.
    """
    following = next_run(plan_of(row), context.tenant.timezone, context.at)
    mine = scoped(context.session, EXPORTS) & (EXPORTS.c.id == row["id"]) & EXPORTS.c.deleted_at.is_(None)
    statement = update(EXPORTS).where(mine, EXPORTS.c.next_run_at == row["next_run_at"])
    result: Any = context.session.execute(statement.values(next_run_at=following), execution_options=CHECKED)
    if result.rowcount != 1:
        return False
    start(context, row, due_at=row["next_run_at"])
    return True


def run_now(context: Context, ids: list[int], values: Mapping[str, Any]) -> None:
    """Make exports now, beside their schedule. Raises Conflict while one of them is being made."""
    for row_id in ids:
        row = get_row(context, registry.resources["exports"], row_id)
        if row["last_state"] == "running" and is_underway(context, row["job_id"]):
            raise Conflict(_("It is being made already."), code="running")
        start(context, row)


def is_underway(context: Context, job_id: int | None) -> bool:
    """Tell whether a job has not ended yet; one that nobody knows any more has."""
    try:
        return job_id is not None and get_job(context, job_id)["state"] in ("queued", "running")
    except NotFound:
        return False


def due_exports(context: Context, *, limit: int = 100) -> list[dict[str, Any]]:
    """Return the exports whose moment has come, the longest waiting first."""
    where = [scoped(context.session, EXPORTS), EXPORTS.c.next_run_at <= context.at, EXPORTS.c.deleted_at.is_(None)]
    query = select(EXPORTS).where(*where).order_by(EXPORTS.c.next_run_at).limit(limit)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def run_to_make(context: Context, run_id: int) -> dict[str, Any] | None:
    """Return a run's export, with `run_id` and `due_at`; None when the run has ended or its export was deleted."""
    query = (
        select(EXPORTS, RUNS.c.id.label("run_id"), RUNS.c.due_at)
        .join(RUNS, (RUNS.c.export_id == EXPORTS.c.id) & (RUNS.c.organization_id == EXPORTS.c.organization_id))
        .where(scoped(context.session, RUNS), RUNS.c.id == run_id, RUNS.c.finished_at.is_(None))
        .where(EXPORTS.c.deleted_at.is_(None))
    )
    found = context.session.execute(query, execution_options=CHECKED).mappings().first()
    return None if found is None else dict(found)


def require_rights(actor: Actor, row: Row) -> None:
    """Raise Forbidden with a sentence unless somebody may still have an export made."""
    needed = WRITE if row["receivers"] or row["schedule"] != "none" else READ
    resource = registry.resources.get(row["resource"])
    if resource is None or not {needed, resource.read_permission} <= actor.permissions:
        words = _("%(name)s, with whose rights it runs, may no longer do this.", name=actor.name)
        raise Forbidden(words)


def finish(context: Context, row: Row, at: datetime, **values: Any) -> bool:
    """Note how a run ended, by its `error` or by its file; False when it had ended already."""
    mine = scoped(context.session, RUNS) & (RUNS.c.id == row["run_id"]) & RUNS.c.finished_at.is_(None)
    statement = update(RUNS).where(mine).values(finished_at=at, **values)
    result: Any = context.session.execute(statement, execution_options=CHECKED)
    if result.rowcount != 1:
        return False
    error = values.get("error")
    state = "done" if error is None else "failed"
    _set(context, row["id"], last_state=state, last_run_at=at, last_error=error, last_rows=values.get("rows"))
    return True


def _set(context: Context, export_id: int, **values: Any) -> None:
    """Write what the program notes of an export: no edit, so no new version and no line of the history."""
    mine = scoped(context.session, EXPORTS) & (EXPORTS.c.id == export_id)
    context.session.execute(update(EXPORTS).where(mine).values(values), execution_options=CHECKED)


def saved_by(context: Context, export_id: int) -> str:
    """Return the name of whoever saved an export last: it runs with their rights."""
    query = select(EXPORTS.c.runs_as_name).where(scoped(context.session, EXPORTS), EXPORTS.c.id == export_id)
    return str(context.session.execute(query, execution_options=CHECKED).scalar_one())


def list_runs(context: Context, export_id: int) -> list[dict[str, Any]]:
    """Return the newest runs of an export that the caller has looked at."""
    query = select(RUNS).where(scoped(context.session, RUNS), RUNS.c.export_id == export_id)
    query = query.order_by(RUNS.c.id.desc()).limit(MOST_RUNS)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def file_of(context: Context, export_id: int, run_id: int | None = None) -> dict[str, Any]:
    """Return the run whose file is asked for, the newest one by default.

    Raises NotFound for what the actor may not see or what is older than thirty days, and Conflict while the file is
    being made or when it could not be made.
    """
    require(context.actor, READ)
    get_row(context, registry.resources["exports"], export_id)
    runs = [run for run in list_runs(context, export_id) if run_id in (None, run["id"])]
    if not runs or not may_have_file(context, runs[0]):
        raise NotFound(_("There is no such file."))
    run = runs[0]
    if run["error"] is not None:
        raise Conflict(run["error"], code="failed")
    if run["finished_at"] is None:
        raise Conflict(_("The file is not ready yet."), code="not_ready")
    if run["file_key"] is None:
        raise NotFound(_("Files are kept for 30 days. Run the export again."))
    return run


def may_have_file(context: Context, run: Row) -> bool:
    """Tell whether an actor may have what another's rights have put into a file."""
    if run["permission"] is not None and not can(context.actor, run["permission"]):
        return False
    scope = context.actor.scope_location_id
    return scope is None or run["finished_at"] is None or run["scope_location_id"] == scope


def expired_files(context: Context, *, limit: int = 500) -> list[dict[str, Any]]:
    """Return the runs whose files are older than thirty days."""
    old = [scoped(context.session, RUNS), RUNS.c.finished_at < context.at - KEPT, RUNS.c.file_key.isnot(None)]
    query = select(RUNS.c.id, RUNS.c.file_key).where(*old).limit(limit)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def forget_files(context: Context, ids: Sequence[int]) -> None:
    """Note that the files of runs are gone; the runs stay."""
    mine = scoped(context.session, RUNS) & RUNS.c.id.in_(ids)
    context.session.execute(update(RUNS).where(mine).values(file_key=None), execution_options=CHECKED)
