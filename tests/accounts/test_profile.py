import re
from datetime import timedelta

import pytest
import time_machine
from babel import Locale

from tests.households import PASSWORD, anonymous_client
from webapp.accounts.choices import LOCALES
from webapp.accounts.devices import device_of
from webapp.accounts.rules import add_member
from webapp.core import identity
from webapp.core.database import utcnow

pytestmark = pytest.mark.both_databases
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile Safari/604.1"


def text(answer):
    return answer.get_data(as_text=True)


def profile(**changes):
    return {
        "name": "Olive Owner",
        "locale": "",
        "timezone": "",
        "theme": "system",
        "has_shortcuts": "y",
        **changes,
    }


def test_name_language_and_zone_are_ones_own(app, organization, client):
    saved = client.post("/profile", data=profile(name="Olívia", locale="de_AT", timezone="Europe/Vienna"))

    assert saved.status_code == 303
    page = text(client.get("/profile"))
    assert "Olívia" in page
    assert '<html lang="de-AT"' in page
    with app.app_context():
        user = identity.find_user(organization.email)
    assert (user["name"], user["locale"], user["timezone"]) == ("Olívia", "de_AT", "Europe/Vienna")


@pytest.mark.parametrize(
    ("field", "value"), [("name", " "), ("locale", "tlh"), ("timezone", "Mars/Olympus"), ("theme", "pink")]
)
def test_a_profile_says_what_is_wrong(client, field, value):
    assert client.post("/profile", data=profile(**{field: value})).status_code == 422


def test_a_theme_is_written_by_the_server_and_the_device_decides_otherwise(client):
    assert "data-bs-theme" not in text(client.get("/"))

    client.post("/profile", data=profile(theme="dark"))
    assert '<html lang="en-GB" dir="ltr" data-bs-theme="dark">' in text(client.get("/"))

    client.post("/profile", data=profile(theme="system"))
    assert "data-bs-theme" not in text(client.get("/"))


def test_single_letters_are_switched_off(client):
    assert 'data-shortcuts="off"' not in text(client.get("/"))

    client.post("/profile", data={name: value for name, value in profile().items() if name != "has_shortcuts"})

    assert '<body data-shortcuts="off">' in text(client.get("/"))


def test_a_changed_profile_is_in_the_history(organization, client, api):
    client.post("/profile", data=profile(name="Olívia"))

    lines = api.get(f"users/{organization.owner.user_id}/history").json["data"]

    assert lines[0]["changes"] == [{"field": "name", "old": "Olive Owner", "new": "Olívia"}]


# Where one is signed in


def sign_in(app, organization, user_agent, ip="198.51.100.7"):
    browser = anonymous_client(app)
    browser.environ_base = {**browser.environ_base, "HTTP_USER_AGENT": user_agent, "REMOTE_ADDR": ip}
    return browser.sign_in(organization.email, PASSWORD)


def test_the_profile_lists_where_one_is_signed_in(app, organization, client):
    sign_in(app, organization, FIREFOX)
    sign_in(app, organization, IPHONE, "203.0.113.9")

    page = text(client.get("/profile"))

    assert "Firefox, Linux" in page
    assert "Safari, iPhone" in page
    assert "203.0.113.9" in page
    assert page.count("This one") == 1


def test_one_session_is_ended_and_the_others_go_on(app, organization, client):
    stolen = sign_in(app, organization, FIREFOX)
    name = re.search(r"/profile/sessions/(\w+)/end", text(client.get("/profile")))[1]

    assert client.post(f"/profile/sessions/{name}/end").status_code == 303

    assert stolen.get("/members").headers["Location"].startswith("/login")
    assert client.get("/members").status_code == 200


def test_the_session_of_somebody_else_cannot_be_ended(organization, client, as_role):
    member = as_role("auditor")
    organization.page_client()
    name = re.search(r"/profile/sessions/(\w+)/end", text(client.get("/profile")))[1]

    assert member.post(f"/profile/sessions/{name}/end").status_code == 404


def test_no_page_holds_what_a_session_is_kept_under(app, organization, client):
    sign_in(app, organization, FIREFOX)
    with app.app_context():
        hashes = [row["secret_hash"] for row in identity.sessions_of(organization.owner.user_id)]

    page = text(client.get("/profile"))

    assert len(hashes) == 2
    assert not [kept for kept in hashes if kept in page]


def test_signing_out_everywhere_ends_this_session_too(app, organization, client):
    other = sign_in(app, organization, FIREFOX)

    assert client.post("/profile/sign-out-everywhere").headers["Location"] == "/login"

    for browser in (client, other):
        assert browser.get("/members").headers["Location"].startswith("/login")


def test_another_password_renews_the_session_too(client):
    before = client.get_cookie("quartermaster").value

    client.post("/password", data={"old": PASSWORD, "new": "an entirely new one"})
    client.get("/profile")

    assert client.get_cookie("quartermaster").value != before
    client.set_cookie("quartermaster", before)
    assert client.get("/profile").status_code == 302


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (FIREFOX, "Firefox, Linux"),
        (IPHONE, "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0 Safari/537.36", "Chrome, Windows"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/139.0 Safari/537.36 Edg/139.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Version/18 Safari/605", "Safari, macOS"),
        ("something else", "something else"),
        ("", ""),
    ],
)
def test_a_device_is_called_as_people_call_it(user_agent, words):
    assert device_of(user_agent)[0] == words


# Several organizations


def test_signing_in_leads_to_where_one_was_last(app, organization, other_organization):
    with other_organization.context() as context:
        add_member(context, email=organization.email, name="", password="", role="auditor")
        context.session.commit()
    for household, minutes in ((organization, 10), (other_organization, 20)):
        with time_machine.travel(utcnow() + timedelta(minutes=minutes), tick=False), app.app_context():
            secret = identity.open_session(organization.owner.user_id, household.id)
        with time_machine.travel(utcnow() + timedelta(minutes=minutes + 6), tick=False), app.app_context():
            assert identity.find_session(secret)
            identity.flush_uses()

    browser = anonymous_client(app).sign_in(organization.email, PASSWORD)

    assert other_organization.tenant.name in text(browser.get("/"))


def test_members_show_when_they_were_last_seen_here(app, organization, other_organization, client):
    with other_organization.context() as context:
        add_member(context, email=organization.email, name="", password="", role="auditor")
        context.session.commit()
    with app.app_context():
        identity.flush_uses()

    seen = {
        household.id: next(
            row["last_seen_at"]
            for row in household.api_client().get("members?per_page=100").json["data"]
            if row["user_id"] == organization.owner.user_id
        )
        for household in (organization, other_organization)
    }

    assert seen[other_organization.id] is None
    assert "never" in text(other_organization.page_client().get("/members"))


def test_the_languages_are_called_as_babel_calls_them() -> None:
    for code, name in LOCALES.items():
        called = str(Locale.parse(code).get_display_name(code))
        assert name == called[:1].upper() + called[1:], code
