"""Lists as pages: their filters, their files, and what is done to a selection."""

import csv
import io
import re

import pytest

from tests.factories import having
from tests.markup import Page
from tests.rows import add, add_many, any_category
from webapp.faces import words

LISTS = having("list", face="pages")


def read(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Page(answer)


def names_of(client, path):
    return re.findall(r'name="id" value="\d+" aria-label="Select ([^"]+)"', read(client, path).html)


def sheet(client, link):
    answer = client.get(link)
    return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def export_link(client, path):
    return re.search(r'href="([^"]+export\.csv[^"]*)"', read(client, path).html)[1].replace("&amp;", "&")


@pytest.fixture
def places(context):
    """Three sites, and one that is none."""
    lisbon = add(context, "locations", name="Lisbon", code="LIS")
    for name in ("Porto", "Port Vila"):
        add(context, "locations", name=name)
    add(context, "locations", name="Floor 2", kind="location", parent_id=lisbon)
    context.session.commit()


def test_a_file_holds_just_what_is_shown(client, places):
    link = export_link(client, "/locations?kind=site&sort=-name&fields=code,name")

    rows = sheet(client, link)
    assert [row[:-1] for row in rows] == [["Code", "Name"], ["", "Porto"], ["", "Port Vila"], ["LIS", "Lisbon"]]
    assert rows[0][-1] == "Global id"


def test_a_file_has_ones_usual_columns(client, places):
    fields = {"order": ["name", "code"], "show": ["name"], "query": ""}
    client.post("/locations/columns", data=fields)

    rows = sheet(client, export_link(client, "/locations?kind=location"))
    assert [row[:-1] for row in rows] == [["Name"], ["Floor 2"]]


def test_a_searched_file_is_in_the_order_of_the_screen(client, places):
    shown = names_of(client, "/locations?q=port")

    found = sheet(client, export_link(client, "/locations?q=port&fields=name"))

    assert [row[0] for row in found[1:]] == shown
    assert sorted(shown) == ["Port Vila", "Porto"]


@pytest.mark.parametrize("resource", LISTS, ids=lambda resource: resource.name)
def test_everything_that_is_kept_can_be_filtered_by(client, resource):
    asked = read(client, f"/{resource.name}?panel=filter").html

    for name, item in resource.stored.items():
        if (
            item.kind in {"text", "choice", "reference", "amount", "number", "whole", "day", "flag"}
            and name not in UNASKED
        ):
            assert re.search(rf'name="{name}(_in|_within|_after)?"', asked), name


UNASKED = {"id", "guid", "version"}


def test_a_day_of_a_moment_is_the_readers_own(client, api, places):
    day = api.get("locations").json["data"][0]["created_at"][:10]

    assert names_of(client, f"/locations?created_at_after={day}") == []
    assert names_of(client, f"/locations?created_at_before={day}") == []
    assert "after" in read(client, f"/locations?created_at_after={day}").text


def test_a_chip_says_what_a_filter_does_in_words(client, places):
    text = read(client, "/locations?code_empty=true&kind_not=location&name=porto").text

    assert "Code: empty" in text
    assert "Kind: not Location" in text
    assert "Name: porto" in text


def test_many_rows_are_changed_and_taken_back_by_one_click(client, api, context):
    category = any_category(context)
    ids = add_many(context, "assets", [{"name": f"Camera {n}", "category_id": category} for n in range(600)])
    context.session.commit()
    chosen = {"all": "1", "query": f"category_id={category}"}
    form = Page(client.get("/assets/bulk/edit", query_string=chosen)).form

    answer = client.post("/assets/bulk/edit", data=form | {"apply": "notes", "notes": "Counted in autumn"})
    assert answer.status_code == 303, Page(answer).text
    page = read(client, "/assets")
    assert "600 assets were changed" in page.text
    client.post(re.search(r"/changes/[0-9a-f-]{36}/undo", page.html).group())

    rows = api.get("assets?per_page=1000&fields=notes").json["data"]
    assert len(rows) == len(ids)
    assert {row["notes"] for row in rows} == {None}


def test_many_rows_are_deleted_and_brought_back_by_one_click(client, api, context):
    category = any_category(context)
    add_many(context, "assets", [{"name": f"Camera {n}", "category_id": category} for n in range(600)])
    context.session.commit()

    client.post("/assets/bulk/delete", data={"all": "1", "query": f"category_id={category}", "step": "apply"})
    assert api.get("assets").json["pagination"]["total"] == 0
    client.post(re.search(r"/changes/[0-9a-f-]{36}/undo", read(client, "/assets").html).group())

    assert api.get("assets").json["pagination"]["total"] == 600


def test_a_selection_leads_back_to_the_list_it_was_made_in(client, api, places):
    (porto,) = [row["id"] for row in api.get("locations?name=porto").json["data"]]

    sent = {"id": porto, "step": "apply", "query": "kind=site&sort=-name"}
    answer = client.post("/locations/bulk/delete", data=sent)

    assert answer.location == "/locations?kind=site&sort=-name"


def test_a_copy_starts_with_all_but_what_is_its_own(client, context):
    maker = add(context, "manufacturers", name="Sony")
    row = add(context, "products", name="ILME-FX3", model_number="FX3", manufacturer_id=maker, notes="Full frame")
    context.session.commit()

    form = read(client, f"/products/new?from={row}").form

    assert form["manufacturer_id"] == [str(maker)]
    assert form["notes"] == ["Full frame"]
    assert form["name"] == [""]


def test_a_ticked_row_is_duplicated_and_two_are_not(client, api, places):
    ids = [row["id"] for row in api.get("locations").json["data"]]

    assert client.post("/locations/bulk/duplicate", data={"id": ids[:1]}).location == f"/locations/new?from={ids[0]}"
    assert client.post("/locations/bulk/duplicate", data={"id": ids[:2]}).location == "/locations"


def test_a_copy_of_nothing_is_not_found(client):
    assert client.get("/locations/new?from=999999999").status_code == 404


def test_an_unknown_address_keeps_the_frame_for_who_is_signed_in(client, anonymous):
    answer = client.get("/no/such/page")

    assert answer.status_code == 404
    assert 'id="side"' in answer.text
    assert "There is nothing here" in answer.text
    assert 'id="side"' not in anonymous.get("/no/such/page").text


def test_the_frame_is_drawn_once_and_not_for_every_page(client, places):
    client.get("/locations")
    drawn = words._drawn.cache_info().misses

    client.get("/locations?sort=-name")

    assert words._drawn.cache_info().misses == drawn


def test_what_is_drawn_once_is_not_shown_to_who_may_see_less(as_role):
    owner, member = (as_role(role).get("/").text for role in ("owner", "member"))

    assert 'href="/exports"' in owner
    assert 'href="/exports"' not in member


def test_a_row_adds_no_more_than_two_kilobytes_to_a_page(client, context):
    add_many(context, "locations", [{"name": f"Shelf {n}", "kind": "site"} for n in range(50)])
    context.session.commit()

    one, fifty = (len(client.get(f"/locations?per_page={n}").get_data()) for n in (1, 50))

    assert one <= 60_000
    assert fifty - one <= 49 * 2_000
