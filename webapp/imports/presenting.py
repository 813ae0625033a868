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
from webapp.core.custom import tailor
from webapp.core.database import utcnow
from webapp.core.resource import Resource, registry
from webapp.faces.rendering import Renderer, within_sentence
from webapp.imports.charset import ENCODINGS
from webapp.imports.mapping import columns_from_json, guess_columns
from webapp.imports.options import DELIMITERS, Options, options_from_json
from webapp.imports.reading import DECIMAL
from webapp.imports.rules import creatable
from webapp.imports.standing import KEPT_FOR, RUNNING, STATE_WORDS, WRITE
from webapp.imports.targets import Target, creatable_kinds, targets_of

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
        "can_undo": can_undo(context, row),
    }


def can_undo(context: Context, row: Row) -> bool:
    """Tell whether the reader may take an import back, and still can."""
    applied = row["applied_at"]
    return (
        row["state"] == "applied"
        and applied is not None
        and context.at - applied <= KEPT_FOR
        and may_write(context, row)
    )


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


def source_words(row: Row) -> str:
    """Return how a file was read in a few words: "Western Europe (Windows-1252), semicolons"."""
    found = row["source"]
    if found.get("kind") == "csv":
        delimiter = found.get("delimiter") or ""
        encoding = ENCODINGS.get(found.get("encoding") or "", found.get("encoding"))
        return ", ".join([str(encoding), str(DELIMITERS.get(delimiter, f"“{delimiter}”"))])
    return _("Sheet “%(name)s”", name=found["sheet"]) if found.get("sheet") else ""


def reading_choices(row: Row) -> list[dict[str, Any]]:
    """Return what can be chosen about how a file is read: name, label, choices, what is chosen."""
    found, options = row["source"], row["options"]
    if found.get("kind") == "csv":
        encoding = str(ENCODINGS.get(found.get("encoding") or "", ""))
        delimiter = found.get("delimiter") or ""
        told = {"encoding": encoding, "delimiter": str(DELIMITERS.get(delimiter, delimiter))}
        others = {options["delimiter"]: options["delimiter"]} if options.get("delimiter") else {}
        choices = {
            "encoding": (_("Encoding"), ENCODINGS),
            "delimiter": (_("Columns are parted by"), others | DELIMITERS),
        }
    elif len(found.get("sheets", ())) > 1:
        told, choices = {"sheet": found["sheet"]}, {"sheet": (_("Sheet"), {name: name for name in found["sheets"]})}
    else:
        return []
    lines = []
    for name, (label, offered) in choices.items():
        chosen = options.get(name)
        nothing = _("As found") if chosen else _("As found: %(what)s", what=told[name])
        listed = [("", nothing), *((key, str(word)) for key, word in offered.items())]
        lines.append({"name": name, "label": label, "choices": listed, "chosen": chosen or ""})
    return lines


def acts_of(context: Context, renderer: Renderer, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the head of an import's page offers; mending a row changes it, too."""
    counts, state = row["counts"], row["state"]
    changing = sum(counts.get(name, 0) for name in ("create", "update"))
    rest = counts.get("waiting", 0)
    count = renderer.number(rest if state == "applied" else changing)
    return {
        "may_write": may_write(context, row),
        "changing": ngettext("Apply %(count)s row", "Apply %(count)s rows", changing, count=count),
        "rest": ngettext("Apply the rest: %(count)s row", "Apply the rest: %(count)s rows", rest, count=count),
        "can_apply": state == "checked" and changing > 0,
        "can_go_on": state == "applied" and rest > 0 and row["purged_at"] is None,
        "can_undo": can_undo(context, row),
    }


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
    for kind in creatable_kinds(registry.resources[row["resource"]]):
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


def kept_line(context: Context, item: Row) -> dict[str, Any]:
    """Return one thing that an undo left as it is: what it is, its name, the reason, the fields, the resource."""
    known = registry.by_table(item["item_type"])
    resource = tailor(context, known) if known else None
    words = [label_of(resource, name) if resource else name for name in item["fields"]]
    kind = str(resource.singular) if resource else item["item_type"]
    own = {"name": item["name"], "reason": item["reason"], "item_id": item["item_id"]}
    return own | {"kind": kind, "fields": ", ".join(words), "resource": resource}


def kept_lines(context: Context, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what an undo left as it is, each with where it is shown."""
    lines = [kept_line(context, item) for item in items]
    for line in lines:
        known = line["resource"]
        shown = known is not None and "get" in known.pages and can(context.actor, known.read_permission)
        line["url"] = url_for(f"{known.name}.detail", row_id=line["item_id"]) if shown else None
    return lines


def is_running(row: Row) -> bool:
    """Tell whether a job works on an import."""
    return row["state"] in RUNNING
