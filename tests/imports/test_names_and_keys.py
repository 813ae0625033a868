"""Which thing a row is about, whom it names, and what may be made of a name: people, places, models, their check-outs."""

import csv
import io

import pytest

from tests.clients import ApiClient, PageClient
from tests.imports.conftest import Importer
from tests.rows import add
from webapp.core.resource import registry
from webapp.core.writes import delete
from webapp.imports import rules
from webapp.imports.targets import creatable_kinds, match_keys

pytestmark = pytest.mark.both_databases


def sheet(*rows: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def made(importer: Importer, kind: str, /, **patch: object) -> int:
    with importer.organization.context() as context:
        row_id = add(context, kind, **patch)
        context.session.commit()
    return row_id


def imported(importer: Importer, text: str, resource: str, **options: object) -> int:
    import_id = importer.upload(text, resource=resource)
    importer.do(rules.change, import_id, options=options)
    return import_id


def test_keys_come_surest_first_and_only_what_a_name_makes_is_made(app):
    with app.app_context():
        keys = {name: match_keys(registry.resources[name]) for name in ("assets", "persons", "products", "customers")}
        kinds = {name: set(creatable_kinds(registry.resources[name])) for name in ("assets", "products", "statuses")}

    assert keys["assets"] == ("guid", "tag", "serial_number")
    assert keys["persons"] == ("guid", "email", "username", "employee_number", "name")
    assert keys["products"] == keys["customers"] == ("guid", "name")
    assert kinds["products"] == {"categories", "manufacturers", "field-sets"}
    assert {"persons", "products", "locations"} < kinds["assets"]
    assert not {"assets", "statuses", "depreciations"} & kinds["assets"]
    assert kinds["statuses"] == set()


def test_a_global_id_finds_its_row_and_an_unknown_one_means_new(importer: Importer, client: PageClient):
    made(importer, "companies", name="Äcme", phone="1")
    exported = client.get("/companies/export.csv").data.decode("utf-8-sig")
    other = exported.splitlines()[1].replace("Äcme", "Other")[:-4] + "ffff"

    import_id = importer.upload(exported.replace("Äcme", "Renamed") + other + "\n", resource="companies")

    renamed, foreign = importer.rows(import_id)
    assert (renamed["fate"], renamed["changes"]) == ("update", {"name": ["Äcme", "Renamed"]})
    assert (foreign["fate"], foreign["note"]) == ("create", "Its global id is not one of ours: taken as new.")


def test_a_deleted_row_is_skipped_by_the_key_that_was_its_own(importer: Importer):
    maker = made(importer, "manufacturers", name="Dell")
    product = made(importer, "products", name="Precision", manufacturer_id=maker)
    with importer.organization.context() as context:
        delete(context, registry.resources["products"], product)
        context.session.commit()

    text = "Model,Make,Category\nPrecision,Dell,Things\nPrecision,,Things\n"

    assert importer.fates(importer.upload(text, resource="products")) == ["skip", "create"]


def test_a_model_is_known_by_its_name_number_and_maker(importer: Importer):
    makers = [made(importer, "manufacturers", name=name) for name in ("Dell", "Acme")]
    for maker in makers:
        made(importer, "products", name="Precision", model_number="5690", manufacturer_id=maker)

    told = importer.upload("Model,Model no,Make,Notes\nPrecision,5690,acme,x\n", resource="products")
    bare = importer.upload("Model,Notes\nPrecision,x\n", resource="products")

    assert importer.fates(told) == ["update"]
    [row] = importer.rows(bare)
    assert row["errors"] == {
        "name": ["“Precision” could be any of 2. A column tells them apart: Model number, Manufacturer, Global id."]
    }


def test_departments_of_one_name_are_told_apart_by_the_company(importer: Importer, api: ApiClient):
    for company in ("North", "South"):
        made(importer, "departments", name="Sales", company_id=made(importer, "companies", name=company))

    text = "First name,Department,Company\nInes,Sales,South\nTom,Sales,\n"
    import_id = importer.upload(text, resource="persons")

    first, second = importer.rows(import_id)
    assert first["changes"]["department_id"][1] == "Sales"
    assert second["errors"] == {"department": ["“Sales” could be any of 2."]}
    importer.do(rules.apply, import_id)
    [ines] = [row for row in api.get("persons").json["data"] if row["name"] == "Ines"]
    assert api.get(f"departments/{ines['department_id']}").json["data"]["company"] == "South"


def test_a_row_without_the_key_is_found_by_the_next_sure_one(importer: Importer):
    made(importer, "persons", first_name="Ines", email="ines@example.org", username="ines", title="Editor")

    text = "Email,Username,First name,Title\nines@example.org,,Ines,Chief\n,INES,Ines,Chief\n"
    import_id = importer.upload(text, resource="persons")

    assert importer.get(import_id)["options"]["match"] == "email"
    assert importer.fates(import_id) == ["update", "error"]
    assert importer.rows(import_id)[1]["errors"] == {"username": ["Row 2 has this already."]}


def test_several_of_one_name_are_an_error_of_the_row(importer: Importer):
    for _time in range(2):
        made(importer, "customers", name="Anna Berg")

    [row] = importer.rows(importer.upload("Customer,Phone\nanna berg,1\n", resource="customers"))

    assert row["errors"]["name"][0].startswith("“anna berg” could be any of 2.")


def test_whole_names_are_split_and_people_are_made_only_when_ticked(importer: Importer, api: ApiClient):
    text = "Full name,Email,Manager,Manager email\nInes Maria Rocha,ines@example.org,Tom Berg,tom@example.org\n"
    import_id = importer.upload(text, resource="persons")
    assert importer.rows(import_id)[0]["errors"] == {"manager": ["There is no person “Tom Berg”."]}
    assert importer.get(import_id)["missing"] == {"persons": {"count": 1, "names": {"Tom Berg": 1}}}

    importer.do(rules.change, import_id, options={"create": ["persons"]})
    importer.do(rules.apply, import_id)

    people = {row["name"]: row for row in api.get("persons").json["data"]}
    assert (people["Ines Maria Rocha"]["first_name"], people["Ines Maria Rocha"]["last_name"]) == (
        "Ines Maria",
        "Rocha",
    )
    assert people["Ines Maria Rocha"]["manager_id"] == people["Tom Berg"]["id"]
    assert people["Tom Berg"]["email"] == "tom@example.org"


def test_a_name_that_its_rules_refuse_fails_its_own_rows_alone(importer: Importer):
    made(importer, "custom-fields", name="Needed", slug="needed", resource="suppliers", kind="text", is_required=True)
    import_id = imported(
        importer, "Tag,Category,Supplier\nA-1,Tools,Acme\nA-2,Tools,\n", "assets", create=["suppliers", "categories"]
    )

    importer.do(rules.apply, import_id)

    assert importer.fates(import_id) == ["error", "create"]
    assert importer.rows(import_id)[0]["errors"] == {"_": ["“Acme”: This is needed."]}
    assert [row["tag"] for row in importer.living()] == ["A-2"]


def test_a_technician_that_is_made_is_one(importer: Importer, api: ApiClient):
    text = "Tag,Category,Technician,Checked out to\nA-1,Tools,Ines Rocha,Ines Rocha\n"
    importer.do(rules.apply, imported(importer, text, "assets", create=["persons", "categories"]))

    [asset] = api.get("assets").json["data"]
    assert asset["technician"] == "Ines Rocha"


def test_who_has_a_thing_is_kept_for_check_outs_and_never_an_error(importer: Importer):
    maria = made(importer, "persons", first_name="Maria", last_name="Alves", username="malves")
    for number in range(2):
        made(importer, "persons", first_name="Tom", last_name="Berg", employee_number=f"{number}")
    site = made(importer, "locations", name="HQ")
    headings = ["Tag", "Category", "Assigned to", "Username", "Checkout Type", "Expected Checkin"]
    rows = [
        *(["A-1", "Tools", "", "MALVES", "User", "2027-01-31"], ["A-2", "Tools", "Tom Berg", "", "", ""]),
        *(
            ["A-3", "Tools", "HQ", "", "", ""],
            ["A-4", "Tools", "Ana Sol", "", "", ""],
            ["A-5", "Tools", "", "", "", ""],
        ),
    ]
    import_id = imported(importer, sheet(headings, *rows), "assets", create=["categories"])

    found = importer.rows(import_id)
    assert [row["fate"] for row in found] == ["create"] * 5
    kept = [row["carried"].get("checked_out_to") for row in found]
    who = {"type": "person", "text": "MALVES", "person_id": maria}
    assert kept[0] == who | {"username": "MALVES", "until": "2027-01-31"}
    assert (kept[1]["person_id"], kept[3]["person_id"], kept[4]) == (None, None, None)
    assert (kept[2]["type"], kept[2]["location_id"]) == ("location", site)
    assert [row["note"] for row in found] == [
        "Kept for check-out: MALVES.",
        "Kept for check-out: Tom Berg. “Tom Berg” could be any of 2.",
        "Kept for check-out: HQ.",
        "Kept for check-out: Ana Sol, who is not among the people yet.",
        None,
    ]

    importer.do(rules.change, import_id, options={"create": ["categories", "persons"]})
    importer.do(rules.apply, import_id)
    ana = next(row["id"] for row in importer.living("persons") if row["name"] == "Ana Sol")
    assert importer.rows(import_id)[3]["carried"]["checked_out_to"]["person_id"] == ana


def test_site_and_place_or_category_and_subcategory_are_one_path(importer: Importer, api: ApiClient):
    text = "Asset Tag ID,Site,Location,Category,Sub Category\nA-1,HQ,Floor 2,Computers,Laptops\nA-2,HQ,,Computers,\n"
    importer.do(rules.apply, imported(importer, text, "assets", create=["locations", "categories"]))

    found = {row["tag"]: (row["location"], row["category"]) for row in api.get("assets").json["data"]}
    assert found == {"A-1": ("HQ / Floor 2", "Computers / Laptops"), "A-2": ("HQ", "Computers")}


def test_what_is_called_unknown_is_found_when_there_is_one(importer: Importer):
    text = "Model,Category,Make\nPrecision,Things,Unknown\n"
    made(importer, "categories", name="Things")
    assert "manufacturer_id" not in importer.rows(importer.upload(text, resource="products"))[0]["changes"]

    made(importer, "manufacturers", name="Unknown")

    assert importer.rows(importer.upload(text, resource="products"))[0]["changes"]["manufacturer_id"][1] == "Unknown"


SAMPLES = {  # a few rows of each of Snipe-IT's samples
    "persons": (
        "First Name,Last Name,Email,Username,Activated,Location,Country,Postal Code,Job Title,Company,Manager,VIP\n"
        "Reagen,Tenant,rtenant0@istockphoto.com,rtenant0,true,\"Braun, Ullrich and O'Hara\",,,Nurse,,Reagen Tenant,true\n"
        "Juan,,,jhowieb,false,Mueller LLC,US,98109,Editor,\"Hand, Rohan and Oberbrunner\",Davis Natalie,\n"
    ),
    "locations": (
        "name,address,address2,city,state,country,zip,manager,manager username,currency\n"
        "Airdrie,14 Summer Ridge Court,306 Buhler Parkway,Poniatowa,AB,CA,T4B,Clementina Van Halen,cvan1,CAD\n"
        "Sundre,20 Summer Ridge Court,,Burujul,AB,CA,,,,\n"
        "Airdrie,8 Lien Drive,,Reims,AB,CA,,Kerry Aherne,kaherneg,CAD\n"
    ),
    "products": (
        "Name,Category,Manufacturer,Model Notes,Model Number,Fieldset,Requestable,EOL,Min Qty\n"
        "Test Model 2,Laptops,\"Botsford, Boyle and Herzog\",ante ipsum,9351IS25A51,Laptops and Desktops,Y,36,50\n"
        "Test Model 7,Desktops,Berge Inc,Test,,Laptops and Desktops,N,36,100\n"
    ),
    "assets": (
        "Company,Name,Asset Tag,Category,Supplier,Manufacturer,Location,Order Number,Model,Model Notes,Model Number,"
        "Purchase Date,Purchase Cost,Checkout Type,Checked Out To: Username,Checked Out To: First Name,Checked Out To: "
        "Last Name,Checked Out To: Email,Checked Out To: Location,Asset EOL Date\n"
        "Abshire and Sons,Backhoe,ICC-2065556,Railings,Kunde,Berge Inc,Waters,3271901481,\"Macbook Pro 13\"\"\",,1786VM,"
        "1/23/23,2266.13,,,,,,,10/27/28\n"
        "Quitzon,Dragline,WBH-2841795,Railings,Krajcik LLC,Berge Inc,Waters,5504512275,\"Macbook Pro 13\"\"\",ante,9351IS,"
        "11/14/22,1292.94,User,gmccrackem2a,Gage,McCrackem,gmccrackem2a@bing.com,,10/27/28\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("resource", SAMPLES)
def test_the_samples_of_snipe_it_come_in_and_find_themselves_again(importer: Importer, resource: str):
    text = SAMPLES[resource]
    kinds = list(creatable_kinds(registry.resources[resource]))
    import_id = imported(importer, text, resource, create=kinds)
    importer.do(rules.apply, import_id)

    assert importer.fates(import_id)[:2] == ["create"] * 2
    assert importer.fates(importer.upload(text, resource=resource))[:2] == ["unchanged"] * 2


def test_a_snipe_it_model_keeps_its_end_of_life_and_its_set(importer: Importer, api: ApiClient):
    importer.do(
        rules.apply,
        imported(importer, SAMPLES["products"], "products", create=["categories", "field-sets", "manufacturers"]),
    )

    made_of = api.get("products?sort=name").json["data"][0]
    assert (made_of["end_of_life_rule"], made_of["end_of_life_months"], made_of["minimum_quantity"]) == (
        "months",
        36,
        50,
    )
    assert (made_of["field_set"], made_of["is_requestable"]) == ("Laptops and Desktops", True)


def test_choices_that_have_commas_come_back_one_a_line(importer: Importer, client: PageClient):
    made(
        importer,
        "custom-fields",
        name="Size",
        resource="products",
        kind="choice",
        options=["Large, deep", "Small; flat"],
    )
    exported = client.get("/custom-fields/export.csv").data.decode("utf-8-sig")

    assert importer.fates(importer.upload(exported, resource="custom-fields")) == ["unchanged"]
    edited = importer.upload(exported.replace("Small; flat", "Tiny"), resource="custom-fields")
    assert importer.rows(edited)[0]["changes"] == {"options": [["Large, deep", "Small; flat"], ["Large, deep", "Tiny"]]}
