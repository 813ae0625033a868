"""Rows of a file that name other rows of it: places in places, people and their managers, things in things."""

import csv
import io

import pytest

from tests.clients import ApiClient
from tests.imports.conftest import Importer
from webapp.imports import jobs, mending, rules

pytestmark = pytest.mark.both_databases

PLACES = "Name,Parent,Code\nShelf 3,HQ / Floor 2 / Store,S3\nStore,HQ / Floor 2,\nFloor 2,HQ,\nHQ,,H\nAnnex,,\nStore,Annex,\n"


def sheet(*rows: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def paths(api: ApiClient) -> dict[str, str]:
    rows = {row["id"]: row for row in api.get("locations").json["data"]}

    def path(row: dict) -> str:
        return f"{path(rows[row['parent_id']])} / {row['name']}" if row["parent_id"] else row["name"]

    return {path(row): row["kind"] for row in rows.values()}


def test_a_place_may_stand_in_one_of_a_later_row_and_nothing_is_ticked(importer: Importer, api: ApiClient, monkeypatch):
    for name in ("CHECK_CHUNK", "APPLY_CHUNK"):
        monkeypatch.setattr(jobs, name, 2)
    import_id = importer.upload(PLACES, resource="locations")
    assert importer.fates(import_id) == ["create"] * 6
    assert importer.get(import_id)["missing"] == {}

    importer.do(rules.apply, import_id)

    assert paths(api) == {
        "HQ": "site",
        "HQ / Floor 2": "location",
        "HQ / Floor 2 / Store": "location",
        "HQ / Floor 2 / Store / Shelf 3": "location",
        "Annex": "site",
        "Annex / Store": "location",
    }
    assert {row["fate"] for row in importer.rows(importer.upload(PLACES, resource="locations"))} == {"unchanged"}
    importer.do(rules.undo, import_id)
    assert importer.living("locations") == []


def test_a_place_whose_place_has_an_error_says_which_row_it_is(importer: Importer, api: ApiClient):
    text = "Name,Parent,Country\nRoom,HQ,\nHQ,,Atlantis\n"
    import_id = importer.upload(text, resource="locations")

    room, site = importer.rows(import_id)
    assert (room["fate"], room["errors"]) == ("error", {"parent": ["Row 3 would make “HQ”, but has an error."]})
    assert list(site["errors"]) == ["country"]

    importer.do(mending.mend, import_id, 3, {2: "PT"}, run=False)
    assert importer.fates(import_id) == ["create", "create"]
    importer.do(rules.apply, import_id)
    assert paths(api) == {"HQ": "site", "HQ / Room": "location"}


def test_rows_that_go_round_in_a_circle_are_errors(importer: Importer):
    import_id = importer.upload("Name,Parent\nA,B\nB,C\nC,A\nD,\n", resource="locations")

    assert importer.fates(import_id) == ["error", "error", "error", "create"]
    assert importer.rows(import_id)[0]["errors"] == {"parent": ["The rows name each other in a circle."]}


def test_people_find_their_managers_in_the_file_by_name_address_or_number(importer: Importer, api: ApiClient):
    rows = [
        ["First name", "Last name", "E-mail", "Employee number", "Manager"],
        ["Ines", "Rocha", "ines@example.org", "E-3", "Alves, Maria"],
        ["Tom", "Berg", "tom@example.org", "E-4", "ines@example.org"],
        ["Maria", "Alves", "maria@example.org", "E-1", "Maria Alves"],
        ["Ana", "Sol", "", "E-5", "e-1"],
    ]
    import_id = importer.upload(sheet(*rows), resource="persons")
    importer.do(rules.apply, import_id)

    managers = {row["name"]: row["manager"] for row in api.get("persons").json["data"]}
    managers.pop("Olive Owner")
    assert managers == {
        "Ines Rocha": "Maria Alves",
        "Tom Berg": "Ines Rocha",
        "Maria Alves": None,
        "Ana Sol": "Maria Alves",
    }
    assert importer.rows(import_id)[2]["note"] == "Manager is left out: the row names itself."


def test_a_category_below_another_of_the_file_takes_its_kind(importer: Importer, api: ApiClient):
    text = "Name,Part of,Kind\nKeyboards,Input,\nInput,,Accessories\nThird,Input / Keyboards,Accessories\n"
    import_id = importer.upload(text, resource="categories")

    assert importer.fates(import_id) == ["create", "create", "error"]
    importer.do(rules.apply, import_id)
    made = {row["name"]: (row["kind"], row["parent"]) for row in api.get("categories").json["data"]}
    assert made == {"Input": ("accessory", None), "Keyboards": ("accessory", "Input")}


def test_a_thing_may_be_inside_one_of_a_later_row(importer: Importer, api: ApiClient):
    import_id = importer.upload("Tag,Category,Inside\nA-1,Tools,A-2\nA-2,Tools,a-3\nA-3,Tools,\nA-4,Tools,X-1\n")
    importer.do(rules.change, import_id, options={"create": ["categories"]})

    assert importer.fates(import_id) == ["create", "create", "create", "error"]
    assert importer.rows(import_id)[3]["errors"] == {"parent": ["There is no asset “X-1”."]}
    importer.do(rules.apply, import_id)
    inside = {row["tag"]: row["parent"] for row in api.get("assets").json["data"]}
    assert inside == {"A-1": "A-2", "A-2": "A-3", "A-3": None}
