"""The work of an import in the background: check every row, apply in chunks, undo in chunks.

Every chunk commits what it wrote, the fates of its rows and the import's cursor together, so that a killed job goes on
where it stood and each row has one effect.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import wraps
from itertools import islice
from typing import Any

from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from webapp.core import identity
from webapp.core.batch import write_rows
from webapp.core.context import Context
from webapp.core.database import utcnow
from webapp.core.driver import dicts
from webapp.core.errors import Conflict
from webapp.core.files import store
from webapp.core.insertion import insert_rows, update_rows
from webapp.core.jobs import JobRun, Runner, job
from webapp.core.tenancy import CHECKED, new_session, scoped
from webapp.core.undo import undo_chunk
from webapp.core.worker import every_sweep
from webapp.imports.foreseen import basis_of, drafts_of, stands
from webapp.imports.lookups import names_of
from webapp.imports.mending import skip_note
from webapp.imports.models import IMPORT_KEPT as KEPT
from webapp.imports.models import IMPORT_ROWS as ROWS
from webapp.imports.models import IMPORTS
from webapp.imports.planner import Planned, Planner
from webapp.imports.reading import Reading, RowReader, survey
from webapp.imports.sheets import UnreadableSheet
from webapp.imports.sources import open_sheet
from webapp.imports.standing import EDITABLE, KEPT_FOR, OUTCOMES, count_fates, is_import
from webapp.imports.unreadable import RawRow
from webapp.imports.work import Keys, Work

CHECK_CHUNK, APPLY_CHUNK, UNDO_CHUNK = 1_000, 500, 500
TRIES = 3
LEVEL = 2**32
MOST_MISSING, MOST_KEPT = 500, 20
"""How many missing names, and lines of what an undo kept, stand with the import itself; all are counted."""

Row = dict[str, Any]


def in_own_language(run_it: Runner) -> Runner:
    """Run a job in the language of whoever asked for it: its sentences are kept with the rows."""

    @wraps(run_it)
    def wrapped(context: Context, run: JobRun) -> str | None:
        with force_locale(context.actor.locale):
            return run_it(context, run)

    return wrapped


def work_of(context: Context, run: JobRun, state: str) -> Work | None:
    """Return the import that a job works on, None when it is no longer this job's turn."""
    query = select(IMPORTS).where(scoped(context.session, IMPORTS), IMPORTS.c.id == run.payload["import_id"])
    found = context.session.execute(query, execution_options=CHECKED).mappings().first()
    if found is None or found["state"] != state or found["job_id"] != run.id:
        return None
    return Work(context, dict(found))


def move(work: Work, cursor: int) -> None:
    """Set an import's cursor, or stop when another worker has moved it meanwhile."""
    mine = is_import(work.context, work.row["id"])
    statement = update(IMPORTS).where(mine, IMPORTS.c.cursor == work.row["cursor"]).values(cursor=cursor)
    result: Any = work.context.session.execute(statement, execution_options=CHECKED)
    if result.rowcount != 1:
        raise Conflict(_("Another worker goes on with this import."))
    work.row["cursor"] = cursor


@job("import_check", _l("Dry run of an import"))
@in_own_language
def check(context: Context, run: JobRun) -> str | None:
    """Say of every row what it would do; write nothing but that."""
    work = work_of(context, run, "checking")
    if work is None:
        return None
    of_the_file = [*_rows_of(work), ROWS.c.is_mended.is_(False), ROWS.c.is_skipped.is_(False)]
    context.session.execute(delete(ROWS).where(*of_the_file), execution_options=CHECKED)
    run.commit()
    try:
        with store().open(work.row["file_key"], context.organization_id) as file:
            by_hand = _by_hand(work)
            rows = _with_mended(open_sheet(file, work.options).rows, by_hand)
            total, findings = survey(rows, work.resource, work.columns)
            basis = basis_of(context)
            work.set(total=total, findings=findings, basis=basis, cursor=0, counts={}, missing={}, kept=[])
            run.progress(0, total)
            run.commit()
            keys = Keys()
            planner = work.planner(keys)
            if planner.ancestry.matters:
                planner.foresee(work.reader(), _with_mended(open_sheet(file, work.options).rows, by_hand))
            rows = planner.in_order(_with_mended(open_sheet(file, work.options).rows, by_hand))
            counts = _check_rows(work, run, planner, keys, rows, by_hand)
    except UnreadableSheet as error:
        context.session.rollback()
        work.set(state="failed", message=error.message)
        return error.message
    work.set(state="checked", counts=dict(counts))
    return None


def _rows_of(work: Work) -> list[ColumnElement[bool]]:
    return [scoped(work.context.session, ROWS), ROWS.c.import_id == work.row["id"]]


def _by_hand(work: Work) -> dict[int, Row]:
    """Return the rows that somebody has mended or skipped, by number: a check keeps them as they are."""
    names = ("number", "cells", "title", "mark", "is_mended", "is_skipped")
    touched = or_(ROWS.c.is_mended.is_(True), ROWS.c.is_skipped.is_(True))
    query = select(*(ROWS.c[name] for name in names)).where(*_rows_of(work), touched)
    found = work.context.session.execute(query, execution_options=CHECKED).mappings()
    return {row["number"]: dict(row) for row in found}


def _with_mended(rows: Iterator[RawRow], by_hand: Mapping[int, Row]) -> Iterator[RawRow]:
    """Yield the file's rows, with the cells that somebody put into some of them."""
    for number, cells in rows:
        mended = by_hand.get(number)
        yield number, mended["cells"] if mended is not None and mended["is_mended"] else cells


def _check_rows(
    work: Work, run: JobRun, planner: Planner, keys: Keys, rows: Iterator[RawRow], by_hand: Mapping[int, Row]
) -> Counter[str]:
    reader = work.reader()
    counts: Counter[str] = Counter()
    while chunk := list(islice(rows, CHECK_CHUNK)):
        skipped = [row for number, _cells in chunk if (row := by_hand.get(number)) and row["is_skipped"]]
        left_out = {row["number"] for row in skipped}
        planned = planner.plan([reader.read(number, cells) for number, cells in chunk if number not in left_out])
        described = work.described(planner, planned, keys)
        described += [work.left_out(row, skip_note()) for row in skipped]
        for row in described:
            row["is_mended"] = bool((own := by_hand.get(row["number"])) and own["is_mended"])
        counts.update(row["fate"] for row in described)
        again = [row["number"] for row in described if row["number"] in by_hand]
        if again:
            old = delete(ROWS).where(*_rows_of(work), ROWS.c.number.in_(again))
            work.context.session.execute(old, execution_options=CHECKED)
        insert_rows(work.context.session, ROWS, described)
        work.set(missing=names_of(planner.lookups.missing, MOST_MISSING), counts=dict(counts))
        run.progress(counts.total(), **counts)
        run.commit()
    return counts


@job("import_apply", _l("Import"))
@in_own_language
def apply(context: Context, run: JobRun) -> str | None:
    """Write the rows that create or update something and are not written yet, 500 a commit."""
    work = work_of(context, run, "applying")
    if work is None:
        return None
    reader, planner, tries = work.reader(), work.planner_of_rows(), 0
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
            planner = work.planner_of_rows()
    work.set(state="applied", applied_at=context.at, counts=count_fates(context, work.row["id"]))
    return None


def _next_rows(work: Work, planner: Planner) -> tuple[list[Row], int]:
    """Return the next rows to write and where the cursor stands after them: those that name no other row come first.

    Level by level: the cursor holds the level above 32 bits and the row's number below them.
    """
    context = work.context
    level, number = divmod(work.row["cursor"], LEVEL)
    while level <= max(planner.ancestry.depths.values(), default=0):
        query = (
            select(*(ROWS.c[name] for name in ("id", "number", "fate", "plan")))
            .where(
                *_rows_of(work),
                ROWS.c.number > number,
                ROWS.c.fate.in_(("create", "update")),
                ROWS.c.applied_at.is_(None),
            )
            .order_by(ROWS.c.number)
            .limit(APPLY_CHUNK)
        )
        rows = dicts(context.session.execute(query, execution_options=CHECKED))
        due = [row for row in rows if planner.depth(row["number"]) == level]
        if due:
            return due, level * LEVEL + int(rows[-1]["number"])
        level, number = (level, rows[-1]["number"]) if rows else (level + 1, 0)
    return [], work.row["cursor"]


def _apply_chunk(work: Work, reader: RowReader, planner: Planner) -> Counter[str] | None:
    """Write the next rows; return how many were created, updated and failed, None when there are none left."""
    context = work.context
    rows, cursor = _next_rows(work, planner)
    if not rows:
        return None
    planned = _planned(work, reader, planner, rows)
    good = [row for row in planned if row.fate in {"create", "update"} and row.draft is not None]
    note = _("From %(file)s", file=work.row["filename"])
    written = write_rows(context, work.resource, [row.draft for row in good if row.draft], note)
    planner.settle(good, written)
    ids = {id(row): item_id for row, item_id in zip(good, written, strict=True)}
    pairs = [(row["id"], row["fate"] == done.fate == "create", done) for row, done in zip(rows, planned, strict=True)]
    _keep_ids(context, [(row_id, ids[id(row)]) for row_id, as_checked, row in pairs if as_checked])
    made = [{"id": row_id, "carried": row.carried} for row_id, as_checked, row in pairs if as_checked and row.carried]
    update_rows(context.session, ROWS, made)
    _keep_outcomes(context, planner, [(row_id, row) for row_id, as_checked, row in pairs if not as_checked], ids)
    move(work, cursor)
    return Counter(OUTCOMES[row.fate] for row in planned if row.fate in OUTCOMES)


def _planned(work: Work, reader: RowReader, planner: Planner, rows: Sequence[Row]) -> list[Planned]:
    """Return rows as their check has planned them, anew where that does not hold any more; what they need is made."""
    kept = [row for row in rows if row["plan"]]
    holds = kept and stands(work.context, work.resource, work.row["basis"])
    drafts = drafts_of(work.context, work.resource, kept) if holds else {}
    anew = planner.plan([reader.read(*row) for row in _cells(work, {row["number"] for row in rows} - drafts.keys())])
    planner.make_missing(anew)
    known = {row.reading.number: row for row in anew}
    for row in rows:
        if row["number"] in drafts:
            known[row["number"]] = Planned(Reading(row["number"], []), "create", drafts[row["number"]])
    return [known[row["number"]] for row in rows]


def _cells(work: Work, numbers: set[int]) -> list[RawRow]:
    """Return some of an import's rows as the file has them."""
    if not numbers:
        return []
    query = select(ROWS.c.number, ROWS.c.cells).where(*_rows_of(work), ROWS.c.number.in_(numbers))
    found = work.context.session.execute(query.order_by(ROWS.c.number), execution_options=CHECKED)
    return [(number, cells) for number, cells in found]


def _keep_ids(context: Context, pairs: Sequence[tuple[int, int]]) -> None:
    """Write down which things rows have made that did just what their check said."""
    values = [{"id": row_id, "item_id": item_id, "applied_at": context.at} for row_id, item_id in pairs]
    update_rows(context.session, ROWS, values)


def _keep_outcomes(
    context: Context, planner: Planner, pairs: Sequence[tuple[int, Planned]], ids: Mapping[int, int]
) -> None:
    """Write down what became of other rows: things may have changed since their check."""
    if not pairs:
        return
    kept = ("fate", "changes", "errors", "note", "carried", "item_id", "applied_at")
    outcomes = []
    for (row_id, row), outcome in zip(pairs, planner.describe([row for _id, row in pairs]), strict=True):
        values = outcome | {"item_id": ids.get(id(row), outcome["item_id"]), "applied_at": context.at}
        outcomes.append({"id": row_id} | {name: values[name] for name in kept})
    update_rows(context.session, ROWS, outcomes)


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
        counts.update(
            {"restored": report.restored - report.partly, "removed": report.removed, "kept": len(report.kept)}
        )
        kept = [*kept, *report.kept][:MOST_KEPT]
        own = {"organization_id": work.context.organization_id, "import_id": work.row["id"]}
        if report.kept:
            context.session.execute(insert(KEPT), [own | line for line in report.kept], execution_options=CHECKED)
        work.set(cursor=before, kept=kept)
        run.progress(done, **counts)
        run.commit()
    work.set(state="undone", undone_at=context.at, counts=work.row["counts"] | dict(counts))
    return None


def purge_old() -> int:
    """Throw away the files and rows of imports at rest for 30 days, in every organization; return how many imports.

    What was never applied is laid aside with them; the summary of the others stays.
    """
    purged, before = 0, utcnow() - KEPT_FOR
    at_rest = (*EDITABLE, "applied", "undone", "discarded")
    for organization_id in identity.organization_ids():
        with new_session(organization_id, write=True) as session:
            query = select(IMPORTS.c.id, IMPORTS.c.file_key, IMPORTS.c.state).where(
                scoped(session, IMPORTS),
                IMPORTS.c.purged_at.is_(None),
                IMPORTS.c.state.in_(at_rest),
                func.coalesce(IMPORTS.c.undone_at, IMPORTS.c.applied_at, IMPORTS.c.updated_at) < before,
            )
            for import_id, file_key, state in session.execute(query, execution_options=CHECKED).all():
                store().delete(file_key, organization_id)
                mine = scoped(session, ROWS) & (ROWS.c.import_id == import_id)
                session.execute(delete(ROWS).where(mine), execution_options=CHECKED)
                values = {"purged_at": utcnow(), "state": "discarded" if state in EDITABLE else state}
                this = scoped(session, IMPORTS) & (IMPORTS.c.id == import_id)
                session.execute(update(IMPORTS).where(this).values(values), execution_options=CHECKED)
                session.commit()
                purged += 1
    return purged


@every_sweep
def purge_daily() -> None:
    """Purge once a day, and once after each start of the worker."""
    now = utcnow()
    if _purges.get("last", now - PURGED_EVERY) <= now - PURGED_EVERY:
        _purges["last"] = now
        purge_old()


PURGED_EVERY = timedelta(days=1)
_purges: dict[str, datetime] = {}
