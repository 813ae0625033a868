"""A webhook's turn: what became of the last message is noted, the log is read on, the next message is chosen.

Messages leave one after the other, in the order of the log. While the receiver does not answer as it should, there is
one try a step of BACKOFF for the webhook as a whole, and after the last one it is disabled. A message that a receiver
itself refuses steps aside after three tries, so that one that is never taken does not hold up the rest.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import or_, select, update

from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.identity_statements import ID, MOMENT, WHOLE, Call
from webapp.core.tenancy import CHECKED, scoped
from webapp.webhooks.models import DELIVERIES, WEBHOOKS, Webhook
from webapp.webhooks.notices import tell_administrators
from webapp.webhooks.outbox import refill
from webapp.webhooks.sending import Outcome

BACKOFF = (
    *(timedelta(seconds=seconds) for seconds in (5, 30)),
    *(timedelta(minutes=minutes) for minutes in (2, 10, 30)),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 20)),
)
"""How long to wait after each failure: twelve tries in three days."""
REFUSALS = 3
LEASE = timedelta(seconds=60)
GONE = 410
Row = dict[str, Any]

DUE_WEBHOOKS = Call(
    "due_webhooks",
    """SELECT w.organization_id AS organization_id, w.id AS webhook_id FROM webhooks w
WHERE w.deleted_at IS NULL AND (w.locked_until IS NULL OR w.locked_until <= :at) AND (
  EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.organization_id = w.organization_id
    AND d.webhook_id = w.id AND d.state = 'waiting' AND d.by_hand)
  OR (w.is_active AND (w.next_at IS NULL OR w.next_at <= :at) AND (
    w.sequence < (SELECT max(s.sequence) FROM activity_seals s WHERE s.organization_id = w.organization_id)
    OR EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.organization_id = w.organization_id
      AND d.webhook_id = w.id AND d.state = 'waiting' AND d.next_at <= :at))))
ORDER BY coalesce(w.locked_until, w.created_at), w.id LIMIT :count""",
    takes={"at": MOMENT, "count": WHOLE},
    gives={"organization_id": ID, "webhook_id": ID},
)


@dataclass(frozen=True)
class Step:
    """What a turn does next: send a message, look again, or end."""

    hook: Row | None = None
    delivery: Row | None = None
    goes_on: bool = False


def wait_after(failures: int) -> timedelta:
    """Return how long to wait after so many failures in a row, up to a fifth longer by chance."""
    planned = BACKOFF[min(max(failures, 1), len(BACKOFF)) - 1]
    return planned * (1 + secrets.randbelow(2_000) / 10_000)


def claim(context: Context, webhook_id: int) -> bool:
    """Take a webhook's turn for a minute; tell whether it was free. The caller commits."""
    free = or_(WEBHOOKS.c.locked_until.is_(None), WEBHOOKS.c.locked_until <= context.at)
    result: Any = context.session.execute(
        update(WEBHOOKS).where(_is(context, webhook_id), free).values(locked_until=context.at + LEASE),
        execution_options=CHECKED,
    )
    return bool(result.rowcount)


def step(context: Context, webhook_id: int, outcome: Outcome | None, *, ends: bool = False) -> Step:
    """Note what became of the last message and return what comes next; the caller commits."""
    hook = _load(context, webhook_id)
    if outcome is not None:
        _note(context, hook, outcome)
        hook = _load(context, webhook_id)
    found = Step() if ends or hook["deleted_at"] else _next(context, hook)
    held = found.delivery is not None or found.goes_on
    _set(context, webhook_id, locked_until=context.at + LEASE if held else context.at)
    return found


def _next(context: Context, hook: Row) -> Step:
    by_hand = _head(context, hook, DELIVERIES.c.by_hand.is_(True))
    if by_hand is not None:
        return Step(hook, by_hand)
    if not hook["is_active"] or (hook["next_at"] and hook["next_at"] > context.at):
        return Step()
    in_line = DELIVERIES.c.next_at <= context.at
    head = _head(context, hook, in_line)
    if head is not None:
        return Step(hook, head)
    try:
        more = refill(context, hook)
    except Invalid:
        disable(context, hook["id"], "filter")
        return Step()
    head = _head(context, hook, in_line)
    return Step(hook, head) if head is not None else Step(goes_on=more)


def _head(context: Context, hook: Row, condition: Any) -> Row | None:
    query = (
        select(DELIVERIES)
        .where(
            scoped(context.session, DELIVERIES),
            DELIVERIES.c.webhook_id == hook["id"],
            DELIVERIES.c.state == "waiting",
            condition,
        )
        .order_by(DELIVERIES.c.id)
        .limit(1)
    )
    row = context.session.execute(query, execution_options=CHECKED).mappings().first()
    return dict(row) if row else None


def _note(context: Context, hook: Row, outcome: Outcome) -> None:
    """Write down what became of a try, of the message and of the webhook."""
    mine = scoped(context.session, DELIVERIES) & (DELIVERIES.c.id == outcome.delivery_id)
    row = context.session.execute(select(DELIVERIES).where(mine), execution_options=CHECKED).mappings().one()
    tries = row["attempts"] + 1
    values: Row = {
        "attempts": tries,
        "last_status": outcome.status,
        "last_error": outcome.error,
        "answer": outcome.answer,
        "duration_ms": outcome.milliseconds,
        "attempted_at": outcome.at,
        "by_hand": False,
    }
    if outcome.is_delivered:
        values |= {"state": "delivered", "finished_at": context.at}
        _succeeded(context, hook)
    elif row["by_hand"]:
        values |= {"state": "failed", "finished_at": context.at}
    elif row["state"] == "waiting":
        lives = _failed(context, hook, outcome)
        if outcome.is_refused and tries >= REFUSALS:
            values["next_at"] = context.at + wait_after(tries + 1)
        if lives and tries > len(BACKOFF):
            values |= {"state": "failed", "finished_at": context.at}
    context.session.execute(update(DELIVERIES).where(mine).values(values), execution_options=CHECKED)


def _succeeded(context: Context, hook: Row) -> None:
    values: Row = {"last_delivered_at": context.at}
    if hook["is_active"]:
        values |= {"state": "ok", "reason": None, "failures": 0, "failing_since": None, "next_at": None}
    _set(context, hook["id"], **values)


def _failed(context: Context, hook: Row, outcome: Outcome) -> bool:
    """Have a webhook wait before its next try, or disable it; tell whether it goes on."""
    failures = hook["failures"] + 1
    reason = "secret" if outcome.is_unsigned else "gone" if outcome.status == GONE else "unreachable"
    _set(context, hook["id"], failures=failures, failing_since=hook["failing_since"] or outcome.at)
    if not hook["is_active"]:
        return False
    if reason != "unreachable" or failures > len(BACKOFF):
        disable(context, hook["id"], reason)
        return False
    wait = max(wait_after(failures), outcome.retry_after)
    _set(context, hook["id"], state="failing", next_at=context.at + wait)
    return True


def disable(context: Context, webhook_id: int, reason: str) -> None:
    """Stop a webhook, with a line in the history and a letter to those who may mend it; it keeps its place."""
    row = context.session.get_one(Webhook, webhook_id, populate_existing=True)
    row.is_active, row.state, row.reason, row.next_at = False, "disabled", reason, None
    context.session.flush()
    tell_administrators(context, row)


def _load(context: Context, webhook_id: int) -> Row:
    query = select(WEBHOOKS).where(_is(context, webhook_id)).with_for_update()
    return dict(context.session.execute(query, execution_options=CHECKED).mappings().one())


def _is(context: Context, webhook_id: int) -> Any:
    return scoped(context.session, WEBHOOKS) & (WEBHOOKS.c.id == webhook_id)


def _set(context: Context, webhook_id: int, **values: Any) -> None:
    """Keep what a turn learns of a webhook: it is no change that the history tells."""
    context.session.execute(update(WEBHOOKS).where(_is(context, webhook_id)).values(values), execution_options=CHECKED)
