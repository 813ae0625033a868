"""One thing as a page: its facts, what refers to it, and its history."""

import re

import pytest

from tests.markup import Page
from tests.rows import add, any_category


def read(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Page(answer)


def related(client, path):
    """Return {label: (count, address)} of the card of what refers to a thing."""
    html = read(client, path).html.partition(">Related<")[2].partition("</ul>")[0]
    found = re.findall(r'href="([^"]+)">([^<]+)</a>\s*<span[^>]*>([^<]+)<', html)
    return {label: (count, url) for url, label, count in found}


@pytest.fixture
def shelf(context):
    """A product with three copies, one of them deleted, and one at each of two sites."""
    category = any_category(context)
    product = add(context, "products", name="ILME-FX3", category_id=category)
    sites = [add(context, "locations", name=name) for name in ("Lisbon", "Porto")]
    for site in sites:
        add(context, "assets", name="Camera", product_id=product, location_id=site)
    gone = add(context, "assets", name="Old camera", product_id=product, location_id=sites[0])
    context.session.commit()
    return product, sites, gone


def test_a_product_says_how_many_assets_are_copies_of_it(client, api, shelf):
    product, _sites, gone = shelf
    assert related(client, f"/products/{product}")["Assets"] == ("3", f"/assets?product_id={product}")

    api.delete(f"assets/{gone}")

    assert related(client, f"/products/{product}")["Assets"][0] == "2"


def test_what_is_counted_is_what_its_list_shows(client, shelf):
    _count, url = related(client, f"/products/{shelf[0]}")["Assets"]

    assert read(client, url).html.count("data-row=") == 3


def test_who_sees_one_site_counts_what_is_there(as_role, shelf):
    product, (lisbon, _porto), _gone = shelf

    assert related(as_role("manager", lisbon), f"/products/{product}")["Assets"][0] == "2"


def test_a_thing_that_nothing_refers_to_says_nothing_of_it(client, context):
    maker = add(context, "manufacturers", name="Sony")
    context.session.commit()

    assert "Related" not in read(client, f"/manufacturers/{maker}").text


def test_addresses_can_be_written_to_and_called(client, context):
    maker = add(
        context, "manufacturers", name="Sony", support_email="help@sony.example", support_phone="+351 21 000 00 00"
    )
    context.session.commit()

    html = read(client, f"/manufacturers/{maker}").html

    assert 'href="mailto:help@sony.example"' in html
    assert 'href="tel:+351210000000"' in html


def test_the_history_names_what_it_points_to(client, api, shelf):
    _product, (_lisbon, porto), asset = shelf
    api.patch(f"assets/{asset}", {"location_id": porto})

    text = read(client, f"/assets/{asset}").text

    assert "Lisbon → Porto" in text
    assert "through the API" in text


def test_many_facts_stand_under_the_headings_of_the_form(client, context):
    full = {"purchase_cost": "100.00", "purchased_on": "2026-01-02", "order_number": "PO-1", "serial_number": "S1"}
    full |= {"warranty_months": 24, "notes": "Careful"}
    product = add(context, "products", name="FX3", category_id=any_category(context))
    site, maker = add(context, "locations", name="Lisbon"), add(context, "suppliers", name="Wex")
    who = add(context, "persons", first_name="Amara", is_technician=True)
    more = {
        "location_id": site,
        "home_location_id": site,
        "technician_id": who,
        "supplier_id": maker,
        "description": "A",
    }
    asset = add(context, "assets", name="Camera", product_id=product, **full, **more)
    context.session.commit()

    html = read(client, f"/assets/{asset}").html

    assert html.count("qm-factshead") > 1
