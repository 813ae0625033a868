"""Rules of persons."""

from flask_babel import gettext as _

from webapp.core.writes import Draft, Facts

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
