"""Single writes: planned, checked, guarded, and refused in words."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest

from tests.households import Household
from tests.rows import add, change, lines, listed, resource, row, second_of_two
from webapp.core.blockers import blockers
from webapp.core.context import Context
from webapp.core.errors import Conflict, Invalid, NotFound, StaleVersion
from webapp.core.writes import delete, restore, update


def test_a_new_row_has_a_guid_its_times_and_version_one(context: Context):
    found = row(context, "locations", add(context, "locations", name="Lisbon"))

    assert (found["version"], found["created_at"], found["updated_at"]) == (1, context.at, context.at)
    assert len(found["guid"]) == 36
    assert found["guid"] != row(context, "locations", add(context, "locations"))["guid"]


def test_a_change_counts_the_version_up_and_keeps_the_rest(organization: Household):
    with organization.context() as context:
        place = add(context, "locations", name="Lisbon", city="Lisboa")
        context.session.commit()
    with organization.context() as later:
        changed = change(later, "locations", place, name="Lisbon depot")
        found = row(later, "locations", place)

        assert (found["name"], found["city"], found["version"]) == ("Lisbon depot", "Lisboa", 2)
        assert (found["updated_at"], found["created_at"]) == (later.at, context.at)
        assert changed["name"] == "Lisbon depot"


def test_text_is_trimmed_and_blank_is_nothing(context: Context):
    found = row(context, "locations", add(context, "locations", name="  Lisbon ", city="   ", notes="\n"))

    assert (found["name"], found["city"], found["notes"]) == ("Lisbon", None, None)


def test_who_saves_second_is_shown_what_the_first_saved(context: Context):
    place = add(context, "locations", name="Lisbon")
    change(context, "locations", place, city="Lisboa")

    with pytest.raises(StaleVersion) as stale:
        update(context, resource("locations"), place, {"city": "Porto"}, version=1)

    assert (stale.value.current["city"], stale.value.current["version"]) == ("Lisboa", 2)
    assert row(context, "locations", place)["city"] == "Lisboa"


def test_the_current_version_may_be_changed_and_deleted(context: Context):
    place = add(context, "locations")
    update(context, resource("locations"), place, {"city": "Porto"}, version=1)
    delete(context, resource("locations"), place, version=2)

    with pytest.raises(NotFound):
        update(context, resource("locations"), place, {"city": "Faro"}, version=3)


def test_a_stale_deletion_deletes_nothing(context: Context):
    place = add(context, "locations")
    change(context, "locations", place, city="Lisboa")

    with pytest.raises(StaleVersion):
        delete(context, resource("locations"), place, version=1)

    assert listed(context, "locations") != []


def test_two_changes_at_the_same_moment_do_not_both_win(organization: Household):
    with organization.context() as context:
        place = add(context, "locations", name="Lisbon")
        context.session.commit()

    told = second_of_two(organization, lambda some: change(some, "locations", place, city=f"City {time.monotonic()}"))

    with organization.context(write=False) as context:
        events = [line["event"] for line in lines(context, "locations", place)]
    assert told is None or (isinstance(told, Conflict) and told.code == "stale")
    assert row_version(organization, place) == len(events) == (3 if told is None else 2)


def row_version(organization: Household, place: int) -> int:
    """Return the version of a place as it is committed."""
    with organization.context(write=False) as context:
        return int(row(context, "locations", place)["version"])


TAKEN: tuple[tuple[str, dict[str, Any], dict[str, Any], str, str], ...] = (
    ("assets", {"tag": "CAM-1"}, {"tag": "cam-1"}, "tag", "CAM-1"),
    ("assets", {"tag": "A", "serial_number": "Sn 9"}, {"tag": "B", "serial_number": "sn  9"}, "serial_number", "A"),
    ("manufacturers", {"name": "Sony"}, {"name": "SONY"}, "name", "Sony"),
    ("categories", {"name": "Maße"}, {"name": "MASSE"}, "name", "Maße"),
    ("locations", {"name": "Lisbon"}, {"name": "lisbon "}, "name", "Lisbon"),
    ("statuses", {"name": "On loan"}, {"name": "on  loan"}, "name", "On loan"),
    ("persons", {"name": "Amara", "email": "a@x.org"}, {"name": "B", "email": "A@X.ORG"}, "email", "Amara"),
    ("persons", {"name": "Amara", "username": "am"}, {"name": "B", "username": "AM"}, "username", "Amara"),
    ("persons", {"name": "Amara", "employee_number": "e1"}, {"employee_number": "E1"}, "employee_number", "Amara"),
)


@pytest.mark.parametrize(("kind", "first", "second", "field", "holder"), TAKEN)
def test_who_has_a_taken_name_is_said(context: Context, kind: str, first: dict, second: dict, field: str, holder: str):
    add(context, kind, **first)

    with pytest.raises(Invalid) as refused:
        add(context, kind, **second)

    assert refused.value.errors == {field: [f"{holder} has this already."]}


@pytest.mark.parametrize(("kind", "first", "second", "field", "holder"), TAKEN)
def test_what_two_want_at_the_same_moment_one_gets_and_the_other_is_told(
    organization: Household, kind: str, first: dict, second: dict, field: str, holder: str
):
    with organization.context() as context:
        add(context, "assets", tag="first of all")
        context.session.commit()
    wants = iter((first, second))

    told = second_of_two(organization, lambda context: add(context, kind, **next(wants)))

    assert isinstance(told, Invalid)
    assert list(told.errors) == [field]


def test_a_product_is_one_of_its_maker_and_number(context: Context):
    sony = add(context, "manufacturers", name="Sony")
    add(context, "products", name="FX3", model_number="A", manufacturer_id=sony)
    add(context, "products", name="FX3", model_number="B", manufacturer_id=sony)
    add(context, "products", name="FX3", model_number="A")

    with pytest.raises(Invalid, match="name: FX3 has this already"):
        add(context, "products", name="fx3", model_number="a", manufacturer_id=sony)
    with pytest.raises(Invalid, match="name: FX3 has this already"):
        add(context, "products", name="FX3", model_number="A ")


def test_a_row_may_keep_its_own_name(context: Context):
    maker = add(context, "manufacturers", name="Sony")

    change(context, "manufacturers", maker, name="SONY", notes="louder")

    assert row(context, "manufacturers", maker)["name"] == "SONY"


def test_a_name_is_free_again_once_its_holder_is_deleted(context: Context):
    delete(context, resource("manufacturers"), add(context, "manufacturers", name="Sony"))

    again = add(context, "manufacturers", name="Sony")

    assert row(context, "manufacturers", again)["name"] == "Sony"


@pytest.mark.parametrize(("kind", "first", "second", "field", "holder"), TAKEN)
def test_nothing_is_restored_onto_a_taken_name(
    context: Context, kind: str, first: dict, second: dict, field: str, holder: str
):
    gone = add(context, kind, **first)
    delete(context, resource(kind), gone)
    taker = add(context, kind, **second)

    with pytest.raises(Conflict) as refused:
        restore(context, resource(kind), gone)

    assert refused.value.code == "taken"
    assert str(row(context, kind, taker)[resource(kind).label]) in refused.value.message


def test_what_is_in_use_is_not_deleted_and_says_by_what(context: Context):
    place = add(context, "locations", name="Lisbon")
    for _ in range(2):
        add(context, "assets", location_id=place)
    add(context, "persons", location_id=place)
    add(context, "locations", name="Floor 2", parent_id=place)

    with pytest.raises(Conflict) as refused:
        delete(context, resource("locations"), place)

    found = {(b.resource.name, b.parameter, b.count, b.row_id) for b in refused.value.blockers}
    assert found == {
        ("assets", "location_id", 2, place),
        ("persons", "location_id", 1, place),
        ("locations", "parent_id", 1, place),
    }


def test_what_only_deleted_things_use_is_deleted(context: Context):
    place = add(context, "locations")
    delete(context, resource("assets"), add(context, "assets", location_id=place))

    delete(context, resource("locations"), place)

    assert listed(context, "locations") == []


def test_each_of_many_says_what_uses_it(context: Context):
    used, free = add(context, "manufacturers"), add(context, "manufacturers")
    add(context, "products", manufacturer_id=used)

    assert list(blockers(context, resource("manufacturers"), [used, free])) == [used]


def test_nothing_is_restored_whose_place_is_gone(context: Context):
    place = add(context, "locations")
    asset = add(context, "assets", location_id=place)
    delete(context, resource("assets"), asset)
    delete(context, resource("locations"), place)

    with pytest.raises(Conflict) as refused:
        restore(context, resource("assets"), asset)

    assert refused.value.code == "reference_gone"


def test_what_is_not_deleted_cannot_be_restored(context: Context):
    with pytest.raises(NotFound):
        restore(context, resource("locations"), add(context, "locations"))


def test_a_restored_row_is_as_it_was(context: Context):
    asset = add(context, "assets", tag="CAM-1", purchased_on="2025-03-01", purchase_cost="9.5", notes="kept")
    before = row(context, "assets", asset)
    delete(context, resource("assets"), asset)

    restore(context, resource("assets"), asset)

    after = row(context, "assets", asset)
    assert {**after, "version": 1} == before
    assert after["version"] == 3


def test_a_thing_referred_to_meanwhile_is_not_lost(organization: Household):
    """Whoever deletes a place while another puts something there: one of them is told."""
    with organization.context() as context:
        place, category = add(context, "locations"), add(context, "categories")
        context.session.commit()

    def put() -> None:
        with organization.context() as second:
            add(second, "assets", category_id=category, location_id=place)
            second.session.commit()

    with ThreadPoolExecutor(1) as pool, organization.context() as first:
        delete(first, resource("locations"), place)
        waiting = pool.submit(put)
        time.sleep(0.3)
        first.session.commit()
        told = waiting.exception(20)

    assert isinstance(told, Invalid)


def test_a_day_of_another_zone_is_not_shifted(context: Context):
    asset = add(context, "assets", purchased_on="2026-01-01", warranty_expires_on="2026-12-31")

    found = row(context, "assets", asset)
    assert (found["purchased_on"], found["warranty_expires_on"]) == (date(2026, 1, 1), date(2026, 12, 31))
