"""A room in which nothing runs: its page knows what is in it."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.conftest import sign_in
from tests.browser.watched import AWAY, watched
from tests.stack import Stack

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="session")]


async def test_its_sessions_are_listed_and_opened_by_their_address(browser: Browser, stack: Stack) -> None:
    tenant = await stack.tenant("sleeper")
    made = await tenant.call("POST", f"{tenant.base}/sessions", {"name": "asleep"}, headers={"Prefer": "wait=30"})
    with stack.host() as host:
        host.stop_workspace(workspace=tenant.workspace)
    # What api knew of it is gone too.
    await stack.api.restart()
    async with watched(browser, stack, expected=(AWAY,)) as page:
        await sign_in(page, tenant)
        await page.goto(f"/w/{tenant.workspace}/s/{made['sessionId']}")
        await expect(page.get_by_role("navigation", name="Session")).to_be_visible()
        with stack.host() as host:
            host.stop_workspace(workspace=tenant.workspace)
        await stack.api.restart()
        await page.goto(f"/w/{tenant.workspace}")
        await expect(page.get_by_role("link", name="asleep")).to_be_visible()
