"""Numbers are handed out once, in a row, and jump what somebody typed by hand."""

from dataclasses import replace

from tests.households import Household
from tests.rows import add, add_many, any_category, at_once, change, resource, row
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.numbers import reserve
from webapp.core.writes import delete
from webapp.faces.sync import sync


def tag(context: Context, **patch: object) -> str:
    """Make an asset and return its tag."""
    return str(row(context, "assets", add(context, "assets", **patch))["tag"])


def test_tags_begin_at_one_and_go_on(context: Context):
    assert [tag(context) for _ in range(3)] == ["AST-000001", "AST-000002", "AST-000003"]


def test_a_rollback_leaves_no_gap(context: Context):
    any_category(context)
    context.session.commit()
    tag(context)
    context.session.rollback()

    assert tag(context) == "AST-000001"


def test_a_refused_asset_leaves_no_gap_in_the_next_request(organization: Household):
    api = organization.api_client()
    refused = api.post("assets", {"name": "No category"})
    with organization.context() as context:
        category = any_category(context)
        context.session.commit()

    made = api.post("assets", {"category_id": category})

    assert (refused.status_code, made.json["data"]["tag"]) == (422, "AST-000001")


def test_a_tag_typed_by_hand_is_jumped(context: Context):
    add(context, "assets", tag="ast-000002")
    add(context, "assets", tag="AST-000003")

    assert [tag(context) for _ in range(3)] == ["AST-000001", "AST-000004", "AST-000005"]


def test_the_tag_of_something_deleted_is_not_used_again(context: Context):
    gone = add(context, "assets", tag="AST-000001")
    delete(context, resource("assets"), gone)

    assert tag(context) == "AST-000002"


def test_a_freed_number_is_not_handed_out_again(context: Context):
    first = add(context, "assets")
    change(context, "assets", first, tag="CAM-1")

    assert tag(context) == "AST-000002"


def test_an_empty_tag_takes_the_next_number(context: Context):
    assert tag(context, tag="  ") == "AST-000001"


def test_a_numbered_thing_is_found_by_its_number(organization: Household):
    api = organization.api_client()
    with organization.context() as context:
        tag(context)
        context.session.commit()

    assert [found["tag"] for found in api.get("assets?q=ast-000001").json["data"]] == ["AST-000001"]


def test_a_batch_takes_a_block_around_what_is_taken(context: Context):
    patch = {"category_id": any_category(context)}
    add(context, "assets", tag="AST-000003")

    ids = add_many(context, "assets", [patch, patch, {**patch, "tag": "AST-000005"}, patch, patch])

    tags = [row(context, "assets", found)["tag"] for found in ids]
    assert tags == ["AST-000001", "AST-000002", "AST-000005", "AST-000004", "AST-000006"]


def test_a_batch_does_not_hand_out_what_another_of_its_rows_is_renamed_to(context: Context):
    category = any_category(context)
    old = add(context, "assets", tag="OLD", serial_number="S-1")
    items = [{"serial_number": "S-2", "category_id": category}, {"serial_number": "S-1", "tag": "AST-000001"}]

    result = sync(context, resource("assets"), items, frozenset())

    assert result["failed"] == []
    assert row(context, "assets", old)["tag"] == "AST-000001"
    assert row(context, "assets", result["created"][0]["id"])["tag"] == "AST-000002"


def test_an_organization_may_have_a_pattern_of_its_own(context: Context):
    own = replace(context, tenant=replace(context.tenant, settings={"asset_tag_pattern": "KFR-%04d"}))

    assert tag(own) == "KFR-0001"


def test_each_organization_counts_for_itself(context: Context, other_organization: Household):
    assert tag(context) == "AST-000001"
    context.session.commit()

    with other_organization.context() as theirs:
        assert tag(theirs) == "AST-000001"


def test_series_are_counted_apart_and_in_blocks(context: Context):
    blocks = [reserve(context.session, series, count) for series, count in (("a", 5), ("b", 1), ("a", 2))]

    assert [list(block) for block in blocks] == [[1, 2, 3, 4, 5], [1], [6, 7]]


def test_two_writers_at_once_never_get_the_same_number(organization: Household):
    def write() -> list[str]:
        tags = []
        for _ in range(10):
            with organization.context() as context:
                tags.append(tag(context))
                context.session.commit()
        return tags

    with organization.context() as context:
        any_category(context)
        context.session.commit()
    one, other = (outcome.result() for outcome in at_once(write, write))

    assert sorted(one + other) == [f"AST-{number:06d}" for number in range(1, 21)]


def test_two_batches_at_once_never_get_the_same_number(organization: Household):
    with organization.context() as context:
        category = any_category(context)
        context.session.commit()

    def write() -> list[str]:
        with organization.context() as context:
            ids = add_many(context, "assets", [{"category_id": category}] * 40)
            context.session.commit()
            return [row(context, "assets", found)["tag"] for found in ids]

    one, other = (outcome.result() for outcome in at_once(write, write))

    assert sorted(one + other) == [f"AST-{number:06d}" for number in range(1, 81)]


def test_two_who_type_the_same_tag_at_once_are_not_both_believed(organization: Household):
    with organization.context() as context:
        any_category(context)
        context.session.commit()

    def write() -> str:
        with organization.context() as context:
            made = tag(context, tag="CAM-1")
            context.session.commit()
            return made

    outcomes = at_once(write, write)
    refusals = [outcome.exception() for outcome in outcomes if outcome.exception()]

    assert len(refusals) == 1
    assert isinstance(refusals[0], Invalid)
    assert list(refusals[0].errors) == ["tag"]
