"""What may happen to an import: uploaded, mapped, checked, applied, undone; each step only where it makes sense."""

import uuid
from collections.abc import Mapping
from typing import Any, BinaryIO

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, func, insert, select, update

from webapp.core.access import can, require
from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import Conflict, Invalid, NotFound
from webapp.core.files import store
from webapp.core.jobs import cancel_job, enqueue, get_job
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.imports.mapping import column_errors, columns_from_json, columns_to_json, guess_columns
from webapp.imports.models import FATES, IMPORTS
from webapp.imports.models import IMPORT_ROWS as ROWS
from webapp.imports.options import CREATABLE, Options, changed_options, options_from_json
from webapp.imports.sheets import Limits, Sheet, UnreadableSheet, read_sheet
from webapp.imports.targets import TARGETS, targets_of
from webapp.imports.values import clean_text

READ, WRITE = "imports:read", "imports:write"
SAMPLES, SAMPLE_ROWS = 3, 200
RUNNING = {"checking": "failed", "applying": "stopped", "undoing": "applied"}
"""The states in which a job works, and where its end without success leaves the import."""
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

Row = dict[str, Any]


def upload(context: Context, resource_name: str, file: BinaryIO, filename: str) -> int:
    """Take a file in, guess what its columns mean, and start its check when the guess suffices; return the import's id.

    Raises Invalid naming `resource` or `file`, and TooLarge.
    """
    resource = _target(context, resource_name)
    try:
        sheet = read_sheet(file)
        samples = _samples(sheet)
    except UnreadableSheet as error:
        raise Invalid({"file": [error.message]}) from None
    columns = {index: guess.field for index, guess in enumerate(guess_columns(resource, sheet.headers))}
    file.seek(0)
    stored = store().save(file, context.organization_id, limit=Limits().bytes)
    row = {
        "organization_id": context.organization_id,
        "guid": str(uuid.uuid4()),
        "created_at": context.at,
        "updated_at": context.at,
        "version": 1,
        "resource": resource.name,
        "state": "uploaded",
        "filename": _plain_filename(filename),
        "file_key": stored.key,
        "file_size": stored.size,
        "headers": list(sheet.headers),
        "samples": samples,
        "columns": columns_to_json(columns),
        "options": Options(match=_best_key(resource, columns)).to_json(),
        "findings": {},
        "missing": {},
        "counts": {},
        "kept": [],
        "total": 0,
        "cursor": 0,
        "created_by_user_id": context.actor.user_id,
        "created_by_name": context.actor.name,
    }
    statement = insert(IMPORTS).values(row).returning(IMPORTS.c.id)
    import_id = int(context.session.execute(statement, execution_options=CHECKED).scalar_one())
    if not column_errors(resource, columns, len(sheet.headers)):
        _start(context, import_id, ("uploaded",), "checking")
    return import_id


def _target(context: Context, name: str) -> Resource:
    require(context.actor, WRITE)
    if name not in TARGETS or name not in registry.resources:
        raise Invalid({"resource": [_("Say one of: %(names)s.", names=", ".join(TARGETS))]})
    resource = tailor(context, registry.resources[name])
    require(context.actor, resource.write_permission)
    return resource


def _samples(sheet: Sheet) -> list[list[str]]:
    """Return the first few different contents of each column."""
    samples: list[list[str]] = [[] for _header in sheet.headers]
    for count, (_number, cells) in enumerate(sheet.rows):
        for found, cell in zip(samples, cells, strict=False):
            text = clean_text(cell)[:80]
            if text and len(found) < SAMPLES and text not in found:
                found.append(text)
        if count == SAMPLE_ROWS:
            break
    return samples


def _plain_filename(name: str) -> str:
    return clean_text(name.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "import"


def _best_key(resource: Resource, columns: Mapping[int, str | None]) -> str | None:
    return next((n for n, target in targets_of(resource).items() if target.key and n in columns.values()), None)


def change(
    context: Context,
    import_id: int,
    columns: Mapping[int, str | None] | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Correct the mapping (the columns given) or the options, and check the rows again; raises Invalid and Conflict."""
    row = get_import(context, import_id, write=True)
    wanted = columns_from_json(row["columns"]) | dict(columns or {})
    resource = tailor(context, registry.resources[row["resource"]])
    errors = column_errors(resource, wanted, len(row["headers"]))
    if errors:
        raise Invalid({"columns": errors})
    chosen = changed_options(resource, options_from_json(row["options"]), options or {}, len(row["headers"]))
    _require_creation(context, chosen)
    if chosen.match not in {name for name in wanted.values() if name}:
        best = _best_key(resource, wanted)
        chosen = changed_options(resource, chosen, {"match": best}, len(row["headers"]))
    values = {"columns": columns_to_json(wanted), "options": chosen.to_json()}
    _start(context, import_id, ("uploaded", "checked", "failed"), "checking", **values)


def creatable(context: Context, resource_name: str) -> tuple[str, ...]:
    """Return the kinds of missing things that an actor may have made."""
    kinds = CREATABLE[resource_name]
    return tuple(kind for kind in kinds if can(context.actor, registry.resources[kind].write_permission))


def _require_creation(context: Context, options: Options) -> None:
    for kind in options.create:
        require(context.actor, registry.resources[kind].write_permission)


def apply(context: Context, import_id: int) -> None:
    """Start to write the rows of a checked import, as one change set; one that was stopped goes on. Raises Conflict."""
    row = get_import(context, import_id, write=True)
    _require_creation(context, options_from_json(row["options"]))
    if not sum(row["counts"].get(fate, 0) for fate in ("create", "update")):
        raise Conflict(_("No row would change anything."))
    change_set_id = row["change_set_id"] or str(uuid.uuid4())
    _start(context, import_id, ("checked", "stopped"), "applying", change_set_id=change_set_id)


def undo(context: Context, import_id: int) -> None:
    """Start to take an applied import back, as far as nobody has touched its rows since. Raises Conflict."""
    get_import(context, import_id, write=True)
    _start(context, import_id, ("applied", "stopped"), "undoing", kept=[])


def stop(context: Context, import_id: int) -> None:
    """Stop what is running; an apply that has written something is taken back. Raises Conflict."""
    row = get_import(context, import_id, write=True)
    if row["state"] not in RUNNING or not cancel_job(context, row["job_id"]):
        raise Conflict(_("Nothing is running."))
    if row["state"] == "applying":
        undo(context, import_id)


def discard(context: Context, import_id: int) -> None:
    """Lay an import aside that has written nothing. Raises Conflict."""
    row = get_import(context, import_id, write=True)
    if row["state"] not in {"uploaded", "checked", "failed"}:
        raise Conflict(_("This import stands at “%(state)s”.", state=STATE_WORDS[row["state"]]))
    _set(context, import_id, state="discarded")


COUNTED = {"applying": ("create", "update"), "undoing": ("created", "updated")}
STEPS = {"checking": "import_check", "applying": "import_apply", "undoing": "import_undo"}


def _start(context: Context, import_id: int, allowed: tuple[str, ...], state: str, **values: Any) -> None:
    """Put an import into a running state and queue its job; only one of two at the same moment succeeds."""
    row = get_import(context, import_id, write=True)
    if row["state"] not in allowed:
        raise Conflict(_("This import stands at “%(state)s”.", state=STATE_WORDS[row["state"]]), code="wrong_state")
    change_set_id = values.get("change_set_id") or row["change_set_id"] if state == "applying" else str(uuid.uuid4())
    total = row["total"] if state == "checking" else sum(row["counts"].get(name, 0) for name in COUNTED[state])
    work = context.with_change_set(str(change_set_id))
    job_id = enqueue(work, STEPS[state], {"import_id": import_id}, total=total)
    values = {"state": state, "job_id": job_id, "message": None, "updated_at": context.at, **values}
    same = IMPORTS.c.job_id.is_(None) if row["job_id"] is None else IMPORTS.c.job_id == row["job_id"]
    statement = update(IMPORTS).where(_is(context, import_id), IMPORTS.c.state == row["stored_state"], same)
    result: Any = context.session.execute(statement.values(values), execution_options=CHECKED)
    if result.rowcount != 1:
        raise Conflict(_("Somebody else was faster."), code="wrong_state")


def _set(context: Context, import_id: int, **values: Any) -> None:
    statement = update(IMPORTS).where(_is(context, import_id)).values(updated_at=context.at, **values)
    context.session.execute(statement, execution_options=CHECKED)


def _is(context: Context, import_id: int) -> ColumnElement[bool]:
    return scoped(context.session, IMPORTS) & (IMPORTS.c.id == import_id)


def _visible(context: Context) -> list[ColumnElement[bool]]:
    """Return what an actor may see: imports into what it may read; one narrowed to a part of the tree only its own."""
    names = [
        n for n in TARGETS if n in registry.resources and can(context.actor, registry.resources[n].read_permission)
    ]
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


def list_imports(context: Context, *, page: int = 1, per_page: int = 50) -> tuple[list[Row], int]:
    """Return one page of imports, the newest first, and how many there are."""
    require(context.actor, READ)
    where = [*_visible(context), IMPORTS.c.state != "discarded"]
    query = select(IMPORTS).where(*where).order_by(IMPORTS.c.created_at.desc(), IMPORTS.c.id.desc())
    query = query.limit(per_page).offset((page - 1) * per_page)
    rows = [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
    counting = select(func.count()).select_from(IMPORTS).where(*where)
    total = int(context.session.execute(counting, execution_options=CHECKED).scalar_one())
    jobs = {r["job_id"]: get_job(context, r["job_id"]) for r in rows if r["state"] in RUNNING and r["job_id"]}
    return [with_standing(row, jobs.get(row["job_id"])) for row in rows], total


def list_rows(
    context: Context, import_id: int, *, fate: str | None = None, page: int = 1, per_page: int = 50
) -> list[Row]:
    """Return one page of an import's rows in the file's order; the caller has looked at the import. Raises Invalid."""
    if fate is not None and fate not in FATES:
        raise Invalid({"fate": [_("Say one of: %(names)s.", names=", ".join(FATES))]})
    where = [scoped(context.session, ROWS), ROWS.c.import_id == import_id]
    if fate is not None:
        where.append(ROWS.c.fate == fate)
    query = select(ROWS).where(*where).order_by(ROWS.c.number).limit(per_page).offset((page - 1) * per_page)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
