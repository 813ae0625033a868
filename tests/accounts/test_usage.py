"""What keys ask is counted by day: gathered in the process, written later, shown to who manages keys."""

from datetime import date, timedelta

import pytest
import time_machine
from sqlalchemy.exc import OperationalError

from tests.clients import ApiClient
from tests.households import PASSWORD
from tests.markup import Page
from tests.statements import counted
from webapp.accounts import usage
from webapp.accounts.rules import create_api_key, revoke_api_key
from webapp.accounts.usage import note, purge, totals_of, usage_of
from webapp.core import identity
from webapp.core.database import utcnow
from webapp.core.errors import Invalid

pytestmark = pytest.mark.both_databases


@pytest.fixture
def key(organization):
    """A key's id, and a client with it."""
    with organization.context() as context:
        made, token = create_api_key(context, "Intune sync", ["assets:read", "locations:read"])
        context.session.commit()
        return made.id, ApiClient(organization.app, token)


def flush(app):
    with app.app_context():
        identity.flush_uses()


def asked(api, key_id, query=""):
    answer = api.get(f"api-keys/{key_id}/usage{query}")
    assert answer.status_code == 200, answer.json
    return answer.json["data"]


def test_requests_are_counted_by_how_they_ended(app, organization, key):
    key_id, script = key
    for path, status in (("me", 200), ("assets", 200), ("assets/999", 404), ("persons", 403)):
        assert script.get(path).status_code == status
    flush(app)
    script.get("me")
    flush(app)

    found = asked(organization.api_client(), key_id)

    today = utcnow().date().isoformat()
    counts = {"requests": 5, "client_errors": 2, "server_errors": 0, "limited": 0}
    assert found["days"] == [{"day": today, **counts, "faces": {"native": 5}}]
    assert {name: found[name] for name in counts} == counts


def test_counting_sends_no_statement_and_a_read_writes_nothing(app, organization, key):
    key_id, script = key
    script.get("me")

    with counted(app) as cost:
        script.get("me")

    assert len(cost.statements) == 1
    with app.app_context():
        assert usage._counts[organization.id, key_id, utcnow().date(), "native"]["requests"] == 2
    flush(app)


def test_too_many_requests_and_our_own_errors_count_apart(app, organization, key):
    key_id, _script = key
    with app.app_context():
        for outcome in ("limited", "limited", "server_errors", None):
            note((organization.id, key_id, date(2026, 3, 2), "native"), outcome)
    flush(app)

    found = asked(organization.api_client(), key_id, "?from=2026-03-01&to=2026-03-02")

    assert (found["requests"], found["limited"], found["server_errors"], found["client_errors"]) == (4, 2, 1, 0)
    assert (found["from"], found["to"]) == ("2026-03-01", "2026-03-02")


def test_a_limited_request_is_counted_as_one(new_app, new_database):
    from tests.households import found_organization

    app = new_app(new_database(), RATE_LIMITS="on", API_RATE_LIMIT="2 per minute", WEB_WORKERS="1")
    household = found_organization(app)
    script = household.api_client()
    key_id = script.get("me").json["data"]["api_key_id"]
    assert [script.get("me").status_code for _ in range(2)] == [200, 429]
    flush(app)

    assert asked(household.api_client(), key_id)["limited"] == 1


def test_a_database_that_is_away_loses_no_count(app, organization, key, monkeypatch):
    key_id, script = key
    script.get("me")

    def away(*_values):
        raise OperationalError("INSERT", {}, Exception("away"))

    with monkeypatch.context() as patched:
        patched.setattr(usage, "_add", away)
        flush(app)
    flush(app)

    assert asked(organization.api_client(), key_id)["requests"] == 1


def test_the_day_is_the_organizations(app, organization, key):
    key_id, script = key
    own = organization.api_client()
    own.patch(f"organizations/{organization.id}", {"timezone": "Pacific/Auckland"})
    flush(app)

    with time_machine.travel("2027-06-01T13:00:00Z", tick=False):
        script.get("me")
        flush(app)
        found = asked(own, key_id)

    assert [day["day"] for day in found["days"]] == ["2027-06-02"]
    flush(app)


def test_the_days_asked_for_are_checked(organization, key):
    own, key_id = organization.api_client(), key[0]
    wrong = ("from=2026-03-02&to=2026-03-01", "from=2024-01-01&to=2026-01-01", "from=x", "to=2026-13-01", "since=1")
    wrong += ("from=2026-03-01&from=2026-03-02", "to=0001-01-01&from=0001-01-02")

    for query in wrong:
        assert own.get(f"api-keys/{key_id}/usage?{query}").status_code == 422, query
    assert asked(own, key_id, "?to=0001-01-05")["days"] == []


def test_it_is_for_those_who_manage_keys_of_this_organization(app, organization, other_organization, key):
    key_id, script = key

    assert script.get(f"api-keys/{key_id}/usage").status_code == 403
    assert other_organization.api_client().get(f"api-keys/{key_id}/usage").status_code == 404
    assert other_organization.page_client().get(f"/settings/api-keys/{key_id}").status_code == 404
    script.get("me")
    flush(app)
    with other_organization.context(write=False) as context:
        assert usage_of(context, key_id, date(2026, 1, 1), date(2026, 12, 31)) == []


def test_people_are_not_counted_as_keys(app, organization):
    guest = ApiClient(app, "")
    tokens = guest.post("auth/login", {"email": organization.email, "password": PASSWORD}).json
    ApiClient(app, tokens["access_token"]).get("me")

    with app.app_context():
        assert [place for place in usage._counts if place[0] == organization.id] == []


def test_counts_are_thrown_away_after_400_days(app, organization, key, monkeypatch):
    key_id, _script = key
    today = utcnow().date()
    with app.app_context():
        for days in (399, 401):
            note((organization.id, key_id, today - timedelta(days=days), "native"), None)
        identity.flush_uses()
        monkeypatch.setattr(usage, "_purged_at", None)
        purge()
        purge()

    with organization.context(write=False) as context:
        left = usage_of(context, key_id, today - timedelta(days=400), today)
        assert [day["day"] for day in left] == [today - timedelta(days=399)]
        with pytest.raises(Invalid):
            usage_of(context, key_id, today - timedelta(days=401), today)


def test_totals_are_those_of_all_days():
    days = [{"requests": 2, "client_errors": 1, "server_errors": 0, "limited": 0}] * 3

    assert totals_of(days) == {"requests": 6, "client_errors": 3, "server_errors": 0, "limited": 0}


def test_the_page_of_a_key_says_what_it_is_and_what_it_asked(app, organization, client, key):
    key_id, script = key
    script.get("me"), script.get("assets/999")
    flush(app)

    assert f"/settings/api-keys/{key_id}" in client.get("/settings/api-keys").get_data(as_text=True)
    answer = client.get(f"/settings/api-keys/{key_id}")
    shown = Page(answer).text

    for words in ("Intune sync", "assets:read, locations:read", "anywhere", "Requests 2 in 30 days", "Refused 1"):
        assert words in shown
    assert "2 requests from" in answer.get_data(as_text=True)
    assert "Revoke" in shown


def test_the_page_of_a_revoked_or_idle_key_is_there_too(organization, client, key):
    with organization.context() as context:
        revoke_api_key(context, key[0])
        context.session.commit()

    shown = Page(client.get(f"/settings/api-keys/{key[0]}")).text

    assert "Nothing was asked in 30 days" in shown
    assert "Revoked" in shown


def test_a_count_for_a_key_that_nobody_knows_is_dropped(app, organization):
    with app.app_context():
        note((organization.id, 999_999_999, date(2026, 3, 2), "native"), None)
        identity.flush_uses()
        assert not usage._counts
