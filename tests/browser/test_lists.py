"""Lists worked in a browser: views that are kept, columns in their order, filters found by name, a head that stays."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.households import unique
from tests.live import LiveApi

SignIn = Callable[..., Page]


@pytest.fixture
def makers(resident_api: LiveApi) -> str:
    """Return a word that forty manufacturers share: more than fit on a screen."""
    word = unique("Glass").replace("-", "")
    for number in range(40):
        resident_api("POST", "manufacturers", {"name": f"{word} {number:02}", "support_email": "help@example.org"})
    return word


def dialog(page: Page) -> Page:
    """Wait until the page's dialog is open."""
    expect(page.locator("#dialog")).to_be_visible()
    return page


def headings(page: Page) -> list[str]:
    """Return the headings of the list's columns."""
    return [text.strip() for text in page.locator("thead th:not(.qm-check)").all_inner_texts()]


def test_a_list_is_kept_found_again_and_given_up(desktop: Page, sign_in: SignIn, makers: str) -> None:
    sign_in(desktop).goto(f"/manufacturers?q={makers}")
    desktop.get_by_role("link", name="Save view").click()
    dialog(desktop).fill("#view-name", makers)
    desktop.keyboard.press("Control+Enter")
    expect(desktop.locator("#views [aria-current]")).to_contain_text(makers)
    expect(desktop.get_by_role("link", name="Save view")).to_have_count(0)

    for order in ("ascending", "descending"):
        desktop.get_by_role("link", name="Name", exact=True).click()
        expect(desktop.locator(f"th[aria-sort={order}]")).to_contain_text("Name")
    desktop.get_by_role("link", name="Save view").click()
    dialog(desktop).get_by_role("button", name="Replace").click()
    expect(desktop.locator("#toasts")).to_contain_text("shows this from now on")
    desktop.goto("/manufacturers")
    desktop.locator("#views").get_by_role("link", name=makers).click()
    expect(desktop.locator("tbody tr").first).to_contain_text(f"{makers} 39")

    desktop.get_by_role("link", name=f"Change the view {makers}").click()
    dialog(desktop).get_by_role("button", name="Delete").click()
    expect(desktop.locator("#views")).not_to_contain_text(makers)
    desktop.get_by_role("button", name="Restore").click()
    expect(desktop.locator("#views")).to_contain_text(makers)


def test_tabs_learn_their_counts_after_the_page_is_shown(desktop: Page, sign_in: SignIn, makers: str) -> None:
    sign_in(desktop).goto("/manufacturers?support_email=help@example.org")
    desktop.get_by_role("link", name="Save view").click()
    dialog(desktop).fill("#view-name", f"Helpful {makers}")
    desktop.keyboard.press("Enter")
    expect(desktop.locator("#views [aria-current]")).to_contain_text("Helpful")

    desktop.goto("/manufacturers")

    expect(desktop.locator("#views").get_by_role("link", name=f"Helpful {makers} ")).to_be_visible()


def test_columns_are_put_in_order_by_keys_alone(desktop: Page, sign_in: SignIn, makers: str) -> None:
    sign_in(desktop).goto(f"/manufacturers?q={makers}")
    usual = headings(desktop)
    desktop.get_by_role("link", name="Columns").click()
    dialog(desktop).get_by_label(usual[1], exact=True).focus()

    desktop.keyboard.press("Alt+ArrowUp")
    expect(desktop.locator("[data-order-said]")).to_contain_text("is now number 1")
    expect(dialog(desktop).get_by_label(usual[1], exact=True)).to_be_focused()
    desktop.get_by_role("button", name=f"Move {usual[0]} down").click()
    desktop.keyboard.press("Control+Enter")
    expect(desktop.locator("#dialog")).to_be_hidden()
    expect(desktop.locator("thead th:not(.qm-check)").first).to_contain_text(usual[1])

    desktop.goto("/manufacturers")
    assert headings(desktop)[0] == usual[1]
    desktop.get_by_role("link", name="Columns").click()
    dialog(desktop).get_by_role("button", name="Usual columns").click()
    expect(desktop.locator("thead th:not(.qm-check)").first).to_contain_text(usual[0])


def test_a_filter_is_found_by_its_name(desktop: Page, sign_in: SignIn) -> None:
    sign_in(desktop).goto("/assets")
    desktop.keyboard.press("f")
    dialog(desktop).get_by_label("Find a field").fill("warranty")

    expect(desktop.locator("#dialog [name=warranty_months_after]")).to_be_visible()
    expect(desktop.locator("#filter-serial_number")).to_be_hidden()
    desktop.fill("#dialog [name=warranty_months_after]", "12")
    desktop.keyboard.press("Control+Enter")
    expect(desktop.locator("#chips")).to_contain_text("Warranty: more than 12")


def test_the_head_of_a_list_stays_in_sight(desktop: Page, sign_in: SignIn, makers: str) -> None:
    for fields in ("", "&fields=name,url,support_url,support_phone,support_email,notes,created_at,updated_at"):
        sign_in(desktop).goto(f"/manufacturers?q={makers}{fields}")
        desktop.locator("tbody tr").last.scroll_into_view_if_needed()
        desktop.evaluate("scrollTo(0, document.body.scrollHeight)")

        expect(desktop.locator("thead").get_by_text("Name", exact=True)).to_be_in_viewport(ratio=1)
        top = desktop.locator("thead th").first.bounding_box()
        assert top is not None
        assert top["y"] >= 47
        desktop.context.clear_cookies()


def test_one_ticked_row_is_duplicated(desktop: Page, sign_in: SignIn, makers: str) -> None:
    sign_in(desktop).goto(f"/manufacturers?q={makers}&sort=name")
    for key in "jx":
        desktop.keyboard.press(key)
    expect(desktop.get_by_role("button", name="Duplicate")).to_be_visible()
    for key in "jx":
        desktop.keyboard.press(key)
    expect(desktop.get_by_role("button", name="Duplicate")).to_be_hidden()
    desktop.keyboard.press("x")

    desktop.get_by_role("button", name="Duplicate").click()

    desktop.wait_for_url("**/manufacturers/new?from=*")
    expect(desktop.locator("[name=support_email]")).to_have_value("help@example.org")
    expect(desktop.locator("[name=name]")).to_have_value("")


def test_letters_do_nothing_for_who_has_switched_them_off(desktop: Page, sign_in: SignIn) -> None:
    sign_in(desktop).goto("/manufacturers")
    desktop.evaluate("document.body.dataset.shortcuts = 'off'")

    for key in ("j", "n", "?", "f"):
        desktop.keyboard.press(key)

    expect(desktop.locator("tr.is-here")).to_have_count(0)
    expect(desktop.locator("dialog[open]")).to_have_count(0)
    assert desktop.url.endswith("/manufacturers")
