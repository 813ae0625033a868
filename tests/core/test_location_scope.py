"""Somebody narrowed to a part of the tree of places: what lies outside is not there, on any face."""

import io
from dataclasses import replace

import pytest

from tests.factories import CANARY, RESOURCES, form_of, having, make, patch_for, songs
from tests.households import found_organization
from tests.snapshots import snapshot
from webapp.core.jobs import run_job
from webapp.imports import rules as imports

LOCATED = [resource for resource in RESOURCES.values() if resource.located_by]
PLACED = [resource for resource in LOCATED if resource.located_by != "id"]


def each(resources):
    return pytest.mark.parametrize("resource", resources, ids=lambda resource: resource.name)


class Manor:
    """An organization with two sites: the north, which somebody manages, and the south, full of canaries."""

    def __init__(self, app):
        self.household = found_organization(app)
        self.north = self.place(name="North", kind="site")
        self.south = self.place(**songs("locations") | {"kind": "site"})
        hall, aviary = (
            self.place(name="Hall", parent_id=self.north),
            self.place(**songs("locations"), parent_id=self.south),
        )
        self.inside, self.outside = {"locations": hall}, {"locations": aviary}
        for resource in PLACED:
            self.inside[resource.name] = make(self.household, resource.name, **self.at(resource, hall))
            self.outside[resource.name] = make(
                self.household, resource.name, **self.at(resource, aviary), **songs(resource.name)
            )
        self.manager = self.household.member_client("manager", scope_location_id=self.north)
        self.api = self.household.api_client(scope_location_id=self.north)

    def place(self, **given):
        return make(self.household, "locations", **{"kind": "location", "parent_id": None} | given)

    @staticmethod
    def at(resource, location_id):
        """Return what puts a row at a place, and to nothing that lies elsewhere."""
        alone = {name: None for name, item in resource.references.items() if item.target in {r.name for r in LOCATED}}
        return alone | {resource.located_by: location_id}


STRANGERS = [
    (resource, name)
    for resource in PLACED
    for name, item in resource.references.items()
    if item.target in {located.name for located in LOCATED} and name != resource.located_by and not item.dump_only
    if (resource.name, name) != ("assets", "parent_id")  # contents are where their container is
]


@pytest.fixture(scope="module")
def manor(app):
    return Manor(app)


def silent(answer, *statuses):
    body = answer.get_data(as_text=True)
    assert answer.status_code in (statuses or (200,)), body[:2000]
    assert CANARY not in body.casefold()
    return answer


def ids_of(answer):
    return [row["id"] for row in silent(answer).json["data"]]


@each(LOCATED)
def test_a_list_holds_the_part_and_counts_it(manor, resource):
    answer = manor.api.get(f"{resource.name}?per_page=1000")

    found = ids_of(answer)
    assert manor.inside[resource.name] in found
    assert manor.outside[resource.name] not in found
    assert answer.json["pagination"]["total"] == len(found)


@each(LOCATED)
@pytest.mark.parametrize("query", ["id={outside}", "id_in={outside},999999", "q=kanarien", "q=ka", "deleted=true"])
def test_nothing_one_asks_for_leads_out(manor, resource, query):
    asked = query.format(outside=manor.outside[resource.name])

    answer = manor.api.get(f"{resource.name}?{asked}")

    assert ids_of(answer) == []
    assert answer.json["pagination"]["total"] == 0


@each(PLACED)
@pytest.mark.parametrize("op", ["", "_in", "_within"])
def test_a_filter_by_a_place_outside_finds_nothing(manor, resource, op):
    assert ids_of(manor.api.get(f"{resource.name}?{resource.located_by}{op}={manor.south}")) == []


@each(LOCATED)
def test_what_lies_outside_is_not_found(manor, resource):
    path = f"{resource.name}/{manor.outside[resource.name]}"

    for method, act in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/restore"), ("GET", "/history")):
        silent(manor.api.request(method, f"{path}{act}", {} if method == "PATCH" else None), 404)
    for act in ("", "/edit", "/delete", "/history"):
        silent(manor.manager.get(f"/{path}{act}"), 404)
    for act in ("/edit", "/delete", "/restore", "/undo"):
        silent(manor.manager.post(f"/{path}{act}"), 404)
    silent(manor.api.get(f"{resource.name}/{manor.inside[resource.name]}"))


@each(LOCATED)
def test_what_was_deleted_outside_is_not_found_either(manor, resource):
    gone = make(manor.household, resource.name, **(manor.at(resource, manor.outside["locations"]) if resource in PLACED
                else {"kind": "location", "parent_id": manor.south}) | songs(resource.name))  # fmt: skip
    manor.household.api_client().delete(f"{resource.name}/{gone}")

    assert gone not in ids_of(manor.api.get(f"{resource.name}?deleted=true"))
    silent(manor.api.post(f"{resource.name}/{gone}/restore"), 404)
    silent(manor.manager.get(f"/{resource.name}?deleted=true"))


@each(LOCATED)
def test_pages_show_the_part_alone(manor, resource):
    for path in ("", "?panel=filter", "/new", "/export.csv", f"/{manor.inside[resource.name]}/edit", "/choices?q="):
        assert manor.manager.get(f"/{resource.name}{path}").status_code == 200
        silent(manor.manager.get(f"/{resource.name}{path}"))
    assert f'data-row="{manor.inside[resource.name]}"' in silent(manor.manager.get(f"/{resource.name}")).get_data(
        as_text=True
    )


def test_no_page_without_an_id_shows_what_lies_outside(app, manor):
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods and not rule.arguments and not rule.rule.startswith("/api/"):
            silent(manor.manager.get(rule.rule, follow_redirects=True), 200, 403, 404)


@each(PLACED)
def test_no_id_that_one_sends_is_answered_with_a_name(manor, resource):
    for name, item in resource.references.items():
        if item.target in manor.outside and not item.dump_only:
            for path in ("?{}={}", "?panel=filter&{}={}", "?{}_in={},1", "/new?{}={}"):
                silent(manor.manager.get(f"/{resource.name}{path}".format(name, manor.outside[item.target])))


@each(PLACED)
def test_the_history_does_not_name_where_a_thing_came_from(manor, resource):
    full = manor.household.api_client()
    row_id = make(manor.household, resource.name, **manor.at(resource, manor.outside["locations"]))
    full.patch(f"{resource.name}/{row_id}", {resource.located_by: manor.inside["locations"]})

    for path in ("", "/history"):
        silent(manor.manager.get(f"/{resource.name}/{row_id}{path}"))
    silent(manor.api.get(f"{resource.name}/{row_id}/history"))


@each(PLACED)
@pytest.mark.parametrize("where", ["outside", "nowhere"])
def test_nothing_is_put_outside(manor, resource, where):
    place = {resource.located_by: manor.outside["locations"]} if where == "outside" else {}
    patch = dict(patch_for(manor.household, resource.name, **manor.at(resource, None)).items()) | place
    before = snapshot(manor.household)

    created = silent(manor.api.post(resource.name, patch), 422)
    moved = silent(
        manor.api.patch(f"{resource.name}/{manor.inside[resource.name]}", {resource.located_by: None} | place), 422
    )

    for answer in (created, moved):
        assert {error["field"] for error in answer.json["errors"]} == {resource.located_by}
    silent(manor.manager.post(f"/{resource.name}/new", data=form_of(patch)), 422)
    assert snapshot(manor.household) == before


@each(having("update", face="pages"))
@pytest.mark.parametrize("act", ["edit", "delete"])
def test_a_bulk_act_reaches_nothing_outside(manor, resource, act):
    if resource not in LOCATED:
        return
    before = snapshot(manor.household)

    for form in ({"ids": manor.outside[resource.name]}, {"all": "1", "query": f"id={manor.outside[resource.name]}"}):
        data = form | {"step": "apply", "apply": "notes", "notes": "x"}
        silent(manor.manager.post(f"/{resource.name}/bulk/{act}", data=data), 303)

    assert snapshot(manor.household) == before


@each([resource for resource in LOCATED if resource.sync_key])
def test_a_sync_does_not_touch_or_name_what_lies_outside(manor, resource):
    full = manor.household.api_client()
    row = full.get(f"{resource.name}/{manor.outside[resource.name]}").json["data"]
    place = "location" if resource in PLACED else "parent"
    needed = {name: row[name] for name in ("category", "first_name") if name in row}
    inside = {"location": "North / Hall"} if resource in PLACED else {}
    before = snapshot(manor.household)
    items = [
        {resource.sync_key: row[resource.sync_key], "notes": "Touched", **needed, **inside},
        {resource.sync_key: "new-1@example.org", **needed, place: row[place]},
    ]

    found = manor.api.post(f"{resource.name}/sync", {resource.name: items}).json["data"]

    told = [error["message"] for item in found["failed"] for error in item["errors"]]
    assert [found[fate] for fate in ("created", "updated", "unchanged")] == [[], [], []]
    assert [message for message in told if CANARY in message and not message.startswith("There is no")] == []
    assert snapshot(manor.household) == before


@each([resource for resource in LOCATED if resource.unique])
def test_who_has_a_taken_value_outside_is_not_told(manor, resource):
    rule = resource.unique[0]
    full = manor.household.api_client()
    taken = full.get(f"{resource.name}/{manor.outside[resource.name]}").json["data"][rule.field]
    patch = patch_for(manor.household, resource.name, **manor.at(resource, manor.inside["locations"]))
    if resource in PLACED:
        silent(manor.api.post(resource.name, patch | {rule.field: taken.upper()}), 422)


def test_an_import_goes_into_the_part_alone(app, manor):
    actor = replace(
        manor.household.actor("manager", scope_location_id=manor.north), user_id=manor.household.owner.user_id
    )
    place = manor.household.api_client().get(f"locations/{manor.outside['locations']}").json["data"]["name"]
    file = io.BytesIO(f"Name,Category,Location\nCamera,Cameras,{place}\nLamp,Cameras,\n".encode())
    with manor.household.context(actor) as context:
        import_id = imports.upload(context, "assets", file, "list.csv")
        job_id = imports.get_import(context, import_id)["job_id"]
        context.session.commit()
    with app.app_context():
        run_job(manor.household.id, job_id)

    with manor.household.context(actor) as context:
        planned = imports.list_rows(context, import_id)

    assert [row["fate"] for row in planned] == ["error", "error"]


def test_a_place_above_the_part_is_known_by_name_only_as_a_path(manor):
    rows = silent(manor.api.get("locations?per_page=1000")).json["data"]

    assert {row["name"] for row in rows} == {"North", "Hall"}
    assert {row["parent"] for row in rows} == {None, "North"}


@pytest.mark.parametrize(("resource", "name"), STRANGERS, ids=lambda value: getattr(value, "name", value))
def test_what_a_thing_inside_refers_to_outside_is_not_named(manor, resource, name):
    outside = manor.outside[resource.references[name].target]
    row_id = make(manor.household, resource.name, **manor.at(resource, manor.inside["locations"]) | {name: outside})

    for path in ("", f"/{row_id}", f"/{row_id}/history", f"/{row_id}/edit", "/export.csv"):
        silent(manor.manager.get(f"/{resource.name}{path}"))
    for path in ("", f"/{row_id}", f"/{row_id}/history"):
        silent(manor.api.get(f"{resource.name}{path}"))
