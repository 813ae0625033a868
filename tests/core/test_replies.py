"""A write sent twice has one effect and the same answer."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import func, select

from tests.clients import ApiClient
from tests.households import Household
from tests.rows import add, any_category, listed, second_of_two, stored
from webapp.core.context import Context
from webapp.core.database import table_of, utcnow
from webapp.core.errors import Conflict
from webapp.core.replies import Kept, Reply, find_reply, keep_reply, request_hash
from webapp.core.tenancy import CHECKED, scoped

REPLIES = table_of(Reply)
BODY = {"name": "Lisbon"}


def post(api: ApiClient, path: str = "locations", body: Any = None, key: str = "walk-7") -> Any:
    """Send a write with an idempotency key."""
    return api.post(path, BODY if body is None else body, headers={"Idempotency-Key": key})


def kept(organization: Household) -> int:
    """Return how many answers are kept for an organization."""
    with organization.context(write=False) as context:
        query = select(func.count()).select_from(REPLIES).where(scoped(context.session, REPLIES))
        return int(context.session.execute(query, execution_options=CHECKED).scalar_one())


def test_the_second_sending_gets_the_first_answer(api: ApiClient, organization: Household):
    first, second = post(api), post(api)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data
    for name in ("ETag", "Location", "Content-Type"):
        assert first.headers[name] == second.headers[name]
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(api.get("locations").json["data"]) == 1


def test_the_answer_stays_the_same_when_the_thing_has_changed(api: ApiClient):
    place_id = post(api).json["data"]["id"]
    api.patch(f"locations/{place_id}", {"name": "Porto"})

    assert post(api).json["data"]["name"] == "Lisbon"
    assert api.get(f"locations/{place_id}").json["data"]["name"] == "Porto"


@pytest.mark.parametrize(("path", "body"), [("locations", {"name": "Porto"}), ("manufacturers", BODY)])
def test_the_same_key_for_something_else_is_refused(api: ApiClient, path: str, body: dict):
    post(api)

    answer = post(api, path, body)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "Idempotency-Key"


def test_what_an_address_asks_for_counts_too(api: ApiClient):
    post(api, "assets/sync", {"assets": []})

    answer = post(api, "assets/sync?create_missing=category", {"assets": []})

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "Idempotency-Key")


def test_what_holds_a_secret_is_done_once_and_not_kept(api: ApiClient, organization: Household):
    body = {"name": "Robot", "scopes": ["assets:read"]}

    made, again = (post(api, "api-keys", body) for _ in range(2))

    assert (made.status_code, again.status_code, again.json["code"]) == (201, 409, "already_done")
    assert again.headers["Location"] == made.headers["Location"]
    assert len(api.get("api-keys?name=Robot").json["data"]) == 1
    with organization.context(write=False) as context:
        (reply,) = stored(context, REPLIES)
    assert reply["body"] == b""
    assert made.json["data"]["key"] not in str(reply)


def test_a_refusal_is_not_kept(api: ApiClient, organization: Household):
    refused = post(api, "assets", {"name": "No category"})
    with organization.context() as context:
        any_category(context)
        context.session.commit()

    again = post(api, "assets", {"name": "No category"})

    assert (refused.status_code, again.status_code, kept(organization)) == (422, 422, 0)


def test_after_a_refusal_the_key_can_be_used_for_what_is_right(api: ApiClient):
    assert post(api, body={"nom": "Lisbon"}).status_code == 422

    assert post(api).status_code == 201


def test_another_credential_has_keys_of_its_own(organization: Household):
    one, other = organization.api_client(), organization.api_client()

    assert post(one).status_code == 201
    assert post(other, body={"name": "Porto"}).status_code == 201


def test_another_organization_has_keys_of_its_own(api: ApiClient, other_organization: Household):
    assert (post(api).status_code, post(other_organization.api_client()).status_code) == (201, 201)


def test_a_sync_and_a_restore_are_repeated_too(api: ApiClient, organization: Household):
    with organization.context() as context:
        add(context, "categories", name="Laptops")
        context.session.commit()
    body = {"assets": [{"serial_number": "S-1", "category": "Laptops"}]}
    first, second = post(api, "assets/sync", body), post(api, "assets/sync", body)
    asset = first.json["data"]["created"][0]["id"]
    api.delete(f"assets/{asset}")
    restored, again = (post(api, f"assets/{asset}/restore", {}, "back") for _ in range(2))

    assert first.data == second.data
    assert (restored.status_code, again.status_code, again.data) == (200, 200, restored.data)


def test_after_a_day_the_key_is_free(api: ApiClient, organization: Household):
    post(api)

    with time_machine.travel(utcnow() + timedelta(hours=24, seconds=1)):
        assert post(api, body={"name": "Porto"}).status_code == 201
    assert kept(organization) == 1


def test_within_the_day_the_answer_is_kept(api: ApiClient):
    first = post(api)

    with time_machine.travel(utcnow() + timedelta(hours=23)):
        assert post(api).data == first.data


@pytest.mark.parametrize(("key", "status_code"), [("k" * 255, 201), ("k" * 256, 422), ("ключ", 201), ("", 201)])
def test_a_key_is_any_text_of_at_most_255_characters(api: ApiClient, key: str, status_code: int):
    answer = api.post("locations", BODY, headers={"Idempotency-Key": key.encode().decode("latin-1")})

    assert answer.status_code == status_code


def test_a_key_is_not_looked_at_before_the_credential(api: ApiClient):
    post(api)

    forged = api.post("locations", BODY, headers={"Idempotency-Key": "walk-7", "Authorization": "Bearer qm_live_x"})

    assert forged.status_code == 401


def test_a_key_of_another_permission_opens_nothing(organization: Household):
    reader = organization.api_client(scopes=("locations:read",))

    assert [post(reader).status_code, post(reader).status_code] == [403, 403]


def write_once(context: Context, word: str) -> None:
    """Write under a key as the API does: look for an answer, write, keep the answer."""
    digest = request_hash("POST", "/api/v1/assets", b"{}")
    if find_reply(context, "key:1", "walk-7", digest) is None:
        add(context, "manufacturers", name=word)
        keep_reply(context, "key:1", "walk-7", digest, Kept(201, b"{}", {}))


def test_while_the_first_is_under_way_the_second_is_told_or_waits(organization: Household):
    told = second_of_two(organization, lambda context: write_once(context, "Sony"))

    with organization.context(write=False) as context:
        assert len(listed(context, "manufacturers")) == 1
    assert told is None or (isinstance(told, Conflict) and told.code == "in_flight")


def test_what_was_kept_is_undone_with_its_write(organization: Household):
    with organization.context() as context:
        write_once(context, "Sony")
        context.session.rollback()

    assert kept(organization) == 0
