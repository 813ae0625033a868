"""The organization's own fields on pages: as columns, filters and in files, in what is done to many, in the history."""

import csv
import io
import re

import pytest

from tests.markup import Page


def read(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Page(answer)


@pytest.fixture
def makers(api):
    """Two manufacturers with a visit each has had, and one with none; returns their ids."""
    for name, kind in (("Visited", "date"), ("Rating", "number"), ("Kind words", "text")):
        api.post("custom-fields", {"name": name, "resource": "manufacturers", "kind": kind})
    made = []
    for name, custom in (
        ("Sony", {"visited": "2026-03-01", "rating": 4.5}),
        ("Zeiss", {"visited": "2025-02-01"}),
        ("Fluke", {}),
    ):
        made.append(api.post("manufacturers", {"name": name, "custom": custom}).json["data"]["id"])
    return made


def test_they_are_columns_like_any_other(client, makers):
    assert 'value="custom.rating"' in read(client, "/manufacturers?panel=columns").html

    text = read(client, "/manufacturers?fields=custom.rating,name,custom.visited").text

    assert "Rating Name Visited" in text
    assert "4.5 Sony Sun 1 Mar" in text


def test_they_are_filters_like_any_other(client, makers):
    assert 'name="custom.visited_after"' in read(client, "/manufacturers?panel=filter").html

    text = read(client, "/manufacturers?custom.visited_after=2026-01-01").text

    assert "Visited: after" in text
    assert "Sony" in text
    assert "Zeiss" not in text


def test_a_file_has_them_as_they_are_shown(client, makers):
    html = read(client, "/manufacturers?fields=custom.rating,name&sort=name").html
    link = re.search(r'href="([^"]+export\.csv[^"]*)"', html)[1].replace("&amp;", "&")

    rows = list(csv.reader(io.StringIO(client.get(link).get_data().decode("utf-8-sig"))))

    assert [row[:-1] for row in rows] == [["Rating", "Name"], ["", "Fluke"], ["4.5", "Sony"], ["", "Zeiss"]]


def test_many_get_a_value_at_once_and_lose_it_again(client, api, makers):
    form = Page(client.get("/manufacturers/bulk/edit", query_string={"id": makers[1:]})).form

    client.post("/manufacturers/bulk/edit", data=form | {"apply": "custom.rating", "custom.rating": "3"})
    rated = [api.get(f"manufacturers/{row_id}").json["data"]["custom"]["rating"] for row_id in makers]
    client.post(re.search(r"/changes/[0-9a-f-]{36}/undo", read(client, "/manufacturers").html).group())

    assert rated == [4.5, 3, 3]
    assert api.get(f"manufacturers/{makers[1]}").json["data"]["custom"]["rating"] is None


def test_the_history_calls_them_by_their_names_and_takes_them_back(client, api, makers):
    api.patch(f"manufacturers/{makers[0]}", {"custom": {"rating": 5, "visited": "2026-04-02"}})
    page = read(client, f"/manufacturers/{makers[0]}")

    assert "Rating 4.5 → 5" in page.text
    assert "Visited Sun 1 Mar → Thu 2 Apr" in page.text
    client.post(f"/manufacturers/{makers[0]}/undo", data=page.forms[f"/manufacturers/{makers[0]}/undo"])

    assert api.get(f"manufacturers/{makers[0]}").json["data"]["custom"]["rating"] == 4.5


def test_a_view_outlives_its_field(client, api, makers):
    kept = {"name": "Rated", "query": "custom.rating_after=4&fields=name,custom.rating"}
    url = client.post("/manufacturers/views", data=kept).location
    assert "Zeiss" not in read(client, url).text
    (field,) = [row["id"] for row in api.get("custom-fields").json["data"] if row["slug"] == "rating"]

    api.delete(f"custom-fields/{field}")

    page = read(client, url)
    assert "There is no such filter here." in page.text
    assert "Zeiss" in page.text
    assert "Rated" in read(client, "/manufacturers?panel=views").text


TYPED = {  # (kind, what is typed, what is kept)
    "text": ("Blue", "Blue"),
    "number": ("1,234.5", 1234.5),
    "date": ("2026-03-01", "2026-03-01"),
    "boolean": ("false", False),
    "choice": ("Large", "Large"),
    "choices": (["Large", "Small"], ["Large", "Small"]),
    "url": ("https://example.org/a", "https://example.org/a"),
    "money": ("1,250.50", "1250.50"),
}


@pytest.mark.parametrize("kind", TYPED)
def test_each_kind_is_filled_in_by_hand(client, api, kind):
    typed, kept = TYPED[kind]
    options = ["Large", "Small"] if kind in ("choice", "choices") else []
    api.post("custom-fields", {"name": "Own", "resource": "manufacturers", "kind": kind, "options": options})
    row_id = api.post("manufacturers", {"name": "Sony"}).json["data"]["id"]
    path = f"/manufacturers/{row_id}/edit"

    client.post(path, data=read(client, path).form)
    untouched = api.get(f"manufacturers/{row_id}").json["data"]
    client.post(path, data=read(client, path).form | {"custom.own": typed})

    assert (untouched["version"], untouched["custom"]["own"]) == (1, None)
    assert api.get(f"manufacturers/{row_id}").json["data"]["custom"]["own"] == kept


def test_a_field_with_a_list_gets_its_choices_one_a_line(client, api):
    form = read(client, "/custom-fields/new").form
    typed = {"name": "Size", "resource": "manufacturers", "kind": "choice", "options": "Small\r\n\r\n Large \r\n"}

    client.post("/custom-fields/new", data=form | typed)

    assert api.get("custom-fields").json["data"][0]["options"] == ["Small", "Large"]
