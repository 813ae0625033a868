"""One thing takes over everything that refers to another: all of it, in one change set, or nothing."""

from dataclasses import replace
from typing import Any

import pytest

from tests.factories import RESOURCES
from tests.households import Household
from tests.rows import add, change, lines, listed, resource, row, stored
from webapp.accounts.models import ApiKey, Membership
from webapp.accounts.rules import add_member, create_api_key
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.errors import Conflict, Invalid, NotFound
from webapp.core.resource import registry
from webapp.core.tenancy import references
from webapp.core.undo import undo_all
from webapp.people.rules import merge_persons
from webapp.places.merge import merge_rows
from webapp.places.models import LocationAncestor

pytestmark = pytest.mark.both_databases
MERGED = [name for name, found in RESOURCES.items() if any(act.name == "merge" for act in found.actions)]


def merge(context: Context, kind: str, source: int, target: int) -> int:
    return merge_rows(context, resource(kind), [source], target)


def is_gone(context: Context, kind: str, row_id: int) -> bool:
    return row(context, kind, row_id)["deleted_at"] is not None


def test_what_refers_to_a_place_refers_to_the_other_one_afterwards(context: Context):
    old, new = add(context, "locations", name="Old store"), add(context, "locations", name="Store")
    camera, editor = add(context, "assets", location_id=old), add(context, "persons", location_id=old)
    team, room = add(context, "departments", location_id=old), add(context, "locations", name="Room", parent_id=old)

    merge(context, "locations", old, new)

    assert is_gone(context, "locations", old)
    for kind, row_id in (("assets", camera), ("persons", editor), ("departments", team)):
        assert row(context, kind, row_id)["location_id"] == new
    assert row(context, "locations", room)["parent"] == "Store"


def test_places_of_one_name_and_kind_become_one_and_the_others_move(context: Context):
    old, new = add(context, "locations", name="Old"), add(context, "locations", name="New")
    twin, kept = (add(context, "locations", name="Shelf 1", kind="shelf", parent_id=p) for p in (old, new))
    other_kind = add(context, "locations", name="Shelf 1", kind="bin", parent_id=old)
    box = add(context, "locations", name="Box", kind="bin", parent_id=twin)

    merge(context, "locations", old, new)

    assert is_gone(context, "locations", twin)
    assert row(context, "locations", box)["parent_id"] == kept
    assert row(context, "locations", other_kind)["parent_id"] == new


def test_the_tree_is_true_after_a_merge(context: Context):
    old, new = add(context, "locations", name="Old"), add(context, "locations", name="New")
    room = add(context, "locations", name="Room", parent_id=old)
    shelf = add(context, "locations", name="Shelf", kind="shelf", parent_id=room)

    merge(context, "locations", old, new)

    pairs = {(r["ancestor_id"], r["location_id"], r["depth"]) for r in stored(context, table_of(LocationAncestor))}
    assert pairs == {
        (old, old, 0), (new, new, 0), (room, room, 0), (shelf, shelf, 0), (new, room, 1), (room, shelf, 1), (new, shelf, 2),
    }  # fmt: skip


def test_a_place_may_go_into_one_that_stands_in_it(context: Context):
    site = add(context, "locations", name="Lisbon")
    hall, room = (add(context, "locations", name=name, parent_id=site) for name in ("Hall", "Room"))

    merge(context, "locations", site, hall)

    assert row(context, "locations", hall)["parent_id"] is None
    assert row(context, "locations", room)["parent_id"] == hall


def test_members_and_keys_are_narrowed_to_the_other_place(context: Context):
    old, new = add(context, "locations", name="Old"), add(context, "locations", name="New")
    add_member(
        context, email="n@example.org", name="N", password="a long pass word", role="manager", scope_location_id=old
    )
    create_api_key(context, "Door", ("assets:read",), scope_location_id=old)
    context.session.flush()

    merge(context, "locations", old, new)

    for model in (Membership, ApiKey):
        scopes = {found["scope_location_id"] for found in stored(context, table_of(model))}
        assert scopes - {None} == {new}


def test_a_merge_is_taken_back_as_a_whole(context: Context):
    old, new = add(context, "locations", name="Old"), add(context, "locations", name="New")
    camera, twin = add(context, "assets", location_id=old), add(context, "locations", name="Room", parent_id=old)
    add(context, "locations", name="Room", parent_id=new)
    create_api_key(context, "Door", ("assets:read",), scope_location_id=old)
    context.session.flush()
    again = context.with_change_set("00000000-0000-4000-8000-000000000001")
    merge(again, "locations", old, new)

    report = undo_all(
        replace(context.with_change_set("00000000-0000-4000-8000-000000000002"), forced=True), again.change_set_id
    )

    assert report.kept == []
    assert row(context, "assets", camera)["location_id"] == old
    assert row(context, "locations", twin)["parent_id"] == old
    assert not is_gone(context, "locations", old)
    assert not is_gone(context, "locations", twin)
    assert {found["scope_location_id"] for found in stored(context, table_of(ApiKey))} == {old}


def test_the_history_says_what_was_merged_into_what(context: Context):
    old, new = add(context, "locations", name="Old"), add(context, "locations", name="New")
    camera = add(context, "assets", location_id=old)

    merge(context, "locations", old, new)

    assert lines(context, "locations", old)[-1]["note"] == "Old was merged into New"
    assert lines(context, "assets", camera)[-1]["note"] == "Old was merged into New"
    assert lines(context, "assets", camera)[-1]["changes"] == {"location_id": [old, new]}


def test_what_the_tree_forbids_is_named_and_nothing_is_merged(organization: Household):
    with organization.context() as context:
        shelf = add(context, "locations", name="Shelf", kind="shelf")
        room = add(context, "locations", name="Room", kind="location")
        aisle = add(context, "locations", name="Aisle 4", kind="aisle", parent_id=room)
        camera = add(context, "assets", location_id=room)
        context.session.commit()

    answer = organization.api_client().post(f"locations/{room}/merge", {"into_id": shelf})

    assert answer.status_code == 409
    assert "Aisle 4" in str(answer.json["blockers"])
    with organization.context() as context:
        assert row(context, "assets", camera)["location_id"] == room
        assert row(context, "locations", aisle)["parent_id"] == room


def test_a_thing_is_not_merged_into_itself_or_into_what_is_not_there(context: Context):
    place, gone = add(context, "locations", name="Store"), add(context, "locations", name="Old")
    merge(context, "locations", gone, place)

    with pytest.raises(Invalid, match="into_id: Choose another one"):
        merge(context, "locations", place, place)
    with pytest.raises(Invalid, match="into_id: does not exist"):
        merge(context, "locations", place, gone)
    with pytest.raises(NotFound):
        merge(context, "locations", gone, place)


def test_who_may_not_change_what_refers_to_a_place_cannot_merge_it(organization: Household):
    with organization.context() as context:
        old, new = add(context, "locations", name="Old"), add(context, "locations", name="New")
        create_api_key(context, "Door", ("assets:read",), scope_location_id=old)
        context.session.commit()

    with organization.context(organization.actor("manager")) as context, pytest.raises(Conflict) as refused:
        merge(context, "locations", old, new)
    assert refused.value.code == "out_of_reach"


def test_who_sees_a_part_of_the_tree_cannot_merge_what_others_refer_to(organization: Household):
    with organization.context() as context:
        lisbon, porto = add(context, "locations", name="Lisbon"), add(context, "locations", name="Porto")
        boss, other = (add(context, "persons", location_id=lisbon) for _ in range(2))
        change(context, "locations", porto, manager_id=boss)
        context.session.commit()

    with organization.context(organization.actor("manager", lisbon)) as context, pytest.raises(Conflict) as refused:
        merge(context, "persons", boss, other)
    assert refused.value.code == "out_of_reach"


def test_the_same_product_of_two_spellings_of_a_maker_becomes_one(context: Context):
    wrong, right = add(context, "manufacturers", name="Sony Corp"), add(context, "manufacturers", name="Sony")
    twin, kept = (add(context, "products", name="FX3", manufacturer_id=maker) for maker in (wrong, right))
    camera = add(context, "assets", product_id=twin)

    merge(context, "manufacturers", wrong, right)

    assert row(context, "assets", camera)["product_id"] == kept
    assert is_gone(context, "products", twin)


def test_a_category_goes_into_one_of_its_kind_with_its_parts(context: Context):
    old, new = add(context, "categories", name="PCs"), add(context, "categories", name="Computers")
    laptops = add(context, "categories", name="Laptops", parent_id=old)
    cables = add(context, "categories", name="Cables", kind="accessory")

    with pytest.raises(Conflict) as refused:
        merge(context, "categories", old, cables)
    assert "Laptops: It is of another kind." in refused.value.blockers

    merge(context, "categories", old, new)
    assert row(context, "categories", laptops)["parent_id"] == new


def test_whoever_was_managed_by_a_person_is_managed_by_the_other(context: Context):
    twice, once = add(context, "persons", first_name="A. Okafor"), add(context, "persons", first_name="Amara")
    report = add(context, "persons", manager_id=twice)
    change(context, "persons", once, manager_id=twice)

    merge(context, "persons", twice, once)

    assert row(context, "persons", report)["manager_id"] == once
    assert row(context, "persons", once)["manager_id"] is None


def test_two_people_who_both_sign_in_stay_two(context: Context):
    for name in ("N", "M"):
        add_member(context, email=f"{name}@example.org", name=name, password="a long pass word", role="member")
    context.session.flush()
    first, second = (found["person_id"] for found in stored(context, table_of(Membership))[-2:])

    with pytest.raises(Conflict) as refused:
        merge_persons(context, [first], {"into_id": second})

    assert refused.value.code == "both_sign_in"


@pytest.mark.parametrize("kind", MERGED)
def test_every_kind_that_can_be_merged_leaves_nothing_behind(context: Context, kind: str):
    more = {"is_technician": True} if kind == "persons" else {}
    old, new = (add(context, kind, name=name, **more) for name in ("Old one", "New one"))
    held = [
        (other, column, refer(context, other.name, column, old))
        for other in registry.resources.values()
        for column, table in references(other.table).items()
        if table is resource(kind).table and column in other.writable and "create" in other.api and other.name != kind
    ]

    merge(context, kind, old, new)

    assert is_gone(context, kind, old)
    for other, column, row_id in held:
        assert row(context, other.name, row_id)[column] == new, (other.name, column)


def refer(context: Context, kind: str, column: str, row_id: int) -> int:
    """Make a row that refers to another by a column."""
    patch: dict[str, Any] = {column: row_id}
    return add(context, kind, **patch)


def test_several_are_merged_into_one_of_themselves(context: Context):
    ids = [add(context, "suppliers", name=f"B&H {number}") for number in range(3)]

    assert merge_rows(context, resource("suppliers"), ids, ids[1]) == ids[1]

    assert [found["id"] for found in listed(context, "suppliers")] == [ids[1]]
