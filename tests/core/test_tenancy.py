"""The walls between organizations, and the narrower ones around a part of the tree."""

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from tests.households import Household
from tests.rows import add, change, listed, resource, row
from webapp.core.context import Actor, Context
from webapp.core.database import db, table_of
from webapp.core.errors import Invalid, NotFound
from webapp.core.tenancy import Unscoped, bind
from webapp.core.writes import delete, restore
from webapp.places.models import Location

LOCATIONS = table_of(Location)


def test_a_session_without_organization_answers_nothing(app: Flask):
    with app.app_context(), db.session.session_factory() as session, pytest.raises(Unscoped, match="no organization"):
        session.execute(select(Location))


def test_binding_late_is_refused(organization: Household):
    with organization.context() as context:
        listed(context, "locations")

        with pytest.raises(Unscoped, match="before the first statement"):
            bind(context.session, organization.id, write=True)


def test_a_session_never_changes_its_organization(organization: Household, other_organization: Household):
    with organization.context() as context:
        add(context, "locations")
        context.session.commit()

        with pytest.raises(Unscoped, match="one session, one organization"):
            bind(context.session, other_organization.id, write=True)


def test_a_session_goes_on_for_its_organization_after_a_commit(organization: Household):
    with organization.context() as context:
        place_id = add(context, "locations", name="Lisbon")
        context.session.commit()

        assert row(context, "locations", place_id)["name"] == "Lisbon"


def test_a_statement_over_a_table_has_to_go_through_the_machinery(context: Context):
    with pytest.raises(Unscoped, match="go through core"):
        context.session.execute(select(LOCATIONS))


def test_an_orm_statement_sees_its_own_organization_alone(organization: Household, other_organization: Household):
    with other_organization.context() as theirs:
        add(theirs, "locations", name="Theirs")
        theirs.session.commit()

    with organization.context() as ours:
        add(ours, "locations", name="Ours")
        found = ours.session.scalars(select(Location.name)).all()

    assert found == ["Ours"]


def test_a_row_of_another_organization_is_not_found(organization: Household, other_organization: Household):
    with other_organization.context() as theirs:
        place_id = add(theirs, "locations")
        theirs.session.commit()

    with organization.context() as ours:
        assert ours.session.get(Location, place_id) is None
        with pytest.raises(NotFound):
            change(ours, "locations", place_id, name="Mine now")
        with pytest.raises(NotFound):
            delete(ours, resource("locations"), place_id)


def test_a_new_row_for_another_organization_is_refused(context: Context, other_organization: Household):
    place = Location(organization_id=other_organization.id, kind="site", name="X", name_key="x", search_text="x")
    context.session.add(place)

    with pytest.raises(Unscoped, match="another organization"):
        context.session.flush()


def test_each_id_that_leads_out_is_named(organization: Household, other_organization: Household):
    with other_organization.context() as theirs:
        place_id, product_id = add(theirs, "locations"), add(theirs, "products")
        theirs.session.commit()

    with organization.context() as ours:
        patch = {"location_id": place_id, "product_id": product_id, "status_id": 987654321}
        with pytest.raises(Invalid) as refused:
            add(ours, "assets", category_id=add(ours, "categories"), **patch)

    assert refused.value.errors == {name: ["does not exist"] for name in patch}


def test_a_deleted_row_cannot_be_referred_to(context: Context):
    place_id = add(context, "locations")
    delete(context, resource("locations"), place_id)

    with pytest.raises(Invalid, match="location_id: does not exist"):
        add(context, "persons", location_id=place_id)


def test_a_refused_reference_leaves_nothing_behind(context: Context):
    with pytest.raises(Invalid):
        add(context, "persons", first_name="Amara", location_id=987654321)
    place_id = add(context, "locations", name="Lisbon")
    with pytest.raises(Invalid):
        change(context, "locations", place_id, city="Porto", parent_id=987654321)
    context.session.commit()

    assert "Amara" not in [found["name"] for found in listed(context, "persons")]
    assert row(context, "locations", place_id)["city"] is None


def test_what_a_session_did_not_commit_is_gone(organization: Household):
    with organization.context() as context:
        add(context, "locations")
        context.session.flush()

    with organization.context() as context:
        assert listed(context, "locations") == []


class Narrowed:
    """An organization with Lisbon, where a narrowed manager works, and Porto, where not."""

    def __init__(self, organization: Household) -> None:
        self.organization = organization
        with organization.context() as context:
            self.lisbon = add(context, "locations", name="Lisbon")
            self.floor = add(context, "locations", name="Floor 2", parent_id=self.lisbon)
            self.porto = add(context, "locations", name="Porto")
            self.near = add(context, "assets", tag="NEAR", location_id=self.floor)
            self.far = add(context, "assets", tag="FAR", location_id=self.porto)
            self.nowhere = add(context, "assets", tag="NOWHERE")
            self.boss = add(context, "persons", first_name="Boss", location_id=self.porto)
            context.session.commit()

    @property
    def actor(self) -> Actor:
        return self.organization.actor("manager", self.lisbon)


@pytest.fixture
def narrowed(organization: Household) -> Narrowed:
    """Return an organization with a part that somebody is narrowed to."""
    return Narrowed(organization)


def test_a_narrowed_actor_sees_its_part_of_the_tree(narrowed: Narrowed):
    with narrowed.organization.context(narrowed.actor) as context:
        assert [found["tag"] for found in listed(context, "assets")] == ["NEAR"]
        assert [found["tag"] for found in listed(context, "assets", "q=far")] == []
        assert {found["name"] for found in listed(context, "locations")} == {"Lisbon", "Floor 2"}
        assert listed(context, "persons") == []


@pytest.mark.parametrize("name", ["far", "nowhere"])
def test_what_is_outside_is_not_found(narrowed: Narrowed, name: str):
    with narrowed.organization.context(narrowed.actor) as context:
        with pytest.raises(NotFound):
            row(context, "assets", getattr(narrowed, name))
        with pytest.raises(NotFound):
            change(context, "assets", getattr(narrowed, name), notes="seen")


def test_a_narrowed_actor_puts_things_into_its_part_alone(narrowed: Narrowed):
    with narrowed.organization.context(narrowed.actor) as context:
        add(context, "assets", location_id=narrowed.floor)

        with pytest.raises(Invalid, match="location_id"):
            add(context, "assets", location_id=narrowed.porto)
        with pytest.raises(Invalid, match="location_id"):
            add(context, "assets")
        with pytest.raises(Invalid, match="location_id"):
            change(context, "assets", narrowed.near, location_id=None)


def test_a_narrowed_actor_makes_no_places_beside_its_own(narrowed: Narrowed):
    with narrowed.organization.context(narrowed.actor) as context:
        add(context, "locations", name="Shelf", kind="shelf", parent_id=narrowed.floor)

        with pytest.raises(Invalid, match="parent_id"):
            add(context, "locations", name="Faro")
        with pytest.raises(Invalid, match="parent_id"):
            change(context, "locations", narrowed.floor, parent_id=narrowed.porto)


def test_a_narrowed_actor_does_not_learn_who_works_elsewhere(narrowed: Narrowed):
    with narrowed.organization.context(narrowed.actor) as context, pytest.raises(Invalid, match="manager_id"):
        add(context, "persons", first_name="Amara", location_id=narrowed.lisbon, manager_id=narrowed.boss)


def test_a_narrowed_actor_restores_nothing_outside(narrowed: Narrowed):
    with narrowed.organization.context() as context:
        delete(context, resource("assets"), narrowed.far)
        context.session.commit()

    with narrowed.organization.context(narrowed.actor) as context, pytest.raises(NotFound):
        restore(context, resource("assets"), narrowed.far)


def test_what_moves_into_the_part_can_be_seen_there(narrowed: Narrowed):
    with narrowed.organization.context() as context:
        change(context, "locations", narrowed.porto, kind="location", parent_id=narrowed.floor)
        context.session.commit()

    with narrowed.organization.context(narrowed.actor) as context:
        assert {found["tag"] for found in listed(context, "assets")} == {"NEAR", "FAR"}


@pytest.mark.postgresql
def test_the_second_wall_shows_nothing_to_a_connection_that_says_nothing(organization: Household, app: Flask):
    with organization.context() as context:
        add(context, "locations")
        context.session.commit()

    with app.app_context(), db.engine.connect() as connection:
        counted = connection.execute(text("SELECT count(*) FROM locations")).scalar_one()

    assert counted == 0


@pytest.mark.postgresql
def test_the_second_wall_holds_when_the_first_is_forgotten(organization: Household, other_organization: Household):
    with other_organization.context() as theirs:
        place_id = add(theirs, "locations")
        theirs.session.commit()

    with organization.context() as ours:
        connection = ours.session.connection()
        seen = connection.execute(text("SELECT count(*) FROM locations WHERE id = :id"), {"id": place_id}).scalar_one()
        with pytest.raises(DBAPIError, match="row-level security"):
            connection.execute(
                text("INSERT INTO label_versions VALUES (:id, 'statuses', 'x')"), {"id": other_organization.id}
            )

    assert seen == 0


@pytest.mark.postgresql
def test_a_session_that_said_it_would_read_cannot_write(organization: Household):
    with organization.context(write=False) as context, pytest.raises(DBAPIError, match="read-only transaction"):
        add(context, "locations")
