"""What may happen to an import: uploaded, mapped, checked, applied, undone; each step only where it makes sense."""

import uuid
from collections.abc import Mapping
from typing import Any, BinaryIO

from babel.dates import format_date
from flask_babel import gettext as _
from sqlalchemy import delete, insert, update

from webapp.core.access import can, require
from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import Conflict, Invalid
from webapp.core.files import StoredFile, store
from webapp.core.jobs import cancel_job, enqueue
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.imports import mappings
from webapp.imports.mapping import column_errors, columns_from_json, columns_to_json, guess_columns
from webapp.imports.models import IMPORT_KEPT, IMPORTS
from webapp.imports.models import IMPORT_ROWS as ROWS
from webapp.imports.options import READING, Options, changed_options, options_from_json, reading_options
from webapp.imports.sheets import Limits, UnreadableSheet
from webapp.imports.sources import Source, look_into
from webapp.imports.standing import (
    EDITABLE,
    KEPT_FOR,
    READ,
    RUNNING,
    STATE_WORDS,
    WRITE,
    count_fates,
    get_import,
    is_import,
    list_imports,
    list_kept,
    list_rows,
    total_rows,
)
from webapp.imports.targets import creatable_kinds, importable, match_keys, targets_of
from webapp.imports.values import clean_text

__all__ = [
    "AUTO",
    "READ",
    "RUNNING",
    "STATE_WORDS",
    "WRITE",
    "apply",
    "change",
    "creatable",
    "discard",
    "get_import",
    "list_imports",
    "list_kept",
    "list_rows",
    "stop",
    "total_rows",
    "undo",
    "upload",
]
AUTO = "auto"
"""What is said for a resource that the headings shall tell."""

STEPS = {"checking": "import_check", "applying": "import_apply", "undoing": "import_undo"}

Row = dict[str, Any]
Columns = dict[int, str | None]


def upload(
    context: Context,
    resource_name: str,
    file: BinaryIO,
    filename: str,
    *,
    mapping: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> int:
    """Take a file in, say what its columns mean, and start its check when that suffices; return the import's id.

    Columns mean what `mapping` (a name or an id) says, else what a mapping kept for these headings says, else what is
    guessed. Raises Invalid naming `resource`, `mapping`, `options.…` or `file`, and TooLarge.
    """
    require(context.actor, WRITE)
    known = None if resource_name == AUTO else _target(context, resource_name)
    kept = mappings.named(context, known.name if known else None, mapping) if mapping else None
    reading = reading_options((mappings.reading_of(kept) if kept else {}) | dict(options or {}))
    source = _looked(file, reading)
    if kept is None and (kept := mappings.fitting(context, known.name if known else None, source.headers)) is not None:
        reading = reading_options(mappings.reading_of(kept) | dict(options or {}))
        source = _looked(file, reading)
    resource = known or _target(context, kept["resource"] if kept else _guessed_resource(context, source))
    columns, chosen = _begun(context, resource, source, kept)
    chosen = changed_options(resource, chosen, {n: getattr(reading, n) for n in READING}, len(source.headers))
    chosen = changed_options(resource, chosen, options or {}, len(source.headers))
    _require_creation(context, chosen)
    file.seek(0)
    stored = _stored(context, file)
    row = {
        "organization_id": context.organization_id,
        "guid": str(uuid.uuid4()),
        "created_at": context.at,
        "updated_at": context.at,
        "version": 1,
        "resource": resource.name,
        "state": "uploaded",
        "mapping_id": kept["id"] if kept else None,
        "filename": _plain_filename(filename),
        "file_key": stored.key,
        "file_size": stored.size,
        **_seen(source),
        "columns": columns_to_json(columns),
        "options": chosen.to_json(),
        **{name: {} for name in ("findings", "missing", "counts")},
        "kept": [],
        "total": 0,
        "cursor": 0,
        "created_by_user_id": context.actor.user_id,
        "created_by_name": context.actor.name,
    }
    statement = insert(IMPORTS).values(row).returning(IMPORTS.c.id)
    import_id = int(context.session.execute(statement, execution_options=CHECKED).scalar_one())
    if not column_errors(resource, columns, len(source.headers)):
        _start(context, import_id, ("uploaded",), "checking")
    return import_id


def _target(context: Context, name: str) -> Resource:
    known = {resource.name: resource for resource in importable()}
    if name not in known:
        raise Invalid({"resource": [_("Say one of: %(names)s.", names=", ".join(known))]})
    resource = tailor(context, known[name])
    require(context.actor, resource.write_permission)
    return resource


def _guessed_resource(context: Context, source: Source) -> str:
    """Return what most of the headings speak of, among what the actor may write."""
    best, most = "", 0.0
    for known in importable():
        if can(context.actor, known.write_permission):
            resource = tailor(context, known)
            targets, guesses = targets_of(resource), guess_columns(resource, source.headers)
            found = [(targets[guess.field], guess.sure) for guess in guesses if guess.field]
            score = sum((0.2 if target.part_of else 1.0) * (1.0 if sure else 0.5) for target, sure in found)
            best, most = (known.name, score) if score > most else (best, most)
    if not best:
        raise Invalid({"resource": [_("The headings do not tell what the rows are. Choose it.")]})
    return best


def _looked(file: BinaryIO, options: Options, name: str = "file") -> Source:
    try:
        file.seek(0)
        return look_into(file, options)
    except UnreadableSheet as error:
        raise Invalid({name: [error.message]}) from None


def _stored(context: Context, file: BinaryIO) -> StoredFile:
    """Store the file, unless all of this is only rehearsed: a file would outlive it."""
    if context.rehearsed:
        return StoredFile("", file.seek(0, 2), "")
    return store().save(file, context.organization_id, limit=Limits().bytes)


def _seen(source: Source) -> Row:
    return {"headers": list(source.headers), "samples": source.samples, "source": source.found}


def _begun(context: Context, resource: Resource, source: Source, kept: Row | None) -> tuple[Columns, Options]:
    """Return the columns and options that an import begins with."""
    if kept is not None:
        columns, options = mappings.meaning(context, resource, kept, source.headers)
    else:
        columns = {index: guess.field for index, guess in enumerate(guess_columns(resource, source.headers))}
        options = Options()
    if options.match not in {name for name in columns.values() if name}:
        options = changed_options(resource, options, {"match": _best_key(resource, columns)}, len(source.headers))
    return columns, options


def _plain_filename(name: str) -> str:
    return clean_text(name.replace("\\", "/").rsplit("/", 1)[-1])[:255] or "import"


def _best_key(resource: Resource, columns: Mapping[int, str | None]) -> str | None:
    return next((name for name in match_keys(resource) if name in columns.values()), None)


def change(
    context: Context,
    import_id: int,
    columns: Mapping[int, str | None] | None = None,
    options: Mapping[str, Any] | None = None,
    mapping: str | None = None,
) -> None:
    """Correct the mapping (the columns given, or a kept one) or the options, and check the rows again.

    A file that is read another way has other rows: what was chosen for its columns, and what was mended, is forgotten.
    Raises Invalid and Conflict.
    """
    row = get_import(context, import_id, write=True)
    resource = tailor(context, registry.resources[row["resource"]])
    kept = mappings.named(context, resource.name, mapping) if mapping else None
    before, patch = options_from_json(row["options"]), dict(options or {})
    reading = reading_options({n: getattr(before, n) for n in READING} | (mappings.reading_of(kept) if kept else {}))
    reading = reading_options({n: getattr(reading, n) for n in READING} | patch)
    values: Row = {"mapping_id": kept["id"]} if kept else {}
    wanted, chosen, width = columns_from_json(row["columns"]), before, len(row["headers"])
    if any(getattr(reading, name) != getattr(before, name) for name in READING):
        source = _read_again(context, row, reading, patch)
        wanted, chosen = _begun(context, resource, source, kept)
        chosen = changed_options(resource, chosen, {"create": sorted(before.create), "blanks": before.blanks}, width)
        patch = {name: value for name, value in patch.items() if name not in ("dates", "decimals")}
        values, width = values | _seen(source), len(source.headers)
        columns = {}
    elif kept is not None:
        seen = Source(tuple(row["headers"]), row["samples"], row["source"])
        wanted, chosen = _begun(context, resource, seen, kept)
    before_columns = dict(wanted)
    wanted |= dict(columns or {})
    errors = column_errors(resource, wanted, width)
    if errors:
        raise Invalid({"columns": errors})
    chosen = changed_options(resource, chosen, patch | {n: getattr(reading, n) for n in READING}, width)
    _require_creation(context, chosen)
    nothing_is_meant = chosen.match is None and ("match" in patch or _best_key(resource, before_columns) is not None)
    if not nothing_is_meant and chosen.match not in {name for name in wanted.values() if name}:
        chosen = changed_options(resource, chosen, {"match": _best_key(resource, wanted)}, width)
    values |= {"columns": columns_to_json(wanted), "options": chosen.to_json()}
    _start(context, import_id, EDITABLE, "checking", **values)


def _read_again(context: Context, row: Row, reading: Options, patch: Mapping[str, Any]) -> Source:
    """Return the stored file read another way, and drop the rows that it had."""
    if row["state"] not in EDITABLE:
        raise Conflict(_("This import stands at “%(state)s”.", state=STATE_WORDS[row["state"]]), code="wrong_state")
    said = next((name for name in READING if name in patch), "mapping")
    with store().open(row["file_key"], context.organization_id) as file:
        source = _looked(file, reading, f"options.{said}" if said in READING else said)
    mine = scoped(context.session, ROWS) & (ROWS.c.import_id == row["id"])
    context.session.execute(delete(ROWS).where(mine), execution_options=CHECKED)
    return source


def creatable(context: Context, resource_name: str) -> tuple[str, ...]:
    """Return the kinds of missing things that an actor may have made."""
    kinds = creatable_kinds(registry.resources[resource_name])
    return tuple(kind for kind in kinds if can(context.actor, registry.resources[kind].write_permission))


def _require_creation(context: Context, options: Options) -> None:
    for kind in options.create:
        require(context.actor, registry.resources[kind].write_permission)


def apply(context: Context, import_id: int) -> None:
    """Start to write the rows that wait, as one change set; what was stopped, or mended since, goes into the same.

    Raises Conflict.
    """
    row = get_import(context, import_id, write=True)
    _require_creation(context, options_from_json(row["options"]))
    waiting = count_fates(context, import_id).get("waiting", 0)
    if not waiting and row["state"] not in RUNNING:
        raise Conflict(_("No row would change anything."))
    change_set_id = row["change_set_id"] or str(uuid.uuid4())
    states = ("checked", "stopped", "applied")
    _start(context, import_id, states, "applying", waiting, cursor=0, change_set_id=change_set_id)


def undo(context: Context, import_id: int) -> None:
    """Start to take an applied import back, as far as nobody has touched its rows since; Conflict after 30 days."""
    row = get_import(context, import_id, write=True)
    if row["applied_at"] is not None and context.at - row["applied_at"] > KEPT_FOR:
        day = format_date(row["applied_at"].date(), "medium")
        words = _("An import can be undone for 30 days. This one was applied on %(day)s.", day=day)
        raise Conflict(words, code="too_old")
    mine = scoped(context.session, IMPORT_KEPT) & (IMPORT_KEPT.c.import_id == import_id)
    counts = count_fates(context, import_id)
    lines = sum(counts.get(name, 0) for name in ("created", "updated"))
    _start(context, import_id, ("applied", "stopped"), "undoing", lines, cursor=0, kept=[])
    context.session.execute(delete(IMPORT_KEPT).where(mine), execution_options=CHECKED)


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
    if row["state"] not in EDITABLE:
        raise Conflict(_("This import stands at “%(state)s”.", state=STATE_WORDS[row["state"]]), code="wrong_state")
    statement = update(IMPORTS).where(is_import(context, import_id)).values(updated_at=context.at, state="discarded")
    context.session.execute(statement, execution_options=CHECKED)


def _start(
    context: Context, import_id: int, allowed: tuple[str, ...], state: str, total: int | None = None, **values: Any
) -> None:
    """Put an import into a running state and queue its job; only one of two at the same moment succeeds."""
    row = get_import(context, import_id, write=True)
    if row["state"] not in allowed:
        raise Conflict(_("This import stands at “%(state)s”.", state=STATE_WORDS[row["state"]]), code="wrong_state")
    change_set_id = values.get("change_set_id") or str(uuid.uuid4())
    work = context.with_change_set(str(change_set_id))
    job_id = enqueue(work, STEPS[state], {"import_id": import_id}, total=row["total"] if total is None else total)
    values = {"state": state, "job_id": job_id, "message": None, "updated_at": context.at, **values}
    same = IMPORTS.c.job_id.is_(None) if row["job_id"] is None else IMPORTS.c.job_id == row["job_id"]
    statement = update(IMPORTS).where(is_import(context, import_id), IMPORTS.c.state == row["stored_state"], same)
    result: Any = context.session.execute(statement.values(values), execution_options=CHECKED)
    if result.rowcount != 1:
        raise Conflict(_("Somebody else was faster."), code="wrong_state")
