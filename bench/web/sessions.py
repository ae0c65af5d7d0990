"""The list of sessions: frames while it is scrolled."""

import asyncio
from typing import Final

from playwright.async_api import Page

from bench.report import Report
from bench.web import frames
from shared.rooms import SESSIONS_MAX
from tests.stack import Tenant

AT_ONCE: Final = 8
TICKS: Final = 100
SLOW: Final = 20
"""Milliseconds of a frame that somebody sees."""


async def scrolled(page: Page, pixels: int) -> float:
    """The share of frames that are slow while the wheel turns, of so many pixels a tick."""
    await frames.taken(page)
    for _ in range(TICKS):
        await page.mouse.wheel(0, pixels)
        await asyncio.sleep(1 / 60)
    times = await frames.taken(page)
    return 100 * sum(time > SLOW for time in times) / len(times)


async def measure(page: Page, tenant: Tenant, report: Report) -> None:
    """Of as many sessions as a workspace can have."""
    have = len(await tenant.items(f"{tenant.base}/sessions"))
    room = asyncio.Semaphore(AT_ONCE)

    async def make() -> None:
        async with room:
            await tenant.session()

    await asyncio.gather(*(make() for _ in range(SESSIONS_MAX - have)))
    await page.goto(f"/w/{tenant.workspace}")
    await page.get_by_role("listitem").first.hover()
    await frames.watch(page)
    still = await scrolled(page, 0)
    share = await scrolled(page, 200)
    report.limit(f"{SESSIONS_MAX} sessions, frames over 20 ms", share, "%", 10, note=f"standing still {still:.1f} %")
