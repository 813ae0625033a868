"""Things inside things: a camera in its case, the case in a crate. What is inside goes where its container goes."""

from collections.abc import Iterable, Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import or_, select

from webapp.assets.models import Asset
from webapp.core.batch import write_rows
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.errors import Invalid
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, missing_references, scoped
from webapp.core.writes import Change, Draft, Facts

ASSETS = table_of(Asset)
DEEPEST = 8
CHUNK = 1000


def plan_container(draft: Draft, facts: Facts) -> None:
    """Say what a thing is inside of, and that it is where that is."""
    if draft.changed("parent_id") or (draft.changed("location_id") and not draft.is_new):
        facts.hold("assets")  # nobody puts a thing into what is being moved
    container = facts.row("assets", draft["parent_id"])
    if container is None or (draft.changed("parent_id") and _out_of_reach(container, facts.context)):
        return  # the check of references says so
    if draft.changed("parent_id"):
        _check_nesting(draft, container, facts)
    asked = draft.patch.get("location_id")
    keeps = "location_id" in draft.patch and not draft.changed("parent_id")
    if (asked is not None or keeps) and asked != container["location_id"]:
        words = _("It is inside %(tag)s and goes where that goes. Move that, or take it out.", tag=container["tag"])
        draft.fail("location_id", words)
    else:
        draft["location_id"] = container["location_id"]


def _out_of_reach(container: Mapping[str, Any], context: Context) -> bool:
    """Tell whether a container lies outside the actor's part, of which they are not to learn anything."""
    narrowed = context.actor.scope_location_id is not None
    return narrowed and bool(missing_references(context.session, [(ASSETS, "parent_id", container["id"])]))


def _check_nesting(draft: Draft, container: Mapping[str, Any], facts: Facts) -> None:
    own = None if draft.current is None else draft.current["id"]
    depth = 1 + _levels_inside(own, facts.context)
    above: Mapping[str, Any] | None = container
    while above is not None:
        if above["id"] == own:
            draft.fail("parent_id", _("A thing cannot be inside itself."))
            return
        depth += 1
        if depth > DEEPEST:
            draft.fail("parent_id", _("Things stand at most %(count)s deep in each other.", count=DEEPEST))
            return
        above = facts.row("assets", above["parent_id"])


def _levels_inside(asset_id: int | None, context: Context) -> int:
    """Return how many levels of things are inside one."""
    inside = [] if asset_id is None else [asset_id]
    for level in range(DEEPEST + 1):
        query = select(ASSETS.c.id).where(
            scoped(context.session, ASSETS), ASSETS.c.parent_id.in_(inside), ASSETS.c.deleted_at.is_(None)
        )
        inside = list(context.session.execute(query, execution_options=CHECKED).scalars()) if inside else []
        if not inside:
            return level
    return DEEPEST


def keep_together(context: Context, changes: list[Change]) -> None:
    """Move what is inside of things that were moved, level by level, in the same transaction and change set."""
    moved = {c.after["id"] for c in changes if c.before is not None and _differ(c, "location_id")}
    put_in = [c for c in changes if c.after["parent_id"] is not None and _came(c)]
    if len(put_in) > 1:
        _refuse_circles(context, {int(c.after["parent_id"]) for c in put_in})
    back = {c.after["parent_id"] for c in put_in if c.before is not None and c.before["deleted_at"]}
    wanted = sorted(moved | back)
    for start in range(0, len(wanted), CHUNK):
        _move_contents(context, wanted[start : start + CHUNK])


def _differ(change: Change, column: str) -> bool:
    return change.before is None or bool(change.before[column] != change.after[column])


def _came(change: Change) -> bool:
    """Tell whether a thing was put somewhere, or came back from the deleted ones."""
    return _differ(change, "parent_id") or (_differ(change, "deleted_at") and not change.after["deleted_at"])


def _move_contents(context: Context, containers: list[int]) -> None:
    container = ASSETS.alias()
    apart = or_(
        ASSETS.c.location_id != container.c.location_id,
        ASSETS.c.location_id.is_(None) != container.c.location_id.is_(None),
    )
    query = (
        select(ASSETS, container.c.location_id.label("place"))
        .join(container, container.c.id == ASSETS.c.parent_id)
        .where(scoped(context.session, ASSETS), container.c.organization_id == ASSETS.c.organization_id, apart)
        .where(ASSETS.c.parent_id.in_(containers), ASSETS.c.deleted_at.is_(None))
        .order_by(ASSETS.c.id)
    )
    drafts = []
    resource = registry.resources["assets"]
    for found in context.session.execute(query, execution_options=CHECKED).mappings():
        row = dict(found)
        drafts.append(Draft(resource, row, {}, {"location_id": row.pop("place")}))
    if drafts:
        write_rows(context, resource, drafts, note=_("Moved with what it is inside of."))


def _refuse_circles(context: Context, containers: Iterable[int]) -> None:
    """Refuse a batch that puts two things into each other: each alone would have been right."""
    above = list(containers)
    for _level in range(DEEPEST):
        query = select(ASSETS.c.parent_id).where(
            scoped(context.session, ASSETS), ASSETS.c.id.in_(above), ASSETS.c.parent_id.isnot(None)
        )
        above = list(context.session.execute(query.distinct(), execution_options=CHECKED).scalars())
        if not above:
            return
    raise Invalid({"parent_id": [_("Things stand at most %(count)s deep in each other.", count=DEEPEST)]})
