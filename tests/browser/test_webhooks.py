"""The host's webhooks: each has a page of what was delivered, and sends again what has failed."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.company import Company
from tests.browser.conftest import sign_in
from tests.browser.watched import watched

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]


async def test_a_delivery_of_the_hosts_that_has_failed_is_sent_again_from_its_page(browser: Browser, company: Company) -> None:
    company.hooks.status = 500
    async with watched(browser, company.stack) as page:
        await sign_in(page, await company.stack.admin())
        await page.goto("/admin/webhooks")
        await page.get_by_role("button", name="New webhook").click()
        form = page.get_by_role("dialog", name="New webhook")
        await form.get_by_label("URL").fill(company.hooks.url)
        await form.get_by_label("Events").click()
        await page.get_by_role("option", name="workspace.created").click()
        await page.keyboard.press("Escape")
        await form.get_by_role("button", name="Create webhook").click()
        await page.get_by_role("button", name="I have kept it").click()
        await page.get_by_role("link", name="Deliveries").click()
        await expect(page.get_by_role("heading", name="Deliveries")).to_be_visible()
        await page.get_by_role("button", name="Send a test").click()
        delivery = page.get_by_role("list", name="Deliveries").get_by_role("listitem")
        await expect(delivery).to_contain_text("Answered 500")
        company.hooks.status = 204
        await delivery.get_by_role("button", name="Send again").click()
        await expect(delivery).to_contain_text("delivered")
        number, *_ = {sent for sent, _, _ in company.hooks.got}
        assert [number, number] == [sent for sent, _, _ in await company.hooks.take(2)]
        await page.reload()
        await expect(delivery).to_contain_text("delivered")
        await page.get_by_role("link", name="All webhooks").click()
        await expect(page).to_have_url(f"{company.stack.url}/admin/webhooks")
