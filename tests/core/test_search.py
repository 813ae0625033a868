"""Search: substrings of what things are called, in a useful order, whatever people type."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.households import Household
from tests.rows import add, add_many, any_category, asked, change, resource, row, stored
from tests.statements import counted
from webapp.assets.models import Asset
from webapp.core import compiled
from webapp.core.context import Context
from webapp.core.database import column_names, key_of, table_of
from webapp.core.jobs import JOBS, run_job
from webapp.core.query import list_rows
from webapp.core.writes import delete, restore


def found(context: Context, q: str, kind: str = "assets", **more: str) -> list[str]:
    """Return the tags (or names) of what a search finds, in its order."""
    parameters = asked(kind, "&".join(f"{name}={value}" for name, value in more.items()))
    hits = list_rows(context, resource(kind), type(parameters)(**{**vars(parameters), "q": q}))
    return [hit[resource(kind).label] for hit in hits.rows]


def run_jobs(organization: Household) -> None:
    """Do every queued job of an organization, and those that come of them."""
    while True:
        with organization.context(write=False) as context:
            queued = [job["id"] for job in stored(context, JOBS) if job["state"] == "queued"]
            if not queued:
                return
            for job_id in queued:
                run_job(organization.id, job_id)


@pytest.mark.parametrize(
    ("q", "tags"),
    [
        ("thinkpad", "A"),
        ("INKPA", "A"),
        ("pad", "A B"),
        ("pad lenovo", "A"),
        ("lenovo pad", "A"),
        ("lenovo ipad", ""),
        ("pf-3x", "A"),
        ("dr-77", "B"),
        ("straße", "C"),
        ("STRASSE", "C"),
        ("größe", "C"),
        ("gro\u0308ße", "C"),
        ("  thinkpad   t14 ", "A"),
        ("nothing like it", ""),
    ],
)
def test_any_part_of_any_searched_field_finds_a_thing(context: Context, q: str, tags: str):
    add(context, "assets", tag="A", name="Lenovo ThinkPad T14", serial_number="PF-3X99")
    add(context, "assets", tag="B", name="Apple iPad", serial_number="dr-7712")
    add(context, "assets", tag="C", name="Straßenmaß GRÖSSE 7")

    assert sorted(found(context, q)) == tags.split()


def test_a_short_second_word_narrows_too(context: Context):
    add(context, "assets", tag="ONE", name="Sony FX 3")
    add(context, "assets", tag="TWO", name="Sony FX 6")

    assert found(context, "sony 6") == ["TWO"]
    assert found(context, "sony f 3") == ["ONE"]


@pytest.mark.parametrize(
    ("q", "tags"), [("L", "LA LB"), ("la", "LA"), ("SN", "XX"), ("x", "XX"), ("a", ""), ("ab", ""), ("sn 1", "XX")]
)
def test_one_or_two_letters_are_the_beginning_of_a_tag_or_serial(context: Context, q: str, tags: str):
    add(context, "assets", tag="LA", serial_number="77")
    add(context, "assets", tag="LB")
    add(context, "assets", tag="XX", serial_number="SN 1")
    add(context, "assets", tag="YLA")

    assert sorted(found(context, q)) == tags.split()


def test_short_words_begin_the_code_of_a_place(context: Context):
    add(context, "locations", name="Media store", code="LIS-2", city="Porto")

    assert found(context, "li", "locations") == ["Media store"]
    assert found(context, "PO", "locations") == ["Media store"]
    assert found(context, "st", "locations") == []


def test_exact_comes_before_prefix_before_the_middle(context: Context):
    add(context, "assets", tag="CAM", name="1")
    add(context, "assets", tag="CAM-2", name="2")
    add(context, "assets", tag="Z-CAM", name="3")
    add(context, "assets", tag="Y", name="cam")
    add(context, "assets", tag="W", serial_number="Cam 9")

    assert found(context, "cam") == ["Y", "CAM", "W", "CAM-2", "Z-CAM"]


def test_hits_that_fit_alike_stand_newest_first(context: Context):
    product = add(context, "products", name="Camera")
    for name in ("Old camera", "A camera", "My camera"):
        add(context, "assets", tag=name.upper(), name=name, product_id=product)

    assert found(context, "camera") == ["MY CAMERA", "A CAMERA", "OLD CAMERA"]  # only their product begins with it
    assert found(context, "my camera") == ["MY CAMERA"]
    assert found(context, "camera old") == ["OLD CAMERA"]


def test_a_search_in_an_order_of_ones_own_keeps_that(context: Context):
    for tag in ("CAM", "B-CAM", "A-CAM"):
        add(context, "assets", tag=tag)

    assert found(context, "cam", sort="tag") == ["A-CAM", "B-CAM", "CAM"]


def test_a_search_is_narrowed_by_filters(context: Context):
    near = add(context, "locations", name="Lisbon")
    add(context, "assets", tag="CAM-1", location_id=near)
    add(context, "assets", tag="CAM-2")

    assert found(context, "cam", location_id=str(near)) == ["CAM-1"]


@pytest.mark.parametrize(("q", "statements"), [("cam-", 2), ("cam-03", 2), ("amer", 2), ("nothing", 2), ("ca", 2)])
def test_a_search_asks_for_the_ids_and_for_one_page(organization: Household, q: str, statements: int):
    with organization.context() as context:
        category = any_category(context)
        patches = [{"category_id": category, "tag": f"CAM-{n:02d}", "name": "A camera"} for n in range(60)]
        add_many(context, "assets", patches)
        context.session.commit()

    with organization.context(write=False) as context, counted(organization.app) as cost:
        list_rows(context, resource("assets"), asked("assets", f"q={q}"))

    about_assets = [one for one in cost.statements if "FROM assets" in one or "search" in one]
    assert len(about_assets) == statements, cost


def test_searches_for_different_words_share_their_statements(context: Context):
    add(context, "assets", tag="CAM", name="Drill")
    compiled._made.clear()

    assert [found(context, q) for q in ("cam", "drill", "ril", "nothing")] == [["CAM"], ["CAM"], ["CAM"], []]

    made = [one.sql for one in compiled._made.values() if one and ("FROM assets" in one.sql or "search" in one.sql)]
    assert len(made) == 3  # the ids; hits in the order in which they fit; hits that fit alike
    assert None not in compiled._made.values()


@pytest.mark.parametrize("query", ["q=cam&per_page=1", "q=cam", "q=cam&per_page=1&page=2", "q=cam&per_page=1&page=9"])
def test_the_number_of_hits_is_that_of_what_one_may_see(organization: Household, query: str):
    with organization.context() as context:
        lisbon, porto = add(context, "locations", name="Lisbon"), add(context, "locations", name="Porto")
        places = (lisbon, lisbon, porto, None)
        ids = [add(context, "assets", tag=f"CAM-{n}", location_id=place) for n, place in enumerate(places)]
        gone = [add(context, "assets", tag=f"CAM-GONE-{n}", location_id=lisbon) for n in range(3)]
        for asset in gone:
            delete(context, resource("assets"), asset)
        context.session.commit()

    def total(query: str, scope: int | None = None) -> int:
        with organization.context(organization.actor("manager", scope), write=False) as context:
            return list_rows(context, resource("assets"), asked("assets", query)).total

    assert total(query) == len(ids)
    assert total(f"{query}&deleted=true") == len(gone)
    assert total(f"{query}&location_id={porto}") == 1
    assert [total(query, place) for place in (lisbon, porto)] == [2, 1]
    assert total(f"{query}&location_id={porto}", lisbon) == 0


@pytest.mark.postgresql
def test_what_others_have_thousands_of_does_not_hide_ones_own(organization: Household, other_organization: Household):
    with other_organization.context() as theirs:
        add(theirs, "assets", tag="CAM", name="Camera")
        names = [name for name in column_names(Asset) if name != "id"]
        said = [f"{name} || n" if name in ("guid", "tag", "tag_key") else name for name in names]
        copies = (
            f"INSERT INTO assets ({', '.join(names)}) SELECT {', '.join(said)} FROM assets, generate_series(1, 5000) n"
        )
        theirs.session.connection().exec_driver_sql(copies)
        theirs.session.commit()

    with organization.context() as ours:
        add(ours, "assets", tag="CAM-OURS", name="Camera")

        assert found(ours, "camera") == ["CAM-OURS"]


def test_more_than_a_thousand_hits_are_the_newest_thousand(context: Context):
    category = any_category(context)
    add_many(context, "assets", [{"category_id": category, "tag": f"CAM-{n:04d}"} for n in range(1003)])
    add_many(context, "assets", [{"category_id": category, "tag": f"TRI-{n:04d}"} for n in range(3)])

    many = list_rows(context, resource("assets"), asked("assets", "q=cam-&per_page=1000&sort=tag"))
    few = list_rows(context, resource("assets"), asked("assets", "q=tri"))

    assert (many.total, many.total_capped, many.rows[0]["tag"]) == (1000, True, "CAM-0003")
    assert (few.total, few.total_capped) == (3, False)


@pytest.mark.parametrize("q", ["100%", "a_b", "c\\d", "50%_", '"q"', "it's", "(x)", "a*b", "-no", "AND", "x:y", "^zz"])
def test_signs_of_the_database_are_plain_characters(context: Context, q: str):
    add(context, "assets", tag="EXACT", name=f"xx {q} yy")
    add(context, "assets", tag="DECOY", name="xx 100 percent axb cd 50 q its x ab no an d xy zz yy")

    assert found(context, q) == ["EXACT"]


def test_a_percent_sign_alone_finds_nothing_else(context: Context):
    add(context, "assets", tag="ABC", name="drill")

    assert [found(context, q) for q in ("%%%", "___", "%", "***")] == [[], [], [], []]


def test_deleted_things_are_found_among_the_deleted(context: Context):
    gone = add(context, "assets", tag="CAM-1")
    add(context, "assets", tag="CAM-2")
    delete(context, resource("assets"), gone)

    assert found(context, "cam") == ["CAM-2"]
    assert found(context, "ca") == ["CAM-2"]
    assert found(context, "cam", deleted="true") == ["CAM-1"]
    assert found(context, "ca", deleted="true") == ["CAM-1"]


def test_a_heap_of_deleted_things_does_not_hide_a_living_one(context: Context):
    add(context, "assets", tag="CA-KEPT")
    ids = add_many(context, "assets", [{"category_id": any_category(context), "tag": f"CA-{n}"} for n in range(1005)])
    table = table_of(Asset)
    context.session.connection().execute(table.update().where(table.c.id.in_(ids)).values(deleted_at=context.at))

    assert found(context, "ca-") == ["CA-KEPT"]
    assert found(context, "ca") == ["CA-KEPT"]


def test_a_restored_thing_is_found_again(context: Context):
    asset = add(context, "assets", tag="CAM-1")
    delete(context, resource("assets"), asset)
    restore(context, resource("assets"), asset)

    assert found(context, "cam") == ["CAM-1"]


def test_a_changed_name_is_found_and_the_old_one_is_not(context: Context):
    asset = add(context, "assets", tag="A", name="Camera")

    change(context, "assets", asset, name="Tripod")

    assert (found(context, "tripod"), found(context, "camera")) == (["A"], [])


def test_nothing_of_another_organization_is_found(organization: Household, other_organization: Household):
    with other_organization.context() as theirs:
        add(theirs, "assets", tag="CAM-THEIRS", name="Camera")
        theirs.session.commit()

    with organization.context() as ours:
        add(ours, "assets", tag="CAM-OURS", name="Camera")

        assert [found(ours, q) for q in ("camera", "cam-theirs", "ca")] == [["CAM-OURS"], [], ["CAM-OURS"]]


def test_a_thing_is_found_by_its_products_and_makers_names(context: Context):
    leica = add(context, "manufacturers", name="Leica")
    product = add(context, "products", name="Total station", model_number="TS07", manufacturer_id=leica)
    add(context, "assets", tag="A", product_id=product)

    assert [found(context, q) for q in ("leica", "station", "ts07", "leica ts07")] == [["A"]] * 4


def test_a_renamed_product_is_found_by_its_new_name_once_the_job_has_run(organization: Household):
    with organization.context() as context:
        leica = add(context, "manufacturers", name="Leica")
        product = add(context, "products", name="Station", manufacturer_id=leica)
        asset = add(context, "assets", tag="A", product_id=product)
        context.session.commit()
        change(context, "products", product, name="Theodolite")
        change(context, "manufacturers", leica, name="Zeiss")
        context.session.commit()
    run_jobs(organization)

    with organization.context(write=False) as context:
        assert [found(context, q) for q in ("theodolite", "zeiss", "station", "leica")] == [["A"], ["A"], [], []]
        assert row(context, "assets", asset)["version"] == 1


def test_a_rename_that_changes_no_letter_asks_for_no_job(context: Context):
    product = add(context, "products", name="Station")

    change(context, "products", product, name="STATION", notes="louder")

    assert stored(context, JOBS) == []


def test_a_refresh_reaches_every_thing_over_a_thousand(organization: Household):
    with organization.context() as context:
        product = add(context, "products", name="Station")
        add_many(context, "assets", [{"product_id": product, "category_id": any_category(context)}] * 1001)
        change(context, "products", product, name="Theodolite")
        context.session.commit()
    run_jobs(organization)

    with organization.context(write=False) as context:
        assert all("theodolite" in asset["search_text"] for asset in stored(context, table_of(Asset)))


WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), min_size=3, max_size=12
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=WORDS.filter(lambda word: len(key_of(word)) >= 3), data=st.data())
def test_any_three_letters_of_a_word_find_its_thing(context: Context, word: str, data: st.DataObject):
    key = key_of(word)
    start = data.draw(st.integers(0, len(key) - 3))
    add(context, "manufacturers", name=f"<{word}> & sons")

    names = found(context, key[start : start + 3], "manufacturers")
    context.session.rollback()

    assert names == [f"<{word}> & sons"]
