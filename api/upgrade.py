"""WebSocket upgrades: the same authentication and scope as any request, before or just after the handshake.

A client that cannot set `Authorization`, as a browser, sends a first text frame `{"type":"auth","token":…}` instead; when it
asks for the subprotocol `hostel.token` its session cookie, which a browser sends always, does not count. Every
failure after the handshake is one `error` frame and a close code of 4000 + the HTTP status it would have had.
"""

import asyncio
from http import HTTPStatus
from typing import Final, Literal

import msgspec
from aiohttp import WSCloseCode, WSMessage, WSMsgType, hdrs, web

from api import schema
from api.admission import Note
from api.auth import ANONYMOUS, Principal
from api.dispatch import Endpoint
from api.problems import Problem, of_fault
from api.routing import Context
from shared.errors import Code, Fault
from shared.log import logger
from shared.secret import Secret, decode_hook

MESSAGE_MAX: Final = 1024 * 1024
"""Bytes in a message from a client."""
HEARTBEAT: Final = 30.0
"""Seconds of silence after which a client is pinged; one that stays silent for half as long again is taken for dead."""
AUTH_SECONDS: Final = 5.0
"""For the first frame of a client that did not authenticate in its request."""
CLOSE_BASE: Final = 4000
BY_TOKEN: Final = "hostel.token"  # noqa: S105  # a name, not a password
"""The subprotocol of a client whose first frame has its credential."""


class AuthFrame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first frame of a browser."""

    type: Literal["auth"]
    token: Secret


class ErrorFrame(msgspec.Struct, frozen=True):
    """Why the connection is about to be closed."""

    code: str
    message: str
    recoverable: bool = False
    type: str = "error"


_frames: Final = msgspec.json.Decoder(AuthFrame, dec_hook=decode_hook)


class SocketEndpoint(Endpoint):
    """A route that is a WebSocket."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer an upgrade: authenticate, shake hands, call the handler, close."""
        with self.noted(request) as note:
            return await _upgrade(self, request, note)


async def _upgrade(endpoint: Endpoint, request: web.Request, note: Note) -> web.StreamResponse:
    ws = web.WebSocketResponse(max_msg_size=MESSAGE_MAX, compress=False, heartbeat=HEARTBEAT, protocols=(BY_TOKEN,))
    ready = ws.can_prepare(request)
    offered = ready.ok
    principal = await endpoint.identify(request, cookies=ready.protocol != BY_TOKEN)
    endpoint.query_of(request)
    # Without a token in the request there may be one in the first frame; but only of a WebSocket.
    late = offered and principal is ANONYMOUS and hdrs.AUTHORIZATION not in request.headers
    ctx = None if late else await _admitted(endpoint, request, principal)
    if not offered:
        raise Problem(Code.BAD_REQUEST, "this is a WebSocket: `Upgrade: websocket` is needed", headers={"Upgrade": "websocket"})
    await ws.prepare(request)
    try:
        if ctx is None:
            ctx = await _admitted(endpoint, request, await _late_principal(endpoint, request, ws))
        note.take(ctx)
        await endpoint.run_socket(ctx, ws)
    except (Fault, Problem) as error:
        note.fail(error)
        await _refuse(ws, of_fault(error) if isinstance(error, Fault) else error)
    except ConnectionError:
        logger().debug("the client of a WebSocket has left")
    except Exception as error:  # noqa: BLE001  # it is logged, and told as `internal`
        note.fail(error)
        logger().exception("a WebSocket failed")
        await _refuse(ws, Problem(Code.INTERNAL, "an unexpected error; the server's log says more"))
    finally:
        await ws.close()
    return ws


async def _admitted(endpoint: Endpoint, request: web.Request, principal: Principal) -> Context:
    return await endpoint.admit(request, principal, request.match_info, endpoint.selected(request))


async def _late_principal(endpoint: Endpoint, request: web.Request, ws: web.WebSocketResponse) -> Principal:
    try:
        async with asyncio.timeout(AUTH_SECONDS):
            message = await ws.receive()
    except TimeoutError:
        raise Fault(Code.UNAUTHORIZED, f"no token came within {AUTH_SECONDS:g} s") from None
    return await endpoint.identify(request, _token_in(message))


def _token_in(message: WSMessage) -> str:
    if message.type in {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}:
        raise ConnectionError
    if message.type is not WSMsgType.TEXT:
        raise Fault(Code.UNAUTHORIZED, 'the first frame must be {"type":"auth","token":…}')
    try:
        return _frames.decode(message.data).token.reveal()
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Fault(Code.UNAUTHORIZED, 'the first frame must be {"type":"auth","token":…}') from None


async def _refuse(ws: web.WebSocketResponse, problem: Problem) -> None:
    if ws.closed:
        return
    try:
        await ws.send_str(schema.encode(ErrorFrame(problem.code, problem.detail)).decode())
    except ConnectionError:
        return
    internal = problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    await ws.close(code=WSCloseCode.INTERNAL_ERROR if internal else CLOSE_BASE + problem.status)
