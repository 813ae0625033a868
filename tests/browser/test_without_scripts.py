"""Without JavaScript the core acts work: sign in, list, filter, make, edit, delete, bring back."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SIZES, OpenPage
from tests.households import unique


@pytest.fixture(params=list(SIZES))
def plain(request: pytest.FixtureRequest, open_page: OpenPage) -> Page:
    """Return a page that runs no script, once of each size."""
    return open_page(request.param, java_script_enabled=False)


def test_a_thing_is_made_changed_found_deleted_and_brought_back(plain: Page, sign_in: Callable[..., Page]) -> None:
    name = unique("Easel").replace("-", "")
    sign_in(plain).goto("/manufacturers")
    plain.locator(".qm-actions").get_by_role("link", name="New manufacturer").click()
    plain.fill("[name=name]", name)
    plain.fill("[name=support_email]", "help@example.org")
    plain.click("[data-key=save]")
    expect(plain.locator("h1")).to_have_text(name)

    plain.get_by_role("link", name="Edit").click()
    plain.fill("[name=notes]", "Made of oak")
    plain.click("[data-key=save]")
    expect(plain.locator(".qm-history")).to_contain_text("changed 1 field")

    plain.goto("/manufacturers")
    plain.fill("#q", name)
    plain.press("#q", "Enter")
    expect(plain.get_by_role("link", name=name).locator("visible=true")).to_have_count(1)
    plain.get_by_role("link", name=name).locator("visible=true").click()

    plain.get_by_label("More acts").click()
    plain.get_by_role("link", name="Delete").click()
    plain.get_by_role("button", name="Delete").click()
    expect(plain.locator("#toasts")).to_contain_text(f"{name} was deleted")
    plain.locator("#toasts").get_by_role("button", name="Restore").click()
    expect(plain.locator("#toasts")).to_contain_text(f"{name} was restored")


def test_a_list_is_filtered_and_its_columns_chosen(plain: Page, sign_in: Callable[..., Page]) -> None:
    sign_in(plain).goto("/statuses?panel=filter")
    plain.select_option("[name=lifecycle_in], [name=lifecycle]", "lost")
    plain.get_by_role("button", name="Show").click()
    expect(plain.locator(".qm-chip.is-set")).to_contain_text("Lost")
    expect(plain.get_by_role("link", name="Lost").locator("visible=true")).to_have_count(1)

    plain.goto("/statuses?panel=columns")
    plain.get_by_role("button", name="Move Lifecycle up").click()
    plain.get_by_role("button", name="Show").click()
    expect(plain.locator("thead th:not(.qm-check)").first).to_contain_text("Lifecycle")

    plain.goto("/statuses?panel=columns")
    plain.get_by_role("button", name="Usual columns").click()
    expect(plain.locator("thead th:not(.qm-check)").first).to_contain_text("Name")


def test_the_menu_opens_on_a_phone(open_page: OpenPage, sign_in: Callable[..., Page]) -> None:
    phone = sign_in(open_page("phone", java_script_enabled=False), fresh=True)

    phone.get_by_role("link", name="Menu").click()
    phone.locator("#side").get_by_role("link", name="Places").click()

    phone.wait_for_url("**/locations")


def test_one_signs_out(plain: Page, sign_in: Callable[..., Page]) -> None:
    sign_in(plain, fresh=True)
    if plain.viewport_size == SIZES["phone"]:
        plain.get_by_role("link", name="Menu").click()

    plain.locator("#side summary.nav-link").click()
    plain.get_by_role("button", name="Sign out").click()

    expect(plain.locator("h1")).to_have_text("Sign in to Quartermaster")
