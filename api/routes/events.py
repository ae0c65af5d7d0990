"""What happens in a workspace, as server-sent events."""

import asyncio
from collections.abc import Coroutine
from contextlib import closing
from typing import Any, Final

from aiohttp import web
from aiohttp_sse import EventSourceResponse, sse_response

from api.auth import Scope
from api.bus import Subscription
from api.guests import PEER
from api.routing import Context, route
from api.schema import View, encode
from api.views import session_view, terminal_view
from shared.errors import Code, Fault
from shared.guestwire.watch import SessionChanged, SessionDeleted, TerminalChanged, TerminalClosed
from shared.ids import SessionId, TerminalId, WorkspaceId
from shared.messages import Message

KEEP_ALIVE: Final = 15.0
"""Seconds between two comments that keep the connection open."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
"""Seconds before a guest that ended its stream is watched again, the second the most."""


class DeletedSessionView(View, frozen=True):
    """A session that is gone."""

    session_id: SessionId
    workspace_id: WorkspaceId


class ClosedTerminalView(View, frozen=True):
    """A terminal that is gone."""

    terminal_id: TerminalId
    workspace_id: WorkspaceId


@route(
    "GET",
    "/api/events",
    scope=Scope.EVENTS_READ,
    summary="Follow what happens in the workspace",
    errors=(Code.LIMIT,),
    produces="text/event-stream",
)
async def follow_events(ctx: Context) -> web.StreamResponse:
    """Events `session`, `sessionDeleted`, `terminal`, `terminalClosed` and `workspace`, each with what is shown of the thing.

    Whenever its guest is connected, every session and terminal comes once; then what changes. The stream starts no guest,
    and goes on when the guest leaves and comes again.
    """
    with ctx.app.live.open(ctx.principal) as connection, ctx.app.bus.subscribe(ctx.room) as subscription:
        ctx.app.tokens.check(ctx.principal)  # it may have been revoked before the connection was there to be closed
        async with sse_response(ctx.request, ping_interval=KEEP_ALIVE) as response:
            ways: set[asyncio.Future[Any]] = {
                connection.ended,
                asyncio.create_task(_until_gone(_follow_bus(subscription, response))),
                asyncio.create_task(_until_gone(_Follower(ctx, response).run())),
                asyncio.create_task(response.wait()),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.wait(ways)
    transport = ctx.request.transport
    if transport is not None and ctx.request.protocol.writing_paused:
        transport.abort()  # nobody reads: the end of the stream would wait for ever
    return response


async def _until_gone(way: Coroutine[None, None, None]) -> None:
    try:
        await way
    except (Fault, ConnectionError, TimeoutError):
        return


async def _follow_bus(subscription: Subscription, response: EventSourceResponse) -> None:
    async for event in subscription:
        await response.send(encode(event.data).decode(), event=event.name)


class _Follower:
    """Follows the workspace's guest, over as many lives as it has."""

    def __init__(self, ctx: Context, response: EventSourceResponse) -> None:
        self._guests = ctx.app.guests
        self._workspace = ctx.room
        self._response = response

    async def run(self) -> None:
        clock = asyncio.get_running_loop().time
        pause = _FIRST_PAUSE
        while True:
            began = clock()
            # Before the guest is looked for: it may come just then.
            arrival = self._guests.arrival(self._workspace)
            try:
                await self._follow()
            except Fault as error:
                if error.code is Code.NOT_RUNNING:
                    await arrival.wait()
                    continue
            if clock() - began > _LONGEST_PAUSE:
                pause = _FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _follow(self) -> None:
        _, stream = await self._guests.watch(self._workspace)
        with closing(stream):
            for session in (await self._guests.list_sessions(self._workspace)).items:
                await self._send("session", session_view(self._workspace, session))
            for terminal in (await self._guests.list_terminals(self._workspace)).items:
                await self._send("terminal", terminal_view(self._workspace, terminal))
            while True:
                await self._tell(await stream.receive())
                # A guest that pours events must not hold the loop.
                await asyncio.sleep(0)

    async def _tell(self, message: Message) -> None:
        match message:
            case SessionChanged(session=info):
                await self._send("session", session_view(self._workspace, info))
            case SessionDeleted(session=session):
                await self._send("sessionDeleted", DeletedSessionView(session_id=session, workspace_id=self._workspace))
            case TerminalChanged(terminal=terminal):
                await self._send("terminal", terminal_view(self._workspace, terminal))
            case TerminalClosed(terminal=closed):
                await self._send("terminalClosed", ClosedTerminalView(terminal_id=closed, workspace_id=self._workspace))
            case _:
                raise PEER.violation(f"{type(message).__name__} in a stream of changes")

    async def _send(self, name: str, view: View) -> None:
        await self._response.send(encode(view).decode(), event=name)
