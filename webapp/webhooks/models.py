"""Webhooks: addresses that are told what changes, and the messages that they were sent."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import ForeignId, Id, JsonList, LongText, Model, Moment, ShortText, UtcDateTime, table_of
from webapp.core.tenancy import Entity, SoftDeleted, TenantScoped, tenant_reference, tenant_table_arguments

STATES = ("ok", "failing", "disabled")
REASONS = ("gone", "unreachable", "filter", "secret")
DELIVERY_STATES = ("waiting", "delivered", "failed", "dropped")


class Webhook(Entity, SoftDeleted, Model):
    """An address that is told of changes: "ERP" at https://erp.example.org/in, of assets in category 3.

    `sequence` is that of the last line of the log that has become messages; the secrets are kept encrypted.
    """

    __tablename__ = "webhooks"
    __secrets__ = frozenset({"secret", "previous_secret"})

    name: Mapped[ShortText]
    url: Mapped[LongText]
    secret: Mapped[LongText]
    previous_secret: Mapped[LongText | None]
    previous_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    events: Mapped[JsonList]
    filter: Mapped[LongText | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    state: Mapped[str] = mapped_column(String(16), default="ok")
    reason: Mapped[str | None] = mapped_column(String(16))
    sequence: Mapped[ForeignId] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    locked_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_by_id: Mapped[int | None] = mapped_column(Id, ForeignKey("users.id"))

    __table_args__: Any = tenant_table_arguments(
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint(f"reason IN {REASONS}", name="reason"),
    )


class WebhookDelivery(TenantScoped, Model):
    """A message to a webhook and what became of it: "assets.updated, 500 things, delivered at the second try"."""

    __tablename__ = "webhook_deliveries"
    __recorded__ = False

    webhook_id: Mapped[ForeignId]
    message_id: Mapped[str] = mapped_column(String(64))
    event: Mapped[str] = mapped_column(String(128))
    payload: Mapped[LongText | None]
    count: Mapped[int] = mapped_column(default=0)
    first_sequence: Mapped[ForeignId | None]
    last_sequence: Mapped[ForeignId | None]
    state: Mapped[str] = mapped_column(String(16), default="waiting")
    by_hand: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[Moment]
    last_status: Mapped[int | None]
    last_error: Mapped[ShortText | None]
    answer: Mapped[LongText | None]
    duration_ms: Mapped[int | None]
    created_at: Mapped[Moment]
    attempted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__: Any = tenant_table_arguments(
        *tenant_reference("webhooks", "webhook_id"),
        CheckConstraint(f"state IN {DELIVERY_STATES}", name="state"),
        UniqueConstraint("organization_id", "message_id"),
        Index(None, "organization_id", "webhook_id", "id"),
        Index(None, "organization_id", "webhook_id", "state", "id"),
    )


WEBHOOKS, DELIVERIES = table_of(Webhook), table_of(WebhookDelivery)
