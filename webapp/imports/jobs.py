"""The work of an import in the background: check every row, apply in chunks, undo in chunks.

Every chunk commits what it wrote, the fates of its rows and the import's cursor together, so that a killed job goes on
where it stood and each row has one effect.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import wraps
from itertools import islice
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from webapp.core.batch import write_rows
from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import Conflict, Invalid
from webapp.core.files import store
from webapp.core.jobs import JobRun, Runner, job
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.undo import undo_chunk
from webapp.imports.lookups import names_of
from webapp.imports.mapping import columns_from_json
from webapp.imports.models import IMPORT_ROWS as ROWS
from webapp.imports.models import IMPORTS
from webapp.imports.options import options_from_json
from webapp.imports.planner import Planned, Planner
from webapp.imports.reading import RowReader, survey
from webapp.imports.sheets import UnreadableSheet, read_sheet
from webapp.imports.unreadable import RawRow

CHECK_CHUNK, APPLY_CHUNK, UNDO_CHUNK = 1_000, 500, 500
TRIES = 3
MOST_MISSING, MOST_KEPT = 500, 1_000
"""How many missing names and kept rows are listed; all are counted."""

Row = dict[str, Any]


def in_own_language(run_it: Runner) -> Runner:
    """Run a job in the language of whoever asked for it: its sentences are kept with the rows."""

    @wraps(run_it)
    def wrapped(context: Context, run: JobRun) -> str | None:
        with force_locale(context.actor.locale):
            return run_it(context, run)

    return wrapped


class Work:
    """One import and what reads and plans its rows."""

    def __init__(self, context: Context, row: Row) -> None:
        self.context, self.row = context, row
        self.resource: Resource = tailor(context, registry.resources[row["resource"]])
        self.columns = columns_from_json(row["columns"])
        self.options = options_from_json(row["options"])

    def reader(self) -> RowReader:
        """Return what reads the rows' cells into values."""
        return RowReader(self.resource, self.columns, self.options, self.row["findings"], self.context.tenant.currency)

    def planner(self) -> Planner:
        """Return what says the rows' fates."""
        mapped = frozenset(name for name in self.columns.values() if name)
        return Planner(self.context, self.resource, self.options, mapped)

    def set(self, **values: Any) -> None:
        """Change the import's own row."""
        mine = scoped(self.context.session, IMPORTS) & (IMPORTS.c.id == self.row["id"])
        self.context.session.execute(update(IMPORTS).where(mine).values(values), execution_options=CHECKED)
        self.row |= values

    def move(self, cursor: int) -> None:
        """Set the cursor, or stop when another worker has moved it meanwhile."""
        mine = scoped(self.context.session, IMPORTS) & (IMPORTS.c.id == self.row["id"])
        statement = update(IMPORTS).where(mine, IMPORTS.c.cursor == self.row["cursor"]).values(cursor=cursor)
        result: Any = self.context.session.execute(statement, execution_options=CHECKED)
        if result.rowcount != 1:
            raise Conflict(_("Another worker goes on with this import."))
        self.row["cursor"] = cursor


def work_of(context: Context, run: JobRun, state: str) -> Work | None:
    """Return the import that a job works on, None when it is no longer this job's turn."""
    query = select(IMPORTS).where(scoped(context.session, IMPORTS), IMPORTS.c.id == run.payload["import_id"])
    found = context.session.execute(query, execution_options=CHECKED).mappings().first()
    if found is None or found["state"] != state or found["job_id"] != run.id:
        return None
    return Work(context, dict(found))


@job("import_check", _l("Dry run of an import"))
@in_own_language
def check(context: Context, run: JobRun) -> str | None:
    """Say of every row what it would do; write nothing but that."""
    work = work_of(context, run, "checking")
    if work is None:
        return None
    mine = scoped(context.session, ROWS) & (ROWS.c.import_id == work.row["id"])
    context.session.execute(delete(ROWS).where(mine), execution_options=CHECKED)
    run.commit()
    try:
        with store().open(work.row["file_key"], context.organization_id) as file:
            total, findings = survey(read_sheet(file).rows, work.resource, work.columns)
            work.set(total=total, findings=findings, cursor=0, counts={}, missing={}, kept=[])
            run.progress(0, total)
            run.commit()
            counts = _check_rows(work, run, read_sheet(file).rows)
    except UnreadableSheet as error:
        context.session.rollback()
        work.set(state="failed", message=error.message)
        return error.message
    work.set(state="checked", counts=dict(counts))
    return None


def _check_rows(work: Work, run: JobRun, rows: Iterator[RawRow]) -> Counter[str]:
    reader, planner = work.reader(), work.planner()
    counts: Counter[str] = Counter()
    while chunk := list(islice(rows, CHECK_CHUNK)):
        planned = planner.plan([reader.read(number, cells) for number, cells in chunk])
        described = planner.describe(planned)
        counts.update(row["fate"] for row in described)
        own = {"organization_id": work.context.organization_id, "import_id": work.row["id"]}
        work.context.session.execute(insert(ROWS), [own | row for row in described], execution_options=CHECKED)
        work.set(missing=names_of(planner.lookups.missing, MOST_MISSING), counts=dict(counts))
        run.progress(counts.total(), **counts)
        run.commit()
    return counts


@job("import_apply", _l("Import"))
@in_own_language
def apply(context: Context, run: JobRun) -> str | None:
    """Write the rows that create or update something, 500 a commit, from the cursor on."""
    work = work_of(context, run, "applying")
    if work is None:
        return None
    reader, planner, tries = work.reader(), work.planner(), 0
    counts = Counter({name: run.counts.get(name, 0) for name in ("created", "updated", "failed")})
    context.session.commit()
    while True:
        try:
            written = _apply_chunk(work, reader, planner)
            if written is None:
                break
            sums = counts + written
            run.progress(sums.total(), **sums)
            run.commit()
            counts, tries = sums, 0
        except (IntegrityError, Conflict):
            context.session.rollback()
            tries += 1
            work = work_of(context, run, "applying")
            if work is None or tries > TRIES:
                raise
            planner = work.planner()
    work.set(state="applied", applied_at=context.at, counts=work.row["counts"] | dict(counts))
    return None


def _apply_chunk(work: Work, reader: RowReader, planner: Planner) -> Counter[str] | None:
    """Write the next rows; return how many were created, updated and failed, None when there are none left."""
    context = work.context
    query = (
        select(ROWS.c.id, ROWS.c.number, ROWS.c.cells, ROWS.c.fate)
        .where(
            scoped(context.session, ROWS),
            ROWS.c.import_id == work.row["id"],
            ROWS.c.number > work.row["cursor"],
            ROWS.c.fate.in_(("create", "update")),
        )
        .order_by(ROWS.c.number)
        .limit(APPLY_CHUNK)
    )
    rows = [tuple(row) for row in context.session.execute(query, execution_options=CHECKED)]
    if not rows:
        return None
    planned = planner.plan([reader.read(number, cells) for _id, number, cells, _fate in rows])
    _make_missing(planner, planned)
    good = [row for row in planned if row.fate in {"create", "update"} and row.draft is not None]
    note = _("From %(file)s", file=work.row["filename"])
    written = write_rows(context, work.resource, [row.draft for row in good if row.draft], note)
    ids = {id(row): item_id for row, item_id in zip(good, written, strict=True)}
    pairs = [
        (row_id, fate == row.fate == "create", row) for (row_id, *_cells, fate), row in zip(rows, planned, strict=True)
    ]
    _keep_ids(context, [(row_id, ids[id(row)]) for row_id, as_checked, row in pairs if as_checked])
    _keep_outcomes(context, planner, [(row_id, row) for row_id, as_checked, row in pairs if not as_checked], ids)
    work.move(rows[-1][1])
    return Counter(_OUTCOMES[row.fate] for row in planned if row.fate in _OUTCOMES)


_OUTCOMES = {"create": "created", "update": "updated", "error": "failed"}


def _make_missing(planner: Planner, planned: Sequence[Planned]) -> None:
    """Create what good rows need and is missing, then plan them again on what is real now."""
    needy = [row for row in planned if row.pretended and row.fate in {"create", "update"}]
    if not needy:
        return
    try:
        real = planner.lookups.make_real(pair for row in needy for pair in row.pretended)
    except Invalid as error:
        for row in needy:
            row.fate = "error"
            row.reading.fail("_", error.message)
        return
    planner.replan(needy, real)


def _keep_ids(context: Context, pairs: Sequence[tuple[int, int]]) -> None:
    """Write down which things rows have made that did just what their check said."""
    values = [{"_id": row_id, "_item_id": item_id, "_applied_at": context.at} for row_id, item_id in pairs]
    _update_rows(context, ("item_id", "applied_at"), values)


def _keep_outcomes(
    context: Context, planner: Planner, pairs: Sequence[tuple[int, Planned]], ids: Mapping[int, int]
) -> None:
    """Write down what became of other rows: things may have changed since their check."""
    kept = ("fate", "changes", "errors", "note", "item_id", "applied_at")
    outcomes = []
    for (row_id, row), outcome in zip(pairs, planner.describe([row for _id, row in pairs]), strict=True):
        values = outcome | {"item_id": ids.get(id(row), outcome["item_id"]), "applied_at": context.at}
        outcomes.append({"_id": row_id} | {f"_{name}": values[name] for name in kept})
    _update_rows(context, kept, outcomes)


def _update_rows(context: Context, columns: Sequence[str], values: list[Row]) -> None:
    if not values:
        return
    statement = (
        update(ROWS)
        .where(ROWS.c.organization_id == context.organization_id, ROWS.c.id == bindparam("_id"))
        .values({name: bindparam(f"_{name}", type_=ROWS.c[name].type) for name in columns})
    )
    context.session.execute(statement, values, execution_options=CHECKED)


@job("import_undo", _l("Undoing an import"))
@in_own_language
def undo(context: Context, run: JobRun) -> str | None:
    """Take back what the import wrote and nobody has touched since, newest first, 500 changes a commit."""
    work = work_of(context, run, "undoing")
    if work is None:
        return None
    forced = replace(context, forced=True)
    context.session.info["context"] = forced
    counts = Counter({name: run.counts.get(name, 0) for name in ("restored", "removed", "kept")})
    done, kept = run.done, list(work.row["kept"])
    before = work.row["cursor"] if run.done else None
    while True:
        report = undo_chunk(forced, work.row["change_set_id"], before_id=before, limit=UNDO_CHUNK)
        if report is None:
            break
        before, done = report.last_id, done + report.lines
        counts.update({"restored": report.restored, "removed": report.removed, "kept": len(report.kept)})
        kept = [*kept, *report.kept][:MOST_KEPT]
        work.set(cursor=before, kept=kept)
        run.progress(done, **counts)
        run.commit()
    work.set(state="undone", undone_at=context.at, counts=work.row["counts"] | dict(counts))
    return None
