"""Every page there is, at both sizes, light and dark: readable for all, nothing refused, nothing scrolls sideways."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SIZES, OpenPage
from tests.factories import having
from tests.households import unique
from tests.letterbox import parsed, path_in
from tests.live import LiveApi, LiveServer
from webapp.core.resource import Resource

RESOURCES = having("list", face="pages")
OF_EACH = ("?sort=id&per_page=10", "/{id}", "/{id}/edit", "/{id}/delete")
OF_ASSETS = (
    "?panel=filter&per_page=10",
    "?q=nothing+like+this",
    "?deleted=true",
    "?panel=columns&per_page=10",
    "/views?query=notes_empty=true",
    "/new",
    "/{id}/history",
    "/bulk/edit?ids={id}",
    "/bulk/delete?ids={id}",
    "/999999999",
)
OF_SETTINGS = (
    "/members",
    "/members/new",
    "/members/invite",
    "/settings/api-keys",
    "/settings/api-keys?show=revoked",
    "/settings/api-keys/new",
    "/webhooks",
    "/webhooks/new",
    "/imports/mappings",
    "/archives",
    "/archives/bring-in",
    "/settings/organization",
)
OF_ONES_OWN = ("/profile", "/profile/second-factor", "/organizations", "/password")
OF_EVERYTHING = ("/", "/locations/tree", "/search?q=sony", "/imports")
FILE = "Asset Tag,Item,Category,Bought\nL-1,Lens,Lenses,2026-01-05\nL-1,Lens,Lenses,yesterday\n"


@pytest.fixture(scope="module")
def demo(live_server: LiveServer) -> tuple[str, str]:
    """Return address and password of the owner of the demo organization, which has something of everything."""
    words = live_server.flask("demo", "load").splitlines()[-1]
    return words.split(" as ")[1].split(" with ")[0], words.split("password ")[1]


@pytest.fixture
def inside(desktop: Page, demo: tuple[str, str], sign_in: Callable[..., Page]) -> Page:
    """Return a page of the owner of the demo organization."""
    return sign_in(desktop, *demo)


@pytest.fixture(scope="session")
def look_around(look: Callable[[Page], None]) -> Callable[..., None]:
    """Return a function that looks at a page, or at several addresses in it, at both sizes."""

    def check(page: Page, *paths: str) -> None:
        for path in paths or ("",):
            if path:
                page.goto(path)
            for size in SIZES.values():
                page.set_viewport_size(size)
                look(page)
            page.set_viewport_size(SIZES["desktop"])

    return check


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.name)
def test_pages_of_a_resource(resource: Resource, inside: Page, look_around: Callable[..., None]) -> None:
    of_rows = [f"/{{id}}/{action.path}" for action in resource.actions] if {"get"} <= resource.pages else []
    inside.goto(f"/{resource.name}?sort=id&per_page=1")
    row_id = inside.locator("tr[data-row]").first.get_attribute("data-row")

    paths = (*OF_EACH, *of_rows, *(OF_ASSETS if resource.name == "assets" else ()))
    look_around(inside, *(f"/{resource.name}{path.format(id=row_id)}" for path in paths))


def test_a_thing_with_own_fields_and_one_inside_it(inside: Page, look_around: Callable[..., None]) -> None:
    for words in ("FX3", "Case"):
        inside.goto(f"/assets?q={words}&per_page=1")
        row_id = inside.locator("tr[data-row]").first.get_attribute("data-row")
        look_around(inside, f"/assets/{row_id}", f"/assets/{row_id}?tab=contents", f"/assets/{row_id}/edit")


@pytest.mark.parametrize("paths", [OF_SETTINGS, OF_ONES_OWN, OF_EVERYTHING], ids=["settings", "own", "everything"])
def test_pages_of_their_own(paths: tuple[str, ...], inside: Page, look_around: Callable[..., None]) -> None:
    look_around(inside, *paths)
    if paths == OF_SETTINGS:
        inside.goto("/members")
        acts = [inside.locator("td a", has_text=act).first for act in ("Access", "Remove", "Withdraw")]
        look_around(inside, *[str(act.get_attribute("href")) for act in acts])


def test_an_import_that_is_looked_at(inside: Page, look_around: Callable[..., None]) -> None:
    inside.goto("/imports")
    file = {"name": "lenses.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
    inside.set_input_files("[type=file]", [file])  # type: ignore[list-item]
    inside.get_by_role("button", name="Upload and check").click()
    expect(inside.locator("#import-rows")).to_contain_text("yesterday")

    look_around(inside)


def test_dialogs_over_a_page(inside: Page, look_around: Callable[..., None]) -> None:
    for path, name in (("/assets?per_page=10", "Columns"), ("/assets?per_page=10&q=fx3", "Save view")):
        inside.goto(path)
        inside.get_by_role("link", name=name).click()
        expect(inside.locator("#dialog")).to_be_visible()
        look_around(inside)
    inside.goto("/locations?per_page=10")
    with inside.expect_navigation():
        inside.locator("tr[data-row] a").first.click()
    for name in ("Move", "Merge", "Delete"):
        inside.get_by_label("More acts").click()
        inside.locator(".qm-head").get_by_role("link", name=name).click()
        expect(inside.locator("#dialog")).to_be_visible()
        look_around(inside)
        inside.keyboard.press("Escape")


def letter_to(server: LiveServer, page: Page, address: str) -> str:
    """Wait for a letter of the live server to an address and return the path of its link."""
    for _ in range(300):
        for path in (server.folder / "instance" / "mail").glob("*.eml"):
            letter = parsed(path.read_bytes())
            if letter["To"] == address:
                return path_in(letter)
        page.wait_for_timeout(100)
    raise AssertionError(f"no letter came to {address}")


def test_pages_in_front_of_the_door(
    desktop: Page, live_server: LiveServer, member: tuple[str, str], look_around: Callable[..., None]
) -> None:
    desktop.goto("/forgot")
    desktop.fill("[name=email]", member[0])
    desktop.keyboard.press("Enter")
    expect(desktop).to_have_url(re.compile("sent=1"))

    look_around(desktop, "/forgot?sent=1", "/forgot", "/login", letter_to(live_server, desktop, member[0]))
    look_around(desktop, "/reset?token=over", "/invitation?token=over", "/setup")
    expect(desktop.locator("h1")).to_have_text("There is nothing here")


def test_an_invitation(
    desktop: Page, live_server: LiveServer, sign_in: Callable[..., Page], look_around: Callable[..., None]
) -> None:
    email = f"{unique('guest')}@example.org"
    sign_in(desktop).goto("/members/invite")
    desktop.fill("[name=email]", email)
    desktop.keyboard.press("Control+s")
    desktop.wait_for_url("**/members")
    desktop.context.clear_cookies()

    look_around(desktop, letter_to(live_server, desktop, email))


def test_a_page_that_may_not_be_seen(
    desktop: Page, member: tuple[str, str], sign_in: Callable[..., Page], look_around: Callable[..., None]
) -> None:
    look_around(sign_in(desktop, *member), "/assets/new")
    expect(desktop.locator("h1")).to_have_text("You may not do this")


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("phone", "dark")])
def test_the_documentation_of_the_api(size: str, theme: str, open_page: OpenPage, axe: Callable[..., None]) -> None:
    page = open_page(size, color_scheme=theme)
    page.goto("/api/docs")

    page.click("#operations-tag-assets")
    axe(page)
    page.click(".opblock-get .opblock-summary-control")
    page.wait_for_selector(".opblock-body")
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_key_opens_the_documentations_calls(desktop: Page, resident_api: LiveApi) -> None:
    desktop.goto("/api/docs")
    desktop.click(".btn.authorize")
    desktop.fill(".modal-ux input", resident_api.key)
    desktop.click(".modal-ux button[type=submit]")
    desktop.click(".modal-ux .btn-done")

    desktop.click("#operations-tag-me")
    desktop.click(".opblock-get .opblock-summary-control")
    desktop.click(".btn.execute")

    desktop.locator(".live-responses-table .response-col_status", has_text="200").wait_for()
