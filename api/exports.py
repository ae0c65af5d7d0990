"""A home on its way to a client: of unknown length, at the pace of whoever is slower."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime

from aiohttp import hdrs, web

from api.guests import PEER, Stream
from api.people.standing import held
from api.routing import Context
from api.transfers import PATIENCE, POLICY, disposition
from shared.errors import Fault
from shared.guestwire.export import Exported
from shared.guestwire.files import Chunk


async def hand_out_home(ctx: Context) -> web.StreamResponse:
    """The archive. A client that does not get all of it sees a connection that broke, not a shorter archive."""
    workspace = ctx.room
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: "application/zstd",
            hdrs.CONTENT_DISPOSITION: disposition(f"{workspace}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.zst"),
            hdrs.CONTENT_SECURITY_POLICY: POLICY,
            hdrs.ACCEPT_RANGES: "none",
        }
    )
    if ctx.request.method == hdrs.METH_HEAD:
        await response.prepare(ctx.request)
        return response
    _, stream = await ctx.app.guests.export_home(workspace)
    with closing(stream):
        async with held(ctx) as connection:
            await response.prepare(ctx.request)
            sending = asyncio.create_task(_pieces(response, stream))
            try:
                await asyncio.wait((sending, connection.ended), return_when=asyncio.FIRST_COMPLETED)
            finally:
                sending.cancel()
                (outcome,) = await asyncio.gather(sending, return_exceptions=True)
    if outcome is not None and ctx.request.transport is not None:
        ctx.request.transport.abort()
    if isinstance(outcome, Exception) and not isinstance(outcome, Fault | OSError | TimeoutError):
        raise outcome
    return response


async def _pieces(response: web.StreamResponse, stream: Stream) -> None:
    size = 0
    while True:
        async with asyncio.timeout(PATIENCE):
            message = await stream.receive()
        if isinstance(message, Exported) and message.size == size:
            break
        if not isinstance(message, Chunk):
            raise PEER.violation("no part of an archive")
        size += len(message.data)
        async with asyncio.timeout(PATIENCE):
            await response.write(message.data)
    await response.write_eof()
