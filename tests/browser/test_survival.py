"""The way of a user through it all: in, a workspace, a session, a terminal, a turn; and api is killed in the middle."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser import repository
from tests.browser.test_signin import link
from tests.browser.watched import AWAY, watched
from tests.e2e.models.server import Models
from tests.stack import Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

LONG = 40_000
"""Milliseconds that an agent may take to begin or to end a turn."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address(stack: Stack) -> AsyncIterator[str]:
    """Of a repository with something in it."""
    repository.make(stack.folder / "sources/greeter")
    async with repository.served(stack.folder / "sources/greeter") as found:
        yield found


async def test_all_goes_on_when_api_is_killed(browser: Browser, stack: Stack, models: Models, address: str) -> None:
    async with watched(browser, stack, expected=(AWAY, r"status of 50\d")) as page:
        await page.goto(link(stack))
        await make_workspace(page)
        session = await clone(page, address)
        await tab(page, "Terminals").click()
        await count_in_a_terminal(page)
        await tab(page, "Chat").click()
        await ask_for_a_file(page)
        await hold_a_turn(page, models)
        await stack.api.kill()
        await models.release("killed")
        await see_the_turn_end(page)
        await page.reload()
        await see_the_whole_conversation(page)
        await tab(page, "Terminals").click()
        await see_the_terminal_count_on(page)
        assert session in page.url
        await sign_out(page)


def tab(page: Page, name: str) -> Locator:
    """A way between the pages of a session."""
    return page.get_by_role("navigation", name="Session").get_by_role("link", name=re.compile(f"^{name}"))


async def make_workspace(page: Page) -> None:
    await page.get_by_role("link", name="New workspace").first.click()
    await page.get_by_label("Name", exact=True).fill("Greeters")
    await page.get_by_role("button", name="Create the workspace").click()
    await expect(page.get_by_test_id("secret")).to_contain_text("hws_")
    await page.get_by_role("button", name="Copy", exact=True).click()
    await page.get_by_role("button", name="Open the workspace").click()
    await page.wait_for_url(re.compile(r"/w/w[0-9a-f]{24}$"))
    await page.get_by_role("link", name="Settings").click()
    await page.get_by_role("button", name="Set Claude Code").click()
    dialog = page.get_by_role("dialog", name="Credential of Claude Code")
    await dialog.locator("input[type=password]").fill("sk-claude-of-the-browser-0123456789")
    await dialog.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("button", name="Replace Claude Code")).to_be_visible()


async def clone(page: Page, address: str) -> str:
    await page.get_by_role("link", name="Sessions").click()
    await page.get_by_role("button", name="New session").first.click()
    dialog = page.get_by_role("dialog", name="New session")
    await dialog.get_by_label("Repository").fill(address)
    await dialog.get_by_role("button", name="Clone").click()
    await page.wait_for_url(re.compile(r"/s/s[0-9a-f]{24}"))
    await expect(tab(page, "Chat")).to_be_visible()
    return page.url.rpartition("/")[2]


async def screen(page: Page) -> str:
    """What the terminal shows, and what has scrolled away."""
    return str(await page.evaluate("() => document.querySelector('hostel-terminal')?.text ?? ''"))


async def until_screen(page: Page, text: str) -> str:
    await page.wait_for_function(
        "(text) => document.querySelector('hostel-terminal')?.text.includes(text)", arg=text, timeout=LONG
    )
    return await screen(page)


async def count_in_a_terminal(page: Page) -> None:
    """A program counts for as long as the terminal lives: a tick each tenth of a second, with its number."""
    await page.get_by_role("button", name=re.compile("new", re.IGNORECASE)).first.click()
    await page.locator("hostel-terminal").wait_for()
    await until_screen(page, "$")
    await page.keyboard.type("i=0; while sleep 0.1; do i=$((i+1)); echo tick-$i-; done\n")
    await until_screen(page, "tick-5-")


async def ask_for_a_file(page: Page) -> None:
    prompt = page.get_by_role("textbox", name=re.compile("prompt", re.IGNORECASE))
    await prompt.fill("say: I write it\nask: echo hello > greeting.txt\nsay: It is written")
    await prompt.press("Enter")
    card = page.get_by_role("group", name=re.compile("asks for a permission"))
    await expect(card).to_contain_text("greeting.txt", timeout=LONG)
    await expect(card.get_by_role("button", name="Allow once")).to_be_enabled()
    await page.keyboard.press("Alt+a")
    await expect(card).to_be_hidden()
    await expect(page.get_by_text("It is written", exact=True)).to_be_visible(timeout=LONG)


async def hold_a_turn(page: Page, models: Models) -> None:
    prompt = page.get_by_role("textbox", name=re.compile("prompt", re.IGNORECASE))
    await prompt.fill("say: Before the kill\nhold: killed\nsay: After the kill")
    await prompt.press("Enter")
    await models.held("killed")
    await expect(page.get_by_text("Before the kill", exact=True)).to_be_visible(timeout=LONG)


async def see_the_turn_end(page: Page) -> None:
    await expect(page.get_by_text("After the kill")).to_be_visible(timeout=LONG)


async def see_the_whole_conversation(page: Page) -> None:
    for text in ("It is written", "Before the kill", "After the kill"):
        await expect(page.get_by_text(text).last).to_be_visible()


async def see_the_terminal_count_on(page: Page) -> None:
    """Without a lost or doubled tick."""
    await page.locator("hostel-terminal").wait_for()
    seen = await until_screen(page, "tick-5-")
    last = int(re.findall(r"tick-(\d+)-", seen)[-1])
    seen = await until_screen(page, f"tick-{last + 20}-")
    ticks = [int(number) for number in re.findall(r"^tick-(\d+)-", seen, re.MULTILINE)]
    assert list(range(1, ticks[-1] + 1)) == ticks


async def sign_out(page: Page) -> None:
    await page.get_by_role("button", name="Your account").click()
    await page.get_by_role("menuitem", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in to hostel")).to_be_visible()
