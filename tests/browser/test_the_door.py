"""Who is let in, and to what: the throttle, the end of a session, and a member's pages."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.households import unique
from tests.live import LiveApi, LiveServer

SignIn = Callable[..., Page]
WRITES = "[data-key=n], [data-key=e], .qm-check, [data-select-page], form[method=post]:not([action$='/logout'])"


def try_password(page: Page, email: str, password: str) -> None:
    """Try to sign in."""
    page.fill("[name=email]", email)
    page.fill("[name=password]", password)
    page.get_by_role("button", name="Sign in").click()


def test_guessing_passwords_is_slowed_down(desktop: Page, resident_api: LiveApi) -> None:
    email = f"{unique('guessed')}@example.org"
    desktop.goto("/login")

    for number in range(40):
        with desktop.expect_navigation() as answer:
            try_password(desktop, email, f"wrong horse {number}")
        if answer.value.status == 429:
            break
        assert answer.value.status == 401

    expect(desktop.locator(".qm-error")).to_contain_text("Too many tries")
    expect(desktop.locator("[name=email]")).to_have_value(email)


def test_signing_out_ends_the_session_in_another_tab(page: Page, sign_in: SignIn) -> None:
    sign_in(page, fresh=True)
    other = page.context.new_page()
    other.goto("/assets/new")
    if page.locator("[data-menu-open]").is_visible():
        page.locator("[data-menu-open]").click()
    page.locator("#side summary.nav-link").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")

    other.goto("/assets")

    expect(other).to_have_url(re.compile("/login"))


def test_one_comes_back_to_the_page_that_was_asked_for(desktop: Page, resident: tuple[str, str, str]) -> None:
    desktop.goto("/locations?sort=-name")
    try_password(desktop, resident[1], resident[2])

    desktop.wait_for_url("**/locations?sort=-name")


def test_a_member_sees_no_way_to_write(
    page: Page, sign_in: SignIn, member: tuple[str, str], resident_api: LiveApi
) -> None:
    place = resident_api("POST", "locations", {"name": unique("Yard"), "kind": "site"})
    sign_in(page, *member)

    for path in ("/", "/assets", "/locations", f"/locations/{place['id']}", "/imports"):
        page.goto(path)
        assert page.locator(WRITES).count() == 0, path
    expect(page.locator("#side")).not_to_contain_text("API keys")


def test_a_member_who_posts_all_the_same_is_refused(
    desktop: Page, sign_in: SignIn, member: tuple[str, str], resident_api: LiveApi
) -> None:
    place = resident_api("POST", "locations", {"name": unique("Yard"), "kind": "site"})
    sign_in(desktop, *member).goto("/")

    with desktop.expect_navigation() as answer:
        desktop.evaluate(
            """(path) => {
              const form = Object.assign(document.createElement("form"), {method: "post", action: path});
              const token = document.querySelector("meta[name=csrf-token]").content;
              form.append(Object.assign(document.createElement("input"), {name: "csrf_token", value: token}));
              document.body.append(form);
              form.submit();
            }""",
            f"/locations/{place['id']}/delete",
        )

    assert answer.value.status == 403
    expect(desktop.locator("h1")).to_have_text("You may not do this")
    assert resident_api("GET", f"locations/{place['id']}")["name"] == place["name"]


def test_a_member_who_is_removed_is_out_at_once(
    desktop: Page, sign_in: SignIn, live_server: LiveServer, resident_api: LiveApi
) -> None:
    email = f"{unique('leaver')}@example.org"
    person = {"email": email, "name": "Lou Leaver", "password": "correct horse battery", "role": "manager"}
    made = resident_api("POST", "members", person)
    sign_in(desktop, email, person["password"]).goto("/assets")

    resident_api("DELETE", f"members/{made['id']}")
    desktop.goto("/assets")

    expect(desktop).to_have_url(re.compile("/login"))
