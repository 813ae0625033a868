"""Every page there is, at both sizes, light and dark: readable for all, nothing refused, nothing scrolls sideways."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import OpenPage
from tests.factories import having
from tests.live import LiveApi, LiveServer

RESOURCES = [resource.name for resource in having("list", face="pages")]
OF_EACH = ("", "/new", "/{id}", "/{id}/edit", "/{id}/delete", "/{id}/history")
BY_HAND = (
    "/",
    "/assets?q=nothing+like+this",
    "/assets?deleted=true",
    "/assets?panel=filter",
    "/assets?panel=columns",
    "/assets/bulk/edit?ids=1,2,3",
    "/assets/bulk/delete?ids=1,2,3",
    "/imports",
    "/members",
    "/members/new",
    "/members/invite",
    "/profile",
    "/profile/second-factor",
    "/organizations",
    "/password",
    "/settings/api-keys",
    "/settings/api-keys?show=revoked",
    "/settings/api-keys/new",
    "/settings/organization",
    "/assets/999999999",
)


@pytest.fixture(scope="module")
def demo(live_server: LiveServer) -> tuple[str, str]:
    """Return address and password of the owner of the demo organization, which has something of everything."""
    words = live_server.flask("demo", "load").splitlines()[-1]
    return words.split(" as ")[1].split(" with ")[0], words.split("password ")[1]


@pytest.mark.parametrize("name", RESOURCES)
def test_pages_of_a_resource(
    name: str, page: Page, demo: tuple[str, str], sign_in: Callable, look: Callable[[Page], None]
) -> None:
    sign_in(page, *demo)
    page.goto(f"/{name}?sort=id")
    row_id = page.locator("tr[data-row]").first.get_attribute("data-row")

    for path in OF_EACH:
        page.goto(f"/{name}{path.format(id=row_id)}")
        look(page)


def test_pages_of_their_own(page: Page, demo: tuple[str, str], sign_in: Callable, look: Callable[[Page], None]) -> None:
    sign_in(page, *demo)

    for path in BY_HAND:
        page.goto(path)
        look(page)


def test_pages_in_front_of_the_door(
    page: Page, live_server: LiveServer, demo: tuple[str, str], look: Callable[[Page], None]
) -> None:
    page.goto("/login")
    look(page)

    page.goto("/setup")
    look(page)
    assert page.locator("h1").inner_text() == "There is nothing here"


def test_a_page_that_may_not_be_seen(
    page: Page, live_server: LiveServer, member: tuple[str, str], sign_in: Callable, look: Callable[[Page], None]
) -> None:
    sign_in(page, *member)

    page.goto("/assets/new")
    look(page)
    assert page.locator("h1").inner_text() == "You may not do this"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_documentation_of_the_api(size: str, theme: str, open_page: OpenPage, axe: Callable[..., None]) -> None:
    page = open_page(size, color_scheme=theme)
    page.goto("/api/docs")

    page.click("#operations-tag-assets")
    axe(page)
    page.click(".opblock-get .opblock-summary-control")
    page.wait_for_selector(".opblock-body")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_key_opens_the_documentations_calls(page: Page, resident_api: LiveApi) -> None:
    page.goto("/api/docs")
    page.click(".btn.authorize")
    page.fill(".modal-ux input", resident_api.key)
    page.click(".modal-ux button[type=submit]")
    page.click(".modal-ux .btn-done")

    page.click("#operations-tag-me")
    page.click(".opblock-get .opblock-summary-control")
    page.click(".btn.execute")

    page.locator(".live-responses-table .response-col_status", has_text="200").wait_for()
