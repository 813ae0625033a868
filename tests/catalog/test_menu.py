"""States that stand in the menu."""

from tests.markup import Page


def test_a_state_marked_for_the_menu_leads_to_its_assets(api, client):
    lost = next(row for row in api.get("statuses").json["data"] if row["name"] == "Lost")
    api.patch(f"statuses/{lost['id']}", {"show_in_nav": True})

    page = Page(client.get("/"))

    assert f'href="/assets?status_id={lost["id"]}"' in page.html
