"""Server-sent events (the HTML standard, 9.2): what is written, and for how long a slow reader is waited for."""

import asyncio
from typing import Final

from aiohttp import hdrs, web

from api.schema import View, encode
from shared.errors import Fault

MEDIA_TYPE: Final = "text/event-stream"
LAST_EVENT_ID: Final = "Last-Event-ID"
DIGITS_MAX: Final = 15
"""Of a number in an id: it is exact in JSON, and small enough to be read."""
PATIENCE: Final = 120.0
"""Seconds in which a client must take something of what waits for it; else it is cut off."""


class EndView(View, frozen=True):
    """Why a stream ends."""

    code: str
    detail: str


def wanted(request: web.Request) -> bool:
    """Whether the client accepts a stream of events rather than JSON. What comes with a POST accepts it for the POST."""
    reads = request.method in {hdrs.METH_GET, hdrs.METH_HEAD}
    return reads and any(MEDIA_TYPE in value.lower() for value in request.headers.getall("Accept", []))


def block(data: bytes, *, name: str | None = None, number: str | None = None) -> bytes:
    """One event of a stream. `data` is JSON, which has no line breaks when we made it; `number` is what resumes."""
    head = f"id: {number}\n" if number is not None else ""
    if name is not None:
        head += f"event: {name}\n"
    return b"%bdata: %b\n\n" % (head.encode(), data)


def end(error: Fault) -> bytes:
    """The last event of a stream that `error` ends."""
    return block(encode(EndView(code=error.code, detail=error.message)), name="end")


async def write(response: web.StreamResponse, data: bytes) -> None:
    """Send `data`; waits while the client does not read. Raises TimeoutError when it takes nothing for PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        await response.write(data)
