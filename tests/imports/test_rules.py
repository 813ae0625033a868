"""What becomes of the rows of an import: fates, mapping, apply, undo."""

import pytest
from sqlalchemy import update

from tests.imports.conftest import Importer
from webapp.core.database import utcnow
from webapp.core.errors import Conflict, Invalid
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED
from webapp.core.writes import create, delete
from webapp.core.writes import update as change_row
from webapp.imports import rules

ALL = {"create": ["categories", "manufacturers", "products", "locations"]}
TOOLS = "Tag,Name,Category,Location,Price\nA-1,Drill,Tools,HQ / Floor 2,€ 12.50\nA-2,Saw,Tools,HQ,3\n"


@pytest.fixture
def applied(importer: Importer) -> int:
    """Return an import that has created a drill and a saw, with their category and places."""
    import_id = importer.upload(TOOLS)
    importer.do(rules.change, import_id, options=ALL)
    importer.do(rules.apply, import_id)
    return import_id


def edit(importer: Importer, tag: str, patch: dict) -> None:
    asset = next(row for row in importer.living() if row["tag"] == tag)
    with importer.organization.context() as context:
        change_row(context, registry.resources["assets"], asset["id"], patch)
        context.session.commit()


def test_what_is_missing_is_counted_and_an_error_until_it_is_ticked(importer: Importer):
    import_id = importer.upload(TOOLS)

    row = importer.get(import_id)
    assert row["counts"] == {"error": 2}
    assert row["missing"]["categories"] == {"count": 1, "names": {"Tools": 2}}
    assert row["missing"]["locations"]["names"] == {"HQ": 2, "HQ / Floor 2": 1}
    assert importer.rows(import_id)[1]["errors"]["location"] == ["There is no place “HQ”."]
    assert importer.living() == importer.living("categories") == []


def test_what_is_ticked_is_created_with_the_places_above_it(importer: Importer, applied: int):
    drill, saw = importer.living()
    headquarters, floor = importer.living("locations")

    assert (drill["tag"], drill["name"], str(drill["purchase_cost"]), drill["currency"]) == (
        "A-1",
        "Drill",
        "12.5000",
        "EUR",
    )
    assert (drill["location_id"], saw["location_id"]) == (floor["id"], headquarters["id"])
    assert (floor["name"], floor["parent_id"], headquarters["kind"]) == ("Floor 2", headquarters["id"], "site")
    assert [row["name"] for row in importer.living("categories")] == ["Tools"]
    assert importer.get(applied)["counts"]["created"] == 2


def test_an_import_is_one_change_set(importer: Importer, applied: int):
    from webapp.core.activity import change_set

    with importer.organization.context(write=False) as context:
        lines = list(change_set(context, importer.get(applied)["change_set_id"]))

    assert sorted(line["item_type"] for line in lines) == ["assets"] * 2 + ["categories"] + ["locations"] * 2
    assert {line["face"] for line in lines} == {"job"}
    assert all(line["actor_name"] == "Olive Owner" for line in lines)


def test_the_same_file_again_changes_nothing(importer: Importer, applied: int):
    assert importer.fates(importer.upload(TOOLS)) == ["unchanged", "unchanged"]


def test_only_what_differs_is_an_update_with_names_in_its_diff(importer: Importer, applied: int):
    import_id = importer.upload(TOOLS.replace("A-2,Saw,Tools,HQ,3", "A-2,Saw,Tools,hq > floor 2,4"))

    first, second = importer.rows(import_id)
    assert first["fate"] == "unchanged"
    assert second["changes"] == {"location_id": ["HQ", "HQ / Floor 2"], "purchase_cost": ["3", "4"]}


def test_an_empty_cell_leaves_a_value_alone_unless_it_shall_clear(importer: Importer, applied: int):
    import_id = importer.upload("Tag,Name,Location,Price\nA-1,Drill,,\n")
    assert importer.fates(import_id) == ["unchanged"]

    importer.do(rules.change, import_id, options={"blanks": "clear"})

    assert set(importer.rows(import_id)[0]["changes"]) == {"location_id", "purchase_cost"}


def test_a_row_without_a_tag_gets_the_next_number(importer: Importer, applied: int):
    import_id = importer.upload("Tag,Name,Category\n,Lamp,Tools\n")
    importer.do(rules.apply, import_id)

    assert [row["tag"] for row in importer.living()] == ["A-1", "A-2", "AST-000001"]
    assert importer.rows(import_id)[0]["item_id"] == importer.living()[-1]["id"]


def test_a_key_that_stands_twice_in_the_file_names_the_first_row(importer: Importer, applied: int):
    import_id = importer.upload("Tag,Serial,Category\nB-1,S-1,Tools\nB-2,s-1,Tools\nb-1,S-3,Tools\n")

    rows = importer.rows(import_id)
    assert [row["fate"] for row in rows] == ["create", "error", "error"]
    assert rows[1]["errors"] == {"serial_number": ["Row 2 has this already."]}
    assert rows[2]["errors"] == {"tag": ["Row 2 has this already."]}


def test_a_serial_number_that_is_taken_names_its_holder(importer: Importer, applied: int):
    edit(importer, "A-1", {"serial_number": "DP8C2351"})

    import_id = importer.upload("Tag,Serial,Category\nB-1,DP8C2351,Tools\n")

    assert importer.rows(import_id)[0]["errors"] == {"serial_number": ["A-1 has this already."]}


def test_a_deleted_thing_is_skipped(importer: Importer, applied: int):
    with importer.organization.context() as context:
        delete(context, registry.resources["assets"], importer.living()[0]["id"])
        context.session.commit()

    import_id = importer.upload(TOOLS)

    row = importer.rows(import_id)[0]
    assert row["fate"] == "skip"
    assert "restore it first" in row["note"]


def test_what_an_undo_took_away_may_be_imported_again(importer: Importer, applied: int):
    importer.do(rules.undo, applied)

    import_id = importer.upload(TOOLS)
    importer.do(rules.change, import_id, None, {"create": ["categories", "locations"]})

    assert {row["fate"] for row in importer.rows(import_id)} == {"create"}


def test_rows_can_be_matched_by_serial_number(importer: Importer, applied: int):
    edit(importer, "A-1", {"serial_number": "S-1"})

    import_id = importer.upload("Serial,Name,Category\nS-1,Hammer drill,Tools\nS-2,Lamp,Tools\n")

    assert importer.get(import_id)["options"]["match"] == "serial_number"
    assert importer.fates(import_id) == ["update", "create"]


def test_an_undecided_date_order_is_asked_and_the_answer_is_kept(importer: Importer, applied: int):
    import_id = importer.upload("Tag,Bought\nA-1,1/2/24\nA-2,3/4/24\n")
    assert importer.fates(import_id) == ["error", "error"]
    assert importer.get(import_id)["findings"]["dates"] == {"1": "ambiguous"}

    importer.do(rules.change, import_id, options={"dates": {"1": "dmy"}})

    assert [row["changes"]["purchased_on"] for row in importer.rows(import_id)] == [
        [None, "2024-02-01"],
        [None, "2024-04-03"],
    ]
    assert importer.get(import_id)["options"]["dates"] == {"1": "dmy"}


def test_unreadable_cells_are_errors_that_quote_them(importer: Importer, applied: int):
    import_id = importer.upload("Tag,Bought,Price,Warranty\nA-1,31.02.2024,much,1.5\n")

    errors = importer.rows(import_id)[0]["errors"]
    assert errors["purchased_on"] == ["“31.02.2024” is not a date."]
    assert errors["purchase_cost"] == ["“much” is not a number."]
    assert errors["warranty_months"] == ["“1.5” is not a whole number."]


def test_the_resources_own_rules_decide(importer: Importer, applied: int):
    import_id = importer.upload("Tag,Status\nA-1,Decommissioned\nA-2,Ready to deploy\nA-3,Nonsense\n")
    importer.do(rules.apply, import_id)

    again = importer.upload("Tag,Status\nA-1,Active\n")

    assert importer.fates(import_id) == ["update", "unchanged", "error"]
    assert importer.rows(again)[0]["errors"] == {"status_id": ["Active cannot follow Decommissioned."]}


def test_products_are_told_apart_by_number_and_maker(importer: Importer, applied: int):
    text = (
        "Tag,Model,Model number,Make,Category\n"
        "B-1,Precision,5690,Dell,Tools\nB-2,Precision,,Dell,Tools\nB-3,Precision,5690,Acme,Tools\nB-4,precision,5690,dell,Other\n"
    )
    import_id = importer.upload(text)
    importer.do(rules.change, import_id, options=ALL)
    importer.do(rules.apply, import_id)

    products = {row["tag"]: row["product_id"] for row in importer.living()}
    assert products["B-1"] == products["B-4"]
    assert len({products["B-1"], products["B-2"], products["B-3"]}) == 3
    assert importer.rows(import_id)[3]["note"] == "The category is that of the product: Tools."
    assert importer.fates(importer.upload(text)) == ["unchanged"] * 4


def test_what_a_missing_product_needs_has_to_be_ticked_too(importer: Importer):
    import_id = importer.upload("Tag,Model,Make,Category\nB-1,Precision,Dell,Laptops\n")
    importer.do(rules.change, import_id, options={"create": ["products", "manufacturers"]})

    assert importer.rows(import_id)[0]["errors"] == {"category": ["There is no category “Laptops”."]}
    assert importer.get(import_id)["missing"]["products"]["names"] == {"Precision": 1}


def test_a_corrected_mapping_is_checked_again(importer: Importer, applied: int):
    import_id = importer.upload("Tag,Favourite\nA-1,Percussion drill\n")
    assert importer.fates(import_id) == ["unchanged"]

    importer.do(rules.change, import_id, {1: "name"})

    assert importer.rows(import_id)[0]["changes"] == {"name": ["Drill", "Percussion drill"]}
    assert importer.living()[0]["name"] == "Drill"


@pytest.mark.parametrize(
    ("columns", "options", "field"),
    [
        ({0: "name", 1: "name"}, None, "columns"),
        ({0: "color"}, None, "columns"),
        ({7: "name"}, None, "columns"),
        (None, {"match": "color"}, "options.match"),
        (None, {"create": ["assets"]}, "options.create"),
        (None, {"dates": {"0": "xyz"}}, "options.dates"),
        (None, {"decimals": {"99": "point"}}, "options.decimals"),
        (None, {"blanks": "maybe"}, "options.blanks"),
        (None, {"color": 1}, "options.color"),
    ],
)
def test_a_wrong_mapping_or_option_is_refused(importer: Importer, columns, options, field):
    import_id = importer.upload("Tag,Name\nA-1,x\n")

    with pytest.raises(Invalid) as refused:
        importer.do(rules.change, import_id, columns, options)

    assert field in refused.value.errors


def test_a_file_whose_columns_are_unknown_waits_for_them(importer: Importer):
    import_id = importer.upload("Foo,Bar\n1,2\n")
    assert (importer.get(import_id)["state"], importer.get(import_id)["job_id"]) == ("uploaded", None)

    importer.do(rules.change, import_id, {0: "tag"})

    assert importer.get(import_id)["state"] == "checked"


def test_a_bad_file_is_refused_at_the_door(importer: Importer):
    with pytest.raises(Invalid, match="PDF"):
        importer.upload(b"%PDF-1.7")


def test_a_file_that_breaks_off_later_fails_its_check_in_words(importer: Importer):
    import_id = importer.upload("Tag,Name\n" + "A,x\n" * 300 + 'B,"never closed\n')

    row = importer.get(import_id)
    assert (row["state"], row["counts"]) == ("failed", {})
    assert "never closed" in row["message"]


def test_steps_only_go_where_they_make_sense(importer: Importer, applied: int):
    for act in (rules.apply, rules.discard, rules.stop):
        with pytest.raises(Conflict):
            importer.do(act, applied)
    nothing_new = importer.upload(TOOLS)
    with pytest.raises(Conflict, match="No row"):
        importer.do(rules.apply, nothing_new)
    importer.do(rules.discard, nothing_new, run=False)

    with pytest.raises(Conflict):
        importer.do(rules.change, nothing_new, {0: None})


def test_undo_removes_what_was_created_and_restores_what_was_changed(importer: Importer, applied: int):
    changing = importer.upload("Tag,Name,Price\nA-1,Percussion drill,99\n")
    importer.do(rules.apply, changing)

    importer.do(rules.undo, changing)
    drill = importer.living()[0]
    assert (drill["name"], str(drill["purchase_cost"])) == ("Drill", "12.5000")
    assert importer.get(changing)["counts"]["restored"] == 1

    importer.do(rules.undo, applied)
    assert [importer.living(kind) for kind in ("assets", "categories", "locations")] == [[], [], []]
    assert importer.get(applied)["state"] == "undone"


def test_undo_keeps_and_lists_what_somebody_has_touched(importer: Importer, applied: int):
    changing = importer.upload("Tag,Name,Price\nA-1,Percussion drill,99\nA-2,Jigsaw,5\n")
    importer.do(rules.apply, changing)
    edit(importer, "A-1", {"name": "Mine now"})

    importer.do(rules.undo, changing)

    drill, saw = importer.living()
    assert (drill["name"], str(drill["purchase_cost"]), saw["name"]) == ("Mine now", "12.5000", "Saw")
    kept = importer.get(changing)["kept"]
    assert [(item["name"], item["fields"], item["reason"]) for item in kept] == [
        ("A-1", ["name"], "It was changed since.")
    ]

    importer.do(rules.undo, applied)
    assert [row["tag"] for row in importer.living()] == ["A-1"]
    assert [row["name"] for row in importer.living("categories")] == ["Tools"]
    assert {item["reason"] for item in importer.get(applied)["kept"]} == {"It was changed since.", "It is in use."}


def test_stopping_an_apply_takes_back_what_it_wrote(importer: Importer, monkeypatch):
    import_id = importer.upload(TOOLS)
    importer.do(rules.change, import_id, options=ALL)
    importer.do(rules.apply, import_id, run=False)

    importer.do(rules.stop, import_id)

    assert importer.get(import_id)["state"] == "undone"
    assert importer.living() == []


def test_a_row_that_became_wrong_after_the_check_fails_alone(importer: Importer, applied: int):
    import_id = importer.upload("Tag,Serial,Category\nB-1,S-1,Tools\nB-2,S-2,Tools\n")
    edit(importer, "A-1", {"serial_number": "S-1"})

    importer.do(rules.apply, import_id)

    assert importer.get(import_id)["counts"] == {"create": 1, "error": 1, "created": 1, "failed": 1}
    assert importer.rows(import_id)[0]["errors"] == {"serial_number": ["A-1 has this already."]}
    assert [row["tag"] for row in importer.living()] == ["A-1", "A-2", "B-2"]


def test_a_check_that_died_can_be_started_again(importer: Importer):
    import_id = importer.upload(TOOLS, run=False)
    jobs = registry.resources["assets"].model.metadata.tables["jobs"]
    with importer.organization.context() as context:
        died = update(jobs).where(jobs.c.organization_id == context.organization_id)
        context.session.execute(died.values(state="failed", finished_at=utcnow()), execution_options=CHECKED)
        context.session.commit()
    assert importer.get(import_id)["state"] == "failed"

    importer.do(rules.change, import_id, options=ALL)

    assert importer.get(import_id)["state"] == "checked"


def test_a_place_may_be_named_by_its_end_its_code_or_its_whole_path(importer: Importer, applied: int):
    with importer.organization.context() as context:
        locations = registry.resources["locations"]
        headquarters = next(row for row in importer.living("locations") if row["name"] == "HQ")
        annex = create(context, locations, {"name": "Annex", "kind": "site", "code": "ANX"})
        for parent in (annex, headquarters["id"]):
            create(context, locations, {"name": "Store", "parent_id": parent})
        context.session.commit()

    import_id = importer.upload("Tag,Location\nA-1,HQ › Store\nA-2,anx\nA-3,Store\nA-4,Annex/Store\n")

    rows = importer.rows(import_id)
    assert rows[0]["changes"]["location_id"][1] == "HQ / Store"
    assert rows[1]["changes"]["location_id"][1] == "Annex"
    assert rows[2]["errors"]["location"] == ["There are several places “Store”. Write the whole path."]
    assert "location" not in rows[3]["errors"]


def test_the_place_a_thing_is_at_wins_over_its_namesakes(importer: Importer, applied: int):
    with importer.organization.context() as context:
        locations = registry.resources["locations"]
        annex = create(context, locations, {"name": "Annex", "kind": "site"})
        create(context, locations, {"name": "Floor 2", "parent_id": annex})
        context.session.commit()

    assert importer.fates(importer.upload("Tag,Location\nA-1,Floor 2\nA-2,Floor 2\n")) == ["unchanged", "error"]


@pytest.mark.parametrize("heading", ["Category", "Location", "Model", "Make,Model", "Model number"])
def test_names_that_are_too_long_are_errors_of_their_row(importer: Importer, applied: int, heading: str):
    cells = ",".join(["x" * 300] * (heading.count(",") + 1))
    import_id = importer.upload(f"Tag,{heading}\nB-1,{cells}\n")
    importer.do(rules.change, import_id, options=ALL)

    assert importer.fates(import_id) == ["error"]


def test_zero_characters_are_dropped(importer: Importer, applied: int):
    padding = "".join(f"P-{number},{'x' * 50}\n" for number in range(100))
    import_id = importer.upload(f"Tag,Name\n{padding}A-1,Dri\0ll\n")

    assert importer.fates(import_id)[-1] == "unchanged"
