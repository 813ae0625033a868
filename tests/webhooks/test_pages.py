"""The settings' pages of webhooks."""

import re

import pytest

from tests.households import unique
from tests.markup import Page
from tests.rows import add
from tests.statements import counted

SECRET = re.compile(r"whsec_[\w+/=]{44}")


@pytest.fixture
def client(organization):
    return organization.page_client()


def fill_in(client, receiver, **more):
    form = Page(client.get("/webhooks/new")).form
    sent = {**form, "name": "ERP", "url": receiver.url, "events": ["", "assets.*", "persons.updated"], **more}
    return client.post("/webhooks/new", data=sent), sent


def test_a_webhook_is_made_and_its_secret_is_shown_once(client, receiver, post):
    answer, sent = fill_in(client, receiver)

    (secret,) = SECRET.findall(answer.get_data(as_text=True))
    assert answer.status_code == 200
    assert client.post("/webhooks/new", data=sent).status_code == 303
    hook = post.hook()
    assert (hook["name"], hook["events"]) == ("ERP", ["assets.*", "persons.updated"])
    for path in ("/webhooks", f"/webhooks/{hook['id']}", f"/webhooks/{hook['id']}/edit"):
        assert secret not in client.get(path).get_data(as_text=True)


def test_the_list_says_where_webhooks_send_and_how_they_fare(client, receiver, post):
    fill_in(client, receiver, events=["", "assets.created", "assets.deleted"])

    text = Page(client.get("/webhooks")).text

    assert f"127.0.0.1:{receiver.port}" in text
    assert "Assets: created, deleted" in text
    assert "Delivers" in text
    assert "never" in text


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(client, receiver):
    answer, _sent = fill_in(client, receiver, url="http://10.0.0.1/", events=[""], filter="color=red", name="Mine")

    page = Page(answer)
    assert answer.status_code == 422
    assert {"url", "events"} <= set(page.errors)
    assert page.form["name"] == ["Mine"]


def test_the_address_of_a_list_becomes_a_filter_in_words(client, receiver, post, organization):
    with organization.context() as context:
        place = add(context, "locations", name="Lisbon")
        context.session.commit()
    pasted = f"http://localhost/assets?location_id_within={place}&sort=-tag&page=3&condition=2"

    fill_in(client, receiver, events=["", "assets.*"], filter=pasted)
    hook = post.hook()

    assert hook["filter"] == f"location_id_within={place}&condition=2"
    text = Page(client.get(f"/webhooks/{hook['id']}")).text
    assert "Place: Lisbon and below" in text
    assert f'value="location_id_within={place}&amp;condition=2"' in client.get(f"/webhooks/{hook['id']}/edit").get_data(
        as_text=True
    )


def test_a_change_keeps_what_it_does_not_say(client, receiver, post):
    fill_in(client, receiver)
    hook = post.hook()
    form = Page(client.get(f"/webhooks/{hook['id']}/edit")).form

    answer = client.post(f"/webhooks/{hook['id']}/edit", data={**form, "name": "Books"})

    assert answer.status_code == 303
    changed = post.hook()
    assert (changed["name"], changed["events"], changed["secret"]) == ("Books", hook["events"], hook["secret"])


def test_a_test_shows_its_answer(client, receiver, post):
    fill_in(client, receiver)
    hook = post.hook()["id"]
    receiver.status, receiver.answer = 418, b"I am a <b>teapot</b>"

    sent = client.post(f"/webhooks/{hook}/test")
    being_sent = client.get(sent.location).get_data(as_text=True)
    post.run()
    done = client.get(sent.location, headers={"HX-Request": "true", "HX-Target": "delivery"}).get_data(as_text=True)

    assert 'hx-trigger="every 1s"' in being_sent
    assert "hx-trigger" not in done
    assert "418" in done
    assert "I am a &lt;b&gt;teapot&lt;/b&gt;" in done
    assert "webhook.test" in done


def test_deliveries_are_listed_and_sent_again(client, receiver, post, organization):
    fill_in(client, receiver)
    hook = post.hook()["id"]
    with organization.context() as context:
        add(context, "assets", name=unique("Drill"))
        context.session.commit()
    post.run()
    (row,) = post.deliveries()

    page = Page(client.get(f"/webhooks/{hook}?state=delivered"))
    assert "assets.created" in page.text
    assert "1 thing" in page.text
    assert "Nothing was sent" in Page(client.get(f"/webhooks/{hook}?state=failed")).text
    client.post(f"/webhooks/{hook}/deliveries/{row['id']}/send")
    post.run()

    assert len(receiver.told) == 2


def test_a_webhook_that_is_off_says_why_and_how_to_go_on(client, receiver, post, organization):
    receiver.status = 410
    fill_in(client, receiver)
    hook = post.hook()["id"]
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()
    post.run()

    assert "said that it is gone (410)" in Page(client.get(f"/webhooks/{hook}")).text
    receiver.status = 200
    assert "Send what was missed" in Page(client.get(f"/webhooks/{hook}/enable")).text
    client.post(f"/webhooks/{hook}/enable", data={"start": "missed"})
    post.run()

    assert (post.hook()["state"], len(receiver.told)) == ("ok", 2)
    client.post(f"/webhooks/{hook}/disable")
    assert "Somebody switched it off" in Page(client.get(f"/webhooks/{hook}")).text


def test_a_secret_is_rotated_after_a_question(client, receiver, post):
    fill_in(client, receiver)
    hook = post.hook()

    assert "signatures by both" in Page(client.get(f"/webhooks/{hook['id']}/rotate-secret")).text
    answer = client.post(f"/webhooks/{hook['id']}/rotate-secret")

    assert SECRET.search(answer.get_data(as_text=True))
    assert post.hook()["previous_secret"] == hook["secret"]


def test_a_webhook_is_deleted_after_a_question(client, receiver, post):
    fill_in(client, receiver)
    hook = post.hook()["id"]

    assert client.get(f"/webhooks/{hook}/delete").status_code == 200
    assert client.post(f"/webhooks/{hook}/delete").location == "/webhooks"
    assert client.get(f"/webhooks/{hook}").status_code == 404


def test_who_sees_a_part_reads_that_there_are_webhooks_and_no_more(receiver, post, organization):
    post.make("*")
    with organization.context() as context:
        place = add(context, "locations")
        context.session.commit()
    client, hook = organization.member_client("admin", place), post.hook()["id"]

    assert "New webhook" not in Page(client.get("/webhooks")).text
    assert client.get(f"/webhooks/{hook}").status_code == 200
    for path in ("new", f"{hook}/edit", f"{hook}/enable", f"{hook}/deliveries/1"):
        assert client.get(f"/webhooks/{path}").status_code == 403, path
    assert client.post(f"/webhooks/{hook}/test").status_code == 403


def test_a_page_of_deliveries_costs_the_same_for_one_and_for_many(client, receiver, post, organization):
    fill_in(client, receiver)
    hook, costs = post.hook()["id"], []
    for count in (1, 20):
        for _ in range(count):
            with organization.context() as context:
                add(context, "assets")
                context.session.commit()
        post.run()
        client.get(f"/webhooks/{hook}")
        with counted(organization.app) as cost:
            client.get(f"/webhooks/{hook}")
        costs.append(len(cost.statements))

    assert costs[0] == costs[1] <= 9
