"""An import in the browser: rows are mended where they stand, progress survives a reload, the keyboard is enough."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.households import unique
from tests.live import LiveApi

SignIn = Callable[..., Page]
Look = Callable[[Page], None]
ROWS = 1_200


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_a_row_is_mended_by_keyboard_and_applied_after_the_others(
    size: str, open_page: OpenPage, sign_in: SignIn, resident_api: LiveApi, look: Look, tmp_path: Path
) -> None:
    kind, mark = unique("Tools"), unique("T")
    resident_api("POST", "categories", {"name": kind, "kind": "asset"})
    lines = [f"{mark}-{n},Thing {n},{kind},{n}.50" for n in range(ROWS)] + [f"{mark}-X,Odd,{kind},much"]
    path = tmp_path / f"{mark}.csv"
    path.write_text("\n".join(["Tag,Name,Category,Price", *lines]))
    page = sign_in(open_page(size))
    page.goto("/imports?resource=assets")
    page.set_input_files("[type=file]", path)
    page.get_by_role("button", name="Upload and check").click()
    apply = page.get_by_role("button", name="Apply 1,200 rows")
    apply.wait_for()
    with page.expect_navigation():  # a page that is just being left cannot be loaded again
        apply.click()

    page.reload()
    # It may have been done before the page was there again, and may be at any moment: asked all at once.
    assert page.locator("progress").evaluate_all("bars => bars.map((bar) => bar.max)") in ([], [ROWS])
    expect(page.locator(".qm-note").first).to_contain_text("1,200 created")
    page.get_by_role("link", name=re.compile("^Error 1")).click()
    mend = page.get_by_role("link", name="Mend row 1,202")
    expect(mend).to_be_visible()
    look(page)
    mend.press("Enter")
    price = page.locator("input[name=cell-3]").locator("visible=true")
    expect(price).to_be_focused()
    expect(price).to_have_accessible_description("“much” is not a number.")
    look(page)
    price.fill("a lot")
    price.press("Enter")
    expect(price).to_have_accessible_description("“a lot” is not a number.")
    price.fill("3.20")
    price.press("Enter")

    expect(page.get_by_role("link", name="Mend row 1,202")).to_be_focused()
    expect(page.locator("#fates")).to_contain_text("Error 0")
    page.get_by_role("button", name="Apply the rest: 1 row").click()
    expect(page.locator(".qm-note").first).to_contain_text("1,201 created")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".qm-note").first).to_contain_text("1,201 removed")
    look(page)
