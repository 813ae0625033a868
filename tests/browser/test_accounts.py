"""Accounts as people meet them: pages in front of the door, the second factor, by keyboard alone."""

from collections.abc import Callable

import pyotp
from playwright.sync_api import Page, expect

from tests.households import PASSWORD, unique
from tests.live import LiveApi

SignIn = Callable[..., Page]


def newcomer(resident_api: LiveApi) -> str:
    """Make a member of their own and return the address."""
    email = f"{unique('new')}@example.org"
    resident_api("POST", "members", {"email": email, "name": "Nia New", "password": PASSWORD, "role": "member"})
    return email


def test_a_second_factor_is_set_up_and_asked_for_by_keyboard_alone(
    desktop: Page, sign_in: SignIn, resident_api: LiveApi, look: Callable[[Page], None]
) -> None:
    email = newcomer(resident_api)
    page = sign_in(desktop, email, PASSWORD)
    page.goto("/profile/second-factor")
    page.locator("[name=password]").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#secret")).to_be_visible()
    look(page)
    totp = pyotp.TOTP(page.locator("#secret").inner_text().replace(" ", ""))
    page.locator("[name=code]").focus()
    page.keyboard.type(totp.now())
    page.keyboard.press("Enter")
    expect(page.locator("#codes")).to_be_visible()
    look(page)
    recovery = page.locator("#codes").inner_text().split()[0]
    page.goto("/profile/second-factor")
    look(page)

    page.context.clear_cookies()
    page.goto("/login")
    expect(page.locator("[name=email]")).to_be_focused()
    page.keyboard.type(email)
    page.locator("[name=password]").focus()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login/code")
    look(page)
    page.locator("[name=code]").focus()
    page.keyboard.type(recovery)
    page.keyboard.press("Enter")

    page.wait_for_url(lambda url: "/login" not in url)
    expect(page.locator("#toasts")).to_contain_text("9 recovery codes are left")


def test_the_theme_of_the_profile_wins_over_the_devices(
    desktop: Page, sign_in: SignIn, resident_api: LiveApi, look: Callable[[Page], None]
) -> None:
    page = sign_in(desktop, newcomer(resident_api), PASSWORD)
    page.goto("/profile")
    page.get_by_label("Dark").check()
    with page.expect_navigation():
        page.keyboard.press("Control+s")

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"
    look(page)


def test_switched_off_letters_do_nothing(desktop: Page, sign_in: SignIn, resident_api: LiveApi) -> None:
    page = sign_in(desktop, newcomer(resident_api), PASSWORD)
    page.goto("/profile")
    page.get_by_label("Single letters are shortcuts").uncheck()
    with page.expect_navigation():
        page.get_by_role("button", name="Save").click()

    page.locator("h1").click()
    page.keyboard.press("?")

    expect(page.locator("#keys")).not_to_be_visible()
