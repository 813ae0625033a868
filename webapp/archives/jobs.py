"""The work on archives in the background: making one, turning one into an organization, throwing one away."""

import shutil
import tempfile
import time
from collections.abc import Callable
from typing import IO, Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import User
from webapp.archives import rules
from webapp.archives.incoming import (
    Incoming,
    Owner,
    Progress,
    Refused,
    Survey,
    Taken,
    Wanted,
    opened,
    write_organization,
)
from webapp.archives.models import ARCHIVES
from webapp.archives.outgoing import FILES, write_archive
from webapp.core import identity
from webapp.core.context import Context, Tenant
from webapp.core.database import table_of
from webapp.core.errors import DomainError
from webapp.core.files import store
from webapp.core.jobs import JobRun, enqueue, job
from webapp.core.tenancy import CHECKED, new_session, scoped
from webapp.imports.jobs import in_own_language

TRIES = 3
TOLD_EVERY = 1.0
LEASE, ROWS_A_SECOND = 120, 500
"""What a worker may take in one step that cannot tell that it lives: two minutes, and a second for 500 rows."""


def told(run: JobRun) -> Progress:
    """Return what tells a job's progress, once a second, in a transaction of its own."""
    last = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= TOLD_EVERY:
            last = time.monotonic()
            run.progress(done, total)
            run.commit()

    return tell


def work_of(context: Context, run: JobRun) -> dict[str, Any] | None:
    """Return the archive that a job works on, None when it is no longer this job's turn."""
    query = select(ARCHIVES).where(scoped(context.session, ARCHIVES), ARCHIVES.c.id == run.payload["archive_id"])
    found = context.session.execute(query, execution_options=CHECKED).mappings().first()
    context.session.commit()
    return dict(found) if found and found["state"] == "working" and found["job_id"] == run.id else None


@job("archive_make", _l("Making an archive"))
@in_own_language
def make(context: Context, run: JobRun) -> str | None:
    """Write the organization into a file and keep that for a week."""
    row = work_of(context, run)
    if row is None:
        return None
    with tempfile.TemporaryFile() as file:
        written = write_archive(context.tenant, file, told(run))
        run.progress(run.done)
        run.commit()
        file.seek(0)
        stored = store().save(file, context.organization_id)
    values = {"file_key": stored.key, "file_size": stored.size, "finished_at": context.at}
    rules.change(context, row["id"], state="ready", counts=dict(written.rows), **values)
    enqueue(context, "archive_remove", {"archive_id": row["id"]}, run_at=context.at + rules.KEPT)
    return None


@job("archive_remove", _l("Throwing an archive away"), lasting=True)
def remove(context: Context, run: JobRun) -> str | None:
    """Throw the file of an archive away whose week is over."""
    rules.remove(context, run.payload["archive_id"])
    return None


@job("archive_bring_in", _l("An organisation from an archive"))
@in_own_language
def bring_in_uploaded(context: Context, run: JobRun) -> str | None:
    """Make an organization of an uploaded archive, whole or not at all; its uploader is the owner."""
    row = work_of(context, run)
    if row is None:
        return None
    made = _made_before(context, row)
    if made is None:
        _drop_staged(row)
        try:
            made = _bring_in_row(context, run, row)
        except DomainError as error:
            context.session.rollback()
            rules.change(context, row["id"], message=error.message, finished_at=context.at)
            rules.drop_file(context, row, "failed")
            return error.message
    rules.change(context, row["id"], made_name=made.name, made_slug=made.slug, staged=[], finished_at=context.at)
    rules.drop_file(context, row, "ready")
    return None


def _made_before(context: Context, row: dict[str, Any]) -> Tenant | None:
    """Return what a worker had made that was killed before it could say so."""
    known = identity.memberships(context.actor.user_id or 0)
    return next((tenant for tenant, _role in known if tenant.guid == row["made_guid"]), None)


def _drop_staged(row: dict[str, Any]) -> None:
    """Delete the files that a killed worker had stored for rows that never came."""
    for key in row["staged"]:
        store().delete(key, int(key.partition("/")[0]))


def _bring_in_row(context: Context, run: JobRun, row: dict[str, Any]) -> Tenant:
    table, user_id = table_of(User), context.actor.user_id or 0
    query = select(table.c.name, table.c.email).where(table.c.id == user_id)
    name, email = context.session.execute(query, execution_options=CHECKED).one()
    context.session.commit()

    def stage(keys: list[str], survey: Survey) -> None:
        rules.change(context, row["id"], staged=keys)
        run.extend(LEASE + sum(survey.rows.values()) / ROWS_A_SECOND)
        run.commit()

    on_postgresql = context.session.get_bind().dialect.name == "postgresql"
    with tempfile.TemporaryFile() as local:
        with store().open(row["file_key"], context.organization_id) as source:
            shutil.copyfileobj(source, local)
        return bring_in(
            local,
            row["filename"],
            lambda _session: Owner(user_id, name, email),
            guid=row["made_guid"],
            name=row["made_name"],
            stage=stage,
            checked=told(run),
            written=told(run) if on_postgresql else None,  # SQLite has one writer, and that is busy
        )


def bring_in(
    file: IO[bytes],
    filename: str,
    owner_of: Callable[[Session], Owner],
    *,
    guid: str,
    name: str = "",
    stage: Callable[[list[str], Survey], None] | None = None,
    checked: Progress | None = None,
    written: Progress | None = None,
) -> Tenant:
    """Make an organization of an archive in one transaction and return it; a failure leaves nothing. Raises Refused.

    `owner_of` says in that transaction whose it will be; `stage` is told the stored files before it begins.
    """
    with opened(file) as incoming:
        survey = incoming.survey(checked)
        for _attempt in range(TRIES):
            saved: dict[str, str] = {}
            organization_id = identity.reserve_organization_id()
            try:
                _save_files(incoming, organization_id, saved)
                if stage:
                    stage(list(saved.values()), survey)
                with new_session(organization_id, write=True) as session:
                    wanted = Wanted(organization_id, guid, owner_of(session), name)
                    context = write_organization(session, incoming, survey, wanted, saved, written)
                    _tell_origin(context, filename, incoming, survey, wanted)
                    session.commit()
                    return context.tenant
            except BaseException as error:
                for key in saved.values():
                    store().delete(key, organization_id)
                if not isinstance(error, Taken):
                    raise
    raise Refused(_("Too much is going on here at the moment. Try again."))


def _save_files(incoming: Incoming, organization_id: int, saved: dict[str, str]) -> None:
    for part in incoming.parts.parts:
        if part.startswith(FILES):
            with incoming.parts.open(part) as stream:
                saved[part] = store().save(stream, organization_id).key


def _tell_origin(context: Context, filename: str, incoming: Incoming, survey: Survey, wanted: Wanted) -> None:
    """Keep where the organization came from, how long its history was there, and who is still to be asked in."""
    manifest, members = incoming.parts.manifest, [m for m in survey.members if m["email"] != wanted.owner.email]
    kept = [{name: member[name] for name in ("email", "name", "role")} for member in members]
    seal = manifest.get("seal")
    sequence, digest = (seal.get("sequence"), seal.get("hash")) if isinstance(seal, dict) else (0, "")
    note = _(
        "Its history had %(count)s seals there, the last beginning with %(hash)s.",
        count=sequence,
        hash=f"{digest}"[:16],
    )
    rules.tell_origin(
        context, filename, str(manifest["organization"]["name"]), survey.rows, kept, note.replace("\x00", "")
    )
