"""Everything that a mouse can do, the keyboard can; and one always sees where one is."""

import re
from collections.abc import AsyncIterator
from typing import Final

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.team import PAGES, Team
from tests.browser.test_signin import link
from tests.browser.watched import watched
from tests.stack import Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

SLOW_GL: Final = "GL Driver Message"
STOPS: Final = 80
"""Presses of Tab that lead anywhere on a page."""
LONG: Final = 40_000
"""Milliseconds that an agent may take to begin or to end a turn."""
SEEN: Final = """async () => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const focused = document.activeElement;
    if (focused === null || focused === document.body) return "";
    // In a tree the row is marked, not the tree; of a choice its label.
    const row = document.getElementById(focused.getAttribute("aria-activedescendant") ?? "");
    const shown = row ?? (focused.type === "radio" ? focused.labels[0] : focused);
    const box = shown.getBoundingClientRect();
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(shown);
    const marked = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
    // Where one types there is a cursor; a field's border changes its colour.
    const typed = focused.matches("input, textarea, select, [contenteditable=true]");
    return (marked || typed) && box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight
        ? "" : focused.outerHTML.slice(0, 200);
}"""
LABELS: Final = {name: name.capitalize() for name in PAGES} | {"usage": "Usage and limits"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def inside(browser: Browser, stack: Stack, team: Team) -> AsyncIterator[Page]:
    """A page of the workspace's own."""
    async with watched(browser, stack, expected=(SLOW_GL,)) as page:
        await sign_in(page, team.work.tenant)
        yield page


async def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until `target` has the focus, which is to be seen on the way."""
    await expect(target).to_be_visible()
    for _ in range(STOPS):
        await page.keyboard.press("Tab")
        assert "" == await page.evaluate(SEEN)
        if await target.evaluate("(target) => target === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {target}")


async def go(page: Page, name: str) -> None:
    """To a page, by the palette."""
    await page.keyboard.press("Control+k")
    search = page.get_by_label("Search commands")
    await expect(search).to_be_focused()
    await page.keyboard.type(name)
    await expect(page.locator(".mantine-Spotlight-action").first).to_contain_text(name)
    await page.keyboard.press("Enter")
    await expect(search).to_be_hidden()


async def test_the_way_of_a_user_needs_no_mouse(browser: Browser, stack: Stack) -> None:
    async with watched(browser, stack, expected=(SLOW_GL,)) as page:
        await page.goto(link(stack))
        await make_a_workspace(page)
        await give_it_a_key(page)
        await make_a_session(page)
        await ask_and_allow(page)
        await use_a_terminal(page)


async def make_a_workspace(page: Page) -> None:
    await tab_to(page, page.get_by_role("link", name="New workspace").first)
    await page.keyboard.press("Enter")
    name = page.get_by_label("Name", exact=True)
    await expect(name).to_be_visible()
    if not await name.evaluate("(name) => name === document.activeElement"):
        await tab_to(page, name)
    await page.keyboard.type("By keys alone")
    await page.keyboard.press("Enter")
    await tab_to(page, page.get_by_role("button", name="Copy", exact=True))
    await page.keyboard.press("Enter")
    await tab_to(page, page.get_by_role("button", name="Open the workspace"))
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/w/w[0-9a-f]{24}$"))
    await expect(page.get_by_role("heading", name="Sessions", exact=True)).to_be_visible()


async def give_it_a_key(page: Page) -> None:
    await go(page, "Settings")
    await tab_to(page, page.get_by_role("button", name="Set Claude Code"))
    await page.keyboard.press("Enter")
    await tab_to(page, page.get_by_role("dialog").locator("input[type=password]"))
    await page.keyboard.type("sk-claude-of-the-keyboard-0123456789")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Replace Claude Code")).to_be_visible()


async def make_a_session(page: Page) -> None:
    await go(page, "Sessions")
    await tab_to(page, page.get_by_role("button", name="New session").first)
    await page.keyboard.press("Enter")
    await tab_to(page, page.get_by_role("dialog").get_by_label("Name"))
    await page.keyboard.type("Keys")
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/s/s[0-9a-f]{24}"))


async def ask_and_allow(page: Page) -> None:
    prompt = page.get_by_role("textbox", name=re.compile("prompt", re.IGNORECASE))
    await expect(prompt).to_be_visible()
    if not await prompt.evaluate("(prompt) => prompt === document.activeElement"):
        await tab_to(page, prompt)
    await page.keyboard.type("ask: echo hello > greeting.txt")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("say: It is written")
    await page.keyboard.press("Enter")
    card = page.get_by_role("group", name=re.compile("asks for a permission"))
    # What has just appeared takes no answer for a moment.
    await expect(card.get_by_role("button").first).to_be_enabled(timeout=LONG)
    await page.keyboard.press("Alt+a")
    await expect(page.get_by_text("It is written", exact=True)).to_be_visible(timeout=LONG)


async def use_a_terminal(page: Page) -> None:
    await page.keyboard.press("Alt+2")
    await page.wait_for_url("**/terminals")
    await tab_to(page, page.get_by_role("button", name="New terminal").first)
    await page.keyboard.press("Enter")
    terminal = page.locator("hostel-terminal")
    await expect(terminal.locator("textarea")).to_be_focused()
    await page.keyboard.type("cat greeting.txt\n")
    handle = await terminal.element_handle()
    await page.wait_for_function("(terminal) => /^hello/m.test(terminal.text)", arg=handle)


async def test_the_palette_leads_to_every_page(inside: Page, team: Team) -> None:
    pages = team.pages()
    await inside.goto(pages["sessions"])
    await expect(inside.get_by_role("heading", level=1)).to_be_visible()
    for name, label in LABELS.items():
        await go(inside, label)
        await inside.wait_for_url(f"**{pages[name]}")
        await expect(inside.get_by_role("heading", level=1)).to_be_visible()


async def test_the_skip_link_leads_over_the_navigation(inside: Page, team: Team) -> None:
    await inside.goto(team.pages()["keys"])
    await expect(inside.get_by_role("button", name="New key")).to_be_visible()
    skip = inside.get_by_role("link", name="Skip to the page")
    await inside.keyboard.press("Tab")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await inside.keyboard.press("Enter")
    await inside.keyboard.press("Tab")
    assert await inside.evaluate("document.querySelector('main').contains(document.activeElement)")


@pytest.mark.parametrize("name", ["sessions", "chat", "files", "changes", *PAGES, "channel", "task", "webhook", "account"])
async def test_one_sees_where_the_focus_is(inside: Page, team: Team, name: str) -> None:
    await inside.goto(team.pages()[name])
    await expect(inside.get_by_role("heading", level=1)).to_be_visible()
    await expect(inside.get_by_role("status").filter(has_text="…")).to_have_count(0)
    for _ in range(STOPS // 3):
        await inside.keyboard.press("Tab")
        assert "" == await inside.evaluate(SEEN)


@pytest.mark.parametrize(
    ("name", "button"),
    [
        ("sessions", "New session"),
        ("tasks", "New task"),
        ("schedules", "New schedule"),
        ("keys", "New key"),
        ("secrets", "New secret"),
        ("webhooks", "New webhook"),
        ("channel", "New channel"),
        ("settings", re.compile("^Delete")),
    ],
)
async def test_a_dialog_takes_the_focus_and_gives_it_back(
    inside: Page, team: Team, name: str, button: str | re.Pattern[str]
) -> None:
    await inside.goto(team.pages()[name])
    opener = inside.get_by_role("button", name=button).first
    await opener.focus()
    await inside.keyboard.press("Enter")
    dialog = inside.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    for _ in range(20):
        await inside.keyboard.press("Tab")
        assert await dialog.evaluate("(dialog) => dialog.contains(document.activeElement)")
    await inside.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(opener).to_be_focused()
