"""`make screenshots`: a picture of each page of the client in docs/pictures, from a real hostel where a real agent works.

Only the agent's model is a stand-in, which says the same each time.
"""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.browser.conftest import CHROMIUM, OPTIONS, patient, sign_in
from tests.browser.team import FIX, Team
from tests.browser.watched import watched
from tests.e2e.models.server import Models
from tests.installed import install
from tests.stack import Client, Stack
from tools.environments import CHECKOUT

PICTURES: Final = CHECKOUT / "docs/pictures"
LARGEST: Final = 150_000
"""Bytes of a picture."""
DESKTOP: Final[ViewportSize] = {"width": 1280, "height": 800}
TALL: Final[ViewportSize] = {"width": 1280, "height": 1000}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
INSIDE: Final = (
    *("sessions", "chat", "terminals", "files", "changes", "transcripts", "transcript", "tasks", "task", "schedules"),
    *("channel", "keys", "secrets", "webhook", "audit", "usage", "settings", "account"),
)
OUTSIDE: Final = ("workspaces", "new", "organisation", "admin", "admin-workspaces")

Scheme = Literal["light", "dark"]


async def main() -> None:
    """Set everything up, take the pictures, and take everything down."""
    PICTURES.mkdir(exist_ok=True)
    async with (
        Models() as models,
        Stack(patient(install("claude"), models)) as stack,
        Team.at_work(stack, models) as team,
        async_playwright() as playwright,
    ):
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        await album(browser, stack, team)
        await browser.close()


async def album(browser: Browser, stack: Stack, team: Team) -> None:
    """All pictures."""
    pages, client = team.pages(), team.work.tenant
    await photograph(browser, stack, client, {name: pages[name] for name in INSIDE})
    await photograph(browser, stack, client, {"chat-dark": pages["chat"], "terminal-dark": pages["terminals"]}, scheme="dark")
    await photograph(browser, stack, client, {f"{name}-phone": pages[name] for name in ("sessions", "chat")}, size=PHONE)
    await photograph(browser, stack, client, {"palette": pages["sessions"]})
    await photograph(browser, stack, client, {"turn": pages["chat"]}, size=TALL)
    await photograph(browser, stack, team.admin, {name: team.outside()[name] for name in OUTSIDE})
    await photograph(browser, stack, None, {"signin": "/signin"})


async def photograph(
    browser: Browser,
    stack: Stack,
    client: Client | None,
    paths: dict[str, str],
    *,
    scheme: Scheme = "light",
    size: ViewportSize = DESKTOP,
) -> None:
    """Pictures of pages as `client` sees them, by their names."""
    async with watched(browser, stack, expected=("GL Driver",), color_scheme=scheme, viewport=size) as page:
        if client is not None:
            await sign_in(page, client)
        for name, path in paths.items():
            await page.goto(path)
            await expect(page.get_by_role("heading", level=1)).to_be_visible()
            await expect(page.get_by_role("status").filter(has_text="…")).to_have_count(0)
            if prepare := PREPARED.get(name.partition("-")[0]):
                await prepare(page)
            await keep(page, PICTURES / f"{name}.png")


async def keep(page: Page, path: Path) -> None:
    """Write a picture. What is on the page has no cursor that blinks."""
    taken = await page.screenshot(path=path, caret="hide", animations="disabled")
    if len(taken) > LARGEST:
        sys.exit(f"{path.name} has {len(taken)} bytes, and may have {LARGEST}")
    print(f"{path.relative_to(CHECKOUT)}  {len(taken) // 1000} kB")


async def at_the_question(page: Page) -> None:
    """Where the agent waits for an answer."""
    await expect(page.get_by_role("button", name="Allow once")).to_be_enabled()
    await expect(page.get_by_text("Both tests pass now.")).to_be_visible()


async def at_an_edit(page: Page) -> None:
    """Where the agent has changed a file."""
    await expect(page.get_by_role("button", name="Allow once")).to_be_enabled()
    edit = page.locator("details", has=page.get_by_role("img", name="Edit")).first
    await edit.locator("summary").click()
    await page.get_by_text(FIX).last.scroll_into_view_if_needed()
    await edit.get_by_text("Half a cent goes to the customer").scroll_into_view_if_needed()


async def after_some_commands(page: Page) -> None:
    """A terminal in which somebody has looked around."""
    terminal = page.locator("hostel-terminal")
    await expect(terminal.locator(".hostel-terminal-status")).to_contain_text("Connected")
    await terminal.click()
    if "OK" in await terminal.evaluate("terminal => terminal.text"):
        return
    await page.keyboard.press("Control+l")
    for command in ("git log --oneline --decorate", "ls", "git diff --stat", "python3 -m unittest"):
        await page.keyboard.type(f"{command}\n")
        done = f"{re.escape(command)}\n[^$]*ledger \\$ *\\s*$"
        looked = "([terminal, done]) => new RegExp(done).test(terminal.text)"
        await page.wait_for_function(looked, arg=[await terminal.element_handle(), done])


async def with_a_file(page: Page) -> None:
    """A file that is open."""
    await page.get_by_role("treeitem", name=re.compile("^ledger")).click()
    await page.get_by_role("treeitem", name=re.compile(r"refunds\.py")).first.click()
    await expect(page.locator(".cm-content")).to_contain_text("Half a cent")


async def with_a_difference(page: Page) -> None:
    """What the agent has changed."""
    await expect(page.locator("main")).to_contain_text("Half a cent goes to the customer")


async def with_the_palette(page: Page) -> None:
    """Everything that can be done, by its name."""
    await page.keyboard.press("Control+k")
    await expect(page.get_by_label("Search commands")).to_be_visible()


PREPARED: Final[dict[str, Callable[[Page], Awaitable[None]]]] = {
    "chat": at_the_question,
    "turn": at_an_edit,
    "terminal": after_some_commands,
    "terminals": after_some_commands,
    "files": with_a_file,
    "changes": with_a_difference,
    "palette": with_the_palette,
}

if __name__ == "__main__":
    asyncio.run(main())
