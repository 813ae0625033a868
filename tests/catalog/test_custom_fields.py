"""Definitions of own fields and their sets: what they may be, and what becomes of values when they go."""

import re
from datetime import timedelta
from html import unescape

import pytest
import time_machine
from sqlalchemy import select

from tests.markup import Page
from tests.rows import add_many, resource, stored
from webapp.catalog.custom_fields import slug_of
from webapp.catalog.jobs import CHUNK
from webapp.core.custom import VALUES, tailor
from webapp.core.jobs import JOBS, run_job
from webapp.core.query import get_row
from webapp.core.tenancy import CHECKED, scoped


def define(api, **given):
    return api.post("custom-fields", {"name": "RAM", "resource": "assets", "kind": "number"} | given)


def told(answer):
    """Return {field: message} of an answer's errors."""
    assert answer.status_code == 422, answer.json
    return {error["field"]: error["message"] for error in answer.json["errors"]}


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("RAM", "ram"),
        ("Größe (mm)", "grosse_mm"),
        ("2nd owner", "field_2nd_owner"),
        ("Наклейка", "field"),
        ("-", "field"),
    ],
)
def test_a_short_name_is_made_of_the_name(name, slug):
    assert slug_of(name) == slug


def test_a_field_is_named_for_the_api_and_stays_so(api):
    made = define(api, name="Screen size").json["data"]

    renamed = api.patch(f"custom-fields/{made['id']}", {"name": "Diagonal"}).json["data"]

    assert (made["slug"], renamed["slug"]) == ("screen_size", "screen_size")


@pytest.mark.parametrize("patch", [{"slug": "other"}, {"kind": "text"}, {"resource": "persons"}])
def test_kind_resource_and_short_name_are_for_good(api, patch):
    made = define(api).json["data"]["id"]

    assert told(api.patch(f"custom-fields/{made}", patch)) == {next(iter(patch)): "This cannot be changed any more."}


@pytest.mark.parametrize("slug", ["", "1a", "a-b", "a.b", "a" * 61, "custom.x", "ä"])
def test_a_short_name_is_plain(api, slug):
    answer = define(api, slug=slug)

    assert answer.status_code == (201 if slug == "" else 422)


def test_names_are_one_a_resource(api):
    define(api)

    assert set(told(define(api, name="ram", slug="other"))) == {"name"}
    assert set(told(define(api, name="Other", slug="ram"))) == {"slug"}
    assert define(api, resource="products").status_code == 201


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({"kind": "choice"}, "options"),
        ({"kind": "number", "options": ["a"]}, "options"),
        ({"kind": "choice", "options": ["a", "b"], "default_value": "c"}, "default_value"),
        ({"kind": "number", "default_value": "many"}, "default_value"),
        ({"kind": "boolean", "default_value": "maybe"}, "default_value"),
        ({"kind": "date", "default_value": "31.12.2025"}, "default_value"),
        ({"kind": "url", "default_value": "example.org"}, "default_value"),
        ({"kind": "colour"}, "kind"),
        ({"resource": "activity"}, "resource"),
    ],
)
def test_a_field_makes_sense_in_itself(api, given, wrong):
    assert set(told(define(api, **given))) == {wrong}


def test_a_hundred_fields_a_resource_are_enough_and_none_comes_back_beyond(api, context):
    fields = [
        {"name": f"F{n}", "slug": f"f{n}", "resource": "assets", "kind": "text", "options": []} for n in range(99)
    ]
    add_many(context, "custom-fields", fields)
    context.session.commit()
    hundredth = define(api).json["data"]["id"]
    api.delete(f"custom-fields/{hundredth}")
    assert define(api, name="Another").status_code == 201

    assert set(told(define(api, name="Too many"))) == {"resource"}
    assert api.post(f"custom-fields/{hundredth}/restore").status_code == 409
    assert define(api, name="Elsewhere", resource="persons").status_code == 201


def test_a_set_takes_fields_of_assets_in_the_order_they_are_given(api):
    for name in ("RAM", "Disk"):
        define(api, name=name)
    define(api, name="Shelf", resource="locations")

    made = api.post("field-sets", {"name": "Laptop", "fields": ["ram", "disk", "ram"]}).json["data"]
    wrong = api.post("field-sets", {"name": "Other", "fields": ["shelf"]})

    assert made["fields"] == ["ram", "disk"]
    assert set(told(wrong)) == {"fields"}


def test_the_page_of_a_set_names_its_fields(api, client):
    define(api, name="Memory size", slug="ram")
    made = api.post("field-sets", {"name": "Laptop", "fields": ["ram"]}).json["data"]

    page = client.get(f"/field-sets/{made['id']}").get_data(as_text=True)

    assert "Memory size" in page


def test_a_field_in_a_set_and_a_set_on_a_product_stay(api):
    field = define(api).json["data"]["id"]
    chosen = api.post("field-sets", {"name": "Laptop", "fields": ["ram"]}).json["data"]["id"]
    category = api.post("categories", {"name": "Things", "kind": "asset"}).json["data"]["id"]
    api.post("products", {"name": "ThinkPad", "category_id": category, "field_set_id": chosen})

    for path in (f"custom-fields/{field}", f"field-sets/{chosen}"):
        assert api.delete(path).status_code == 409, path


def jobs_of(context, kind):
    query = select(JOBS).where(scoped(context.session, JOBS), JOBS.c.kind == kind)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def run_all(organization, kind):
    with organization.context(write=False) as context:
        waiting = [(job["id"], job["run_at"]) for job in jobs_of(context, kind) if job["state"] == "queued"]
    with organization.app.app_context():
        for job_id, due in waiting:
            with time_machine.travel(due + timedelta(seconds=1)):
                run_job(organization.id, job_id)


def with_value(api, **given):
    """Make a text of manufacturers and a thing that has one; return both ids."""
    field = define(api, name="Gem", resource="manufacturers", kind="text").json["data"]["id"]
    made = api.post("manufacturers", {"name": "A", "custom": {"gem": "ruby"}}).json["data"]["id"]
    return field, made


def found_by(api, word):
    return [row["name"] for row in api.get(f"manufacturers?q={word}").json["data"]]


def test_the_words_of_a_deleted_field_are_found_no_more_and_again_when_it_returns(api, organization):
    field, made = with_value(api)
    api.delete(f"custom-fields/{field}")
    run_all(organization, "refresh_own_words")

    gone = found_by(api, "ruby")
    api.patch(f"manufacturers/{made}", {"notes": "written meanwhile"})
    api.post(f"custom-fields/{field}/restore")
    run_all(organization, "refresh_own_words")

    assert (gone, found_by(api, "ruby")) == ([], ["A"])


def values_left(organization, made):
    with organization.context(write=False) as context:
        row = get_row(context, resource("manufacturers"), made)
        kept = context.session.execute(
            select(resource("manufacturers").table.c.custom).where(
                scoped(context.session, resource("manufacturers").table)
            ),
            execution_options=CHECKED,
        ).scalars()
        return list(kept), len(stored(context, VALUES)), row["version"]


def test_values_of_a_deleted_field_are_purged_after_thirty_days(api, organization):
    field, made = with_value(api)
    api.delete(f"custom-fields/{field}")
    with organization.context(write=False) as context:
        [job] = jobs_of(context, "purge_own_values")
        deleted = get_row(context, resource("custom-fields"), field, deleted=True)["deleted_at"]

    run_all(organization, "purge_own_values")

    assert job["run_at"] - deleted == timedelta(days=30)
    assert values_left(organization, made) == ([{}], 0, 1)
    assert api.get(f"manufacturers/{made}").json["data"]["custom"] == {}


def test_a_field_that_came_back_keeps_its_values(api, organization):
    field, made = with_value(api)
    api.delete(f"custom-fields/{field}")
    api.post(f"custom-fields/{field}/restore")

    run_all(organization, "purge_own_values")

    assert api.get(f"manufacturers/{made}").json["data"]["custom"] == {"gem": "ruby"}


def test_a_purge_takes_every_row_of_its_field_and_none_of_others_or_of_another_organization(
    api, organization, other_organization
):
    other = other_organization.api_client()
    _theirs, spared = with_value(other)
    field, _made = with_value(api)
    api.post("custom-fields", {"name": "Size", "resource": "manufacturers", "kind": "number"})
    with organization.context() as context:
        tailored = tailor(context, resource("manufacturers"))
        many = [{"name": f"M{n}", "custom.gem": "opal", "custom.size": n} for n in range(CHUNK + 5)]
        add_many(context, tailored.name, many)
        context.session.commit()
    api.delete(f"custom-fields/{field}")

    run_all(organization, "purge_own_values")

    with organization.context(write=False) as context:
        assert {value["text_value"] for value in stored(context, VALUES)} == {None}
        assert len(stored(context, VALUES)) == CHUNK + 5
    assert other.get(f"manufacturers/{spared}").json["data"]["custom"] == {"gem": "ruby"}


HTMX = {"HX-Request": "true", "HX-Target": "own-fields"}


@pytest.fixture
def shop(api):
    """Fields RAM (needed) and Disk in a set, Room (by default "A1") in none; (product with the set, product without)."""
    for name, more in (
        ("Disk", {}),
        ("RAM", {"is_required": True, "help": "In gigabytes"}),
        ("Room", {"kind": "text", "default_value": "A1"}),
    ):
        assert define(api, name=name, **more).status_code == 201
    chosen = api.post("field-sets", {"name": "Laptop", "fields": ["ram", "disk"]}).json["data"]["id"]
    category = api.post("categories", {"name": "Things", "kind": "asset"}).json["data"]["id"]
    laptop, chair = (
        api.post("products", {"name": name, "category_id": category, "field_set_id": field_set}).json["data"]["id"]
        for name, field_set in (("ThinkPad", chosen), ("Chair", None))
    )
    return laptop, chair


def own_part(client, path, **query):
    answer = client.get(path, query_string=query, headers=HTMX)
    assert answer.status_code == 200
    return Page(answer)


def test_a_form_draws_the_fields_of_no_set_with_their_defaults_at_its_end(client, shop):
    page = Page(client.get("/assets/new"))

    assert page.form["custom.room"] == ["A1"]
    assert not {"custom.ram", "custom.disk"} & set(page.form)
    assert page.text.rindex("Own fields") > page.text.rindex("Notes")


def test_a_chosen_product_draws_its_set_in_its_order_and_keeps_what_was_typed(client, shop):
    laptop, chair = shop
    part = own_part(client, "/assets/new", product_id=laptop, **{"custom.room": "B2"})

    assert "Laptop RAM" in part.text
    assert part.text.index("RAM") < part.text.index("Disk") < part.text.index("Own fields") < part.text.index("Room")
    assert "In gigabytes" in part.text
    assert re.search(r'<input[^>]*name="custom\.ram"[^>]*required', part.html)
    assert 'value="B2"' in part.html
    assert "RAM" not in own_part(client, "/assets/new", product_id=chair).text


def test_without_scripts_saving_draws_what_the_product_needs(client, api, shop):
    laptop, _chair = shop
    form = Page(client.get("/assets/new")).form

    refused = client.post("/assets/new", data=form | {"product_id": str(laptop)})
    page = Page(refused)
    client.post("/assets/new", data=page.form | {"custom.ram": "16"})

    assert (refused.status_code, "This is needed." in page.text) == (422, True)
    [made] = api.get("assets").json["data"]
    assert made["custom"] == {"disk": None, "ram": 16, "room": "A1"}


def test_a_value_that_another_product_hides_stays_and_can_be_cleared_when_it_shows_again(client, api, shop):
    laptop, chair = shop
    made = api.post("assets", {"product_id": laptop, "custom": {"ram": 16, "disk": 512}}).json["data"]["id"]
    path = f"/assets/{made}/edit"

    client.post(path, data=Page(client.get(path)).form | {"product_id": str(chair)})
    moved = api.get(f"assets/{made}").json["data"]
    form = Page(client.get(path)).form
    shown = own_part(client, path, product_id=laptop)
    drawn = fields_of(shown)
    client.post(path, data=form | drawn | {"product_id": str(laptop), "custom.disk": ""})

    assert (moved["product_id"], moved["custom"]["ram"], moved["custom"]["disk"]) == (chair, 16, 512)
    after = api.get(f"assets/{made}").json["data"]
    assert (after["product_id"], after["custom"]["ram"], after["custom"]["disk"]) == (laptop, 16, None)


def fields_of(page):
    """Return what the inputs of a part of a form send."""
    found = re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', page.html)
    return {name: unescape(value) for name, value in found}


def test_choices_that_are_no_longer_offered_stay_until_somebody_changes_them(client, api):
    field = define(api, name="Size", resource="manufacturers", kind="choice", options=["S", "M"]).json["data"]["id"]
    made = api.post("manufacturers", {"name": "A", "custom": {"size": "S"}}).json["data"]["id"]
    api.patch(f"custom-fields/{field}", {"options": ["M", "L"]})
    path = f"/manufacturers/{made}/edit"

    client.post(path, data=Page(client.get(path)).form | {"notes": "New"})

    after = api.get(f"manufacturers/{made}").json["data"]
    assert (after["notes"], after["custom"]) == ("New", {"size": "S"})


def test_the_order_of_a_sets_fields_is_that_in_which_they_were_chosen(client, api):
    for name in ("RAM", "Disk", "Screen"):
        define(api, name=name)
    form = Page(client.get("/field-sets/new")).form
    client.post("/field-sets/new", data=form | {"name": "Laptop", "fields": ["", "screen", "ram"]})
    [made] = api.get("field-sets").json["data"]
    path = f"/field-sets/{made['id']}/edit"

    drawn = Page(client.get(path)).form
    client.post(path, data=drawn | {"fields": ["", "ram", "screen"]})

    assert (made["fields"], drawn["fields"]) == (["screen", "ram"], ["", "screen", "ram"])
    assert api.get("field-sets").json["data"][0]["fields"] == ["ram", "screen"]


def test_the_document_of_the_api_tells_own_fields_in_what_is_sent_and_answered(app):
    document = app.test_client().get("/api/v1/openapi.json").json
    schemas = document["components"]["schemas"]

    for name in ("Asset", "AssetPatch", "AssetSyncItem"):
        assert schemas[name]["properties"]["custom"]["type"] == "object", name
        assert not schemas[name]["properties"]["custom"].get("readOnly"), name
    assert "custom.<slug>" in document["paths"]["/api/v1/assets"]["get"]["description"]
    assert "description" not in document["paths"]["/api/v1/members"]["get"]
