"""Git in the pages, against real repositories: a merge with a conflict, and what it takes to end it."""

import re
import subprocess
from typing import Final

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import sign_in
from tests.browser.watched import watched
from tests.e2e.work import Work
from tests.stack import Stack, Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

REFUSED: Final = r"status of 409"
TEXT: Final = "one\ntwo\nthree\n"


class Diverged:
    """A session whose clone and whose worktree `feature` have changed the same line."""

    def __init__(self, tenant: Tenant, session: str, worktree: str) -> None:
        """`make` has made them."""
        self._tenant = tenant
        self._session = session
        self.worktree = worktree
        self.pages = f"/w/{tenant.workspace}/s/{session}"

    @classmethod
    async def make(cls, tenant: Tenant) -> "Diverged":
        """With a commit on each side of the one that both have."""
        session = await tenant.session(name="diverged")
        at = f"{tenant.base}/sessions/{session}"
        made = cls(tenant, session, "")
        await made._commit("", TEXT)
        made.worktree = (
            await tenant.call("POST", f"{at}/worktrees", {"name": "feature", "branch": "feature", "start": "main"}, status=201)
        )["worktreeId"]
        await made._commit("", TEXT.replace("two", "two of main"))
        await made._commit(made.worktree, TEXT.replace("two", "two of feature"))
        return made

    async def _commit(self, worktree: str, text: str) -> None:
        at, where = f"{self._tenant.base}/sessions/{self._session}", {"worktree": worktree} if worktree else {}
        put = self._tenant.stack.http.put(
            f"{at}/files/content", params={"path": "shared.txt", **where}, data=text, headers=self._tenant.headers
        )
        async with put as reply:
            assert reply.ok, await reply.text()
        query = f"?worktree={worktree}" if worktree else ""
        await self._tenant.call("POST", f"{at}/git/commit{query}", {"message": text, "all": True}, status=201)

    def git(self, *args: str) -> str:
        """What git tells of the worktree."""
        folder = self._tenant.home / "vibecoder_workspace/sessions" / self._session / "worktrees" / self.worktree
        argv = ["git", "-c", "safe.directory=*", "-C", str(folder), *args]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    async def merge(self, page: Page) -> Locator:
        """Merge main into the worktree by the page of its changes; what the page then says of the merge."""
        await page.goto(f"{self.pages}/changes?worktree={self.worktree}")
        await page.get_by_role("button", name="feature", exact=True).click()
        dialog = page.get_by_role("dialog", name="Branches")
        await dialog.get_by_role("button", name="Merge main", exact=True).click()
        await expect(dialog).to_be_hidden()
        notice = page.get_by_role("status").filter(has_text="A merge waits")
        await expect(notice).to_contain_text("1 file in conflict")
        return notice


async def test_a_conflict_is_shown_resolved_in_the_editor_and_committed(browser: Browser, stack: Stack, alice: Work) -> None:
    diverged = await Diverged.make(alice.tenant)
    async with watched(browser, stack, expected=(REFUSED,)) as page:
        await sign_in(page, alice.tenant)
        notice = await diverged.merge(page)
        changed = page.get_by_role("article", name="shared.txt")
        for line in ("<<<<<<< HEAD", "two of feature", "two of main", ">>>>>>> refs/heads/main"):
            await expect(changed.get_by_text(line, exact=True)).to_be_visible()
        await changed.get_by_role("link", name="Open shared.txt").click()
        editor = page.get_by_role("textbox", name="shared.txt")
        await expect(editor).to_contain_text("two of main")
        await editor.press("Control+a")
        await page.keyboard.insert_text(TEXT.replace("two", "two of both"))
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
        await page.get_by_role("navigation", name="Session").get_by_role("link", name="Changes").click()
        await expect(notice).to_be_visible()
        commit = page.get_by_role("button", name="Commit the merge")
        await page.get_by_role("textbox", name="Message of the commit").fill("Take both")
        await page.get_by_role("checkbox", name="Commit shared.txt").check()
        await commit.click()
        await expect(page.get_by_text(re.compile("Committed [0-9a-f]{8}: Take both"))).to_be_visible()
        await expect(notice).to_be_hidden()
    assert 3 == len(diverged.git("rev-list", "--parents", "-1", "HEAD").split())
    assert TEXT.replace("two", "two of both") == diverged.git("show", "HEAD:shared.txt")


async def test_a_merge_with_a_conflict_is_aborted(browser: Browser, stack: Stack, alice: Work) -> None:
    diverged = await Diverged.make(alice.tenant)
    before = diverged.git("rev-parse", "HEAD")
    async with watched(browser, stack, expected=(REFUSED,)) as page:
        await sign_in(page, alice.tenant)
        notice = await diverged.merge(page)
        await notice.get_by_role("button", name="Abort the merge").click()
        await page.get_by_role("dialog", name="Abort the merge?").get_by_role("button", name="Abort the merge").click()
        await expect(notice).to_be_hidden()
        await expect(page.get_by_text("No changes").first).to_be_visible()
    assert (before, "") == (diverged.git("rev-parse", "HEAD"), diverged.git("status", "--porcelain"))


async def test_the_first_commit_has_a_difference_too(browser: Browser, stack: Stack, alice: Work) -> None:
    diverged = await Diverged.make(alice.tenant)
    async with watched(browser, stack) as page:
        await sign_in(page, alice.tenant)
        await page.goto(f"{diverged.pages}/changes?worktree={diverged.worktree}")
        await page.get_by_text("History", exact=True).click()
        await page.get_by_role("button", name=re.compile("^one two three")).click()
        changed = page.get_by_role("article", name="shared.txt")
        await expect(changed.get_by_text("two", exact=True)).to_be_visible()
        await expect(changed).to_contain_text("+3")
