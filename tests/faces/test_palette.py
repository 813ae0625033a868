"""Finding: one place for letters, on a page without scripts and in the palette; nothing that one may not see."""

import re

import pytest

from tests.markup import Page
from tests.rows import add, any_category, change
from tests.statements import counted
from webapp.faces.palette import Highlighter

PALETTE = {"HX-Request": "true", "HX-Target": "results"}


def read(client, path, **query):
    answer = client.get(path, query_string=query)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Page(answer)


def palette(client, q):
    answer = client.get("/search", query_string={"q": q}, headers=PALETTE)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Page(answer)


def groups_of(page):
    """Return {heading: addresses} of the palette's lines."""
    found = {}
    for part in page.html.split('<div class="qm-group"')[1:]:
        heading = re.search(r">([^<]*)</div>", part)[1]
        found[heading] = re.findall(r'data-url="([^"]+)"', part.partition("</ul>")[0])
    return found


def said(page):
    return re.search(r'data-said="([^"]*)"', page.html)[1]


@pytest.fixture
def store(context):
    """A camera and its case at Lisbon, one camera at Porto, somebody called Camara, and a product."""
    maker = add(context, "manufacturers", name="Sony")
    product = add(context, "products", name="ILME-FX3 Camera", manufacturer_id=maker, category_id=any_category(context))
    sites = [add(context, "locations", name=name) for name in ("Lisbon", "Porto")]
    assets = [
        add(context, "assets", tag="AST-7", name="Camera FX3", product_id=product, location_id=sites[0]),
        add(context, "assets", tag="CASE-1", name="Case of AST-7", location_id=sites[0]),
        add(context, "assets", name="Camera at the other end", serial_number="PT-99", location_id=sites[1]),
    ]
    person = add(context, "persons", first_name="Camara", last_name="Laye", location_id=sites[0])
    context.session.commit()
    return {"assets": assets, "person": person, "product": product, "sites": sites}


def test_things_people_and_products_are_found_in_groups(client, store):
    groups = groups_of(palette(client, "cam"))

    assert set(groups["Assets"]) == {f"/assets/{store['assets'][0]}", f"/assets/{store['assets'][2]}"}
    assert groups["People"] == [f"/persons/{store['person']}"]
    assert groups["Products"] == [f"/products/{store['product']}"]
    assert list(groups) == ["Assets", "People", "Products", "More"] or list(groups)[:3] == [
        "Assets",
        "People",
        "Products",
    ]


@pytest.mark.parametrize(("q", "which"), [("ast-7", 0), ("AST-7", 0), ("pt-99", 2)])
def test_an_exact_tag_or_serial_number_stands_first(client, store, q, which):
    groups = groups_of(palette(client, q))

    assert next(iter(groups.items())) == ("Exact match", [f"/assets/{store['assets'][which]}"])


def test_one_or_two_letters_are_the_beginning_of_a_tag_or_a_name(client, store):
    assert groups_of(palette(client, "pt"))["Assets"] == [f"/assets/{store['assets'][2]}"]
    assert "Assets" not in groups_of(palette(client, "99"))


def test_the_page_shows_the_same_without_a_script(client, store):
    page = read(client, "/search", q="camera")

    assert f'href="/assets/{store["assets"][0]}"' in page.html
    assert "3 results" in page.text
    assert page.forms["/search"]["q"] == ["camera"]


def test_the_searched_words_are_marked_and_nothing_runs(client, context):
    add(context, "assets", name="<b>Straße</b> & more")
    context.session.commit()

    html = palette(client, "straße").html

    assert "&lt;b&gt;<mark>Straße</mark>&lt;/b&gt; &amp; more" in html
    assert Highlighter("a <i>")("A<i>") == "<mark>A</mark><mark>&lt;i&gt;</mark>"


def test_pages_and_acts_are_found_by_their_names(client):
    assert "/persons" in groups_of(palette(client, "peo"))["Go to"]
    assert "/settings/api-keys" in groups_of(palette(client, "api"))["Go to"]
    assert groups_of(palette(client, "new ass"))["Do"] == ["/assets/new"]
    assert "/imports" in groups_of(palette(client, "spreadsheet"))["Do"]


def test_without_letters_the_palette_offers_pages_and_acts(client):
    groups = groups_of(palette(client, ""))

    assert "/assets" in groups["Go to"]
    assert "/assets/new" in groups["Do"]


def test_who_may_only_read_is_offered_no_acts(as_role):
    page = palette(as_role("member"), "")

    assert "/assets" in groups_of(page)["Go to"]
    assert "/new" not in page.html
    assert "/settings/api-keys" not in page.html


def test_nothing_found_says_what_to_do(client, store):
    page = palette(client, "zzqx")

    assert "Nothing is called “zzqx”" in page.text
    assert said(page) == "Nothing found"
    assert "/assets/new" in groups_of(page)["Do"]
    assert "Try fewer letters" in read(client, "/search", q="zzqx").text


def test_more_than_are_shown_are_counted_and_lead_to_their_list(client, context):
    for number in range(7):
        add(context, "assets", name=f"Tripod {number}")
    context.session.commit()

    page = palette(client, "tripod")

    assert groups_of(page)["Assets"][-1] == "/assets?q=tripod"
    assert len(groups_of(page)["Assets"]) == 6
    assert "All 7 in Assets" in page.text
    assert said(page) == "7 results"


def test_what_was_deleted_is_not_found(client, api, store):
    api.delete(f"assets/{store['assets'][1]}")

    assert "Assets" not in groups_of(palette(client, "case-1"))
    assert "Exact match" not in groups_of(palette(client, "case-1"))


def test_a_manager_of_one_site_never_finds_what_is_elsewhere(as_role, store):
    manager = as_role("manager", store["sites"][0])

    for q in ("camera", "pt-99", "pt", "porto", "other end"):
        for page in (palette(manager, q), read(manager, "/search", q=q)):
            assert f"/assets/{store['assets'][2]}" not in page.html
            assert f"/locations/{store['sites'][1]}" not in page.html
    assert said(palette(manager, "camera")) == "2 results"
    assert groups_of(palette(manager, "camera"))["Assets"] == [f"/assets/{store['assets'][0]}"]


def test_another_organization_finds_nothing_of_ours(other_organization, store):
    client = other_organization.page_client()

    assert said(palette(client, "camera")) == "Nothing found"
    assert client.get("/search/acts", query_string={"kind": "assets", "id": store["assets"][0]}).status_code == 404


def test_tab_shows_what_can_be_done_with_a_thing(client, store):
    page = read(client, "/search/acts", kind="assets", id=store["assets"][0])

    lines = groups_of(page)["Camera FX3"]
    base = f"/assets/{store['assets'][0]}"
    assert lines[0] == base
    assert {f"{base}/edit", f"{base}/history", f"{base}/delete"} <= set(lines)


def test_a_place_leads_to_what_is_there(client, store):
    lisbon = store["sites"][0]

    lines = groups_of(read(client, "/search/acts", kind="locations", id=lisbon))["Lisbon"]

    assert f"/assets?location_id_within={lisbon}" in lines


def test_who_may_only_read_can_only_look(as_role, store):
    page = read(as_role("member"), "/search/acts", kind="assets", id=store["assets"][0])

    assert "/edit" not in page.html
    assert "/delete" not in page.html


@pytest.mark.parametrize("query", ["kind=assets&id=0", "kind=assets&id=x", "kind=nothing&id=1", "kind=users&id=1"])
def test_acts_of_nothing_are_not_found(client, query):
    assert client.get(f"/search/acts?{query}").status_code == 404


def test_whatever_is_typed_is_answered(client, store):
    for q in ("%", "_", "'", '"', "\\", "a" * 300, "( OR *", "ǰ", "🦉", "  "):
        assert palette(client, q)
    assert client.get("/search?q=%00").status_code == 400


def test_finding_costs_the_same_however_much_there_is(app, client, context, store):
    palette(client, "camera")
    with counted(app) as few:
        palette(client, "camera")
    for number in range(30):
        add(context, "assets", name=f"Camera {number}", location_id=store["sites"][number % 2])
    change(context, "assets", store["assets"][0], name="Camera again")
    context.session.commit()

    palette(client, "camera")
    with counted(app) as many:
        palette(client, "camera")

    assert len(many.statements) == len(few.statements), many
    assert len(many.statements) <= 6, many
    assert many.objects == []
