"""Exports of lists: streamed, harmless to open, and taken back by an import without a difference."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from tests.clients import ApiClient, PageClient
from tests.imports.conftest import Importer
from tests.statements import Cost, counted
from webapp.core.fields import Amount, Day, FaceField, Text, Whole
from webapp.core.parameters import ListParameters
from webapp.core.query import stream_columns
from webapp.core.resource import registry
from webapp.core.writes import create
from webapp.faces import export, workbook
from webapp.imports import rules


@pytest.fixture
def stocked(importer: Importer) -> Importer:
    """Return an organization with three things, one of them with a formula for a name."""
    with importer.organization.context() as context:
        category = create(context, registry.resources["categories"], {"name": "Tools", "kind": "asset"})
        site = create(context, registry.resources["locations"], {"name": "HQ", "kind": "site"})
        floor = create(context, registry.resources["locations"], {"name": "Floor 2", "parent_id": site})
        for tag, name, cost in (
            ("A-1", "=cmd|' /C calc'!A0", "12.5"),
            ("A-2", "Saw", "1250"),
            ("A-3", "-40 °C box", None),
        ):
            patch = {"tag": tag, "name": name, "category_id": category, "location_id": floor, "purchase_cost": cost}
            create(context, registry.resources["assets"], registry.resources["assets"].schema_for().load(patch))
        context.session.commit()
    return importer


def csv_rows(client: PageClient, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/assets/export.csv{query}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_a_csv_has_the_list_in_its_order_with_names_and_harmless_cells(client: PageClient, stocked: Importer):
    rows = csv_rows(client, "?sort=tag")

    assert [row["Tag"] for row in rows] == ["A-1", "A-2", "A-3"]
    assert [row["Name"] for row in rows] == ["'=cmd|' /C calc'!A0", "Saw", "'-40 °C box"]
    assert (rows[0]["Place"], rows[0]["Category"], rows[0]["Price"]) == ("HQ / Floor 2", "Tools", "12.5")
    assert "Id" not in rows[0]


def test_an_export_has_what_the_list_shows_and_no_more(client: PageClient, stocked: Importer):
    assert [row["Tag"] for row in csv_rows(client, "?q=saw")] == ["A-2"]
    assert list(csv_rows(client, "?fields=guid,tag,name")[0]) == ["Tag", "Name", "Global id"]


def test_a_workbook_has_real_numbers_and_harmless_text(client: PageClient, stocked: Importer):
    answer = client.get("/assets/export.xlsx?sort=tag")
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()

    rows = [dict(zip(sheet[0], cells, strict=True)) for cells in sheet[1:]]
    assert [row["Price"] for row in rows] == [12.5, 1250.0, ""]
    assert rows[0]["Name"] == "'=cmd|' /C calc'!A0"
    assert answer.headers["Content-Length"] == str(len(answer.data))


def test_json_lines_are_rows_as_the_api_shows_them(client: PageClient, api: ApiClient, stocked: Importer):
    whole = client.get("/assets/export.jsonl?sort=tag")
    some = client.get("/assets/export.jsonl?sort=-tag&fields=tag,purchase_cost")

    assert whole.mimetype == "application/jsonl"
    assert [json.loads(line) for line in whole.data.splitlines()] == api.get("assets?sort=tag").json["data"]
    rows = [json.loads(line) for line in some.data.splitlines()]
    assert [(row["tag"], row["purchase_cost"]) for row in rows] == [("A-3", None), ("A-2", "1250.00"), ("A-1", "12.50")]
    assert {tuple(row) for row in rows} == {("guid", "tag", "purchase_cost")}


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_export_comes_back_without_a_difference(client: PageClient, stocked: Importer, form: str):
    content = client.get(f"/assets/export.{form}").data

    assert stocked.fates(stocked.upload(content, f"assets.{form}")) == ["unchanged"] * 3


def test_an_edited_export_changes_only_what_was_edited(client: PageClient, stocked: Importer):
    content = client.get("/assets/export.csv?sort=tag").data.replace(b"Saw", b"Jigsaw")
    import_id = stocked.upload(content)
    stocked.do(rules.apply, import_id)

    assert stocked.fates(import_id) == ["unchanged", "update", "unchanged"]
    assert [row["name"] for row in stocked.living()] == ["=cmd|' /C calc'!A0", "Jigsaw", "-40 °C box"]


def test_other_formats_and_other_peoples_lists_are_refused(client: PageClient, as_role, stocked: Importer):
    assert client.get("/assets/export.pdf").status_code == 404
    assert as_role("member").get("/members/export.csv").status_code in {403, 404}


@pytest.fixture
def looked_after(stocked: Importer) -> Importer:
    """Return an organization with six things that one technician looks after."""
    with stocked.organization.context() as context:
        wanted = {"first_name": "Tom", "last_name": "Hook", "is_technician": True}
        technician = create(context, registry.resources["persons"], wanted)
        category = create(context, registry.resources["categories"], {"name": "Machines", "kind": "asset"})
        for number in range(6):
            patch = {"tag": f"M-{number}", "category_id": category, "technician_id": technician}
            create(context, registry.resources["assets"], patch)
        context.session.commit()
    return stocked


@pytest.fixture
def read_by(app: Flask, looked_after: Importer, monkeypatch: pytest.MonkeyPatch) -> Callable[[int, str], Cost]:
    """Return a function that exports the things, read so many rows at a time, and says what that cost."""

    def read(chunk: int, form: str) -> Cost:
        monkeypatch.setattr(export, "stream_columns", partial(stream_columns, chunk=chunk))
        parameters = ListParameters(sort=(("tag", False),))
        with looked_after.organization.context(write=False) as context, counted(app) as cost:
            if form == "xlsx":
                export.write_workbook(context, registry.resources["assets"], parameters, io.BytesIO())
            else:
                list(export.list_blocks(context, registry.resources["assets"], parameters, form))
        return cost

    return read


@pytest.mark.parametrize("form", ["csv", "xlsx", "jsonl"])
def test_each_chunk_of_an_export_is_one_statement_and_no_objects(read_by: Callable[[int, str], Cost], form: str):
    read_by(10, form)  # what is read once a process: the organization's names of small kinds
    whole, by_three = read_by(10, form), read_by(3, form)

    assert len(by_three.statements) - len(whole.statements) == 3, by_three  # nine things: 3 + 3 + 3 + 0
    assert len(whole.statements) <= 8, whole
    assert whole.objects == by_three.objects == []


CELLS = st.lists(st.none() | st.text(alphabet="ab,;\"'\r\n=+-@\t é", max_size=6), min_size=1, max_size=600)


@given(texts=CELLS)
def test_a_csv_is_what_pythons_own_writer_makes_of_harmless_cells(texts: list[str | None]):
    columns = {"some": texts, "none": [None] * len(texts), "count": list(range(len(texts)))}
    fields: dict[str, FaceField] = {"some": Text(label='a "b"'), "none": Day(), "count": Whole()}
    expected = io.StringIO(newline="")
    harmless = [text and export.neutralize(text) for text in texts]
    csv.writer(expected).writerows(
        [['a "b"', "none", "count"], *zip(harmless, *list(columns.values())[1:], strict=True)]
    )

    written = b"".join(export.write_csv([columns], fields))

    assert written.decode("utf-8-sig") == expected.getvalue()


def sheet_of(path: Path, values: list[object], item: FaceField) -> list[object]:
    """Return a column of values as a program reads it from a workbook of ours."""
    with path.open("wb") as file:
        workbook.write_xlsx([{"it": values}], ["It"], {"it": item}, "Europe/Berlin", "It", file)
    return [row[0] for row in CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]]


def test_no_text_of_a_workbook_is_taken_for_markup_or_lost(tmp_path: Path):
    texts = ["<r><t>x</t></r>", "</t></is></c>", "R&D &amp; <b>", " ends ", "two\nlines\tand", "\x07", "_x0041_", "é😀"]

    assert sheet_of(tmp_path / "a.xlsx", texts, Text()) == texts
    assert sheet_of(tmp_path / "b.xlsx", ["x" * 40_000], Text()) == ["x" * 32_767]
    assert sheet_of(tmp_path / "c.xlsx", ["=1+1", "'=1", "-5", "a=1"], Text()) == ["'=1+1", "''=1", "'-5", "a=1"]


def test_days_and_amounts_of_a_workbook_are_exact(tmp_path: Path):
    days = [date(1900, 3, 1), date(1999, 12, 31), date(9999, 12, 31)]
    amounts = [Decimal("12.5000"), Decimal("0.0000"), Decimal("99999999999.9999")]

    assert sheet_of(tmp_path / "a.xlsx", days, Day()) == days
    assert sheet_of(tmp_path / "b.xlsx", amounts, Amount()) == [12.5, 0.0, 99999999999.9999]
