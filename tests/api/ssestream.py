"""Server-sent events as a client reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.api.rooms import Room


class Stream:
    """The events that a client gets."""

    def __init__(self, reply: aiohttp.ClientResponse) -> None:
        self._reply = reply
        self.seen: list[tuple[str, dict[str, Any]]] = []
        self.id = ""
        """Of the last event that had one."""

    async def next(self) -> tuple[str, dict[str, Any]]:
        name = data = ""
        async with asyncio.timeout(20):
            while True:
                raw = await self._reply.content.readline()
                if not raw:
                    raise ConnectionError("the stream has ended")
                field, _, value = raw.decode().rstrip("\r\n").partition(": ")
                match field:
                    case "id":
                        self.id = value
                    case "event":
                        name = value
                    case "data":
                        data += value
                    case "" if data and not value:
                        self.seen.append((name, json.loads(data)))
                        return self.seen[-1]
                    case _:
                        assert not field, raw  # nothing else may be in a stream of ours, but comments

    async def until(self, event: str, **fields: object) -> dict[str, Any]:
        """The next event of that name with these fields."""
        while True:
            got, data = await self.next()
            if got == event and all(data[field] == value for field, value in fields.items()):
                return data

    async def take(self, number: int) -> list[dict[str, Any]]:
        """So many events."""
        return [(await self.next())[1] for _ in range(number)]


@asynccontextmanager
async def following(room: Room, path: str = "/api/events", **headers: str) -> AsyncIterator[Stream]:
    sent = {**room.headers, "Accept": "text/event-stream", **{name.replace("_", "-"): v for name, v in headers.items()}}
    async with room.rooms.http.get(path, headers=sent) as reply:
        assert (reply.status, reply.content_type) == (200, "text/event-stream"), await reply.text()
        yield Stream(reply)
