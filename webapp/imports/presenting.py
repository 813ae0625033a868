"""Imports as their pages draw them: words, icons and tones; templates decide nothing but where they stand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import url_for
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.database import utcnow
from webapp.core.resource import Resource, registry
from webapp.faces.rendering import Renderer, within_sentence
from webapp.imports.mapping import columns_from_json, guess_columns
from webapp.imports.options import CREATABLE, Options, options_from_json
from webapp.imports.reading import DECIMAL
from webapp.imports.rules import RUNNING, STATE_WORDS, WRITE, creatable
from webapp.imports.targets import Target, targets_of

Row = Mapping[str, Any]
FATES = {
    "create": (_l("Create"), "circle-plus", "green"),
    "update": (_l("Update"), "edit-circle", "blue"),
    "unchanged": (_l("Unchanged"), "equal", "gray"),
    "skip": (_l("Skip"), "circle-minus", "gray"),
    "error": (_l("Error"), "alert-circle", "red"),
}
STATES = {
    "uploaded": (STATE_WORDS["uploaded"], "help-circle", "amber"),
    "checking": (STATE_WORDS["checking"], "loader-2", "blue"),
    "checked": (STATE_WORDS["checked"], "circle-dashed", "blue"),
    "applying": (STATE_WORDS["applying"], "loader-2", "blue"),
    "applied": (STATE_WORDS["applied"], "circle-check", "green"),
    "stopped": (STATE_WORDS["stopped"], "alert-circle", "red"),
    "undoing": (STATE_WORDS["undoing"], "loader-2", "blue"),
    "undone": (STATE_WORDS["undone"], "arrow-back-up", "violet"),
    "failed": (STATE_WORDS["failed"], "alert-circle", "red"),
    "discarded": (STATE_WORDS["discarded"], "trash", "gray"),
}
STEPS = (_l("Upload"), _l("Columns"), _l("Dry run"), _l("Apply"))
STEP_OF = {"uploaded": 2, "failed": 2, "checking": 3, "checked": 3}
OUTCOMES: dict[str, Callable[[int, str], str]] = {
    "created": lambda n, count: ngettext("%(count)s created", "%(count)s created", n, count=count),
    "updated": lambda n, count: ngettext("%(count)s updated", "%(count)s updated", n, count=count),
    "failed": lambda n, count: ngettext("%(count)s failed", "%(count)s failed", n, count=count),
    "removed": lambda n, count: ngettext("%(count)s removed", "%(count)s removed", n, count=count),
    "restored": lambda n, count: ngettext("%(count)s restored", "%(count)s restored", n, count=count),
    "kept": lambda n, count: ngettext("%(count)s kept: touched since", "%(count)s kept: touched since", n, count=count),
    "create": lambda n, count: ngettext("%(count)s to create", "%(count)s to create", n, count=count),
    "update": lambda n, count: ngettext("%(count)s to update", "%(count)s to update", n, count=count),
    "error": lambda n, count: ngettext("%(count)s error", "%(count)s errors", n, count=count),
}
SHOWN_OF_NEW = ("product_id", "serial_number", "location_id", "purchased_on", "purchase_cost")
"""What a row that creates something tells of it, in this order."""

ORDERS = {"dmy": _l("day.month.year"), "mdy": _l("month/day/year"), "ymd": _l("year-month-day")}
DECIMALS = {"point": _l("1,234.56"), "comma": _l("1.234,56")}
NAMES_SHOWN = 6


@dataclass
class ColumnLine:
    """A column of the file in the mapping table."""

    index: int
    header: str
    sample: str
    target: str
    sure: bool
    hint: str = ""
    question: str = ""
    choices: Mapping[str, Any] = field(default_factory=dict)
    chosen: str = ""
    asked: bool = False


def counted(renderer: Renderer, counts: Mapping[str, int], names: tuple[str, ...]) -> list[str]:
    """Return ["28,911 created", "1,229 updated"] of what is not zero."""
    return [OUTCOMES[name](counts[name], renderer.number(counts[name])) for name in names if counts.get(name)]


def outcome(renderer: Renderer, row: Row) -> str:
    """Return an import's result in one line."""
    state, counts = row["state"], row["counts"]
    if state == "failed":
        return str(row["message"] or _("The check did not end."))
    if state == "undone":
        return ", ".join(counted(renderer, counts, ("removed", "restored", "kept"))) or _("nothing to undo")
    if state in {"applied", "stopped"}:
        return ", ".join(counted(renderer, counts, ("created", "updated", "failed"))) or _("nothing changed")
    return ", ".join(counted(renderer, counts, ("create", "update", "error")))


def list_line(context: Context, renderer: Renderer, row: Row) -> dict[str, Any]:
    """Return one line of the list of imports."""
    word, icon, tone = STATES[row["state"]]
    return {
        "id": row["id"],
        "url": url_for("imports.detail", import_id=row["id"]),
        "filename": row["filename"],
        "into": registry.resources[row["resource"]].title,
        "state": (word, icon, tone),
        "outcome": outcome(renderer, row),
        "by": row["created_by_name"],
        "by_key": row["created_by_user_id"] or row["created_by_name"],
        "when": renderer.moment(row["created_at"]),
        "can_undo": row["state"] == "applied" and may_write(context, row),
    }


def may_write(context: Context, row: Row) -> bool:
    """Tell whether the reader may act on an import."""
    return can(context.actor, WRITE) and can(context.actor, registry.resources[row["resource"]].write_permission)


def job_of(renderer: Renderer, row: Row, *, stoppable: bool) -> dict[str, Any]:
    """Return what the job card shows of a running import."""
    job, state = row["job"] or {}, row["state"]
    done, total = job.get("done", 0), job.get("total", 0)
    words = {
        "checking": _("Checking %(file)s", file=row["filename"]),
        "applying": _("Applying %(file)s", file=row["filename"]),
        "undoing": _("Undoing %(file)s", file=row["filename"]),
    }
    names = {"checking": ("create", "update", "error"), "applying": ("created", "updated", "failed")}
    percent = renderer.share(done, total)
    summary = _(
        "%(done)s of %(total)s rows, %(percent)s",
        done=renderer.number(done),
        total=renderer.number(total),
        percent=percent,
    )
    return {
        "id": f"import-{row['id']}",
        "title": words[state],
        "meta": _("Started %(time)s.", time=renderer.time(job["created_at"])) if job else "",
        "done": done,
        "total": total,
        "summary": summary if total else _("Reading the file"),
        "counts": counted(renderer, job.get("counts", {}), names.get(state, ("removed", "restored", "kept"))),
        "remaining": _remaining(job, done, total),
        "running": True,
        "icon": "file-import",
        "poll_url": url_for("imports.progress", import_id=row["id"]),
        "cancel_url": url_for("imports.stop", import_id=row["id"]) if stoppable and state == "applying" else None,
    }


def _remaining(job: Row, done: int, total: int) -> str:
    if not done or not total:
        return ""
    spent = (utcnow() - job["created_at"]).total_seconds()
    seconds = max(1, round(spent * (total - done) / done))
    return ngettext("about %(num)s second left", "about %(num)s seconds left", seconds)


def column_lines(resource: Resource, row: Row) -> list[ColumnLine]:
    """Return the mapping table: each column with a sample, its field, and what there is to ask about it."""
    columns, options = columns_from_json(row["columns"]), options_from_json(row["options"])
    guesses = guess_columns(resource, row["headers"])
    lines = []
    for index, header in enumerate(row["headers"]):
        chosen, guess = columns.get(index), guesses[index]
        line = ColumnLine(
            index=index,
            header=header,
            sample=", ".join(row["samples"][index][:2]) if index < len(row["samples"]) else "",
            target=chosen or "",
            sure=chosen != guess.field or guess.sure,
            hint=str(guess.reason) if chosen is None and guess.reason else "",
        )
        _ask(line, targets_of(resource).get(line.target), row, options)
        lines.append(line)
    return lines


def _ask(line: ColumnLine, target: Target | None, row: Row, options: Options) -> None:
    """Put the question of order or decimal mark beside a column that has one."""
    if target is None:
        return
    kinds = {"day": ("dates", ORDERS)} | dict.fromkeys(DECIMAL, ("decimals", DECIMALS))
    name, choices = kinds.get(target.kind, ("", {}))
    found = row["findings"].get(name, {}).get(str(line.index)) if name else None
    picked: str = getattr(options, name).get(line.index, "") if name else ""
    if not picked and found not in ({"ambiguous"} if name == "decimals" else {"ambiguous", *choices}):
        return
    line.choices, line.chosen = choices, picked or (found if found in choices else "")
    line.asked = found == "ambiguous" and not picked
    line.question = _("Which order?") if name == "dates" else _("Which decimal mark?")


def missing_lines(context: Context, row: Row) -> list[dict[str, Any]]:
    """Return what the file names and the organization does not have, a line a kind that the reader may create."""
    options, lines = options_from_json(row["options"]), []
    allowed = creatable(context, row["resource"])
    for kind in CREATABLE[row["resource"]]:
        found = row["missing"].get(kind)
        if not found:
            continue
        resource = registry.resources[kind]
        names = list(found["names"])
        word = within_sentence(resource.singular if found["count"] == 1 else resource.title)
        lines.append(
            {
                "kind": kind,
                "label": _(
                    "%(number)s %(things)s", number=format_decimal(found["count"]), things=within_sentence(word)
                ),
                "names": ", ".join(names[:NAMES_SHOWN]) + ("…" if found["count"] > NAMES_SHOWN else ""),
                "ticked": kind in options.create,
                "allowed": kind in allowed,
            }
        )
    return lines


def fate_tabs(renderer: Renderer, row: Row, chosen: str | None) -> list[dict[str, Any]]:
    """Return the tabs over the rows: all, and each fate that occurs."""
    counts = row["counts"]
    base = url_for("imports.detail", import_id=row["id"])
    total = sum(counts.get(fate, 0) for fate in FATES)
    tabs = [{"label": _("All"), "url": base, "count": renderer.number(total), "current": chosen is None, "icon": None}]
    for fate, (word, icon, tone) in FATES.items():
        if counts.get(fate) or fate in {"create", "update", "error"}:
            count = renderer.number(counts.get(fate, 0))
            tab = {"label": word, "url": f"{base}?fate={fate}", "count": count, "current": chosen == fate}
            tabs.append(tab | {"icon": icon, "tone": tone})
    return tabs


def row_lines(renderer: Renderer, resource: Resource, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows as the table shows them."""
    opens = "get" in resource.pages and can(renderer.context.actor, resource.read_permission)
    lines = []
    for row in rows:
        url = url_for(f"{resource.name}.detail", row_id=row["item_id"]) if row["item_id"] and opens else None
        lines.append(
            {
                "number": renderer.number(row["number"]),
                "fate": FATES[row["fate"]],
                "title": row["title"] or row["mark"] or "—",
                "mark": row["mark"] if row["title"] else "",
                "url": url,
                "errors": error_sentences(resource, row["errors"]),
                "diffs": diffs(renderer, resource, row) if row["fate"] == "update" else [],
                "words": _words(renderer, resource, row),
                "note": row["note"] or "",
            }
        )
    return lines


def _words(renderer: Renderer, resource: Resource, row: Row) -> str:
    if row["fate"] == "unchanged":
        return _("nothing differs")
    if row["fate"] != "create":
        return ""
    told = [column for column in SHOWN_OF_NEW if column in row["changes"]]
    return ", ".join([_("new"), *(shown(renderer, resource, c, row["changes"][c][1], row) for c in told)])


def diffs(renderer: Renderer, resource: Resource, row: Row) -> list[dict[str, str]]:
    """Return what an update changes: label, old and new as people read them."""
    return [
        {
            "label": label_of(resource, column),
            "old": shown(renderer, resource, column, old, row) or "—",
            "new": shown(renderer, resource, column, new, row) or "—",
        }
        for column, (old, new) in row["changes"].items()
    ]


def shown(renderer: Renderer, resource: Resource, column: str, value: Any, row: Row) -> str:
    """Return a kept value as people read it; references are kept by name."""
    name = resource.logged.get(column, column)
    item = resource.fields.get(name)
    if value is None or item is None or item.kind == "reference":
        return "" if value is None else str(value)
    return renderer.plain(resource, name, value)


def label_of(resource: Resource, name: str) -> str:
    """Return the words for a field, whether it is one of the resource or only of the import."""
    name = resource.logged.get(name, name)
    item, target = resource.fields.get(name), targets_of(resource).get(name)
    return str((item.label if item is not None else None) or (target.label if target else name))


def error_sentences(resource: Resource, errors: Mapping[str, list[str]]) -> list[str]:
    """Return an error row's reasons, each with the field it is about unless it speaks for itself."""
    found = []
    for name, messages in errors.items():
        for message in messages:
            own = name == "_" or "“" in message
            found.append(message if own else f"{label_of(resource, name)}: {message}")
    return found


def is_running(row: Row) -> bool:
    """Tell whether a job works on an import."""
    return row["state"] in RUNNING
