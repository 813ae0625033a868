"""The tree of places: what may stand in what, and what holds what after every move."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.households import Household
from tests.rows import add, add_many, change, lines, listed, resource, row, stored
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.errors import Conflict, Invalid, NotFound
from webapp.core.labels import label_rows
from webapp.core.query import choices
from webapp.core.writes import delete, restore
from webapp.places.models import Location, LocationAncestor
from webapp.places.rules import DEEPEST, may_stand_in

TREE, LOCATIONS = table_of(LocationAncestor), table_of(Location)
# domain §2.3: site → location → aisle → shelf → bin; never shallower; sites and locations nest; levels may be skipped
ALLOWED = {
    "site": {"site"},
    "customer_site": set(),
    "location": {"site", "customer_site", "location"},
    "aisle": {"site", "customer_site", "location"},
    "shelf": {"site", "customer_site", "location", "aisle"},
    "bin": {"site", "customer_site", "location", "aisle", "shelf"},
}


@pytest.mark.parametrize("parent", ALLOWED)
@pytest.mark.parametrize("kind", ALLOWED)
def test_each_kind_stands_in_what_may_hold_it(context: Context, kind: str, parent: str):
    place = add(context, "locations", name="Outer", kind=parent)

    assert may_stand_in(kind, parent) is (parent in ALLOWED[kind])
    if parent in ALLOWED[kind]:
        add(context, "locations", name="Inner", kind=kind, parent_id=place)
    else:
        with pytest.raises(Invalid, match=r"parent_id: .* cannot stand in "):
            add(context, "locations", name="Inner", kind=kind, parent_id=place)


def test_every_kind_may_stand_alone(context: Context):
    for kind in ALLOWED:
        assert row(context, "locations", add(context, "locations", name=kind, kind=kind))["parent_id"] is None


def test_a_kind_cannot_change_to_one_that_its_parent_cannot_hold(context: Context):
    shelf = add(context, "locations", kind="shelf")
    box = add(context, "locations", kind="bin", parent_id=shelf)

    with pytest.raises(Invalid, match="parent_id"):
        change(context, "locations", box, kind="aisle")


def test_a_kind_cannot_change_to_one_that_cannot_hold_what_stands_in_it(context: Context):
    floor = add(context, "locations", kind="location")
    add(context, "locations", kind="aisle", parent_id=floor)

    with pytest.raises(Invalid, match="kind: It still holds: Aisle"):
        change(context, "locations", floor, kind="shelf")
    change(context, "locations", floor, kind="site")


def test_what_is_deleted_does_not_hold_a_kind_but_cannot_come_back_into_it(context: Context):
    floor = add(context, "locations", kind="location")
    aisle = add(context, "locations", kind="aisle", parent_id=floor)
    delete(context, resource("locations"), aisle)
    change(context, "locations", floor, kind="shelf")

    with pytest.raises(Conflict) as refused:
        restore(context, resource("locations"), aisle)

    assert refused.value.code == "out_of_place"


def test_a_place_cannot_stand_in_itself_or_below_itself(context: Context):
    top = add(context, "locations", kind="location")
    middle = add(context, "locations", kind="location", parent_id=top)
    bottom = add(context, "locations", kind="location", parent_id=middle)

    for place in (top, middle, bottom):
        with pytest.raises(Invalid, match="A place cannot stand in itself"):
            change(context, "locations", top, parent_id=place)


def test_a_tree_is_at_most_twenty_levels_deep(context: Context):
    place = add(context, "locations", kind="site")
    for _ in range(DEEPEST - 1):
        place = add(context, "locations", kind="location", parent_id=place)

    with pytest.raises(Invalid, match="at most 20 levels deep"):
        add(context, "locations", kind="location", parent_id=place)


def test_a_branch_moves_only_where_its_deepest_place_has_room(context: Context):
    chains = []
    for _ in range(2):
        chain = [add(context, "locations", kind="location")]
        for _ in range(10):
            chain.append(add(context, "locations", kind="location", parent_id=chain[-1]))
        chains.append(chain)

    with pytest.raises(Invalid, match="at most 20 levels deep"):
        change(context, "locations", chains[1][0], parent_id=chains[0][9])
    change(context, "locations", chains[1][0], parent_id=chains[0][8])


def test_names_are_unique_among_places_of_a_kind_beside_each_other(context: Context):
    lisbon, porto = add(context, "locations", name="Lisbon"), add(context, "locations", name="Porto")
    add(context, "locations", name="Store", kind="location", parent_id=lisbon)
    add(context, "locations", name="Store", kind="location", parent_id=porto)
    add(context, "locations", name="Store", kind="aisle", parent_id=lisbon)

    with pytest.raises(Invalid, match="name: Store has this already"):
        add(context, "locations", name="STORE", kind="location", parent_id=lisbon)
    with pytest.raises(Invalid, match="name: Lisbon has this already"):
        add(context, "locations", name="lisbon", kind="site")


def test_moving_beside_one_of_the_same_name_is_refused(context: Context):
    lisbon, porto = add(context, "locations", name="Lisbon"), add(context, "locations", name="Porto")
    add(context, "locations", name="Store", kind="location", parent_id=lisbon)
    store = add(context, "locations", name="Store", kind="location", parent_id=porto)

    with pytest.raises(Invalid, match="name: Store has this already"):
        change(context, "locations", store, parent_id=lisbon)


def test_paths_name_every_level(context: Context):
    lisbon = add(context, "locations", name="Lisbon")
    store = add(context, "locations", name="Media store", parent_id=lisbon)
    shelf = add(context, "locations", name="Shelf 3", kind="shelf", parent_id=store)

    labels = label_rows(context, "locations")

    assert [labels[place]["label"] for place in (lisbon, store, shelf)] == [
        "Lisbon",
        "Lisbon / Media store",
        "Lisbon / Media store / Shelf 3",
    ]


def closure(context: Context) -> set[tuple[int, int, int]]:
    """Return the closure that is kept: (ancestor, place, depth)."""
    return {(found["ancestor_id"], found["location_id"], found["depth"]) for found in stored(context, TREE)}


def recomputed(context: Context) -> set[tuple[int, int, int]]:
    """Return the closure worked out anew from each place's parent."""
    parents = {found["id"]: found["parent_id"] for found in stored(context, LOCATIONS)}
    found = set()
    for place in parents:
        above, depth = place, 0
        while above is not None:
            found.add((above, place, depth))
            above, depth = parents[above], depth + 1
    return found


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 9)),
        st.tuples(st.just("move"), st.integers(0, 9), st.integers(-1, 9)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("restore"), st.integers(0, 9)),
        st.tuples(st.just("batch"), st.integers(0, 9)),
    ),
    min_size=3,
    max_size=14,
)


def take(context: Context, places: list[int], step: tuple[Any, ...]) -> None:
    """Do one step to a tree; what the rules refuse is not done."""
    verb, place = step[0], places[step[1] % len(places)]
    try:
        if verb == "add":
            places.append(add(context, "locations", kind="location", parent_id=place))
        elif verb == "move":
            parent = None if step[2] < 0 else places[step[2] % len(places)]
            change(context, "locations", place, parent_id=parent)
        elif verb == "batch":
            names = [{"name": f"B{len(places) + n}", "kind": "location", "parent_id": place} for n in range(2)]
            places += add_many(context, "locations", names)
        else:
            {"delete": delete, "restore": restore}[verb](context, resource("locations"), place)
    except (Invalid, Conflict, NotFound, AssertionError):
        return


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_the_closure_is_what_the_parents_say_after_any_moves(context: Context, steps: list[tuple[Any, ...]]):
    places = [add(context, "locations", kind="location") for _ in range(3)]

    for step in steps:
        take(context, places, step)
    kept, true = closure(context), recomputed(context)
    context.session.rollback()

    assert kept == true


def test_a_move_takes_everything_below_along(context: Context):
    lisbon, porto = add(context, "locations", name="Lisbon"), add(context, "locations", name="Porto")
    floor = add(context, "locations", name="Floor", parent_id=lisbon)
    room = add(context, "locations", name="Room", parent_id=floor)

    change(context, "locations", floor, parent_id=porto)

    assert {(porto, room, 2), (porto, floor, 1), (floor, room, 1)} <= closure(context)
    assert not {above for above, place, _depth in closure(context) if place == room} & {lisbon}


def test_two_moves_that_would_make_a_ring_are_not_both_done(organization: Household):
    """One puts A into B while another puts B into A."""
    import contextvars
    import time
    from concurrent.futures import ThreadPoolExecutor

    with organization.context() as context:
        one, other = (add(context, "locations", name=name, kind="location") for name in "AB")
        context.session.commit()

    def second() -> None:
        with organization.context() as later:
            change(later, "locations", other, parent_id=one)
            later.session.commit()

    with ThreadPoolExecutor(1) as pool, organization.context() as first:
        change(first, "locations", one, parent_id=other)
        waiting = pool.submit(contextvars.Context().run, second)
        time.sleep(0.3)
        first.session.commit()
        told = waiting.exception(20)

    with organization.context(write=False) as reader:
        parents = {found["id"]: found["parent_id"] for found in stored(reader, LOCATIONS)}
    assert told is not None
    assert parents == {one: other, other: None}


def main_places(context: Context) -> list[int]:
    """Return the places that are the main one."""
    return [int(one["id"]) for one in listed(context, "locations", "is_primary=true")]


def test_there_is_one_main_place_and_choosing_another_ends_it(context: Context):
    lisbon = add(context, "locations", name="Lisbon", is_primary=True)
    porto = add(context, "locations", name="Porto")

    change(context, "locations", porto, is_primary=True)

    assert main_places(context) == [porto]
    assert lines(context, "locations", lisbon)[-1]["changes"] == {"is_primary": [True, False]}
    change(context, "locations", porto, is_primary=False)
    assert main_places(context) == []


def test_a_main_place_that_comes_back_is_the_main_one_again(context: Context):
    lisbon = add(context, "locations", name="Lisbon", is_primary=True)
    delete(context, resource("locations"), lisbon)
    porto = add(context, "locations", name="Porto", is_primary=True)
    assert main_places(context) == [porto]

    restore(context, resource("locations"), lisbon)

    assert main_places(context) == [lisbon]


def test_the_main_place_is_in_use(context: Context):
    lisbon = add(context, "locations", name="Lisbon", is_primary=True)

    with pytest.raises(Invalid, match="is_active: The main place is in use"):
        change(context, "locations", lisbon, is_active=False)


def test_who_sees_a_part_does_not_choose_the_main_place(organization: Household):
    with organization.context() as context:
        lisbon = add(context, "locations", name="Lisbon")
        context.session.commit()

    refused = pytest.raises(Invalid, match="is_primary: Only somebody who sees every place")
    with organization.context(organization.actor("manager", lisbon)) as narrowed, refused:
        change(narrowed, "locations", lisbon, is_primary=True)


def test_a_place_out_of_use_is_not_offered_but_still_found(context: Context):
    lisbon, cellar = add(context, "locations"), add(context, "locations", is_active=False)

    assert [found for found, _name in choices(context, resource("locations"), offered=True)] == [lisbon]
    assert {found for found, _name in choices(context, resource("locations"))} == {lisbon, cellar}


@pytest.mark.parametrize(
    "patch",
    [{"latitude": 91, "longitude": 0}, {"latitude": 0, "longitude": -181}, {"latitude": 38.7}, {"longitude": 1}],
)
def test_a_spot_on_the_globe_has_both_its_numbers(context: Context, patch: dict[str, Any]):
    spot = add(context, "locations", latitude=38.716667, longitude=-9.139)

    assert str(row(context, "locations", spot)["latitude"]) == "38.716667"
    with pytest.raises(Exception, match=r"Must be|belong together"):
        add(context, "locations", **patch)
