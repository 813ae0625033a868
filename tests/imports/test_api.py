"""Imports through the native API."""

import io

import pytest
from werkzeug.test import TestResponse

from tests.clients import ApiClient
from tests.households import Household
from tests.imports.conftest import Importer
from webapp.core.resource import registry
from webapp.core.writes import create

SHEET = "Tag,Name,Category\nA-1,Drill,Tools\nA-2,Saw,Tools\n"


def send(api: ApiClient, content: bytes | str = SHEET, filename: str = "tools.csv", **more: object) -> TestResponse:
    file = content.encode() if isinstance(content, str) else content
    return api.request("POST", "imports", data={"file": (io.BytesIO(file), filename), **more})


def test_the_whole_journey(api: ApiClient, importer: Importer):
    sent = send(api, resource="assets")
    assert sent.status_code == 201
    path = sent.headers["Location"]
    import_id = sent.json["data"]["id"]
    importer.run(import_id)

    checked = api.get(path).json["data"]
    assert (checked["state"], checked["counts"], checked["job"]["state"]) == ("checked", {"error": 2}, "done")
    assert checked["columns"][2] | {"reason": None} == {
        "column": 2,
        "header": "Category",
        "field": "category",
        "reason": None,
        "samples": ["Tools"],
        "date_order": None,
        "decimal_mark": None,
    }
    row = api.get(f"{path}/rows?fate=error&per_page=1").json
    assert row["data"][0]["errors"][0] == {
        "field": "category",
        "message": "There is no category “Tools”.",
        "code": "invalid",
    }
    assert row["pagination"]["total"] == 2

    assert api.patch(path, {"options": {"create": ["categories"]}}).json["data"]["state"] == "checking"
    importer.run(import_id)
    assert api.post(f"{path}/apply").json["data"]["state"] == "applying"
    importer.run(import_id)
    assert api.get(path).json["data"]["counts"]["created"] == 2
    assert len(api.get("assets").json["data"]) == 2

    api.post(f"{path}/undo")
    importer.run(import_id)
    assert api.get("assets").json["data"] == []


def test_a_repeated_apply_has_one_effect_and_one_answer(api: ApiClient, importer: Importer):
    import_id = send(api).json["data"]["id"]
    importer.run(import_id)
    api.patch(f"imports/{import_id}", {"options": {"create": ["categories"]}})
    importer.run(import_id)

    answers = [api.post(f"imports/{import_id}/apply", headers={"Idempotency-Key": "k-1"}) for _time in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert answers[0].data == answers[2].data
    importer.run(import_id)
    assert len(importer.living()) == 2


@pytest.mark.parametrize(
    ("content", "more", "field"),
    [(b"%PDF-", {}, "file"), (SHEET, {"resource": "planets"}, "resource"), (SHEET, {"color": "red"}, "color")],
)
def test_a_bad_upload_is_422(api: ApiClient, content, more, field):
    answer = send(api, content, **more)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == field
    assert api.get("imports").json["pagination"]["total"] == 0


def test_uploads_are_multipart(api: ApiClient):
    assert api.post("imports", {"file": "x"}).status_code == 415
    assert (
        api.request("POST", "imports", data={"resource": "assets"}, content_type="multipart/form-data").status_code
        == 422
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "_"),
        ({"color": 1}, "color"),
        ({"columns": {"x": "tag"}}, "columns"),
        ({"columns": {"0": 7}}, "columns"),
        ({"columns": {"99": "tag"}}, "columns"),
        ({"options": []}, "options"),
        ({"options": {"match": ["tag"]}}, "options.match"),
        ({"options": {"create": "categories"}}, "options.create"),
        ({"options": {"create": [{}]}}, "options.create"),
        ({"options": {"dates": {"0": {}}}}, "options.dates"),
        ({"options": {"blanks": []}}, "options.blanks"),
    ],
)
def test_a_bad_patch_is_422(api: ApiClient, importer: Importer, body, field):
    import_id = send(api).json["data"]["id"]
    importer.run(import_id)

    answer = api.patch(f"imports/{import_id}", body)

    assert answer.status_code == 422
    assert field in [error["field"] for error in answer.json["errors"]]


@pytest.mark.parametrize("query", ["fate=x", "page=0", "per_page=1001", "page=x", "color=1"])
def test_bad_parameters_are_422(api: ApiClient, importer: Importer, query: str):
    assert api.get(f"imports/{importer.upload(SHEET)}/rows?{query}").status_code == 422


def test_what_cannot_be_done_now_is_409(api: ApiClient, importer: Importer):
    import_id = importer.upload(SHEET)

    for act in ("apply", "undo", "stop"):
        assert api.post(f"imports/{import_id}/{act}").status_code == 409


def test_an_import_of_another_organization_is_not_there(api: ApiClient, other_organization: Household):
    foreign = Importer(other_organization).upload(SHEET)

    assert [api.get(f"imports/{foreign}{path}").status_code for path in ("", "/rows")] == [404, 404]
    assert [api.post(f"imports/{foreign}/{act}").status_code for act in ("apply", "undo", "stop")] == [404] * 3
    assert api.patch(f"imports/{foreign}", {}).status_code == 404
    assert api.get("imports").json["data"] == []


def test_names_of_another_organization_are_never_found(importer: Importer, other_organization: Household):
    with other_organization.context() as context:
        create(context, registry.resources["categories"], {"name": "Tools", "kind": "asset"})
        context.session.commit()

    assert importer.fates(importer.upload(SHEET)) == ["error", "error"]


def test_a_key_needs_the_imports_right_and_the_resources(organization: Household, importer: Importer):
    import_id = importer.upload(SHEET)
    reader = organization.api_client(("imports:read", "assets:read"))
    writer = organization.api_client(("imports:read", "imports:write", "assets:read"))
    neither = organization.api_client(("assets:read", "assets:write"))

    assert reader.get(f"imports/{import_id}").status_code == 200
    assert send(reader).status_code == send(writer).status_code == 403
    assert writer.post(f"imports/{import_id}/apply").status_code == 403
    assert neither.get(f"imports/{import_id}").status_code == 403


def test_a_key_without_the_right_to_make_categories_cannot_have_them_made(organization: Household, importer: Importer):
    import_id = importer.upload(SHEET)
    key = organization.api_client(("imports:read", "imports:write", "assets:read", "assets:write"))

    assert key.patch(f"imports/{import_id}", {"options": {"create": ["categories"]}}).status_code == 403


def test_somebody_narrowed_to_a_place_sees_only_own_imports(organization: Household, importer: Importer):
    with organization.context() as context:
        place = create(context, registry.resources["locations"], {"name": "HQ", "kind": "site"})
        context.session.commit()
    import_id = importer.upload(SHEET)
    narrowed = organization.api_client(scope_location_id=place)

    assert narrowed.get(f"imports/{import_id}").status_code == 404
    assert narrowed.get("imports").json["data"] == []
