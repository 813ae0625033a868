"""The declaration of webhooks. What makes one is written by hand, because its answer carries the secret."""

from flask_babel import lazy_gettext as _l

from webapp.core.access import ADMINS
from webapp.core.fields import (
    LARGEST_ID,
    Choice,
    Codes,
    Flag,
    Moment,
    Name,
    Reference,
    SoftDeletedSchema,
    Text,
    Url,
    Whole,
)
from webapp.core.resource import Resource
from webapp.webhooks import events
from webapp.webhooks.models import Webhook
from webapp.webhooks.rules import guard_webhook, plan_webhook, settle_webhooks
from webapp.webhooks.wording import REASONS, STATES


class WebhookSchema(SoftDeletedSchema):
    """An address that is told of changes; its secret is in the answers that make or rotate it, and nowhere else."""

    name = Text(required=True, label=_l("Name"), help=_l("What listens there, such as “ERP”"))
    url = Url(
        required=True,
        max=2_000,
        label=_l("Address"),
        mono=True,
        help=_l("Where messages are sent by POST, https best of all."),
    )
    events = Codes(events.choices, required=True, label=_l("Events"))
    filter = Text(
        max=2_000,
        label=_l("Only those"),
        mono=True,
        help=_l("The query of a list, such as category_id=3&location_id_within=5, for events of one kind of thing."),
    )
    is_active = Flag(load_default=True, label=_l("On"))
    state = Choice(STATES, dump_only=True, nullable=False, label=_l("State"))
    reason = Choice(REASONS, dump_only=True, nullable=True, label=_l("Switched off because"))
    failing_since = Moment(dump_only=True, label=_l("Failing since"))
    next_at = Moment(dump_only=True, label=_l("Next try"))
    last_delivered_at = Moment(dump_only=True, label=_l("Last delivery"))
    previous_until = Moment(dump_only=True, label=_l("Old secret signs until"))
    sequence = Whole(dump_only=True, max=LARGEST_ID, nullable=False, label=_l("Place in the log"))
    created_by_id = Reference("users", dump_only=True, label=_l("Made by"))
    created_by = Name("created_by_id", label=_l("Made by"))


WEBHOOKS = Resource(
    name="webhooks",
    model=Webhook,
    schema=WebhookSchema,
    title=_l("Webhooks"),
    singular=_l("Webhook"),
    icon="webhook",
    columns=("name", "url", "events", "state", "last_delivered_at"),
    filters=("state", "is_active", "created_by_id"),
    plan=plan_webhook,
    settle=settle_webhooks,
    guard=guard_webhook,
    cached=True,
    label_columns=("is_active",),
    read_roles=ADMINS,
    write_roles=ADMINS,
    api=frozenset({"list", "get", "update", "delete", "history"}),
    pages=frozenset(),
)
RESOURCES = (WEBHOOKS,)
