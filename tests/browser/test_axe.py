"""What axe finds wrong on a page for those who do not see it, do not use a mouse, or use a small screen: nothing."""

from collections.abc import AsyncIterator
from typing import Any, Final, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.conftest import sign_in
from tests.browser.team import ADMIN_PAGES, PAGES, ROOM_PAGES, Team
from tests.browser.watched import watched
from tests.stack import Client, Stack
from tools.environments import CHECKOUT

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

AXE: Final = CHECKOUT / "web/node_modules/axe-core/axe.min.js"
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}
PHONE: Final[ViewportSize] = {"width": 360, "height": 740}
WIDE: Final[ViewportSize] = {"width": 1920, "height": 1080}
INSIDE: Final = ("sessions", "chat", *ROOM_PAGES, *PAGES, "transcript", "task", "channel", "webhook", "account")
OUTSIDE: Final = ("workspaces", "new", "locked", "organisations", "organisation", "admin", "admin-webhook", "admins-account")
RUN: Final = """async (options) => (await axe.run(document, options)).violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 300)}: ${failureSummary}`))"""
BESIDE: Final = """() => [document.scrollingElement, document.querySelector("main")]
    .map((it) => it === null ? 0 : it.scrollWidth - it.clientWidth)"""
PAINTED: Final = """(scheme) => document.documentElement.dataset.mantineColorScheme === scheme
    && document.getAnimations().every(({ playState }) => playState !== "running")"""
SLOW_GL: Final = "GL Driver Message"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def inside(browser: Browser, stack: Stack, team: Team) -> AsyncIterator[Page]:
    """A page of the workspace's own."""
    async for page in examined(browser, stack, team.work.tenant):
        yield page


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outside(browser: Browser, stack: Stack, team: Team) -> AsyncIterator[Page]:
    """A page of an administrator's."""
    async for page in examined(browser, stack, team.admin):
        yield page


async def examined(browser: Browser, stack: Stack, client: Client) -> AsyncIterator[Page]:
    # axe is put into the page as text, which the page's policy rightly refuses; nothing else depends on that here.
    async with watched(browser, stack, expected=(SLOW_GL,), bypass_csp=True) as page:
        await page.add_init_script(path=AXE)
        await sign_in(page, client)
        yield page


@pytest.mark.parametrize("name", INSIDE)
async def test_a_page_of_a_workspace_is_accessible(inside: Page, team: Team, name: str) -> None:
    await look(inside, team.pages()[name])


@pytest.mark.parametrize("name", [*OUTSIDE, *(f"admin-{name}" for name in ADMIN_PAGES)])
async def test_a_page_of_an_administrator_is_accessible(outside: Page, team: Team, name: str) -> None:
    await look(outside, team.outside()[name])


async def test_the_sign_in_is_accessible(browser: Browser, stack: Stack) -> None:
    async with watched(browser, stack, bypass_csp=True) as page:
        await page.add_init_script(path=AXE)
        await look(page, "/signin")


@pytest.mark.parametrize(
    ("name", "button"),
    [
        ("sessions", "New session"),
        ("tasks", "New task"),
        ("schedules", "New schedule"),
        ("keys", "New key"),
        ("secrets", "New secret"),
        ("webhooks", "New webhook"),
        ("channels", "New channel"),
        ("sessions", "Commands"),
        ("chat", "Your account"),
    ],
)
async def test_what_a_button_opens_is_accessible(inside: Page, team: Team, name: str, button: str) -> None:
    await inside.set_viewport_size(DESKTOP)
    await inside.goto(team.pages()[name])
    await inside.get_by_role("button", name=button).first.click()
    await expect(inside.get_by_role("dialog").or_(inside.get_by_role("menu")).first).to_be_visible()
    assert [] == await wrong(inside)
    await inside.keyboard.press("Escape")


@pytest.mark.parametrize("name", ["sessions", "chat"])
async def test_a_wide_screen_is_used_well(inside: Page, team: Team, name: str) -> None:
    await inside.set_viewport_size(WIDE)
    await inside.goto(team.pages()[name])
    await shown(inside)
    assert [] == await wrong(inside)


async def test_a_phone_shows_who_did_what_and_what_can_be_done_with_a_key(inside: Page, team: Team) -> None:
    await inside.set_viewport_size(PHONE)
    await inside.goto(team.pages()["keys"])
    for deed in ("Edit", "Rotate", "Revoke"):
        button = inside.get_by_role("button", name=f"{deed} Builds")
        await button.scroll_into_view_if_needed()
        await expect(button).to_be_in_viewport(ratio=1)
    await inside.goto(team.pages()["audit"])
    record = inside.get_by_role("row").filter(has=inside.get_by_role("button")).first
    await record.scroll_into_view_if_needed()
    for cell in (record.get_by_role("button"), record.get_by_text("Payments"), record.get_by_text("ok", exact=True)):
        await expect(cell).to_be_in_viewport(ratio=1)


async def look(page: Page, path: str) -> None:
    """In both sizes and both schemes. A scheme changes colours alone, and those the same for every size."""
    await page.set_viewport_size(DESKTOP)
    await page.goto(path)
    await shown(page)
    found = await wrong(page)
    await paint(page, "dark")
    found += await wrong(page, "color-contrast")
    await page.set_viewport_size(PHONE)
    await paint(page, "light")
    await shown(page)
    found += await wrong(page)
    assert not found, "\n\n".join(dict.fromkeys(found))
    assert [0, 0] == await page.evaluate(BESIDE), "neither the page nor what is in it scrolls sideways"


async def paint(page: Page, scheme: Literal["dark", "light"]) -> None:
    """Show the page in a scheme, and wait until its colours have changed."""
    await page.emulate_media(color_scheme=scheme)
    await page.wait_for_function(PAINTED, arg=scheme)


async def shown(page: Page) -> None:
    """Wait until the page has what it shows."""
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="…")).to_have_count(0)
    await page.wait_for_function(PAINTED, arg=await page.evaluate("document.documentElement.dataset.mantineColorScheme"))


async def wrong(page: Page, *rules: str) -> list[str]:
    """What is, by `rules` alone, or by all."""
    only: dict[str, Any] = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": TAGS}
    found: list[str] = await page.evaluate(RUN, {"runOnly": only, "resultTypes": ["violations"], "preload": False})
    return found
