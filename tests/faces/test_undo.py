"""Taking an act back as a whole, from the sentence that tells of it."""

import re

from webapp.core.batch import deletable, delete_rows
from webapp.core.resource import registry


def locations(api):
    return sorted(row["name"] for row in api.get("locations").json["data"])


def make(api, *names):
    return [api.post("locations", {"name": name, "kind": "site"}).json["data"]["id"] for name in names]


def undo_url_of(client):
    page = client.get("/locations").text
    found = re.search(r"/changes/[0-9a-f-]{36}/undo", page)
    assert found, page
    return found.group()


def test_a_bulk_delete_is_taken_back_from_its_toast(client, api):
    ids = make(api, "Lisbon", "Porto", "Braga")

    client.post("/locations/bulk/delete", data={"id": ids[:2], "step": "apply"})
    left = locations(api)
    client.post(undo_url_of(client))

    assert left == ["Braga"]
    assert locations(api) == ["Braga", "Lisbon", "Porto"]


def test_an_edit_is_taken_back_only_where_nobody_was_since(client, api):
    (lisbon,) = make(api, "Lisbon")
    version = api.get(f"locations/{lisbon}").json["data"]["version"]
    client.post(f"/locations/{lisbon}/edit", data={"name": "Lisboa", "code": "LIS", "version": version})
    undo = undo_url_of(client)
    api.patch(f"locations/{lisbon}", {"code": "LX"})

    client.post(undo)

    row = api.get(f"locations/{lisbon}").json["data"]
    assert (row["name"], row["code"]) == ("Lisbon", "LX")


def test_nobody_takes_back_what_somebody_else_did(client, as_role, api):
    ids = make(api, "Lisbon")
    client.post("/locations/bulk/delete", data={"id": ids, "step": "apply"})

    answer = as_role("admin").post(undo_url_of(client))

    assert answer.status_code == 404
    assert locations(api) == []


def test_a_bulk_delete_spares_what_a_rule_keeps(context):
    statuses = registry.resources["statuses"]
    ids = [row["id"] for row in _all(context, statuses)]

    free, kept = deletable(context, statuses, ids)
    deleted = delete_rows(context, statuses, free)

    assert deleted == 0
    assert sorted(kept) == sorted(ids)


def _all(context, resource):
    from webapp.core.parameters import ListParameters
    from webapp.core.query import list_rows

    return list_rows(context, resource, ListParameters()).rows
