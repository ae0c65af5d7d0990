"""The web client in Chromium, without a graphics card."""

from typing import Final

from playwright.async_api import async_playwright

from bench.report import Report
from bench.web import chat, sessions, terminal
from tests.stack import Stack

CHROMIUM: Final = "/usr/bin/chromium"
OPTIONS: Final = ("--no-sandbox", "--enable-unsafe-swiftshader")


async def measure(stack: Stack, report: Report) -> None:
    """All figures of pages."""
    tenant = await stack.tenant()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        context = await browser.new_context(base_url=stack.url, viewport={"width": 1280, "height": 800})
        page = await context.new_page()
        reply = await page.request.post("/api/auth/session", headers={**tenant.headers, "Origin": stack.url})
        assert reply.ok
        for part in (terminal, chat, sessions):
            await part.measure(page, tenant, report)
        await browser.close()
