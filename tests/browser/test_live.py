"""The pages say how things stand: changes of others appear by themselves, and what breaks off goes on."""

import re
from typing import Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.team import Team
from tests.browser.watched import AWAY, watched
from tests.e2e.work import Work
from tests.stack import Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

OFFLINE: Final = "net::ERR_INTERNET_DISCONNECTED"
ABSENT: Final = r"status of 404"
BROKEN: Final = r"status of 50\d"
SLOW_GL: Final = "GL Driver Message"
NOBODY: Final = "0" * 24
UNKNOWN: Final = (
    *(f"s/s{NOBODY}", f"s/s{NOBODY}/terminals", f"s/s{NOBODY}/files", f"s/s{NOBODY}/changes", "nothing"),
    *(f"tasks/t{NOBODY}", f"channels/c{NOBODY}", f"webhooks/w{NOBODY}", f"transcripts/x{NOBODY}"),
)


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True)


async def test_what_one_window_does_another_shows(browser: Browser, stack: Stack, alice: Work) -> None:
    at = f"/w/{alice.tenant.workspace}"
    async with watched(browser, stack) as page, watched(browser, stack) as other:
        for each in (page, other):
            await sign_in(each, alice.tenant)
            await each.goto(at)
        await page.get_by_role("button", name="New session").first.click()
        await page.get_by_role("dialog").get_by_label("Name").fill("made elsewhere")
        await page.get_by_role("dialog").get_by_role("button", name="Create").click()
        await expect(row(other, "made elsewhere")).to_be_visible()
        await page.goto(at)
        await page.get_by_role("button", name="What to do with made elsewhere").click()
        await page.get_by_role("menuitem", name="Rename").click()
        await page.get_by_role("dialog").get_by_label("Name").fill("renamed elsewhere")
        await page.keyboard.press("Enter")
        await expect(row(other, "renamed elsewhere")).to_be_visible()
        await page.get_by_role("button", name="What to do with renamed elsewhere").click()
        await page.get_by_role("menuitem", name="Delete").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await expect(row(other, "renamed elsewhere")).to_have_count(0)


async def test_a_network_that_goes_and_comes_loses_nothing_typed(browser: Browser, stack: Stack, alice: Work) -> None:
    session = await alice.tenant.session(name="offline")
    async with watched(browser, stack, expected=(OFFLINE, AWAY)) as page:
        await sign_in(page, alice.tenant)
        await page.goto(f"/w/{alice.tenant.workspace}/s/{session}")
        prompt = page.get_by_role("textbox", name=re.compile("prompt", re.IGNORECASE))
        await prompt.fill("say: not lost")
        await page.context.set_offline(offline=True)
        await expect(page.get_by_text("Reconnecting…").first).to_be_visible()
        await page.context.set_offline(offline=False)
        await expect(page.get_by_text("Reconnecting…")).to_have_count(0, timeout=3000)
        assert "say: not lost" == await prompt.input_value()
        await prompt.press("Enter")
        await expect(page.get_by_text("not lost", exact=True)).to_be_visible(timeout=40_000)


async def test_a_restart_of_the_server_is_survived_by_a_list(browser: Browser, stack: Stack, alice: Work) -> None:
    async with watched(browser, stack, expected=(AWAY, BROKEN)) as page:
        await sign_in(page, alice.tenant)
        await page.goto(f"/w/{alice.tenant.workspace}")
        await expect(page.get_by_role("button", name="New session").first).to_be_visible()
        await stack.api.restart()
        await alice.tenant.session(name="after the restart")
        await expect(row(page, "after the restart")).to_be_visible()
        await expect(page.get_by_text("Reconnecting…")).to_have_count(0)


async def test_the_way_back_leads_through_the_pages(browser: Browser, stack: Stack, team: Team) -> None:
    async with watched(browser, stack, expected=(SLOW_GL,)) as page:
        await sign_in(page, team.work.tenant)
        pages = team.pages()
        await page.goto(pages["sessions"])
        await row(page, "Refunds of half a cent").click()
        await page.get_by_role("link", name="Files").click()
        await page.wait_for_url(f"**{pages['files']}*")
        await page.get_by_role("link", name="Tasks").click()
        await page.wait_for_url(f"**{pages['tasks']}")
        for name in ("files", "chat", "sessions"):
            await page.go_back()
            await page.wait_for_url(re.compile(re.escape(pages[name]) + r"(\?.*)?$"))
        await expect(page.get_by_role("heading", name="Sessions", exact=True)).to_be_visible()
        await page.go_forward()
        await expect(page.get_by_role("heading", name="Refunds of half a cent")).to_be_visible()


async def test_an_address_is_opened_where_it_leads_and_after_the_sign_in(browser: Browser, stack: Stack, team: Team) -> None:
    async with watched(browser, stack) as page:
        await page.goto(team.pages()["schedules"])
        await page.get_by_label("Workspace id").fill(team.work.tenant.workspace)
        await page.get_by_label("Workspace secret").fill(team.work.tenant.secret)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("heading", name="Schedules", exact=True)).to_be_visible()
        assert page.url.endswith(team.pages()["schedules"])


async def test_what_does_not_exist_is_said(browser: Browser, stack: Stack, alice: Work) -> None:
    async with watched(browser, stack, expected=(ABSENT, "status of 4", "WebSocket")) as page:
        await sign_in(page, alice.tenant)
        for path in UNKNOWN:
            await page.goto(f"/w/{alice.tenant.workspace}/{path}")
            said = page.locator("main").get_by_text(re.compile(r"\b(no|not|gone)\b", re.IGNORECASE)).first
            await expect(said, path).to_be_visible()
            await expect(page.get_by_role("status").filter(has_text="…"), path).to_have_count(0)


async def test_two_windows_of_one_conversation_show_the_same(browser: Browser, stack: Stack, alice: Work) -> None:
    session = await alice.tenant.session(name="shared")
    async with watched(browser, stack) as page, watched(browser, stack) as other:
        for each in (page, other):
            await sign_in(each, alice.tenant)
            await each.goto(f"/w/{alice.tenant.workspace}/s/{session}")
        prompt = page.get_by_role("textbox", name=re.compile("prompt", re.IGNORECASE))
        await prompt.fill("ask: touch shared.txt\nsay: seen by both")
        await prompt.press("Enter")
        card = re.compile("asks for a permission")
        await expect(page.get_by_role("group", name=card)).to_be_visible(timeout=40_000)
        await other.get_by_role("group", name=card).get_by_role("button", name="Allow once").click()
        for each in (page, other):
            await expect(each.get_by_text("seen by both", exact=True)).to_be_visible(timeout=40_000)
            await expect(each.get_by_role("group", name=card)).to_have_count(0)
