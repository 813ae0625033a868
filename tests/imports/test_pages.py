"""The pages of imports, as a browser without JavaScript uses them."""

import io
import re

import pytest

from tests.clients import PageClient
from tests.households import Household
from tests.imports.conftest import Importer

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

    answer = client.get(f"/imports/{import_id}/errors.csv")
    text = answer.data.decode("utf-8-sig")

    assert answer.headers["Content-Disposition"] == f"attachment; filename=errors-{import_id}.csv"
    assert text.splitlines()[0] == "Tag,Name,Category,Price,Row,Problem"
    assert text.splitlines()[1].startswith("A-1,'=1+1,Tools,much,2,")
    again = upload(client, text, "errors.csv")
    importer.run(again)
    assert importer.rows(again)[0]["title"] == "=1+1"
    assert importer.get(again)["columns"]["5"] is None


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

    for path in ("", "/progress", "/errors.csv"):
        assert client.get(f"/imports/{foreign}{path}").status_code == 404
    for path in ("columns", "apply", "undo", "stop", "discard"):
        assert post(client, f"/imports/{foreign}/{path}").status_code == 404
    assert "tools.csv" not in client.get("/imports").text
