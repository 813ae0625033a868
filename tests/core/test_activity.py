"""The history: what was changed, by whom, field by field, in the transaction that did it."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.households import Household
from tests.rows import add, add_many, any_category, change, lines, resource, row, stored
from webapp.accounts.models import ApiKey
from webapp.accounts.rules import create_api_key, revoke_api_key
from webapp.core.activity import Activity, change_set, differences, history
from webapp.core.context import Context, make_context
from webapp.core.database import table_of
from webapp.core.recorder import remember
from webapp.core.writes import delete, restore

LINES = table_of(Activity)


def new_lines(context: Context, before: int) -> list[dict]:
    """Return the organization's lines after the first so many."""
    return sorted(stored(context, LINES), key=lambda line: line["id"])[before:]


def test_a_new_thing_has_one_line_that_says_what_it_is(context: Context):
    asset_id = add(
        context,
        "assets",
        tag="CAM-1",
        name="Camera",
        purchased_on="2025-03-01",
        purchase_cost="3949.00",
        currency="EUR",
    )

    (line,) = lines(context, "assets", asset_id)

    assert (line["event"], line["item_name"], line["actor_name"]) == ("Create", "CAM-1", "Olive Owner")
    flags = {key: [None, False] for key in ("is_requestable", "is_byod", "maintenance_enabled")}
    assert line["changes"] | {"status_id": None, "category_id": None} == flags | {
        "tag": [None, "CAM-1"],
        "name": [None, "Camera"],
        "purchased_on": [None, "2025-03-01"],
        "purchase_cost": [None, "3949"],
        "currency": [None, "EUR"],
        "status_id": None,
        "category_id": None,
    }


def test_a_change_has_one_line_with_old_and_new(context: Context):
    place_id = add(context, "locations", name="Lisbon", city="Lisboa")

    change(context, "locations", place_id, name="Lisbon depot", city=None, country="PT")

    line = lines(context, "locations", place_id)[-1]
    assert line["event"] == "Update"
    assert line["changes"] == {
        "name": ["Lisbon", "Lisbon depot"],
        "city": ["Lisboa", None],
        "country": [None, "PT"],
    }


def test_a_change_that_changes_nothing_has_no_line_and_no_version(context: Context):
    asset_id = add(context, "assets", name="Drill", purchase_cost="12.50")

    assert change(context, "assets", asset_id, name="Drill", purchase_cost="12.5000") == {}
    assert change(context, "assets", asset_id) == {}

    assert len(lines(context, "assets", asset_id)) == 1
    assert row(context, "assets", asset_id)["version"] == 1


def test_deleting_and_restoring_are_told_as_such(context: Context):
    asset_id = add(context, "assets")

    delete(context, resource("assets"), asset_id)
    restore(context, resource("assets"), asset_id)

    assert [line["event"] for line in lines(context, "assets", asset_id)] == ["Create", "Delete", "Restore"]


def test_each_changed_thing_has_one_line_and_all_have_one_change_set(context: Context):
    known = len(stored(context, LINES))

    product_id = add(context, "products", category_id=any_category(context))
    add(context, "assets", product_id=product_id)
    add_many(context, "manufacturers", [{"name": "Sony"}, {"name": "Leica"}])

    found = new_lines(context, known)
    kinds = ["categories", "products", "assets", "manufacturers", "manufacturers"]
    assert [line["item_type"] for line in found] == kinds
    assert {line["change_set_id"] for line in found} == {context.change_set_id}
    assert [line["id"] for line in change_set(context, context.change_set_id)] == [line["id"] for line in found][::-1]


def test_what_is_rolled_back_was_never_written_down(organization: Household):
    with organization.context() as context:
        known = len(stored(context, LINES))
        add(context, "locations")
        context.session.rollback()

        assert len(stored(context, LINES)) == known


def test_the_log_has_a_line_as_soon_as_the_change_is_committed(organization: Household):
    with organization.context() as context:
        place_id = add(context, "locations")
        context.session.commit()

    with organization.context(write=False) as reader:
        assert len(lines(reader, "locations", place_id)) == 1


def test_a_secret_is_shown_as_stars(context: Context):
    key, token = create_api_key(context, "Scanner", ["assets:read"])
    revoke_api_key(context, key.id)
    context.session.flush()

    found = [line for line in stored(context, LINES) if line["item_type"] == "api_keys"]

    assert found[0]["changes"]["secret_hash"] == [None, "***"]
    assert key.secret_hash not in str(found)
    assert token not in str(found)
    assert ApiKey.__secrets__ == {"secret_hash"}


def test_a_changed_secret_says_that_it_changed_and_no_more():
    found = differences({"code": "old"}, {"code": "new"}, frozenset({"code"}))
    unchanged = differences({"code": "old"}, {"code": "old"}, frozenset({"code"}))

    assert (found, unchanged) == ({"code": ["***", "***"]}, {})


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (Decimal("1250.0000"), Decimal(1250), {}),
        (Decimal(1250), Decimal("1250.5"), {"x": ["1250", "1250.5"]}),
        (None, date(2026, 1, 10), {"x": [None, "2026-01-10"]}),
        (False, True, {"x": [False, True]}),
        (datetime(2026, 1, 10, tzinfo=UTC), None, {"x": ["2026-01-10T00:00:00.000Z", None]}),
    ],
)
def test_values_are_compared_and_written_as_json_keeps_them(old: object, new: object, found: dict):
    assert differences({"x": old}, {"x": new}) == found


def test_who_did_it_and_through_what_is_kept(organization: Household):
    api = organization.api_client()
    place_id = api.post("locations", {"name": "Lisbon"}, headers={"X-Request-Id": "walk-7"}).json["data"]["id"]

    with organization.context() as context:
        line = lines(context, "locations", place_id)[0]

    assert (line["face"], line["request_id"], line["ip"]) == ("api", "walk-7", "127.0.0.1")
    assert line["api_key_id"] is not None
    assert line["actor_user_id"] is None


def test_a_job_signs_with_its_number(organization: Household):
    job = replace(organization.owner, face="job", job_id=4711)
    with organization.context(job) as context:
        line = lines(context, "locations", add(context, "locations"))[0]

    assert (line["face"], line["job_id"], line["actor_user_id"]) == ("job", 4711, organization.owner.user_id)


def test_a_forced_move_is_marked(context: Context):
    asset_id = add(context, "assets")
    forced = replace(context, forced=True)
    context.session.info["context"] = forced

    change(forced, "assets", asset_id, name="Moved by a shipment")

    assert [line["forced"] for line in lines(context, "assets", asset_id)] == [False, True]


def test_the_line_has_the_time_of_the_unit_of_work(context: Context):
    noon = datetime(2026, 1, 10, 12, 0, 0, 5000, tzinfo=UTC)
    at_noon = make_context(context.session, context.tenant, context.actor, at=noon)

    place_id = add(at_noon, "locations")

    assert lines(context, "locations", place_id)[0]["at"] == noon
    assert row(context, "locations", place_id)["created_at"] == noon


def test_history_is_read_newest_first_in_pages(context: Context):
    place_id = add(context, "locations", name="Name 0")
    for number in range(1, 5):
        change(context, "locations", place_id, name=f"Name {number}")

    newest = history(context, resource("locations"), place_id, limit=2)
    before = history(context, resource("locations"), place_id, before_id=newest[-1]["id"], limit=2)

    assert [line["changes"]["name"][1] for line in newest + before] == ["Name 4", "Name 3", "Name 2", "Name 1"]


def test_something_that_changed_no_column_can_be_written_down(context: Context):
    place_id = add(context, "locations", name="Lisbon")

    remember(context, resource("locations"), row(context, "locations", place_id), "Comment", "The lock sticks.")

    line = lines(context, "locations", place_id)[-1]
    assert (line["event"], line["note"], line["changes"]) == ("Comment", "The lock sticks.", {})


@pytest.mark.parametrize("verb", ["UPDATE activity SET actor_name = 'Nobody'", "DELETE FROM activity"])
def test_the_program_cannot_change_the_log(context: Context, verb: str):
    connection = context.session.connection()

    with pytest.raises(DBAPIError, match=r"append-only|permission denied"):
        connection.execute(text(f"{verb} WHERE organization_id = :id"), {"id": context.organization_id})
