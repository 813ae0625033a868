"""Things by the names that people write."""

import pytest

from tests.households import Household
from tests.rows import add, lines, resource, row
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.lookup import ids_by_name, make_named, name_key
from webapp.core.writes import delete


@pytest.mark.parametrize(
    "path", ["Lisbon / Floor 2", "lisbon/floor 2", "LISBON > Floor 2", "Lisbon›Floor  2", " Lisbon /  Floor 2 / "]
)
def test_a_path_is_one_however_it_is_written(context: Context, path: str):
    lisbon = add(context, "locations", name="Lisbon")
    floor = add(context, "locations", name="Floor 2", parent_id=lisbon)

    assert name_key(path) == "lisbon / floor 2"
    assert ids_by_name(context, resource("locations"), [path]) == {path: floor}


def test_a_bare_name_is_found_while_one_place_is_called_so(context: Context):
    lisbon, porto = add(context, "locations", name="Lisbon"), add(context, "locations", name="Porto")
    floor = add(context, "locations", name="Floor 2", parent_id=lisbon)
    alone = ids_by_name(context, resource("locations"), ["floor 2"])
    add(context, "locations", name="Floor 2", parent_id=porto)

    assert alone == {"floor 2": floor}
    assert ids_by_name(context, resource("locations"), ["floor 2"]) == {"floor 2": None}


@pytest.mark.parametrize("kind", ["categories", "manufacturers", "products", "statuses", "locations"])
@pytest.mark.parametrize("name", ["AC/DC adapter", "Größe 7", "a > b", "x"])
def test_a_name_is_found_as_it_was_given(context: Context, kind: str, name: str):
    row_id = add(context, kind, name=name)

    assert ids_by_name(context, resource(kind), [name, name.upper()]) == {name: row_id, name.upper(): row_id}


def test_unknown_and_deleted_names_are_left_out(context: Context):
    for kind in ("manufacturers", "products"):
        delete(context, resource(kind), add(context, kind, name="Gone"))

        assert ids_by_name(context, resource(kind), ["Gone", "Never"]) == {}


def test_a_name_that_several_products_have_is_nobodys(context: Context):
    add(context, "products", name="FX3", model_number="A")
    add(context, "products", name="FX3", model_number="B")

    assert ids_by_name(context, resource("products"), ["fx3"]) == {"fx3": None}


def test_a_place_outside_ones_part_has_no_name(organization: Household):
    with organization.context() as context:
        lisbon = add(context, "locations", name="Lisbon")
        add(context, "locations", name="Porto")
        context.session.commit()

    with organization.context(organization.actor("manager", lisbon)) as narrowed:
        assert ids_by_name(narrowed, resource("locations"), ["Lisbon", "Porto"]) == {"Lisbon": lisbon}


def test_a_path_makes_the_places_that_are_missing(context: Context):
    lisbon = add(context, "locations", name="Lisbon")

    shelf = make_named(context, resource("locations"), "lisbon / Floor 2 / Rack 7", {})

    rack = row(context, "locations", shelf)
    floor = row(context, "locations", rack["parent_id"])
    assert (rack["name"], rack["kind"], rack["parent"]) == ("Rack 7", "location", "Lisbon / Floor 2")
    assert (floor["name"], floor["parent_id"]) == ("Floor 2", lisbon)
    assert len(lines(context, "locations", shelf)) == 1


def test_a_path_that_is_there_makes_nothing(context: Context):
    first = make_named(context, resource("locations"), "Lisbon / Floor 2", {})

    assert make_named(context, resource("locations"), "LISBON > floor 2", {}) == first


def test_a_path_without_names_is_refused(context: Context):
    with pytest.raises(Invalid):
        make_named(context, resource("locations"), " / / ", {})


def test_a_place_below_an_ambiguous_path_is_not_guessed(context: Context):
    lisbon = add(context, "locations", name="Lisbon")
    add(context, "locations", name="Store", kind="location", parent_id=lisbon)
    add(context, "locations", name="Store", kind="aisle", parent_id=lisbon)

    with pytest.raises(Invalid, match="Store"):
        make_named(context, resource("locations"), "Lisbon / Store / Rack 7", {})
