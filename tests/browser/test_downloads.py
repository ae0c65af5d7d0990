"""What the pages hand to the browser as files: whole, and under names that say what they are."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page

from tests.browser.conftest import sign_in
from tests.browser.team import Team
from tests.browser.watched import watched
from tests.stack import Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]


async def fetched(page: Page, button: Locator, folder: Path) -> Path:
    """The file that a click brings."""
    async with page.expect_download() as download:
        await button.click()
    found = await download.value
    path = folder / found.suggested_filename
    await found.save_as(path)
    return path


async def test_a_file_a_transcript_and_a_whole_workspace_are_downloaded(
    browser: Browser, stack: Stack, team: Team, tmp_path: Path
) -> None:
    pages, tenant = team.pages(), team.work.tenant
    async with watched(browser, stack) as page:
        await sign_in(page, tenant)
        await page.goto(f"{pages['files']}?path=ledger/money.py")
        file = await fetched(page, page.get_by_role("button", name="Download", exact=True), tmp_path)
        assert ("money.py", (team.room.repo / "ledger/money.py").read_text()) == (file.name, file.read_text())

        await page.goto(pages["transcript"])
        texts = {}
        for kind in ("Markdown", "HTML", "JSON"):
            await page.get_by_role("button", name="Export").click()
            exported = await fetched(page, page.get_by_role("menuitem", name=kind), tmp_path)
            texts[exported.suffix] = exported.read_text()
        assert {".md", ".html", ".json"} == set(texts)
        assert json.loads(texts[".json"])["complete"]
        assert all("half of the divisor" in text or "no tests" in text for text in texts.values()), texts

        await page.goto(pages["settings"])
        archive = await fetched(page, page.get_by_role("link", name="Download all files"), tmp_path)
        assert re.fullmatch(rf"{tenant.workspace}-\w+\.tar\.zst", archive.name)
        listed = subprocess.run(["tar", "--zstd", "-tf", archive], capture_output=True, check=True, text=True).stdout
        assert f"sessions/{team.room.session}/repo/ledger/refunds.py\n" in listed


async def test_a_room_that_was_opened_with_its_secret_is_downloaded_too(
    browser: Browser, stack: Stack, team: Team, tmp_path: Path
) -> None:
    tenant = team.work.tenant
    async with watched(browser, stack) as page:
        await sign_in(page, team.admin)
        await page.goto(team.outside()["locked"])
        await page.get_by_label("Workspace secret").fill(tenant.secret)
        await page.get_by_role("button", name="Open", exact=True).click()
        await page.get_by_role("link", name="Settings").click()
        # Without a file system of its own, as in most browsers, the page holds it until it is whole.
        await page.evaluate("delete window.showSaveFilePicker")
        archive = await fetched(page, page.get_by_role("button", name="Download all files"), tmp_path)
        subprocess.run(["zstd", "-tq", archive], check=True)
