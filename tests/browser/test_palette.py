"""The palette by keys alone: opened, typed into, walked, followed, acted on, closed; and on a phone by thumb."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.households import unique
from tests.live import LiveApi

SignIn = Callable[..., Page]


@pytest.fixture
def makers(resident_api: LiveApi) -> tuple[str, list[int]]:
    """Return a word that two manufacturers share, and their ids, the newest last."""
    word = unique("Prism").replace("-", "")
    return word, [resident_api("POST", "manufacturers", {"name": f"{word} {n}"})["id"] for n in range(2)]


def expect_chosen(page: Page, text: str) -> None:
    """Wait until a line is chosen and a screen reader is told of that line."""
    line = page.locator("#palette [aria-selected=true]")
    expect(line).to_contain_text(text)
    expect(page.locator("#palette input")).to_have_attribute("aria-activedescendant", str(line.get_attribute("id")))


def test_letters_arrows_and_enter_lead_somewhere(desktop: Page, sign_in: SignIn, makers: tuple[str, list[int]]) -> None:
    word, ids = makers
    sign_in(desktop).goto("/assets")

    desktop.keyboard.press("Control+k")
    expect(desktop.locator("#palette input")).to_be_focused()
    desktop.keyboard.type(word)
    expect(desktop.locator("#palette [data-palette-said]")).to_have_text("2 results")
    expect_chosen(desktop, f"{word} 1")
    desktop.keyboard.press("ArrowDown")
    expect_chosen(desktop, f"{word} 0")
    expect(desktop.locator("#palette [aria-selected=true]")).to_have_count(1)
    desktop.keyboard.press("Enter")

    desktop.wait_for_url(f"**/manufacturers/{ids[0]}")


def test_tab_acts_on_the_line_and_escape_goes_back(
    desktop: Page, sign_in: SignIn, makers: tuple[str, list[int]]
) -> None:
    word, ids = makers
    sign_in(desktop).goto("/assets")
    desktop.keyboard.press("/")
    desktop.keyboard.type(f"{word} 0")
    expect_chosen(desktop, f"{word} 0")

    desktop.keyboard.press("Tab")
    expect(desktop.locator("#palette [role=option]", has_text="Edit")).to_be_visible()
    desktop.keyboard.press("Escape")
    expect(desktop.locator("#palette input")).to_have_value(f"{word} 0")
    expect_chosen(desktop, f"{word} 0")
    desktop.keyboard.press("Tab")
    expect(desktop.locator("#palette [role=option]", has_text="Edit")).to_be_visible()
    desktop.keyboard.press("ArrowDown")
    desktop.keyboard.press("Enter")

    desktop.wait_for_url(f"**/manufacturers/{ids[0]}/edit")


def test_a_quick_enter_follows_what_was_typed(desktop: Page, sign_in: SignIn, makers: tuple[str, list[int]]) -> None:
    word, ids = makers
    sign_in(desktop).goto("/assets")

    desktop.keyboard.press("Control+k")
    desktop.keyboard.insert_text(f"{word} 0")
    desktop.keyboard.press("Enter")

    desktop.wait_for_url(f"**/manufacturers/{ids[0]}")


def test_escape_closes_it_and_nothing_is_lost(desktop: Page, sign_in: SignIn) -> None:
    sign_in(desktop).goto("/manufacturers/new")
    desktop.fill("[name=notes]", "Half a sentence")

    desktop.keyboard.press("Control+k")
    desktop.keyboard.type("zzqxzzqx")
    expect(desktop.locator("#palette")).to_contain_text("Nothing is called “zzqxzzqx”")
    desktop.keyboard.press("Escape")

    expect(desktop.locator("#palette")).to_be_hidden()
    expect(desktop.locator("[name=notes]")).to_be_focused()
    expect(desktop.locator("[name=notes]")).to_have_value("Half a sentence")


def test_a_phone_searches_from_the_top_bar(
    phone: Page, sign_in: SignIn, look: Callable[[Page], None], makers: tuple[str, list[int]]
) -> None:
    word, ids = makers
    sign_in(phone).goto("/assets")

    phone.get_by_role("link", name="Search or jump to").tap()
    phone.locator("#palette input").fill(word)
    expect(phone.locator("#palette mark")).to_have_count(2)
    box = phone.locator("#palette").bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == (390, 844)
    look(phone)
    phone.locator("#palette [role=option]", has_text=f"{word} 0").tap()

    phone.wait_for_url(f"**/manufacturers/{ids[0]}")


def test_the_palette_is_readable_for_all(
    desktop: Page, sign_in: SignIn, look: Callable[[Page], None], makers: tuple[str, list[int]]
) -> None:
    sign_in(desktop).goto("/assets")
    for words in ("", makers[0], "zzqxzzqx"):
        desktop.keyboard.press("Control+k")
        desktop.locator("#palette input").fill(words)
        expect(desktop.locator("#palette [aria-selected=true]")).to_be_visible()
        look(desktop)
        desktop.keyboard.press("Escape")

    desktop.goto(f"/search?q={makers[0]}")
    look(desktop)


def test_without_scripts_the_search_is_a_page(
    open_page: Callable[..., Page], sign_in: SignIn, makers: tuple[str, list[int]]
) -> None:
    word, ids = makers
    plain = sign_in(open_page("desktop", java_script_enabled=False))
    plain.goto("/assets")

    plain.get_by_role("link", name="Search or jump to").click()
    plain.fill("main [name=q]", word)
    plain.get_by_role("button", name="Search").click()
    plain.get_by_role("link", name=f"{word} 1").click()

    plain.wait_for_url(f"**/manufacturers/{ids[1]}")
