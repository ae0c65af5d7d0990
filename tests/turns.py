"""Turns as a client sees them: a prompt, and a follower that comes back after each break."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import aiohttp

from tests.stack import Tenant

_PAUSE = 0.05


class Conversation:
    """A session of a tenant, and its events as one client has seen them, each once and in order."""

    def __init__(self, tenant: Tenant, session: str) -> None:
        """Nothing is seen yet."""
        self.tenant = tenant
        self.session = session
        self.base = f"{tenant.base}/sessions/{session}"
        self.events: list[dict[str, Any]] = []
        self.breaks = 0

    @property
    def seen(self) -> int:
        """The number of the last event that was seen."""
        return int(self.events[-1]["seq"]) if self.events else 0

    def of(self, kind: str, turn: str | None = None) -> list[dict[str, Any]]:
        """The events of one type, of a turn or of all."""
        return [e for e in self.events if e["type"] == kind and turn in (None, e["turnId"])]

    def said(self, turn: str) -> str:
        """All that the agent said in a turn."""
        return "".join(event["text"] for event in self.of("message", turn))

    async def prompt(self, text: str, *, wait: int = 0, **body: object) -> dict[str, Any]:
        """A fresh turn."""
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        reply: dict[str, Any] = await self.tenant.call(
            "POST", f"{self.base}/prompt", {"text": text, **body}, status=201, headers=headers
        )
        return reply

    async def turn(self, turn: str) -> dict[str, Any]:
        """A turn as it is now."""
        reply: dict[str, Any] = await self.tenant.call("GET", f"{self.base}/turns/{turn}")
        return reply

    async def page(self) -> list[dict[str, Any]]:
        """All events, page by page."""
        items: list[dict[str, Any]] = []
        while True:
            after = items[-1]["seq"] if items else 0
            page = await self.tenant.call("GET", f"{self.base}/events?after={after}&limit=100")
            if not page["items"]:
                return items
            items += page["items"]

    async def until(self, happened: Callable[[], object], within: float = 60) -> None:
        """Follow, and come back after each break, until `happened()`."""
        async with asyncio.timeout(within):
            while not happened():
                with contextlib.suppress(aiohttp.ClientError):
                    if await self._follow(happened):
                        return
                self.breaks += 1
                await asyncio.sleep(_PAUSE)

    async def until_over(self, turn: str, within: float = 60) -> dict[str, Any]:
        """Follow until `turn` is over; its last event."""
        await self.until(lambda: self.of("turnEnded", turn), within)
        return self.of("turnEnded", turn)[0]

    async def _follow(self, happened: Callable[[], object]) -> bool:
        """Whether it has happened, rather than the stream ended."""
        headers = {**self.tenant.headers, "Accept": "text/event-stream", "Last-Event-ID": str(self.seen)}
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.tenant.stack.http.get(f"{self.base}/events", headers=headers, timeout=timeout) as reply:
            if reply.status != 200:
                return False
            async for line in reply.content:
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    if "seq" not in event:  # the event `end`: the server stops
                        return bool(happened())
                    assert event["seq"] == self.seen + 1, (self.seen, event)
                    self.events.append(event)
                if happened():
                    return True
        return False
