"""What happens, as server-sent events: in a workspace for its own tokens, to workspaces for admins."""

from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp_sse import EventSourceResponse

from api import sse
from api.auth import Role, Scope
from api.feeds import Feed
from api.news import (
    ClosedTerminalView,
    DeadlineView,
    DeletedSessionView,
    DeletedWorkspaceView,
    GrownTranscriptView,
    MarkView,
)
from api.routing import Context, route
from api.schema import encode
from api.sse import LAST_EVENT_ID
from api.turns import PermissionView, TurnView
from api.views import SessionView, TerminalView, WorkspaceStatusView, workspace_status_view
from api.workspaces import Workspace
from shared.errors import Code

_ROWS: int = 500
"""Rows that are read from the store at a time."""
_NOTHING = b"{}"


@route(
    "GET",
    "/api/events",
    scope=Scope.EVENTS_READ,
    summary="Follow what happens",
    errors=(Code.LIMIT,),
    produces=sse.MEDIA_TYPE,
    events={
        "workspace": WorkspaceStatusView,
        "workspaceDeleted": DeletedWorkspaceView,
        "session": SessionView,
        "sessionDeleted": DeletedSessionView,
        "terminal": TerminalView,
        "terminalClosed": ClosedTerminalView,
        "turn": TurnView,
        "permission": PermissionView,
        "transcript": GrownTranscriptView,
        "deadline": DeadlineView,
        "ready": MarkView,
        "reset": MarkView,
        "end": sse.EndView,
    },
)
async def follow_events(ctx: Context) -> web.StreamResponse:
    """First how things are: `workspace`, and each `session`, `terminal`, running `turn` and waiting `permission`; then `ready`.

    From then on what changes, by the same names, and `sessionDeleted`, `terminalClosed`, `deadline`, `transcript`. An admin
    sees `workspace` and `workspaceDeleted` of all, and nothing from inside. With `Last-Event-ID` the stream goes on behind that
    event; when that is not possible any more it says `reset`, and begins anew. A client that reads too slowly is cut off. The
    stream starts no guest and goes on when the guest leaves and comes again.
    """
    if ctx.principal.role is Role.ADMIN:
        return await _follow(ctx, ctx.app.watches.rows)
    with ctx.app.watches.room(ctx.room) as feed:
        return await _follow(ctx, feed)


async def _follow(ctx: Context, feed: Feed) -> web.StreamResponse:
    seen = ctx.request.headers.get(LAST_EVENT_ID)
    with feed.reader() as reader:

        async def produce(response: EventSourceResponse) -> None:
            place = feed.place_of(seen) if seen else None
            if place is not None:
                reader.number = place
            else:
                if seen:
                    await sse.write(response, sse.block(_NOTHING, name="reset"))
                await feed.known()
                reader.number, number = feed.number, feed.id
                async for blocks in _state(ctx, feed):
                    await sse.write(response, blocks)
                await sse.write(response, sse.block(_NOTHING, name="ready", number=number))
            while True:
                await sse.write(response, await reader.next())

        return await sse.stream(ctx, produce, reader.lost)


async def _state(ctx: Context, feed: Feed) -> AsyncIterator[bytes]:
    """How things are, as blocks of a stream."""
    if ctx.principal.role is not Role.ADMIN:
        yield _row(await ctx.app.workspaces.get(ctx.room))
        for block in feed.state():
            yield block
        return
    before = None
    while rows := await ctx.app.workspaces.page(before, _ROWS):
        yield b"".join(_row(row) for row in rows)
        before = rows[-1].created, rows[-1].id


def _row(row: Workspace) -> bytes:
    return sse.block(encode(workspace_status_view(row)), name="workspace")
