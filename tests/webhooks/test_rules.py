"""What a webhook may be and who may make one; its secret; tests and messages sent again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.households import found_organization
from tests.rows import add, change, lines, row, stored
from tests.webhooks.conftest import Post, is_signed
from webapp.core.errors import Conflict, Forbidden, Invalid, NotFound
from webapp.core.writes import delete
from webapp.webhooks import rules
from webapp.webhooks.models import WEBHOOKS
from webapp.webhooks.resources import WEBHOOKS as RESOURCE
from webapp.webhooks.signing import make_secret, open_secret, seal_secret

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
GOOD = {"name": "ERP", "url": "https://erp.example.org/in", "events": ["assets.*"]}


def make(context, **patch):
    return rules.create_webhook(context, RESOURCE, RESOURCE.schema_for().load(GOOD | patch))


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"url": "http://10.0.0.1/"}, "url"),
        ({"url": "http://169.254.169.254/latest"}, "url"),
        ({"url": "https://erp.example.org:99999/"}, "url"),
        ({"events": []}, "events"),
        ({"events": ["planets.created"]}, "events"),
        ({"events": ["assets.sold"]}, "events"),
        ({"events": ["assets"]}, "events"),
        ({"events": ["*.created"]}, "events"),
        ({"filter": "color=red"}, "filter"),
        ({"filter": "category_id=x"}, "filter"),
        ({"filter": "sort=name&condition=1"}, "filter"),
        ({"filter": "q=drill&condition=1"}, "filter"),
        ({"filter": "deleted=true"}, "filter"),
        ({"filter": "condition"}, "filter"),
        ({"filter": "condition=1", "events": ["assets.*", "persons.*"]}, "filter"),
        ({"filter": "condition=1", "events": ["*"]}, "filter"),
    ],
)
def test_a_webhook_that_makes_no_sense_is_refused_by_its_field(context, patch, field):
    with pytest.raises(Invalid) as refused:
        make(context, **patch)

    assert set(refused.value.errors) == {field}


def test_a_changed_filter_and_changed_events_are_checked_together(context):
    hook, _secret = make(context, filter="condition=1")

    with pytest.raises(Invalid) as refused:
        change(context, "webhooks", hook, events=["persons.*"])

    assert set(refused.value.errors) == {"filter"}


def test_who_sees_a_part_may_not_be_told_of_the_whole(organization, context):
    hook, _secret = make(context)
    place = add(context, "locations")
    context.session.commit()

    with organization.context(organization.actor("admin", place)) as narrowed:
        for act in (
            lambda: make(narrowed),
            lambda: change(narrowed, "webhooks", hook, url="https://evil.example/"),
            lambda: delete(narrowed, RESOURCE, hook),
            lambda: rules.rotate_secret(narrowed, hook),
            lambda: rules.send_test(narrowed, hook),
            lambda: rules.enable(narrowed, hook, from_now=False),
            lambda: rules.disable_by_hand(narrowed, hook),
            lambda: rules.list_deliveries(narrowed, hook),
            lambda: rules.get_delivery(narrowed, hook, 1),
        ):
            with pytest.raises(Forbidden):
                act()


def test_nobody_is_told_by_a_webhook_what_they_may_not_read(organization):
    actor = replace(organization.owner, permissions=frozenset({"webhooks:write", "assets:read"}))
    with organization.context(actor) as context:
        make(context)
        for chosen in (["*"], ["assets.*", "persons.updated"]):
            with pytest.raises(Invalid) as refused:
                make(context, events=chosen)
            assert set(refused.value.errors) == {"events"}


def test_a_secret_is_kept_encrypted_and_for_one_webhook_alone(context):
    _hook, secret = make(context)
    (kept,) = stored(context, WEBHOOKS)

    assert secret.startswith("whsec_")
    assert secret not in str(kept)
    assert open_secret(kept["secret"], kept["guid"]) == secret
    assert open_secret(kept["secret"], "another") is None
    assert open_secret("nonsense", kept["guid"]) is open_secret(None, kept["guid"]) is None
    assert seal_secret(secret, "g") != seal_secret(secret, "g")
    assert make_secret() != make_secret()


def test_the_history_does_not_tell_a_secret(context):
    hook, _secret = make(context)
    rules.rotate_secret(context, hook)

    created, rotated = lines(context, "webhooks", hook)

    assert created["changes"]["secret"] == [None, "***"]
    assert rotated["changes"]["secret"] == ["***", "***"]
    assert rotated["changes"]["previous_secret"] == [None, "***"]
    assert "secret" not in row(context, "webhooks", hook)


def test_an_old_secret_signs_along_for_a_day(post, receiver, organization):
    with time_machine.travel(NOON) as clock:
        hook, old = post.make("assets.created")
        with organization.context() as context:
            new = rules.rotate_secret(context, hook)
            context.session.commit()
        believed = []
        receiver.status = lambda told: believed.append([is_signed(told, old), is_signed(told, new)]) or 204
        for hours in (23, 2):
            clock.shift(timedelta(hours=hours))
            with organization.context() as context:
                rules.send_test(context, hook)
                context.session.commit()
            post.run()

    assert believed == [[True, True], [False, True]]


def test_a_secret_that_cannot_be_read_switches_the_webhook_off(post, receiver, organization):
    hook, _secret = post.make("assets.created")
    with organization.context() as context:
        unread = WEBHOOKS.update().where(WEBHOOKS.c.organization_id == organization.id).values(secret="nonsense")
        context.session.execute(unread, execution_options={"tenant_checked": True})
        add(context, "assets")
        context.session.commit()
    post.run()
    assert (post.hook()["state"], post.hook()["reason"], receiver.told) == ("disabled", "secret", [])

    with organization.context() as context:
        secret = rules.rotate_secret(context, hook)
        rules.enable(context, hook, from_now=False)
        context.session.commit()
    post.run()

    assert [is_signed(told, secret) for told in receiver.told] == [True]


def test_a_test_is_sent_whatever_the_state_and_is_tried_once(post, receiver, organization):
    hook, secret = post.make("assets.created")
    receiver.status, receiver.answer = 500, b"no"
    with organization.context() as context:
        rules.disable_by_hand(context, hook)
        made = rules.send_test(context, hook)
        context.session.commit()

    post.run()

    (told,) = receiver.told
    assert is_signed(told, secret)
    assert told.json["type"] == "webhook.test"
    with organization.context(write=False) as context:
        kept = rules.get_delivery(context, hook, made)
    assert (kept["state"], kept["last_status"], kept["answer"], kept["attempts"]) == ("failed", 500, "no", 1)
    assert (post.hook()["state"], post.hook()["failures"]) == ("disabled", 0)


def test_a_message_may_be_sent_again_under_its_id(post, receiver, organization):
    hook, _secret = post.make("assets.created")
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()
    post.run()
    (first,) = post.deliveries()
    with organization.context() as context:
        rules.send_again(context, hook, first["id"])
        rules.send_again(context, hook, first["id"])
        context.session.commit()
    post.run()

    assert len(receiver.told) == 2
    assert len({told.headers["webhook-id"] for told in receiver.told}) == 1
    assert (post.deliveries()[0]["state"], post.deliveries()[0]["attempts"]) == ("delivered", 2)


def test_what_waits_may_be_tried_at_once(post, receiver, organization):
    receiver.stop()
    with time_machine.travel(NOON) as clock:
        hook, _secret = post.make("assets.created")
        with organization.context() as context:
            add(context, "assets")
            context.session.commit()
        for _step in range(8):
            post.run()
            clock.shift(timedelta(hours=11))
        post.run()
        receiver.start()
        post.run()
        assert receiver.told == []
        with organization.context() as context:
            rules.send_again(context, hook, post.deliveries()[0]["id"])
            context.session.commit()
        post.run()

    assert post.states() == ["delivered"]
    assert post.hook()["state"] == "ok"


def test_what_was_purged_cannot_be_sent_again(post, organization):
    hook, _secret = post.make("assets.created")
    with organization.context() as context:
        made = rules.send_test(context, hook)
        context.session.execute(
            rules.DELIVERIES.update().where(rules.DELIVERIES.c.organization_id == organization.id).values(payload=None),
            execution_options={"tenant_checked": True},
        )
        with pytest.raises(Conflict) as refused:
            rules.send_again(context, hook, made)

    assert refused.value.code == "purged"


def test_tests_do_not_pile_up(post, organization):
    hook, _secret = post.make("assets.created")
    with organization.context() as context:
        for _ in range(rules.MOST_BY_HAND):
            rules.send_test(context, hook)
        with pytest.raises(Conflict) as refused:
            rules.send_test(context, hook)

    assert refused.value.code == "under_way"


def test_a_webhook_is_switched_on_once_and_only_to_where_we_may_send(post, organization):
    hook, _secret = post.make("assets.created")
    with organization.context() as context:
        with pytest.raises(Conflict) as refused:
            rules.enable(context, hook, from_now=False)
        rules.disable_by_hand(context, hook)
        organization.app.config["OUTGOING_ALLOW"] = []
        try:
            with pytest.raises(Conflict) as closed:
                rules.enable(context, hook, from_now=False)
        finally:
            organization.app.config["OUTGOING_ALLOW"] = ["127.0.0.1"]

    assert (refused.value.code, closed.value.code) == ("active", "bad_address")


def test_switched_off_and_on_by_an_edit_it_goes_on_where_it_stood(post, receiver, organization):
    hook, _secret = post.make("assets.created")
    with organization.context() as context:
        change(context, "webhooks", hook, is_active=False)
        add(context, "assets")
        context.session.commit()
    post.run()
    assert (post.hook()["state"], receiver.told) == ("disabled", [])

    with organization.context() as context:
        change(context, "webhooks", hook, is_active=True)
        context.session.commit()
    post.run()

    assert (post.hook()["state"], len(receiver.told)) == ("ok", 1)


def test_a_mended_address_is_tried_at_once(post, receiver, organization):
    hook, _secret = post.make("assets.created", url="http://127.0.0.1:9/")
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()
    post.run()
    assert post.hook()["state"] == "failing"

    with organization.context() as context:
        change(context, "webhooks", hook, url=receiver.url)
        context.session.commit()
    post.run()

    assert (post.hook()["state"], len(receiver.told)) == ("ok", 1)


def test_a_deleted_webhook_is_told_nothing(post, receiver, organization):
    hook, _secret = post.make("assets.created")
    with organization.context() as context:
        add(context, "assets")
        delete(context, RESOURCE, hook)
        context.session.commit()
    post.run()

    assert receiver.told == []
    with organization.context() as context, pytest.raises(NotFound):
        rules.send_test(context, hook)


def test_a_webhook_is_told_of_its_own_organization_alone(post, receiver, organization, open_app):
    others = Post(found_organization(open_app), receiver)
    hook, _secret = post.make("*")
    others.make("persons.created")
    with others.household.context() as context:
        add(context, "assets", name="foreign")
        context.session.commit()
        with pytest.raises(NotFound):
            rules.get_webhook(context, hook)
    post.run()

    assert b"foreign" not in b"".join(told.body for told in receiver.told)
    assert {told.json["data"]["organization"]["id"] for told in receiver.told} <= {organization.id}
