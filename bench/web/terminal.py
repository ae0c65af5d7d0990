"""The terminal in the page: echo of a key, frames while a program floods it, Ctrl-C."""

import asyncio
import statistics
import time
from typing import Final

from playwright.async_api import ElementHandle, Page

from bench.report import Report
from bench.web import floor, frames
from tests.stack import Tenant

KEYS: Final = 60
STOPS: Final = 3
VOLUME: Final = 50_000_000
SIZE: Final = (120, 38)
"""About what the page has room for."""
LINE: Final = "The quick brown fox jumps over the lazy dog. 0123456789"
ECHO: Final = "stty raw -echo; printf GO; exec cat"
FLOOD: Final = (
    f"stty -echo; printf GO; read -r line; yes '{LINE}' | head -c {VOLUME}; "
    r"printf '\e]0;END\a'; read -r line"
)
_SEES: Final = "([terminal, text]) => terminal.text.includes(text)"
_WATCH_KEYS: Final = """terminal => {
    window.taken = [];
    window.addEventListener("keydown", event => {
        const before = terminal.text;
        const look = now => terminal.text === before ? requestAnimationFrame(look) : window.taken.push(now - event.timeStamp);
        requestAnimationFrame(look);
    }, { capture: true });
}"""


async def shown(page: Page, tenant: Tenant, script: str) -> ElementHandle:
    """A program on a terminal of its own session, in the page, once it has printed GO."""
    session = await tenant.session()
    await tenant.terminal(session, command=["/bin/bash", "-c", script])
    await page.goto(f"/w/{tenant.workspace}/s/{session}/terminals")
    terminal = await page.wait_for_selector("hostel-terminal")
    assert terminal is not None
    await sees(page, terminal, "GO")
    await terminal.evaluate("terminal => terminal.focus()")
    return terminal


async def sees(page: Page, terminal: ElementHandle, text: str) -> None:
    """Wait until it is on the screen."""
    await page.wait_for_function(_SEES, arg=[terminal, text], timeout=120_000)


async def echo(page: Page, terminal: ElementHandle) -> float:
    """Median milliseconds from a key to the frame that finds its echo on the screen."""
    await terminal.evaluate(_WATCH_KEYS)
    for number in range(KEYS):
        await page.keyboard.press("x")
        await page.wait_for_function("count => window.taken.length === count", arg=number + 1)
    times: list[float] = await page.evaluate("window.taken")
    return statistics.median(times)


async def flood(page: Page, tenant: Tenant) -> tuple[float, float]:
    """Milliseconds of the longest frame while the page takes VOLUME bytes, and the bytes per second."""
    terminal = await shown(page, tenant, FLOOD)
    await asyncio.sleep(1)
    await frames.watch(page)
    # To read the screen in each frame would be a load of its own: the program says by its title that it is done.
    await terminal.evaluate("terminal => terminal.addEventListener('titlechange', event => { window.title = event.detail; })")
    begin = time.perf_counter()
    await page.keyboard.press("Enter")
    await page.wait_for_function("() => window.title === 'END'", timeout=120_000)
    rate = VOLUME / (time.perf_counter() - begin)
    return max(await frames.taken(page)), rate


async def interrupt(page: Page, tenant: Tenant) -> float:
    """Median milliseconds from Ctrl-C to what the shell prints next, while `yes` floods the page."""
    terminal = await shown(page, tenant, "printf GO; while :; do trap : INT; read -r line; yes; echo STOPPED-$((++n)); done")
    times = []
    for number in range(1, STOPS + 1):
        await page.keyboard.press("Enter")
        await asyncio.sleep(2)
        begin = time.perf_counter()
        await page.keyboard.press("Control+C")
        await sees(page, terminal, f"STOPPED-{number}")
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times)


async def measure(page: Page, tenant: Tenant, report: Report) -> None:
    """Each beside xterm.js alone."""
    alone = await echo(page, await floor.bare(page, *SIZE))
    took = await echo(page, await shown(page, tenant, ECHO))
    report.limit("key echo in the page, p50", took, "ms", 30, note=f"xterm.js alone {alone:.1f} ms")
    await floor.bare(page, *SIZE)
    await frames.watch(page)
    alone_rate = await floor.flood(page, f"{LINE}\r\n", VOLUME)
    alone_longest = max(await frames.taken(page))
    longest, rate = await flood(page, tenant)
    report.limit("50 MB in the page, longest frame", longest, "ms", 100, note=f"xterm.js alone {alone_longest:.1f} ms")
    report.ratio("50 MB in the page", [(rate / 1e6, alone_rate / 1e6)], "MB/s", at_least=0.3, peer="xterm.js alone")
    report.limit("Ctrl-C under `yes` in the page", await interrupt(page, tenant), "ms", 1000)
