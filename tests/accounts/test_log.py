"""The log through the API: in order, without a gap, and only what the key may read."""

import pytest

from tests.factories import make
from tests.households import found_organization
from tests.rows import seal_log
from tests.statements import counted
from webapp.accounts import log
from webapp.core.jobs import run_job


def read(api, query="", status=200):
    seal_log(api.client.application, api.get("me").json["data"]["organization"]["id"])
    answer = api.get(f"activity?{query}")
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.json


def told(found):
    return [(line["resource"], line["item_id"], line["event"]) for line in found["data"]]


def site(api, name, **more):
    return api.post("locations", {"name": name, "kind": "site", **more}).json["data"]["id"]


def test_the_log_is_read_on_without_a_gap(api):
    start = read(api, "limit=1000")["next_after"]
    ids = [site(api, name) for name in ("Lisbon", "Porto", "Braga")]
    api.patch(f"locations/{ids[0]}", {"city": "Lisboa"})

    first = read(api, f"after={start}&limit=3")
    rest = read(api, f"after={first['next_after']}")

    assert told(first) == [("locations", row_id, "Create") for row_id in ids]
    assert told(rest) == [("locations", ids[0], "Update")]
    assert rest["data"][0]["changes"] == [{"field": "city", "old": None, "new": "Lisboa"}]
    assert [line["sequence"] for line in first["data"] + rest["data"]] == list(range(start + 1, start + 5))
    assert rest["next_after"] == rest["end"] == start + 4
    assert read(api, f"after={rest['end']}") == {"data": [], "next_after": rest["end"], "end": rest["end"]}


def test_what_is_asked_for_alone_is_told(api, organization):
    lisbon, porto = site(api, "Lisbon"), site(api, "Porto")
    other = organization.api_client()
    change = other.patch(f"locations/{porto}", {"city": "Porto"})
    line = read(api, "item_type=locations&event=Update")["data"][0]

    for query in (
        f"item_type=locations&item_id={porto}&event=Update",
        f"change_set_id={line['change_set_id']}",
        f"actor=key:{line['api_key_id']}&item_type=locations",
        f"at_after=2020-01-01T00:00:00Z&at_before=2100-01-01T00:00:00Z&item_type=locations&item_id={porto}&event=Update",
    ):
        assert [found["id"] for found in read(api, query)["data"]] == [line["id"]], query
    assert change.status_code == 200
    assert told(read(api, f"item_type=locations&item_id={lisbon}")) == [("locations", lisbon, "Create")]
    assert read(api, "at_before=2020-01-01T00:00:00Z")["data"] == []
    assert read(api, "event=Update%00x", 422)["errors"][0]["field"] == "event"


@pytest.mark.parametrize(
    "query",
    ["after=-1", "after=x", "limit=0", "limit=1001", "item_type=colours", "item_id=0", "actor=me", "actor=key:x",
     "at_after=yesterday", "colour=red", "after=1&after=2", "after=99999999999999999999"],
)  # fmt: skip
def test_what_makes_no_sense_is_named(api, query):
    assert read(api, query, 422)["errors"][0]["field"] == query.partition("=")[0]


def test_a_long_log_is_looked_through_in_stretches(api, monkeypatch):
    monkeypatch.setattr(log, "SCANNED", 2)
    end = read(api)["end"]
    lisbon = site(api, "Lisbon")

    page, found, asked = {"next_after": 0, "end": 1}, [], 0
    while page["next_after"] < page["end"]:
        page = read(api, f"after={page['next_after']}&item_type=locations")
        asked += 1
        found += told(page)

    assert asked >= end / 2
    assert found == [("locations", lisbon, "Create")]


def test_lines_are_told_of_what_the_key_may_read_alone(api, organization):
    site(api, "Lisbon")
    maker = api.post("manufacturers", {"name": "Sony"}).json["data"]["id"]
    key = organization.api_client(scopes=("activity:read", "manufacturers:read"))

    assert told(read(key)) == [("manufacturers", maker, "Create")]
    assert organization.api_client(scopes=("locations:read",)).get("activity").status_code == 403


def test_a_narrowed_key_reads_of_what_stands_in_its_part_now(api, organization):
    north, south = site(api, "North"), site(api, "South")
    hall = api.post("locations", {"name": "Hall", "parent_id": north}).json["data"]["id"]
    person = {"first_name": "Inês", "location_id": south}
    stays, comes, goes = (
        api.post("persons", person | {"location_id": place}).json["data"]["id"] for place in (south, south, hall)
    )
    gone = api.post("persons", person | {"location_id": hall}).json["data"]["id"]
    api.patch(f"persons/{comes}", {"location_id": hall})
    api.patch(f"persons/{goes}", {"location_id": south})
    api.delete(f"persons/{gone}")
    api.delete(f"locations/{south}")
    key = organization.api_client(("activity:read", "persons:read", "locations:read"), scope_location_id=north)

    found = told(read(key))

    assert found == [
        ("locations", north, "Create"),
        ("locations", hall, "Create"),
        ("persons", comes, "Create"),
        ("persons", gone, "Create"),
        ("persons", comes, "Update"),
        ("persons", gone, "Delete"),
    ]
    assert stays not in {row_id for _kind, row_id, _event in found}


def test_nothing_of_another_organization_is_told(app, api):
    theirs = found_organization(app)
    foreign = make(theirs, "manufacturers", name="Kanarienvogel")
    with theirs.context(write=False) as context:
        change_set_id = lines_of(context, foreign)[0]["change_set_id"]

    assert "Kanarienvogel" not in str(read(api, "limit=1000"))
    assert read(api, f"change_set_id={change_set_id}")["data"] == []
    assert api.get(f"changes/{change_set_id}").status_code == 404
    assert api.post(f"changes/{change_set_id}/undo").status_code == 404


def lines_of(context, row_id):
    from tests.rows import lines

    return lines(context, "manufacturers", row_id)


def test_own_fields_are_told_by_their_short_names_and_secrets_not_at_all(api):
    api.post("custom-fields", {"name": "Notch", "resource": "products", "kind": "number"})
    category = api.post("categories", {"name": "Cameras"}).json["data"]["id"]
    body = {"name": "FX3", "category_id": category, "custom": {"notch": 3}}
    product = api.post("products", body).json["data"]["id"]
    secret = api.post("api-keys", {"name": "Robot", "scopes": ["assets:read"]}).json["data"]["key"]

    found = read(api, "limit=1000")

    line = next(line for line in found["data"] if line["item_id"] == product and line["resource"] == "products")
    assert {"field": "custom.notch", "old": None, "new": "3"} in line["changes"]
    assert secret not in str(found)
    assert "password" not in str(found)


def test_reading_costs_as_many_statements_for_many_lines_as_for_few(app, api):
    costs = []
    for names in (("Lisbon",), [f"Place {number}" for number in range(40)]):
        for name in names:
            site(api, name)
        read(api)
        with counted(app) as cost:
            assert api.get("activity?limit=1000&item_type=locations").status_code == 200
        costs.append(len(cost.statements))

    assert costs[0] == costs[1] <= 8


def test_a_change_is_told_as_a_whole_and_taken_back_by_whom_did_it(api, organization):
    first, second = site(api, "Lisbon"), site(api, "Porto")
    body = {"action": "update", "ids": [first, second], "values": {"city": "Here"}}
    change_set_id = api.post("locations/bulk", body).json["data"]["change_set_id"]
    api.patch(f"locations/{second}", {"city": "There"})

    shown = api.get(f"changes/{change_set_id}").json
    refused = organization.api_client().post(f"changes/{change_set_id}/undo")
    undone = api.post(f"changes/{change_set_id}/undo")

    assert [line["item_id"] for line in shown["data"]] == [second, first]
    assert shown["next_before_id"] is None
    assert refused.status_code == 404
    assert (undone.json["data"]["restored"], len(undone.json["data"]["kept"])) == (1, 1)
    assert undone.json["data"]["kept"][0]["fields"] == ["city"]
    assert api.get(f"locations/{first}").json["data"]["city"] is None


def test_an_undo_can_be_left_to_a_job(api, organization):
    lisbon = site(api, "Lisbon")
    change_set_id = read(api, f"item_type=locations&item_id={lisbon}")["data"][0]["change_set_id"]

    queued = api.post(f"changes/{change_set_id}/undo", headers={"Prefer": "respond-async"})
    with organization.app.app_context():
        run_job(organization.id, queued.json["data"]["id"])

    assert queued.status_code == 202
    assert api.get(f"jobs/{queued.json['data']['id']}").json["data"]["counts"]["removed"] == 1
    assert api.get(f"locations/{lisbon}").status_code == 404


@pytest.mark.parametrize("path", ["changes/nonsense", "changes/00000000-0000-0000-0000-000000000000"])
def test_an_unknown_change_is_not_found(api, path):
    assert api.get(path).status_code == 404
    assert api.post(f"{path}/undo").status_code == 404
