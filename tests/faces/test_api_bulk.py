"""The same for many rows at once through the API: what is done, what is told, what goes on in the background."""

import pytest

from tests.factories import RESOURCES, make
from tests.households import found_organization
from tests.rows import add_many
from webapp.core.database import utcnow
from webapp.core.jobs import run_job
from webapp.faces import api_bulk, jobs


def bulk(api, kind, action, status=200, headers=None, **said):
    answer = api.post(f"{kind}/bulk", {"action": action, **said}, headers=headers or {})
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.json["data"] if status < 300 else answer.json


def places(api, *names):
    return [api.post("locations", {"name": name, "kind": "site"}).json["data"]["id"] for name in names]


def of(api, row_id, kind="locations"):
    return api.get(f"{kind}/{row_id}").json["data"]


def failures(found):
    return {failed["id"]: [(e["field"], e["code"]) for e in failed["errors"]] for failed in found["failed"]}


def test_rows_are_changed_in_one_act_and_each_fate_is_told(api):
    lisbon, porto = places(api, "Lisbon", "Porto")
    api.patch(f"locations/{porto}", {"city": "Porto"})
    floor = api.post("locations", {"name": "Floor", "parent_id": lisbon}).json["data"]["id"]

    found = bulk(api, "locations", "update", ids=[lisbon, porto, 987654], values={"city": "Porto"})
    nested = bulk(api, "locations", "update", ids=[lisbon, floor, porto], values={"parent_id": floor})

    assert (found["changed"], found["unchanged"]) == ([lisbon], [porto])
    assert failures(found) == {987654: [("id", "not_found")]}
    assert nested["changed"] == []
    assert set(failures(nested)) == {lisbon, floor, porto}
    lines = api.get(f"changes/{found['change_set_id']}").json["data"]
    assert [line["item_id"] for line in lines] == [lisbon]


def test_a_row_that_has_changed_since_it_was_read_fails_alone(api):
    lisbon, porto = places(api, "Lisbon", "Porto")
    api.patch(f"locations/{lisbon}", {"city": "Lisboa"})
    ids = [{"id": lisbon, "version": 1}, {"id": porto, "version": 1}]

    found = bulk(api, "locations", "update", ids=ids, values={"city": "Here"})

    assert (found["changed"], failures(found)) == ([porto], {lisbon: [("version", "stale_version")]})
    assert of(api, lisbon)["city"] == "Lisboa"


def test_rows_are_deleted_with_what_kept_them_and_restored(api):
    lisbon, porto = places(api, "Lisbon", "Porto")
    floor = api.post("locations", {"name": "Floor", "parent_id": lisbon}).json["data"]["id"]
    api.post("locations", {"name": "Cellar", "parent_id": porto})

    deleted = bulk(api, "locations", "delete", ids=[lisbon, floor, porto])
    restored = bulk(api, "locations", "restore", ids=[lisbon, floor, porto])

    assert (sorted(deleted["changed"]), failures(deleted)) == ([lisbon, floor], {porto: [("_", "in_use")]})
    assert deleted["failed"][0]["errors"][0]["blockers"][0]["count"] == 1
    assert (restored["changed"], failures(restored)) == ([lisbon, floor], {porto: [("id", "not_found")]})


def test_what_a_rule_keeps_says_why(api):
    statuses = {row["name"]: row["id"] for row in api.get("statuses").json["data"]}

    found = bulk(api, "statuses", "delete", ids=[statuses["Broken"]])

    assert failures(found) == {statuses["Broken"]: [("_", "is_system")]}


def test_a_filter_finds_what_a_list_would(api):
    lisbon, porto, braga = places(api, "Lisbon", "Porto", "Braga")
    api.patch(f"locations/{lisbon}", {"city": "Lisboa"})

    empty = bulk(api, "locations", "update", filter={"city_empty": True}, values={"city": "Norte"})
    several = bulk(api, "locations", "delete", filter={"id_in": [porto, lisbon], "city": "Norte"})
    back = bulk(api, "locations", "restore", filter={"q": "port"})

    assert empty["changed"] == [porto, braga]
    assert several["changed"] == back["changed"] == [porto]


def test_an_act_is_done_whole_or_not_at_all(api):
    annex, lisbon, porto = places(api, "Annex", "Lisbon", "Porto")
    shelf = api.post("locations", {"name": "Shelf", "kind": "shelf"}).json["data"]["id"]

    refused = bulk(api, "locations", "move", 422, ids=[porto, lisbon], values={"parent_id": shelf})
    moved = bulk(api, "locations", "move", ids=[porto, lisbon], values={"parent_id": annex})

    assert {error["field"] for error in refused["errors"]} == {"parent_id"}
    assert moved["changed"] == [porto, lisbon]
    assert {of(api, row_id)["parent"] for row_id in (lisbon, porto)} == {"Annex"}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"ids": [1]}, "action"),
        ({"action": "explode", "ids": [1]}, "action"),
        ({"action": "create", "ids": [1]}, "action"),
        ({"action": "update", "values": {"city": "x"}}, "ids"),
        ({"action": "update", "ids": [1], "filter": {"id": 1}, "values": {"city": "x"}}, "ids"),
        ({"action": "update", "ids": [], "values": {"city": "x"}}, "ids"),
        ({"action": "update", "ids": ["1"], "values": {"city": "x"}}, "ids"),
        ({"action": "update", "ids": [True], "values": {"city": "x"}}, "ids"),
        ({"action": "update", "ids": [2**63], "values": {"city": "x"}}, "ids"),
        ({"action": "update", "ids": [{"id": 1}], "values": {"city": "x"}}, "ids"),
        ({"action": "update", "ids": [1]}, "values"),
        ({"action": "update", "ids": [1], "values": {"colour": "x"}}, "values.colour"),
        ({"action": "update", "ids": [1], "values": {"name": None}}, "values.name"),
        ({"action": "update", "ids": [1], "values": []}, "values"),
        ({"action": "delete", "ids": [1], "values": {"city": "x"}}, "values"),
        ({"action": "restore", "ids": [{"id": 1, "version": 1}]}, "ids"),
        ({"action": "delete", "filter": {}}, "filter"),
        ({"action": "delete", "filter": {"colour": "x"}}, "filter.colour"),
        ({"action": "delete", "filter": {"per_page": 5}}, "filter.per_page"),
        ({"action": "delete", "filter": {"city": None}}, "filter.city"),
        ({"action": "delete", "ids": [1], "more": 1}, "more"),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(api, said, field):
    answer = api.post("locations/bulk", said)

    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])


def test_a_version_of_the_whole_is_refused(api):
    answer = api.post("locations/bulk", {"action": "delete", "ids": [1]}, headers={"If-Match": '"1"'})

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "If-Match")


def test_nothing_foreign_and_nothing_outside_is_touched(app, api, organization):
    theirs = make(found_organization(app), "locations")
    north, south = places(api, "North", "South")
    narrow = organization.api_client(scope_location_id=north)

    found = bulk(api, "locations", "update", ids=[theirs], values={"city": "x"})
    outside = bulk(narrow, "locations", "update", ids=[south, north], values={"city": "x"})

    assert failures(found) == {theirs: [("id", "not_found")]}
    assert (outside["changed"], failures(outside)) == ([north], {south: [("id", "not_found")]})


def test_who_may_not_write_changes_nothing(organization, api):
    (lisbon,) = places(api, "Lisbon")
    reader = organization.api_client(scopes=("locations:read",))

    bulk(reader, "locations", "delete", 403, ids=[lisbon])

    assert of(api, lisbon)["name"] == "Lisbon"


def run(organization, job_id):
    with organization.app.app_context():
        run_job(organization.id, job_id)


def test_what_is_asked_for_is_done_by_a_job_and_undone_as_one(api, organization, monkeypatch):
    monkeypatch.setattr(jobs, "CHUNK", 2)
    ids = places(api, "Lisbon", "Porto", "Braga", "Faro", "Évora")

    queued = api.post(
        "locations/bulk",
        {"action": "update", "ids": [*ids, 987654], "values": {"city": "Portugal"}},
        headers={"Prefer": "respond-async"},
    )
    job = queued.json["data"]
    run(organization, job["id"])

    assert (queued.status_code, queued.headers["Location"]) == (202, f"/api/v1/jobs/{job['id']}")
    assert queued.headers["Preference-Applied"] == "respond-async"
    done = api.get(queued.headers["Location"]).json["data"]
    assert (done["state"], done["done"], done["total"]) == ("done", 6, 6)
    assert {name: done["counts"][name] for name in ("changed", "unchanged", "failed")} == {
        "changed": 5,
        "unchanged": 0,
        "failed": 1,
    }
    assert done["counts"]["failures"][0]["id"] == 987654
    taken_back = api.post(f"changes/{job['change_set_id']}/undo").json["data"]
    assert taken_back == {"restored": 5, "removed": 0, "kept": []}
    assert {of(api, row_id)["city"] for row_id in ids} == {None}


def test_a_killed_job_goes_on_with_one_effect(api, organization, monkeypatch):
    monkeypatch.setattr(jobs, "CHUNK", 2)
    ids = places(api, "Lisbon", "Porto", "Braga", "Faro")
    body = {"action": "update", "ids": ids, "values": {"city": "Portugal"}}
    job_id = api.post("locations/bulk", body, headers={"Prefer": "respond-async"}).json["data"]["id"]
    step, calls = jobs._step, []

    def killed(*given):
        calls.append(given[2])
        if len(calls) == 2:
            raise RuntimeError("killed")
        return step(*given)

    monkeypatch.setattr(jobs, "_step", killed)
    run(organization, job_id)
    halfway = api.get(f"jobs/{job_id}").json["data"]
    with organization.context() as context:
        context.session.execute(
            jobs_table().update().where(jobs_table().c.id == job_id).values(run_at=utcnow()),
            execution_options={"tenant_checked": True},
        )
        context.session.commit()
    run(organization, job_id)

    assert (halfway["state"], halfway["done"]) == ("queued", 2)
    done = api.get(f"jobs/{job_id}").json["data"]
    assert (done["state"], done["counts"]["changed"]) == ("done", 4)
    assert calls == [ids[:2], ids[2:], ids[2:]]
    assert [len(api.get(f"locations/{row_id}/history").json["data"]) for row_id in ids] == [2, 2, 2, 2]


def jobs_table():
    from webapp.core.jobs import JOBS

    return JOBS


def test_an_act_that_a_step_refuses_is_told_for_its_rows_and_the_others_go_on(api, organization, monkeypatch):
    monkeypatch.setattr(jobs, "CHUNK", 2)
    annex, lisbon, porto, braga = places(api, "Annex", "Lisbon", "Porto", "Braga")
    body = {"action": "move", "ids": [annex, lisbon, porto, braga], "values": {"parent_id": annex}}
    job_id = api.post("locations/bulk", body, headers={"Prefer": "respond-async"}).json["data"]["id"]

    run(organization, job_id)

    counts = api.get(f"jobs/{job_id}").json["data"]["counts"]
    assert (counts["changed"], [failed["id"] for failed in counts["failures"]]) == (2, [annex, lisbon])
    assert [of(api, row_id)["parent"] for row_id in (lisbon, porto, braga)] == [None, "Annex", "Annex"]


def test_more_than_a_thousand_rows_go_to_a_job(api, organization):
    with organization.context() as context:
        ids = add_many(context, "manufacturers", [{"name": f"Maker {number}"} for number in range(1001)])
        context.session.commit()

    job = bulk(api, "manufacturers", "update", 202, filter={"id_after": 0}, values={"notes": "x"})
    run(organization, job["id"])

    assert job["total"] == 1001
    assert api.get(f"jobs/{job['id']}").json["data"]["counts"]["changed"] == 1001
    undone = api.post(f"changes/{job['change_set_id']}/undo")
    run(organization, undone.json["data"]["id"])
    assert undone.status_code == 202
    assert of(api, ids[-1], "manufacturers")["notes"] is None


def test_more_than_a_hundred_thousand_rows_are_too_many(api, monkeypatch):
    monkeypatch.setattr(api_bulk, "MOST_ROWS", 2)
    places(api, "Lisbon", "Porto", "Braga")

    assert bulk(api, "locations", "delete", 413, ids=[1, 2, 3])["code"] == "too_large"
    assert bulk(api, "locations", "delete", 413, filter={"id_after": 0})["code"] == "too_large"


def test_every_resource_that_changes_and_goes_offers_it(app):
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    offered = {r.name for r in RESOURCES.values() if f"/api/v1/{r.name}/bulk" in paths}

    assert offered == {r.name for r in RESOURCES.values() if {"update", "delete"} <= r.api}


def test_the_last_owner_is_kept_by_a_bulk_too(api, organization):
    owner = api.get("members?role=owner").json["data"][0]["id"]

    bulk(api, "members", "update", 409, ids=[owner], values={"role": "member"})

    assert of(api, owner, "members")["role"] == "owner"
