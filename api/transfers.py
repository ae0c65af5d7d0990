"""Files between a client and a guest, piece by piece, at the pace of whoever is slower; and work that a client waits for.

A tenant's file is never shown in our origin: it is a download, and in a sandbox should a browser show it all the same.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing, suppress
from functools import partial
from typing import Final, TypeVar
from urllib.parse import quote

from aiohttp import hdrs, web

from api.guests import DEADLINE, PEER, Stream
from api.people.standing import held
from api.problems import HttpCode, Problem
from api.routing import Context, matches
from api.streams.live import Connection
from shared.errors import Code, Fault
from shared.guestwire.files import Chunk, FileOpened, Sent, Take
from shared.messages import Reply

PATIENCE: Final = 60.0
"""Seconds for the next piece to be taken or to come."""
POLICY: Final = "sandbox; default-src 'none'"
_LOOK: Final = 0.5
"""Seconds between two looks whether the client is still there, of which aiohttp tells nobody."""
_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")

R = TypeVar("R", bound=Reply)


async def take_in(ctx: Context, pieces: AsyncIterator[bytes], stream: Stream, kind: type[R]) -> R:
    """Send the pieces to the guest; its answer when all is there. Raises what the guest says, and what `pieces` raises."""
    with closing(stream):
        async with held(ctx) as connection:
            try:
                async for piece in pieces:
                    _check(connection)
                    await _in_time(stream, Chunk(piece))
                _check(connection)  # the end may come long after the last piece
                await _in_time(stream, Sent())
            except Fault as error:
                # A guest that refuses says so, and closes: its words are still to be read.
                if error.code is not Code.UNAVAILABLE:
                    raise
            try:
                async with asyncio.timeout(DEADLINE):
                    return await stream.expect(kind)
            except TimeoutError:
                raise PEER.late(DEADLINE) from None


def _check(connection: Connection) -> None:
    if connection.ended.done():
        raise Fault(Code.UNAUTHORIZED, connection.ended.result().reason)


async def _in_time(stream: Stream, message: Chunk | Sent) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await stream.send(message)
    except TimeoutError:
        raise PEER.late(PATIENCE) from None


async def hand_out(
    ctx: Context, opened: FileOpened, stream: Stream, *, name: str, media_type: str | None = None
) -> web.StreamResponse:
    """The file as a download: all of it, or the part that `Range` names. Raises Problem RANGE_NOT_SATISFIABLE."""
    etag = f'"{opened.version}"'
    response = web.StreamResponse(
        headers={
            hdrs.ETAG: etag,
            hdrs.ACCEPT_RANGES: "bytes",
            hdrs.CONTENT_TYPE: media_type or ("text/plain; charset=utf-8" if opened.text else "application/octet-stream"),
            hdrs.CONTENT_DISPOSITION: disposition(name),
            hdrs.CONTENT_SECURITY_POLICY: POLICY,
            hdrs.CACHE_CONTROL: "private, no-cache",
        }
    )
    with closing(stream):
        if matches(ctx.request.headers.getall(hdrs.IF_NONE_MATCH, []), etag):
            response.set_status(304)
            del response.headers[hdrs.CONTENT_TYPE]
            await response.prepare(ctx.request)
            return response
        first, length = _part(ctx.request, opened.size, etag)
        if length != opened.size:
            response.set_status(206)
            response.headers[hdrs.CONTENT_RANGE] = f"bytes {first}-{first + length - 1}/{opened.size}"
        response.content_length = length
        take = Take(offset=first, length=length)
        await send_whole(ctx, response, partial(_pieces, ctx, response, stream, take))
    return response


def disposition(name: str) -> str:
    """A `Content-Disposition` (RFC 6266) that any name fits in."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _part(request: web.Request, size: int, etag: str) -> tuple[int, int]:
    """The first byte and the number of bytes that are wanted: all of them for a `Range` that is none, or of many parts."""
    given = request.headers.get(hdrs.RANGE, "") if request.headers.get(hdrs.IF_RANGE, etag) == etag else ""
    match = _RANGE.fullmatch(given.replace(" ", ""))
    if match is None or not (match[1] or match[2]):
        return 0, size
    if not match[1]:
        first, last = max(0, size - int(match[2])), size - 1
    else:
        first, last = int(match[1]), min(int(match[2] or size), size - 1)
        if match[2] and int(match[2]) < first:
            return 0, size
    if first > last:
        raise Problem(
            HttpCode.RANGE_NOT_SATISFIABLE, f"the file has {size} bytes", headers={hdrs.CONTENT_RANGE: f"bytes */{size}"}
        )
    return first, last - first + 1


async def send_whole(ctx: Context, response: web.StreamResponse, write: Callable[[], Coroutine[None, None, None]]) -> None:
    """Send what `write` writes; a client that does not get all of it sees a connection that broke, not a shorter body."""
    async with held(ctx) as connection:
        await response.prepare(ctx.request)
        writing = asyncio.create_task(write())
        try:
            await asyncio.wait((writing, connection.ended), return_when=asyncio.FIRST_COMPLETED)
        finally:
            writing.cancel()
            (outcome,) = await asyncio.gather(writing, return_exceptions=True)
    if outcome is not None and ctx.request.transport is not None:
        ctx.request.transport.abort()
    if isinstance(outcome, Exception) and not isinstance(outcome, Fault | OSError | TimeoutError):
        raise outcome


async def _pieces(ctx: Context, response: web.StreamResponse, stream: Stream, take: Take) -> None:
    if ctx.request.method == hdrs.METH_HEAD or not take.length:
        return
    await stream.send(take)
    left = take.length
    while left:
        async with asyncio.timeout(PATIENCE):
            message = await stream.receive()
        if not isinstance(message, Chunk) or len(message.data) > left:
            raise PEER.violation("other bytes than those asked for")
        left -= len(message.data)
        async with asyncio.timeout(PATIENCE):
            await response.write(message.data)
    await response.write_eof()


async def outcome_of(ctx: Context, stream: Stream, kind: type[R], deadline: float) -> R:
    """The guest's answer to work that takes long. The work ends when the client goes. Raises Fault TIMEOUT, UNAVAILABLE."""
    clock = asyncio.get_running_loop().time
    end = clock() + deadline
    waiting = asyncio.create_task(stream.expect(kind))
    try:
        while not (await asyncio.wait({waiting}, timeout=_LOOK))[0]:
            transport = ctx.request.transport
            if transport is None or transport.is_closing():
                raise Fault(Code.UNAVAILABLE, "the client has gone")
            if clock() > end:
                raise PEER.late(deadline)
        return waiting.result()
    finally:
        waiting.cancel()
        with suppress(Fault, asyncio.CancelledError):
            await waiting
        stream.close()
