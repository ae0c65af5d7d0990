"""The page that shows the API."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import sign_in
from tests.e2e.work import Work

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]


async def test_the_api_is_shown_and_tried_with_the_browsers_own_sign_in(page: Page, alice: Work) -> None:
    await sign_in(page, alice.tenant)
    await page.goto("/api/docs#/auth/me")
    await page.get_by_role("button", name="Execute").click(timeout=60_000)
    await expect(page.locator(".live-responses-table").first).to_contain_text(alice.tenant.workspace)
