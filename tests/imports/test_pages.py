"""The pages of imports, as a browser without JavaScript uses them."""

import io
import re

import pytest

from tests.clients import PageClient
from tests.households import Household
from tests.imports.conftest import Importer
from webapp.imports import mending
from webapp.imports.sheets import read_sheet

SHEET = "Tag,Name,Category,Bought,Image\nA-1,<b>Drill</b>,Tools,1/2/24,a.png\nA-2,Saw,Tools,3/4/24,b.png\n"


def post(client: PageClient, path: str, **data: object):
    client.get("/imports")
    return client.post(path, data=data)


def upload(client: PageClient, text: str = SHEET, filename: str = "tools.csv") -> int:
    response = post(client, "/imports", file=(io.BytesIO(text.encode()), filename), resource="assets")
    assert response.status_code == 303, response.text
    return int(response.headers["Location"].rsplit("/", 1)[1])


def test_the_whole_journey(client: PageClient, importer: Importer):
    import_id = upload(client)
    assert "Checking tools.csv" in client.get(f"/imports/{import_id}").text
    importer.run(import_id)

    page = client.get(f"/imports/{import_id}").text
    assert "2 rows into Assets, nothing written yet" in page
    assert "4 of 5 mapped" in page
    assert "Pictures are not imported." in page
    assert "Say how these columns are written, then check again." in page
    assert "There is no category “Tools”." in page

    answer = post(client, f"/imports/{import_id}/columns", create="categories", **{"dates-3": "dmy"})
    assert answer.status_code == 303
    importer.run(import_id)
    page = client.get(f"/imports/{import_id}?fate=create").text
    assert "Apply 2 rows" in page
    assert "new, " in page

    assert post(client, f"/imports/{import_id}/apply").status_code == 303
    assert "Applying tools.csv" in client.get("/imports").text
    importer.run(import_id)
    page = client.get(f"/imports/{import_id}").text
    assert "2 created" in page
    assert re.search(r'href="/assets/\d+"', page)
    assert "&lt;b&gt;Drill&lt;/b&gt;" in page
    assert "<b>Drill</b>" not in page

    assert post(client, f"/imports/{import_id}/undo").status_code == 303
    importer.run(import_id)
    assert "3 removed" in client.get(f"/imports/{import_id}").text
    assert importer.living() == []


def test_the_card_polls_until_the_job_has_ended(client: PageClient, importer: Importer):
    import_id = upload(client)
    fragment = client.get(f"/imports/{import_id}/progress", headers={"HX-Request": "true"})
    assert 'hx-trigger="every 1s"' in fragment.text

    importer.run(import_id)

    ended = client.get(f"/imports/{import_id}/progress", headers={"HX-Request": "true"})
    assert (ended.status_code, ended.headers["HX-Refresh"]) == (204, "true")


def test_errors_can_be_downloaded_mended_and_uploaded_again(client: PageClient, importer: Importer):
    import_id = upload(client, "Tag,Name,Category,Price\nA-1,=1+1,Tools,much\n")
    importer.run(import_id)

    answer = client.get(f"/imports/{import_id}/rows.csv?fate=error")
    text = answer.data.decode("utf-8-sig")

    assert answer.headers["Content-Disposition"] == f"attachment; filename=error-{import_id}.csv"
    assert text.splitlines()[0] == "Tag,Name,Category,Price,Row,Fate,Problem,Changes"
    assert text.splitlines()[1].startswith("A-1,'=1+1,Tools,much,2,Error,")
    again = upload(client, text, "errors.csv")
    importer.run(again)
    assert importer.rows(again)[0]["title"] == "=1+1"
    assert [importer.get(again)["columns"][str(index)] for index in range(4, 8)] == [None] * 4


def test_every_fate_is_a_file_with_its_reasons_and_changes(client: PageClient, importer: Importer):
    import_id = upload(client, "Tag,Name,Category\nA-1,=1+1,Tools\nA-2,Saw,\n")
    importer.run(import_id)
    post(client, f"/imports/{import_id}/columns", create="categories")
    importer.run(import_id)

    created = client.get(f"/imports/{import_id}/rows.csv?fate=create").data.decode("utf-8-sig").splitlines()
    found = client.get(f"/imports/{import_id}/rows.csv?q=saw").text.splitlines()
    book = read_sheet(io.BytesIO(client.get(f"/imports/{import_id}/rows.xlsx").data))

    assert len(created) == 2
    assert created[1].startswith("A-1,'=1+1,Tools,2,Create,,")
    assert "Category: — → Tools" in created[1]
    assert len(found) == 2
    assert book.headers == ("Tag", "Name", "Category", "Row", "Fate", "Problem", "Changes")
    assert next(book.rows)[1][:5] == ["A-1", "'=1+1", "Tools", 2, "Create"]


HTMX = {"HX-Request": "true"}


def test_a_row_is_mended_where_it_stands(client: PageClient, importer: Importer):
    import_id = upload(client, "Tag,Name,Category,Price\nA-1,Drill,,much\nA-2,Saw,,3\n")
    importer.run(import_id)
    url = f"/imports/{import_id}/rows/2"
    assert f'hx-get="{url}?fate=error"' in client.get(f"/imports/{import_id}?fate=error").text

    form = client.get(f"{url}?fate=error", headers=HTMX).text
    still = client.post(f"{url}?fate=error", data={"cell-3": "3.50"}, headers=HTMX).text
    importer.api().post("categories", {"name": "Tools", "kind": "asset"})
    done = client.post(f"{url}?fate=error", data={"cell-2": "Tools"}, headers=HTMX).text

    assert 'name="cell-3" value="much"' in form
    assert "“much” is not a number." in form
    assert 'name="cell-3" value="3.50"' in still
    assert "not a number" not in still
    assert 'name="cell-3"' not in done
    assert '<tr id="row-2" hx-swap-oob="true">' in done
    assert '<li class="py-2" id="item-2" hx-swap-oob="true">' in done
    assert "Apply 1 row" in done
    assert importer.fates(import_id) == ["create", "error"]


def test_without_scripts_a_row_has_a_page(client: PageClient, importer: Importer):
    import_id = upload(client, "Tag,Name,Category,Price\nA-1,Drill,,much\n")
    importer.run(import_id)
    url = f"/imports/{import_id}/rows/2"
    assert "<html" in client.get(url).text

    still = post(client, url, **{"cell-3": "3.50", "cell-0": "A-1"})
    skipped = post(client, f"{url}/skip?fate=error", skip="1")

    assert still.status_code == 200
    assert 'value="3.50"' in still.text
    assert post(client, url, **{"cell-0": "x" * 40_000}).status_code == 422
    assert (skipped.status_code, skipped.location) == (303, f"/imports/{import_id}?fate=error")
    assert importer.fates(import_id) == ["skip"]
    assert "Take it in again" in client.get(url).text
    assert post(client, f"{url}/skip", skip="0").status_code == 200
    assert importer.fates(import_id) == ["error"]


def test_numbers_that_nothing_has_are_not_found(client: PageClient, importer: Importer):
    import_id = upload(client)
    importer.run(import_id)

    for path in (f"/imports/{10**20}", f"/imports/{import_id}/rows/{10**11}", f"/imports/{import_id}/rows/99"):
        assert client.get(path).status_code == 404
    assert client.get(f"/imports/{import_id}?q=%00&page={10**8}").status_code == 200


def test_an_untouched_number_stays_a_number(client: PageClient, importer: Importer):
    import_id = upload(client, "Tag,Notes\nA-1,one\n")
    importer.run(import_id)
    importer.do(mending.mend, import_id, 2, {0: 17}, run=False)

    client.post(f"/imports/{import_id}/rows/2", data={"cell-0": "17", "cell-1": "two"}, headers=HTMX)

    assert importer.rows(import_id)[0]["cells"] == [17, "two"]


def test_columns_are_kept_chosen_renamed_and_deleted(client: PageClient, importer: Importer):
    import_id = upload(client)
    importer.run(import_id)
    assert post(client, f"/imports/{import_id}/keep", name="").status_code == 422
    assert post(client, f"/imports/{import_id}/keep", name="Lab sheet").status_code == 303

    again = upload(client)
    importer.run(again)
    page = client.get(f"/imports/{again}").text
    assert "These columns are read as “Lab sheet”." in page
    assert post(client, f"/imports/{again}/use", mapping="nobody").status_code == 422
    assert post(client, f"/imports/{again}/use", mapping="Lab sheet").status_code == 303
    assert "Lab sheet" in client.get("/imports").text

    kept = importer.get(import_id)["mapping_id"]
    assert "inv no" not in client.get("/imports/mappings").text
    assert post(client, f"/imports/mappings/{kept}", name="").status_code == 422
    assert post(client, f"/imports/mappings/{kept}", name="Bench").status_code == 303
    assert 'value="Bench"' in client.get("/imports/mappings").text
    assert post(client, f"/imports/mappings/{kept}/delete").status_code == 303
    assert "No mappings yet" in client.get("/imports/mappings").text


def test_how_the_file_is_read_is_shown_and_can_be_changed(client: PageClient, importer: Importer):
    import_id = upload(client, "Tag;Name\nA-1;Bohrer\n")
    importer.run(import_id)
    page = client.get(f"/imports/{import_id}").text
    assert "As found: Unicode (UTF-8)" in page
    assert "As found: semicolons" in page

    post(client, f"/imports/{import_id}/columns", encoding="cp1252", delimiter=";", match="tag")
    importer.run(import_id)

    assert importer.get(import_id)["options"]["encoding"] == "cp1252"
    assert "Windows-1252" in client.get(f"/imports/{import_id}").text


def test_every_list_leads_to_the_import_of_its_kind(client: PageClient):
    for name in ("assets", "persons", "locations"):
        assert f'href="/imports?resource={name}"' in client.get(f"/{name}").text
        assert f'<option value="{name}" selected>' in client.get(f"/imports?resource={name}").text


def test_a_bad_file_is_told_on_the_page(client: PageClient):
    answer = post(client, "/imports", file=(io.BytesIO(b"%PDF-1.7"), "x.csv"), resource="assets")

    assert answer.status_code == 422
    assert "This is a PDF file" in answer.text
    assert post(client, "/imports", resource="assets").status_code == 422


def test_two_columns_for_one_field_are_told_and_what_was_chosen_stays(client: PageClient, importer: Importer):
    import_id = upload(client)
    importer.run(import_id)

    answer = post(client, f"/imports/{import_id}/columns", **{"column-0": "tag", "column-1": "tag"})

    assert answer.status_code == 422
    assert "Two columns become Tag." in answer.text
    assert importer.get(import_id)["columns"]["1"] == "name"


def test_long_imports_are_paged(client: PageClient, importer: Importer):
    rows = "".join(f"T-{number},x,Tools\n" for number in range(60))
    import_id = upload(client, f"Tag,Name,Category\n{rows}")
    importer.run(import_id)

    assert "1–50 of 60" in client.get(f"/imports/{import_id}").text
    fragment = client.get(f"/imports/{import_id}?page=2&fate=error", headers={"HX-Target": "import-rows"}).text
    assert "51–60 of 60" in fragment
    assert "<html" not in fragment


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("manager", 200), ("technician", 403), ("member", 403)])
def test_who_may_import(as_role, importer: Importer, role: str, status: int):
    import_id = importer.upload(SHEET)
    client = as_role(role)

    assert client.get("/imports").status_code == status
    assert client.get(f"/imports/{import_id}").status_code == status
    assert client.post(f"/imports/{import_id}/discard").status_code == (303 if status == 200 else 403)


def test_the_snipe_it_export_maps_itself(client: PageClient, importer: Importer):
    heads = (
        "Company,Name,Asset Tag,Category,Supplier,Manufacturer,Location,Order Number,Model,Model Number,"
        "Purchase Date,Asset EOL Date"
    )
    import_id = upload(
        client, f"{heads}\nAcme,Backhoe,ICC-1,Rails,Kozey,Berge,Yard,327,Macbook,1786,1/23/23,10/27/28\n", "assets.csv"
    )
    importer.run(import_id)
    ticks = ["categories", "manufacturers", "products", "locations", "companies", "suppliers"]
    post(client, f"/imports/{import_id}/columns", create=ticks)
    importer.run(import_id)
    post(client, f"/imports/{import_id}/apply")
    importer.run(import_id)

    asset = importer.living()[0]
    assert (str(asset["purchased_on"]), str(asset["end_of_life_on"])) == ("2023-01-23", "2028-10-27")
    assert [importer.living(kind)[0]["name"] for kind in ticks] == [
        *("Rails", "Berge", "Macbook", "Yard", "Acme", "Kozey")
    ]


def test_an_import_of_another_organization_is_not_there(client: PageClient, other_organization: Household):
    foreign = Importer(other_organization).upload(SHEET)

    for path in ("", "/progress", "/rows.csv", "/kept", "/kept.csv", "/rows/2"):
        assert client.get(f"/imports/{foreign}{path}").status_code == 404
    for path in ("columns", "use", "keep", "rows/2", "rows/2/skip", "apply", "undo", "stop", "discard"):
        assert post(client, f"/imports/{foreign}/{path}").status_code == 404
    assert "tools.csv" not in client.get("/imports").text
