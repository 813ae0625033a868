"""What the worker does for exports: starts what is due, writes the files, mails them, throws old ones away.

A run ends in one transaction with its letter, so that a worker killed on the way leaves either nothing, and the job
begins anew, or all of it: one letter a period.
"""

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import IO, Any

from flask import current_app, render_template
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from webapp.core import identity
from webapp.core.conditions import conditions
from webapp.core.context import Actor, Context, make_context
from webapp.core.custom import tailor
from webapp.core.database import utcnow
from webapp.core.errors import Conflict, DomainError, Invalid
from webapp.core.files import store
from webapp.core.jobs import ATTEMPTS, Cancelled, JobRun, enqueue, job
from webapp.core.parameters import ListParameters
from webapp.core.query import searched
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, new_session
from webapp.core.worker import every_sweep
from webapp.edge.mail import letter
from webapp.faces.export import TYPES, list_blocks, write_workbook
from webapp.faces.rendering import Renderer
from webapp.reports import rules
from webapp.reports.presenting import run_words
from webapp.reports.rights import holder_of

LOOK_EVERY = 60.0
"""Seconds between two looks at the clock: schedules know full hours."""
TELL_EVERY = 10_000
MOST_ATTACHED = 10_000_000
Row = dict[str, Any]


@dataclass
class Asked:
    """What a run writes: a list, read with the rights of whoever saved the export."""

    context: Context
    resource: Resource
    parameters: ListParameters
    total: int

    @property
    def permission(self) -> str:
        """Return the right that somebody needs to have the file."""
        deleted = self.parameters.deleted
        return self.resource.write_permission if deleted else self.resource.read_permission


@job("export", _l("Export"), lasting=True)
def make_file(context: Context, run: JobRun) -> str | None:
    """Write an export's file, keep it, and mail it."""
    row = rules.run_to_make(context, run.payload["run_id"])
    if row is None:
        return None
    try:
        actor = holder_of(context, row)
        with force_locale(actor.locale):
            rules.require_rights(actor, row)
            run.commit()  # nothing is held while the list is read
            return _make(replace(context, actor=actor), run, row)
    except Cancelled:
        raise
    except DomainError as error:
        _fail(context, run, row, error.message)
        raise
    except Exception:  # the worker tries again; after the last time the run has failed
        if run.attempt >= ATTEMPTS:
            with force_locale(context.tenant.locale):
                _fail(context, run, row, _("It could not be made, five times over. Run it again later."))
        raise


def _fail(context: Context, run: JobRun, row: Row, error: str) -> None:
    context.session.rollback()
    rules.finish(context, row, utcnow(), error=error)
    run.commit()


def _make(context: Context, run: JobRun, row: Row) -> str:
    asked = _asked(context, row)
    filename = f"{asked.resource.name}-{context.today.isoformat()}.{row['format']}"
    with tempfile.TemporaryFile() as file:
        rows = _write(asked, row["format"], file, _teller(run, asked.total))
        file.seek(0)
        stored = store().save(file, context.organization_id)
    with force_locale(context.actor.locale):
        words = run_words(Renderer(context), rows, stored.size)
    values = {"rows": rows, "bytes": stored.size, "file_key": stored.key, "filename": filename}
    scope = {"permission": asked.permission, "scope_location_id": context.actor.scope_location_id}
    if not rules.finish(context, row, utcnow(), **values, **scope):
        store().delete(stored.key, context.organization_id)
        return words
    run.progress(rows, rows)
    if row["receivers"]:
        file_of_it = {"key": stored.key, "name": filename, "type": TYPES[row["format"]]}
        enqueue(context, "mail", _letter(context, row, words, [file_of_it] if stored.size <= MOST_ATTACHED else []))
    return words


def _asked(context: Context, row: Row) -> Asked:
    """Return what an export asks for now; raises Conflict and Forbidden with a sentence when it no longer can."""
    scope = context.actor.scope_location_id
    with new_session(context.organization_id, write=False, scope_location_id=scope) as session:
        own = make_context(session, context.tenant, context.actor)
        resource = tailor(own, registry.resources[row["resource"]])
        try:
            parameters = rules.asked(own, resource, row)
        except Invalid as error:
            words = " ".join(message for messages in error.errors.values() for message in messages)
            raise Conflict(_("The list no longer knows what is asked for. %(words)s", words=words)) from None
        where = conditions(own, resource, searched(own, resource, parameters))
        query = select(func.count()).select_from(resource.table).where(*where)
        total = int(session.execute(query, execution_options=CHECKED).scalar_one())
    return Asked(own, resource, parameters, total)


def _teller(run: JobRun, total: int) -> Callable[[int], None]:
    """Return what notes how far a run is, every so many rows; the lease is renewed with it."""
    run.progress(0, total)
    run.commit()
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        if done - told >= TELL_EVERY:
            told = done
            run.progress(done, total)
            run.commit()

    return tell


def _write(asked: Asked, form: str, file: IO[bytes], tell: Callable[[int], None]) -> int:
    """Write a list into a file and return how many rows it has."""
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        tell(done)

    if form == "xlsx":
        write_workbook(asked.context, asked.resource, asked.parameters, file, count)
    else:
        for block in list_blocks(asked.context, asked.resource, asked.parameters, form, count):
            file.write(block)
    return done


def _letter(context: Context, row: Row, words: str, files: list[dict[str, str]]) -> Row:
    """Return the letter of a finished run, in the language of whoever saved the export."""
    with force_locale(context.actor.locale):
        values = {
            "name": row["name"],
            "organization": context.tenant.name,
            "words": words,
            "attached": bool(files),
            "link": f"{current_app.config['BASE_URL']}/exports/{row['id']}",
        }
        text, html = (render_template(f"email/export.{ending}", **values) for ending in ("txt", "html"))
        return letter(row["receivers"], _("Export: %(name)s", name=row["name"]), text, html, files)


_last_look = float("-inf")


@every_sweep
def look() -> None:
    """Start what is due and throw away what is old, once a minute."""
    global _last_look
    if time.monotonic() - _last_look >= LOOK_EVERY:
        _last_look = time.monotonic()
        start_due()
        throw_away()


def start_due(at: datetime | None = None) -> int:
    """Start the exports whose moment has come in any organization; return how many."""
    started = 0
    for organization_id in identity.organization_ids():
        tenant = identity.organization_by_id(organization_id)
        if tenant is None:
            continue
        with new_session(organization_id, write=False) as session:
            due = rules.due_exports(make_context(session, tenant, _nobody("", None, None), at=at))
        for row in due:
            actor = _nobody(row["runs_as_name"], row["runs_as_user_id"], row["runs_as_key_id"])
            with new_session(organization_id, write=True) as session:
                started += rules.start_when_due(make_context(session, tenant, actor, at=at), row)
                session.commit()
    return started


def _nobody(name: str, user_id: int | None, key_id: int | None) -> Actor:
    """Return who asks for a run by the clock: with no rights at all, the job looks them up."""
    none: frozenset[str] = frozenset()
    return Actor(name=name, role="", permissions=none, face="job", user_id=user_id, api_key_id=key_id)


def throw_away(at: datetime | None = None) -> int:
    """Delete the files that are older than thirty days in any organization; return how many."""
    gone = 0
    for organization_id in identity.organization_ids():
        tenant = identity.organization_by_id(organization_id)
        if tenant is None:
            continue
        with new_session(organization_id, write=False) as session:
            old = rules.expired_files(make_context(session, tenant, _nobody("", None, None), at=at))
        if not old:
            continue
        for run in old:
            store().delete(run["file_key"], organization_id)
        with new_session(organization_id, write=True) as session:
            rules.forget_files(make_context(session, tenant, _nobody("", None, None), at=at), [r["id"] for r in old])
            session.commit()
        gone += len(old)
    return gone
