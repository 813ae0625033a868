"""Guessing what the columns of a sheet become."""

import pytest

from webapp.imports.mapping import column_errors, columns_from_json, columns_to_json, guess_columns, normalize_heading

pytestmark = pytest.mark.usefixtures("app")
SNIPE_SAMPLE = (
    "Company,Name,Asset Tag,Category,Supplier,Manufacturer,Location,Order Number,Model,Model Notes,Model Number,"
    "Asset Notes,Purchase Date,Purchase Cost,Checkout Type,Checked Out To: Username,Asset EOL Date"
)
SNIPE_FIELDS = {
    "Company": "company",
    "Supplier": "supplier",
    "Name": "name",
    "Asset Tag": "tag",
    "Category": "category",
    "Manufacturer": "manufacturer",
    "Location": "location",
    "Order Number": "order_number",
    "Model": "product",
    "Model Number": "model_number",
    "Asset Notes": "notes",
    "Purchase Date": "purchased_on",
    "Purchase Cost": "purchase_cost",
    "Asset EOL Date": "end_of_life_on",
}


def fields_of(headings: str) -> dict[str, str | None]:
    headers = headings.split(",")
    return {header: guess.field for header, guess in zip(headers, guess_columns("assets", headers), strict=True)}


def test_a_snipe_it_sheet_maps_itself():
    found = fields_of(SNIPE_SAMPLE)

    assert {header: field for header, field in found.items() if field} == SNIPE_FIELDS


def test_a_known_column_that_is_left_out_says_why():
    reasons = [
        guess.reason and str(guess.reason) for guess in guess_columns("assets", [*SNIPE_SAMPLE.split(","), "Image"])
    ]

    assert reasons[15] == "Check-outs are not imported yet."
    assert reasons[17] == "Pictures are not imported."


@pytest.mark.parametrize(
    ("headings", "fields"),
    [
        ("Inv. No.,S/N,Item,Make,Room", "tag serial_number name manufacturer location"),
        ("Bought,Price,Remarks 2", "purchased_on purchase_cost notes"),
        ("Asset Tag ID,Description,Brand,Model,Serial No", "tag name manufacturer product serial_number"),
        ("serial_number,model_number,purchased_on", "serial_number model_number purchased_on"),
        ("warranty_months,end_of_life_on", "warranty_months end_of_life_on"),
        ("Seriennummer,Hersteller,Standort,Kaufdatum", "serial_number manufacturer location purchased_on"),
        ("N° de série,Modèle,Désignation", "serial_number product name"),
    ],
)  # fmt: skip
def test_synonyms_are_known(headings, fields):
    assert list(fields_of(headings).values()) == fields.split()


def test_one_field_goes_to_the_better_of_two_columns():
    guesses = guess_columns("assets", ["Site", "Location", "Purchase date of the item", "Purchase Date"])

    assert [guess.field for guess in guesses] == [None, "location", None, "purchased_on"]
    assert "already" in str(guesses[0].reason)


def test_a_guess_from_part_of_a_heading_is_unsure():
    guesses = guess_columns("assets", ["Original purchase date (UTC)", "Favourite colour"])

    assert (guesses[0].field, guesses[0].sure) == ("purchased_on", False)
    assert guesses[1].field is None


def test_headings_are_compared_by_their_words():
    assert normalize_heading("Inv. #") == normalize_heading("inv_Number") == normalize_heading("INV Nr.") == "inv no"
    assert normalize_heading("serialNumber") == "serial no"


def test_a_mapping_is_checked_in_words():
    errors = column_errors("assets", {0: "tag", 1: "tag", 2: "color", 9: None}, width=3)

    assert errors == ["Two columns become Tag.", "There is no field “color”.", "There is no column 9."]
    assert column_errors("assets", {0: None}, width=1) == ["No column becomes anything yet."]


def test_a_mapping_survives_being_kept_as_json():
    columns = {2: "tag", 10: None}

    assert columns_from_json(columns_to_json(columns)) == columns
