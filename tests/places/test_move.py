"""Moving a place with all that stands in it: on its page, through the API, and many at once."""

import re

import pytest

from tests.clients import ApiClient, PageClient
from tests.households import Household
from tests.rows import add, row, stored
from webapp.core.database import table_of
from webapp.places.models import LocationAncestor


@pytest.fixture
def tree(organization: Household) -> dict[str, int]:
    """Return the ids of a small tree: Lisbon / Hall / Shelf, and Porto."""
    with organization.context() as context:
        ids = {"Lisbon": add(context, "locations", name="Lisbon"), "Porto": add(context, "locations", name="Porto")}
        ids["Hall"] = add(context, "locations", name="Hall", parent_id=ids["Lisbon"])
        ids["Shelf"] = add(context, "locations", name="Shelf", kind="shelf", parent_id=ids["Hall"])
        context.session.commit()
    return ids


def above(organization: Household, location_id: int) -> set[int]:
    """Return what a place stands in, itself included."""
    with organization.context() as context:
        rows = stored(context, table_of(LocationAncestor))
    return {found["ancestor_id"] for found in rows if found["location_id"] == location_id}


def test_a_place_moves_with_all_that_stands_in_it(organization: Household, api: ApiClient, tree: dict[str, int]):
    answer = api.post(f"locations/{tree['Hall']}/move", {"parent_id": tree["Porto"]})

    assert answer.status_code == 200
    assert answer.json["data"]["parent"] == "Porto"
    assert answer.headers["ETag"] == f'"{answer.json["data"]["version"]}"'
    assert above(organization, tree["Shelf"]) == {tree["Shelf"], tree["Hall"], tree["Porto"]}


def test_a_place_moves_to_the_top(organization: Household, api: ApiClient, tree: dict[str, int]):
    answer = api.post(f"locations/{tree['Hall']}/move", {"parent_id": None})

    assert answer.json["data"]["parent_id"] is None
    assert above(organization, tree["Shelf"]) == {tree["Shelf"], tree["Hall"]}


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "parent_id"), ({"parent_id": 999_999}, "parent_id"), ({"parent_id": "x"}, "parent_id"),
     ({"parent_id": None, "colour": 1}, "colour")],
)  # fmt: skip
def test_a_move_that_says_nothing_sensible_is_refused(api: ApiClient, tree: dict[str, int], body: dict, field: str):
    answer = api.post(f"locations/{tree['Hall']}/move", body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_a_place_does_not_move_into_itself_nor_into_a_kind_that_cannot_hold_it(api: ApiClient, tree: dict[str, int]):
    for place, into in (("Lisbon", "Hall"), ("Hall", "Hall"), ("Hall", "Shelf")):
        answer = api.post(f"locations/{tree[place]}/move", {"parent_id": tree[into]})
        assert answer.status_code == 422, (place, into)
        assert answer.json["errors"][0]["field"] == "parent_id"


def test_a_move_of_what_is_not_there_is_not_found(api: ApiClient, other_organization: Household):
    with other_organization.context() as context:
        foreign = add(context, "locations")
        context.session.commit()

    for row_id in (foreign, 999_999_999):
        assert api.post(f"locations/{row_id}/move", {"parent_id": None}).status_code == 404


def test_a_move_needs_the_right_to_write_places(organization: Household, tree: dict[str, int]):
    reader = organization.api_client(("locations:read",))

    assert reader.post(f"locations/{tree['Hall']}/move", {"parent_id": None}).status_code == 403


def test_a_move_sent_twice_under_one_key_is_done_once(api: ApiClient, tree: dict[str, int]):
    headers = {"Idempotency-Key": "move-1"}
    url = f"locations/{tree['Hall']}/move"

    first, second = (api.post(url, {"parent_id": tree["Porto"]}, headers=headers) for _ in range(2))

    assert first.get_data() == second.get_data()
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_move_of_a_version_that_is_past_is_refused(api: ApiClient, tree: dict[str, int]):
    url = f"locations/{tree['Hall']}/move"
    api.post(url, {"parent_id": tree["Porto"]}, headers={"If-Match": '"1"'})

    assert api.post(url, {"parent_id": None}, headers={"If-Match": '"1"'}).status_code == 412


def test_the_document_tells_of_the_acts(api: ApiClient):
    paths = api.get("openapi.json").json["paths"]

    move = paths["/api/v1/locations/{row_id}/move"]["post"]
    assert set(move["responses"]) >= {"200", "401", "403", "404", "409", "412", "422", "429"}
    assert "Idempotency-Key" in str(move["parameters"])
    assert "/api/v1/locations/{row_id}/merge" in paths


def test_the_page_of_a_place_offers_its_acts_to_who_may_do_them(
    organization: Household, client: PageClient, tree: dict[str, int]
):
    url = f"/locations/{tree['Hall']}"

    assert f'href="{url}/move"' in client.get(url).get_data(as_text=True)
    assert f'href="{url}/merge"' in client.get(url).get_data(as_text=True)
    assert "/move" not in organization.member_client("auditor").get(url).get_data(as_text=True)


def nonce_of(page: str) -> str:
    """Return the number that makes a form count once."""
    found = re.search(r'name="nonce"[^>]*value="(\w+)"', page)
    assert found
    return found[1]


def test_the_dialog_offers_only_places_that_may_hold_it(client: PageClient, tree: dict[str, int]):
    answer = client.get(f"/locations/{tree['Hall']}/move", headers={"HX-Request": "true", "HX-Target": "dialog"})

    page = answer.get_data(as_text=True)
    offered = set(map(int, re.findall(r'<option[^>]*value="(\d+)"', page)))
    assert offered == {tree["Lisbon"], tree["Porto"]}
    assert "<html" not in page


def test_a_place_is_moved_on_its_page_and_the_toast_takes_it_back(
    organization: Household, client: PageClient, tree: dict[str, int]
):
    url = f"/locations/{tree['Hall']}/move"
    form = {"nonce": nonce_of(client.get(url).get_data(as_text=True)), "parent_id": str(tree["Porto"])}

    answers = [client.post(url, data=form) for _ in range(2)]

    assert [answer.headers["Location"] for answer in answers] == [f"/locations/{tree['Hall']}"] * 2
    page = client.get(f"/locations/{tree['Hall']}").get_data(as_text=True)
    undo = re.search(r'action="(/changes/[\w-]+/undo)"', page)
    assert undo
    assert "Hall was moved" in page
    client.post(undo[1])
    with organization.context() as context:
        assert row(context, "locations", tree["Hall"])["parent_id"] == tree["Lisbon"]


def test_a_move_that_is_refused_says_so_beside_the_field(client: PageClient, tree: dict[str, int]):
    answer = client.post(f"/locations/{tree['Lisbon']}/move", data={"parent_id": str(tree["Hall"])})

    assert answer.status_code == 422
    assert "Site cannot stand in Location." in answer.get_data(as_text=True)


def test_several_places_are_moved_at_once_or_none(organization: Household, client: PageClient, tree: dict[str, int]):
    ids = f"{tree['Shelf']},{tree['Lisbon']}"
    form = {"ids": ids, "step": "apply", "parent_id": str(tree["Hall"])}

    refused = client.post("/locations/bulk/move", data=form)
    assert refused.status_code == 422
    assert "Lisbon: Site cannot stand" in refused.get_data(as_text=True)

    done = client.post("/locations/bulk/move", data=form | {"parent_id": str(tree["Porto"])})
    assert done.status_code == 303
    assert above(organization, tree["Shelf"]) == {tree["Shelf"], tree["Porto"]}
    assert above(organization, tree["Lisbon"]) == {tree["Lisbon"], tree["Porto"]}


def test_places_are_merged_on_the_page_and_the_reader_lands_on_the_other(client: PageClient, tree: dict[str, int]):
    url = f"/locations/{tree['Lisbon']}/merge"
    form = {"nonce": nonce_of(client.get(url).get_data(as_text=True)), "into_id": str(tree["Porto"])}

    answer = client.post(url, data=form)

    assert answer.headers["Location"] == f"/locations/{tree['Porto']}"
    assert "Lisbon was merged" in client.get(f"/locations/{tree['Porto']}").get_data(as_text=True)


def test_a_merge_that_cannot_be_names_what_is_in_the_way(client: PageClient, tree: dict[str, int]):
    answer = client.post(f"/locations/{tree['Lisbon']}/merge", data={"into_id": str(tree["Shelf"])})

    assert answer.status_code == 409
    assert "Hall: Location cannot stand in Shelf." in answer.get_data(as_text=True)


def test_several_that_cannot_be_merged_say_why_and_stay(
    organization: Household, client: PageClient, tree: dict[str, int]
):
    form = {"ids": f"{tree['Porto']},{tree['Lisbon']}", "step": "apply", "into_id": str(tree["Shelf"])}

    answer = client.post("/locations/bulk/merge", data=form)

    assert answer.status_code == 409
    assert "Hall: Location cannot stand in Shelf." in answer.get_data(as_text=True)
    with organization.context() as context:
        assert row(context, "locations", tree["Porto"])["deleted_at"] is None


def test_several_are_merged_on_one_page_and_taken_back_by_its_toast(
    organization: Household, client: PageClient, tree: dict[str, int]
):
    form = {"ids": f"{tree['Porto']},{tree['Hall']}", "step": "apply", "into_id": str(tree["Lisbon"])}

    assert client.post("/locations/bulk/merge", data=form).status_code == 303

    undo = re.search(r'action="(/changes/[\w-]+/undo)"', client.get("/locations").get_data(as_text=True))
    assert undo
    client.post(undo[1])
    with organization.context() as context:
        assert row(context, "locations", tree["Shelf"])["parent_id"] == tree["Hall"]
        assert row(context, "locations", tree["Porto"])["deleted_at"] is None
