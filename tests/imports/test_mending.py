"""Rows that are mended or skipped by hand: planned again at once, kept by the next check, applied with the rest."""

import time

import pytest

from tests.imports.conftest import Importer
from webapp.core.errors import Conflict, Invalid, NotFound
from webapp.core.resource import registry
from webapp.core.writes import create
from webapp.imports import mending, rules

pytestmark = pytest.mark.both_databases
SHEET = "Tag,Serial,Bought,Category\nA-1,S-1,31.02.2024,Tools\nA-2,S-2,28.02.2024,Tools\nA-2,S-3,28.02.2024,Tools\n"


@pytest.fixture
def uploaded(importer: Importer) -> int:
    """Return a checked import: row 2 has no such day, row 4 the tag of row 3."""
    with importer.organization.context() as context:
        create(context, registry.resources["categories"], {"name": "Tools", "kind": "asset"})
        context.session.commit()
    return importer.upload(SHEET)


def mend(importer: Importer, import_id: int, number: int, cells: dict) -> list[int]:
    return importer.do(mending.mend, import_id, number, cells, run=False)


def test_a_mended_row_gets_its_new_fate_and_the_counts_follow(importer: Importer, uploaded: int):
    assert importer.fates(uploaded) == ["error", "create", "error"]

    mend(importer, uploaded, 2, {2: "29.02.2024"})

    row = importer.rows(uploaded)[0]
    assert (row["fate"], row["errors"], row["is_mended"]) == ("create", {}, True)
    assert row["cells"] == ["A-1", "S-1", "29.02.2024", "Tools"]
    assert importer.get(uploaded)["counts"] == {"create": 2, "error": 1}
    assert importer.living() == []


def test_a_key_that_another_row_has_is_noticed_whichever_comes_first(importer: Importer, uploaded: int):
    mend(importer, uploaded, 2, {0: "a-2", 2: ""})
    assert importer.rows(uploaded)[0]["errors"] == {"tag": ["Row 3 has this already."]}

    mend(importer, uploaded, 2, {0: "A-1", 1: "s-2"})
    assert importer.rows(uploaded)[0]["errors"] == {"serial_number": ["Row 3 has this already."]}

    mend(importer, uploaded, 2, {1: "S-1"})
    assert importer.fates(uploaded) == ["create", "create", "error"]


def test_who_was_in_the_way_frees_the_other_by_another_key_or_by_being_skipped(importer: Importer, uploaded: int):
    assert mend(importer, uploaded, 3, {0: "A-3"}) == [3, 4]
    assert importer.fates(uploaded) == ["error", "create", "create"]

    mend(importer, uploaded, 3, {0: "A-2"})
    assert importer.fates(uploaded) == ["error", "error", "create"]

    importer.do(mending.skip, uploaded, 4, skipped=True, run=False)
    rows = importer.rows(uploaded)
    assert [row["fate"] for row in rows] == ["error", "create", "skip"]
    assert rows[2]["note"] == "Skipped by hand."
    assert importer.get(uploaded)["counts"] == {"error": 1, "create": 1, "skip": 1}


def test_a_new_check_keeps_what_was_mended_and_what_was_skipped(importer: Importer, uploaded: int):
    mend(importer, uploaded, 2, {2: "1.3.2024"})
    importer.do(mending.skip, uploaded, 3, skipped=True, run=False)

    importer.do(rules.change, uploaded, options={"blanks": "clear"})

    rows = importer.rows(uploaded)
    assert [row["fate"] for row in rows] == ["create", "skip", "create"]
    assert rows[0]["cells"][2] == "1.3.2024"
    assert [row["is_mended"] for row in rows] == [True, False, False]
    importer.do(mending.skip, uploaded, 3, skipped=False, run=False)
    assert importer.fates(uploaded) == ["create", "error", "create"]


def test_a_file_read_another_way_has_other_rows(importer: Importer, uploaded: int):
    mend(importer, uploaded, 2, {2: "1.3.2024"})

    importer.do(rules.change, uploaded, {0: "name"}, {"delimiter": ";"})

    row = importer.get(uploaded)
    assert row["headers"] == ["Tag,Serial,Bought,Category"]
    assert [found["is_mended"] for found in importer.rows(uploaded)] == [False] * 3


def test_what_failed_is_mended_and_applied_in_the_same_change_set(importer: Importer, uploaded: int):
    mend(importer, uploaded, 4, {0: "A-4"})
    with importer.organization.context() as context:
        category = importer.living("categories")[0]["id"]
        create(context, registry.resources["assets"], {"serial_number": "S-3", "category_id": category})
        context.session.commit()
    importer.do(rules.apply, uploaded)
    before = importer.get(uploaded)
    assert before["counts"] == {"create": 1, "created": 1, "error": 2, "failed": 1}

    mend(importer, uploaded, 2, {2: ""})
    mend(importer, uploaded, 4, {1: "S-4"})
    assert importer.get(uploaded)["counts"] == {"create": 3, "created": 1, "waiting": 2}
    importer.do(rules.apply, uploaded)

    after = importer.get(uploaded)
    assert (after["state"], after["counts"]) == ("applied", {"create": 3, "created": 3})
    assert after["change_set_id"] == before["change_set_id"]
    assert sorted(row["tag"] for row in importer.living()) == ["A-1", "A-2", "A-4", "AST-000001"]
    importer.do(rules.undo, uploaded)
    assert [row["tag"] for row in importer.living()] == ["AST-000001"]


def test_what_is_written_is_not_mended_and_nothing_is_while_a_job_runs(importer: Importer, uploaded: int):
    importer.do(rules.apply, uploaded, run=False)
    with pytest.raises(Conflict, match="Applying"):
        mend(importer, uploaded, 2, {2: ""})

    importer.run(uploaded)
    with pytest.raises(Conflict, match="written already"):
        mend(importer, uploaded, 3, {0: "A-9"})
    with pytest.raises(Conflict, match="No row"):
        importer.do(rules.apply, uploaded)
    importer.do(rules.undo, uploaded)
    with pytest.raises(Conflict, match="Undone"):
        mend(importer, uploaded, 2, {2: ""})


def test_nonsense_is_refused_by_the_column(importer: Importer, uploaded: int):
    for number, cells, error in ((99, {}, NotFound), (2, {9: "x"}, Invalid), (2, {0: ["x"]}, Invalid)):
        with pytest.raises(error):
            mend(importer, uploaded, number, cells)
    with pytest.raises(Invalid, match="characters"):
        mend(importer, uploaded, 2, {0: "x" * 40_000})


def test_a_row_may_be_mended_to_name_one_that_the_file_makes(importer: Importer):
    text = "Name,Kind,Inside\nHQ,site,\nAnnex,location,HQX\nShelf,shelf,Annex\n"
    import_id = importer.do(rules.upload, "locations", importer.file(text), "places.csv")
    importer.do(rules.change, import_id, {2: "parent"})
    assert importer.fates(import_id) == ["create", "error", "error"]

    mend(importer, import_id, 3, {2: "HQ"})

    assert importer.fates(import_id) == ["create", "create", "create"]
    importer.do(rules.apply, import_id)
    assert [row["name"] for row in importer.living("locations")] == ["HQ", "Annex", "Shelf"]


def test_a_row_of_a_long_file_is_mended_within_a_second(importer: Importer, uploaded: int):
    lines = "".join(f"B-{number},X-{number},,Tools\n" for number in range(8_000))
    import_id = importer.upload(f"Tag,Serial,Bought,Category\n{lines}C-1,X-1,never,Tools\n")

    began = time.monotonic()
    mend(importer, import_id, 8_002, {2: ""})
    spent = time.monotonic() - began

    assert importer.rows(import_id, "error")[0]["errors"] == {"serial_number": ["Row 3 has this already."]}
    assert spent < 1, spent


def test_rows_are_found_by_any_of_their_cells(importer: Importer, uploaded: int):
    with importer.organization.context(write=False) as context:
        found = rules.list_rows(context, uploaded, q="  s-3 ")
        both = rules.list_rows(context, uploaded, fate="create", q="TOOLS")

        assert [row["number"] for row in found] == [4]
        assert [row["number"] for row in both] == [3]
        assert rules.total_rows(context, uploaded, q="28.02.2024") == 2
        assert rules.list_rows(context, uploaded, q="%") == []
