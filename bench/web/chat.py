"""A long conversation: how soon its end can be read."""

import statistics
from typing import Final

from playwright.async_api import Page

from bench.report import Report
from tests.stack import Tenant
from tests.turns import Conversation

EVENTS: Final = 5_000
OPENINGS: Final = 3
_STEP: Final = "think How is it done there?\nsay I look at `greet.py`, and **then** at the tests.\n\nrun echo one; echo two\n"
TURN: Final = _STEP * 20
_OPENS: Final = """([path, text]) => new Promise(resolve => {
    const begin = performance.now();
    const look = () => {
        const found = document.querySelector("main")?.textContent.includes(text);
        found ? resolve(performance.now() - begin) : requestAnimationFrame(look);
    };
    document.querySelector(`a[href="${path}"]`).click();
    look();
})"""


async def talk(tenant: Tenant, events: int) -> Conversation:
    """A conversation of so many events at least, of which the last say END."""
    made = Conversation(tenant, await tenant.session())
    while made.seen < events:
        await made.until_over((await made.prompt(TURN))["turnId"])
    await made.until_over((await made.prompt("say END"))["turnId"])
    return made


async def opens(page: Page, made: Conversation) -> float:
    """Median milliseconds from a click in the list of sessions to the frame that finds the last words."""
    times: list[float] = []
    for _ in range(OPENINGS):
        # The page is another one each time: one that comes back to a conversation has it still.
        await page.goto(f"/w/{made.tenant.workspace}")
        path = f"/w/{made.tenant.workspace}/s/{made.session}"
        await page.wait_for_selector(f"a[href='{path}']")
        times.append(await page.evaluate(_OPENS, [path, "END"]))
    return statistics.median(times)


async def measure(page: Page, tenant: Tenant, report: Report) -> None:
    """Beside a conversation of some words."""
    short, long = await talk(tenant, 0), await talk(tenant, EVENTS)
    note = f"{short.seen} events {await opens(page, short):.1f} ms"
    report.limit(f"chat of {long.seen} events opens", await opens(page, long), "ms", 1000, note=note)
