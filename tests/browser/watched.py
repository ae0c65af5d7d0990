"""A page of a browser that is watched: what it complains of fails the test, and a failure leaves a picture."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Browser, ConsoleMessage, Page, Request, expect

from tests.stack import Stack

PICTURES: Final = Path("/tmp/hostel-browser")
"""Where a test that fails leaves what the page looked like."""
SIGNED_OUT: Final = r"401 \(Unauthorized\)"
"""What a browser says when the page asks who is signed in, and nobody is."""
AWAY: Final = r"net::ERR_(?:CONNECTION_\w+|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING)|WebSocket connection to"
"""What it says while the server is away."""
_WITHIN: Final = 15_000
"""Milliseconds that a page may take for anything."""
expect.set_options(timeout=_WITHIN)


@dataclass
class Watch:
    """What a page has complained of."""

    origin: str
    expected: Sequence[str]
    complaints: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Hear everything."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._complain(f"error: {error}"))
        page.on("request", self._request)
        page.on("crash", lambda _: self._complain("the page has crashed"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._complain(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", self.origin.replace("http", "ws", 1), "blob:", "data:")):
            self._complain(f"a request leaves the server: {request.url}")

    def _complain(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in self.expected):
            self.complaints.append(text)


@asynccontextmanager
async def watched(browser: Browser, stack: Stack, *, expected: Sequence[str] = (), **context: Any) -> AsyncIterator[Page]:  # noqa: ANN401  # Playwright's options
    """A page in a context of its own. `expected` are patterns of complaints that the test causes."""
    options = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **context}
    opened = await browser.new_context(base_url=stack.url, **options)
    opened.set_default_timeout(_WITHIN)
    page = await opened.new_page()
    watch = Watch(stack.url, (SIGNED_OUT, *expected))
    watch.listen(page)
    try:
        yield page
    except BaseException:
        PICTURES.mkdir(exist_ok=True)
        number = len(list(PICTURES.iterdir()))
        print(f"the page: {page.url}, {PICTURES}/{number}.png; it complained: {watch.complaints}")
        await page.screenshot(path=PICTURES / f"{number}.png")
        raise
    finally:
        await opened.close()
    assert [] == watch.complaints, watch.complaints
