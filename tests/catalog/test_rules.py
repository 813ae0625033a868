"""The catalogue: two levels of categories, products of makers, thirteen statuses."""

from typing import Any

import pytest

from tests.households import Household
from tests.rows import add, change, listed, resource, row, stored
from webapp.catalog.models import Status
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.errors import Conflict, Invalid
from webapp.core.labels import label_rows
from webapp.core.writes import delete, restore

# domain §4.1: label, type, lifecycle, default, Tageur's code, AssetTiger's name
SEEDED = {
    ("Active", "deployable", "active", True, "operational", "Available"),
    ("Idle", "deployable", "idle", True, "idle", "Available"),
    ("In Maintenance", "pending", "in_maintenance", True, "maintenance", "Under repair"),
    ("Pending Install", "pending", "pending_install", True, "pending_install", "Available"),
    ("In Transit", "pending", "in_transit", True, "in_transit", "Available"),
    ("Lost", "undeployable", "lost", True, "lost", "Lost/Missing"),
    ("Non-Compliant", "undeployable", "non_compliant", True, "non_compliant", "Under repair"),
    ("Broken", "undeployable", "in_maintenance", False, "broken", "Broken"),
    ("Retired", "archived", "retired", True, "retired", "Disposed"),
    ("Decommissioned", "archived", "decommissioned", True, "decommissioned", "Disposed"),
    ("Disposed", "archived", "decommissioned", False, "disposed", "Disposed"),
    ("Sold", "archived", "decommissioned", False, "sold", "Sold"),
    ("Donated", "archived", "decommissioned", False, "donated", "Donated"),
}


def status(context: Context, name: str) -> int:
    """Return the id of a status."""
    return next(int(found["id"]) for found in listed(context, "statuses") if found["name"] == name)


def test_a_new_organization_has_the_thirteen_statuses(context: Context):
    columns = ("name", "label_type", "lifecycle", "is_default_for_lifecycle", "tageur_code", "assettiger_name")

    found = stored(context, table_of(Status))

    assert {tuple(one[column] for column in columns) for one in found} == SEEDED
    assert all(one["is_system"] for one in found)


def test_a_seeded_status_changes_its_name_alone(context: Context):
    active = status(context, "Active")
    change(context, "statuses", active, name="In use", notes="Ours")

    with pytest.raises(Invalid, match="lifecycle: This status came with Quartermaster"):
        change(context, "statuses", active, lifecycle="idle")
    with pytest.raises(Invalid, match="label_type: This status came with Quartermaster"):
        change(context, "statuses", active, label_type="archived")


def test_a_seeded_status_stays(context: Context):
    with pytest.raises(Conflict) as refused:
        delete(context, resource("statuses"), status(context, "Donated"))

    assert refused.value.code == "is_system"


def test_a_status_of_ones_own_can_be_changed_and_deleted(context: Context):
    own = add(context, "statuses", name="On loan", lifecycle="active", label_type="deployable")

    change(context, "statuses", own, lifecycle="idle", label_type="pending")
    delete(context, resource("statuses"), own)

    assert "On loan" not in [found["name"] for found in listed(context, "statuses")]


@pytest.mark.parametrize("patch", [{"lifecycle": "asleep"}, {"label_type": "tired"}, {"lifecycle": None}])
def test_a_status_has_one_of_the_known_lifecycles_and_types(context: Context, patch: dict[str, Any]):
    with pytest.raises(Exception, match=r"Must be one of|may not be null|This is needed"):
        add(context, "statuses", name="On loan", **patch)


def test_whether_a_status_is_seeded_or_first_is_not_for_clients_to_say(organization: Household):
    api = organization.api_client()

    for name in ("is_system", "is_default_for_lifecycle"):
        body = {"name": "On loan", "lifecycle": "active", "label_type": "deployable", name: True}
        assert api.post("statuses", body).status_code == 422


def test_categories_have_two_levels_of_one_kind(context: Context):
    computers = add(context, "categories", name="Computers")
    laptops = add(context, "categories", name="Laptops", parent_id=computers)

    with pytest.raises(Invalid, match="at most two levels"):
        add(context, "categories", name="Ultrabooks", parent_id=laptops)
    with pytest.raises(Invalid, match="parent_id: It is of another kind"):
        add(context, "categories", name="Cables", kind="accessory", parent_id=computers)
    assert label_rows(context, "categories")[laptops]["label"] == "Computers / Laptops"


def test_a_category_with_parts_cannot_become_a_part(context: Context):
    computers, things = add(context, "categories", name="Computers"), add(context, "categories", name="Things")
    add(context, "categories", name="Laptops", parent_id=computers)

    with pytest.raises(Invalid, match="at most two levels"):
        change(context, "categories", computers, parent_id=things)
    with pytest.raises(Invalid, match="cannot stand in itself"):
        change(context, "categories", things, parent_id=things)


def test_a_category_with_parts_keeps_its_kind(context: Context):
    computers = add(context, "categories", name="Computers")
    part = add(context, "categories", name="Laptops", parent_id=computers)

    with pytest.raises(Invalid, match="kind"):
        change(context, "categories", computers, kind="accessory")
    with pytest.raises(Invalid, match="another kind"):
        change(context, "categories", part, kind="accessory")


def test_a_category_in_use_by_assets_keeps_its_kind(context: Context):
    things = add(context, "categories", name="Things")
    add(context, "assets", category_id=things)

    with pytest.raises(Invalid, match="kind"):
        change(context, "categories", things, kind="accessory")


def test_a_part_cannot_come_back_to_a_third_level(context: Context):
    computers, things = add(context, "categories", name="Computers"), add(context, "categories", name="Things")
    part = add(context, "categories", name="Laptops", parent_id=computers)
    delete(context, resource("categories"), part)
    change(context, "categories", computers, parent_id=things)

    with pytest.raises(Conflict, match="at most two levels"):
        restore(context, resource("categories"), part)


def test_names_are_unique_within_a_kind_and_a_parent(context: Context):
    computers = add(context, "categories", name="Computers")
    add(context, "categories", name="Computers", kind="accessory")
    add(context, "categories", name="Computers", parent_id=computers)

    with pytest.raises(Invalid, match="Computers has this already"):
        add(context, "categories", name="COMPUTERS")
    with pytest.raises(Invalid, match="Computers has this already"):
        add(context, "categories", name="computers", parent_id=computers)


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"end_of_life_rule": "months"}, "end_of_life_months"),
        ({"end_of_life_rule": "fixed_date"}, "end_of_life_on"),
        ({"end_of_life_rule": "fixed_date", "end_of_life_months": 12}, "end_of_life_on"),
    ],
)
def test_an_end_of_life_rule_is_complete(context: Context, patch: dict[str, Any], field: str):
    with pytest.raises(Invalid) as refused:
        add(context, "products", **patch)

    assert list(refused.value.errors) == [field]


def test_a_rule_cannot_lose_its_number(context: Context):
    product = add(context, "products", end_of_life_rule="months", end_of_life_months=36)

    with pytest.raises(Invalid, match="end_of_life_months"):
        change(context, "products", product, end_of_life_months=None)
    change(context, "products", product, end_of_life_rule="individual", end_of_life_months=None)


def test_a_product_needs_a_category(organization: Household):
    answer = organization.api_client().post("products", {"name": "FX3"})

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "category_id")


def test_a_product_names_its_maker_and_category(context: Context):
    sony = add(context, "manufacturers", name="Sony")
    found = row(context, "products", add(context, "products", name="FX3", manufacturer_id=sony))

    assert (found["manufacturer"], found["category"]) == ("Sony", "Things")
