"""Chromium against real processes. A page that breaks the CSP, logs an error or misses a file fails its test."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect, sync_playwright

from tests.households import PASSWORD, unique
from tests.live import LiveApi, LiveServer

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"desktop": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
OPTIONS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TELL_VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} refused ${event.blockedURI}`, event.sourceFile, event.lineNumber));"""
# What Chromium and htmx write down about an answer such as 422, which a test asks for on purpose.
EXPECTED = re.compile(r"Failed to load resource|Response Status Error Code 4\d\d")
RUN_AXE = """async (only) => (await axe.run(document, {
  resultTypes: ["violations"], preload: false, ...(only.length ? {runOnly: {type: "rule", values: only}} : {}),
})).violations.map((found) => ({
  rule: found.id, impact: found.impact, help: found.help, nodes: found.nodes.map((node) => node.html.slice(0, 200)),
}))"""

OpenPage = Callable[..., Page]
# What waits goes on as soon as it can: long limits cost nothing, and a busy machine may take its time.
MILLISECONDS = 30_000
expect.set_options(timeout=MILLISECONDS)


@dataclass
class Watch:
    """What went wrong on the pages of one test."""

    found: list[str] = field(default_factory=list)

    def console(self, message: ConsoleMessage) -> None:
        """Keep an error that the browser or a script logged."""
        if message.type == "error" and not EXPECTED.search(message.text):
            self.found.append(f"console: {message.text}")

    def response(self, response: Response) -> None:
        """Keep a server error and a file that is not there."""
        if response.status >= 500 or (response.status >= 400 and "/static/" in response.url):
            self.found.append(f"{response.status} {response.url}")

    def watch(self, page: Page) -> None:
        """Listen to a page."""
        page.on("console", self.console)
        page.on("pageerror", lambda error: self.found.append(f"script: {error}"))
        page.on("response", self.response)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, live_server: LiveServer) -> Iterator[OpenPage]:
    """Return a function that opens a page in a fresh profile: `open_page("phone", color_scheme="dark")`."""
    watch, contexts = Watch(), []

    def open_(size: str = "desktop", base_url: str = "", **options: Any) -> Page:
        phone = {"has_touch": True, "is_mobile": True} if size == "phone" else {}
        context = browser.new_context(
            base_url=base_url or live_server.url, viewport=SIZES[size], locale="en-GB", **(phone | options)
        )
        context.set_default_timeout(MILLISECONDS)
        context.add_init_script(TELL_VIOLATIONS)
        context.on("page", watch.watch)
        contexts.append(context)
        return context.new_page()

    yield open_
    for context in contexts:
        context.close()
    assert watch.found == []


@pytest.fixture
def desktop(open_page: OpenPage) -> Page:
    """Return a page of 1440 × 900."""
    return open_page("desktop")


@pytest.fixture
def phone(open_page: OpenPage) -> Page:
    """Return a page of 390 × 844 with touch."""
    return open_page("phone")


@pytest.fixture(params=list(SIZES))
def page(request: pytest.FixtureRequest, open_page: OpenPage) -> Page:
    """Return a page, once of each size."""
    return open_page(request.param)


@pytest.fixture(scope="session")
def resident(live_server: LiveServer) -> tuple[str, str, str]:
    """Return the slug, address and password of an organization on the live server that tests may share."""
    return live_server.found_organization()


@pytest.fixture(scope="session")
def resident_api(live_server: LiveServer, resident: tuple[str, str, str]) -> LiveApi:
    """Return the API of that organization, with a key for everything."""
    return LiveApi(live_server.url, live_server.api_key(resident[0]))


@pytest.fixture(scope="session")
def member(resident_api: LiveApi) -> tuple[str, str]:
    """Return address and password of a member of that organization, who may read."""
    email = f"{unique('member')}@example.org"
    resident_api("POST", "members", {"email": email, "name": "Mo Member", "password": PASSWORD, "role": "member"})
    return email, PASSWORD


@pytest.fixture(scope="session")
def passes() -> dict[str, Any]:
    """Return the cookies of who has signed in already: a test that is not about the door walks past it."""
    return {}


@pytest.fixture
def sign_in(resident: tuple[str, str, str], passes: dict[str, Any]) -> Callable[..., Page]:
    """Return a function that signs a page in, as the resident owner unless told otherwise.

    `fresh` goes through the form and leaves the page where that leads: for who signs out, or begins there.
    """

    def sign(page: Page, email: str = resident[1], password: str = resident[2], *, fresh: bool = False) -> Page:
        if email in passes and not fresh:
            page.context.add_cookies(passes[email])
            return page
        page.goto("/login")
        page.fill("input[name=email]", email)
        page.fill("input[name=password]", password)
        page.click("form[action*=login] button[type=submit], form button[type=submit]")
        page.wait_for_url(lambda url: "/login" not in url)
        if not fresh:
            passes[email] = page.context.cookies()
        return page

    return sign


@pytest.fixture(scope="session")
def axe() -> Callable[..., None]:
    """Return a function that fails on what axe-core calls serious or critical: `axe(page, "color-contrast")`."""
    # Evaluated through the debugger: the page's CSP would refuse a script of ours.
    source = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()

    def check(page: Page, *only: str) -> None:
        if not page.evaluate("'axe' in window"):
            page.evaluate(source)
        found = page.evaluate(RUN_AXE, only)
        assert [one for one in found if one["impact"] in ("serious", "critical")] == []

    return check


@pytest.fixture(scope="session")
def look(axe: Callable[..., None]) -> Callable[[Page], None]:
    """Return a function that looks at a page from all sides: readable in light and dark, nothing scrolls sideways."""
    fits = "document.documentElement.scrollWidth <= innerWidth"

    def check(page: Page) -> None:
        assert page.evaluate(fits), f"{page.url} scrolls sideways"
        # Without motion: a color on its way from one to another is neither.
        page.emulate_media(color_scheme="light", reduced_motion="reduce")
        axe(page)
        if page.viewport_size != SIZES["phone"]:  # the colors are the same there
            page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            axe(page, "color-contrast")
            page.emulate_media(color_scheme="light", reduced_motion="reduce")
        else:
            page.set_viewport_size({"width": 360, "height": 800})
            assert page.evaluate(fits), f"{page.url} scrolls sideways at 360 px"
            page.set_viewport_size(SIZES["phone"])

    return check
