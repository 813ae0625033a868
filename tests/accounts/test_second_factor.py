import re
from datetime import timedelta

import pyotp
import pytest
import time_machine

from tests.households import PASSWORD, anonymous_client, unique
from webapp.accounts import second_factor
from webapp.accounts.rules import add_member, change_password
from webapp.accounts.sealing import open_secret, seal_secret
from webapp.core import identity
from webapp.core.database import utcnow
from webapp.core.identity_proofs import find_factor

pytestmark = pytest.mark.both_databases
CODES = re.compile(r'id="codes"[^>]*>([^<]+)<')
SECRET = re.compile(r'id="secret">([A-Z2-7 ]+)<')


class Phone:
    """An authenticator: it knows the secret and the time."""

    def __init__(self, secret):
        self.totp = pyotp.TOTP(secret.replace(" ", ""))

    def code(self, seconds=0):
        return self.totp.at(utcnow() + timedelta(seconds=seconds))


@pytest.fixture(autouse=True)
def clock():
    """Hold the clock at the beginning of a time step; tests move it."""
    with time_machine.travel(utcnow().replace(second=0, microsecond=0), tick=False) as moved:
        yield moved


@pytest.fixture
def on(organization, client, clock):
    """The owner's phone and recovery codes, with the second factor on, half a minute ago."""
    client.post("/profile/second-factor/begin", data={"password": PASSWORD})
    phone = Phone(SECRET.search(client.get("/profile/second-factor").get_data(as_text=True))[1])
    page = client.post("/profile/second-factor/confirm", data={"code": phone.code()}).get_data(as_text=True)
    clock.shift(30)
    return phone, CODES.search(page)[1].split()


def enter_password(app, email, password=PASSWORD, **data):
    """Show the password and return the browser, as far as that leads."""
    browser = anonymous_client(app)
    browser.get("/login")
    answer = browser.post("/login", data={"email": email, "password": password, **data})
    assert answer.headers["Location"] == "/login/code"
    browser.get("/login/code")
    return browser


def user_id_of(organization):
    return organization.owner.user_id


# Switching it on


def test_it_is_on_once_a_first_code_was_right(organization, client, on):
    assert "On since" in client.get("/profile/second-factor").get_data(as_text=True)
    assert len(set(on[1])) == 10


def test_a_wrong_first_code_leaves_it_off(organization, client, app):
    client.post("/profile/second-factor/begin", data={"password": PASSWORD})

    refused = client.post("/profile/second-factor/confirm", data={"code": "000000"})

    assert refused.status_code == 422
    with app.app_context():
        assert find_factor(user_id_of(organization))["second_factor_at"] is None


def test_the_set_up_begins_with_the_password(client):
    refused = client.post("/profile/second-factor/begin", data={"password": "not the one"})

    assert refused.status_code == 422
    assert "not your password" in refused.get_data(as_text=True)
    assert 'id="secret"' not in client.get("/profile/second-factor").get_data(as_text=True)


@pytest.mark.parametrize("step", ["confirm", "off", "codes"])
def test_a_step_that_is_not_due_shows_the_one_that_is(client, step):
    data = {"password": PASSWORD, "codes-password": PASSWORD, "code": "123456"}

    answer = client.post(f"/profile/second-factor/{step}", data=data)

    assert answer.status_code in {409, 422}
    assert "Begin" in answer.get_data(as_text=True)


def test_it_is_not_begun_again_while_it_is_on(client, on):
    answer = client.post("/profile/second-factor/begin", data={"password": PASSWORD})

    assert answer.status_code == 409
    assert "on already" in answer.get_data(as_text=True)


def test_the_page_shows_a_picture_that_the_policy_allows(client):
    client.post("/profile/second-factor/begin", data={"password": PASSWORD})

    answer = client.get("/profile/second-factor")

    assert 'src="data:image/svg+xml;base64,' in answer.get_data(as_text=True)
    assert "img-src 'self' data:" in answer.headers["Content-Security-Policy"]


def test_the_secret_is_encrypted_and_bound_to_its_user(app, organization, client):
    client.post("/profile/second-factor/begin", data={"password": PASSWORD})
    secret = SECRET.search(client.get("/profile/second-factor").get_data(as_text=True))[1].replace(" ", "")

    with app.app_context():
        kept = find_factor(user_id_of(organization))["totp_secret"]
        assert secret not in kept
        assert open_secret(kept, user_id_of(organization)) == secret
        assert open_secret(kept, user_id_of(organization) + 1) is None
        assert seal_secret(secret, 1) != seal_secret(secret, 1)


def test_switching_it_on_ends_other_sessions_and_renews_this_one(organization, client):
    other, before = organization.page_client(), client.get_cookie("quartermaster").value
    client.post("/profile/second-factor/begin", data={"password": PASSWORD})
    phone = Phone(SECRET.search(client.get("/profile/second-factor").get_data(as_text=True))[1])

    client.post("/profile/second-factor/confirm", data={"code": phone.code()})

    assert other.get("/members").headers["Location"].startswith("/login")
    assert client.get("/members").status_code == 200
    client.set_cookie("quartermaster", before)
    assert client.get("/members").status_code == 302


# Signing in


def test_a_password_alone_opens_nothing(app, organization, on):
    browser = enter_password(app, organization.email)

    assert browser.get("/members").headers["Location"].startswith("/login")


def test_password_and_code_open(app, organization, on):
    browser = enter_password(app, organization.email, next="/members")

    entered = browser.post("/login/code", data={"code": on[0].code()})

    assert (entered.status_code, entered.headers["Location"]) == (303, "/members")
    assert browser.get("/members").status_code == 200


@pytest.mark.parametrize("seconds", [-30, 30])
def test_a_clock_half_a_minute_off_is_forgiven(app, organization, on, clock, seconds):
    clock.shift(60)
    browser = enter_password(app, organization.email)

    assert browser.post("/login/code", data={"code": on[0].code(seconds)}).status_code == 303


@pytest.mark.parametrize("seconds", [-90, 90])
def test_a_clock_further_off_is_not(app, organization, on, clock, seconds):
    clock.shift(120)
    browser = enter_password(app, organization.email)

    assert browser.post("/login/code", data={"code": on[0].code(seconds)}).status_code == 401


def test_a_code_works_once(app, organization, on):
    code = on[0].code()
    enter_password(app, organization.email).post("/login/code", data={"code": code})
    second = enter_password(app, organization.email)

    assert second.post("/login/code", data={"code": code}).status_code == 401


def test_the_code_before_a_used_one_is_worthless_too(app, organization, on, clock):
    clock.shift(60)
    before, now = on[0].code(-30), on[0].code()
    enter_password(app, organization.email).post("/login/code", data={"code": now})

    assert enter_password(app, organization.email).post("/login/code", data={"code": before}).status_code == 401


def test_a_recovery_code_works_once(app, organization, on):
    first, second = (enter_password(app, organization.email) for _ in range(2))
    code = on[1][0]

    assert first.post("/login/code", data={"code": code.upper()}).status_code == 303
    assert second.post("/login/code", data={"code": code}).status_code == 401
    assert "9 recovery codes are left" in first.get("/").get_data(as_text=True)


def test_a_recovery_code_of_somebody_else_does_not_open(app, organization, other_organization, on):
    browser = other_organization.page_client()
    browser.post("/profile/second-factor/begin", data={"password": PASSWORD})
    phone = Phone(SECRET.search(browser.get("/profile/second-factor").get_data(as_text=True))[1])
    page = browser.post("/profile/second-factor/confirm", data={"code": phone.code()}).get_data(as_text=True)

    refused = enter_password(app, organization.email).post(
        "/login/code", data={"code": CODES.search(page)[1].split()[0]}
    )

    assert refused.status_code == 401


def test_five_wrong_codes_close_the_account_to_the_right_one_too(app, organization, on):
    answers = [
        enter_password(app, organization.email).post("/login/code", data={"code": "123456"}).status_code
        for _ in range(6)
    ]

    late = enter_password(app, organization.email).post("/login/code", data={"code": on[0].code()})

    assert answers == [401] * 5 + [429]
    assert (late.status_code, int(late.headers["Retry-After"]) > 0) == (429, True)


def test_the_second_step_needs_the_first(anonymous, organization, on):
    anonymous.get("/login")

    assert anonymous.get("/login/code").headers["Location"] == "/login"
    assert anonymous.post("/login/code", data={"code": on[0].code()}).headers["Location"] == "/login"


def test_the_first_step_holds_for_ten_minutes(app, organization, on, clock):
    browser = enter_password(app, organization.email)
    clock.shift(601)

    assert browser.post("/login/code", data={"code": on[0].code()}).headers["Location"] == "/login"


def test_another_password_ends_a_first_step_under_way(app, organization, on):
    browser = enter_password(app, organization.email)

    with organization.context() as context:
        change_password(context, PASSWORD, "an entirely new one")
        context.session.commit()

    assert browser.post("/login/code", data={"code": on[0].code()}).headers["Location"] == "/login"


def test_staying_signed_in_goes_through_the_second_step(app, organization, on):
    browser = enter_password(app, organization.email, remember="y")

    header = browser.post("/login/code", data={"code": on[0].code()}).headers["Set-Cookie"]

    assert "Expires=" in header


# Switching it off


def test_it_goes_off_with_password_and_code(app, organization, client, on):
    done = client.post("/profile/second-factor/off", data={"password": PASSWORD, "code": on[0].code()})

    assert done.status_code == 303
    assert anonymous_client(app).sign_in(organization.email, PASSWORD).get("/members").status_code == 200


@pytest.mark.parametrize(("password", "code"), [("not the one", None), (PASSWORD, "000000")])
def test_it_stays_on_without_one_of_them(app, organization, client, on, password, code):
    refused = client.post("/profile/second-factor/off", data={"password": password, "code": code or on[0].code()})

    assert refused.status_code == 422
    with app.app_context():
        assert find_factor(user_id_of(organization))["second_factor_at"] is not None


def test_new_recovery_codes_make_the_old_ones_worthless(app, organization, client, on):
    page = client.post("/profile/second-factor/codes", data={"codes-password": PASSWORD}).get_data(as_text=True)
    fresh = CODES.search(page)[1].split()

    assert len(fresh) == 10
    assert enter_password(app, organization.email).post("/login/code", data={"code": on[1][3]}).status_code == 401
    assert enter_password(app, organization.email).post("/login/code", data={"code": fresh[3]}).status_code == 303


def test_switching_is_in_the_history_without_any_secret(app, organization, client, api, on):
    lines = api.get(f"users/{user_id_of(organization)}/history").json["data"]

    assert lines[0]["event"] == "SecondFactorOn"
    assert lines[0]["changes"] == [{"field": "second_factor", "old": False, "new": True}]


# For somebody who lost it


@pytest.fixture
def locked_out(app, organization):
    """A member whose second factor is on: (address, membership id, user id)."""
    email = f"{unique('lost')}@example.org"
    with organization.context() as context:
        member = add_member(context, email=email, name="Lost Phone", password=PASSWORD, role="technician")
        found = email, member.id, member.user_id
        context.session.commit()
    browser = anonymous_client(app).sign_in(email, PASSWORD)
    browser.post("/profile/second-factor/begin", data={"password": PASSWORD})
    phone = Phone(SECRET.search(browser.get("/profile/second-factor").get_data(as_text=True))[1])
    browser.post("/profile/second-factor/confirm", data={"code": phone.code()})
    return found


def test_an_administrator_resets_a_members_second_factor(app, client, api, locked_out):
    email, row_id, _user_id = locked_out
    assert "Lost Phone" in client.get(f"/members/{row_id}/second-factor").get_data(as_text=True)

    assert client.post(f"/members/{row_id}/second-factor").status_code == 303

    assert anonymous_client(app).sign_in(email, PASSWORD)
    assert api.get(f"members/{row_id}/history").json["data"][0]["event"] == "SecondFactorReset"


def test_nobody_resets_the_second_factor_of_who_may_do_more(organization, on):
    admin = organization.member_client("admin")
    page = admin.get("/members").get_data(as_text=True)
    row_id = re.search(r'href="/members/(\d+)/second-factor"[^>]*Olive Owner', page)[1]

    assert admin.post(f"/members/{row_id}/second-factor").status_code == 403


def test_one_organization_does_not_weaken_an_account_of_another(
    app, organization, other_organization, client, locked_out
):
    email, row_id, user_id = locked_out
    with other_organization.context() as context:
        add_member(context, email=email, name="", password="", role="owner")
        context.session.commit()

    refused = client.post(f"/members/{row_id}/second-factor")

    assert refused.status_code == 409
    with app.app_context():
        assert find_factor(user_id)["second_factor_at"] is not None
        assert len(identity.memberships(user_id)) == 2


def test_a_member_of_another_organization_is_not_found(other_organization, locked_out):
    assert other_organization.page_client().post(f"/members/{locked_out[1]}/second-factor").status_code == 404


def test_the_code_of_a_step_is_that_of_the_standard():
    """RFC 6238, appendix B: SHA-1, 59 s → 94287082, of which six digits are shown."""
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    at = utcnow().fromtimestamp(59, tz=utcnow().tzinfo)

    assert second_factor.step_of(secret, "287082", at) == 1
    assert second_factor.step_of(secret, "287083", at) is None
