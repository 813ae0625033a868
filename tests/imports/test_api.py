"""Imports through the native API."""

import io
import json
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.clients import ApiClient
from tests.households import Household
from tests.imports.conftest import Importer
from webapp.core.files import store
from webapp.core.resource import registry
from webapp.core.writes import create
from webapp.imports import rules

SHEET = "Tag,Name,Category\nA-1,Drill,Tools\nA-2,Saw,Tools\n"


def send(
    api: ApiClient,
    content: bytes | str = SHEET,
    filename: str = "tools.csv",
    headers: dict | None = None,
    **more: object,
) -> TestResponse:
    file = content.encode() if isinstance(content, str) else content
    return api.request("POST", "imports", data={"file": (io.BytesIO(file), filename), **more}, headers=headers)


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


def test_an_upload_says_how_it_is_read_and_what_is_found(api: ApiClient, importer: Importer):
    options = {"create": ["categories"], "delimiter": ";", "encoding": "cp1252", "blanks": "clear"}
    sent = send(api, SHEET.replace(",", ";"), resource="assets", options=json.dumps(options))
    assert (sent.json["data"]["state"], sent.json["data"]["progress"]) == ("checking", 0)
    importer.run(sent.json["data"]["id"])

    found = api.get(sent.headers["Location"]).json["data"]

    assert found["source"] == {
        "kind": "csv",
        "encoding": "cp1252",
        "delimiter": ";",
        "sheet": None,
        "sheets": [],
    }
    assert found["options"] == {"match": "tag", "dates": {}, "decimals": {}, "sheet": None} | options
    assert (found["state"], found["progress"], found["counts"]) == ("checked", 100, {"create": 2})
    assert api.get(found["rows_url"]).json["pagination"]["total"] == 2
    assert api.get(f"{found['rows_url']}?q=saw").json["data"][0]["title"] == "Saw"


def test_rows_are_mended_and_skipped(api: ApiClient, importer: Importer):
    import_id = send(api, "Tag,Name,Category,Price\nA-1,Drill,,much\nA-2,Saw,,3\n").json["data"]["id"]
    importer.run(import_id)
    api.post("categories", {"name": "Tools", "kind": "asset"})
    path = f"imports/{import_id}/rows"

    by_heading = api.patch(f"{path}/2", {"cells": {"Category": "Tools", "Price": "3.50"}}).json["data"]
    as_a_list = api.patch(f"{path}/3", {"cells": ["A-2", "Saw", "Tools", None]}).json["data"]
    skipped = api.patch(f"{path}/3", {"skip": True}).json["data"]

    assert (by_heading["fate"], by_heading["cells"], by_heading["is_mended"]) == (
        *("create", ["A-1", "Drill", "Tools", "3.50"], True),
    )
    assert (as_a_list["fate"], skipped["fate"], skipped["is_skipped"]) == ("create", "skip", True)
    assert api.get(f"imports/{import_id}").json["data"]["counts"] == {"create": 1, "skip": 1}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "_"),
        ({"color": 1}, "color"),
        ({"cells": "x"}, "cells"),
        ({"cells": {"Color": "x"}}, "cells.Color"),
        ({"cells": {"Tag": {}}}, "cells.0"),
        ({"cells": ["a", "b", "c", "d"]}, "cells.3"),
        ({"skip": "yes"}, "skip"),
    ],
)
def test_a_bad_mending_is_422(api: ApiClient, importer: Importer, body, field):
    answer = api.patch(f"imports/{importer.upload(SHEET)}/rows/2", body)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize("number", [10**9, 10**10, 10**17])
def test_numbers_that_no_row_has_are_not_found(api: ApiClient, importer: Importer, number: int):
    import_id = importer.upload(SHEET)

    assert api.patch(f"imports/{import_id}/rows/{number}", {"skip": True}).status_code == 404
    for path in (f"imports/{number}/kept", f"imports/mappings/{number}"):
        assert api.get(path).status_code == 404


def test_zero_characters_and_endless_numbers_are_no_server_error(api: ApiClient, importer: Importer):
    import_id = importer.upload(SHEET)
    path = f"imports/{import_id}"

    assert api.get(f"{path}/rows?q=%00").json["pagination"]["total"] == 2
    assert api.patch(f"{path}/rows/2", {"cells": {"Name": "a\0b"}}).json["data"]["cells"][1] == "ab"
    for body in ('{"cells": {"Name": 1e400}}', '{"cells": {"Name": %s}}' % ("9" * 400)):
        assert api.request("PATCH", f"{path}/rows/2", data=body, content_type="application/json").status_code in {
            400,
            422,
        }
    said = {"name": "x", "resource": "assets", "columns": {"\0": "tag", "A\0": "name"}}
    assert api.post("imports/mappings", said).status_code == 201
    assert api.post("imports/mappings", said | {"name": "y", "options": {"sheet": "\0"}}).status_code == 422
    assert api.patch(path, {"options": {"sheet": "\0"}}).status_code == 422


def test_what_an_undo_kept_is_listed_page_by_page(api: ApiClient, importer: Importer):
    import_id = importer.upload(SHEET)
    importer.do(rules.change, import_id, options={"create": ["categories"]})
    importer.do(rules.apply, import_id)
    for asset in api.get("assets").json["data"]:
        api.patch(f"assets/{asset['id']}", {"name": "Mine"})

    importer.do(rules.undo, import_id)

    second = api.get(f"imports/{import_id}/kept?per_page=1&page=2").json
    assert second["pagination"]["total"] == 3
    assert second["data"][0] | {"item_id": 0} == {
        "resource": "assets",
        "item_id": 0,
        "name": "A-1",
        "reason": "It was changed since.",
        "fields": ["name"],
    }
    assert api.get(f"imports/{import_id}").json["data"]["counts"]["kept"] == 3


def test_an_import_is_discarded_until_it_has_written(api: ApiClient, importer: Importer):
    import_id = importer.upload(SHEET)

    assert api.delete(f"imports/{import_id}").status_code == 204
    assert api.delete(f"imports/{import_id}").status_code == 409
    assert api.get("imports").json["data"] == []


def test_an_upload_sent_three_times_has_one_effect_and_one_answer(api: ApiClient):
    answers = [send(api, headers={"Idempotency-Key": "u-1"}) for _time in range(3)]
    other = send(api, SHEET + "A-3,Lamp,Tools\n", headers={"Idempotency-Key": "u-1"})

    assert [answer.status_code for answer in answers] == [201] * 3
    assert answers[0].data == answers[2].data
    assert other.status_code == 422
    assert api.get("imports").json["pagination"]["total"] == 1


def test_a_rehearsed_upload_leaves_no_import_and_no_file(api: ApiClient, app: Flask):
    def files() -> int:
        with app.app_context():
            return sum(1 for path in Path(store().root).rglob("*") if path.is_file())

    before = files()
    answer = send(api, headers={"Prefer": "dry-run"})

    assert (answer.status_code, answer.headers["Preference-Applied"]) == (201, "dry-run")
    assert answer.json["data"]["columns"][0]["field"] == "tag"
    assert api.get("imports").json["data"] == []
    assert files() == before
    assert send(api).status_code == 201
    assert files() == before + 1


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
    [
        (b"%PDF-", {}, "file"),
        (SHEET, {"resource": "planets"}, "resource"),
        (SHEET, {"color": "red"}, "color"),
        (SHEET, {"mapping": "nobody"}, "mapping"),
        (SHEET, {"options": "{"}, "options"),
        (SHEET, {"options": "[]"}, "options"),
        (SHEET, {"options": '{"encoding": "morse"}'}, "options.encoding"),
        (SHEET, {"options": '{"delimiter": "ab"}'}, "options.delimiter"),
        (SHEET, {"options": '{"match": "color"}'}, "options.match"),
    ],
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
        ({"options": {"encoding": []}}, "options.encoding"),
        ({"options": {"delimiter": 3}}, "options.delimiter"),
        ({"options": {"sheet": {}}}, "options.sheet"),
        ({"mapping": []}, "mapping"),
        ({"mapping": "nobody"}, "mapping"),
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

    assert [api.get(f"imports/{foreign}{path}").status_code for path in ("", "/rows", "/kept")] == [404] * 3
    assert api.patch(f"imports/{foreign}/rows/2", {"skip": True}).status_code == 404
    assert api.delete(f"imports/{foreign}").status_code == 404
    assert api.post("imports/mappings", {"name": "x", "import_id": foreign}).status_code == 404
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


def test_a_part_without_a_name_is_refused_with_words(api: ApiClient) -> None:
    parts = ("Content-Disposition: form-data", 'Content-Disposition: form-data; name="resource"')
    body = "".join(f"--x\r\n{head}\r\n\r\nassets\r\n" for head in parts).encode() + b"--x--\r\n"

    for headers in ({}, {"Idempotency-Key": "nameless"}):
        answer = api.post("imports", data=body, headers=headers, content_type="multipart/form-data; boundary=x")

        assert answer.status_code == 422, answer.json
