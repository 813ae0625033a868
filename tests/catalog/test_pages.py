"""The pages of the catalogue: a category with its parts, and what a product's form offers."""

import re

import pytest

from tests.clients import PageClient
from tests.households import Household
from tests.rows import add


@pytest.fixture
def shelf(organization: Household) -> dict[str, int]:
    """Return the ids of a category, its part, a category of accessories, and an archived product."""
    with organization.context() as context:
        cameras = add(context, "categories", name="Cameras")
        cinema = add(context, "categories", name="Cinema cameras", parent_id=cameras)
        cables = add(context, "categories", name="Cables", kind="accessory")
        old = add(context, "products", name="FS7", category_id=cinema, is_archived=True)
        new = add(context, "products", name="FX3", category_id=cinema)
        context.session.commit()
    return {"cameras": cameras, "cinema": cinema, "cables": cables, "old": old, "new": new}


def page_of(client: PageClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def offered(page: str, field: str) -> set[int]:
    """Return the ids that a select of a form offers."""
    select = page.partition(f'id="{field}"')[2].partition("</select>")[0]
    return {int(value) for value in re.findall(r'value="(\d+)"', select)}


def test_a_category_shows_its_parts_and_begins_another(client: PageClient, shelf: dict[str, int]):
    page = page_of(client, f"/categories/{shelf['cameras']}")

    assert f'href="/categories/{shelf["cinema"]}">Cinema cameras</a>' in page
    assert f'href="/categories/new?parent_id={shelf["cameras"]}&amp;kind=asset"' in page


def test_a_part_of_a_category_says_what_it_is_part_of(client: PageClient, shelf: dict[str, int]):
    page = page_of(client, f"/categories/{shelf['cinema']}")

    assert f'<a href="/categories/{shelf["cameras"]}">Cameras</a>' in page
    assert "Add a subcategory" not in page


def test_a_reader_is_not_asked_to_add_parts(organization: Household, shelf: dict[str, int]):
    page = page_of(organization.member_client("auditor"), f"/categories/{shelf['cameras']}")

    assert "Cinema cameras" in page
    assert "Add a subcategory" not in page


def test_a_product_is_offered_categories_of_assets(client: PageClient, shelf: dict[str, int]):
    found = offered(page_of(client, "/products/new"), "category_id")

    assert {shelf["cameras"], shelf["cinema"]} <= found
    assert shelf["cables"] not in found


def test_an_archived_product_is_offered_to_no_new_asset_and_stays_with_its_own(
    organization: Household, client: PageClient, shelf: dict[str, int]
):
    with organization.context() as context:
        camera = add(context, "assets", product_id=shelf["old"])
        context.session.commit()

    assert offered(page_of(client, "/assets/new"), "product_id") == {shelf["new"]}
    assert offered(page_of(client, f"/assets/{camera}/edit"), "product_id") == {shelf["old"], shelf["new"]}


def test_a_status_becomes_the_first_of_its_lifecycle_on_its_page(organization: Household, client: PageClient):
    api = organization.api_client()
    body = {"name": "Ready", "lifecycle": "active", "label_type": "deployable", "is_default_for_lifecycle": True}

    ready = api.post("statuses", body).json["data"]

    found = api.get("statuses?lifecycle=active&is_default_for_lifecycle=true").json["data"]
    assert [one["id"] for one in found] == [ready["id"]]
    asset = api.post("assets", {"category_id": api.post("categories", {"name": "Things"}).json["data"]["id"]})
    assert asset.json["data"]["status"] == "Ready"
    refused = client.post(f"/statuses/{ready['id']}/delete")
    assert refused.status_code == 409
    assert "It is the first of its lifecycle" in refused.get_data(as_text=True)
