"""Rules of webhooks: what one may be, switching it on and off, its secret, tests and messages sent again."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
from flask_babel import gettext as _
from sqlalchemy import func, insert, select, update

from webapp.core import seals
from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound
from webapp.core.jobs import enqueue
from webapp.core.labels import label_rows
from webapp.core.resource import Resource
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.writes import Change, Draft, Facts, create_row
from webapp.webhooks import events
from webapp.webhooks.models import DELIVERIES, DELIVERY_STATES, WEBHOOKS, Webhook
from webapp.webhooks.outbox import new_delivery, organization_of, parse_filter
from webapp.webhooks.sending import address_faults
from webapp.webhooks.signing import make_secret, open_secret, seal_secret

JOB = "webhooks"
OLD_SECRET_LASTS = timedelta(hours=24)
NO_FILTERS = frozenset({"page", "per_page", "sort", "q", "cursor", "fields", "deleted"})
Row = dict[str, Any]


def see_everything(context: Context) -> None:
    """Raise Forbidden for who is narrowed to a place: a webhook is told of everything, wherever it is."""
    if context.actor.scope_location_id is not None:
        raise Forbidden(_("Webhooks are told of everything; you see a part of the organisation only."))


def plan_webhook(draft: Draft, facts: Facts) -> None:
    """Say what a webhook will be: sent somewhere we may send to, of events that its maker may see."""
    context = facts.context
    see_everything(context)
    if draft.changed("url"):
        for message in address_faults(draft["url"] or ""):
            draft.fail("url", message)
        draft["next_at"] = None  # what waited for the old address tries the new one at once
    if draft.changed("events"):
        draft["events"] = list(dict.fromkeys(draft["events"] or []))
        for message in _event_faults(context, draft["events"]):
            draft.fail("events", message)
    if draft.changed("filter", "events") and draft["filter"] and "events" not in draft.errors:
        for message in _filter_faults(facts, draft["events"], draft["filter"]):
            draft.fail("filter", message)
    if draft.changed("is_active"):
        draft["state"] = "ok" if draft["is_active"] else "disabled"
        draft["reason"] = draft["failing_since"] = draft["next_at"] = None
        draft["failures"] = 0
    if draft.is_new:
        _begin(draft, context)


def _begin(draft: Draft, context: Context) -> None:
    """Give a new webhook its secret, and its place at the present end of the log."""
    seals.seal_finished(context.session)
    draft["guid"] = str(uuid4())
    draft["secret"] = seal_secret(make_secret(), draft["guid"])
    draft["sequence"] = seals.last_seal(context.session)[0]
    draft["created_by_id"] = context.actor.user_id


def _event_faults(context: Context, chosen: list[str]) -> list[str]:
    if not chosen:
        return [_("Choose at least one.")]
    unknown = [pattern for pattern in chosen if not events.is_known(pattern)]
    if unknown:
        return [_("There is no event %(name)s.", name=unknown[0])]
    beyond = [r.read_permission for r in events.kinds_of(chosen) if not can(context.actor, r.read_permission)]
    return [_("You do not hold %(name)s yourself.", name=beyond[0])] if beyond else []


def _filter_faults(facts: Facts, chosen: list[str], text: str) -> list[str]:
    kinds = events.kinds_of(chosen)
    if len(kinds) != 1:
        return [_("A filter goes with the events of one kind of thing alone.")]
    try:
        parameters = parse_filter(facts.tailored(kinds[0]), text)
    except Invalid as error:
        return [f"{name}: {message}" for name, found in error.errors.items() for message in found]
    controls = sorted(name for name in _names(text) if name in NO_FILTERS)
    if controls:
        return [_("%(name)s is no filter.", name=controls[0])]
    return [] if parameters.filters else [_("This filters nothing.")]


def _names(text: str) -> list[str]:
    return [part.partition("=")[0] for part in text.split("&")]


def settle_webhooks(context: Context, changes: list[Change]) -> None:
    """Have messages that waited while a webhook was off tried again from the beginning."""
    for change in changes:
        before, after = change.before, change.after
        if before is not None and after["is_active"] and not before["is_active"]:
            _set_waiting(context, after["id"], attempts=0, next_at=context.at)
            wake(context)


def guard_webhook(context: Context, _row: Row) -> None:
    """Keep who sees a part only from deleting what tells of the whole."""
    see_everything(context)


def create_webhook(context: Context, resource: Resource, patch: Mapping[str, Any]) -> tuple[int, str]:
    """Make a webhook and return its id and its secret, which is shown only now. Raises Invalid."""
    webhook_id = create_row(context, resource, patch)
    row = get_webhook(context, webhook_id)
    return webhook_id, open_secret(row.secret, row.guid) or ""


def get_webhook(context: Context, webhook_id: int) -> Webhook:
    """Return a living webhook; raises NotFound, and Forbidden for who does not see everything."""
    see_everything(context)
    query = select(Webhook).where(Webhook.id == webhook_id, Webhook.deleted_at.is_(None))
    row = context.session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise NotFound(_("There is no such webhook."))
    return row


def rotate_secret(context: Context, webhook_id: int) -> str:
    """Give a webhook another secret and return it; the one before signs along for a day."""
    row = get_webhook(context, webhook_id)
    secret = make_secret()
    if open_secret(row.secret, row.guid) is not None:
        row.previous_secret, row.previous_until = row.secret, context.at + OLD_SECRET_LASTS
    row.secret = seal_secret(secret, row.guid)
    context.session.flush()
    return secret


def enable(context: Context, webhook_id: int, *, from_now: bool) -> None:
    """Switch a webhook on: it goes on with what it missed, or leaves that out and begins with what comes now."""
    row = get_webhook(context, webhook_id)
    if row.is_active:
        raise Conflict(_("It is on already."), code="active")
    faults = address_faults(row.url)
    if faults:
        raise Conflict(faults[0], code="bad_address")
    row.is_active, row.state, row.reason = True, "ok", None
    row.failures, row.failing_since, row.next_at = 0, None, None
    if from_now:
        seals.seal_finished(context.session)
        row.sequence = seals.last_seal(context.session)[0]
        _set_waiting(context, webhook_id, state="dropped", finished_at=context.at)
    _set_waiting(context, webhook_id, attempts=0, next_at=context.at)
    context.session.flush()
    wake(context)


def disable_by_hand(context: Context, webhook_id: int) -> None:
    """Switch a webhook off; it keeps its place in the log."""
    row = get_webhook(context, webhook_id)
    row.is_active, row.state, row.reason, row.next_at = False, "disabled", None, None
    context.session.flush()


def send_test(context: Context, webhook_id: int) -> int:
    """Send a message that says nothing, whatever the webhook's state, and return its id."""
    row = get_webhook(context, webhook_id)
    _not_too_many(context, webhook_id)
    data = {"organization": organization_of(context), "webhook": {"id": row.id, "guid": row.guid, "name": row.name}}
    moment = context.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = orjson.dumps({"type": events.TEST, "timestamp": moment, "data": data}).decode()
    values = new_delivery(context, webhook_id, events.TEST, body, by_hand=True)
    statement = insert(DELIVERIES).values(values).returning(DELIVERIES.c.id)
    made = int(context.session.execute(statement, execution_options=CHECKED).scalar_one())
    wake(context)
    return made


def send_again(context: Context, webhook_id: int, delivery_id: int) -> None:
    """Send a message once more, or the one that waits now rather than later. Raises Conflict."""
    row = get_delivery(context, webhook_id, delivery_id)
    if row["payload"] is None:
        raise Conflict(_("What it said is no longer kept."), code="purged")
    if row["by_hand"]:
        return
    if row["state"] == "waiting":
        if not get_webhook(context, webhook_id).is_active:
            raise Conflict(_("The webhook is off. Switch it on first."), code="disabled")
        own = scoped(context.session, WEBHOOKS) & (WEBHOOKS.c.id == webhook_id)
        context.session.execute(update(WEBHOOKS).where(own).values(next_at=None), execution_options=CHECKED)
        _set_delivery(context, delivery_id, next_at=context.at)
    else:
        _not_too_many(context, webhook_id)
        _set_delivery(context, delivery_id, state="waiting", by_hand=True, finished_at=None)
    wake(context)


MOST_BY_HAND = 20


def _not_too_many(context: Context, webhook_id: int) -> None:
    query = select(func.count()).where(_of(context, webhook_id), DELIVERIES.c.by_hand.is_(True))
    if context.session.execute(query, execution_options=CHECKED).scalar_one() >= MOST_BY_HAND:
        raise Conflict(_("Messages are on their way already. Try again in a moment."), code="under_way")


def wake(context: Context) -> None:
    """Have the worker look at the webhooks as soon as this is committed."""
    enqueue(context, JOB, {})


def list_deliveries(
    context: Context, webhook_id: int, *, state: str | None = None, before_id: int | None = None, limit: int = 50
) -> list[Row]:
    """Return a webhook's messages, the newest first, those of one state or all; `before_id` goes on behind one."""
    get_webhook(context, webhook_id)
    if state is not None and state not in DELIVERY_STATES:
        raise Invalid({"state": [_("Choose one of the list.")]})
    shown = [column for column in DELIVERIES.c if column.name not in ("payload", "answer")]
    query = select(*shown).where(_of(context, webhook_id)).order_by(DELIVERIES.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(DELIVERIES.c.state == state)
    if before_id is not None:
        query = query.where(DELIVERIES.c.id < before_id)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def get_delivery(context: Context, webhook_id: int, delivery_id: int) -> Row:
    """Return a message of a webhook with what it says and what was answered; raises NotFound."""
    get_webhook(context, webhook_id)
    query = select(DELIVERIES).where(_of(context, webhook_id), DELIVERIES.c.id == delivery_id)
    row = context.session.execute(query, execution_options=CHECKED).mappings().first()
    if row is None:
        raise NotFound(_("There is no such delivery."))
    return dict(row)


def has_active(context: Context) -> bool:
    """Tell whether the organization has a webhook that is on, as the cache of names knows it."""
    rows = label_rows(context, "webhooks").values()
    return any(row["is_active"] and row["deleted_at"] is None for row in rows)


def _of(context: Context, webhook_id: int) -> Any:
    return scoped(context.session, DELIVERIES) & (DELIVERIES.c.webhook_id == webhook_id)


def _set_waiting(context: Context, webhook_id: int, **values: Any) -> None:
    waiting = _of(context, webhook_id) & (DELIVERIES.c.state == "waiting") & DELIVERIES.c.by_hand.is_(False)
    context.session.execute(update(DELIVERIES).where(waiting).values(values), execution_options=CHECKED)


def _set_delivery(context: Context, delivery_id: int, **values: Any) -> None:
    mine = scoped(context.session, DELIVERIES) & (DELIVERIES.c.id == delivery_id)
    context.session.execute(update(DELIVERIES).where(mine).values(values), execution_options=CHECKED)
