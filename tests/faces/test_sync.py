"""Many assets at once, matched by serial number: each with its own fate, all written as one."""

from typing import Any

import pytest

from tests.clients import ApiClient
from tests.households import Household
from tests.rows import add, any_category, change, lines, listed, resource, row, second_of_two
from tests.statements import counted
from webapp.core.context import Context
from webapp.core.errors import Conflict, TooLarge
from webapp.core.writes import delete
from webapp.faces.sync import sync

NOTHING: dict[str, list] = {"created": [], "updated": [], "unchanged": [], "failed": []}


def synced(context: Context, *items: Any, create_missing: str = "") -> dict[str, list]:
    """Sync assets and return what became of them."""
    return sync(context, resource("assets"), list(items), frozenset(create_missing.split(",")) - {""})


def sync_all(context: Context, kind: str, *items: Any, create_missing: str = "") -> dict[str, list]:
    """Sync things of any kind and return what became of them."""
    return sync(context, resource(kind), list(items), frozenset(create_missing.split(",")) - {""})


def errors_of(result: dict[str, list]) -> list[list[tuple[str, str]]]:
    """Return (field, sentence) of what is wrong with each failed row."""
    return [[(error["field"], error["message"]) for error in failed["errors"]] for failed in result["failed"]]


def failure(serial: str | None, field: str, message: str) -> dict[str, Any]:
    """Return how a failed row is told."""
    return {"serial_number": serial, "errors": [{"field": field, "message": message}]}


def test_each_row_is_created_updated_unchanged_or_failed(context: Context):
    category = any_category(context)
    kept = add(context, "assets", serial_number="S-1", name="Drill")
    moved = add(context, "assets", serial_number="S-2", name="Saw")

    result = synced(
        context,
        {"serial_number": "S-1", "name": "Drill"},
        {"serial_number": "S-2", "name": "Circular saw"},
        {"serial_number": "S-3", "name": "Lathe", "category_id": category},
        {"serial_number": "S-4", "name": "Kiln"},
    )

    made = result["created"][0]["id"]
    assert result == {
        "created": [{"id": made, "serial_number": "S-3"}],
        "updated": [{"id": moved, "serial_number": "S-2"}],
        "unchanged": [{"id": kept, "serial_number": "S-1"}],
        "failed": [failure("S-4", "category_id", "Choose a category, or a product that has one.")],
    }
    assert [row(context, "assets", found)["name"] for found in (kept, moved, made)] == [
        "Drill",
        "Circular saw",
        "Lathe",
    ]
    assert [len(lines(context, "assets", found)) for found in (kept, moved, made)] == [1, 2, 1]


def test_fields_that_are_not_sent_stay_as_they_are(context: Context):
    asset = add(context, "assets", serial_number="S-1", name="Drill", notes="kept dry")

    synced(context, {"serial_number": "S-1", "order_number": "PO 7"})

    found = row(context, "assets", asset)
    assert (found["name"], found["notes"], found["order_number"]) == ("Drill", "kept dry", "PO 7")


def test_serial_numbers_match_exactly_and_trimmed(context: Context):
    asset = add(context, "assets", serial_number="Sn 1")

    result = synced(context, {"serial_number": " Sn 1 ", "name": "Found"}, {"serial_number": "SN 1", "name": "Not"})

    assert result["updated"] == [{"id": asset, "serial_number": "Sn 1"}]
    assert row(context, "assets", asset)["name"] == "Found"


def test_a_serial_number_that_differs_by_case_alone_is_taken(context: Context):
    category = any_category(context)
    add(context, "assets", tag="HOLDER", serial_number="Sn 1")

    result = synced(context, {"serial_number": "SN 1", "category_id": category})

    assert result["failed"] == [failure("SN 1", "serial_number", "HOLDER has this already.")]


def test_rows_with_the_same_serial_number_take_effect_in_their_order(context: Context):
    category = any_category(context)

    result = synced(
        context,
        {"serial_number": "S-1", "name": "First", "notes": "kept", "category_id": category},
        {"serial_number": "S-2", "name": "Other", "category_id": category},
        {"serial_number": "S-1", "name": "Second"},
        {"serial_number": "S-1", "name": "Second"},
        {"serial_number": "S-1", "name": "Third"},
    )

    asset = result["created"][0]["id"]
    found = row(context, "assets", asset)
    assert (found["name"], found["notes"], found["version"]) == ("Third", "kept", 3)
    assert [len(result[fate]) for fate in NOTHING] == [2, 2, 1, 0]
    assert [line["changes"]["name"][1] for line in lines(context, "assets", asset)] == ["First", "Second", "Third"]


def test_a_failed_first_row_does_not_stop_the_second_of_its_number(context: Context):
    category = any_category(context)

    result = synced(
        context, {"serial_number": "S-1"}, {"serial_number": "S-1", "category_id": category, "name": "Second"}
    )

    assert [len(result[fate]) for fate in NOTHING] == [1, 0, 0, 1]
    assert row(context, "assets", result["created"][0]["id"])["name"] == "Second"


def test_names_stand_for_ids(context: Context):
    laptops = add(context, "categories", name="Laptops")
    lisbon = add(context, "locations", name="Lisbon")
    floor = add(context, "locations", name="Floor 2", parent_id=lisbon)

    result = synced(
        context,
        {"serial_number": "S-1", "category": "laptops", "location": "lisbon > floor 2", "status": "idle"},
        {"serial_number": "S-2", "category": "LAPTOPS", "location": "Floor 2"},
    )

    found = [row(context, "assets", made["id"]) for made in result["created"]]
    assert [(one["category_id"], one["location_id"], one["status"]) for one in found] == [
        (laptops, floor, "Idle"),
        (laptops, floor, "Active"),
    ]


def test_a_product_named_gives_the_category(context: Context):
    laptops = add(context, "categories", name="Laptops")
    add(context, "products", name="T14 1/2", category_id=laptops)

    result = synced(context, {"serial_number": "S-1", "product": "t14 1/2"})

    assert row(context, "assets", result["created"][0]["id"])["category"] == "Laptops"


def test_name_and_id_both_given_are_refused(context: Context):
    category = any_category(context)

    result = synced(context, {"serial_number": "S-1", "category": "Things", "category_id": category})

    assert result["failed"] == [failure("S-1", "category", "Give the name or the id, not both.")]
    assert listed(context, "assets") == []


def test_an_unknown_name_is_its_rows_error(context: Context):
    add(context, "categories", name="Laptops")

    result = synced(
        context,
        {"serial_number": "S-1", "category": "Laptops"},
        {"serial_number": "S-2", "category": "Laptosp"},
        {"serial_number": "S-3", "category": "Laptops", "location": "Atlantis"},
    )

    assert [made["serial_number"] for made in result["created"]] == ["S-1"]
    assert result["failed"] == [
        failure("S-2", "category", "There is no Laptosp."),
        failure("S-3", "location", "There is no Atlantis."),
    ]


def test_a_name_that_two_have_is_its_rows_error(context: Context):
    for model in ("A", "B"):
        add(context, "products", name="FX3", model_number=model)

    result = synced(context, {"serial_number": "S-1", "product": "FX3"})

    assert result["failed"] == [failure("S-1", "product", "More than one is called so.")]


def test_a_category_of_accessories_is_no_rival_for_one_of_assets(context: Context):
    add(context, "categories", name="Cables", kind="accessory")
    cables = add(context, "categories", name="Cables", kind="asset")

    result = synced(context, {"serial_number": "S-1", "category": "Cables"})

    assert row(context, "assets", result["created"][0]["id"])["category_id"] == cables


def test_what_is_missing_is_made_when_asked_for(context: Context):
    result = synced(
        context,
        {"serial_number": "S-1", "category": "Laptops", "location": "Lisbon / Floor 2", "product": "T14"},
        {"serial_number": "S-2", "category": "Laptops", "location": "Lisbon / Floor 3", "product": "T14"},
        create_missing="category,location,product",
    )

    found = [row(context, "assets", made["id"]) for made in result["created"]]
    assert [(one["category"], one["location"], one["product"]) for one in found] == [
        ("Laptops", "Lisbon / Floor 2", "T14"),
        ("Laptops", "Lisbon / Floor 3", "T14"),
    ]
    assert {one["name"] for one in listed(context, "locations")} == {"Lisbon", "Floor 2", "Floor 3"}
    assert len(listed(context, "products")) == len(listed(context, "categories")) == 1


def test_two_spellings_of_a_missing_name_make_one_thing(context: Context):
    result = synced(
        context,
        {"serial_number": "S-1", "category": "Laptops", "location": "Lisbon/Floor 2"},
        {"serial_number": "S-2", "category": "LAPTOPS", "location": "lisbon > floor 2"},
        create_missing="category,location",
    )

    assert result["failed"] == []
    assert [found["name"] for found in listed(context, "categories")] == ["Laptops"]
    assert len(listed(context, "locations")) == 2


def test_only_what_was_asked_for_is_made(context: Context):
    item = {"serial_number": "S-1", "category": "Laptops", "location": "Lisbon"}

    result = synced(context, item, create_missing="category")

    assert result["failed"] == [failure("S-1", "location", "There is no Lisbon.")]


def test_a_thing_that_cannot_be_made_is_its_rows_error_alone(context: Context):
    result = synced(
        context,
        {"serial_number": "S-1", "product": "T14", "category_id": 987654321},
        {"serial_number": "S-2", "category": "Laptops"},
        create_missing="category,product",
    )
    context.session.commit()

    assert [failed["serial_number"] for failed in result["failed"]] == ["S-1"]
    assert [made["serial_number"] for made in result["created"]] == ["S-2"]
    assert listed(context, "products") == []


def test_who_may_not_make_places_makes_none_by_a_sync(organization: Household):
    with organization.context(organization.actor("technician")) as context:
        result = synced(context, {"serial_number": "S-1", "location": "Lisbon"}, create_missing="location")

    assert result["failed"] == [failure("S-1", "location", "There is no Lisbon.")]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"name": "No serial"}, "serial_number"),
        ({"serial_number": None}, "serial_number"),
        ({"serial_number": "   "}, "serial_number"),
        ({"serial_number": 7}, "serial_number"),
        ({"serial_number": "S-1", "colour": "red"}, "colour"),
        ({"serial_number": "S-1", "id": 3}, "id"),
        ({"serial_number": "S-1", "created_at": "2026-01-10T00:00:00Z"}, "created_at"),
        ({"serial_number": "S-1", "purchase_cost": "a lot"}, "purchase_cost"),
        ({"serial_number": "S-1", "manufacturer": "Sony"}, "manufacturer"),
        ("S-1", "_"),
        (None, "_"),
        ([], "_"),
    ],
)
def test_a_row_that_makes_no_sense_fails_alone(context: Context, item: Any, field: str):
    good = {"serial_number": "S-9", "category_id": any_category(context)}

    result = synced(context, item, good)

    assert [made["serial_number"] for made in result["created"]] == ["S-9"]
    assert [error["field"] for error in result["failed"][0]["errors"]] == [field]


def test_no_rows_are_no_trouble(context: Context):
    assert synced(context) == NOTHING


def test_more_than_a_thousand_rows_are_too_many(context: Context):
    with pytest.raises(TooLarge):
        synced(context, *[{"serial_number": f"S-{number}"} for number in range(1001)])


def test_a_deleted_thing_does_not_answer_to_its_serial_number(context: Context):
    gone = add(context, "assets", serial_number="S-1")
    delete(context, resource("assets"), gone)

    result = synced(context, {"serial_number": "S-1", "category_id": any_category(context)})

    assert result["created"][0]["id"] != gone


def test_a_state_that_cannot_follow_is_its_rows_error(context: Context):
    asset = add(context, "assets", serial_number="S-1")
    change(context, "assets", asset, status_id=status(context, "Sold"))

    result = synced(context, {"serial_number": "S-1", "status": "Active"})

    assert result["failed"] == [failure("S-1", "status_id", "Active cannot follow Sold.")]


def status(context: Context, name: str) -> int:
    """Return the id of a status."""
    return next(found["id"] for found in listed(context, "statuses") if found["name"] == name)


def test_five_hundred_rows_take_as_many_statements_as_five(organization: Household):
    counts = []
    for size in (5, 500):
        items = [
            {
                "serial_number": f"{size}-{n}",
                "category": "Laptops",
                "location": "Lisbon",
                "product": "T14",
                "name": f"N {n}",
            }
            for n in range(size)
        ]
        with organization.context() as context:
            with counted(organization.app) as cost:
                synced(context, *items, create_missing="category,location,product")
                first = len(cost.statements)
                synced(context, *[{**item, "notes": "again"} for item in items])
            counts.append((first, len(cost.statements) - first))
            context.session.rollback()

    assert counts[1][0] <= counts[0][0] + 2
    assert counts[1][1] <= counts[0][1] + 2


def test_a_tree_of_places_comes_in_any_order(context: Context):
    result = sync_all(
        context,
        "locations",
        {"name": "Shelf 3", "parent": "HQ / Floor 2", "kind": "shelf"},
        {"name": "Floor 2", "parent": "hq"},
        {"name": "HQ", "kind": "site", "city": "Lisboa"},
        {"name": "Floor 2", "notes": "Carpeted"},
    )

    assert result["failed"] == []
    assert [found["name"] for found in result["created"]] == ["HQ", "Floor 2", "Shelf 3"]
    shelf = row(context, "locations", result["created"][2]["id"])
    assert (shelf["parent"], shelf["kind"]) == ("HQ / Floor 2", "shelf")
    assert row(context, "locations", result["updated"][0]["id"])["notes"] == "Carpeted"


def test_what_the_request_itself_makes_counts_before_what_was_there(context: Context):
    add(context, "locations", name="Floor 2", parent_id=add(context, "locations", name="Annex"))

    result = sync_all(
        context,
        "locations",
        {"name": "Room 1", "parent": "Floor 2"},
        {"name": "HQ", "kind": "site"},
        {"name": "Floor 2", "parent": "HQ"},
    )

    assert [found["name"] for found in result["created"]] == ["HQ", "Floor 2"]
    assert errors_of(result) == [[("parent", "More than one is called so.")]]


def test_places_that_stand_in_each_other_are_refused(context: Context):
    result = sync_all(context, "locations", {"name": "A", "parent": "B"}, {"name": "B", "parent": "A"})

    assert errors_of(result) == [[("parent", "There is no B.")], [("parent", "There is no A.")]]
    assert listed(context, "locations") == []


def test_a_place_above_is_made_when_asked_for(context: Context):
    items = [{"name": "Shelf", "parent": "HQ / Floor 2"}, {"name": "HQ", "kind": "site", "notes": "Main"}]

    result = sync_all(context, "locations", *items, create_missing="parent")

    assert result["failed"] == []
    assert sorted(found["name"] for found in listed(context, "locations")) == ["Floor 2", "HQ", "Shelf"]


def test_people_come_with_those_who_manage_them(context: Context):
    result = sync_all(
        context,
        "persons",
        {"email": "ines@example.org", "first_name": "Inês", "last_name": "Prado", "manager": "Amara Okafor"},
        {"email": "amara@example.org", "first_name": "Amara", "last_name": "Okafor"},
        {"email": "AMARA@example.org", "title": "Head of cameras"},
    )

    assert [len(result[fate]) for fate in NOTHING] == [2, 1, 0, 0]
    named = {found["name"]: found["manager"] for found in listed(context, "persons")}
    assert named["Inês Prado"] == "Amara Okafor"


def test_products_of_one_name_are_told_apart_by_number_and_maker(context: Context):
    sony = add(context, "manufacturers", name="Sony")
    first = add(context, "products", name="FX", model_number="3", manufacturer_id=sony)
    second = add(context, "products", name="FX", model_number="6", manufacturer_id=sony)

    result = sync_all(
        context,
        "products",
        {"name": "fx", "model_number": "6", "notes": "The larger"},
        {"name": "FX", "manufacturer": "Sony", "notes": "Which?"},
        {"name": "FX", "model_number": "9", "category": "Things"},
    )

    assert [found["id"] for found in result["updated"]] == [second]
    assert errors_of(result) == [[("name", "More than one is called so.")]]
    assert len(result["created"]) == 1
    assert row(context, "products", first)["notes"] is None


def test_departments_of_one_name_are_told_apart_by_their_company(context: Context):
    result = sync_all(
        context,
        "departments",
        {"name": "Sales", "company": "North"},
        {"name": "Sales", "company": "South"},
        {"name": "sales", "company": "north", "phone": "+49 1"},
        create_missing="company",
    )

    assert [len(result[fate]) for fate in NOTHING] == [2, 1, 0, 0]
    assert {(d["company"], d["phone"]) for d in listed(context, "departments")} == {("North", "+49 1"), ("South", None)}


def test_a_new_row_without_what_it_needs_is_its_rows_error(context: Context):
    add(context, "products", name="T14")

    results = [
        sync_all(context, "persons", {"email": "ines@example.org"}),
        sync_all(context, "products", {"name": "T15"}, {"name": "T14", "category": None}),
        sync_all(context, "assets", {"serial_number": "S-1", "product": "T16"}, create_missing="product"),
    ]

    needed = "This is needed."
    assert [errors_of(result) for result in results] == [
        [[("first_name", needed)]],
        [[("category_id", needed)], [("category", needed)]],
        [[("product", needed)]],
    ]


def test_a_thousand_shelves_of_one_name_take_as_many_statements_as_ten(organization: Household):
    counts = []
    for size in (10, 300):
        with organization.context() as context:
            aisles = [{"name": f"Aisle {n}", "kind": "site"} for n in range(size)]
            shelves = [{"name": "Shelf 1", "parent": f"Aisle {n}"} for n in range(size)]
            with counted(organization.app) as cost:
                result = sync_all(context, "locations", *shelves, *aisles)
            assert len(result["created"]) == 2 * size
            counts.append(len([said for said in cost.statements if "location_ancestors" not in said]))
            context.session.rollback()

    assert counts[1] <= counts[0] + 4


def test_two_syncs_of_one_serial_number_do_not_both_create_it(organization: Household):
    with organization.context() as context:
        category = any_category(context)
        context.session.commit()
    outcomes: list[dict] = []

    told = second_of_two(
        organization,
        lambda context: outcomes.append(synced(context, {"serial_number": "S-1", "category_id": category})),
    )

    assert isinstance(told, Conflict) or [len(one["created"]) for one in outcomes] == [1, 0]
    with organization.context(write=False) as context:
        assert len(listed(context, "assets")) == 1


def test_the_api_answers_with_the_fates(api: ApiClient, organization: Household):
    body = {"assets": [{"serial_number": "S-1", "category": "Laptops", "purchase_cost": "12.50"}, {"name": "x"}]}

    answer = api.post("assets/sync?create_missing=category", body)

    data = answer.json["data"]
    assert (answer.status_code, set(data)) == (200, set(NOTHING))
    assert api.get(f"assets/{data['created'][0]['id']}").json["data"]["purchase_cost"] == "12.50"
    assert data["failed"] == [failure(None, "serial_number", "This is needed.")]


@pytest.mark.parametrize(
    ("path", "body", "status_code"),
    [
        ("assets/sync", {"assets": {}}, 422),
        ("assets/sync", {"assets": [], "more": 1}, 422),
        ("assets/sync", [], 422),
        ("assets/sync?create_missing=colour", {"assets": []}, 422),
        ("assets/sync?create_missing=manufacturer", {"assets": []}, 422),
        ("assets/sync?page=1", {"assets": []}, 422),
        ("assets/sync", {"assets": [{}] * 1001}, 413),
        ("manufacturers/sync", {"manufacturers": []}, 404),
    ],
)
def test_a_damaged_request_is_refused(api: ApiClient, path: str, body: Any, status_code: int):
    assert api.post(path, body).status_code == status_code
