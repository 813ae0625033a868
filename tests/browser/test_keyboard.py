"""Without a mouse: a list, a form and a dialog are worked by keys alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.households import unique
from tests.live import LiveApi

SignIn = Callable[..., Page]


@pytest.fixture
def three(resident_api: LiveApi) -> tuple[str, list[int]]:
    """Return a word that three manufacturers share, and their ids in the order of their names."""
    word = unique("Lens").replace("-", "")
    return word, [resident_api("POST", "manufacturers", {"name": f"{word} {n}"})["id"] for n in range(3)]


def test_a_list_is_walked_ticked_and_opened(desktop: Page, sign_in: SignIn, three: tuple[str, list[int]]) -> None:
    word, ids = three
    sign_in(desktop).goto(f"/manufacturers?q={word}&sort=name")
    row = [desktop.locator(f"tr[data-row='{row_id}']") for row_id in ids]

    for key in "jjjk":
        desktop.keyboard.press(key)
    expect(row[1]).to_have_class("is-here")
    desktop.keyboard.press("x")
    desktop.keyboard.press("j")
    desktop.keyboard.press("Shift+X")
    expect(desktop.locator(".qm-selbar")).to_contain_text("2 selected")
    desktop.keyboard.press("Enter")

    desktop.wait_for_url(f"**/manufacturers/{ids[2]}")


def test_keys_search_filter_make_and_edit(desktop: Page, sign_in: SignIn, three: tuple[str, list[int]]) -> None:
    word, ids = three
    sign_in(desktop).goto("/manufacturers")

    desktop.keyboard.press("/")
    expect(desktop.get_by_role("combobox", name="Search or jump to")).to_be_focused()
    desktop.keyboard.type("j")
    expect(desktop.locator("tr.is-here")).to_have_count(0)
    desktop.goto(f"/manufacturers?q={word}&sort=name")
    desktop.keyboard.press("j")
    desktop.keyboard.press("e")
    desktop.wait_for_url(f"**/manufacturers/{ids[0]}/edit")
    desktop.goto("/manufacturers")
    desktop.keyboard.press("n")
    desktop.wait_for_url("**/manufacturers/new")


def test_control_s_saves(desktop: Page, sign_in: SignIn, three: tuple[str, list[int]]) -> None:
    _word, ids = three
    sign_in(desktop).goto(f"/manufacturers/{ids[0]}/edit")
    desktop.focus("[name=notes]")
    desktop.keyboard.type("Typed by keys alone")

    desktop.keyboard.press("Control+s")

    desktop.wait_for_url(f"**/manufacturers/{ids[0]}")
    expect(desktop.locator("main")).to_contain_text("Typed by keys alone")


def test_escape_closes_a_dialog_and_focus_goes_back(desktop: Page, sign_in: SignIn) -> None:
    sign_in(desktop).goto("/assets")
    desktop.keyboard.press("?")
    expect(desktop.locator("#keys")).to_be_visible()
    desktop.keyboard.press("Escape")
    expect(desktop.locator("#keys")).to_be_hidden()

    desktop.keyboard.press("f")
    expect(desktop.locator("#dialog")).to_be_visible()
    expect(desktop.locator("#dialog:focus-within")).to_have_count(1)
    desktop.keyboard.press("Escape")

    expect(desktop.locator("#dialog")).to_be_hidden()
    expect(desktop.locator("[data-key=f]")).to_be_focused()


def test_a_dialog_is_sent_by_control_enter(desktop: Page, sign_in: SignIn, three: tuple[str, list[int]]) -> None:
    word, ids = three
    sign_in(desktop).goto(f"/manufacturers/{ids[0]}")
    desktop.get_by_label("More acts").focus()
    desktop.keyboard.press("Enter")
    desktop.locator(".qm-head .qm-danger", has_text="Delete").focus()
    for key in ("Shift+Tab", "Tab", "Enter"):
        desktop.keyboard.press(key)
    expect(desktop.locator("#dialog")).to_contain_text(f"{word} 0")

    desktop.keyboard.press("Control+Enter")

    desktop.wait_for_url("**/manufacturers")
    expect(desktop.locator("#toasts")).to_contain_text(f"{word} 0 was deleted")


def test_the_first_tab_skips_to_the_content(desktop: Page, sign_in: SignIn) -> None:
    sign_in(desktop).goto("/assets")

    desktop.keyboard.press("Tab")
    expect(desktop.get_by_role("link", name="Skip to content")).to_be_focused()
    desktop.keyboard.press("Enter")

    expect(desktop.locator("#main")).to_be_focused()


@pytest.fixture
def new_assets(resident_api: LiveApi) -> list[int]:
    """Return the ids of three assets, the newest last."""
    category = resident_api("POST", "categories", {"name": unique("Grip"), "kind": "asset"})["id"]
    made = [resident_api("POST", "assets", {"name": unique("Arm"), "category_id": category}) for _ in range(3)]
    return [asset["id"] for asset in made]


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what is meant has the focus; it must be reached."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"{selector} is not reached by Tab")


def test_a_morning_without_a_mouse(
    desktop: Page, resident: tuple[str, str, str], resident_api: LiveApi, new_assets: list[int]
) -> None:
    desktop.goto("/login")
    expect(desktop.locator("[name=email]")).to_be_focused()
    desktop.keyboard.type(resident[1])
    tab_to(desktop, "[name=password]")
    desktop.keyboard.type(resident[2])
    desktop.keyboard.press("Enter")
    expect(desktop.locator("h1")).to_contain_text("Good")
    desktop.wait_for_load_state()  # the words stand there before the keys are listened to
    desktop.keyboard.press("Control+k")
    desktop.keyboard.type(resident_api("GET", f"assets/{new_assets[0]}")["tag"])
    expect(desktop.locator("#palette [data-palette-said]")).to_have_text("1 result")
    desktop.keyboard.press("Enter")
    desktop.wait_for_url(f"**/assets/{new_assets[0]}")

    desktop.keyboard.press("e")
    desktop.wait_for_url("**/edit")
    tab_to(desktop, "[name=order_number]")
    desktop.keyboard.type("PO 1")
    desktop.keyboard.press("Control+s")
    expect(desktop.locator(".qm-history")).to_contain_text("PO 1")
    desktop.wait_for_load_state()
    for key in "ga":
        desktop.keyboard.press(key)
    desktop.wait_for_url("**/assets")

    for key in "jjx":
        desktop.keyboard.press(key)
    expect(desktop.locator(".qm-selbar")).to_contain_text("1 selected")
    tab_to(desktop, ".qm-selbar [formaction$='/bulk/edit']")
    desktop.keyboard.press("Enter")
    desktop.wait_for_url("**/bulk/edit*")
    tab_to(desktop, "[name=order_number]")
    desktop.keyboard.type("PO 2")
    desktop.keyboard.press("Control+s")
    expect(desktop.locator("#toasts")).to_contain_text("1 asset was changed")
    tab_to(desktop, "#toasts button")
    desktop.keyboard.press("Enter")
    expect(desktop.locator("#toasts")).to_contain_text("1 change was taken back")
