"""What WebSockets have in common once they are open: two ways, an ending, and a client that may not take part in it."""

import asyncio
from collections.abc import Coroutine
from http import HTTPStatus
from typing import Final

from aiohttp import WSCloseCode, web

from api.controls import ErrorControl
from api.problems import STATUS
from api.streams.live import Connection, Ending
from api.upgrade import CLOSE_BASE
from shared.errors import Code, Fault

CLIENT_LEFT: Final = Ending(WSCloseCode.OK, "")
_HANGUP: Final = 5.0
"""Seconds that a client has for the closing handshake before its connection is cut."""
_RECOVERABLE: Final = {
    Code.UNAVAILABLE: WSCloseCode.SERVICE_RESTART,
    Code.TIMEOUT: WSCloseCode.SERVICE_RESTART,
    Code.LIMIT: WSCloseCode.TRY_AGAIN_LATER,
    Code.BUSY: WSCloseCode.TRY_AGAIN_LATER,
}
"""Failures after which connecting again may help."""


def ending_of(error: Fault) -> tuple[ErrorControl, Ending]:
    """What a client is told when `error` ends its connection: a frame, and a close code.

    The code is one of RFC 6455's when connecting again may help or hostel is to blame, else 4000 and the status of HTTP.
    """
    recoverable = error.code in _RECOVERABLE
    status = STATUS[error.code]
    refused = WSCloseCode.INTERNAL_ERROR if status >= HTTPStatus.INTERNAL_SERVER_ERROR else CLOSE_BASE + status
    code = _RECOVERABLE.get(error.code, refused)
    return ErrorControl(code=error.code, message=error.message, recoverable=recoverable), Ending(code, error.code)


async def until_ended(
    ws: web.WebSocketResponse,
    request: web.Request,
    connection: Connection,
    output: Coroutine[None, None, Ending],
    input_: Coroutine[None, None, Ending],
) -> None:
    """Run both ways until one of them or `connection` says how it ends, then close `ws`."""
    sending, receiving = asyncio.create_task(output), asyncio.create_task(input_)
    try:
        done, _ = await asyncio.wait({sending, receiving, connection.ended}, return_when=asyncio.FIRST_COMPLETED)
        ending = (connection.ended if connection.ended in done else done.pop()).result()
        if not request.protocol.writing_paused:
            # aiohttp waits for the client's side of the handshake only when nobody else receives. A way that waits for a
            # client that does not read is not cancelled yet: that would cancel the wait that all of aiohttp shares.
            receiving.cancel()
            await asyncio.wait({receiving})
        await hang_up(ws, request, ending)
    finally:
        sending.cancel()
        receiving.cancel()
        await asyncio.wait({sending, receiving})


async def hang_up(ws: web.WebSocketResponse, request: web.Request, ending: Ending) -> None:
    """Close with the ending's code; cut the connection when the client does not take part in that."""
    transport = request.transport
    try:
        async with asyncio.timeout(_HANGUP):
            await ws.close(code=ending.code, message=ending.reason.encode())
    except TimeoutError:
        if transport is not None:
            transport.abort()
