"""The tree of places as a page: what stands where, how much is in it, and no more than somebody may see."""

import re

import pytest
from flask import Flask

from tests.clients import PageClient
from tests.households import Household
from tests.rows import add
from tests.statements import counted
from webapp.places import pages
from webapp.places.rules import in_reading_order, things_by_place

ROW = re.compile(r'<div class="qm-treerow">(.*?)</div>', re.DOTALL)


@pytest.fixture
def tree(organization: Household) -> dict[str, int]:
    """Return the ids of Lisbon / Hall / Shelf 2, Shelf 10 and Porto, with four assets and a person in them."""
    with organization.context() as context:
        ids = {"Lisbon": add(context, "locations", name="Lisbon"), "Porto": add(context, "locations", name="Porto")}
        ids["Hall"] = add(context, "locations", name="Hall", parent_id=ids["Lisbon"])
        for name in ("Shelf 10", "Shelf 2"):
            ids[name] = add(context, "locations", name=name, kind="shelf", parent_id=ids["Hall"])
        for name in ("Shelf 2", "Shelf 2", "Hall", "Porto"):
            add(context, "assets", location_id=ids[name])
        add(context, "persons", location_id=ids["Hall"])
        context.session.commit()
    return ids


def shown(page: str) -> list[tuple[str, ...]]:
    """Return (name, counts as they are spoken…) of each line of the tree, in order."""
    rows = []
    for line in ROW.findall(page):
        names = re.findall(r'<a class="[^"]*" href="/locations/\d+">([^<]+)</a>', line)
        rows.append((*names, *re.findall(r'aria-label="([^"]+)"', line)))
    return rows


def test_the_tree_counts_what_is_in_each_place_and_below(client: PageClient, tree: dict[str, int]):
    page = client.get("/locations/tree").get_data(as_text=True)

    assert shown(page) == [
        ("Lisbon", "3 assets in Lisbon", "1 person in Lisbon"),
        ("Hall", "3 assets in Hall", "1 person in Hall"),
        ("Shelf 2", "2 assets in Shelf 2"),
        ("Shelf 10",),
        ("Porto", "1 asset in Porto"),
    ]


def test_a_count_leads_to_the_list_of_just_those(client: PageClient, tree: dict[str, int]):
    page = client.get("/locations/tree").get_data(as_text=True)
    url = f"/assets?location_id_within={tree['Hall']}"

    assert f'href="{url}"' in page
    assert len(set(re.findall(r'data-row="(\d+)"', client.get(url).get_data(as_text=True)))) == 3


def test_what_is_deleted_is_not_counted(organization: Household, client: PageClient, tree: dict[str, int]):
    api = organization.api_client()
    for found in api.get("assets").json["data"]:
        api.delete(f"assets/{found['id']}")
    api.delete(f"locations/{tree['Shelf 10']}")

    page = client.get("/locations/tree").get_data(as_text=True)

    assert [line for line in shown(page) if "asset" in str(line)] == []
    assert ("Shelf 10",) not in shown(page)


def test_who_sees_a_part_sees_that_part_of_the_tree_and_of_the_counts(organization: Household, tree: dict[str, int]):
    narrowed = organization.member_client("manager", tree["Hall"])

    page = narrowed.get("/locations/tree").get_data(as_text=True)

    assert [line[0] for line in shown(page)] == ["Hall", "Shelf 2", "Shelf 10"]
    assert "Porto" not in page
    assert narrowed.get(f"/locations/tree?root={tree['Porto']}").status_code == 404
    with organization.context(organization.actor("manager", tree["Hall"])) as context:
        assert set(things_by_place(context)["assets"]) >= {tree["Hall"], tree["Shelf 2"]}
        assert things_by_place(context)["assets"][tree["Hall"]] == (1, 3)


def test_one_branch_is_shown_with_the_way_to_it(client: PageClient, tree: dict[str, int]):
    page = client.get(f"/locations/tree?root={tree['Hall']}").get_data(as_text=True)

    assert [line[0] for line in shown(page)] == ["Hall", "Shelf 2", "Shelf 10"]
    assert f'<a href="/locations/tree?root={tree["Lisbon"]}">Lisbon</a>' in page


@pytest.mark.parametrize("root", ["x", "", "999999999", "-1", "0", "9" * 30])
def test_a_branch_that_is_not_there_is_not_found(client: PageClient, root: str):
    assert client.get(f"/locations/tree?root={root}").status_code == 404


def test_the_other_organization_has_its_own_tree(other_organization: Household, tree: dict[str, int]):
    page = other_organization.page_client().get("/locations/tree").get_data(as_text=True)

    assert shown(page) == []
    assert "No places yet" in page


def test_a_tree_too_large_for_a_page_leads_on_to_its_branches(
    client: PageClient, tree: dict[str, int], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pages, "MOST_NODES", 3)

    page = client.get("/locations/tree").get_data(as_text=True)

    assert [line[0] for line in shown(page)] == ["Lisbon", "Hall", "Porto"]
    assert f'href="/locations/tree?root={tree["Hall"]}">2 places inside</a>' in page


def test_the_tree_asks_as_little_for_many_places_as_for_few(app: Flask, organization: Household, client: PageClient):
    with organization.context() as context:
        for number in range(30):
            place = add(context, "locations", name=f"Site {number}")
            add(context, "assets", location_id=place)
        context.session.commit()
    client.get("/locations/tree")

    with counted(app) as cost:
        client.get("/locations/tree")

    assert len(cost.statements) <= 12, cost
    assert cost.objects == []


def test_names_are_in_reading_order():
    names = ["Shelf 10", "shelf 2", "Aisle", "Shelf 1b", "9", "Shelf 1"]

    assert sorted(names, key=in_reading_order) == ["9", "Aisle", "Shelf 1", "Shelf 1b", "shelf 2", "Shelf 10"]


def test_the_list_and_the_tree_lead_to_each_other(client: PageClient, tree: dict[str, int]):
    assert 'href="/locations/tree"' in client.get("/locations").get_data(as_text=True)
    assert 'href="/locations"' in client.get("/locations/tree").get_data(as_text=True)


def test_the_page_of_a_place_says_where_it_stands_and_what_is_in_it(client: PageClient, tree: dict[str, int]):
    page = client.get(f"/locations/{tree['Hall']}").get_data(as_text=True)

    assert f'<a href="/locations/{tree["Lisbon"]}">Lisbon</a>' in page
    assert f'href="/locations/{tree["Shelf 2"]}"' in page
    assert "1 right here" in page
    assert f'href="/locations/tree?root={tree["Hall"]}"' in page


def test_the_page_of_a_place_shows_its_address_contacts_and_currency(organization: Household, client: PageClient):
    with organization.context() as context:
        said = {"address_line_1": "Rua do Sol 14", "country": "PT", "email": "lisbon@example.org", "currency": "EUR"}
        place = add(context, "locations", name="Lisbon", **said)
        context.session.commit()

    page = client.get(f"/locations/{place}").get_data(as_text=True)

    assert [word for word in said.values() if word not in page] == []
    assert 'href="mailto:lisbon@example.org"' in page
