"""Persons: named, reachable under one address, and nobody's own manager."""

from typing import Any

import pytest

from tests.households import Household
from tests.rows import add, change, resource, row
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.query import choices
from webapp.core.writes import delete


@pytest.mark.parametrize(
    ("patch", "name"),
    [
        ({"first_name": "Amara", "last_name": "Okafor"}, "Amara Okafor"),
        ({"first_name": "Björk"}, "Björk"),
        ({"first_name": "Amara", "last_name": "Okafor", "name": "Ama O."}, "Ama O."),
        ({"first_name": "Amara", "last_name": "Okafor", "name": "  "}, "Amara Okafor"),
        ({"first_name": "x" * 255, "last_name": "y" * 255}, "x" * 255),
    ],
)
def test_a_person_is_shown_by_their_names_unless_said_otherwise(context: Context, patch: dict[str, Any], name: str):
    assert row(context, "persons", add(context, "persons", **patch))["name"] == name


def test_the_shown_name_follows_the_names_until_it_is_ones_own(context: Context):
    follows = add(context, "persons", first_name="Amara", last_name="Okafor")
    own = add(context, "persons", first_name="Amara", last_name="Okafor", name="Ama O.")

    for person in (follows, own):
        change(context, "persons", person, last_name="Nwosu")

    assert [row(context, "persons", person)["name"] for person in (follows, own)] == ["Amara Nwosu", "Ama O."]


def test_a_cleared_shown_name_is_made_anew(context: Context):
    person = add(context, "persons", first_name="Amara", last_name="Okafor", name="Ama O.")

    change(context, "persons", person, name=None)

    assert row(context, "persons", person)["name"] == "Amara Okafor"


def test_several_without_address_are_no_duplicates(context: Context):
    without = {"email": " ", "username": "", "employee_number": None}

    made = {add(context, "persons", first_name="Amara", **given) for given in ({}, {}, without, without)}

    assert len(made) == 4


@pytest.mark.parametrize("email", ["amara", "amara@", "@example.org", "a b@example.org"])
def test_what_is_no_address_is_refused(context: Context, email: str):
    with pytest.raises(Exception, match="not an e-mail address"):
        add(context, "persons", email=email)


def test_nobody_manages_themselves_over_any_number_of_steps(context: Context):
    chain = [add(context, "persons", first_name="Boss")]
    for number in range(4):
        chain.append(add(context, "persons", first_name=f"P{number}", manager_id=chain[-1]))

    for below in chain:
        with pytest.raises(Invalid, match="Nobody manages themselves"):
            change(context, "persons", chain[0], manager_id=below)


def test_a_chain_of_managers_may_change_its_order(context: Context):
    one = add(context, "persons", first_name="One")
    two = add(context, "persons", first_name="Two", manager_id=one)

    change(context, "persons", two, manager_id=None)
    change(context, "persons", one, manager_id=two)

    assert row(context, "persons", one)["manager"] == "Two"


def test_a_manager_of_another_organization_does_not_exist(context: Context, other_organization: Household):
    with other_organization.context() as theirs:
        boss = add(theirs, "persons")
        theirs.session.commit()

    with pytest.raises(Invalid, match="manager_id: does not exist"):
        add(context, "persons", manager_id=boss)


def test_who_manages_somebody_is_not_deleted(context: Context):
    boss = add(context, "persons")
    person = add(context, "persons", manager_id=boss)

    with pytest.raises(Exception, match="still in use"):
        delete(context, resource("persons"), boss)
    change(context, "persons", person, manager_id=None)
    delete(context, resource("persons"), boss)


def test_a_department_has_its_name_once_in_a_company(context: Context):
    kestrel, merlin = (add(context, "companies", name=name) for name in ("Kestrel", "Merlin"))
    add(context, "departments", name="Cameras", company_id=kestrel)
    add(context, "departments", name="Cameras", company_id=merlin)
    own = add(context, "departments", name="Cameras")

    for company in (kestrel, None):
        with pytest.raises(Invalid, match=r"name: .* has this already"):
            add(context, "departments", name="CAMERAS", company_id=company)
    with pytest.raises(Invalid, match=r"name: .* has this already"):
        change(context, "departments", own, company_id=merlin)


def test_customers_may_share_a_name(context: Context):
    first, second = (add(context, "customers", name="Teatro Aveirense") for _ in range(2))

    assert first != second


def test_who_has_left_is_not_offered_any_more(context: Context):
    here, gone = add(context, "persons"), add(context, "persons", is_archived=True)

    offered = {found for found, _name in choices(context, resource("persons"), offered=True)}
    assert {here, gone} & offered == {here}
    assert {here, gone} <= {found for found, _name in choices(context, resource("persons"))}


@pytest.mark.parametrize("kind", ["persons", "companies", "departments", "customers", "suppliers", "locations"])
@pytest.mark.parametrize("email", ["nobody", "a@", "@b.org", "a b@c.org"])
def test_an_e_mail_address_is_one(context: Context, kind: str, email: str):
    with pytest.raises(Exception, match="This is not an e-mail address"):
        add(context, kind, email=email)


@pytest.mark.parametrize("kind", ["persons", "customers", "suppliers", "locations"])
@pytest.mark.parametrize("country", ["pt", "PRT", "ZZ", "EU", "1A"])
def test_a_country_is_its_two_letters(context: Context, kind: str, country: str):
    assert row(context, kind, add(context, kind, country="PT"))["country"] == "PT"
    with pytest.raises(Exception, match=r"two capital letters|Longer than"):
        add(context, kind, country=country)
