"""Writing in the browser: nothing that was typed is lost, everything that was done can be taken back."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.households import unique
from tests.live import LiveApi

SignIn = Callable[..., Page]


@pytest.fixture
def new_asset(resident_api: LiveApi) -> Callable[..., int]:
    """Return a function that makes an asset of the resident organization and returns its id."""
    category = resident_api("POST", "categories", {"name": unique("Grip"), "kind": "asset"})
    usual = {"name": unique("Tripod"), "category_id": category["id"]}
    return lambda **fields: resident_api("POST", "assets", usual | fields)["id"]


def save(page: Page) -> None:
    """Press the button that saves."""
    page.click("[data-key=save]")


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_the_second_of_two_editors_sees_both_values(
    size: str, open_page: OpenPage, sign_in: SignIn, new_asset: Callable[..., int], resident_api: LiveApi
) -> None:
    asset_id = new_asset(order_number="PO 1", notes="Bought used")
    first, second = (sign_in(open_page(size)) for _ in range(2))
    for page in (first, second):
        page.goto(f"/assets/{asset_id}/edit")
    first.fill("[name=order_number]", "PO 2")
    first.fill("[name=notes]", "Bought new")
    save(first)
    first.wait_for_url(f"**/assets/{asset_id}")

    second.fill("[name=order_number]", "PO 3")
    second.fill("[name=purchase_cost]", "12.50")
    save(second)

    conflict = second.locator("#conflict")
    expect(second.get_by_role("alert").first).to_contain_text("Somebody saved this while you typed")
    expect(conflict).to_contain_text("Yours: PO 3")
    expect(conflict).to_contain_text("Theirs: PO 2")
    conflict.get_by_label("Theirs: PO 2").check()
    save(second)
    second.wait_for_url(f"**/assets/{asset_id}")
    kept = resident_api("GET", f"assets/{asset_id}")
    assert (kept["order_number"], kept["notes"], kept["purchase_cost"]) == ("PO 2", "Bought new", "12.50")


def test_of_two_values_ones_own_may_be_kept(
    open_page: OpenPage, sign_in: SignIn, new_asset: Callable[..., int], resident_api: LiveApi
) -> None:
    asset_id = new_asset(order_number="PO 1")
    page = sign_in(open_page())
    page.goto(f"/assets/{asset_id}/edit")
    resident_api("PATCH", f"assets/{asset_id}", {"order_number": "PO 2"})

    page.fill("[name=order_number]", "PO 3")
    save(page)
    page.get_by_label("Yours: PO 3").check()
    save(page)

    page.wait_for_url(f"**/assets/{asset_id}")
    assert resident_api("GET", f"assets/{asset_id}")["order_number"] == "PO 3"


def tick(page: Page, *ids: int) -> None:
    """Tick rows of a list."""
    for row_id in ids:
        page.check(f"tr[data-row='{row_id}'] .qm-check input")


def test_many_are_edited_at_once_and_back_again(
    desktop: Page, sign_in: SignIn, new_asset: Callable[..., int], resident_api: LiveApi
) -> None:
    ids = [new_asset() for _ in range(3)]
    sign_in(desktop).goto("/assets")
    tick(desktop, *ids)
    expect(desktop.locator(".qm-selbar")).to_contain_text("3 selected")

    desktop.click(".qm-selbar [formaction$='/bulk/edit']")
    desktop.fill("[name=order_number]", "PO 77")
    expect(desktop.get_by_label("Change Order number")).to_be_checked()
    save(desktop)

    expect(desktop.locator("#toasts")).to_contain_text("3 assets were changed")
    assert {resident_api("GET", f"assets/{row_id}")["order_number"] for row_id in ids} == {"PO 77"}
    desktop.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(desktop.locator("#toasts")).to_contain_text("3 changes were taken back")
    assert {resident_api("GET", f"assets/{row_id}")["order_number"] for row_id in ids} == {None}


def test_many_are_deleted_at_once_and_come_back(desktop: Page, sign_in: SignIn, new_asset: Callable[..., int]) -> None:
    ids = [new_asset() for _ in range(2)]
    sign_in(desktop).goto("/assets")
    tick(desktop, *ids)

    desktop.click(".qm-selbar [formaction$='/bulk/delete']")
    desktop.get_by_role("button", name="Delete 2 assets").click()
    expect(desktop.locator("#toasts")).to_contain_text("2 assets were deleted")
    expect(desktop.locator(f"tr[data-row='{ids[0]}']")).to_have_count(0)
    desktop.locator("#toasts").get_by_role("button", name="Undo").click()

    for row_id in ids:
        expect(desktop.locator(f"tr[data-row='{row_id}']")).to_be_visible()


def test_one_is_deleted_and_comes_back(page: Page, sign_in: SignIn, new_asset: Callable[..., int]) -> None:
    asset_id = new_asset(name="Slider")
    sign_in(page).goto(f"/assets/{asset_id}")
    page.get_by_label("More acts").click()
    page.get_by_role("link", name="Delete").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("can be restored")

    dialog.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/assets")
    page.locator("#toasts").get_by_role("button", name="Restore").click()

    page.wait_for_url(f"**/assets/{asset_id}")
    expect(page.locator("#toasts")).to_contain_text("Slider was restored")


def test_a_change_is_taken_back_from_the_history(
    page: Page, sign_in: SignIn, new_asset: Callable[..., int], resident_api: LiveApi
) -> None:
    asset_id = new_asset(name="Slider")
    resident_api("PATCH", f"assets/{asset_id}", {"name": "Slidder"})
    sign_in(page).goto(f"/assets/{asset_id}")
    line = page.locator(".qm-history li", has_text="changed 1 field")
    expect(line.locator("del")).to_have_text("Slider")

    line.get_by_role("button", name="Undo").click()

    expect(page.locator("h1")).to_have_text("Slider")
    expect(page.locator("#toasts")).to_contain_text("was undone")


def test_a_place_in_use_says_what_is_in_the_way(
    page: Page, sign_in: SignIn, new_asset: Callable[..., int], resident_api: LiveApi
) -> None:
    place = resident_api("POST", "locations", {"name": unique("Store"), "kind": "site"})
    new_asset(name="Gimbal", location_id=place["id"])
    sign_in(page).goto(f"/locations/{place['id']}")
    page.get_by_label("More acts").click()
    page.get_by_role("link", name="Delete").click()

    dialog = page.locator("#dialog")
    expect(dialog.get_by_role("alert")).to_contain_text("It is still in use")
    expect(dialog.get_by_role("button", name="Delete")).to_have_count(0)
    dialog.get_by_role("link", name="1 asset").click()

    page.wait_for_url(f"**/assets?location_id={place['id']}")
    expect(page.get_by_role("link", name="Gimbal").locator("visible=true")).to_have_count(1)


def test_a_wrong_form_keeps_what_was_typed(page: Page, sign_in: SignIn) -> None:
    sign_in(page).goto("/assets/new")
    page.fill("[name=name]", "Crane")
    page.fill("[name=purchase_cost]", "a lot")
    page.fill("[name=warranty_months]", "minus one")
    page.fill("[name=notes]", "<b>Heavy</b>")
    save(page)

    summary = page.get_by_role("alert").first
    expect(summary).to_contain_text("2 things to mend, nothing is saved yet")
    for name, typed in {"name": "Crane", "purchase_cost": "a lot", "notes": "<b>Heavy</b>"}.items():
        expect(page.locator(f"[name={name}]")).to_have_value(typed)
    expect(page.locator("[name=purchase_cost]")).to_have_attribute("aria-invalid", "true")

    summary.get_by_role("link", name="Warranty").click()
    expect(page.locator("[name=warranty_months]")).to_be_focused()


def test_leaving_a_changed_form_asks(desktop: Page, sign_in: SignIn, new_asset: Callable[..., int]) -> None:
    asked: list[str] = []
    desktop.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    sign_in(desktop).goto(f"/assets/{new_asset()}/edit")

    desktop.fill("[name=name]", "Something else")
    expect(desktop.locator("[data-dirty-count]")).to_have_text("1 field changed")
    with desktop.expect_event("dialog"):
        desktop.locator("#side").get_by_role("link", name="Places").click()

    assert asked == ["beforeunload"]
    expect(desktop.locator("[name=name]")).to_have_value("Something else")
