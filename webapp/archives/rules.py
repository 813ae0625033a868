"""What may happen to archives: an owner has one made, fetches it, throws it away, or brings one here."""

import uuid
from datetime import timedelta
from typing import Any, BinaryIO

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, insert, select, update

from webapp.accounts.models import Organization
from webapp.accounts.rules import name_faults
from webapp.archives.incoming import Refused, opened
from webapp.archives.models import ARCHIVES, IN, OUT
from webapp.core.access import require
from webapp.core.activity import activity_row
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.errors import Conflict, NotFound
from webapp.core.files import store
from webapp.core.jobs import enqueue, get_job
from webapp.core.recorder import record
from webapp.core.tenancy import CHECKED, hold, scoped

WRITE = "archives:write"
KEPT = timedelta(days=7)
"""How long a made archive can be fetched."""
MOST = 100
Row = dict[str, Any]


def make(context: Context) -> int:
    """Have the organization written into a file and return the archive's id; raises Conflict while one is made."""
    require(context.actor, WRITE)
    hold(context.session, "archives")
    if any(row["state"] == "working" for row in list_archives(context) if row["direction"] == OUT):
        raise Conflict(_("An archive is being made already."), code="wrong_state")
    archive_id = _insert(context, OUT, f"{context.tenant.slug}-{context.today:%Y%m%d}.zip")
    _start(context, archive_id, "archive_make")
    table = table_of(Organization)
    found = context.session.execute(select(table).where(scoped(context.session, table)), execution_options=CHECKED)
    row = dict(found.mappings().one())
    line = activity_row(
        context, context.organization_id, table=table.name, row=row, event_name="ArchiveMade", changes={}
    )
    record(context.session, [line])
    return archive_id


def upload(context: Context, file: BinaryIO, filename: str, name: str = "") -> int:
    """Take an archive in, have an organization made of it, by another name when one is given; return the archive's id.

    Raises Refused and TooLarge.
    """
    require(context.actor, WRITE)
    name = " ".join(name.split())
    if name and name_faults(name):
        raise Refused(" ".join(name_faults(name)))
    with opened(file) as incoming:
        name = name or incoming.parts.manifest["organization"]["name"].strip()
    file.seek(0)
    stored = store().save(file, context.organization_id)
    values = {"file_key": stored.key, "file_size": stored.size, "made_guid": str(uuid.uuid4()), "made_name": name}
    plain = filename.replace("\\", "/").rsplit("/", 1)[-1].replace("\x00", "")[:255] or "archive.zip"
    archive_id = _insert(context, IN, plain, **values)
    _start(context, archive_id, "archive_bring_in")
    return archive_id


def remove(context: Context, archive_id: int) -> None:
    """Throw the file of a made archive away. Raises Conflict while it is worked on."""
    row = get_archive(context, archive_id)
    if row["state"] == "working":
        raise Conflict(_("It is still worked on."), code="wrong_state")
    drop_file(context, row)


def drop_file(context: Context, row: Row, state: str = "removed") -> None:
    """Forget the file of an archive, then delete it."""
    key = row["file_key"]
    change(context, row["id"], state=state, file_key=None)
    if key:
        store().delete(key, context.organization_id)


def open_file(context: Context, archive_id: int) -> tuple[Row, BinaryIO]:
    """Return an archive that was made here and its opened file; raises NotFound when it has none any more."""
    row = get_archive(context, archive_id)
    if row["direction"] != OUT or row["state"] != "ready" or not row["file_key"]:
        raise NotFound(_("There is no such archive any more."))
    return row, store().open(row["file_key"], context.organization_id)


def get_archive(context: Context, archive_id: int) -> Row:
    """Return an archive with its job under `job`; raises NotFound and Forbidden. Who did not bring one sees it not."""
    require(context.actor, WRITE)
    found = next(iter(_select(context, ARCHIVES.c.id == archive_id)), None)
    if found is None:
        raise NotFound(_("There is no archive %(id)s.", id=archive_id))
    return found


def list_archives(context: Context) -> list[Row]:
    """Return the archives that an actor may see, the newest first."""
    require(context.actor, WRITE)
    return _select(context)


def _select(context: Context, *conditions: ColumnElement[bool]) -> list[Row]:
    mine = (ARCHIVES.c.direction == OUT) | (ARCHIVES.c.created_by_user_id == context.actor.user_id)
    mine |= ARCHIVES.c.made_guid == context.tenant.guid
    query = (
        select(ARCHIVES)
        .where(scoped(context.session, ARCHIVES), mine, *conditions)
        .order_by(ARCHIVES.c.id.desc())
        .limit(MOST)
    )
    found = context.session.execute(query, execution_options=CHECKED).mappings()
    return [_with_standing(context, dict(row)) for row in found]


def _with_standing(context: Context, row: Row) -> Row:
    """Return a row with its job, and `failed` where that has died."""
    row["job"] = get_job(context, row["job_id"]) if row["state"] == "working" and row["job_id"] else None
    if row["job"] and row["job"]["state"] in {"failed", "cancelled"}:
        row |= {"state": "failed", "message": row["message"] or row["job"]["message"]}
    return row


def change(context: Context, archive_id: int, **values: Any) -> None:
    """Change an archive's own row."""
    mine = scoped(context.session, ARCHIVES) & (ARCHIVES.c.id == archive_id)
    statement = update(ARCHIVES).where(mine).values(updated_at=context.at, **values)
    context.session.execute(statement, execution_options=CHECKED)


def _insert(context: Context, direction: str, filename: str, **values: Any) -> int:
    row = {
        "organization_id": context.organization_id,
        "guid": str(uuid.uuid4()),
        "created_at": context.at,
        "updated_at": context.at,
        "version": 1,
        "direction": direction,
        "state": "working",
        "filename": filename,
        "counts": {},
        "members": [],
        "staged": [],
        "created_by_user_id": context.actor.user_id,
        "created_by_name": context.actor.name,
    } | values
    statement = insert(ARCHIVES).values(row).returning(ARCHIVES.c.id)
    return int(context.session.execute(statement, execution_options=CHECKED).scalar_one())


def _start(context: Context, archive_id: int, kind: str) -> None:
    change(context, archive_id, job_id=enqueue(context, kind, {"archive_id": archive_id}))


def tell_origin(context: Context, filename: str, name: str, counts: Row, members: list[Row], note: str) -> None:
    """Write down in an organization where it came from, and who had access there."""
    values = {"state": "ready", "made_guid": context.tenant.guid, "made_name": name, "made_slug": context.tenant.slug}
    _insert(context, IN, filename[:255], **values, counts=counts, members=members, finished_at=context.at, message=note)
