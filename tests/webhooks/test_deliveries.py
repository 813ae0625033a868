"""What a receiver is told, and what becomes of it when the receiver is away."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from tests.households import found_organization
from tests.letterbox import letters_to, text_of
from tests.rows import add, add_many, any_category, change, resource, seal_log, stored
from tests.webhooks.conftest import Receiver, is_signed
from webapp.accounts.rules import add_member
from webapp.core.jobs import JOBS
from webapp.core.writes import delete, restore
from webapp.webhooks import jobs, outbox, rules, turns
from webapp.webhooks.models import WEBHOOKS

pytestmark = pytest.mark.both_databases
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_change_is_told_with_its_fields_and_a_signature(post, receiver, organization):
    _id, secret = post.make("assets.updated")
    with organization.context() as context:
        asset = add(context, "assets", name="Drill")
        context.session.commit()
        change(context, "assets", asset, name="Saw")
        context.session.commit()

    post.run()

    (told,) = receiver.told
    assert is_signed(told, secret)
    assert told.headers["content-type"] == "application/json"
    said = told.json
    assert said["type"] == "assets.updated"
    (item,) = said["data"]["items"]
    assert (item["id"], item["name"]) == (asset, "AST-000001")
    assert item["changes"] == [{"field": "name", "old": "Drill", "new": "Saw"}]
    assert len(item["guid"]) == 36
    assert said["data"]["count"] == 1
    assert said["data"]["first_sequence"] == said["data"]["last_sequence"] == item["sequence"]
    assert said["data"]["actor"]["name"] == "Olive Owner"
    assert said["data"]["organization"]["id"] == organization.id


def names(receiver):
    """Return the names that things were given, in the order in which they were told."""
    items = [item for told in receiver.told for item in told.json["data"]["items"]]
    return [change["new"] for item in items for change in item["changes"] if change["field"] == "name"]


def test_all_that_happens_to_a_thing_is_told_in_order(post, receiver, organization):
    post.make("assets.*")
    with organization.context() as context:
        asset = add(context, "assets", name="Drill")
        context.session.commit()
        delete(context, resource("assets"), asset)
        context.session.commit()
        restore(context, resource("assets"), asset)
        add(context, "persons")
        context.session.commit()

    post.run()

    assert [told.json["type"] for told in receiver.told] == ["assets.created", "assets.deleted", "assets.restored"]
    assert receiver.sequences() == sorted(receiver.sequences())
    assert set(post.states()) == {"delivered"}


def test_only_what_comes_after_a_webhook_was_made_is_told(post, receiver, organization):
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()
    post.make("assets.*")

    post.run()

    assert receiver.told == []


def test_neighbouring_lines_of_one_change_set_are_one_message(post, receiver, organization, monkeypatch):
    monkeypatch.setattr(outbox, "MOST_ITEMS", 5)
    monkeypatch.setattr(outbox, "LINES", 8)
    with organization.context() as context:
        category = any_category(context)
        context.session.commit()
    post.make("*")
    with organization.context() as context:
        add_many(context, "assets", [{"name": f"A {n}", "category_id": category} for n in range(28)])
        context.session.commit()
    with organization.context() as context:
        add(context, "assets", name="alone")
        context.session.commit()

    post.run()

    told = [told.json["data"] for told in receiver.told if told.json["type"] == "assets.created"]
    assert [data["count"] for data in told] == [5, 5, 5, 5, 5, 3, 1]
    assert [len(data["items"]) for data in told] == [5, 5, 5, 5, 5, 3, 1]
    assert receiver.sequences() == list(range(receiver.sequences()[0], receiver.sequences()[-1] + 1))


def test_two_change_sets_are_two_messages(post, receiver, organization):
    post.make("assets.created")
    for name in ("one", "two"):
        with organization.context() as context:
            add(context, "assets", name=name)
            context.session.commit()

    post.run()

    assert names(receiver) == ["one", "two"]
    assert len({told.json["data"]["change_set_id"] for told in receiver.told}) == 2


def test_a_filter_lets_only_its_things_through(post, receiver, organization):
    with organization.context() as context:
        site = add(context, "locations")
        below = add(context, "locations", parent_id=site)
        elsewhere = add(context, "locations")
        context.session.commit()
    post.make("assets.*", filter=f"location_id_within={site}")
    with organization.context() as context:
        inside = add(context, "assets", location_id=below)
        add(context, "assets", location_id=elsewhere)
        context.session.commit()
        delete(context, resource("assets"), inside)
        context.session.commit()

    post.run()

    assert {item["id"] for told in receiver.told for item in told.json["data"]["items"]} == {inside}
    assert [told.json["type"] for told in receiver.told] == ["assets.created", "assets.deleted"]


def test_the_change_that_takes_a_thing_out_of_a_filter_is_told(post, receiver, organization):
    post.make("assets.updated", filter="condition_in=1,2")
    with organization.context() as context:
        asset = add(context, "assets", condition=2)
        for condition in (5, 4):
            change(context, "assets", asset, condition=condition)
        context.session.commit()

    post.run()

    (told,) = receiver.told
    assert told.json["data"]["items"][0]["changes"] == [{"field": "condition", "old": 2, "new": 5}]


def rename(household, asset, name):
    with household.context() as context:
        change(context, "assets", asset, name=name)
        context.session.commit()


def test_a_receiver_that_was_away_for_an_hour_has_missed_nothing(post, receiver, organization):
    with time_machine.travel(NOON) as clock:
        _id, secret = post.make("assets.*")
        receiver.status = lambda told: 204 if is_signed(told, secret) else 401
        with organization.context() as context:
            asset = add(context, "assets", name="0")
            context.session.commit()
        post.run()
        receiver.stop()
        for minute in range(1, 61):
            rename(organization, asset, str(minute))
            clock.shift(timedelta(minutes=1))
            post.run()
        waiting = post.deliveries()
        receiver.start()
        clock.shift(timedelta(hours=3))
        post.run()

    assert max(row["attempts"] for row in waiting) <= 6
    assert sum(row["attempts"] for row in waiting if row["state"] == "waiting") <= 6
    assert names(receiver) == [str(minute) for minute in range(61)]
    first, last = receiver.sequences()[0], receiver.sequences()[-1]
    assert receiver.sequences() == list(range(first, last + 1))
    assert (post.hook()["state"], post.hook()["failures"], set(post.states())) == ("ok", 0, {"delivered"})


def test_what_was_not_confirmed_comes_again_under_its_id(post, receiver, organization):
    receiver.status = 503
    with time_machine.travel(NOON) as clock:
        post.make("assets.created")
        with organization.context() as context:
            add(context, "assets")
            context.session.commit()
        post.run()
        receiver.status = 200
        clock.shift(7)
        post.run()

    first, second = receiver.told
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == post.deliveries()[0]["message_id"]
    assert first.body == second.body
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert post.deliveries()[0]["attempts"] == 2


def test_a_receiver_may_say_when_to_come_again(post, receiver, organization):
    receiver.status, receiver.headers = 429, {"Retry-After": "600"}
    with time_machine.travel(NOON, tick=False) as clock:
        post.make("assets.created")
        with organization.context() as context:
            add(context, "assets")
            context.session.commit()
        post.run()
        clock.shift(599)
        post.run()
        assert len(receiver.told) == 1
        clock.shift(2)
        post.run()

    assert len(receiver.told) == 2


def test_a_receiver_that_is_gone_is_told_nothing_more(post, receiver, organization):
    receiver.status = 410
    with organization.context() as context:
        add_member(context, email="a@x.org", name="A", password="x" * 12, role="admin")
        place = add(context, "locations")
        narrowed = {"role": "admin", "scope_location_id": place}
        add_member(context, email="b@x.org", name="B", password="x" * 12, **narrowed)
        context.session.commit()
    post.make("assets.created")
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()

    post.run()

    hook = post.hook()
    assert (hook["is_active"], hook["state"], hook["reason"]) == (False, "disabled", "gone")
    assert len(receiver.told) == 1
    letters = letters_to(organization.app, "a@x.org")
    assert [text_of(letter).count(f"/webhooks/{hook['id']}") for letter in letters] == [1]
    assert len(letters_to(organization.app, organization.email)) == 1
    assert letters_to(organization.app, "b@x.org") == []


def wait_out(post, clock):
    """Let three days pass in which the receiver fails."""
    for _step in range(len(turns.BACKOFF) + 2):
        post.run()
        clock.shift(timedelta(hours=25))


def test_three_days_of_failure_switch_a_webhook_off_and_what_was_missed_comes_later(post, receiver, organization):
    receiver.stop()
    with time_machine.travel(NOON) as clock:
        hook_id, _secret = post.make("assets.created")
        for _ in range(3):
            with organization.context() as context:
                add(context, "assets")
                context.session.commit()
        wait_out(post, clock)
        assert (post.hook()["state"], post.hook()["reason"]) == ("disabled", "unreachable")
        assert sum(row["attempts"] for row in post.deliveries()) == len(turns.BACKOFF) + 1
        receiver.start()
        post.run()
        assert receiver.told == []
        with organization.context() as context:
            rules.enable(context, hook_id, from_now=False)
            context.session.commit()
        post.run()

    assert len(receiver.told) == 3
    assert post.hook()["state"] == "ok"


def test_a_webhook_may_begin_anew_from_now(post, receiver, organization):
    receiver.stop()
    with time_machine.travel(NOON) as clock:
        hook_id, _secret = post.make("assets.created")
        with organization.context() as context:
            add(context, "assets", name="missed")
            context.session.commit()
        wait_out(post, clock)
        receiver.start()
        with organization.context() as context:
            rules.enable(context, hook_id, from_now=True)
            add(context, "assets", name="new")
            context.session.commit()
        post.run()

    assert names(receiver) == ["new"]
    assert post.states() == ["dropped", "delivered"]


def test_a_message_that_is_refused_steps_aside_for_the_others(post, receiver, organization):
    receiver.status = lambda told: 422 if b"poison" in told.body else 200
    with time_machine.travel(NOON) as clock:
        post.make("assets.created")
        for name in ("poison", "one", "two"):
            with organization.context() as context:
                add(context, "assets", name=name)
                context.session.commit()
        for _minute in range(10):
            post.run()
            clock.shift(60)
        assert post.states() == ["waiting", "delivered", "delivered"]
        assert post.hook()["is_active"]
        wait_out(post, clock)

    assert post.states() == ["failed", "delivered", "delivered"]
    assert post.deliveries()[0]["attempts"] == len(turns.BACKOFF) + 1


@pytest.mark.parametrize("location", ["http://169.254.169.254/", "http://127.0.0.1:1/"])
def test_a_redirect_is_a_refusal_and_is_not_followed(post, receiver, organization, location):
    receiver.status, receiver.headers = 307, {"Location": location}
    post.make("assets.created")
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()

    post.run()

    (row,) = post.deliveries()
    assert (row["state"], row["last_status"], row["last_error"]) == ("waiting", 307, None)


def test_a_name_that_leads_inside_is_not_asked(post, receiver, organization, monkeypatch):
    found = {"rebound.example": ["169.254.169.254"]}
    monkeypatch.setattr("webapp.edge.fetch.socket.getaddrinfo", fake_lookup(found))
    post.make("assets.created", url="http://rebound.example/")
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()

    post.run()

    assert post.deliveries()[0]["last_error"] == "the address is not on the public internet"


def fake_lookup(names):
    """Return what stands in for the name server; numbers are known as before."""
    import socket

    real = socket.getaddrinfo

    def look_up(host, *args, flags=0, **more):
        if host in names and not flags & socket.AI_NUMERICHOST:
            return [(0, 0, 0, "", (address, 80)) for address in names[host]]
        return real(host, *args, flags=flags, **more)

    return look_up


def test_a_long_answer_is_kept_in_part_and_counts_as_what_it_says(post, receiver, organization):
    receiver.status, receiver.answer = 200, b"a\x00\xff" + b"x" * 5_000_000
    post.make("assets.created")
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()

    post.run()

    (row,) = post.deliveries()
    assert (row["state"], len(row["answer"]), row["answer"][:4]) == ("delivered", 2_048, "a\ufffd\ufffdx")


def test_a_worker_that_is_killed_while_it_sends_sends_again(post, receiver, organization):
    with time_machine.travel(NOON) as clock:
        hook_id, _secret = post.make("assets.created")
        with organization.context() as context:
            add(context, "assets")
            context.session.commit()
        seal_log(organization.app, organization.id)
        with organization.context() as context:
            assert turns.claim(context, hook_id)
            assert turns.step(context, hook_id, None).delivery is not None
            context.session.commit()
        post.run()
        assert receiver.told == []
        clock.shift(61)
        post.run()

    assert len(receiver.told) == 1
    assert post.states() == ["delivered"]


def test_what_waits_for_a_receiver_stays_in_the_log(post, receiver, organization):
    receiver.stop()
    post.make("assets.created")
    for _ in range(30):
        with organization.context() as context:
            add(context, "assets")
            context.session.commit()

    post.run()

    assert 0 < len(post.deliveries()) <= outbox.BACKLOG + 10
    assert post.hook()["state"] == "failing"
    with organization.app.app_context():
        assert (organization.id, post.hook()["id"]) not in [
            tuple(due.values()) for due in turns.DUE_WEBHOOKS(at=now(), count=99)
        ]


def now():
    return datetime.now(UTC)


def test_a_commit_wakes_the_worker_once_and_only_where_somebody_listens(post, organization, open_app):
    silent = found_organization(open_app)
    post.make("assets.created")
    post.run()
    for household in (organization, silent):
        with household.context() as context:
            add(context, "assets")
            add(context, "assets")
            context.session.commit()
            add(context, "assets")
            context.session.commit()

    for household, count in ((organization, 1), (silent, 0)):
        with household.context(write=False) as context:
            queued = [job for job in stored(context, JOBS) if job["kind"] == rules.JOB and job["state"] == "queued"]
            assert len(queued) == count


def test_a_slow_receiver_holds_up_nobody(post, receiver, organization, open_app, monkeypatch):
    let_go = threading.Event()
    receiver.status = lambda told: 200 if let_go.wait(10) else 500
    quick = Receiver()
    quick.start()
    post.make("assets.created")
    post.make("assets.created", url=quick.url)
    with organization.context() as context:
        add(context, "assets")
        context.session.commit()
    seal_log(organization.app, organization.id)
    monkeypatch.setitem(open_app.config, "TESTING", False)

    with open_app.app_context():
        jobs.hand_out()
        jobs.hand_out()
    wait_for(lambda: sorted(post.states()) == ["delivered", "waiting"])
    let_go.set()
    wait_for(lambda: post.states() == ["delivered", "delivered"] and not jobs._busy)

    quick.stop()
    assert (len(receiver.told), len(quick.told)) == (1, 1)


def wait_for(reached):
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_was_said_is_forgotten_after_thirty_days(post, receiver, organization, monkeypatch):
    receiver.answer = b"thanks"
    with time_machine.travel(NOON) as clock:
        post.make("assets.created")
        with organization.context() as context:
            add(context, "assets")
            context.session.commit()
        post.run()
        for days, is_kept in ((29, True), (2, False)):
            clock.shift(timedelta(days=days))
            with organization.app.app_context():
                jobs.tidy()
            (row,) = post.deliveries()
            assert ((row["payload"] is not None), (row["answer"] is not None)) == (is_kept, is_kept)

    assert row["state"] == "delivered"


def test_a_filter_that_means_nothing_any_more_switches_the_webhook_off(post, receiver, organization):
    post.make("assets.created")
    with organization.context() as context:
        table = WEBHOOKS
        mine = table.c.organization_id == organization.id
        context.session.execute(
            table.update().where(mine).values(filter="custom.gone=1"), execution_options={"tenant_checked": True}
        )
        add(context, "assets")
        context.session.commit()

    post.run()

    assert (post.hook()["state"], post.hook()["reason"]) == ("disabled", "filter")
