from datetime import timedelta

import pytest
import time_machine

from tests.households import PASSWORD, anonymous_client, unique
from tests.letterbox import letters_to, path_in
from webapp.accounts import resets
from webapp.accounts.resources import MEMBERS
from webapp.accounts.rules import add_member, sign_in
from webapp.core import identity
from webapp.core.database import utcnow
from webapp.core.errors import Unauthorized
from webapp.core.writes import delete

pytestmark = pytest.mark.both_databases
ANOTHER = "a wholly different sentence"


@pytest.fixture
def ip():
    """An address of this test alone."""
    number = int(unique("1").rpartition("-")[2])
    return f"198.51.{number // 250 % 250}.{number % 250}"


@pytest.fixture
def browser(app, ip):
    """A browser nobody has signed in with, at an address of its own."""
    found = anonymous_client(app)
    found.environ_base = {**found.environ_base, "REMOTE_ADDR": ip}
    found.get("/forgot")
    return found


@pytest.fixture
def link(app, organization, browser):
    """The path in a letter to the owner."""
    browser.post("/forgot", data={"email": organization.email})
    return path_in(letters_to(app, organization.email)[-1])


def send(browser, link, password=ANOTHER):
    browser.get(link)
    return browser.post("/reset", data={"token": link.partition("token=")[2], "password": password})


def test_the_login_leads_to_it(anonymous, organization):
    assert 'href="/forgot"' in anonymous.get("/login").get_data(as_text=True)


def test_the_link_gives_another_password_once(app, organization, browser, link, ip):
    changed, again = send(browser, link), send(browser, link, "yet another sentence")

    assert (changed.status_code, changed.headers["Location"], again.status_code) == (303, "/login", 404)
    with app.app_context():
        assert sign_in(organization.email, ANOTHER, ip=ip)
        with pytest.raises(Unauthorized):
            sign_in(organization.email, PASSWORD, ip=ip)


def test_every_session_ends(organization, browser, link):
    other = organization.page_client()

    send(browser, link)

    assert other.get("/members").headers["Location"].startswith("/login")


def test_a_link_is_over_after_an_hour(browser, link):
    with time_machine.travel(utcnow() + timedelta(minutes=61), tick=False):
        assert browser.get(link).status_code == 404


def test_opening_the_link_changes_nothing(app, organization, browser, link, ip):
    assert browser.get(link).status_code == 200

    with app.app_context():
        assert sign_in(organization.email, PASSWORD, ip=ip)
    assert send(browser, link).status_code == 303


def test_a_weak_password_leaves_the_link_good(browser, link):
    assert send(browser, link, "short").status_code == 422
    assert send(browser, link).status_code == 303


def test_another_letter_makes_the_first_link_worthless(app, organization, browser, link):
    browser.post("/forgot", data={"email": organization.email})
    second = path_in(letters_to(app, organization.email)[-1])

    assert second != link
    assert (browser.get(link).status_code, browser.get(second).status_code) == (404, 200)


def test_a_changed_password_makes_the_link_worthless(organization, browser, link):
    organization.page_client().post("/password", data={"old": PASSWORD, "new": ANOTHER})

    assert browser.get(link).status_code == 404


def test_the_answer_does_not_tell_whether_the_account_exists(app, organization, browser):
    nobody = f"{unique('nobody')}@example.org"

    answers = [browser.post("/forgot", data={"email": email}) for email in (organization.email, nobody)]

    assert [(a.status_code, a.headers["Location"]) for a in answers] == [(303, "/forgot?sent=1")] * 2
    assert len(letters_to(app, organization.email)) == 1
    assert letters_to(app, nobody) == []


def test_the_web_process_does_the_same_whether_the_account_exists(app, organization, browser, monkeypatch):
    """Time tells nothing, because the account is looked for by the worker alone."""

    def forbidden(*_args, **_kwargs):
        raise AssertionError("looked for an account while somebody waits")

    monkeypatch.setattr(identity, "find_user", forbidden)

    for email in (organization.email, f"{unique('nobody')}@example.org"):
        assert browser.post("/forgot", data={"email": email}).status_code == 303


def test_who_may_not_sign_in_gets_no_letter(app, organization, browser):
    email = f"{unique('gone')}@example.org"
    with organization.context() as context:
        member = add_member(context, email=email, name="Gone", password=PASSWORD, role="member")
        delete(context, MEMBERS, member.id)
        context.session.commit()

    browser.post("/forgot", data={"email": email})

    assert letters_to(app, email) == []


def test_an_account_gets_three_letters_an_hour_and_the_answer_stays_the_same(app, organization, browser):
    with time_machine.travel(utcnow().replace(minute=5) + timedelta(hours=1), tick=False):
        browser.get("/forgot")
        answers = [browser.post("/forgot", data={"email": organization.email}).status_code for _ in range(5)]
        letters = letters_to(app, organization.email)

    assert answers == [303] * 5
    assert len(letters) == 3


def test_an_address_that_asks_for_many_is_told_to_wait(browser, monkeypatch):
    monkeypatch.setattr(resets, "ASKED_FROM_AN_ADDRESS", 2)

    answers = [browser.post("/forgot", data={"email": f"{unique('x')}@example.org"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600


def test_what_is_no_address_is_said_so(browser):
    assert browser.post("/forgot", data={"email": "nobody"}).status_code == 422


def test_who_was_throttled_signs_in_after_a_reset(app, organization, browser, link, ip):
    with app.app_context():
        for _ in range(10):
            with pytest.raises(Unauthorized):
                sign_in(organization.email, "wrong password", ip=unique("elsewhere"))

    send(browser, link)

    with app.app_context():
        assert sign_in(organization.email, ANOTHER, ip=ip)


def test_a_reset_is_in_the_history_without_the_password(app, organization, browser, link):
    send(browser, link)

    with organization.context() as context:
        connection = context.session.connection()
        query = f"SELECT CAST(changes AS TEXT) FROM activity WHERE organization_id = {organization.id}"
        lines = connection.exec_driver_sql(f"{query} AND event = 'Password'").scalars().all()
    assert lines == ["{}"]


def test_a_letter_speaks_the_readers_language(app, organization, browser):
    with app.app_context():
        values = {"name": "Olive", "timezone": None, "theme": None, "has_shortcuts": True}
        identity.change_profile(organization.owner.user_id, locale="de_AT", **values)
    browser.post("/forgot", data={"email": organization.email})

    (letter,) = letters_to(app, organization.email)

    assert 'lang="de-AT"' in letter.get_body(("html",)).get_content()
