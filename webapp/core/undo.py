"""Take a change set back, as far as nobody has touched the same fields since; say what stays as it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from flask_babel import gettext as _
from sqlalchemy import Table, select

from webapp.core.activity import Activity, is_recorded, plain
from webapp.core.batch import delete_rows, find_rows, plan_rows, write_rows
from webapp.core.blockers import blockers
from webapp.core.context import Context
from webapp.core.custom import PREFIX, put_custom, stored_value, tailor
from webapp.core.errors import DomainError
from webapp.core.fields import FaceField
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.writes import Draft, restore_row

LOG = cast(Table, Activity.__table__)
UNDO_CHUNK = 500
Row = dict[str, Any]
Line = Mapping[str, Any]


@dataclass
class Report:
    """What became of some lines of a change set; `kept` names things that stay, with the reason.

    Those that got some of their fields back are among `restored` and among `kept`; `partly` counts them.
    """

    last_id: int
    lines: int
    restored: int = 0
    removed: int = 0
    partly: int = 0
    kept: list[Row] = field(default_factory=list)

    def keep(self, line: Line, reason: str, fields: Sequence[str] = ()) -> None:
        """Note that a thing, or some of its fields, stays as it is."""
        item = {"item_type": line["item_type"], "item_id": line["item_id"], "name": line["item_name"]}
        self.kept.append(item | {"reason": reason, "fields": list(fields)})


def undo_chunk(context: Context, change_set_id: str, *, before_id: int | None, limit: int) -> Report | None:
    """Take back the newest lines of a change set older than `before_id`; None when there are none.

    Created things are deleted again, unless they were changed or are in use; changed fields get their old values back,
    unless they differ from what the change set wrote.
    """
    query = select(LOG).where(scoped(context.session, LOG), LOG.c.change_set_id == change_set_id)
    if before_id is not None:
        query = query.where(LOG.c.id < before_id)
    query = query.order_by(LOG.c.id.desc()).limit(limit)
    lines = [dict(line) for line in context.session.execute(query, execution_options=CHECKED).mappings()]
    if not lines:
        return None
    report = Report(last_id=lines[-1]["id"], lines=len(lines))
    for resource, event, members in _runs(context, lines):
        rows = find_rows(context, resource, "id", [line["item_id"] for line in members])
        present = [(line, rows[line["item_id"]]) for line in members if line["item_id"] in rows]
        if event == "Create":
            _remove(context, resource, present, report)
        elif event == "Update":
            _restore(context, resource, present, report)
        elif event == "Delete":
            _revive(context, resource, [line for line in members if line["item_id"] not in rows], report)
    return report


def undo_all(context: Context, change_set_id: str) -> Report:
    """Take a whole change set back in the context's transaction; the lines of the report are counted together."""
    whole = Report(last_id=0, lines=0)
    before_id = None
    while part := undo_chunk(context, change_set_id, before_id=before_id, limit=UNDO_CHUNK):
        before_id = part.last_id
        whole.lines += part.lines
        whole.restored += part.restored
        whole.removed += part.removed
        whole.kept += part.kept
    return whole


def _runs(context: Context, lines: Sequence[Line]) -> list[tuple[Resource, str, list[Line]]]:
    """Return the lines in runs of one resource and event, in order, so that nothing goes before what refers to it."""
    runs: list[tuple[Resource, str, list[Line]]] = []
    for line in lines:
        known = registry.by_table(line["item_type"])
        if known is None:
            continue
        resource = tailor(context, known)
        if runs and (runs[-1][0], runs[-1][1]) == (resource, line["event"]) and _may_join(line, runs[-1][2]):
            runs[-1][2].append(line)
        else:
            runs.append((resource, line["event"], [line]))
    return runs


def _may_join(line: Line, run: Sequence[Line]) -> bool:
    """Tell whether a line may be taken back together with others: the same thing is not, nor what a tree depends on."""
    if any(member["item_id"] == line["item_id"] for member in run):
        return False
    if line["event"] == "Update":
        return not any("parent_id" in member["changes"] for member in (line, *run))
    return all((member["changes"].get("parent_id") or (0, 0))[1] != line["item_id"] for member in run)


def _remove(context: Context, resource: Resource, present: list[tuple[Line, Row]], report: Report) -> None:
    in_use = blockers(context, resource, [row["id"] for _line, row in present]) if present else {}
    doomed = []
    for line, row in present:
        touched = [name for name in _columns(resource) if _differs(name, row, line)]
        if touched:
            report.keep(line, _("It was changed since."), touched)
        elif row["id"] in in_use:
            report.keep(line, _("It is in use."))
        else:
            doomed.append(row)
    report.removed += delete_rows(context, resource, doomed)


def _revive(context: Context, resource: Resource, lines: Sequence[Line], report: Report) -> None:
    for line in lines:
        try:
            restore_row(context, resource, line["item_id"])
            report.restored += 1
        except DomainError as error:
            report.keep(line, error.message)


def _columns(resource: Resource) -> dict[str, FaceField]:
    return {item.column: item for item in resource.writable.values()}


def _differs(column: str, row: Row, line: Line) -> bool:
    """Tell whether a column of a created row is no longer what it was created with."""
    _old, new = line["changes"].get(column, (None, None))
    return is_recorded(column) and plain(stored_value(row, column)) != new


def _restore(context: Context, resource: Resource, present: list[tuple[Line, Row]], report: Report) -> None:
    """Give changed fields their old values back; what is refused is tried again after the others.

    What is inside another thing cannot go back by itself, and has gone back when that has.
    """
    refused = _restore_once(context, resource, present, report, again=False)
    if refused:
        rows = find_rows(context, resource, "id", [line["item_id"] for line in refused])
        left = [(line, rows[line["item_id"]]) for line in refused]
        _restore_once(context, resource, left, report, again=True)


def _restore_once(
    context: Context, resource: Resource, present: list[tuple[Line, Row]], report: Report, *, again: bool
) -> list[Line]:
    """Restore what may be and return the lines that were refused, unless this is the last try."""
    fields = {**resource.references, **resource.writable}  # a merge moves what clients may not write, too
    known = {item.column: item for item in fields.values()}
    names = {item.column: name for name, item in fields.items()}
    planned: list[tuple[Line, Row, dict[str, Any], list[str]]] = []
    for line, row in present:
        now = {column: plain(stored_value(row, column)) for column in line["changes"] if column in known}
        pairs = {column: line["changes"][column] for column in now}
        touched = [column for column, (old, new) in pairs.items() if now[column] not in (old, new)]
        back = {c: _value(known[c], old) for c, (old, new) in pairs.items() if c not in touched and now[c] != old}
        planned.append((line, row, back, touched))
    patches = [(row, {names[column]: value for column, value in back.items()}) for _line, row, back, _t in planned]
    drafts = plan_rows(context, resource, patches)
    refused = []
    for (line, _row, back, touched), draft in zip(planned, drafts, strict=True):
        _put_back(draft, back)
        if draft.errors and not again:
            refused.append(line)
            continue
        if touched:
            report.keep(line, _("It was changed since."), touched)
        if draft.errors:
            report.keep(line, " ".join(m for found in draft.errors.values() for m in found), list(draft.errors))
        report.restored += (restored := not draft.errors and len(touched) < len(line["changes"]))
        report.partly += restored and bool(touched)
    write_rows(context, resource, [draft for draft in drafts if not draft.errors])
    return refused


def _put_back(draft: Draft, old: dict[str, Any]) -> None:
    """Set a draft's columns to exactly what was there, whatever the plan would derive."""
    for column, value in old.items():
        if column.startswith(PREFIX):
            put_custom(draft, column, value)
        else:
            draft[column] = value


def _value(item: FaceField, old: Any) -> Any:
    """Return an old value of the log, where amounts and days are text, as the column takes it."""
    return None if old is None else item.deserialize(old)
