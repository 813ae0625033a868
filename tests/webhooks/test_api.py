"""Webhooks through the API: made, tested, rotated, looked at."""

import uuid

import pytest

from tests.households import found_organization
from tests.rows import add
from tests.statements import counted
from tests.webhooks.conftest import Post, is_signed


@pytest.fixture
def api(organization):
    return organization.api_client()


def made(api, receiver, **more):
    answer = api.post("webhooks", {"name": "ERP", "url": receiver.url, "events": ["assets.*"], **more})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return answer


def test_a_webhook_is_made_with_a_secret_that_is_shown_once(api, receiver):
    answer = made(api, receiver)
    data = answer.json["data"]

    again = api.get(answer.headers["Location"])

    assert data["secret"].startswith("whsec_")
    assert again.json["data"] == {name: value for name, value in data.items() if name != "secret"}
    assert again.headers["ETag"] == answer.headers["ETag"]
    for path in ("webhooks", f"webhooks/{data['id']}/history"):
        assert data["secret"] not in api.get(path).get_data(as_text=True)


def test_a_repeated_creation_makes_one_and_does_not_tell_the_secret_again(api, receiver):
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    patch = {"name": "ERP", "url": receiver.url, "events": ["*"]}

    first, second = (api.post("webhooks", patch, headers=headers) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 409)
    assert "whsec_" not in second.get_data(as_text=True)
    assert len(api.get("webhooks").json["data"]) == 1


def test_a_bad_webhook_is_refused_by_its_fields(api, receiver):
    patch = {"name": "", "url": "http://10.0.0.1/", "events": ["planets.*"], "filter": "x=1", "state": "ok"}

    schema = api.post("webhooks", patch)
    rule = api.post(
        "webhooks", {"name": "A", "url": "http://169.254.169.254/", "events": ["assets.*"], "filter": "x=1"}
    )
    user = api.post("webhooks", {"name": "A", "url": "http://u:p@127.0.0.1/", "events": ["assets.*"]})

    assert [answer.status_code for answer in (schema, rule, user)] == [422] * 3
    assert {error["field"] for error in schema.json["errors"]} == {"name", "state"}
    assert {error["field"] for error in rule.json["errors"]} == {"url", "filter"}
    assert {error["field"] for error in user.json["errors"]} == {"url"}


def test_a_test_tells_at_once_what_was_answered(api, receiver, post):
    hook = made(api, receiver).json["data"]
    receiver.answer = b'{"ok": true}'

    receiver.status = 200
    asked = api.post(f"webhooks/{hook['id']}/test")
    post.run()
    found = api.get(asked.headers["Location"]).json["data"]

    assert (asked.status_code, asked.json["data"]["state"]) == (202, "waiting")
    assert (found["state"], found["last_status"], found["answer"]) == ("delivered", 200, '{"ok": true}')
    assert is_signed(receiver.told[0], hook["secret"])
    assert receiver.told[0].headers["webhook-id"] == found["message_id"]


def test_deliveries_are_paged_and_filtered(api, receiver, post, organization):
    hook = made(api, receiver).json["data"]["id"]
    for _ in range(5):
        with organization.context() as context:
            add(context, "assets")
            context.session.commit()
    post.run()

    ids, cursor = [], ""
    while cursor is not None:
        page = api.get(f"webhooks/{hook}/deliveries?per_page=2&state=delivered{cursor and '&cursor=' + cursor}").json
        ids += [row["id"] for row in page["data"]]
        cursor = page["pagination"]["next_cursor"]

    assert ids == [row["id"] for row in post.deliveries()][::-1]
    assert len(ids) == 5
    assert api.get(f"webhooks/{hook}/deliveries?state=failed").json["data"] == []
    for query in ("state=lost", "cursor=x", "cursor=0", "per_page=0", "per_page=1001", "color=red"):
        assert api.get(f"webhooks/{hook}/deliveries?{query}").status_code == 422, query


def test_a_list_of_deliveries_costs_the_same_for_one_and_for_many(api, receiver, post, organization):
    hook = made(api, receiver).json["data"]["id"]
    costs = []
    for count in (1, 20):
        for _ in range(count):
            with organization.context() as context:
                add(context, "assets")
                context.session.commit()
        post.run()
        with counted(organization.app) as cost:
            api.get(f"webhooks/{hook}/deliveries")
        costs.append(len(cost.statements))

    assert costs[0] == costs[1] <= 4


def test_a_delivery_is_sent_again(api, receiver, post, organization):
    hook = made(api, receiver).json["data"]["id"]
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()
    post.run()
    (row,) = api.get(f"webhooks/{hook}/deliveries").json["data"]

    answer = api.post(f"webhooks/{hook}/deliveries/{row['id']}/resend")
    post.run()

    assert answer.status_code == 202
    assert api.get(f"webhooks/{hook}/deliveries/{row['id']}").json["data"]["attempts"] == 2
    assert api.post(f"webhooks/{hook}/deliveries/{row['id'] + 999}/resend").status_code == 404


def test_a_rotated_secret_is_shown_once_and_signs(api, receiver, post):
    hook = made(api, receiver).json["data"]

    rotated = api.post(f"webhooks/{hook['id']}/rotate-secret", headers={"Idempotency-Key": "r-1"})
    repeated = api.post(f"webhooks/{hook['id']}/rotate-secret", headers={"Idempotency-Key": "r-1"})
    api.post(f"webhooks/{hook['id']}/test")
    post.run()

    assert (rotated.status_code, repeated.status_code) == (200, 409)
    assert rotated.json["data"]["secret"] != hook["secret"]
    assert [is_signed(receiver.told[0], s) for s in (hook["secret"], rotated.json["data"]["secret"])] == [True, True]


@pytest.mark.parametrize(("start", "told"), [("missed", 1), ("now", 0)])
def test_a_webhook_is_switched_off_and_on(api, receiver, post, organization, start, told):
    hook = made(api, receiver).json["data"]["id"]
    off = api.patch(f"webhooks/{hook}", {"is_active": False}).json["data"]
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()
    post.run()

    on = api.post(f"webhooks/{hook}/enable", {"start": start})
    post.run()

    assert (off["state"], on.json["data"]["state"], len(receiver.told)) == ("disabled", "ok", told)
    assert api.post(f"webhooks/{hook}/enable", {"start": start}).status_code == 409
    assert api.post(f"webhooks/{hook}/enable", {"start": "then"}).status_code == 422


def test_a_rehearsed_test_sends_nothing(api, receiver, post):
    hook = made(api, receiver).json["data"]["id"]

    api.post(f"webhooks/{hook}/test", headers={"Prefer": "dry-run"})
    post.run()

    assert receiver.told == []
    assert post.deliveries() == []


def test_a_delivery_of_others_is_not_there(api, receiver, post, open_app):
    others = Post(found_organization(open_app), receiver)
    theirs, _secret = others.make("*")
    others.run()
    row = next(iter(others.deliveries()), {"id": 1})
    mine = made(api, receiver).json["data"]["id"]

    for path in (
        f"webhooks/{theirs}/deliveries",
        f"webhooks/{theirs}/deliveries/{row['id']}",
        f"webhooks/{mine}/deliveries/{row['id']}",
    ):
        assert api.get(path).status_code == 404
    for path in (
        f"webhooks/{theirs}/test",
        f"webhooks/{theirs}/rotate-secret",
        f"webhooks/{mine}/deliveries/{row['id']}/resend",
    ):
        assert api.post(path).status_code == 404
