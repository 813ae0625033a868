"""Lists that are kept under a name: one's own, everybody's, and one's usual columns."""

import re

import pytest

from tests.markup import Page
from tests.rows import add
from tests.statements import counted


def read(client, path, **headers):
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return Page(answer)


def post(client, path, status=303, **fields):
    answer = client.post(path, data=fields)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer


def save(client, name, query, **fields):
    return post(client, "/locations/views", name=name, query=query, **fields).location


def tabs(client, path="/locations"):
    """Return {tab: (address, whether it is the current one)}."""
    html = read(client, path).html.partition('id="views"')[2].partition("</nav>")[0]
    found = re.findall(r'<a href="([^"]+)"( aria-current="page")?>(?:<svg.*?</svg>)?([^<]+)', html)
    return {label.strip(): (url.replace("&amp;", "&"), bool(current)) for url, current, label in found}


def headings(client, path):
    html = read(client, path).html
    return re.findall(r'<th class="[^"]*" scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', html)


@pytest.fixture
def places(context):
    """Two sites and a floor."""
    lisbon = add(context, "locations", name="Lisbon", code="LIS")
    add(context, "locations", name="Porto")
    add(context, "locations", name="Floor 2", kind="location", parent_id=lisbon)
    context.session.commit()


def test_a_kept_list_is_a_tab_that_leads_to_it(client, places):
    save(client, "Sites", "kind=site&sort=-name")

    url, current = tabs(client)["Sites"]
    assert not current
    assert "Floor 2" not in read(client, url).text
    assert tabs(client, url)["Sites"][1]


def test_the_tabs_say_how_many_once_the_page_is_shown(client, places):
    save(client, "Sites", "kind=site")
    save(client, "With a code", "code_empty=false")

    found = Page(client.get("/locations?panel=views")).text

    assert "All 3" in found
    assert "Sites 2" in found
    assert "With a code 1" in found


def test_a_view_is_recognized_by_what_it_shows(client, places):
    save(client, "Sites", "sort=-name&kind=site")

    assert tabs(client, "/locations?kind=site&sort=-name")["Sites"][1]
    assert tabs(client, "/locations?kind=location")["All"][1]


def test_a_changed_view_can_be_kept_and_an_unchanged_one_need_not(client, places):
    url = save(client, "Sites", "kind=site")

    assert "Save view" not in read(client, url).text
    assert "Save view" not in read(client, "/locations").text
    assert "Save view" in read(client, f"{url}&sort=-name").text
    assert "Save view" in read(client, "/locations?kind=site&sort=code").text


def test_a_changed_view_replaces_the_one_it_started_from(client, places):
    url = save(client, "Sites", "kind=site")
    view = url.rpartition("=")[2]
    assert "Replace “Sites”" in read(client, f"/locations/views?query=kind=location&view={view}").text

    post(client, "/locations/views", act="replace", view=view, query="kind=location")

    assert "Floor 2" in read(client, tabs(client)["Sites"][0]).text
    assert "Porto" not in read(client, tabs(client)["Sites"][0]).text


def test_a_view_is_renamed_moved_deleted_and_restored(client):
    first, second = (save(client, name, "kind=site").rpartition("=")[2] for name in ("One", "Two"))

    post(client, "/locations/views", act="rename", id=first, name="Uno")
    post(client, "/locations/views", act="left", id=second)
    assert list(tabs(client)) == ["All", "Two", "Uno", "Deleted"]

    post(client, "/locations/views", act="delete", id=second)
    assert list(tabs(client)) == ["All", "Uno", "Deleted"]
    post(client, f"/locations/views?act=restore&id={second}")
    assert "Two" in tabs(client)


def test_moves_keep_their_order_however_often_they_are_made(client):
    ids = {name: save(client, name, f"q={name}").rpartition("=")[2] for name in "abcd"}

    for name in "dcdbd":
        post(client, "/locations/views", act="left", id=ids[name])

    assert "".join(list(tabs(client))[1:-1]) == "bdac"


@pytest.mark.parametrize(
    ("name", "said"), [("", "1 to 80"), ("x" * 81, "1 to 80"), (" SITES ", "of this name already")]
)
def test_a_view_needs_a_name_of_its_own(client, name, said):
    save(client, "Sites", "kind=site")

    page = Page(post(client, "/locations/views", 422, name=name, query="kind=location"))

    assert said in page.errors["view-name"]
    assert page.forms["/locations/views"]["query"] == ["kind=location"]


def test_ones_own_views_are_seen_by_nobody_else(client, as_role):
    view = save(client, "Mine", "kind=site").rpartition("=")[2]
    other = as_role("admin")

    assert "Mine" not in tabs(other)
    post(other, "/locations/views", 404, act="delete", id=view)
    post(other, "/locations/views", 404, act="rename", id=view, name="Theirs")
    assert "Mine" in tabs(client)


def test_a_shared_view_is_everybodys_to_use_and_managers_to_change(client, as_role):
    view = save(client, "Sites", "kind=site", shared="true").rpartition("=")[2]
    member, manager = as_role("member"), as_role("manager")

    assert "Sites" in tabs(member)
    post(member, "/locations/views", 403, act="delete", id=view)
    post(manager, "/locations/views", act="rename", id=view, name="All sites", shared="true")
    assert "All sites" in tabs(member)


def test_sharing_needs_the_right_to(as_role):
    member = as_role("member")

    assert "For everybody" not in read(member, "/locations/views?query=kind=site").text
    post(member, "/locations/views", 403, name="Sites", query="kind=site", shared="true")
    save(member, "Sites", "kind=site")
    assert "Sites" in tabs(member)


def test_another_organization_sees_none_of_them(client, other_organization):
    view = save(client, "Sites", "kind=site", shared="true").rpartition("=")[2]
    other = other_organization.page_client()

    assert "Sites" not in tabs(other)
    post(other, "/locations/views", 404, act="delete", id=view)


def test_what_has_become_invalid_is_left_out_and_told(client, places):
    url = save(client, "Old", "custom.gone=1&kind=site&fields=name,custom.gone")

    page = read(client, url)

    assert "There is no such filter here." in page.text
    assert "There is no field custom.gone." in page.text
    assert "Lisbon" in page.text
    assert "Floor 2" not in page.text


def test_a_view_of_deleted_things_is_only_for_those_who_restore(client, as_role):
    save(client, "Bin", "deleted=true", shared="true")

    assert "Bin" in tabs(client)
    assert "Bin" not in tabs(as_role("member"))


def choose(client, *names, query="", view="", **more):
    sent = {"order": list(names), "show": list(names), "query": query, "view": view}
    return post(client, "/locations/columns", **sent, **more)


def test_columns_are_shown_in_the_chosen_order_and_remembered(client, as_role, places):
    usual = headings(client, "/locations")

    choose(client, "kind", "name")

    assert headings(client, "/locations") == ["Kind", "Name"]
    assert headings(as_role("admin"), "/locations") == usual


def test_usual_columns_come_back(client, places):
    usual = headings(client, "/locations")
    choose(client, "kind", "name")

    choose(client, act="usual")

    assert headings(client, "/locations") == usual


def test_columns_chosen_in_a_view_are_the_views(client, places):
    view = save(client, "Sites", "kind=site").rpartition("=")[2]

    url = choose(client, "name", query="kind=site", view=view).location

    assert headings(client, url) == ["Name"]
    assert len(headings(client, "/locations")) > 1
    assert tabs(client, url)["Sites"][1]


def test_what_is_kept_has_the_columns_that_were_shown(client, as_role, places):
    choose(client, "name", "code")
    link = re.search(r'href="(/locations/views\?query=[^"]+)"', read(client, "/locations?kind=site").html)[1]

    form = read(client, link.replace("&amp;", "&")).forms["/locations/views"]
    url = save(client, "Short", form["query"][0], shared="true")

    assert headings(as_role("member"), url) == ["Name", "Code"]


def test_a_column_moves_without_a_script(client):
    page = Page(post(client, "/locations/columns", 200, order=["name", "code", "kind"], show=["name"], up="kind"))

    form = page.forms["/locations/columns"]
    assert form["order"] == ["name", "kind", "code"]
    assert form["show"] == ["name"]


def test_a_list_without_columns_is_not_shown(client):
    assert "Tick at least one column." in Page(choose_none(client)).text


def choose_none(client):
    return post(client, "/locations/columns", 422, order=["name"], query="")


def test_twenty_views_cost_no_more_than_one(app, client, places):
    costs = []
    for count in (1, 19):
        for number in range(count):
            save(client, f"{count} {number}", f"kind=site&sort=-name&code_not={count}{number}")
        for path in ("/locations", "/locations?panel=views"):
            client.get(path)
            with counted(app) as cost:
                client.get(path)
            costs.append(len(cost.statements))

    assert costs[:2] == costs[2:]
    assert max(costs) <= 5


def test_who_sees_one_site_counts_what_is_there(client, as_role, context):
    lisbon, porto = (add(context, "locations", name=name) for name in ("Lisbon", "Porto"))
    for site in (lisbon, porto, porto):
        add(context, "assets", name="Camera", location_id=site)
    context.session.commit()
    post(client, "/assets/views", name="Cameras", query="name=camera", shared="true")

    narrowed, whole = (read(who, "/assets?panel=views").text for who in (as_role("manager", lisbon), client))

    assert "All 1 Cameras 1" in narrowed
    assert "All 3 Cameras 3" in whole


@pytest.mark.parametrize("number", ["999999999", "9" * 30, "-1", "x", "١"])
def test_a_number_that_is_no_views_is_not_found(client, number):
    assert read(client, f"/locations?view={number}")
    assert read(client, f"/locations/views?id={number}&view={number}")
    post(client, "/locations/views", 404, act="delete", id=number)
    assert client.get(f"/locations/new?from={number}").status_code == 404
