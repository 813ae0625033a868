"""Answers kept for a day, so that a write sent twice has one effect and the same answer (D4)."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import ForeignKeyConstraint, String, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.context import Context
from webapp.core.database import Id, Json, JsonDict, Model, Moment, table_of
from webapp.core.errors import Conflict, Invalid
from webapp.core.secrets import derive_key
from webapp.core.tenancy import CHECKED, hold

KEPT = timedelta(hours=24)


class Reply(Model):
    """What a credential was answered to the write it called by a key."""

    __tablename__ = "replies"

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    credential: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[bytes]
    headers: Mapped[JsonDict] = mapped_column(Json)
    created_at: Mapped[Moment]

    __table_args__ = (ForeignKeyConstraint(["organization_id"], ["organizations.id"]),)


TABLE = table_of(Reply)


@dataclass(frozen=True)
class Kept:
    """An answer as it was given."""

    status: int
    body: bytes
    headers: Mapping[str, Any]


def request_hash(method: str, path: str, body: bytes) -> str:
    """Return the HMAC-SHA256, in hex, of what makes two requests the same: a body may hold a password."""
    key = derive_key(current_app.config["MASTER_SECRET"], "replies")
    return hmac.new(key, b"\0".join((method.encode(), path.encode(), body)), hashlib.sha256).hexdigest()


def find_reply(context: Context, credential: str, key: str, digest: str) -> Kept | None:
    """Return the answer kept under a key, None when there is none.

    Raises Invalid when it was another request, and Conflict when the same one is under way (PostgreSQL; on SQLite the
    second waits for the first).
    """
    if not hold(context.session, f"reply {credential} {key}", wait=False):
        raise Conflict(_("The same request is under way."), code="in_flight")
    query = select(TABLE.c.request_hash, TABLE.c.status, TABLE.c.body, TABLE.c.headers).where(
        TABLE.c.organization_id == context.organization_id,
        TABLE.c.credential == credential,
        TABLE.c.key == key,
        TABLE.c.created_at > context.at - KEPT,
    )
    row = context.session.execute(query, execution_options=CHECKED).first()
    if row is None:
        return None
    if row.request_hash != digest:
        raise Invalid({"Idempotency-Key": [_("This key was used for another request.")]})
    return Kept(row.status, row.body, row.headers)


def keep_reply(context: Context, credential: str, key: str, digest: str, kept: Kept) -> None:
    """Keep an answer in the transaction of its write; raises Conflict when the same request is under way."""
    old = delete(TABLE).where(
        TABLE.c.organization_id == context.organization_id, TABLE.c.created_at <= context.at - KEPT
    )
    row = {
        "organization_id": context.organization_id,
        "credential": credential,
        "key": key,
        "request_hash": digest,
        "status": kept.status,
        "body": kept.body,
        "headers": dict(kept.headers),
        "created_at": context.at,
    }
    context.session.execute(old, execution_options=CHECKED)
    try:
        context.session.execute(insert(TABLE), row, execution_options=CHECKED)
    except IntegrityError as error:
        context.session.rollback()
        raise Conflict(_("The same request is under way."), code="in_flight") from error
