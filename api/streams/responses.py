"""A response of server-sent events that ends with its caller's credential, and a slow reader that harms nobody."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp_sse import EventSourceResponse, sse_response

from api.people.standing import held
from api.routing import Context
from api.streams import sse
from api.streams.live import Ending
from shared.errors import Fault

KEEP_ALIVE: Final = 15.0
"""Seconds between two comments that keep the connection open."""
_FAREWELL: Final = 1.0
"""Seconds that the last event may take."""


class Response(EventSourceResponse):
    """A stream; that its client has left before it began is no failure of the server's."""

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Send the headers. Ends the request's task where nobody is there to read them."""
        if request.transport is None:
            raise asyncio.CancelledError
        try:
            return await super().prepare(request)
        except ConnectionError as error:
            raise asyncio.CancelledError from error


async def stream(
    ctx: Context,
    produce: Callable[[EventSourceResponse], Awaitable[None]],
    lost: asyncio.Future[None] | None = None,
) -> web.StreamResponse:
    """The response that `produce` writes, until it returns, the client leaves, its token ends or `lost` is resolved.

    A Fault of `produce` is told as the event `end`.
    """
    async with (
        held(ctx) as connection,
        sse_response(
            ctx.request, ping_interval=KEEP_ALIVE, send_timeout=sse.PATIENCE, sep="\n", response_cls=Response
        ) as response,
    ):
        ways: set[asyncio.Future[Any]] = {
            connection.ended,
            asyncio.create_task(_told(ctx.request, response, produce)),
            asyncio.create_task(response.wait()),
        }
        if lost is not None:
            ways.add(lost)
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
        if connection.ended.done() and not connection.ended.cancelled():
            await _farewell(ctx.request, response, connection.ended.result())
    transport = ctx.request.transport
    if transport is not None and ctx.request.protocol.writing_paused:
        transport.abort()  # nobody reads: the end of the stream would wait for ever
    return response


async def _farewell(request: web.Request, response: EventSourceResponse, ending: Ending) -> None:
    """Why the server ends the stream, unless the client does not read."""
    if not request.protocol.writing_paused:
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await response.write(sse.end(ending.fault))


async def _told(
    request: web.Request, response: EventSourceResponse, produce: Callable[[EventSourceResponse], Awaitable[None]]
) -> None:
    with suppress(ConnectionError, TimeoutError):
        try:
            await produce(response)
        except Fault as error:
            if not request.protocol.writing_paused:
                await sse.write(response, sse.end(error))
