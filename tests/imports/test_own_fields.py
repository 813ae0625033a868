"""Own fields of assets, and every field that assets have, in imported files: read, checked, applied, undone, round."""

import csv
import io

import pytest

from tests.clients import ApiClient, PageClient
from tests.factories import fill
from tests.imports.conftest import Importer
from tests.rows import add
from webapp.imports import rules
from webapp.imports.values import UnreadableValue, parse_choice, parse_choices

OPTIONS = ["Small", "Large, deep", "Ärger"]
FIELDS = {  # {slug: (kind, a cell, its value in the API, a cell that is none, what is said of it)}
    "note": ("text", "Ähre", "Ähre", "x" * 2001, "Longer than maximum length 2000."),
    "weight": ("number", "1.234,5", 1234.5, "heavy", "“heavy” is not a number."),
    "seen": ("date", "31.12.2025", "2025-12-31", "soon", "“soon” is not a date."),
    "ready": ("boolean", "nein", False, "perhaps", "“perhaps” is neither yes nor no."),
    "size": ("choice", "small", "Small", "medium", "“medium” is none of the choices: Small, Large, deep, Ärger."),
    "tags": ("choices", "Ärger; large, deep", ["Ärger", "Large, deep"], "Small, x", "“x” is none of the choices"),
    "page": ("url", "https://example.org", "https://example.org", "example.org", "This is not a web address"),
    "fee": ("money", "1.250,50 €", "1250.50", "much", "“much” is not a number."),
}


@pytest.fixture
def fielded(importer: Importer) -> Importer:
    """Return an organization with a field of each kind for its assets."""
    with importer.organization.context() as context:
        for slug, (kind, *_rest) in FIELDS.items():
            options = OPTIONS if kind in ("choice", "choices") else []
            add(
                context,
                "custom-fields",
                name=f"Own {slug}",
                slug=slug,
                resource="assets",
                kind=kind,
                options=options,
            )
        context.session.commit()
    return importer


def sheet(*rows: list[str]) -> str:
    """Return rows as CSV text."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def of_kind(slug: str, cell: str, heading: str | None = None) -> str:
    return sheet(["Tag", "Category", heading or f"Own {slug}"], ["A-1", "Tools", cell])


def imported(importer: Importer, text: str, **options: object) -> int:
    import_id = importer.upload(text)
    importer.do(rules.change, import_id, options={"create": ["categories"], **options})
    return import_id


@pytest.mark.parametrize("slug", FIELDS)
def test_each_kind_is_read_checked_applied_and_undone(fielded: Importer, api: ApiClient, slug: str):
    _kind, cell, value, _wrong, _said = FIELDS[slug]
    import_id = imported(fielded, of_kind(slug, cell))
    assert fielded.fates(import_id) == ["create"]

    fielded.do(rules.apply, import_id)
    made = api.get("assets").json["data"]
    fielded.do(rules.undo, import_id)

    assert [asset["custom"][slug] for asset in made] == [value]
    assert fielded.living() == []


@pytest.mark.parametrize("slug", FIELDS)
def test_what_is_no_value_is_an_error_of_its_row(fielded: Importer, slug: str):
    import_id = imported(fielded, of_kind(slug, FIELDS[slug][3]))

    [row] = fielded.rows(import_id)
    assert row["fate"] == "error"
    assert row["errors"][f"custom.{slug}"][0].startswith(FIELDS[slug][4])


def test_a_column_is_known_by_the_fields_name_and_by_its_short_name(fielded: Importer):
    for heading in ("own weight", "weight", "Weight"):
        import_id = fielded.upload(of_kind("weight", "5", heading))

        assert fielded.get(import_id)["columns"]["2"] == "custom.weight"


@pytest.mark.parametrize(("word", "value"), [("Ja", True), ("yes", True), ("x", True), ("Nein", False), ("0", False)])
def test_yes_and_no_are_read_in_german_and_english(fielded: Importer, api: ApiClient, word: str, value: bool):
    fielded.do(rules.apply, imported(fielded, of_kind("ready", word)))

    assert api.get("assets").json["data"][0]["custom"]["ready"] is value


def test_an_update_shows_and_applies_what_differs(fielded: Importer, client: PageClient, api: ApiClient):
    fielded.do(rules.apply, imported(fielded, of_kind("weight", "5")))
    import_id = imported(fielded, of_kind("weight", "6"))

    assert fielded.fates(import_id) == ["update"]
    page = client.get(f"/imports/{import_id}").get_data(as_text=True)
    fielded.do(rules.apply, import_id)

    assert "Own weight" in page
    assert api.get("assets").json["data"][0]["custom"]["weight"] == 6


def test_empty_cells_keep_a_value_or_clear_it_as_was_chosen(fielded: Importer, api: ApiClient):
    fielded.do(rules.apply, imported(fielded, of_kind("weight", "5")))

    keeping = imported(fielded, of_kind("weight", ""))
    clearing = imported(fielded, of_kind("weight", ""), blanks="clear")

    assert (fielded.fates(keeping), fielded.fates(clearing)) == (["unchanged"], ["update"])


def test_a_field_of_another_products_set_is_an_error(fielded: Importer, api: ApiClient):
    api.post("field-sets", {"name": "Laptop", "fields": ["weight"]})

    [row] = fielded.rows(imported(fielded, of_kind("weight", "5")))

    assert row["errors"] == {"custom.weight": ["Things of this product do not have this field."]}


def test_the_rows_of_an_import_name_own_fields_in_the_api_too(fielded: Importer, api: ApiClient):
    import_id = imported(fielded, of_kind("weight", "5"))

    [row] = api.get(f"imports/{import_id}/rows").json["data"]

    assert {"field": "custom.weight", "old": None, "new": "5"} in row["changes"]


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_export_with_every_field_comes_back_without_a_difference(fielded: Importer, client: PageClient, form: str):
    fill(fielded.organization, "assets", 12)
    api = fielded.organization.api_client()
    for asset in api.get("assets").json["data"][:8]:
        custom = {slug: value for slug, (_kind, _cell, value, *_rest) in FIELDS.items()}
        assert api.patch(f"assets/{asset['id']}", {"custom": custom}).status_code == 200

    content = client.get(f"/assets/export.{form}").data
    import_id = fielded.upload(content, f"assets.{form}")
    fielded.do(rules.change, import_id, options={"match": "tag"})

    wrong = [(row["errors"], row["changes"]) for row in fielded.rows(import_id) if row["fate"] != "unchanged"]
    assert wrong == []
    assert len(fielded.fates(import_id)) == 12


REFERENCES = {"supplier": "suppliers", "company": "companies", "department": "departments"}


@pytest.mark.parametrize("name", REFERENCES)
def test_who_is_named_is_found_or_made(importer: Importer, api: ApiClient, name: str):
    kind = REFERENCES[name]
    known = api.post(kind, {"name": "Äcme"}).json["data"]["id"]
    text = sheet(["Tag", "Category", name.title()], ["A-1", "Tools", "äcme"], ["A-2", "Tools", "New one"])

    refused = importer.fates(imported(importer, text))
    importer.do(rules.apply, imported(importer, text, create=["categories", kind]))

    assert refused == ["create", "error"]
    found = api.get("assets?sort=tag").json["data"]
    assert (found[0][f"{name}_id"], found[1][name]) == (known, "New one")


def test_other_fields_come_by_themselves(importer: Importer, api: ApiClient):
    api.post("persons", {"first_name": "Amara", "last_name": "Okafor", "is_technician": True})
    text = sheet(
        [
            "Tag",
            "Category",
            "Condition",
            "Ownership",
            "Latitude",
            "Longitude",
            "Brought by an employee",
            "Technician",
            "Description",
        ],
        ["A-1", "Tools", "4", "leased", "38.712345", "-9.1", "ja", "Amara Okafor", "Black"],
    )

    import_id = imported(importer, text)
    assert [row["errors"] for row in importer.rows(import_id)] == [{}]
    importer.do(rules.apply, import_id)

    [made] = api.get("assets").json["data"]
    assert (made["condition"], made["ownership"], made["latitude"]) == (4, "leased", 38.712345)
    assert (made["is_byod"], made["technician"], made["name"]) == (True, "Amara Okafor", "Black")


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("Small", ["Small"]),
        ("small,ärger", ["Small", "Ärger"]),
        ("Large, deep", ["Large, deep"]),
        ("Small\nLarge, deep; Small", ["Small", "Large, deep"]),
        (" ; ", []),
        ("n/a", None),
    ],
)
def test_several_choices_stand_apart_by_comma_semicolon_or_line(cell, codes):
    assert parse_choices(cell, {option: option for option in OPTIONS}) == codes


def test_a_choice_is_known_by_its_word_and_by_its_code(app):
    words = {"leased": "Leased from somebody", "own": "Own"}

    assert [parse_choice(cell, words) for cell in ("LEASED", "leased from somebody", "-")] == ["leased", "leased", None]
    with app.test_request_context(), pytest.raises(UnreadableValue):
        parse_choice("rented", words)
