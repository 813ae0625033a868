import re

import pytest

from tests.households import PASSWORD, anonymous_client, unique
from webapp.accounts.rules import add_member, create_api_key
from webapp.core import identity, secrets

KEY = re.compile(r"qm_live_[0-9a-f]{8}_[0-9A-Za-z]{49}")


def member_id(client, name):
    """Return the membership id of somebody on the members' page."""
    page = client.get("/members").get_data(as_text=True)
    return re.search(rf'href="/members/(\d+)/remove"[^>]*aria-label="Remove {name}"', page)[1]


def cookie_of(client):
    return client.get_cookie("quartermaster").value


# Signing in and out


def test_who_is_not_signed_in_is_sent_to_the_login_and_back(anonymous, organization):
    sent = anonymous.get("/members?sort=x")
    assert sent.headers["Location"] == "/login?next=/members?sort%3Dx"

    page = anonymous.get(sent.headers["Location"]).get_data(as_text=True)
    assert 'name="next" value="/members?sort=x"' in page

    entered = anonymous.post(
        "/login", data={"email": organization.email, "password": PASSWORD, "next": "/members?sort=x"}
    )
    assert (entered.status_code, entered.headers["Location"]) == (303, "/members?sort=x")


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "members"])
def test_the_login_leads_nowhere_else(anonymous, organization, target):
    anonymous.get("/login")

    entered = anonymous.post("/login", data={"email": organization.email, "password": PASSWORD, "next": target})

    assert entered.headers["Location"] == "/"


def test_htmx_is_sent_to_the_login_as_a_whole_page(anonymous, organization):
    response = anonymous.get("/members", headers={"HX-Request": "true"})

    assert (response.status_code, response.headers["HX-Redirect"]) == (401, "/login")


@pytest.mark.parametrize("email", ["the owner's", "nobody@example.org"])
def test_a_wrong_password_and_an_unknown_account_get_the_same_page(anonymous, organization, email):
    email = organization.email if email == "the owner's" else email
    anonymous.get("/login")

    response = anonymous.post("/login", data={"email": email, "password": "wrong password"})

    assert response.status_code == 401
    assert "do not go together" in response.get_data(as_text=True)
    assert email in response.get_data(as_text=True)
    assert "wrong password" not in response.get_data(as_text=True)


def test_too_many_tries_are_told_to_wait(anonymous, organization):
    anonymous.get("/login")
    for _ in range(11):
        response = anonymous.post("/login", data={"email": organization.email, "password": "wrong password"})

    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 900


def test_the_login_needs_its_csrf_token(app, organization):
    response = app.test_client().post("/login", data={"email": organization.email, "password": PASSWORD})

    assert response.status_code in (400, 403)


def test_the_cookie_is_for_us_alone(client):
    client.get("/logout")
    header = next(h for h in anonymous_sign_in(client).headers.getlist("Set-Cookie") if h.startswith("quartermaster="))

    assert "HttpOnly" in header
    assert "SameSite=Lax" in header
    assert "Expires" not in header


def anonymous_sign_in(client, **data):
    """Sign the client's owner in once more and return the answer."""
    email = re.search(r"owner-[\w-]+@example.org", client.get("/members").get_data(as_text=True))[0]
    client.post("/logout")
    client.get("/login")
    return client.post("/login", data={"email": email, "password": PASSWORD, **data})


def test_staying_signed_in_keeps_the_cookie_for_thirty_days(client):
    header = anonymous_sign_in(client, remember="y").headers["Set-Cookie"]

    assert "Expires=" in header


def test_over_https_the_cookie_is_secure_and_bound_to_the_host(new_database, new_app):
    app = new_app(new_database(), BASE_URL="https://localhost")

    header = app.test_client().get("/login", base_url="https://localhost", follow_redirects=True).headers["Set-Cookie"]

    assert header.startswith("__Host-quartermaster=")
    assert "Secure" in header
    assert "Path=/" in header


def test_signing_in_gives_a_new_session(anonymous, organization):
    anonymous.get("/login")
    before = cookie_of(anonymous)

    anonymous.sign_in(organization.email, PASSWORD)
    first = cookie_of(anonymous)
    anonymous.post("/logout")
    anonymous.sign_in(organization.email, PASSWORD)

    assert len({before, first, cookie_of(anonymous)}) == 3


def test_signing_out_ends_the_session_on_the_server(client):
    stolen = cookie_of(client)

    client.post("/logout")
    client.set_cookie("quartermaster", stolen)

    assert client.get("/members").headers["Location"].startswith("/login")


def test_pages_are_not_kept_by_browsers(client):
    assert client.get("/members").headers["Cache-Control"] == "no-store"


def test_a_member_who_was_removed_is_out_on_the_next_request(organization, as_role, client):
    member = as_role("manager")

    removed = client.post(f"/members/{member_id(client, 'manager')}/remove")

    assert removed.status_code == 303
    assert member.get("/members").headers["Location"].startswith("/login")


def test_another_password_signs_other_devices_out(organization, client):
    other = organization.page_client()

    changed = client.post("/password", data={"old": PASSWORD, "new": "an entirely new one"})

    assert changed.status_code == 303
    assert client.get("/password").status_code == 200
    assert other.get("/password").status_code == 302


def test_a_wrong_old_password_changes_nothing(client):
    response = client.post("/password", data={"old": "not the one", "new": "an entirely new one"})

    assert response.status_code == 422
    assert "not your password" in response.get_data(as_text=True)


# Several organizations


def test_a_member_of_two_goes_from_one_to_the_other(organization, other_organization, client):
    with other_organization.context() as context:
        add_member(context, email=organization.email, name="", password="", role="auditor")
        context.session.commit()

    page = client.get("/organizations").get_data(as_text=True)
    assert organization.tenant.name in page
    entered = client.post(f"/organizations/{other_organization.tenant.slug}/enter")

    assert entered.status_code == 303
    assert other_organization.tenant.name in client.get("/").get_data(as_text=True)
    assert client.get("/settings/organization").status_code == 403


def test_an_organization_of_others_cannot_be_entered(other_organization, client):
    assert client.post(f"/organizations/{other_organization.tenant.slug}/enter").status_code == 404


# The first run


@pytest.fixture
def first_run(new_database, new_app):
    """Return (application, browser, token) of an installation without users."""
    app = new_app(new_database())
    with app.app_context():
        return app, anonymous_client(app), secrets.setup_token()


def setup_data(**changes):
    return {
        "name": "Kestrel Field Research",
        "currency": "EUR",
        "timezone": "Europe/Lisbon",
        "locale": "en_GB",
        "first_tag": "KFR-0100",
        "admin_name": "Inês Carvalho",
        "admin_email": f"{unique('ines')}@example.org",
        "admin_password": PASSWORD,
        "start": "empty",
        **changes,
    }


def test_an_empty_installation_leads_to_the_first_run(first_run):
    _app, browser, _token = first_run

    assert browser.get("/members").headers["Location"].startswith("/setup")
    assert browser.get("/login").headers["Location"] == "/setup"
    assert browser.get("/setup").status_code == 200


def test_the_first_run_makes_organization_and_owner_and_signs_in(first_run):
    app, browser, token = first_run
    browser.get("/setup")

    made = browser.post("/setup", data=setup_data(token=token))

    assert (made.status_code, made.headers["Location"]) == (303, "/")
    assert "Kestrel Field Research" in browser.get("/").get_data(as_text=True)
    with app.app_context():
        tenant = identity.organization_by_slug("kestrel-field-research")
    assert (tenant.currency, tenant.timezone) == ("EUR", "Europe/Lisbon")
    assert tenant.settings == {"asset_tag_pattern": "KFR-%04d", "unique_serial": True}


def test_the_first_run_closes_for_good(first_run):
    _app, browser, token = first_run
    browser.get("/setup")
    browser.post("/setup", data=setup_data(token=token))

    assert browser.get("/setup").status_code == 404
    assert browser.post("/setup", data=setup_data(token=token)).status_code == 404


def test_without_the_token_nobody_gets_in(first_run):
    app, browser, _token = first_run
    browser.get("/setup")

    refused = browser.post("/setup", data=setup_data(token="guessed"))

    assert refused.status_code == 403
    assert "Inês Carvalho" in refused.get_data(as_text=True)
    with app.app_context():
        assert identity.is_empty()


def test_the_first_run_says_what_is_wrong_and_keeps_what_was_typed(first_run):
    _app, browser, token = first_run
    browser.get("/setup")

    response = browser.post("/setup", data=setup_data(token=token, admin_password="short", first_tag="none"))

    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert "At least 10 characters" in page
    assert "End it with a number" in page
    assert "Kestrel Field Research" in page


# Settings


def test_the_organization_gets_another_name_and_currency(organization, client):
    version = re.search(
        r'name="version"[^>]*value="(\d+)"', client.get("/settings/organization").get_data(as_text=True)
    )
    data = {"name": "Renamed", "currency": "CHF", "timezone": "Europe/Zurich", "locale": "en_GB", "version": version[1]}

    assert client.post("/settings/organization", data=data).status_code == 303

    with organization.app.app_context():
        tenant = identity.organization_by_id(organization.id)
    assert (tenant.name, tenant.currency, tenant.timezone) == ("Renamed", "CHF", "Europe/Zurich")


def test_a_change_of_the_organization_is_in_its_history(client, api):
    data = {"name": "Renamed", "currency": "EUR", "timezone": "UTC", "locale": "en_GB", "version": "1"}
    client.post("/settings/organization", data=data)

    (own,) = api.get("organizations").json["data"]
    lines = api.get(f"organizations/{own['id']}/history").json["data"]
    assert [change["field"] for change in lines[0]["changes"]] == ["name"]


def test_a_member_is_added_and_listed(client):
    email = f"{unique('new')}@example.org"

    added = client.post(
        "/members/new", data={"name": "Rui Ramos", "email": email, "password": PASSWORD, "role": "auditor"}
    )

    assert added.status_code == 303
    page = client.get("/members").get_data(as_text=True)
    assert "Rui Ramos" in page
    assert email in page


def test_adding_a_member_says_what_is_wrong_and_shows_no_password(client):
    response = client.post(
        "/members/new", data={"name": "Rui", "email": "nobody", "password": "abcdefg", "role": "owner"}
    )

    page = response.get_data(as_text=True)
    assert response.status_code == 422
    assert "not an e-mail address" in page
    assert "abcdefg" not in page


def test_the_last_owner_is_kept_with_a_reason(client):
    row_id = member_id(client, "Olive Owner")

    removed = client.post(f"/members/{row_id}/remove")
    demoted = client.post(f"/members/{row_id}", data={"role": "member"})

    for response in (removed, demoted):
        assert response.status_code == 409
        assert "last owner" in response.get_data(as_text=True)


def test_a_role_is_changed(client, as_role):
    as_role("member")
    row_id = member_id(client, "member")

    assert client.get(f"/members/{row_id}").status_code == 200
    assert client.post(f"/members/{row_id}", data={"role": "technician"}).status_code == 303
    assert "Technician" in client.get("/members").get_data(as_text=True)


def test_a_new_key_is_shown_once(client, organization):
    page = client.post(
        "/settings/api-keys/new", data={"name": "Print room", "scopes": ["assets:read"], "expires_on": "2099-11-19"}
    ).get_data(as_text=True)

    (token,) = set(KEY.findall(page))
    assert "Print room" in page
    again = client.get("/settings/api-keys").get_data(as_text=True)
    assert token not in again
    assert token[:16] in again
    with organization.app.app_context():
        assert identity.find_api_key(token).actor.permissions == {"assets:read"}


def test_the_same_form_sent_twice_makes_one_key(client):
    form = client.get("/settings/api-keys/new").get_data(as_text=True)
    nonce = re.search(r'name="nonce"[^>]*value="(\w+)"', form)[1]
    data = {"name": "Print room", "scopes": ["assets:read"], "nonce": nonce}

    answers = [client.post("/settings/api-keys/new", data=data) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 303]
    assert client.get("/settings/api-keys").get_data(as_text=True).count("Print room</a></td>") == 1


def test_a_key_without_scopes_is_not_made(client):
    response = client.post("/settings/api-keys/new", data={"name": "Print room", "scopes": ""})

    assert response.status_code == 422
    assert "Print room" in response.get_data(as_text=True)


def test_a_key_is_revoked_after_a_question(client, organization):
    with organization.context() as context:
        key, token = create_api_key(context, "Old helpdesk", ["assets:read"])
        context.session.commit()
        row_id = key.id

    assert "Old helpdesk" in client.get(f"/settings/api-keys/{row_id}/revoke").get_data(as_text=True)
    assert client.post(f"/settings/api-keys/{row_id}/revoke").status_code == 303

    assert "Old helpdesk" in client.get("/settings/api-keys?show=revoked").get_data(as_text=True)
    with organization.app.app_context():
        assert identity.find_api_key(token) is None


ROLES_THAT_MAY = {
    "/settings/organization": {"owner", "admin"},
    "/members": {"owner", "admin", "manager", "auditor"},
    "/members/new": {"owner", "admin"},
    "/settings/api-keys": {"owner", "admin"},
    "/settings/api-keys/new": {"owner", "admin"},
    "/password": {"owner", "admin", "manager", "technician", "auditor", "member"},
    "/organizations": {"owner", "admin", "manager", "technician", "auditor", "member"},
}


@pytest.mark.parametrize("role", ["owner", "admin", "manager", "technician", "auditor", "member"])
def test_each_role_opens_what_it_may(as_role, role):
    browser = as_role(role)

    answers = {path: browser.get(path).status_code for path in ROLES_THAT_MAY}

    assert answers == {path: 200 if role in roles else 403 for path, roles in ROLES_THAT_MAY.items()}
