"""Fields of an organization's own: every kind by every way in, filters and sorting, sets, deletion, the wall, the cost."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.markup import Page
from tests.rows import add, listed, resource, stored
from tests.statements import counted
from webapp.core.activity import history
from webapp.core.batch import find_rows, plan_rows, write_rows
from webapp.core.custom import VALUES, tailor
from webapp.core.query import get_row
from webapp.core.undo import undo_all
from webapp.core.writes import create, update

VALUES_OF = {  # (a smaller value, a larger one) as JSON has them; letters and digits alone would put some the other way
    "text": ("Ähre", "äpfel 10"),
    "number": (2.5, 16),
    "date": ("2025-12-31", "2026-01-02"),
    "boolean": (False, True),
    "choice": ("Large", "small"),
    "choices": (["Large"], ["Large", "small"]),
    "url": ("https://a.example.org/x?y=1", "https://b.example.org"),
    "money": ("9.50", "1250.00"),
}
LOGGED = {"money": ("9.5", "1250"), "number": ("2.5", "16")}
KINDS = tuple(VALUES_OF)
SORTED = [kind for kind in KINDS if kind != "choices"]
RANGED = ("number", "date", "money")
each = pytest.mark.parametrize("kind", KINDS)


def define(api, kind, slug="own", of="manufacturers", **given):
    """Make a field by the API and return its id."""
    options = ["Large", "small"] if kind in ("choice", "choices") else []
    body = {"name": slug, "slug": slug, "resource": of, "kind": kind, "options": options} | given
    answer = api.post("custom-fields", body)
    assert answer.status_code == 201, answer.json
    return answer.json["data"]["id"]


def make(api, name, *values, of="manufacturers"):
    """Make a thing with a value of `own` if one is given, and return its id."""
    answer = api.post(of, {"name": name, "custom": dict(zip(["own"], values, strict=False))})
    assert answer.status_code == 201, answer.json
    return answer.json["data"]["id"]


def names(api, query, of="manufacturers"):
    """Return the names that a list shows."""
    answer = api.get(f"{of}?{query}")
    assert answer.status_code == 200, answer.json
    return [found["name"] for found in answer.json["data"]]


def one(api, row_id, of="manufacturers"):
    return api.get(f"{of}/{row_id}").json["data"]


def typed(value):
    """Return a value as a filter's parameter spells it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture
def in_context(context):
    """Return a function that makes a field by its rule and gives the resource as the organization sees it."""

    def define_here(kind, slug="own", of="manufacturers", **given):
        options = ["Large", "small"] if kind in ("choice", "choices") else []
        add(context, "custom-fields", name=slug, slug=slug, resource=of, kind=kind, **{"options": options, **given})
        return tailor(context, resource(of))

    return define_here


@each
def test_a_value_is_kept_changed_and_cleared_by_the_api(api, kind):
    define(api, kind)
    small, large = VALUES_OF[kind]

    made = make(api, "A", small)
    first = one(api, made)["custom"]
    second = api.patch(f"manufacturers/{made}", {"custom": {"own": large}}).json["data"]["custom"]
    third = api.patch(f"manufacturers/{made}", {"custom": {"own": None}}).json["data"]["custom"]

    assert (first, second, third) == ({"own": small}, {"own": large}, {"own": None})


@each
def test_what_a_change_does_not_name_stays(api, kind):
    define(api, kind)
    define(api, "text", "other")
    made = make(api, "A", VALUES_OF[kind][0])

    api.patch(f"manufacturers/{made}", {"custom": {"other": "x"}})
    api.patch(f"manufacturers/{made}", {"notes": "n"})

    assert one(api, made)["custom"] == {"own": VALUES_OF[kind][0], "other": "x"}


WRONG = {
    "text": [5, ["a"], "x" * 2001, "a\x00b"],
    "number": ["many", True, 1.00001, "NaN", 10**12],
    "date": ["31.12.2025", "2025-13-01", 5],
    "boolean": ["true", 1],
    "choice": ["medium", 5],
    "choices": ["Large", ["medium"], [5]],
    "url": ["example.org", "javascript:alert(1)", "https://"],
    "money": ["ten", "-1", "1.00001"],
}


@each
def test_what_is_no_value_of_its_kind_is_refused_at_its_field(api, kind):
    define(api, kind)

    for wrong in WRONG[kind]:
        answer = api.post("manufacturers", {"name": "A", "custom": {"own": wrong}})

        assert answer.status_code == 422, wrong
        assert {error["field"] for error in answer.json["errors"]} == {"custom.own"}, wrong


@pytest.mark.parametrize("sent", [{"nothing": 1}, {"": 1}, {"a.b": 1}, {"own": 1, "name": "x"}])
def test_an_unknown_field_is_refused_by_its_name(api, sent):
    define(api, "number")

    answer = api.post("manufacturers", {"name": "A", "custom": sent})

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == [f"custom.{name}" for name in sent if name != "own"]


@pytest.mark.parametrize("sent", [5, None, [], "x"])
def test_what_is_no_object_is_refused(api, sent):
    answer = api.post("manufacturers", {"name": "A", "custom": sent})

    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "custom")


@each
def test_lists_are_filtered_by_a_value(api, kind):
    define(api, kind)
    small, large = VALUES_OF[kind]
    for name, values in (("small", [small]), ("large", [large]), ("none", [])):
        make(api, name, *values)
    if kind == "choices":
        small, large = "Large", "small"
    is_small = ["large", "small"] if kind == "choices" else ["small"]

    assert sorted(names(api, f"custom.own={typed(small)}")) == is_small
    assert sorted(names(api, f"custom.own_in={typed(small)},{typed(large)}")) == ["large", "small"]
    assert sorted(names(api, f"custom.own_not={typed(large)}")) == ["none", "small"]
    assert names(api, "custom.own_empty=true") == ["none"]
    assert sorted(names(api, "custom.own_empty=false")) == ["large", "small"]


@pytest.mark.parametrize("kind", RANGED)
def test_lists_are_filtered_by_a_range(api, kind):
    define(api, kind)
    small, large = VALUES_OF[kind]
    for name, value in (("small", small), ("large", large)):
        make(api, name, value)
    make(api, "none")

    assert names(api, f"custom.own_after={small}") == ["large"]
    assert names(api, f"custom.own_before={large}") == ["small"]
    assert names(api, f"custom.own_after={small}&custom.own_before={large}") == []


@pytest.mark.parametrize("kind", ["text", "choice", "url"])
def test_texts_are_found_in_whatever_case(api, kind):
    define(api, kind)
    make(api, "A", VALUES_OF[kind][0])
    wanted = VALUES_OF[kind][0] if kind == "choice" else VALUES_OF[kind][0].upper().replace("?Y=", "?y=")

    assert names(api, "", "manufacturers") == ["A"]
    answer = api.get("manufacturers", query_string={"custom.own": wanted})

    assert [found["name"] for found in answer.json["data"]] == ["A"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_by_what_is_no_value_is_refused_by_name(api, kind):
    define(api, kind)

    unknown = api.get("manufacturers?custom.nothing=1")
    wrong = api.get("manufacturers", query_string={"custom.own": "a\x00b"})

    assert unknown.json["errors"][0]["field"] == "custom.nothing"
    assert (wrong.status_code, wrong.json["errors"][0]["field"]) == (422, "custom.own")


def in_order(api, sort, per_page):
    """Return the names of a list in order, by cursors and by pages."""
    by_cursor, cursor = [], ""
    while cursor is not None:
        found = api.get(f"manufacturers?sort={sort}&per_page={per_page}&cursor={cursor}").json
        by_cursor += [row["name"] for row in found["data"]]
        cursor = found["pagination"]["next_cursor"]
    pages = range(1, found["pagination"]["total"] // per_page + 2)
    by_page = [name for page in pages for name in names(api, f"sort={sort}&per_page={per_page}&page={page}")]
    return by_cursor, by_page


@pytest.mark.parametrize("per_page", [1, 2, 3, 50])
@pytest.mark.parametrize("kind", SORTED)
def test_lists_are_sorted_both_ways_by_cursor_and_by_page(api, kind, per_page):
    define(api, kind)
    small, large = VALUES_OF[kind]
    for name, values in (("n1", []), ("l1", [large]), ("s1", [small]), ("n2", []), ("l2", [large]), ("s2", [small])):
        make(api, name, *values)

    ascending, descending = in_order(api, "custom.own", per_page), in_order(api, "-custom.own", per_page)

    assert ascending[0] == ascending[1] == ["s1", "s2", "l1", "l2", "n1", "n2"]
    assert descending[0] == descending[1] == ["l2", "l1", "s2", "s1", "n2", "n1"]


def test_a_sorted_list_is_filtered_and_searched_as_any(api):
    define(api, "number")
    for name, value in (("kiwi a", 3), ("kiwi b", 1), ("plum", 2)):
        make(api, name, value)
    make(api, "kiwi none")

    assert names(api, "sort=-custom.own&q=kiwi") == ["kiwi a", "kiwi b", "kiwi none"]
    assert names(api, "sort=custom.own&custom.own_before=3") == ["kiwi b", "plum"]


def test_several_choices_neither_sort_nor_do_two_own_fields_at_once(api):
    define(api, "choices")
    define(api, "number", "size")

    assert api.get("manufacturers?sort=custom.own").status_code == 422
    assert api.get("manufacturers?sort=custom.size,name").status_code == 422


def test_a_cursor_of_another_field_is_refused(api):
    define(api, "number")
    define(api, "text", "words")
    for number in range(3):
        make(api, f"A{number}", number)
    cursor = api.get("manufacturers?sort=custom.own&per_page=1").json["pagination"]["next_cursor"]

    assert api.get(f"manufacturers?sort=custom.words&cursor={cursor}").status_code == 422


@each
def test_a_change_stands_in_the_history_by_its_name(api, kind):
    define(api, kind)
    small, large = VALUES_OF[kind]
    made = make(api, "A", small)
    api.patch(f"manufacturers/{made}", {"custom": {"own": large}})

    lines = api.get(f"manufacturers/{made}/history").json["data"]

    old, new = LOGGED.get(kind, (small, large))
    assert lines[0]["changes"] == [{"field": "custom.own", "old": old, "new": new}]
    assert {"field": "custom.own", "old": None, "new": old} in lines[1]["changes"]


@each
def test_sending_what_is_there_changes_nothing(api, kind):
    define(api, kind)
    made = make(api, "A", VALUES_OF[kind][0])

    answer = api.patch(f"manufacturers/{made}", {"custom": {"own": VALUES_OF[kind][0]}})

    assert answer.json["data"]["version"] == 1


@each
def test_a_change_set_is_taken_back_with_its_values(context, in_context, kind):
    tailored = in_context(kind)
    small, large = (tailored.schema_for(partial=True).load({"custom": {"own": v}}) for v in VALUES_OF[kind])
    made = create(context, tailored, {"name": "A"} | small)
    context.session.commit()
    later = context.with_change_set("11111111-1111-4111-8111-111111111111")
    context.session.info["context"] = later
    update(later, tailored, made, large)
    context.session.commit()

    report = undo_all(later.with_change_set("21111111-1111-4111-8111-111111111111"), later.change_set_id)

    assert report.restored == 1
    assert get_row(context, tailored, made)["custom.own"] == small["custom.own"]


def given_values():
    """Return what a client may send for four fields, nothing included."""
    return st.fixed_dictionaries(
        {},
        optional={
            "words": st.none() | st.sampled_from(["", "Ähre", "äpfel", " x "]),
            "size": st.none() | st.sampled_from([0, -2.5, 16, 1000000]),
            "tags": st.none() | st.lists(st.sampled_from(["Large", "small"]), max_size=3),
            "ready": st.none() | st.booleans(),
        },
    )


def define_four(context):
    """Make a text, a number with a default, a choice of several and a flag of manufacturers."""
    listed_kinds = {"words": "text", "size": "number", "tags": "choices", "ready": "boolean"}
    for slug, kind in listed_kinds.items():
        add(
            context,
            "custom-fields",
            name=slug,
            slug=slug,
            kind=kind,
            resource="manufacturers",
            options=["Large", "small"] if kind == "choices" else [],
            default_value="7" if slug == "size" else None,
        )
    return tailor(context, resource("manufacturers"))


def kept_of(context, tailored, row_id):
    """Return everything that is kept of a thing's own values: JSON, indexed rows, history, search text."""
    slugs = {item.custom_id: name for name, item in tailored.customs.items()}
    found = find_rows(context, tailored, "id", [row_id])[row_id]
    indexed = sorted(
        (slugs[v["field_id"]], v["position"], v["text_value"], v["int_value"], v["date_value"])
        for v in stored(context, VALUES)
        if v["row_id"] == row_id
    )
    json = {slugs[int(key)]: value for key, value in found["custom"].items()}
    changes = [
        {slugs.get(int(c.rpartition(".")[2])): pair for c, pair in line["changes"].items() if c.startswith("custom.")}
        for line in history(context, tailored, row_id)
    ]
    return json, indexed, changes, found["search_text"].replace(found["name_key"], "")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(first=given_values(), second=given_values())
def test_a_batch_keeps_values_as_single_writes_do(context, first, second):
    tailored = tailor(context, resource("manufacturers"))
    tailored = tailored if tailored.customs else define_four(context)
    number = len(listed(context, "manufacturers"))
    load, patch = tailored.schema_for(), tailored.schema_for(partial=True).load({"custom": second})
    make_one, make_many = (load.load({"name": f"{way} {number}", "custom": first}) for way in ("one", "many"))

    alone = create(context, tailored, make_one)
    update(context, tailored, alone, patch)
    [together] = write_rows(context, tailored, plan_rows(context, tailored, [(None, make_many)]))
    current = find_rows(context, tailored, "id", [together])[together]
    write_rows(context, tailored, plan_rows(context, tailored, [(current, patch)]))
    context.session.flush()

    assert kept_of(context, tailored, alone) == kept_of(context, tailored, together)


def test_an_empty_text_and_an_empty_choice_are_no_values(api):
    define(api, "text")
    define(api, "choices", "tags")

    made = api.post("manufacturers", {"name": "A", "custom": {"own": "  ", "tags": []}}).json["data"]

    assert made["custom"] == {"own": None, "tags": None}
    assert names(api, "custom.tags_empty=true&custom.own_empty=true") == ["A"]


@pytest.mark.parametrize("kind", ["text", "url"])
def test_texts_are_found_by_search_and_after_a_change_by_the_new_one(api, kind):
    define(api, kind)
    before, after = (
        ("https://before.example.org", "https://after.example.org") if kind == "url" else ("before", "after")
    )
    made = make(api, "A", before)

    first = names(api, "q=before")
    api.patch(f"manufacturers/{made}", {"custom": {"own": after}})

    assert (first, names(api, "q=before"), names(api, "q=after")) == (["A"], [], ["A"])


EXPORTED = {
    "text": "Ähre",
    "number": "2.5",
    "date": "2025-12-31",
    "boolean": "false",
    "choice": "Large",
    "choices": "Large",
    "url": "https://a.example.org/x?y=1",
    "money": "9.5",
}


@each
def test_a_value_stands_in_the_list_and_in_the_export(api, client, kind):
    define(api, kind, name="Mine")
    make(api, "A", VALUES_OF[kind][0])
    make(api, "B")

    export = client.get("/manufacturers/export.csv?fields=name,custom.own").get_data(as_text=True)
    page = Page(client.get("/manufacturers?fields=name,custom.own"))

    found = [line.rpartition(",")[0] for line in export.lstrip("\ufeff").splitlines()]
    assert found == ["Name,Mine", f"A,{EXPORTED[kind]}", "B,"]
    assert "Mine" in page.text


def test_a_list_gives_only_the_wanted_own_fields(api):
    define(api, "number")
    define(api, "text", "words")
    make(api, "A", 5)

    found = api.get("manufacturers?fields=name,custom.own").json["data"]

    assert found == [{"name": "A", "custom.own": 5}]


def test_a_needed_value_is_needed_when_a_thing_is_made_and_may_not_be_cleared(api):
    bare = make(api, "Before")
    define(api, "number", is_required=True)

    missing = api.post("manufacturers", {"name": "A"})
    made = make(api, "B", 5)
    cleared = api.patch(f"manufacturers/{made}", {"custom": {"own": None}})

    for answer in (missing, cleared):
        assert [(e["field"], e["message"]) for e in answer.json["errors"]] == [("custom.own", "This is needed.")]
    assert api.patch(f"manufacturers/{bare}", {"notes": "still without"}).status_code == 200


DEFAULTS = {
    "text": ("Ähre", "Ähre"),
    "number": ("2.5", 2.5),
    "date": ("2025-12-31", "2025-12-31"),
    "boolean": ("true", True),
    "choice": ("Large", "Large"),
    "choices": ("small\nLarge", ["small", "Large"]),
    "url": ("https://a.example.org", "https://a.example.org"),
    "money": ("9.5", "9.50"),
}


@each
def test_a_new_thing_gets_the_default_unless_something_is_said(api, kind):
    define(api, kind, default_value=DEFAULTS[kind][0])

    silent, said, none = make(api, "A"), make(api, "B", VALUES_OF[kind][1]), make(api, "C", None)

    found = [one(api, made)["custom"]["own"] for made in (silent, said, none)]
    assert found == [DEFAULTS[kind][1], VALUES_OF[kind][1], None]


def test_deletion_hides_values_and_a_return_brings_them_back(api):
    field = define(api, "text")
    made = make(api, "A", "gem")
    api.delete(f"custom-fields/{field}")
    api.patch(f"manufacturers/{made}", {"notes": "written meanwhile"})

    hidden = (one(api, made)["custom"], api.get("manufacturers?custom.own=gem").status_code)
    refused = api.patch(f"manufacturers/{made}", {"custom": {"own": "x"}}).status_code
    api.post(f"custom-fields/{field}/restore")

    assert (hidden, refused) == (({}, 422), 422)
    assert one(api, made)["custom"] == {"own": "gem"}
    assert names(api, "custom.own=gem") == ["A"]


def test_another_field_may_take_the_name_of_a_deleted_one_without_its_values(api):
    first = define(api, "text")
    made = make(api, "A", "gem")
    api.delete(f"custom-fields/{first}")

    define(api, "number")

    assert one(api, made)["custom"] == {"own": None}
    assert api.post(f"custom-fields/{first}/restore").status_code == 409


def test_one_organization_sees_nothing_of_another_with_the_same_name(api, organization, other_organization):
    other = other_organization.api_client()
    define(api, "number")
    define(other, "text")
    make(api, "Mine", 5)
    make(other, "Theirs", "5")

    assert names(api, "custom.own=5") == ["Mine"] == names(api, "custom.own_empty=false")
    assert names(other, "custom.own=5") == ["Theirs"] == names(other, "sort=custom.own")
    with organization.context() as context:
        assert [value["int_value"] for value in stored(context, VALUES)] == [5]


def cost_of(app, api, path):
    api.get(path)
    with counted(app) as cost:
        assert api.get(path).status_code == 200
    return len(cost.statements)


@pytest.mark.parametrize("query", ["", "?sort=custom.own", "?custom.own=5", "?custom.own_empty=true", "?fields=name"])
def test_a_list_costs_as_many_queries_with_many_fields_and_rows_as_with_few(app, api, query):
    define(api, "number")
    make(api, "A0", 5)
    few = cost_of(app, api, f"manufacturers{query}")

    for number in range(8):
        define(api, KINDS[number % 8], f"more_{number}")
    for number in range(1, 12):
        make(api, f"A{number}", number)

    assert cost_of(app, api, f"manufacturers{query}") == few


def test_a_write_costs_as_many_queries_with_many_fields_as_with_few(app, api):
    define(api, "number")
    made = make(api, "A", 5)

    def cost(value):
        with counted(app) as found:
            assert api.patch(f"manufacturers/{made}", {"custom": {"own": value}}).status_code == 200
        return len(found.statements)

    cost(6)
    few = cost(7)
    for number in range(8):
        define(api, KINDS[number % 8], f"more_{number}")
    cost(8)

    assert cost(9) == few


def test_a_batch_costs_as_many_queries_for_many_rows_as_for_one(app, context, in_context):
    tailored = in_context("number")

    def cost(start, count):
        patches = [(None, {"name": f"A{start + n}", "custom.own": n}) for n in range(count)]
        with counted(app) as found:
            write_rows(context, tailored, plan_rows(context, tailored, patches))
        return len(found.statements)

    cost(0, 1)
    one_row = cost(1, 1)

    assert cost(10, 50) == one_row


def laptop(api):
    """Make two fields of assets, a set with the first, and (product with the set, product without, its category)."""
    define(api, "number", "own", of="assets", name="RAM")
    define(api, "text", "room", of="assets")
    chosen = api.post("field-sets", {"name": "Laptop", "fields": ["own"]}).json["data"]["id"]
    category = api.post("categories", {"name": "Things", "kind": "asset"}).json["data"]["id"]
    with_set, without = (
        api.post("products", {"name": name, "category_id": category, "field_set_id": field_set}).json["data"]["id"]
        for name, field_set in (("ThinkPad", chosen), ("Chair", None))
    )
    return with_set, without, category


def test_fields_of_a_set_are_those_of_its_products_alone(api):
    with_set, without, category = laptop(api)

    fits = api.post("assets", {"product_id": with_set, "custom": {"own": 16, "room": "a"}})
    others = [{"product_id": without}, {"category_id": category}]
    refused = [api.post("assets", other | {"custom": {"own": 16, "room": "a"}}) for other in others]

    assert fits.status_code == 201
    for answer in refused:
        assert [error["field"] for error in answer.json["errors"]] == ["custom.own"]


def test_values_stay_when_the_product_changes(api):
    with_set, without, _category = laptop(api)
    made = api.post("assets", {"product_id": with_set, "custom": {"own": 16}}).json["data"]["id"]

    moved = api.patch(f"assets/{made}", {"product_id": without}).json["data"]["custom"]
    refused = api.patch(f"assets/{made}", {"custom": {"own": 32}})
    cleared = api.patch(f"assets/{made}", {"custom": {"own": None}})

    assert moved["own"] == 16
    assert (refused.status_code, cleared.status_code, cleared.json["data"]["custom"]["own"]) == (422, 200, None)


def test_the_product_that_comes_with_the_same_change_says_what_may_be_given(api):
    with_set, without, _category = laptop(api)
    made = api.post("assets", {"product_id": without}).json["data"]["id"]

    answer = api.patch(f"assets/{made}", {"product_id": with_set, "custom": {"own": 32}})

    assert (answer.status_code, answer.json["data"]["custom"]["own"]) == (200, 32)


def test_what_a_set_needs_is_needed_of_its_products_alone(api):
    with_set, without, _category = laptop(api)
    field = api.get("custom-fields?slug=own").json["data"][0]["id"]
    api.patch(f"custom-fields/{field}", {"is_required": True})

    assert api.post("assets", {"product_id": without}).status_code == 201
    assert api.post("assets", {"product_id": with_set}).json["errors"][0]["field"] == "custom.own"


def test_a_sync_takes_own_fields_and_says_what_is_wrong_with_them(api):
    with_set, _without, _category = laptop(api)
    rows = [
        {"serial_number": "S1", "product_id": with_set, "custom": {"own": 8}},
        {"serial_number": "S2", "product_id": with_set, "custom": {"own": "eight"}},
        {"serial_number": "S3", "product_id": with_set, "custom": {"nothing": 1}},
    ]

    found = api.post("assets/sync", {"assets": rows}).json["data"]

    assert [row["serial_number"] for row in found["created"]] == ["S1"]
    assert [row["errors"][0]["field"] for row in found["failed"]] == ["custom.own", "custom.nothing"]
    assert names(api, "custom.own=8&fields=serial_number,name", "assets") == [None]
