"""Things inside things: they are where their container is, whoever moves it and however it is undone."""

import re

import pytest

from tests.factories import make
from tests.rows import add, asked, change, lines, resource, row, second_of_two
from webapp.assets.containers import DEEPEST
from webapp.core.batch import find_rows, plan_rows, write_rows
from webapp.core.errors import Conflict, Invalid
from webapp.core.query import list_rows
from webapp.core.undo import undo_all
from webapp.core.writes import delete, restore
from webapp.faces.surface import forced


@pytest.fixture
def places(context):
    return [add(context, "locations", name=name, kind="site") for name in ("Lisbon", "Porto", "Braga")]


@pytest.fixture
def nest(context, places):
    """A crate in Lisbon, a case in it, a camera in that."""
    crate = add(context, "assets", tag="CRATE", location_id=places[0])
    case = add(context, "assets", tag="CASE", parent_id=crate)
    return crate, case, add(context, "assets", tag="CAMERA", parent_id=case)


def where(context, *ids):
    return [row(context, "assets", row_id)["location"] for row_id in ids]


def test_what_is_put_into_a_thing_is_where_that_is(context, nest):
    assert where(context, *nest) == ["Lisbon"] * 3
    assert row(context, "assets", nest[2])["parent"] == "CASE"


def test_what_is_inside_moves_with_its_container_at_every_depth(context, nest, places):
    change(context, "assets", nest[0], location_id=places[1])

    assert where(context, *nest) == ["Porto"] * 3
    moved = [lines(context, "assets", row_id)[-1] for row_id in nest]
    assert [line["event"] for line in moved] == ["Update"] * 3
    assert len({line["change_set_id"] for line in moved}) == 1
    assert moved[2]["note"] == "Moved with what it is inside of."


def test_a_container_that_comes_to_stand_nowhere_takes_its_contents_along(context, nest, places):
    change(context, "assets", nest[0], location_id=None)
    assert where(context, *nest) == [None] * 3

    change(context, "assets", nest[0], location_id=places[2])
    assert where(context, *nest) == ["Braga"] * 3


def test_a_thing_inside_another_is_not_placed_by_itself(context, nest, places):
    with pytest.raises(Invalid, match=r"location_id: It is inside CASE"):
        change(context, "assets", nest[2], location_id=places[1])
    with pytest.raises(Invalid, match=r"location_id: It is inside CASE"):
        change(context, "assets", nest[2], location_id=None)
    with pytest.raises(Invalid, match=r"location_id: It is inside CRATE"):
        add(context, "assets", parent_id=nest[0], location_id=places[1])

    change(context, "assets", nest[2], location_id=places[0])  # where it is anyway


def test_a_thing_can_be_taken_out_and_put_somewhere_in_one_act(context, nest, places):
    change(context, "assets", nest[2], parent_id=None, location_id=places[2])

    assert where(context, *nest) == ["Lisbon", "Lisbon", "Braga"]
    change(context, "assets", nest[2], parent_id=nest[0])
    assert where(context, nest[2]) == ["Lisbon"]


def test_nothing_is_inside_itself_not_even_through_others(context, nest):
    crate, case, camera = nest

    for inner in (crate, case, camera):
        with pytest.raises(Invalid, match=r"parent_id: A thing cannot be inside itself"):
            change(context, "assets", crate, parent_id=inner)


def test_a_batch_cannot_put_two_things_into_each_other(context):
    ids = [add(context, "assets") for _ in range(2)]
    rows = find_rows(context, resource("assets"), "id", ids)
    drafts = plan_rows(
        context, resource("assets"), [(rows[own], {"parent_id": other}) for own, other in (ids, ids[::-1])]
    )

    with pytest.raises(Invalid, match="parent_id"):
        write_rows(context, resource("assets"), drafts)


def test_things_stand_only_so_deep_in_each_other(context):
    ids = [add(context, "assets")]
    while len(ids) < DEEPEST:
        ids.append(add(context, "assets", parent_id=ids[-1]))

    with pytest.raises(Invalid, match=r"parent_id: Things stand at most 8 deep"):
        add(context, "assets", parent_id=ids[-1])
    with pytest.raises(Invalid, match=r"parent_id: Things stand at most 8 deep"):
        change(context, "assets", ids[0], parent_id=add(context, "assets"))


def test_a_container_is_deleted_only_when_it_is_empty(context, nest):
    with pytest.raises(Conflict) as refused:
        delete(context, resource("assets"), nest[1])
    assert [(found.count, found.parameter) for found in refused.value.blockers] == [(1, "parent_id")]

    delete(context, resource("assets"), nest[2])
    delete(context, resource("assets"), nest[1])


def test_what_is_restored_into_a_container_that_moved_is_where_that_is_now(context, nest, places):
    delete(context, resource("assets"), nest[2])
    change(context, "assets", nest[0], location_id=places[1])

    restore(context, resource("assets"), nest[2])

    assert where(context, nest[2]) == ["Porto"]


def test_undoing_a_move_brings_the_contents_back(organization, nest, context, places):
    context.session.commit()
    with organization.context() as mover:
        change(mover, "assets", nest[0], location_id=places[1])
        mover.session.commit()
        act = mover.change_set_id
    with organization.context() as undoer:
        report = undo_all(forced(undoer), act)

        assert (report.restored, report.kept) == (3, [])
        assert where(undoer, *nest) == ["Lisbon"] * 3


def test_undoing_a_move_in_bulk_brings_everything_back(organization, nest, context, places):
    others = [add(context, "assets", location_id=places[2]) for _ in range(3)]
    context.session.commit()
    with organization.context() as mover:
        rows = find_rows(mover, resource("assets"), "id", [nest[0], *others])
        drafts = plan_rows(mover, resource("assets"), [(found, {"location_id": places[1]}) for found in rows.values()])
        write_rows(mover, resource("assets"), drafts)
        assert where(mover, *nest, *others) == ["Porto"] * 6
        mover.session.commit()
        act = mover.change_set_id
    with organization.context() as undoer:
        assert undo_all(forced(undoer), act).kept == []
        assert where(undoer, *nest, *others) == ["Lisbon"] * 3 + ["Braga"] * 3


def test_undoing_what_was_made_takes_the_contents_before_the_container(organization):
    with organization.context() as maker:
        crate = add(maker, "assets")
        for _ in range(3):
            add(maker, "assets", parent_id=crate)
        maker.session.commit()
        act = maker.change_set_id
    with organization.context() as undoer:
        report = undo_all(forced(undoer), act)

    assert (report.removed >= 4, report.kept) == (True, [])


def test_the_line_of_a_moved_content_is_not_undone_by_itself(client, organization, nest, context, places):
    change(context, "assets", nest[0], location_id=places[1])
    line = lines(context, "assets", nest[2])[-1]["id"]
    context.session.commit()

    answer = client.post(f"/assets/{nest[2]}/undo", data={"activity": line})

    assert answer.status_code == 409
    assert "It is inside CASE" in answer.text
    with organization.context() as after:
        assert where(after, *nest) == ["Porto"] * 3


def test_the_contents_of_a_moved_container_leave_the_part_that_somebody_sees(organization, context, nest, places):
    seen = organization.actor("manager", places[0])
    context.session.commit()

    def tags():
        with organization.context(seen, write=False) as narrowed:
            return {found["tag"] for found in list_rows(narrowed, resource("assets"), asked("assets", "")).rows}

    assert tags() == {"CRATE", "CASE", "CAMERA"}
    change(context, "assets", nest[0], location_id=places[1])
    context.session.commit()
    assert tags() == set()


def test_nobody_puts_a_thing_into_what_lies_outside_of_their_part(organization, context, nest, places):
    context.session.commit()
    south = organization.api_client(scope_location_id=places[1])
    outside = make(organization, "assets", location_id=places[1], parent_id=None)

    answer = south.patch(f"assets/{outside}", {"parent_id": nest[0]})

    assert answer.status_code == 422
    assert [(error["field"], error["message"]) for error in answer.json["errors"]] == [("parent_id", "does not exist")]


def test_the_api_names_the_field_of_a_place_that_cannot_be(api, nest, context, places):
    context.session.commit()

    answer = api.patch(f"assets/{nest[2]}", {"location_id": places[1]})

    assert answer.status_code == 422
    assert re.match("It is inside CASE", answer.json["errors"][0]["message"])
    assert answer.json["errors"][0]["field"] == "location_id"


def test_what_is_put_in_while_the_container_moves_is_where_it_went(organization, context, nest, places):
    """On PostgreSQL the second waits for the first; on SQLite only one writes at a time anyway."""
    loose = add(context, "assets", location_id=places[2])
    context.session.commit()
    acts = iter([{"row_id": nest[0], "location_id": places[1]}, {"row_id": loose, "parent_id": nest[0]}])

    failure = second_of_two(organization, lambda actor: change(actor, "assets", **next(acts)))

    with organization.context() as after:
        assert failure is None
        assert where(after, loose, *nest) == ["Porto"] * 4


def test_a_container_is_named_by_its_tag_in_a_sync(api, nest, context):
    context.session.commit()
    item = {"serial_number": "S-1", "category": "Things", "parent": "crate"}

    made = api.post("assets/sync", {"assets": [item]}).json

    assert (made.get("data") or made)["failed"] == []
    assert [found["parent"] for found in api.get("assets?serial_number=S-1").json["data"]] == ["CRATE"]
