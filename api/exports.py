"""A home on its way to a client: of unknown length, at the pace of whoever is slower."""

import asyncio
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

from aiohttp import hdrs, web

from api.guests import PEER, Stream
from api.routing import Context
from api.transfers import PATIENCE, POLICY, disposition, send_whole
from shared.guestwire.export import Exported
from shared.guestwire.files import Chunk


async def hand_out_home(ctx: Context) -> web.StreamResponse:
    """The archive."""
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
        await send_whole(ctx, response, partial(_pieces, response, stream))
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
