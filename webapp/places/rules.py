"""Rules of the tree of places: what may stand in what, and the closure that roll-ups read."""

import re
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, case, delete, func, insert, select

from webapp.core.access import can
from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.errors import Conflict, Invalid
from webapp.core.labels import label_of, label_rows
from webapp.core.lookup import ids_by_name
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, below, hold, organization_of, scoped
from webapp.core.writes import Change, Draft, Facts, create_row, update_row
from webapp.places.models import Location, LocationAncestor

KIND_WORDS = {
    "site": _l("Site"),
    "location": _l("Location"),
    "aisle": _l("Aisle"),
    "shelf": _l("Shelf"),
    "bin": _l("Bin"),
    "customer_site": _l("Customer site"),
}
RANK = {"site": 0, "customer_site": 0, "location": 1, "aisle": 2, "shelf": 3, "bin": 4}
NESTING = {"site", "location"}
DEEPEST = 20
TREE = table_of(LocationAncestor)
LOCATIONS = table_of(Location)


def plan_location(draft: Draft, facts: Facts) -> None:
    """Say what a location will be: in a place that may hold it, never inside itself."""
    draft["parent_key"] = draft["parent_id"] or 0
    if draft.changed("parent_id", "kind"):
        if draft["parent_id"] is not None or not draft.is_new:
            facts.hold("locations")
        _check_parent(draft, facts)
    if not draft.is_new and draft.changed("kind"):
        _check_children(draft, facts)
    if draft["is_primary"] and not draft["is_active"]:
        draft.fail("is_active", _("The main place is in use. Choose another main place first."))
    if draft.changed("is_primary") and draft["is_primary"] and facts.context.actor.scope_location_id is not None:
        draft.fail("is_primary", _("Only somebody who sees every place may choose the main one."))
    if (draft["latitude"] is None) != (draft["longitude"] is None):
        missing = "latitude" if draft["latitude"] is None else "longitude"
        draft.fail(missing, _("Latitude and longitude belong together."))


def leave_one_main_place(context: Context, drafts: list[Draft]) -> list[Draft]:
    """Return what makes way for drafts that become the main place: the one that it was."""
    chosen = [d for d in drafts if d["is_primary"] and not d["deleted_at"] and d.changed("is_primary", "deleted_at")]
    if not chosen:
        return []
    if len(chosen) > 1:
        raise Conflict(_("There is one main place."), code="one_main_place")
    hold(context.session, "main place")
    query = select(LOCATIONS).where(
        scoped(context.session, LOCATIONS), LOCATIONS.c.is_primary, LOCATIONS.c.deleted_at.is_(None)
    )
    others = [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
    written = {draft.current["id"] for draft in drafts if draft.current is not None}
    resource = chosen[0].resource
    return [Draft(resource, row, {}, {"is_primary": False}) for row in others if row["id"] not in written]


def places_in_use(context: Context) -> ColumnElement[bool]:
    """Return the predicate of the places that are offered for new references."""
    return LOCATIONS.c.is_active.is_(True)


def may_stand_in(kind: str, parent_kind: str) -> bool:
    """Tell whether a kind of place may stand in another: never a shallower one, its own kind only when that nests."""
    return RANK[kind] > RANK[parent_kind] or (kind == parent_kind and kind in NESTING)


def _check_parent(draft: Draft, facts: Facts) -> None:
    parent = facts.row("locations", draft["parent_id"])
    if parent is None:
        return
    if not may_stand_in(draft["kind"], str(parent["kind"])):
        kind, outer = KIND_WORDS[draft["kind"]], KIND_WORDS[str(parent["kind"])]
        draft.fail("parent_id", _("%(kind)s cannot stand in %(parent)s.", kind=kind, parent=outer))
    own = None if draft.current is None else draft.current["id"]
    depth = 1 + _levels_below(own, facts)
    while parent is not None:
        if parent["id"] == own:
            draft.fail("parent_id", _("A place cannot stand in itself."))
            return
        depth += 1
        if depth > DEEPEST:
            draft.fail("parent_id", _("The tree is at most %(count)s levels deep.", count=DEEPEST))
            return
        parent = facts.row("locations", parent["parent_id"])


def _levels_below(location_id: int | None, facts: Facts) -> int:
    session = facts.context.session
    query = select(func.max(TREE.c.depth)).where(scoped(session, TREE), TREE.c.ancestor_id == location_id)
    return int(session.execute(query, execution_options=CHECKED).scalar() or 0) if location_id is not None else 0


def _check_children(draft: Draft, facts: Facts) -> None:
    session = facts.context.session
    query = select(LOCATIONS.c.kind).where(
        scoped(session, LOCATIONS),
        LOCATIONS.c.parent_id == (draft.current or {})["id"],
        LOCATIONS.c.deleted_at.is_(None),
    )
    for kind in session.execute(query.distinct(), execution_options=CHECKED).scalars():
        if not may_stand_in(kind, draft["kind"]):
            draft.fail("kind", _("It still holds: %(kind)s.", kind=KIND_WORDS[kind]))


def move_places(context: Context, ids: list[int], values: Mapping[str, Any]) -> None:
    """Put places, with all that stands in them, into another or at the top; raises Invalid as the tree's rules do."""
    places = registry.resources["locations"]
    for location_id in ids:
        try:
            update_row(context, places, location_id, {"parent_id": values["parent_id"]})
        except Invalid as error:
            name = label_of(context, "locations", location_id) if len(ids) > 1 else ""
            said = [f"{name}: {message}" if name else message for found in error.errors.values() for message in found]
            raise Invalid({"parent_id": said}) from error


def parent_of(context: Context, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the form of a move is drawn with: where the place stands now."""
    return {"parent_id": row["parent_id"]}


def offer_parents(context: Context, field: str, row: Mapping[str, Any] | None) -> set[int] | None:
    """Return the places that a picker may offer as the new parent of a place: what may hold it, nothing of its own."""
    if field != "parent_id" or row is None:
        return None
    own = {location_id for location_id, _depth in _below(context, int(row["id"]))}
    rows = label_rows(context, "locations")
    return {i for i, found in rows.items() if i not in own and may_stand_in(str(row["kind"]), str(found["kind"]))}


def offer_outside(context: Context, field: str, row: Mapping[str, Any] | None) -> set[int] | None:
    """Return the places that a picker may offer for a place beside itself and what stands in it; None for all."""
    if row is None or field not in ("parent_id", "into_id"):
        return None
    return set(label_rows(context, "locations")) - {i for i, _depth in _below(context, int(row["id"]))}


def keep_closure(context: Context, changes: list[Change]) -> None:
    """Keep the closure true: add new places, and hang moved subtrees under their new parents."""
    for change in changes:
        after = change.after
        if change.before is None:
            _hang(context, after["parent_id"], [(after["id"], 0)])
        elif change.before["parent_id"] != after["parent_id"]:
            subtree = _below(context, after["id"])
            ids = [location_id for location_id, _depth in subtree]
            cut = delete(TREE).where(
                TREE.c.organization_id == organization_of(context.session),
                TREE.c.location_id.in_(ids),
                TREE.c.ancestor_id.notin_(ids),
            )
            context.session.execute(cut, execution_options=CHECKED)
            _hang(context, after["parent_id"], subtree, own=False)


def _below(context: Context, location_id: int) -> list[tuple[int, int]]:
    query = select(TREE.c.location_id, TREE.c.depth).where(
        TREE.c.organization_id == organization_of(context.session), TREE.c.ancestor_id == location_id
    )
    return [(row[0], row[1]) for row in context.session.execute(query, execution_options=CHECKED)]


def _hang(context: Context, parent_id: int | None, subtree: list[tuple[int, int]], *, own: bool = True) -> None:
    organization_id = organization_of(context.session)
    rows = [
        {"organization_id": organization_id, "ancestor_id": location_id, "location_id": location_id, "depth": 0}
        for location_id, _depth in subtree
        if own
    ]
    if parent_id is not None:
        query = select(TREE.c.ancestor_id, TREE.c.depth).where(
            TREE.c.organization_id == organization_id, TREE.c.location_id == parent_id
        )
        for ancestor_id, height in context.session.execute(query, execution_options=CHECKED).all():
            rows += [
                {
                    "organization_id": organization_id,
                    "ancestor_id": ancestor_id,
                    "location_id": location_id,
                    "depth": height + 1 + depth,
                }
                for location_id, depth in subtree
            ]
    if rows:
        context.session.execute(insert(TREE), rows, execution_options=CHECKED)


def things_by_place(context: Context, within: int | None = None) -> dict[str, dict[int, tuple[int, int]]]:
    """Return {resource: {place: (living things here, things here and below)}} of what the actor may see.

    One query a kind that stands somewhere, over one branch of the tree when `within` is given; places without any are
    left out, and what is counted of places above the branch is no more than the branch.
    """
    counted = [other for other in registry.resources.values() if other.located_by not in (None, "id")]
    return {
        other.name: _things(context, other, str(other.located_by), within)
        for other in counted
        if can(context.actor, other.read_permission)
    }


def _things(context: Context, other: Resource, located_by: str, within: int | None) -> dict[int, tuple[int, int]]:
    column = other.table.c[located_by]
    inside = column.isnot(None) if within is None else below(context.session, column, within)
    where = [*reach(context, other), inside]
    if "deleted_at" in other.table.c:
        where.append(other.table.c.deleted_at.is_(None))
    here = select(column.label("place"), func.count().label("things")).where(*where).group_by(column).subquery()
    right_here = func.sum(case((TREE.c.depth == 0, here.c.things), else_=0))
    query = (
        select(TREE.c.ancestor_id, right_here, func.sum(here.c.things))
        .join(here, here.c.place == TREE.c.location_id)
        .where(TREE.c.organization_id == organization_of(context.session))
        .group_by(TREE.c.ancestor_id)
    )
    found = context.session.execute(query, execution_options=CHECKED)
    return {place: (int(own), int(whole)) for place, own, whole in found}


def places_in_order(context: Context, within: int | None = None) -> list[dict[str, Any]]:
    """Return the living places in reach, or those `within` one, as a tree lists them: "Shelf 2" before "Shelf 10"."""
    columns = [LOCATIONS.c[name] for name in ("id", "parent_id", "name", "kind", "code", "is_active", "is_primary")]
    places = registry.resources["locations"]
    query = select(*columns).where(*reach(context, places), LOCATIONS.c.deleted_at.is_(None))
    if within is not None:
        query = query.where(below(context.session, LOCATIONS.c.id, within))
    rows = [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
    return sorted(rows, key=lambda row: (RANK[row["kind"]], in_reading_order(row["name"])))


def places_above(context: Context, location_id: int) -> list[tuple[int, str]]:
    """Return (id, name) of what a place stands in as far as the actor sees it, the outermost first."""
    query = (
        select(LOCATIONS.c.id, LOCATIONS.c.name)
        .join(TREE, (TREE.c.ancestor_id == LOCATIONS.c.id) & (TREE.c.organization_id == LOCATIONS.c.organization_id))
        .where(*reach(context, registry.resources["locations"]), TREE.c.location_id == location_id, TREE.c.depth > 0)
        .order_by(TREE.c.depth.desc())
    )
    return [(row[0], row[1]) for row in context.session.execute(query, execution_options=CHECKED)]


def in_reading_order(name: str) -> list[tuple[int, int, str]]:
    """Return the key that sorts names as people do: numbers by their value."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def name_paths(rows: dict[int, dict[str, object]]) -> None:
    """Give each place its path as label, "Lisbon / Media store / Shelf 3", from the rows' names and parents."""
    paths: dict[int, str] = {}

    def path(location_id: int, depth: int = 0) -> str:
        if location_id not in paths:
            row = rows[location_id]
            parent = row["parent_id"]
            above = path(parent, depth + 1) if isinstance(parent, int) and parent in rows and depth < DEEPEST else ""
            paths[location_id] = f"{above} / {row['name']}" if above else str(row["name"])
        return paths[location_id]

    for location_id, row in rows.items():
        row["label"] = path(location_id)


def make_path(context: Context, resource: Resource, name: str, hints: Mapping[str, Any]) -> int:
    """Make a place from its path, "Lisbon / Floor 2", and the places above it that are missing; return its id."""
    parent_id: int | None = None
    parts = [part.strip() for part in name.replace("›", "/").replace(">", "/").split("/") if part.strip()]
    for depth, part in enumerate(parts):
        found = ids_by_name(context, resource, [" / ".join(parts[: depth + 1])])
        known = next(iter(found.values()), None)
        kind = "site" if parent_id is None else "location"
        parent_id = known or create_row(context, resource, {"name": part, "kind": kind, "parent_id": parent_id})
    if parent_id is None:
        raise Invalid({"name": [_("This is needed.")]})
    return parent_id
