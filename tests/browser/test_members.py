"""Organisations as their people see them: who is invited, what a rank allows, and who owns a workspace, under open pages."""

from typing import Final

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.company import ELSEWHERE, Company
from tests.browser.watched import watched

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

REFUSED: Final = r"status of 40[34]"
LOST: Final = "This workspace is not open to you any more"


async def founded(page: Page, company: Company, owner: str, *names: str) -> list[str]:
    """Sign in, and make organisations; the addresses of their pages."""
    await page.goto("/orgs")
    await company.sign_in(page, owner)
    made = []
    for name in names:
        await page.goto("/orgs")
        await page.get_by_role("button", name="New organisation").click()
        form = page.get_by_role("dialog", name="New organisation")
        await form.get_by_label("Name").fill(name)
        await form.get_by_role("button", name="Create").click()
        await expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
        made.append(page.url)
    return made


async def with_workspace(page: Page, name: str, owner: str) -> str:
    """Make a workspace of an organisation; the address of its page."""
    await page.goto("/new")
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_role("combobox", name="Owner").or_(page.get_by_text(f"It will belong to {owner}.")).click()
    if await page.get_by_role("option", name=owner).count() > 0:
        await page.get_by_role("option", name=owner).click()
    await page.get_by_role("button", name="Create the workspace").click()
    await page.get_by_text("Keep the workspace's secret").wait_for()
    return f"/w/{await page.locator('main code').first.inner_text()}"


async def test_who_is_invited_joins_and_what_a_rank_allows_follows_under_an_open_page(
    browser: Browser, company: Company
) -> None:
    async with (
        watched(browser, company.stack, expected=(ELSEWHERE,)) as olga,
        watched(browser, company.stack, expected=(ELSEWHERE, REFUSED)) as mia,
    ):
        [bakery] = await founded(olga, company, "Olga Owner", "Bakery")
        ovens = await with_workspace(olga, "Ovens", "Bakery")
        await olga.goto(bakery)
        await olga.get_by_role("button", name="Invite somebody").click()
        await olga.get_by_label("As", exact=True).select_option("member")
        await olga.get_by_role("button", name="Make the invitation").click()
        link = await olga.get_by_text("/orgs#join=").inner_text()
        await olga.get_by_role("button", name="Done").click()

        await mia.goto(link)
        await company.sign_in(mia, "Mia Member")
        await mia.get_by_role("button", name="Join", exact=True).click()
        await expect(mia.get_by_role("heading", name="Bakery")).to_be_visible()
        await mia.goto(ovens)
        await mia.get_by_role("button", name="New session").first.click()
        form = mia.get_by_role("dialog", name="New session")
        await form.get_by_label("Name").fill("not lost")

        await olga.reload()
        rank = olga.get_by_role("combobox", name="Rank of Mia Member")
        await rank.select_option("viewer")
        await expect(rank).to_be_enabled()
        await form.get_by_role("button", name="Create").click()
        await expect(form.get_by_role("alert")).to_have_text("Your role does not allow this, or not any more.")
        assert "not lost" == await form.get_by_label("Name").input_value()
        await form.get_by_role("button", name="Cancel").click()
        await expect(mia.get_by_role("button", name="New session")).to_have_count(0)

        await olga.get_by_role("button", name="Remove Mia Member").click()
        await olga.get_by_role("dialog").get_by_role("button", name="Remove").click()
        await expect(olga.get_by_text("Mia Member")).to_have_count(0)
        await expect(mia.get_by_role("alert").filter(has_text=LOST)).to_be_visible()
        await mia.get_by_role("link", name="Your workspaces").click()
        await expect(mia.get_by_text("Ovens")).to_have_count(0)


async def test_a_workspace_goes_from_one_organisation_to_another_and_back(browser: Browser, company: Company) -> None:
    admin = await company.stack.admin()
    async with watched(browser, company.stack, expected=(ELSEWHERE, REFUSED)) as page:
        await founded(page, company, "Paula Owner", "Mill", "Farm")
        at = await with_workspace(page, "Grain", "Farm")
        await page.goto(f"{at}/settings")
        for before, owner in (("Farm", "Mill"), ("Mill", "Farm")):
            section = page.get_by_role("region", name="Owner and members")
            await expect(section).to_contain_text(f"It belongs to {before}.")
            await section.get_by_role("button", name="Transfer").click()
            form = page.get_by_role("dialog", name="Transfer the workspace")
            await form.get_by_role("combobox", name="New owner").click()
            await expect(page.get_by_role("option", name=before)).to_have_count(0)
            await page.get_by_role("option", name=owner).click()
            await form.get_by_role("button", name="Transfer").click()
            await expect(section).to_contain_text(f"It belongs to {owner}.")
        # An administrator takes it from all organisations, while its owner has it open.
        path = f"/api/workspaces/{at.rpartition('/')[2]}/transfer"
        await admin.call("POST", path, {"organisationId": None})
        await expect(page.get_by_role("alert").filter(has_text=LOST)).to_be_in_viewport()
