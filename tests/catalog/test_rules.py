"""The catalogue: two levels of categories, products of makers, thirteen statuses."""

from dataclasses import replace
from typing import Any

import pytest

from tests.households import Household
from tests.rows import add, change, lines, listed, resource, row, stored
from webapp.catalog.models import Status
from webapp.core.batch import find_rows, plan_rows, write_rows
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.errors import Conflict, Invalid
from webapp.core.labels import label_rows
from webapp.core.query import choices
from webapp.core.undo import undo_all
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


def test_whether_a_status_is_seeded_is_not_for_clients_to_say(organization: Household):
    body = {"name": "On loan", "lifecycle": "active", "label_type": "deployable", "is_system": True}

    assert organization.api_client().post("statuses", body).status_code == 422


def first_of(context: Context, lifecycle: str) -> list[str]:
    """Return the names of the statuses that a lifecycle begins with."""
    found = listed(context, "statuses", f"lifecycle={lifecycle}&is_default_for_lifecycle=true")
    return [str(one["name"]) for one in found]


def test_a_status_that_becomes_the_first_of_its_lifecycle_ends_the_one_before(context: Context):
    ready = add(context, "statuses", name="Ready", is_default_for_lifecycle=True)
    assert first_of(context, "active") == ["Ready"]

    change(context, "statuses", status(context, "Active"), is_default_for_lifecycle=True)

    assert first_of(context, "active") == ["Active"]
    assert [line["changes"] for line in lines(context, "statuses", ready)][1:] == [
        {"is_default_for_lifecycle": [True, False]}
    ]


def test_the_first_status_ends_in_the_change_set_of_the_next_and_comes_back_with_its_undo(context: Context):
    add(context, "statuses", name="Ready", is_default_for_lifecycle=True)
    context.session.flush()

    undo_all(replace(context, forced=True), context.change_set_id)

    assert first_of(context, "active") == ["Active"]
    assert "Ready" not in [found["name"] for found in listed(context, "statuses")]


def test_a_lifecycle_is_never_without_a_first_status(context: Context):
    ready = add(context, "statuses", name="Ready", is_default_for_lifecycle=True)

    with pytest.raises(Invalid, match="is_default_for_lifecycle: Each lifecycle has a first status"):
        change(context, "statuses", ready, is_default_for_lifecycle=False)
    with pytest.raises(Invalid, match="lifecycle: It is the first of its lifecycle"):
        change(context, "statuses", ready, lifecycle="idle")
    with pytest.raises(Conflict) as refused:
        delete(context, resource("statuses"), ready)
    assert refused.value.code == "is_default"


def test_two_statuses_cannot_become_the_first_of_one_lifecycle_at_once(context: Context):
    names = [add(context, "statuses", name=name) for name in ("Ready", "Spare")]
    rows = find_rows(context, resource("statuses"), "id", names).values()

    drafts = plan_rows(context, resource("statuses"), [(one, {"is_default_for_lifecycle": True}) for one in rows])

    with pytest.raises(Conflict, match="Each lifecycle has one first status"):
        write_rows(context, resource("statuses"), drafts)


@pytest.mark.parametrize("color", ["red", "#12345", "#1234567", "#12345g", "2954b0"])
def test_a_color_is_six_digits(context: Context, color: str):
    with pytest.raises(Exception, match="A colour as #"):
        add(context, "categories", color=color)


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


def test_a_product_is_of_a_category_of_assets(context: Context):
    cables = add(context, "categories", name="Cables", kind="accessory")
    product = add(context, "products", name="FX3")

    with pytest.raises(Invalid, match="category_id: This is not a category of assets"):
        add(context, "products", name="XLR 3 m", category_id=cables)
    with pytest.raises(Invalid, match="category_id: This is not a category of assets"):
        change(context, "products", product, category_id=cables)


@pytest.mark.parametrize("method", ["straight_line", "double_declining", "sum_of_years"])
def test_only_the_declining_balance_has_a_rate(context: Context, method: str):
    declining = add(context, "depreciations", method="declining", months=60, rate=25)

    assert row(context, "depreciations", declining)["rate"] == 25
    with pytest.raises(Invalid, match="rate: Only the declining balance has a rate"):
        add(context, "depreciations", method=method, months=60, rate=25)
    with pytest.raises(Invalid, match="rate: Say how much a year"):
        add(context, "depreciations", method="declining", months=60)


def test_a_minimum_is_an_amount_or_a_part_of_the_price(context: Context):
    add(context, "depreciations", months=36, minimum_value="100.00")
    add(context, "depreciations", months=36, minimum_percent=10)

    with pytest.raises(Invalid, match="minimum_percent: Give an amount or a part of the price"):
        add(context, "depreciations", months=36, minimum_value="100.00", minimum_percent=10)


@pytest.mark.parametrize(
    ("patch", "name"),
    [
        ({"months": 0}, "months"),
        ({"months": 1201}, "months"),
        ({"months": None}, "months"),
        ({"months": 12, "method": "guessing"}, "method"),
        ({"months": 12, "convention": "whenever"}, "convention"),
        ({"months": 12, "method": "declining", "rate": 101}, "rate"),
        ({"months": 12, "minimum_percent": 100.5}, "minimum_percent"),
    ],
)
def test_a_depreciation_that_makes_no_sense_is_refused(organization: Household, patch: dict[str, Any], name: str):
    answer = organization.api_client().post("depreciations", {"name": "Cameras"} | patch)

    assert answer.status_code == 422
    assert {error["field"] for error in answer.json["errors"]} == {name}


def test_an_archived_product_is_not_offered_but_still_found(context: Context):
    old, new = add(context, "products", name="FX3", is_archived=True), add(context, "products", name="FX30")

    assert [found for found, _name in choices(context, resource("products"), offered=True)] == [new]
    assert {found for found, _name in choices(context, resource("products"))} == {old, new}


@pytest.mark.parametrize("name", ["url", "support_url", "warranty_lookup_url"])
def test_a_web_address_is_one(context: Context, name: str):
    with pytest.raises(Exception, match="This is not a web address"):
        add(context, "manufacturers", **{name: "javascript:alert(1)"})
