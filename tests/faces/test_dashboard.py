"""The first page: figures that are right, that lead to what they count, and that show nobody what is not theirs."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.markup import Page
from tests.rows import add, add_many, any_category, change, listed
from tests.statements import counted
from webapp.assets import worth
from webapp.assets.dashboard import worth_of
from webapp.faces import dashboard


@pytest.fixture(autouse=True)
def nothing_kept():
    """Forget what other tests counted."""
    dashboard._kept.clear()


def read(client, path="/"):
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Page(answer)


def figures(page):
    """Return {label: (value, address)} of the figures."""
    found = {}
    for url, inner in re.findall(r'<a class="qm-kpi" href="([^"]+)">(.*?)</a>', page.html, re.DOTALL):
        label = re.sub(
            r"<[^>]+>", "", re.search(r'qm-l">(.*?)</span>\s*<span class="qm-v"', inner, re.DOTALL)[1]
        ).strip()
        found[label] = (re.search(r'qm-v">([^<]*)<', inner)[1], url.replace("&amp;", "&"))
    return found


def card(page, title):
    """Return the markup of a card, empty when it is not there."""
    return page.html.partition(f">{title}</h2>")[2].partition("</section>")[0]


def bars(page, title):
    """Return {what: (how many, address)} of a card of bars."""
    rows = re.findall(
        r'<li><a href="([^"]+)"><span class="qm-barname">(.*?)</span><svg class="qm-chart".*?qm-num">(\d+)<',
        card(page, title),
    )
    return {re.sub(r"<[^>]+>", "", name): (int(count), url.replace("&amp;", "&")) for url, name, count in rows}


def rows_of(client, url):
    return read(client, url).html.count("<tr data-row=")


@pytest.fixture
def fleet(context):
    """Three things at Lisbon, two at Porto; one of them deleted, one retired."""
    today = context.today
    lisbon, porto = (add(context, "locations", name=name) for name in ("Lisbon", "Porto"))
    hall = add(context, "locations", name="Hall", parent_id=lisbon)
    laptops = add(context, "categories", name="Laptops")
    retired = next(r["id"] for r in listed(context, "statuses", "lifecycle=retired"))
    day = lambda days: (today + timedelta(days=days)).isoformat()  # noqa: E731 a word for this fixture
    care = {"maintenance_enabled": True, "maintenance_interval_days": 30}
    made = {
        "late": add(context, "assets", name="Drill", location_id=hall, next_maintenance_on=day(-3), **care),
        "soon": add(context, "assets", name="Lathe", location_id=lisbon, next_maintenance_on=day(5), **care),
        "warranty": add(
            context, "assets", name="Laptop", location_id=hall, category_id=laptops, warranty_expires_on=day(20)
        ),
        "end": add(context, "assets", name="Drone", location_id=porto, end_of_life_on=day(45)),
        "gone": add(context, "assets", name="Gone", location_id=porto, warranty_expires_on=day(2)),
        "retired": add(context, "assets", name="Old", location_id=porto, warranty_expires_on=day(2)),
    }
    change(context, "assets", made["retired"], status_id=retired)
    context.session.commit()
    return made | {"lisbon": lisbon, "porto": porto, "laptops": laptops}


@pytest.fixture
def page(client, api, fleet):
    api.delete(f"assets/{fleet['gone']}")
    return read(client)


def test_a_figure_counts_what_its_list_shows(client, page):
    shown = figures(page)

    assert {label: value for label, (value, _url) in shown.items()} == {
        "Assets": "5",
        "Maintenance overdue": "1",
        "Warranties ending": "1",
        "Ends of life": "0",
    }
    assert [rows_of(client, url) for _value, url in shown.values()] == [5, 1, 1, 0]


def test_states_categories_and_places_are_counted_with_links(client, page, fleet):
    assert bars(page, "By category") == {
        "Things": (4, f"/assets?category_id={any_id(client, 'Things', page)}"),
        "Laptops": (1, f"/assets?category_id={fleet['laptops']}"),
    }
    assert sorted(count for count, _url in bars(page, "By state").values()) == [1, 4]
    for title in ("By state", "By category", "By place"):
        for count, url in bars(page, title).values():
            assert rows_of(client, url) == count


def any_id(client, name, page):
    return re.search(rf'category_id=(\d+)"><span class="qm-barname">{name}', page.html)[1]


def test_places_are_counted_with_all_that_is_in_them(page, fleet):
    assert bars(page, "By place") == {
        "Lisbon": (3, f"/assets?location_id_within={fleet['lisbon']}"),
        "Porto": (2, f"/assets?location_id_within={fleet['porto']}"),
    }


def test_what_comes_is_named_the_late_first(client, page, fleet):
    coming = card(page, "Coming up")

    names = re.findall(r'<a class="d-block qm-clip" href="[^"]+">([^<]+)</a>', coming)
    assert names == ["Drill", "Lathe", "Laptop", "Drone"]
    assert "3 days late" in coming
    assert "in 5 days" in coming
    for url, count in re.findall(r'href="(/assets\?[^"]+)">(\d+)</a>', coming):
        assert rows_of(client, url.replace("&amp;", "&")) == int(count)


def test_an_empty_book_says_how_to_fill_it(client):
    page = read(client)

    assert "Nothing is kept here yet" in page.text
    assert figures(page) == {}
    assert "By state" not in page.text


def test_a_manager_of_one_site_counts_what_is_there(as_role, api, fleet):
    manager = as_role("manager", fleet["lisbon"])

    page = read(manager)

    assert figures(page)["Assets"][0] == "3"
    assert figures(page)["Ends of life"][0] == "0"
    assert set(bars(page, "By place")) == {"Lisbon", "Hall"}
    for word in ("Drone", "Porto", "Gone"):
        assert word not in page.text
    assert [rows_of(manager, url) for _value, url in figures(page).values()] == [3, 1, 1, 0]


def test_figures_follow_every_change_at_once(client, api, page, fleet):
    before = figures(read(client))["Maintenance overdue"][0]

    api.patch(f"assets/{fleet['late']}", {"maintenance_enabled": False})
    api.delete(f"assets/{fleet['end']}")

    after = figures(read(client))
    assert (before, after["Maintenance overdue"][0], after["Assets"][0]) == ("1", "0", "4")


def test_what_is_dear_to_count_is_counted_once_a_minute(context, monkeypatch):
    clock = iter([0.0, 10.0, 30.0, 100.0, 101.0, 102.0])
    monkeypatch.setattr(dashboard.time, "monotonic", lambda: next(clock))
    made = iter([1, 2])
    assert dashboard.remembered(context, "test", lambda _: next(made)) == 1
    context.session.info["last_line"] = 999

    assert dashboard.remembered(context, "test", lambda _: next(made)) == 1
    assert dashboard.remembered(context, "test", lambda _: next(made)) == 2


def test_value_is_told_a_currency_each_and_never_added_up(client, context):
    add(context, "assets", purchase_cost="1000.00", currency="EUR")
    add(context, "assets", purchase_cost="500.00", currency="EUR")
    add(context, "assets", purchase_cost="70.00", currency="USD")
    context.session.commit()

    page = read(client)

    assert figures(page)["Book value"][0] == "€1,500"
    assert rows_of(client, figures(page)["Book value"][1]) == 2
    assert "$70.00" in card(page, "Value of all assets")
    assert "1,570" not in page.text


@pytest.fixture
def halved(context):
    """Two things bought a year ago for 1,200 together, written off evenly over two years; one without a day."""
    terms = add(context, "depreciations", name="Two years", method="straight_line", months=24)
    a_year_ago = context.today.replace(day=1, year=context.today.year - 1).isoformat()
    for cost, bought_on in (("900.00", a_year_ago), ("300.00", a_year_ago), ("50.00", None)):
        add(context, "assets", purchase_cost=cost, currency="EUR", depreciation_id=terms, purchased_on=bought_on)
    context.session.commit()
    return context


def test_the_trend_writes_off_month_by_month(halved):
    [found] = worth_of(halved)

    values = [book for _day, book, _cost in found.trend]
    # the end of the month in which they were bought, then a 24th less each month; the day today is in the 13th month
    assert values[:3] == [Decimal(1150), Decimal(1100), Decimal(1050)]
    assert found.book in (Decimal(600), Decimal(550))
    assert found.cost == Decimal(1250)
    assert found.undated == 1
    assert len(found.trend) == 13


def test_the_trend_begins_with_the_purchase(context):
    bought_on = context.today.replace(day=1)
    add(context, "assets", purchase_cost="99.00", currency="EUR", purchased_on=bought_on.isoformat())

    [found] = worth_of(context)

    assert [cost for _day, _book, cost in found.trend] == [Decimal(0)] * 12 + [Decimal(99)]


@pytest.mark.parametrize("minimum", [{"minimum_value": "100.00"}, {"minimum_percent": 10}, {}])
@pytest.mark.parametrize("method", ["straight_line", "double_declining", "sum_of_years"])
def test_many_things_are_worth_the_sum_of_each(context, api, method, minimum):
    terms = add(context, "depreciations", name="So", method=method, months=36, convention="half_year", **minimum)
    ids = []
    for number in range(6):
        bought_on = (context.today - timedelta(days=150 * number)).isoformat()
        ids.append(
            add(
                context,
                "assets",
                purchase_cost=f"{1000 + number}.00",
                currency="EUR",
                purchased_on=bought_on,
                depreciation_id=terms,
            )
        )
    context.session.commit()

    [found] = worth_of(context)

    single = sum(Decimal(api.get(f"assets/{row_id}").json["data"]["book_value"]) for row_id in ids)
    assert abs(found.book - single) <= Decimal("0.03")


def test_what_was_done_lately_is_told_with_names_and_links(client, api, fleet):
    api.patch(f"assets/{fleet['late']}", {"name": "Drill press"})

    lately = card(read(client), "Lately")

    assert f'href="/assets/{fleet["late"]}">Drill press</a>' in lately
    assert "changed" in lately
    assert "AST-" in lately


def test_what_was_deleted_is_linked_for_those_who_may_bring_it_back(client, as_role, api, fleet):
    api.delete(f"assets/{fleet['gone']}")
    link = f'href="/assets/{fleet["gone"]}">Gone</a>'

    assert link in card(read(client), "Lately")
    assert link not in card(read(as_role("member")), "Lately")
    assert "Gone" in card(read(as_role("member")), "Lately")


def test_what_was_done_at_once_is_one_line(client, context):
    add_many(context, "manufacturers", [{"name": f"Maker {number}"} for number in range(5)])
    context.session.commit()

    assert re.search(r'added <a href="/manufacturers">5 manufacturers</a>', card(read(client), "Lately"))


def test_a_manager_of_one_site_is_not_told_what_was_done_elsewhere(as_role, api, fleet):
    manager = as_role("manager", fleet["lisbon"])
    api.patch(f"assets/{fleet['end']}", {"name": "Secret drone"})
    api.patch(f"assets/{fleet['late']}", {"name": "Drill press"})

    lately = card(read(manager), "Lately")

    assert "Drill press" in lately
    assert "Secret drone" not in lately
    assert "Drone" not in lately


def test_the_first_page_costs_the_same_however_much_there_is(app, client, context, fleet):
    for _ in range(2):
        read(client)
    with counted(app) as few:
        read(client)
    add_many(context, "assets", [{"name": f"More {n}", "category_id": any_category(context)} for n in range(40)])
    context.session.commit()
    with counted(app) as cold:
        read(client)
    with counted(app) as warm:
        read(client)

    assert len(warm.statements) <= len(few.statements), warm
    assert len(cold.statements) <= 12, cold
    assert warm.objects == []


def test_the_last_days_of_the_months_before(context):
    ends = worth.month_ends_before(context.today.replace(year=2026, month=3, day=31), 3)

    assert [end.isoformat() for end in ends] == ["2025-12-31", "2026-01-31", "2026-02-28"]
