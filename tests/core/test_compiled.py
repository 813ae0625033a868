"""Statements that are kept: filled in with each request's own values, and made anew for another shape."""

import pytest
from sqlalchemy import select

from tests.factories import RESOURCES, fill
from tests.households import found_organization
from webapp.core import compiled
from webapp.core.compiled import fetch
from webapp.core.parameters import ListParameters
from webapp.core.query import get_row, list_rows
from webapp.core.tenancy import scoped

STATUSES = RESOURCES["statuses"]


@pytest.fixture(autouse=True)
def nothing_kept():
    compiled._made.clear()


def named(context, *values, build=None):
    def by_name(given):
        table = STATUSES.table
        return select(table.c.id, table.c.name).where(scoped(context.session, table), table.c.name.in_(given))

    return {row["name"] for row in fetch(context.session, "statuses by name", values, build or by_name)}


def test_a_kept_statement_is_filled_in_with_other_values(organization):
    with organization.context(write=False) as context:
        first, second = named(context, "Non-Compliant", "x"), named(context, "In Transit", "y")

    assert first != second
    assert len(compiled._made) == 1


def test_a_kept_statement_answers_each_organization_with_its_own(app):
    ours, theirs = found_organization(app), found_organization(app)
    mine, others = set(fill(ours, "assets", 2)), set(fill(theirs, "assets", 3))

    found = []
    for household in (ours, theirs, ours):
        with household.context(write=False) as context:
            found.append({row["id"] for row in list_rows(context, RESOURCES["assets"], ListParameters()).rows})

    assert found == [mine, others, mine]
    assert len([made for made in compiled._made.values() if made and "FROM assets" in made.sql]) == 1


def test_a_row_of_another_organization_is_not_found_by_a_kept_statement(app, organization, other_organization):
    (mine,), (theirs,) = fill(organization, "assets", 1), fill(other_organization, "assets", 1)

    with organization.context(write=False) as context:
        get_row(context, RESOURCES["assets"], mine)
        with pytest.raises(Exception, match="there is no assets"):
            get_row(context, RESOURCES["assets"], theirs)


def test_nothing_and_a_value_are_different_shapes(organization):
    def build(values):
        table = STATUSES.table
        same = table.c.notes.is_(None) if values[0] is None else table.c.notes == values[0]
        return select(table.c.id, table.c.name).where(scoped(organization_session, table), same)

    with organization.context(write=False) as context:
        organization_session = context.session
        empty, full = named(context, None, build=build), named(context, "no such note", build=build)

    assert empty
    assert not full


def test_what_looks_at_a_value_is_built_each_time(organization):
    def build(values):
        table = STATUSES.table
        name = "Non-Compliant" if values[0] == 1 else "In Transit"
        return select(table.c.id, table.c.name).where(scoped(organization_session, table), table.c.name == name)

    with organization.context(write=False) as context:
        organization_session = context.session
        first, second = named(context, 1, build=build), named(context, 2, build=build)

    assert first != second
    assert list(compiled._made.values()) == [None]


def test_a_list_shows_a_field_made_after_it_was_first_asked(organization):
    api = organization.api_client()
    made = api.post("manufacturers", {"name": "Sony"}).json["data"]["id"]
    api.get("manufacturers")

    api.post("custom-fields", {"resource": "manufacturers", "slug": "rank", "name": "Rank", "kind": "number"})
    api.patch(f"manufacturers/{made}", {"custom": {"rank": 3}})

    assert [row["custom"] for row in api.get("manufacturers?custom.rank=3").json["data"]] == [{"rank": 3}]
    assert api.get("manufacturers").json["data"][0]["custom"] == {"rank": 3}
