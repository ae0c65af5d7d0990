"""The frames of a page, and what they take."""

from typing import Final

from playwright.async_api import Page

_WATCH: Final = """() => {
    window.frames_taken = [];
    let last = performance.now();
    const frame = now => { window.frames_taken.push(now - last); last = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
}"""


async def watch(page: Page) -> None:
    """Take the time of each frame from now on."""
    await page.evaluate(_WATCH)


async def taken(page: Page) -> list[float]:
    """Milliseconds of each frame since the last call, or since `watch`."""
    times: list[float] = await page.evaluate("window.frames_taken.splice(0)")
    return times
