"""Kept mappings: saved from an import, found again by the headings, chosen by name, renamed and deleted."""

import pytest

from tests.clients import ApiClient
from tests.households import Household
from tests.imports.conftest import Importer
from webapp.core.access import permissions_of
from webapp.core.errors import Forbidden, Invalid, NotFound
from webapp.imports import mappings, rules

pytestmark = pytest.mark.both_databases
SHEET = "Inv. No.;What;Bought;Seen\nA-1;Drill;1/2/24;x\nA-2;Saw;3/4/24;y\n"


@pytest.fixture
def kept(importer: Importer) -> int:
    """Return the mapping "Lab sheet", kept from an import whose columns somebody corrected."""
    import_id = importer.upload(SHEET)
    importer.do(rules.change, import_id, {1: "name", 3: "notes"}, {"dates": {"2": "mdy"}, "blanks": "clear"})
    return keep(importer, import_id, "Lab sheet")


def keep(importer: Importer, import_id: int, name: str) -> int:
    return int(importer.do(mappings.keep, import_id, name, run=False))


def columns_of(importer: Importer, import_id: int) -> list:
    return list(importer.get(import_id)["columns"].values())


def test_the_next_file_with_the_same_headings_is_read_by_itself(importer: Importer, kept: int):
    again = importer.upload("inv_no,SEEN,bought,what\nA-3,z,2/29/24,Lamp\n")

    row = importer.get(again)
    assert row["mapping_id"] == kept
    assert columns_of(importer, again) == ["tag", "notes", "purchased_on", "name"]
    assert (row["options"]["dates"], row["options"]["blanks"]) == ({"2": "mdy"}, "clear")
    assert "purchased_on" not in importer.rows(again)[0]["errors"]


def test_other_headings_are_guessed_unless_the_mapping_is_chosen(importer: Importer, kept: int):
    text = "What,Serial no\nLamp,S-1\n"
    assert importer.get(importer.upload(text))["mapping_id"] is None

    chosen = importer.do(rules.upload, "assets", importer.file(text), "a.csv", mapping="lab  SHEET")
    later = importer.upload(text)
    importer.do(rules.change, later, mapping=str(kept))

    for import_id in (chosen, later):
        assert columns_of(importer, import_id) == ["name", "serial_number"]
        assert importer.get(import_id)["options"]["match"] == "serial_number"


def test_how_a_file_is_read_is_kept_with_it(importer: Importer):
    import_id = importer.upload("Tag;Name\nA-1;Bohrer\n")
    importer.do(rules.change, import_id, options={"encoding": "cp1250", "delimiter": ";"})
    keep(importer, import_id, "From Prague")

    again = importer.upload("Tag;Name\nA-2;P\xf8\xedruba\n".encode("latin-1"))

    assert importer.get(again)["source"]["encoding"] == "cp1250"
    assert importer.rows(again)[0]["title"] == "Příruba"


def test_a_name_is_taken_once_a_resource_and_its_own_import_brings_it_up_to_date(importer: Importer, kept: int):
    other = importer.upload("Tag,Name\nA-1,x\n")
    for name in ("lab sheet", "", "x" * 90):
        with pytest.raises(Invalid, match="name"):
            keep(importer, other, name)

    again = importer.upload(SHEET)
    importer.do(rules.change, again, {3: None})

    assert keep(importer, again, "Lab Sheet") == kept
    assert columns_of(importer, importer.upload(SHEET))[3] is None


def test_it_is_renamed_and_deleted_and_its_name_is_free_again(importer: Importer, kept: int):
    importer.do(mappings.rename, kept, "Bench sheet", run=False)
    importer.do(mappings.forget, kept, run=False)

    with importer.organization.context() as context:
        assert mappings.list_mappings(context) == []
        with pytest.raises(NotFound):
            mappings.rename(context, kept, "x")
    assert importer.get(importer.upload(SHEET))["mapping_id"] is None
    assert keep(importer, importer.upload(SHEET), "Lab sheet") != kept


def test_what_is_gone_or_not_allowed_is_left_out(importer: Importer, organization: Household):
    import_id = importer.upload("Tag,Category\nA-1,Tools\n")
    importer.do(rules.change, import_id, options={"create": ["categories"]})
    keep(importer, import_id, "With categories")
    actor = organization.actor("manager")
    narrow = type(actor)(**{**vars_of(actor), "permissions": actor.permissions - {"categories:write"}})

    with organization.context(narrow) as context:
        import_id = rules.upload(context, "assets", importer.file("Tag,Category\nA-2,Tools\n"), "b.csv")
        row = rules.get_import(context, import_id)

    assert row["mapping_id"] is not None
    assert row["options"]["create"] == []


def vars_of(actor) -> dict:
    return {name: getattr(actor, name) for name in actor.__slots__}


def test_who_only_reads_keeps_nothing(importer: Importer, organization: Household, kept: int):
    assert "imports:write" not in permissions_of("auditor")

    with organization.context(organization.actor("auditor")) as context:
        for act in (mappings.rename, mappings.forget):
            with pytest.raises(Forbidden):
                act(context, kept, *(["x"] if act is mappings.rename else []))


def test_the_headings_tell_what_the_rows_are(importer: Importer):
    for text, resource in (
        ("Asset Tag,Serial,Purchase Date\n1,2,3\n", "assets"),
        ("First name,Last name,E-mail,Department\nA,B,c@d.example,X\n", "persons"),
    ):
        import_id = importer.do(rules.upload, rules.AUTO, importer.file(text), "a.csv")
        assert importer.get(import_id)["resource"] == resource
    with pytest.raises(Invalid, match="headings"):
        importer.do(rules.upload, rules.AUTO, importer.file("Foo,Bar\n1,2\n"), "a.csv")


def test_the_api_keeps_lists_renames_and_deletes(api: ApiClient, importer: Importer, kept: int):
    said = {"name": "Written", "resource": "assets", "columns": {"Inv. Nr": "tag", "Kauf": "purchased_on", "X": None}}
    made = api.post("imports/mappings", said | {"options": {"dates": {"Kauf": "dmy"}}})

    assert made.status_code == 201
    assert made.json["data"]["columns"] == {"inv no": "tag", "kauf": "purchased_on", "x": None}
    assert made.json["data"]["options"]["dates"] == {"kauf": "dmy"}
    assert api.get(made.headers["Location"]).json == made.json
    assert [row["name"] for row in api.get("imports/mappings?resource=assets").json["data"]] == ["Lab sheet", "Written"]
    assert api.patch(f"imports/mappings/{kept}", {"name": "Bench"}).json["data"]["name"] == "Bench"
    assert api.delete(f"imports/mappings/{kept}").status_code == 204
    assert api.get(f"imports/mappings/{kept}").status_code == 404
    from_import = {"name": "From it", "import_id": importer.upload(SHEET)}
    assert api.post("imports/mappings", from_import).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "_"),
        ({}, "name"),
        ({"name": 3}, "name"),
        ({"name": "x", "color": 1}, "color"),
        ({"name": "x"}, "resource"),
        ({"name": "x", "resource": "planets"}, "resource"),
        ({"name": "x", "resource": "assets"}, "columns"),
        ({"name": "x", "resource": "assets", "columns": {"A": "color"}}, "columns"),
        ({"name": "x", "resource": "assets", "columns": {"A": 3}}, "columns"),
        ({"name": "x", "resource": "assets", "columns": {"A": "tag"}, "options": {"dates": {"B": "dmy"}}}, "options.dates"),
        ({"name": "x", "resource": "assets", "columns": {"A": "tag"}, "options": {"encoding": "morse"}}, "options.encoding"),
        ({"name": "x", "import_id": 1, "resource": "assets"}, "import_id"),
    ],
)  # fmt: skip
def test_a_bad_mapping_is_422(api: ApiClient, body, field):
    answer = api.post("imports/mappings", body)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json["errors"]]
