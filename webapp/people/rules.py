"""Rules of persons and departments."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement

from webapp.core.blockers import blockers
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.errors import Conflict
from webapp.core.resource import Resource, registry
from webapp.core.writes import Draft, Facts, create
from webapp.people.models import Person
from webapp.places.merge import merge_rows

LONGEST_CHAIN = 50


def plan_person(draft: Draft, facts: Facts) -> None:
    """Say what a person will be: named, and not their own manager over any number of steps."""
    given = " ".join(part for part in (draft["first_name"], draft["last_name"]) if part)
    before = draft.current or {}
    was = " ".join(part for part in (before.get("first_name"), before.get("last_name")) if part)
    if not draft["name"] or (draft["name"] == was and "name" not in draft.patch):
        draft["name"] = given[:255]
    if draft.changed("manager_id"):
        facts.hold("persons")
        _check_manager(draft, facts)


def _check_manager(draft: Draft, facts: Facts) -> None:
    own = None if draft.current is None else draft.current["id"]
    manager_id = draft["manager_id"]
    for _step in range(LONGEST_CHAIN):
        if manager_id is None:
            return
        if manager_id == own:
            draft.fail("manager_id", _("Nobody manages themselves, not even through others."))
            return
        manager = facts.row("persons", manager_id)
        manager_id = manager["manager_id"] if manager else None


def persons_who_are_here(context: Context) -> ColumnElement[bool]:
    """Return the predicate of the persons who are offered for new references: who has left is not."""
    return table_of(Person).c.is_archived.is_(False)


def merge_persons(context: Context, ids: list[int], values: Mapping[str, Any]) -> int:
    """Merge persons into another and return its id; raises Conflict for two who both sign in, as `merge_rows` else."""
    persons = registry.resources["persons"]
    held = blockers(context, persons, [*ids, values["into_id"]])
    members = [found for parts in held.values() for found in parts if found.resource.name == "members"]
    if len(members) > 1:
        raise Conflict(_("Both sign in here. Remove one of the members first."), blockers=members, code="both_sign_in")
    return merge_rows(context, persons, ids, values["into_id"])


def make_person(context: Context, resource: Resource, name: str, hints: Mapping[str, Any]) -> int:
    """Make a person of a name, the last word the family's, and return the id. Raises Invalid."""
    first, _space, last = name.rpartition(" ")
    return create(context, resource, {"first_name": first or last, "last_name": last if first else None, **hints})


def plan_department(draft: Draft, facts: Facts) -> None:
    """Say what a department will be: its company part of its identity."""
    draft["company_key"] = draft["company_id"] or 0
