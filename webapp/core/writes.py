"""The one way of a write: a pure plan says what a patch comes to, a writer applies it (D4).

`plan_change` is shared by the single writer here (ORM) and by the batch writer in batch.py (one statement a kind).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import gettext as _
from marshmallow import missing
from sqlalchemy import select, union_all
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from webapp.core.blockers import blockers
from webapp.core.checks import check, taken_meanwhile
from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.custom import is_customizable, keep_values, plan_custom, searched, tailor
from webapp.core.database import column_names, key_of
from webapp.core.driver import dicts
from webapp.core.errors import Conflict, Invalid, NotFound, StaleVersion
from webapp.core.jobs import enqueue
from webapp.core.labels import label_rows
from webapp.core.numbers import free_numbers
from webapp.core.query import get_row
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, among, hold, missing_references, references, scoped

Row = dict[str, Any]


@dataclass
class Draft:
    """A planned write of one row: what is, what is asked for, what comes of it, and what is wrong with it."""

    resource: Resource
    current: Mapping[str, Any] | None
    patch: Mapping[str, Any]
    changes: Row = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    def __getitem__(self, column: str) -> Any:
        """Return a column's value as it will be."""
        if column in self.changes:
            return self.changes[column]
        return None if self.current is None else self.current.get(column)

    def __setitem__(self, column: str, value: Any) -> None:
        """Set what a column will be."""
        self.changes[column] = value

    @property
    def is_new(self) -> bool:
        """Tell whether the row is still to be made."""
        return self.current is None

    def changed(self, *columns: str) -> bool:
        """Tell whether any of these columns will differ from what it is."""
        changes, current = self.changes, self.current
        for column in columns:
            if column in changes and (current is None or changes[column] != current.get(column)):
                return True
        return False

    def fail(self, name: str, message: str) -> None:
        """Say what is wrong with a field, once."""
        if message not in self.errors.setdefault(name, []):
            self.errors[name].append(message)


@dataclass(frozen=True)
class Change:
    """A row before and after a write, for what must follow from it."""

    before: Mapping[str, Any] | None
    after: Mapping[str, Any]


class Facts:
    """What a plan may know beside the row: today, the organization, and rows that it refers to."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._rows: dict[tuple[str, int], Mapping[str, Any] | None] = {}
        self._held: set[str] = set()
        self._tailored: dict[str, Resource] = {}
        self._named: dict[str, Mapping[int, Mapping[str, Any]]] = {}

    @property
    def today(self) -> date:
        """Return today in the organization's zone."""
        return self.context.today

    @property
    def forced(self) -> bool:
        """Tell whether this write moves a thing past its transition table (undo, shipments)."""
        return self.context.forced

    def tailored(self, resource: Resource) -> Resource:
        """Return a resource with the organization's own fields."""
        if resource.name not in self._tailored:
            self._tailored[resource.name] = tailor(self.context, resource)
        return self._tailored[resource.name]

    def setting(self, name: str, default: Any) -> Any:
        """Return a setting of the organization."""
        return self.context.tenant.settings.get(name, default)

    def hold(self, kind: str) -> None:
        """Keep others from changing a kind that makes a tree until this transaction ends, and read it anew.

        On SQLite nobody else writes meanwhile anyway.
        """
        if kind in self._held:
            return
        self._held.add(kind)
        hold(self.context.session, f"tree of {kind}")
        known = [row_id for known, row_id in self._rows if known == kind]
        self._rows = {key: row for key, row in self._rows.items() if key[0] != kind}
        self.preload(kind, known)

    def preload(self, kind: str, ids: Iterable[int | None]) -> None:
        """Read many rows of a kind in one query."""
        missing = {i for i in ids if i is not None and (kind, i) not in self._rows}
        if not missing:
            return
        resource = registry.resources[kind]
        table = resource.table
        inside = resource.belongs(self.context) if resource.belongs else scoped(self.context.session, table)
        shown = [table.c[item.column] for item in resource.stored.values()] if resource.belongs else table.c
        query = select(*shown).where(inside, among(self.context.session, table.c.id, sorted(missing)))
        found = {row["id"]: row for row in dicts(self.context.session.execute(query, execution_options=CHECKED))}
        self._rows.update({(kind, row_id): found.get(row_id) for row_id in missing})
        if not resource.belongs:
            self.context.session.info.setdefault("looked_at", {}).setdefault(kind, {}).update(found)

    def row(self, kind: str, row_id: int | None) -> Mapping[str, Any] | None:
        """Return a row that a column refers to, None when there is none."""
        if row_id is None:
            return None
        if (kind, row_id) not in self._rows:
            self.preload(kind, [row_id])
        return self._rows[kind, row_id]

    def named(self, kind: str, row_id: int | None) -> Mapping[str, Any] | None:
        """Return what a row of a cached kind is named by: its label columns at least, and no statement for them."""
        if (kind, row_id) in self._rows:
            return self.row(kind, row_id)
        if kind not in self._named:
            self._named[kind] = label_rows(self.context, kind)
        return self._named[kind].get(row_id or 0) or self.row(kind, row_id)


def plan_change(resource: Resource, current: Mapping[str, Any] | None, patch: Mapping[str, Any], facts: Facts) -> Draft:
    """Return the draft of what a patch (field → value) makes of a row: pure but for what `facts` looks up."""
    resource = facts.tailored(resource)
    draft = Draft(resource, current, patch)
    for name, value in patch.items():
        if name not in resource.customs:
            draft[resource.fields[name].column] = value
    if current is None:
        for name, item in resource.expected.items():
            if name not in patch and item.load_default is not None and item.load_default is not missing:
                draft[item.column] = item.load_default() if callable(item.load_default) else item.load_default
            elif item.required and patch.get(name) is None:
                draft.fail(name, _("This is needed."))
    resource.plan(draft, facts)
    if is_customizable(resource):
        plan_custom(draft, resource, facts)
    _check_scope(draft, facts)
    _derive_twins(draft, facts)
    if current is not None:
        if resource.numbering and draft[resource.numbering.column] is None:
            draft.fail(resource.numbering.column, _("This is needed."))
        draft.changes = {c: v for c, v in draft.changes.items() if v != current.get(c)}
        if set(draft.changes) == {"search_text"}:  # what it names was renamed: that is refresh_search's to write
            draft.changes = {}
    return draft


def _check_scope(draft: Draft, facts: Facts) -> None:
    """Keep what a narrowed actor writes inside its part of the tree: a thing without a place is out of it."""
    located_by = draft.resource.located_by
    if facts.context.actor.scope_location_id is None or located_by is None:
        return
    column = "parent_id" if located_by == "id" else located_by
    if draft[column] is None and (draft.is_new or draft.changed(column)):
        draft.fail(column, _("Choose a place in your part of the organisation."))


def _derive_twins(draft: Draft, facts: Facts) -> None:
    """Fill the case-insensitive twins and the text that is searched, so that no rule has to remember them."""
    resource = draft.resource
    for column, twin in resource.twins.items():
        if draft.is_new or column in draft.changes:
            value = draft[column]
            draft.changes.setdefault(twin, None if value is None else key_of(value))
    if "search_text" in resource.table.c and (draft.is_new or draft.changes):
        draft["search_text"] = search_text(resource, draft, facts)


def search_text(resource: Resource, row: Any, facts: Facts) -> str:
    """Return what a row is found by: its own searched fields, and what the things it names are found by."""
    words = [key_of(str(row[resource.fields[name].column] or "")) for name in resource.search]
    for name in resource.search_references:
        named = facts.row(str(resource.fields[name].target), row[name])
        words.append(str(named["search_text"]) if named else "")
    if is_customizable(resource):
        words += searched(facts.tailored(resource), row)
    return "\n".join(word for word in words if word)


def number(context: Context, resource: Resource, drafts: list[Draft]) -> None:
    """Give new rows without a number the next free ones of their series."""
    rule = resource.numbering
    if rule is None:
        return
    bare = [draft for draft in drafts if draft.is_new and not draft[rule.column]]
    if not bare:
        return
    table, key = resource.table, f"{rule.column}_key"
    asked = {draft[key] for draft in drafts if draft[rule.column] and draft.changed(rule.column)}

    def taken(numbers: list[str]) -> set[str]:
        keys = {key_of(text): text for text in numbers}
        known = select(table.c[key]).where(scoped(context.session, table), among(context.session, table.c[key], keys))
        gone = table.c.deleted_at.is_(None), table.c.deleted_at.isnot(None)  # each has an index of its own
        query = union_all(*(known.where(part) for part in gone))
        used = set(context.session.execute(query, execution_options=CHECKED).scalars())
        return {keys[found] for found in used | (asked & set(keys))}

    pattern = context.tenant.settings.get(f"{rule.series}_pattern", rule.pattern)
    for draft, text in zip(bare, free_numbers(context.session, rule.series, pattern, len(bare), taken), strict=True):
        draft[rule.column], draft[key] = text, key_of(text)
        if "search_text" in draft.changes:
            draft["search_text"] = "\n".join(part for part in (key_of(text), draft["search_text"]) if part)


def create(context: Context, resource: Resource, patch: Mapping[str, Any]) -> int:
    """Make a row by the resource's rule and return its id. Raises Invalid."""
    rule: Callable[..., int] = resource.rules.get("create", create_row)
    return rule(context, resource, patch)


def update(
    context: Context, resource: Resource, row_id: int, patch: Mapping[str, Any], *, version: int | None = None
) -> Row:
    """Change a row by the resource's rule and return what changed; raises NotFound, StaleVersion or Invalid."""
    rule: Callable[..., Row] = resource.rules.get("update", update_row)
    return rule(context, resource, row_id, patch, version=version)


def delete(context: Context, resource: Resource, row_id: int, *, version: int | None = None) -> None:
    """Delete a row by the resource's rule; raises Conflict naming what still refers to it."""
    rule: Callable[..., None] = resource.rules.get("delete", delete_row)
    rule(context, resource, row_id, version=version)


def restore(context: Context, resource: Resource, row_id: int) -> None:
    """Bring a deleted row back by the resource's rule; raises Conflict when it has no place any more."""
    rule: Callable[..., None] = resource.rules.get("restore", restore_row)
    rule(context, resource, row_id)


def create_row(context: Context, resource: Resource, patch: Mapping[str, Any]) -> int:
    """Make a row and return its id. Raises Invalid."""
    draft = plan_change(resource, None, patch, Facts(context))
    check(context, resource, [draft])
    _raise(draft)
    number(context, resource, [draft])
    row = resource.model(**draft.changes)
    row.created_at = row.updated_at = context.at
    make_way(context, resource, [draft])
    context.session.add(row)
    _flush(context, resource, row)
    context.session.info["written"] = (resource.table, row.id, _values(row))
    settle(context, resource, [Change(None, _values(row))])
    return int(row.id)


def update_row(
    context: Context, resource: Resource, row_id: int, patch: Mapping[str, Any], *, version: int | None = None
) -> Row:
    """Change a row and return the columns that changed; raises NotFound, StaleVersion or Invalid."""
    row = _load(context, resource, row_id)
    _check_version(context, resource, row, version)
    before = _values(row)
    draft = plan_change(resource, before, patch, Facts(context))
    check(context, resource, [draft])
    _raise(draft)
    make_way(context, resource, [draft])
    return _apply(context, resource, row, before, draft.changes)


def delete_row(context: Context, resource: Resource, row_id: int, *, version: int | None = None) -> None:
    """Mark a row as deleted; raises Conflict naming what still refers to it."""
    row = _load(context, resource, row_id, hold=True)
    _check_version(context, resource, row, version)
    resource.guard(context, _values(row))
    in_the_way = blockers(context, resource, [row_id]).get(row_id)
    if in_the_way:
        raise Conflict(_("It is still in use."), blockers=in_the_way, code="in_use")
    _apply(context, resource, row, _values(row), {"deleted_at": context.at})


def restore_row(context: Context, resource: Resource, row_id: int) -> None:
    """Bring a deleted row back; raises Conflict when its name is taken or what it refers to is gone."""
    row = _load(context, resource, row_id, deleted=True)
    before = _values(row)
    again = [*(rule.column for rule in resource.unique), *references(resource.table)]
    draft = Draft(resource, {**before, **dict.fromkeys(again)}, {})
    draft.changes = {"deleted_at": None, **{column: before[column] for column in again}}
    check(context, resource, [draft], referred=False)
    _refuse(draft, "taken")
    pairs = [(target, c, before[c]) for c, target in references(resource.table).items() if before[c] is not None]
    gone = missing_references(context.session, pairs)
    if gone:
        raise Conflict(_("What it refers to is gone: %(name)s.", name=gone[0][1]), code="reference_gone")
    resource.plan(draft, Facts(context))
    _refuse(draft, "out_of_place")
    make_way(context, resource, [Draft(resource, before, {}, {"deleted_at": None})])
    _apply(context, resource, row, before, {"deleted_at": None})


def _refuse(draft: Draft, code: str) -> None:
    if draft.errors:
        raise Conflict("; ".join(message for found in draft.errors.values() for message in found), code=code)


def _load(context: Context, resource: Resource, row_id: int, *, deleted: bool = False, hold: bool = False) -> Any:
    model, table = resource.model, resource.table
    query = select(model).where(table.c.id == row_id, *reach(context, resource))
    if hold:  # until it is gone nobody new refers to it
        query = query.with_for_update(of=table)
    if "deleted_at" in table.c:
        query = query.where(table.c.deleted_at.isnot(None) if deleted else table.c.deleted_at.is_(None))
    row = context.session.execute(query.execution_options(populate_existing=True)).scalar_one_or_none()
    if row is None:
        raise NotFound(f"there is no {resource.name} {row_id}")
    return row


def _check_version(context: Context, resource: Resource, row: Any, version: int | None) -> None:
    if version is not None and version != row.version:
        raise StaleVersion(get_row(context, resource, row.id))


def _values(row: Any) -> Row:
    return {column: getattr(row, column) for column in column_names(type(row))}


def _raise(draft: Draft) -> None:
    if draft.errors:
        raise Invalid(draft.errors)


def _apply(context: Context, resource: Resource, row: Any, before: Row, changes: Row) -> Row:
    if not changes:
        return {}
    for column, value in changes.items():
        setattr(row, column, value)
    _flush(context, resource, row)
    context.session.info["written"] = (resource.table, row.id, _values(row))
    settle(context, resource, [Change(before, _values(row))])
    return changes


def make_way(context: Context, resource: Resource, drafts: list[Draft]) -> None:
    """Write what must give way before drafts are written, such as the default status that another replaces."""
    for other in resource.prepare(context, drafts) or ():
        row = _load(context, resource, other["id"])
        _apply(context, resource, row, _values(row), other.changes)


def settle(context: Context, resource: Resource, changes: list[Change]) -> None:
    """Do what must follow from written rows: the resource's own upkeep, and the search texts that hold their names."""
    resource.settle(context, changes)
    written = context.session.info.get("written")  # gone if that wrote the same kind; what follows writes others
    if is_customizable(resource):
        keep_values(context, resource, changes)
    follow_renames(context, resource, changes)
    context.session.info["written"] = written


def follow_renames(context: Context, resource: Resource, changes: list[Change]) -> None:
    """Queue the refresh of what is searched through rows whose own search text has changed."""
    renamed = [
        change.after["id"]
        for change in changes
        if change.before is not None and change.before.get("search_text") != change.after.get("search_text")
    ]
    for other in registry.resources.values() if renamed else ():
        for name in other.search_references:
            if other.fields[name].target == resource.name:
                enqueue(context, "refresh_search", {"resource": other.name, "column": name, "ids": renamed})


def _flush(context: Context, resource: Resource, row: Any) -> None:
    try:
        context.session.flush()
    except Invalid:  # the guard refused it: it must not come again with the next flush
        (context.session.expunge if row in context.session.new else context.session.expire)(row)
        raise
    except IntegrityError as error:
        context.session.rollback()
        raise taken_meanwhile(resource, error) from error
    except StaleDataError as error:
        context.session.rollback()
        raise Conflict(_("Somebody changed this at the same moment. Try again."), code="stale") from error
