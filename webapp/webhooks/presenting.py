"""What the pages show of webhooks and their messages."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.datastructures import MultiDict

from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import Invalid
from webapp.faces.list_state import ListState
from webapp.faces.page_filters import chips_of
from webapp.faces.rendering import Renderer
from webapp.webhooks import events
from webapp.webhooks.rules import NO_FILTERS
from webapp.webhooks.wording import DELIVERY_STATES, STATES, reason_words

Row = Mapping[str, Any]
MARKS = {"ok": ("circle-check", "green"), "failing": ("alert-triangle", "amber"), "disabled": ("player-pause", "gray")}
DELIVERY_MARKS = {
    "waiting": ("clock", "blue"),
    "delivered": ("circle-check", "green"),
    "failed": ("alert-circle", "red"),
    "dropped": ("circle-minus", "gray"),
}


def webhook_line(renderer: Renderer, row: Row) -> dict[str, Any]:
    """Return a webhook as the list shows it."""
    last = row["last_delivered_at"]
    return {
        "id": row["id"],
        "name": row["name"],
        "url": url_for("webhooks.detail", row_id=row["id"]),
        "host": urlsplit(row["url"]).netloc,
        "events": event_words(row["events"]),
        "state": state_of(row),
        "is_off": row["state"] == "disabled",
        "last": renderer.moment(last) if last else _("never"),
    }


def state_of(row: Row) -> tuple[str, str, str]:
    """Return (words, icon, tone) of a webhook's state; one that was switched off for a fault is red."""
    icon_name, tone = MARKS[row["state"]]
    return str(STATES[row["state"]]), "alert-circle" if row["reason"] else icon_name, "red" if row["reason"] else tone


def event_words(chosen: list[str]) -> str:
    """Return what a webhook is told of in words: "Everything", "Assets: changed, deleted; People: all"."""
    if events.ALL in chosen:
        return str(events.WORDS[events.ALL])
    parts: dict[str, list[str]] = {}
    for pattern in chosen:
        name, _dot, verb = pattern.rpartition(".")
        parts.setdefault(name, []).append(str(_("all") if verb == events.ALL else events.WORDS.get(verb, verb)))
    known = events.told_of()
    return "; ".join(f"{known[name].title if name in known else name}: {', '.join(v)}" for name, v in parts.items())


def event_groups(chosen: list[str]) -> list[dict[str, Any]]:
    """Return the check boxes of the form: a group a resource, its verbs in order."""
    return [
        {
            "label": resource.title,
            "all": {"value": f"{name}.{events.ALL}", "checked": f"{name}.{events.ALL}" in chosen},
            "boxes": [
                {"value": f"{name}.{verb}", "label": events.WORDS[verb], "checked": f"{name}.{verb}" in chosen}
                for verb in events.VERBS.values()
            ],
        }
        for name, resource in sorted(events.told_of().items(), key=lambda pair: str(pair[1].title))
    ]


def filter_from(text: str | None) -> str | None:
    """Return the filter in what somebody pasted: the address of a list, or its query, without sort, page and view."""
    if not text or not text.strip():
        return None
    query = text.strip().rpartition("?")[2] if "?" in text else text.strip()
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if name not in NO_FILTERS | {"view", "panel"} and value]
    return urlencode(kept, safe=",:") if kept else query or None


def filter_chips(context: Context, row: Row) -> list[dict[str, Any]]:
    """Return the filter of a webhook in words, as a list shows it: [{label, value}]."""
    kinds = events.kinds_of(row["events"])
    if not row["filter"] or len(kinds) != 1:
        return []
    resource = tailor(context, kinds[0])
    try:
        state = ListState(context, resource, MultiDict(parse_qsl(row["filter"])))
        return chips_of(context, resource, state)
    except Invalid:
        return []


def delivery_line(renderer: Renderer, hook: Row, row: Row) -> dict[str, Any]:
    """Return a message of a webhook as the list shows it."""
    icon_name, tone = DELIVERY_MARKS[row["state"]]
    words = DELIVERY_STATES[row["state"]]
    if row["state"] == "waiting" and row["attempts"] and hook["is_active"]:
        words, icon_name, tone = _("Tries again"), "refresh", "amber"
    return {
        "id": row["id"],
        "url": url_for("webhooks.delivery", row_id=row["webhook_id"], delivery_id=row["id"]),
        "event": row["event"],
        "things": ngettext("%(num)s thing", "%(num)s things", row["count"]) if row["count"] else "",
        "state": (str(words), icon_name, tone),
        "status": row["last_status"] or row["last_error"] or "",
        "attempts": renderer.number(row["attempts"]),
        "when": renderer.moment(row["created_at"]),
    }


def delivery_facts(renderer: Renderer, hook: Row, row: Row) -> list[tuple[str, Any]]:
    """Return what became of a message as pairs of term and value."""
    pairs: list[tuple[str, Any]] = [(_("Message"), row["message_id"]), (_("Event"), row["event"])]
    if row["first_sequence"] is not None:
        pairs.append((_("Lines of the log"), f"{row['first_sequence']}–{row['last_sequence']}"))
    pairs += [(_("Made"), renderer.moment(row["created_at"])), (_("Tries"), renderer.number(row["attempts"]))]
    if row["attempted_at"]:
        pairs.append((_("Last try"), renderer.moment(row["attempted_at"])))
        pairs.append((_("Took"), f"{renderer.number(row['duration_ms'] or 0)} ms"))
    if row["last_status"]:
        pairs.append((_("Answer"), str(row["last_status"])))
    if row["last_error"]:
        pairs.append((_("Fault"), row["last_error"]))
    if row["state"] == "waiting" and not row["by_hand"] and hook["is_active"]:
        gate = hook["next_at"] if hook["next_at"] and hook["next_at"] > row["next_at"] else row["next_at"]
        pairs.append((_("Next try"), renderer.moment(gate) if row["attempts"] else _("as soon as it is its turn")))
    return pairs


def pretty(text: str | None) -> str:
    """Return JSON indented, anything else as it is."""
    try:
        return orjson.dumps(orjson.loads(text or ""), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return text or ""


def notice_of(renderer: Renderer, row: Row) -> dict[str, str] | None:
    """Return what the page of a webhook says on top of it: that it is off and why, or that its receiver fails."""
    if row["state"] == "disabled":
        words = _("What happens meanwhile stays in the log; switched on again, it goes on where it stood.")
        return {"tone": "red" if row["reason"] else "gray", "title": reason_words(row["reason"]), "text": words}
    if row["state"] == "failing":
        since, next_at = row["failing_since"], row["next_at"]
        title = _("The receiver has not answered as it should since %(when)s.", when=renderer.moment(since))
        words = _(
            "Nothing is lost: messages wait in order. The next try is on %(when)s.", when=renderer.moment(next_at)
        )
        return {"tone": "amber", "title": title, "text": words}
    return None
