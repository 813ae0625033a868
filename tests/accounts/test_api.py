import pytest

from tests.households import PASSWORD, unique
from webapp.core import identity


def test_a_key_learns_for_whom_it_speaks(api, organization):
    me = api.get("me").json["data"]

    assert me["organization"]["slug"] == organization.tenant.slug
    assert (me["role"], me["user_id"]) == ("key", None)
    assert "assets:read" in me["permissions"]


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic abc", "Bearer qm_live_00000000_x"])
def test_without_a_key_there_is_no_answer(app, header):
    response = app.test_client().get("/api/v1/me", headers={"Authorization": header} if header else {})

    assert (response.status_code, response.mimetype) == (401, "application/problem+json")
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "X-RateLimit-Limit" in response.headers


def test_the_browsers_cookie_opens_no_api(client):
    assert client.get("/api/v1/me").status_code == 401


def test_the_limit_is_that_of_the_key(new_app, new_database):
    from tests.households import found_organization

    app = new_app(new_database(), RATE_LIMITS="on", API_RATE_LIMIT="2 per minute", WEB_WORKERS="1")
    household = found_organization(app)
    busy, idle = household.api_client(), household.api_client()

    answers = [busy.get("me") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[2].mimetype == "application/problem+json"
    assert int(answers[2].headers["Retry-After"]) > 0
    assert idle.get("me").status_code == 200


def test_ones_own_organization_is_read_and_changed(api, organization):
    (own,) = api.get("organizations").json["data"]

    changed = api.patch(f"organizations/{own['id']}", {"name": "Renamed"}).json["data"]

    assert (own["id"], changed["name"], changed["version"]) == (organization.id, "Renamed", 2)


def test_another_organization_is_not_found(api, other_organization):
    assert api.get(f"organizations/{other_organization.id}").status_code == 404
    assert api.patch(f"organizations/{other_organization.id}", {"name": "x"}).status_code == 404


def test_users_are_the_members_and_nobody_else(api, organization, other_organization):
    listed = api.get("users").json

    assert [user["email"] for user in listed["data"]] == [organization.email]
    assert listed["pagination"]["total"] == 1
    assert api.get(f"users/{other_organization.owner.user_id}").status_code == 404
    assert not any("password" in name for user in listed["data"] for name in user)


def test_a_member_is_added_changed_and_removed(api):
    new = {"email": f"{unique('new')}@example.org", "name": "Rui", "password": PASSWORD, "role": "auditor"}
    made = api.post("members", new)
    member = made.json["data"]

    assert made.status_code == 201
    assert (member["user"], member["role"]) == ("Rui", "auditor")
    assert api.patch(f"members/{member['id']}", {"role": "member"}).json["data"]["role"] == "member"
    assert api.delete(f"members/{member['id']}").status_code == 204
    assert api.get(f"members/{member['id']}").status_code == 404


def test_the_last_owner_is_a_conflict(api):
    (owner,) = api.get("members").json["data"]

    response = api.delete(f"members/{owner['id']}")

    assert (response.status_code, response.json["code"]) == (409, "last_owner")


def test_a_member_is_not_moved_to_another_user(api, other_organization):
    (owner,) = api.get("members").json["data"]

    response = api.patch(f"members/{owner['id']}", {"user_id": other_organization.owner.user_id})

    assert (response.status_code, response.json["errors"][0]["field"]) == (422, "user_id")


def test_a_key_makes_keys_no_greater_than_itself(organization):
    api = organization.api_client(("api-keys:read", "api-keys:write", "assets:read"))

    made = api.post("api-keys", {"name": "smaller", "scopes": ["assets:read"]})
    refused = api.post("api-keys", {"name": "greater", "scopes": ["assets:write"]})

    assert made.status_code == 201
    assert refused.json["errors"][0]["field"] == "scopes"


def test_the_secret_is_in_the_answer_that_makes_the_key_alone(api, organization):
    made = api.post("api-keys", {"name": "Print room", "scopes": ["assets:read"]}).json["data"]

    shown = api.get(f"api-keys/{made['id']}").json["data"]
    assert made["key"].startswith(shown["prefix"])
    assert made["key"] not in str(shown)
    assert "key" not in shown
    assert "secret_hash" not in shown
    with organization.app.app_context():
        assert identity.find_api_key(made["key"])


def test_a_revoked_key_is_refused_and_listed_among_the_deleted(api):
    made = api.post("api-keys", {"name": "Print room", "scopes": ["assets:read"]}).json["data"]

    assert api.delete(f"api-keys/{made['id']}").status_code == 204
    api.token = made["key"] if (token := api.token) else ""
    assert api.get("me").status_code == 401
    api.token = token
    assert [key["name"] for key in api.get("api-keys?deleted=true").json["data"]] == ["Print room"]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("api-keys", {"name": "x", "scopes": ["assets:read"], "secret_hash": "x"}, "secret_hash"),
        ("api-keys", {"scopes": ["assets:read"]}, "name"),
        ("api-keys", {"name": "x", "scopes": "assets:read"}, "scopes"),
        ("api-keys", {"name": "x", "scopes": ["assets:read"], "expires_at": "tomorrow"}, "expires_at"),
        ("members", {"email": "nobody", "role": "member", "password": PASSWORD}, "email"),
        ("members", {"email": "x@example.org", "role": "king", "password": PASSWORD}, "role"),
        ("members", {"email": "x@example.org", "role": "member", "password": "short"}, "password"),
    ],
)
def test_bad_input_names_its_field(api, path, body, field):
    response = api.post(path, body)

    assert (response.status_code, response.json["errors"][0]["field"]) == (422, field)


def test_a_key_without_the_permission_is_forbidden(organization):
    api = organization.api_client(("assets:read",))

    assert {api.get(path).status_code for path in ("members", "users", "api-keys", "organizations")} == {403}
    assert api.post("api-keys", {"name": "x", "scopes": ["assets:read"]}).status_code == 403
