"""Guessing what the columns of a sheet become."""

import pytest
from flask_babel import force_locale
from werkzeug.datastructures import MultiDict

from webapp.core.parameters import ListParameters
from webapp.faces.export import export_fields, headings
from webapp.imports.mapping import column_errors, columns_from_json, columns_to_json, guess_columns, normalize_heading
from webapp.imports.targets import importable

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
    "Checkout Type": "checked_out_to.type",
    "Checked Out To: Username": "checked_out_to.username",
}


def fields_of(headings: str) -> dict[str, str | None]:
    headers = headings.split(",")
    return {header: guess.field for header, guess in zip(headers, guess_columns("assets", headers), strict=True)}


def test_a_snipe_it_sheet_maps_itself():
    found = fields_of(SNIPE_SAMPLE)

    assert {header: field for header, field in found.items() if field} == SNIPE_FIELDS


def test_a_known_column_that_is_left_out_says_why():
    headers = [*SNIPE_SAMPLE.split(","), "Image", "Last Checkin", "Audited by"]
    reasons = [guess.reason and str(guess.reason) for guess in guess_columns("assets", headers)]

    assert reasons[9] == "This belongs to the product, not to each asset."
    assert reasons[17:] == [
        "Pictures are not imported.",
        "Check-outs that are over are not imported.",
        "Audits and maintenance are not imported yet.",
    ]


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
    guesses = guess_columns("assets", ["Original cost", "Cost", "Purchase date of the item", "Purchase Date"])

    assert [guess.field for guess in guesses] == [None, "purchase_cost", None, "purchased_on"]
    assert "already" in str(guesses[0].reason)


def test_two_columns_may_say_one_thing_together():
    tiger = (
        "Asset Tag ID,Description,Cost,Brand,Model,Model #,Serial No,Site,Location,Category,Sub Category,Assigned to"
    )

    assert list(fields_of(tiger).values()) == [
        "tag",
        "name",
        "purchase_cost",
        "manufacturer",
        "product",
        "model_number",
        "serial_number",
        "location.above",
        "location",
        "category",
        "category.sub",
        "checked_out_to",
    ]
    assert list(fields_of("Tag,Site,Sub Category").values()) == ["tag", "location", "category"]


SAMPLES = {  # the headings of Snipe-IT's samples, and what they become; None is left out
    "persons": (
        (
            "First Name,Last Name,Email,Username,Activated,Location,Address,City,State,Country,Postal Code,Website,Phone,"
            "Job Title,Notes,Employee Number,Company,Manager,Remote,Gravatar"
        ),
        (
            "first_name last_name email username - location address_line_1 city state country zip - phone title notes "
            "employee_number company manager - -"
        ),
    ),
    "locations": (
        "name,address,address2,city,state,country,zip,manager,manager username,currency",
        "name address_line_1 address_line_2 city state country zip manager manager.username currency",
    ),
    "products": (
        "Name,Category,Manufacturer,Model Notes,Model Number,Fieldset,Requestable,EOL,Min Qty",
        "name category manufacturer notes model_number field_set is_requestable end_of_life_months minimum_quantity",
    ),
}


@pytest.mark.parametrize("resource", SAMPLES)
def test_the_samples_of_other_things_map_themselves(resource):
    headings, fields = SAMPLES[resource]

    assert [guess.field or "-" for guess in guess_columns(resource, headings.split(","))] == fields.split()


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_our_own_headings_are_known_in_every_language(app, language):
    with app.test_request_context():
        for resource in importable():
            written = export_fields(resource, ListParameters.parse(resource, MultiDict()))
            with force_locale(language):
                found = guess_columns(resource, headings(written))
            wrong = {n: g.field for (n, item), g in zip(written.items(), found, strict=True) if g.field != n}
            assert {n for n in wrong if not written[n].dump_only} == set(), (resource.name, wrong)
            assert set(wrong.values()) <= {None}, resource.name


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
