"""Exports as their pages and letters say them: when, of which list, with what result."""

from collections.abc import Mapping, Sequence
from datetime import time
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from babel import Locale
from babel.dates import format_time
from flask import current_app, url_for
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.jobs import get_job
from webapp.core.resource import registry
from webapp.faces.list_state import ListState
from webapp.faces.page_columns import label_of_field
from webapp.faces.page_filters import chips_of
from webapp.faces.rendering import Renderer
from webapp.faces.surface import job_card
from webapp.reports.rules import is_underway, list_runs, may_have_file, saved_by

Row = Mapping[str, Any]
DAYS = {
    "monday": _l("Monday"),
    "tuesday": _l("Tuesday"),
    "wednesday": _l("Wednesday"),
    "thursday": _l("Thursday"),
    "friday": _l("Friday"),
    "saturday": _l("Saturday"),
    "sunday": _l("Sunday"),
}
STATES = {"running": _l("Being made"), "done": _l("Made"), "failed": _l("Failed")}
MARKS = {"running": ("loader-2", "blue"), "done": ("circle-check", "green"), "failed": ("alert-circle", "red")}
UNITS = ("B", "kB", "MB", "GB")


def schedule_words(row: Row) -> str:
    """Return when an export is made: "Monday at 06:00"."""
    hour = format_time(time(row["hour"]), "short", locale=get_locale() or Locale.parse("en"))
    if row["schedule"] == "daily":
        return _("Every day at %(time)s", time=hour)
    if row["schedule"] == "weekly":
        return _("%(day)s at %(time)s", day=DAYS[row["weekday"]], time=hour)
    if row["schedule"] == "monthly":
        return _("Day %(day)s of the month at %(time)s", day=row["month_day"], time=hour)
    return _("Once")


def list_words(context: Context, name: str, query: str | None, fields: Sequence[str]) -> list[tuple[str, str]]:
    """Return (what, how) of what an export asks of its list; nothing for one that has no page to say it."""
    known = registry.resources.get(name)
    if known is None or f"{name}.index" not in current_app.view_functions:
        return []
    resource = tailor(context, known)
    state = ListState(context, resource, MultiDict(parse_qsl(query or "")))
    words = [(str(chip["label"]), str(chip["value"])) for chip in chips_of(context, resource, state)]
    parameters = state.parameters
    if parameters.q:
        words.append((_("Search"), parameters.q))
    if parameters.deleted:
        words.append((_("Deleted"), _("these instead of the living")))
    if parameters.sorted_by_user:
        ways = {False: "%s ↑", True: "%s ↓"}
        sorting = [ways[descending] % label_of_field(resource, field) for field, descending in parameters.sort]
        words.append((_("Order"), ", ".join(sorting)))
    shown = [str(label_of_field(resource, field)) for field in fields if field in resource.fields]
    words.append((_("Columns"), ", ".join(shown) or _("all of them")))
    words += [(_("Makes no sense any more"), dropped) for dropped in state.dropped]
    return words


def size_words(renderer: Renderer, size: int) -> str:
    """Return a number of bytes as people say it: "96 kB"."""
    value, unit = Decimal(size), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{renderer.number(value.quantize(Decimal(1) if value >= 10 or not unit else Decimal('0.1')))} {UNITS[unit]}"


def run_words(renderer: Renderer, rows: int, size: int) -> str:
    """Return what a file holds: "1,204 rows, 96 kB"."""
    count = ngettext("%(count)s row", "%(count)s rows", rows, count=renderer.number(rows))
    return f"{count}, {size_words(renderer, size)}"


def runs_panel(context: Context, row: Row) -> dict[str, Any]:
    """Return what the page of an export shows beside its facts: its runs, its list in words, whose rights it has."""
    renderer, runs = Renderer(context), list_runs(context, row["id"])
    return {
        "runs": [run_line(context, renderer, run) for run in runs],
        "list": list_words(context, row["resource"], row["query"], row["fields"]),
        "runs_as": saved_by(context, row["id"]),
        "job": card_of(context, row) if row["last_state"] == "running" else None,
        "error": row["last_error"] if row["last_state"] == "failed" else None,
    }


def run_line(context: Context, renderer: Renderer, run: Row) -> dict[str, Any]:
    """Return one run: when, with what result, and where its file is."""
    ready = run["file_key"] is not None and may_have_file(context, run)
    state = "failed" if run["error"] else "done" if run["finished_at"] else "running"
    words = str(STATES[state])
    if run["error"]:
        words = run["error"]
    elif run["finished_at"]:
        words = run_words(renderer, run["rows"], run["bytes"])
    url = url_for("exports.file", row_id=run["export_id"], run=run["id"]) if ready else None
    gone = run["finished_at"] is not None and not run["error"] and run["file_key"] is None
    icon_name, tone = MARKS[state]
    return {
        "when": renderer.moment(run["finished_at"] or run["started_at"]),
        "words": words,
        "url": url,
        "gone": gone,
        "filename": run["filename"],
        "icon": icon_name,
        "tone": tone,
    }


def card_of(context: Context, row: Row) -> dict[str, Any] | None:
    """Return the card of an export that is being made; None when its job has ended."""
    if not is_underway(context, row["job_id"]):
        return None
    renderer = Renderer(context)
    poll_url = url_for("exports.progress", row_id=row["id"])
    return job_card(get_job(context, row["job_id"]), renderer, poll_url=poll_url, icon="file-export")
