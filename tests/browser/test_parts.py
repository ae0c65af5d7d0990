"""What other servers make for a workspace: how far it is, why it failed, and trying it again."""

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.company import Company
from tests.browser.conftest import sign_in
from tests.browser.watched import watched

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]


def part(page: Page, name: str) -> Locator:
    return page.get_by_role("list", name="What the workspace is made of").get_by_role("listitem").filter(has_text=name)


async def test_a_part_that_fails_says_why_and_is_made_when_it_is_tried_again(browser: Browser, company: Company) -> None:
    company.broken = {"POST /admin/users"}
    async with watched(browser, company.stack) as page:
        await sign_in(page, await company.stack.admin())
        await page.goto("/new")
        await page.get_by_label("Name", exact=True).fill("Parts")
        await page.get_by_role("button", name="Create the workspace").click()
        gitea = part(page, "Gitea")
        await expect(part(page, "Linux user")).to_contain_text("Made")
        await expect(gitea).to_contain_text("Being made")
        company.answers.set()
        await expect(gitea.get_by_role("alert")).to_have_text("Gitea answered 500")
        await expect(gitea).to_contain_text("Failed")
        await expect(part(page, "Coolify")).to_contain_text("Made")
        company.broken = set()
        await gitea.get_by_role("button", name="Retry Gitea").click()
        await expect(gitea).to_contain_text("organisation")
        await expect(gitea).to_contain_text("Made")
        await expect(gitea.get_by_role("alert")).to_have_count(0)


async def test_the_workspace_itself_sees_the_credentials_of_a_part(browser: Browser, company: Company) -> None:
    tenant = await company.stack.tenant("Credentials")
    async with watched(browser, company.stack) as page:
        await sign_in(page, tenant)
        await page.goto(f"/w/{tenant.workspace}/settings")
        gitea = part(page, "Gitea")
        await gitea.get_by_role("button", name="Show the credentials").click()
        [token] = [token for token, (owner, _) in company.gitea.tokens.items() if owner == f"{tenant.workspace}-bot"]
        await expect(gitea.get_by_text(token)).to_be_visible()
        await gitea.get_by_role("button", name="Hide the credentials").click()
        await expect(gitea.get_by_text(token)).to_have_count(0)
        await part(page, "Coolify").get_by_role("button", name="Show the credentials").click()
        await expect(part(page, "Coolify")).to_contain_text("It has no credentials of its own.")
