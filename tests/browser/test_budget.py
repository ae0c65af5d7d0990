"""A budget that is used up: what is asked then is kept, and goes on when there is more to spend."""

from typing import Final

import pytest
from playwright.async_api import Browser, expect

from tests.browser.company import Company
from tests.browser.conftest import sign_in
from tests.browser.watched import watched

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]

REFUSED: Final = r"status of 40[24]"
SPENT: Final = "The workspace has spent $2.00 of its $1.00 for today (UTC)."


async def test_what_a_budget_refuses_waits_and_goes_on_when_it_is_raised(browser: Browser, company: Company) -> None:
    tenant = await company.stack.tenant("Thrift")
    await tenant.call("PATCH", tenant.base, {"providers": {"fake": {"auth": {"type": "api_key", "value": "sk-fake"}}}})
    session = await tenant.session(name="Costs")
    at = f"/w/{tenant.workspace}"
    admin = await company.stack.admin()
    async with watched(browser, company.stack, expected=(REFUSED,)) as page, watched(browser, company.stack) as office:
        await sign_in(page, tenant)
        await sign_in(office, admin)
        await page.goto(f"{at}/s/{session}")
        prompt = page.get_by_role("textbox", name="Prompt")
        await prompt.fill("cost 2\nsay first")
        await prompt.press("Enter")
        await expect(page.get_by_text("first", exact=True)).to_be_visible()

        await office.goto(f"{at}/usage")
        await office.get_by_role("button", name="Set the budget").click()
        form = office.get_by_role("dialog", name="What the workspace may spend")
        await form.get_by_label("In a day").fill("1")
        await form.get_by_role("button", name="Save").click()
        await expect(form).to_be_hidden()

        await prompt.fill("say second")
        await prompt.press("Enter")
        await expect(page.get_by_text(SPENT)).to_be_visible()
        await page.goto(f"{at}/tasks")
        await page.get_by_role("button", name="New task").first.click()
        await page.get_by_role("dialog").get_by_label("Prompt").fill("say third")
        await page.get_by_role("dialog").get_by_role("button", name="Queue task").click()
        await expect(page.get_by_text(SPENT.removesuffix("."))).to_be_visible()
        task = page.url

        await office.get_by_role("button", name="Set the budget").click()
        await form.get_by_label("In a day").fill("50")
        await form.get_by_role("button", name="Save").click()
        await expect(form).to_be_hidden()
        await page.get_by_role("button", name="Try again").first.click()
        await expect(page.get_by_role("region", name="Result")).to_contain_text("third")
        await page.goto(f"{at}/s/{session}")
        await page.get_by_role("button", name="Send now").click()
        await expect(page.get_by_text("second", exact=True)).to_be_visible()
        await page.goto(task)
        await expect(page.get_by_text(SPENT)).to_have_count(0)
