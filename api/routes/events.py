"""What happens, as server-sent events: inside one workspace, or to all workspaces that the caller reaches."""

from collections.abc import AsyncIterator

from aiohttp import web
from aiohttp_sse import EventSourceResponse

from api.auth import NOWHERE, Role, Scope, Target
from api.channels import ChannelView
from api.routing import Context, route
from api.schema import encode
from api.streams import responses, sse
from api.streams.feeds import Event, Feed
from api.streams.news import (
    ClosedTerminalView,
    DeadlineView,
    DeletedChannelView,
    DeletedSessionView,
    DeletedWorkspaceView,
    GrownTranscriptView,
    MarkView,
)
from api.streams.sse import LAST_EVENT_ID
from api.tasks.views import TaskView
from api.turns import PermissionView, TurnView
from api.views import SessionView, TerminalView, WorkspaceStatusView, workspace_status_view
from api.workspaces import Workspace
from shared.errors import Code, Fault

_ROWS: int = 500
"""Rows that are read from the store at a time."""
_NOTHING = b"{}"


@route(
    "GET",
    "/api/events",
    scope=Scope.EVENTS_READ,
    summary="Follow what happens",
    errors=(Code.LIMIT, Code.NOT_FOUND, Code.NOT_READY),
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
        "task": TaskView,
        "channel": ChannelView,
        "channelDeleted": DeletedChannelView,
        "transcript": GrownTranscriptView,
        "deadline": DeadlineView,
        "ready": MarkView,
        "reset": MarkView,
        "end": sse.EndView,
    },
)
async def follow_events(ctx: Context) -> web.StreamResponse:
    """First how things are: `workspace`, and each `session`, `terminal`, running `turn` and waiting `permission`; then `ready`.

    From then on what changes, by the same names, and `task`, `channel`, `channelDeleted`, `sessionDeleted`,
    `terminalClosed`, `deadline`, `transcript`. An admin, a person or an organisation's key that names no workspace sees
    `workspace` and `workspaceDeleted` of all that they reach, and nothing from inside; one that passes to an owner whom
    they do not reach is told as deleted. With `Last-Event-ID` the stream goes on behind that event; when that is not
    possible any more, or when a person has come to reach other workspaces, it says `reset`, and begins anew. A client that
    reads too slowly is cut off. The stream starts no guest and goes on when the guest leaves and comes again.
    """
    if ctx.workspace is None:
        return await _follow(ctx, _Rows(ctx))
    if ctx.principal.role is Role.ADMIN:
        raise Fault(Code.FORBIDDEN, "an admin sees what happens to workspaces, not in them: leave out `?workspaceId=`")
    with ctx.app.watches.room(ctx.room) as feed:
        return await _follow(ctx, _Inside(ctx, feed))


class _Inside:
    """What happens in one workspace."""

    def __init__(self, ctx: Context, feed: Feed) -> None:
        self.feed = feed
        self._ctx = ctx

    def visible(self, event: Event) -> bool:
        """Each event is, but what is told of the row after it has passed to others."""
        return event.about is NOWHERE or self._ctx.principal.scopes_for(event.about) is not None

    async def state(self) -> AsyncIterator[bytes]:
        """How things are, as blocks of a stream."""
        yield _row(await self._ctx.app.workspaces.get(self._ctx.room))
        for block in self.feed.state():
            yield block


class _Rows:
    """What happens to the workspaces that the caller reaches."""

    def __init__(self, ctx: Context) -> None:
        self.feed = ctx.app.watches.rows
        self._ctx = ctx
        self._principal = ctx.principal

    def visible(self, event: Event) -> bool:
        """Whether the caller reaches what it is about, by their ranks at that point of the stream."""
        if not event.block:
            return event.person == self._principal.person
        return self._reaches(event.about) and not (event.unless and self._reaches(event.unless))

    def _reaches(self, target: Target) -> bool:
        return self._principal.scopes_for(target) is not None

    async def state(self) -> AsyncIterator[bytes]:
        """How things are, as blocks of a stream."""
        app = self._ctx.app
        self._principal = await app.organisations.ranked(self._ctx.principal)
        before = None
        while rows := await app.workspaces.page(self._principal, before, _ROWS):
            yield b"".join(_row(row) for row in rows)
            before = rows[-1].created, rows[-1].id


async def _follow(ctx: Context, told: _Inside | _Rows) -> web.StreamResponse:
    seen = ctx.request.headers.get(LAST_EVENT_ID)
    feed = told.feed
    with feed.reader(told.visible) as reader:

        async def begin(response: EventSourceResponse, *, anew: bool) -> None:
            if anew:
                await sse.write(response, sse.block(_NOTHING, name="reset"))
            await feed.known()
            reader.number, number, reader.outdated = feed.number, feed.id, False
            async for blocks in told.state():
                await sse.write(response, blocks)
            await sse.write(response, sse.block(_NOTHING, name="ready", number=number))

        async def produce(response: EventSourceResponse) -> None:
            place = feed.place_of(seen) if seen else None
            if place is None:
                await begin(response, anew=bool(seen))
            else:
                reader.number = place
            while True:
                await sse.write(response, await reader.next())
                if reader.outdated:
                    await begin(response, anew=True)

        return await responses.stream(ctx, produce, reader.lost)


def _row(row: Workspace) -> bytes:
    return sse.block(encode(workspace_status_view(row)), name="workspace")
