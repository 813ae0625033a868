"""Names of referenced things: as they are now, in every process, and never as somebody nearly made them."""

import pytest

from tests.households import Household
from tests.live import LiveApi, LiveServer
from tests.rows import add, change, resource, row
from tests.statements import counted
from webapp.core import labels
from webapp.core.context import Context
from webapp.core.labels import label_of, label_rows, labels_for
from webapp.core.writes import delete


@pytest.fixture
def sony(organization: Household) -> int:
    """Return the committed manufacturer "Sony", whose name this process has in its cache."""
    with organization.context() as context:
        sony_id = add(context, "manufacturers", name="Sony")
        context.session.commit()
    name_of(organization, sony_id)
    return sony_id


def name_of(organization: Household, manufacturer_id: int) -> str:
    """Return a manufacturer's name as another request of this process reads it."""
    with organization.context(write=False) as context:
        return label_of(context, "manufacturers", manufacturer_id)


def test_another_session_sees_a_rename_once_it_is_committed(organization: Household, sony: int):
    with organization.context() as context:
        change(context, "manufacturers", sony, name="Sony Group")
        context.session.commit()

    assert name_of(organization, sony) == "Sony Group"


def test_who_renames_sees_it_at_once(organization: Household, sony: int):
    with organization.context() as context:
        change(context, "manufacturers", sony, name="Sony Group")

        assert label_of(context, "manufacturers", sony) == "Sony Group"


def test_a_rename_that_was_rolled_back_was_never_seen(organization: Household, sony: int):
    with organization.context() as context:
        change(context, "manufacturers", sony, name="Sonny")
        label_rows(context, "manufacturers")
        context.session.rollback()

        assert label_of(context, "manufacturers", sony) == "Sony"
    assert name_of(organization, sony) == "Sony"


def test_a_session_that_was_left_without_commit_changes_no_name(organization: Household, sony: int):
    with organization.context() as context:
        change(context, "manufacturers", sony, name="Sonny")
        assert label_of(context, "manufacturers", sony) == "Sonny"

    assert name_of(organization, sony) == "Sony"


@pytest.mark.postgresql
def test_others_read_the_old_name_until_the_commit(organization: Household, sony: int):
    with organization.context() as context:
        change(context, "manufacturers", sony, name="Sony Group")
        context.session.flush()
        before = name_of(organization, sony)
        context.session.commit()

    assert (before, name_of(organization, sony)) == ("Sony", "Sony Group")


def test_a_process_that_had_read_before_reads_again(organization: Household, sony: int):
    with organization.context(write=False) as reader:
        assert label_of(reader, "manufacturers", sony) == "Sony"
        reader.session.rollback()
        with organization.context() as writer:
            change(writer, "manufacturers", sony, name="Sony Group")
            writer.session.commit()

        assert label_of(reader, "manufacturers", sony) == "Sony Group"


def test_a_renamed_site_renames_the_paths_below_it(context: Context):
    lisbon = add(context, "locations", name="Lisbon")
    floor = add(context, "locations", name="Floor 2", parent_id=lisbon)
    asset = add(context, "assets", location_id=floor)

    change(context, "locations", lisbon, name="Lisboa")

    assert row(context, "assets", asset)["location"] == "Lisboa / Floor 2"


def test_cached_names_cost_one_small_statement(organization: Household, sony: int):
    with organization.context(write=False) as context, counted(organization.app) as cost:
        label_rows(context, "manufacturers")
        label_rows(context, "manufacturers")
        label_rows(context, "statuses")

    assert [statement for statement in cost.statements if "FROM manufacturers" in statement] == []
    versions = [sql for sql in cost.statements if "label_versions" in sql or "announce_organization" in sql]
    assert len(versions) == 1, cost


def test_one_organizations_names_are_not_anothers(organization: Household, other_organization: Household, sony: int):
    with other_organization.context(write=False) as theirs:
        assert label_rows(theirs, "manufacturers") == {}
        assert label_of(theirs, "manufacturers", sony) == f"#{sony}"


def test_large_kinds_are_read_by_their_ids(context: Context):
    ids = [add(context, "products", name=name) for name in ("FX3", "FX6", "FX9")]

    found = labels_for(context, {"products": [ids[0], None, ids[2]], "persons": []})

    assert {i: r["label"] for i, r in found["products"].items()} == {ids[0]: "FX3", ids[2]: "FX9"}
    assert found["persons"] == {}


@pytest.mark.parametrize("kind", ["products", "persons", "customers", "suppliers"])
def test_names_that_were_asked_for_are_remembered_until_one_of_the_kind_changes(organization: Household, kind: str):
    assert resource(kind).remembered
    with organization.context() as writer:
        first, other = (add(writer, kind, name=name) for name in ("First", "Other"))
        writer.session.commit()

    def ask(*ids: int) -> tuple[list[str], int]:
        with organization.context(write=False) as reader, counted(organization.app) as cost:
            found = labels_for(reader, {kind: ids})[kind]
        return [found[row_id]["label"] for row_id in ids], len(
            [sql for sql in cost.statements if f"FROM {kind}" in sql]
        )

    assert ask(first) == (["First"], 1)
    assert ask(first) == (["First"], 0)
    assert ask(first, other) == (["First", "Other"], 1)
    with organization.context() as writer:
        change(writer, kind, other, name="Another")
        assert label_of(writer, kind, other) == "Another"
        assert ask(other)[0] == ["Other"]
        writer.session.commit()
    assert ask(first, other) == (["First", "Another"], 1)


def test_what_is_remembered_has_an_end(organization: Household, monkeypatch):
    monkeypatch.setattr(labels, "KEPT_NAMES", 2)
    with organization.context() as writer:
        ids = [add(writer, "products", name=str(number)) for number in range(4)]
        writer.session.commit()

    for row_id in (*ids, *ids):
        with organization.context(write=False) as reader:
            assert label_of(reader, "products", row_id) == str(ids.index(row_id))
            assert sum(len(rows) for _version, rows in labels._asked.values()) <= 3


def test_what_is_deleted_keeps_its_name(context: Context):
    gone = add(context, "manufacturers", name="Minolta")
    delete(context, resource("manufacturers"), gone)

    assert label_rows(context, "manufacturers")[gone]["label"] == "Minolta"
    assert label_rows(context, "manufacturers")[gone]["deleted_at"] is not None


def test_every_process_of_the_server_sees_a_rename_at_once(live_server: LiveServer):
    slug, _email, _password = live_server.found_organization()
    api = LiveApi(live_server.url, live_server.api_key(slug))
    maker = api("POST", "manufacturers", {"name": "Sony"})["id"]
    category = api("POST", "categories", {"name": "Cameras"})["id"]
    api("POST", "products", {"name": "FX3", "category_id": category, "manufacturer_id": maker})

    def names() -> set[str]:
        return {api("GET", "products")[0]["manufacturer"] for _ in range(20)}

    before = names()
    api("PATCH", f"manufacturers/{maker}", {"name": "Sony Group"})

    assert (before, names()) == ({"Sony"}, {"Sony Group"})


def test_what_a_plan_has_read_is_named_anew_once_it_is_renamed(context: Context):
    category = add(context, "categories", name="Cameras", kind="asset")
    product = add(context, "products", name="Alpha", category_id=category)
    asset = add(context, "assets", product_id=product)
    before = row(context, "assets", asset)["product"]

    change(context, "products", product, name="Beta")

    assert (before, row(context, "assets", asset)["product"]) == ("Alpha", "Beta")
