"""Signing in without a browser: tokens that name a session, and end with it."""

import base64
import json
import re
from datetime import timedelta

import pyotp
import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.clients import ApiClient
from tests.households import PASSWORD, anonymous_client, found_organization
from tests.markup import Page
from tests.statements import counted
from webapp.accounts.rules import add_member
from webapp.core.database import utcnow

pytestmark = pytest.mark.both_databases
SECRET = re.compile(r'id="secret">([A-Z2-7 ]+)<')


@pytest.fixture
def guest(app):
    """A script that has no token yet."""
    return ApiClient(app, "")


def signed_in(guest, email, **more):
    """Sign in and return (the tokens, a client with the access token)."""
    answer = guest.post("auth/login", {"email": email, "password": PASSWORD, **more})
    assert answer.status_code == 200, answer.json
    return answer.json, ApiClient(guest.client.application, answer.json["access_token"])


def new_member(household, role, **options):
    email = f"{role}-{id(options)}@{household.tenant.slug}.example.org"
    with household.context() as context:
        member = add_member(context, email=email, name=role, password=PASSWORD, role=role, **options)
        context.session.commit()
        return email, member.id


def test_a_person_signs_in_and_is_who_they_are(guest, organization):
    tokens, script = signed_in(guest, organization.email)

    me = script.get("me").json["data"]
    assert (me["name"], me["role"], me["user_id"]) == ("Olive Owner", "owner", organization.owner.user_id)
    assert me["api_key_id"] is None
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert tokens["organization"]["slug"] == organization.tenant.slug


def test_the_access_token_says_nothing_of_rights(guest, organization):
    tokens, _script = signed_in(guest, organization.email)

    head, claims, _seal = tokens["access_token"].split(".")
    assert set(json.loads(base64.urlsafe_b64decode(claims + "=="))) == {"sid", "iat", "exp"}
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "HS256"


def test_what_a_person_does_by_script_is_written_under_their_name(guest, organization):
    _tokens, script = signed_in(guest, organization.email)

    made = script.post("locations", {"name": "Lisbon", "kind": "site"}).json["data"]

    (line,) = script.get(f"locations/{made['id']}/history").json["data"]
    assert (line["actor_name"], line["face"]) == ("Olive Owner", "api")


def test_rights_are_those_of_the_role_and_the_place(guest, organization):
    api = organization.api_client()
    here, there = (api.post("locations", {"name": name, "kind": "site"}).json["data"]["id"] for name in ("A", "B"))
    email, _id = new_member(organization, "auditor", scope_location_id=here)

    _tokens, script = signed_in(guest, email)

    assert [row["id"] for row in script.get("locations").json["data"]] == [here]
    assert script.get(f"locations/{there}").status_code == 404
    assert script.post("locations", {"name": "C", "kind": "site"}).status_code == 403


def test_a_request_asks_as_many_statements_as_one_with_a_key(guest, organization, app):
    _tokens, script = signed_in(guest, organization.email)
    key = organization.api_client()
    key.get("me"), script.get("me")

    with counted(app) as by_key:
        key.get("me")
    with counted(app) as by_token:
        script.get("me")

    assert len(by_token.statements) == len(by_key.statements) == 1, by_token


@pytest.mark.parametrize("email", ["nobody@example.org", "known"])
def test_wrong_passwords_and_unknown_accounts_are_told_the_same(guest, organization, email):
    email = organization.email if email == "known" else email

    answer = guest.post("auth/login", {"email": email, "password": "something else"})

    assert (answer.status_code, answer.json["code"]) == (401, "unauthorized")
    assert answer.json["detail"].startswith("E-mail and password do not go together")


def test_ten_wrong_passwords_are_enough_on_either_face(guest, app, organization):
    for _ in range(10):
        assert guest.post("auth/login", {"email": organization.email, "password": "wrong"}).status_code == 401

    answer = guest.post("auth/login", {"email": organization.email, "password": PASSWORD})
    page = anonymous_client(app)
    page.get("/login")
    there = page.post("/login", data={"email": organization.email, "password": PASSWORD})

    assert (answer.status_code, there.status_code) == (429, 429)
    assert int(answer.headers["Retry-After"]) > 0


def test_who_belongs_to_several_organizations_names_one(guest, app, organization):
    other = found_organization(app)
    with other.context() as context:
        add_member(context, email=organization.email, name="", password="", role="auditor")
        context.session.commit()
    login = {"email": organization.email, "password": PASSWORD}

    unsaid = guest.post("auth/login", login)
    wrong = guest.post("auth/login", {**login, "organization": "nowhere"})

    for answer in (unsaid, wrong):
        assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, ["organization"])
    assert other.tenant.slug in unsaid.json["errors"][0]["message"]
    for name in (other.tenant.slug, str(other.id)):
        _tokens, script = signed_in(guest, organization.email, organization=name)
        assert script.get("me").json["data"]["role"] == "auditor"


def test_a_second_factor_is_not_gone_around(guest, organization):
    page = organization.page_client()
    page.post("/profile/second-factor/begin", data={"password": PASSWORD})
    secret = SECRET.search(page.get("/profile/second-factor").get_data(as_text=True))[1].replace(" ", "")
    page.post("/profile/second-factor/confirm", data={"code": pyotp.TOTP(secret).now()})

    answer = guest.post("auth/login", {"email": organization.email, "password": PASSWORD})
    wrong = guest.post("auth/login", {"email": organization.email, "password": "something else"})

    assert (answer.status_code, answer.json["code"]) == (403, "second_factor_required")
    assert wrong.status_code == 401


def test_a_refresh_token_works_once_and_a_second_use_ends_the_sign_in(guest, organization):
    first, script = signed_in(guest, organization.email)

    second = guest.post("auth/refresh", {"refresh_token": first["refresh_token"]}).json
    renewed = ApiClient(guest.client.application, second["access_token"])
    assert (script.get("me").status_code, renewed.get("me").status_code) == (200, 200)
    stolen = guest.post("auth/refresh", {"refresh_token": first["refresh_token"]})

    assert (stolen.status_code, renewed.get("me").status_code, script.get("me").status_code) == (401, 401, 401)
    assert guest.post("auth/refresh", {"refresh_token": second["refresh_token"]}).status_code == 401


def test_an_access_token_lasts_a_quarter_of_an_hour_and_a_sign_in_thirty_days(guest, organization):
    with time_machine.travel(utcnow(), tick=False) as clock:
        tokens, script = signed_in(guest, organization.email)
        clock.shift(timedelta(minutes=15))
        assert script.get("me").status_code == 401

        clock.shift(timedelta(days=29))
        again = guest.post("auth/refresh", {"refresh_token": tokens["refresh_token"]})
        assert (again.status_code, again.json["expires_in"]) == (200, 900)

        clock.shift(timedelta(days=1))
        assert guest.post("auth/refresh", {"refresh_token": again.json["refresh_token"]}).status_code == 401


def test_signing_out_ends_both_tokens_and_no_other_sign_in(guest, organization):
    tokens, script = signed_in(guest, organization.email)
    _others, other = signed_in(guest, organization.email)

    assert script.post("auth/logout").status_code == 204

    assert (script.get("me").status_code, other.get("me").status_code) == (401, 200)
    assert guest.post("auth/refresh", {"refresh_token": tokens["refresh_token"]}).status_code == 401


def test_a_key_does_not_sign_out(api):
    answer = api.post("auth/logout")

    assert (answer.status_code, answer.json["code"]) == (409, "not_signed_in")
    assert api.get("me").status_code == 200


def test_demotion_removal_and_another_password_end_it_at_once(guest, organization):
    api = organization.api_client()
    email, member_id = new_member(organization, "manager")

    _tokens, script = signed_in(guest, email)
    api.patch(f"members/{member_id}", {"role": "member"})
    assert script.get("me").status_code == 401

    _tokens, script = signed_in(guest, email)
    page = anonymous_client(guest.client.application).sign_in(email, PASSWORD)
    changed = page.post("/password", data={"old": PASSWORD, "new": PASSWORD + "!", "again": PASSWORD + "!"})
    assert (changed.status_code, script.get("me").status_code) == (303, 401)

    login = guest.post("auth/login", {"email": email, "password": PASSWORD + "!"}).json
    script = ApiClient(guest.client.application, login["access_token"])
    assert script.get("me").status_code == 200
    api.delete(f"members/{member_id}")
    assert script.get("me").status_code == 401


def test_the_profile_lists_it_as_api_and_ends_it(guest, organization):
    login = {"email": organization.email, "password": PASSWORD}
    made = guest.post("auth/login", login, headers={"User-Agent": "curl/8.5.0"}).json
    script, page = ApiClient(guest.client.application, made["access_token"]), organization.page_client()

    shown = Page(page.get("/profile")).text
    assert "API, curl" in shown
    page.post("/profile/sign-out-everywhere")

    assert script.get("me").status_code == 401


def forged(app, claims, key=b"0" * 32):
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(key))


def test_what_is_no_token_of_ours_opens_nothing(guest, app, organization):
    tokens, _script = signed_in(guest, organization.email)
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    claims = json.loads(base64.urlsafe_b64decode(access.split(".")[1] + "=="))
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    odd = [base64.urlsafe_b64encode(text).decode().rstrip("=") for text in (b"[]", b"1", b"null", b"\xff", b"{}")]
    wrong = [refresh, forged(app, claims), f"{none}.{access.split('.')[1]}.", access[:-2], "a.b.c", "..", "x" * 5000]
    wrong += [f"{head}.{access.split('.')[1]}.{access.split('.')[2]}" for head in odd]

    for token in wrong:
        assert ApiClient(app, token).get("me").status_code == 401, token
    for token in (access, "nonsense", *wrong[1:6]):
        assert guest.post("auth/refresh", {"refresh_token": token}).status_code in (401, 422)
    assert guest.post("auth/refresh", {"refresh_token": refresh}).status_code == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "password"}),
        ({"email": "a@example.org", "password": 7}, {"password"}),
        ({"email": "a@example.org", "password": "x" * 2000}, {"password"}),
        ({"email": "a@example.org", "password": "x", "remember": True}, {"remember"}),
    ],
)
def test_a_sign_in_that_is_no_sign_in_is_told_what_is_wrong(guest, body, fields):
    answer = guest.post("auth/login", body)

    assert (answer.status_code, {error["field"] for error in answer.json["errors"]}) == (422, fields)


def test_a_retried_write_of_a_person_has_one_effect(guest, organization):
    _tokens, script = signed_in(guest, organization.email)
    send = {"json": {"name": "Lisbon", "kind": "site"}, "headers": {"Idempotency-Key": "one"}}

    first, second = (script.post("locations", **send) for _ in range(2))

    assert first.json == second.json
    assert second.headers["Idempotent-Replayed"] == "true"
