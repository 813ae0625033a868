"""The pages and commands of archives, as an owner uses them."""

import io
import re
import zipfile
from html import unescape

import orjson

from tests.archives.conftest import archive_of, with_row
from tests.factories import make
from tests.households import PASSWORD, anonymous_client, unique
from tests.markup import Page
from webapp.core import identity
from webapp.core.database import utcnow
from webapp.core.jobs import DUE_JOBS, run_job


def work(household):
    """Do what is due for an organization."""
    with household.app.app_context():
        for due in DUE_JOBS(at=utcnow(), count=100):
            if due["organization_id"] == household.id:
                run_job(household.id, due["id"])


def address(answer, verb):
    """Return where a page's link of this kind leads."""
    return unescape(re.search(rf'href="([^"]+/{verb})"', answer.get_data(as_text=True))[1])


def test_an_owner_makes_an_archive_saves_it_and_throws_it_away(organization):
    make(organization, "assets")
    client = organization.page_client()
    assert client.post("/archives").location == "/archives"
    progress = re.search(r'hx-get="([^"]+/progress)"', client.get("/archives").get_data(as_text=True))[1]
    assert client.get(progress).status_code == 200
    work(organization)

    page = client.get("/archives")
    answer = client.get(address(page, "download"))

    assert client.get(progress).headers["HX-Refresh"] == "true"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert (answer.mimetype, len(answer.data)) == ("application/zip", answer.content_length)
    manifest = orjson.loads(zipfile.ZipFile(io.BytesIO(answer.data)).read("manifest.json"))
    assert {part["name"]: part.get("rows") for part in manifest["parts"]}["tables/assets.jsonl"] == 1
    assert "The file goes" in client.get(address(page, "remove")).get_data(as_text=True)
    assert client.post(address(page, "remove")).status_code == 303
    assert client.get(address(page, "download")).status_code == 404
    assert "Thrown away" in Page(client.get("/archives")).text


def test_an_uploaded_archive_becomes_an_organization_to_go_to(organization, kestrel):
    kestrel.member_client("auditor")
    client = organization.page_client()
    sent = {"file": (io.BytesIO(archive_of(kestrel)), "kestrel.zip"), "name": unique("Annexe")}
    assert "/archives/bring-in" in client.get("/organizations").get_data(as_text=True)

    assert client.post("/archives/bring-in", data=sent).status_code == 303
    work(organization)
    page = Page(client.get("/archives/bring-in"))
    entered = client.post(next(action for action in page.forms if action.endswith("/enter")))

    assert entered.status_code == 303
    there = Page(client.get("/archives"))
    assert sent["name"] in there.text
    assert f"From an archive of {kestrel.tenant.name}" in there.text
    assert "auditor" in there.text.casefold()
    assert client.get("/assets").status_code == 200


def test_what_is_no_archive_is_refused_at_the_door_and_what_is_damaged_later(organization, kestrel):
    client = organization.page_client()
    long = {"file": (io.BytesIO(b"PK"), "x.zip"), "name": "x" * 300}
    for sent, words in (
        ({}, "Choose a file."),
        (long, "255"),
        ({"file": (io.BytesIO(b"PK"), "x.zip")}, "This is not an archive"),
    ):
        answer = client.post("/archives/bring-in", data=sent)
        assert (answer.status_code, words in Page(answer).text) == (422, True)
    damaged = with_row(archive_of(kestrel), "assets", lambda row: row.update(tag=5))
    client.post("/archives/bring-in", data={"file": (io.BytesIO(damaged), "kestrel.zip")})
    work(organization)

    assert "Row 1 of assets is wrong: tag holds what it cannot." in Page(client.get("/archives/bring-in")).text


def test_nobody_sees_what_another_owner_has_brought(organization, kestrel):
    first, second = organization.page_client(), organization.member_client("owner")
    sent = {"file": (io.BytesIO(archive_of(kestrel)), "kestrel.zip")}
    first.post("/archives/bring-in", data=sent)
    work(organization)

    assert "kestrel.zip" in first.get("/archives/bring-in").get_data(as_text=True)
    assert "kestrel.zip" not in second.get("/archives/bring-in").get_data(as_text=True)


def test_the_commands_carry_an_organization_to_a_new_owner(app, organization, tmp_path):
    make(organization, "assets")
    run, file, email = app.test_cli_runner().invoke, str(tmp_path / "k.zip"), f"{unique('new')}@example.org"

    made = run(args=["archive", "export", "--organization", organization.tenant.slug, file])
    name = unique("Moved")
    options = ["--owner", email, "--owner-password", PASSWORD, "--name", name]
    brought = run(args=["archive", "import", file, *options])

    assert (made.exit_code, brought.exit_code) == (0, 0), made.output + brought.output
    assert (tmp_path / "k.zip").stat().st_mode & 0o777 == 0o600
    assert brought.output.strip() == name.lower()
    page = anonymous_client(app).sign_in(email, PASSWORD).get("/assets")
    assert name in page.get_data(as_text=True)


def test_the_commands_say_what_is_wrong_and_leave_nothing(app, organization, tmp_path):
    run, file = app.test_cli_runner().invoke, tmp_path / "k.zip"
    file.write_text("nothing of ours")
    email = f"{unique('new')}@example.org"

    nowhere = run(args=["archive", "export", "--organization", "nowhere-at-all", str(tmp_path / "x.zip")])
    text = run(args=["archive", "import", str(file), "--owner", email, "--owner-password", PASSWORD])
    weak = run(args=["archive", "import", str(file), "--owner", email, "--owner-password", "short"])

    assert (nowhere.exit_code, text.exit_code, weak.exit_code) == (1, 1, 1)
    assert "no organization nowhere-at-all" in nowhere.output
    assert "This is not an archive of Quartermaster." in text.output
    assert "characters" in weak.output
    assert [path.name for path in tmp_path.iterdir()] == ["k.zip"]
    with app.app_context():
        assert identity.find_user(email) is None
