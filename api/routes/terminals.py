"""Terminals: programs on ptys, in sessions and their worktrees."""

from typing import Annotated, Final

from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from api.auth import Scope
from api.pages import PageQuery, page
from api.people.standing import held
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, Created, route
from api.schema import Body, Query, View
from api.terminals import Bridge, absent
from api.views import TerminalView, terminal_view
from shared.errors import Code, Fault
from shared.ids import WorktreeId, new_terminal_id
from shared.rooms import (
    OUTPUT_MAX,
    Argument,
    Columns,
    Rows,
    Seq,
    TerminalInfo,
)

COMMAND_BODY_MAX: Final = 512 * 1024
"""Bytes of a request; what it says must fit a frame."""


class NewTerminal(Body, frozen=True):
    """What to run, and where. Without `command` it is a login shell."""

    worktree_id: WorktreeId | None = None
    command: Annotated[list[Argument], Meta(min_length=1, max_length=64)] | None = None
    cols: Columns = 80
    rows: Rows = 24


Window = Annotated[int, Meta(ge=OUTPUT_MAX, le=16 * 1024 * 1024)]


class AttachQuery(Query, frozen=True):
    """Where the stream begins, and how far it runs ahead of its reader."""

    after: Seq | UnsetType = UNSET
    """The number of the first byte that is wanted; without it, the oldest that is kept."""
    window: Window | UnsetType = UNSET
    """Bytes that may be sent beyond the last `ack`; without it, as many as the connection takes."""


class TerminalPage(View, frozen=True):
    """A page of terminals, oldest first."""

    items: list[TerminalView]
    next_cursor: str | None


@route(
    "POST",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/terminals",
    scope=Scope.TERMINALS_WRITE,
    summary="Start a program on a terminal",
    errors=(*ROOM_ERRORS, Code.LIMIT, Code.CONFLICT),
    idempotent=True,
    resource=new_terminal_id,
    body_max=COMMAND_BODY_MAX,
)
async def create_terminal(ctx: Context, body: NewTerminal) -> Created[TerminalView]:
    """Its WebSocket is at the Location."""
    info = await ctx.app.guests.create_terminal(
        ctx.room,
        ctx.resource_id,
        ctx.param("sessionId"),
        body.worktree_id,
        command=body.command or [],
        columns=body.cols,
        rows=body.rows,
        secrets=await ctx.app.secrets.of(ctx.room, ctx.param("sessionId")),
    )
    return Created(body=terminal_view(ctx.room, info), location=f"/api/terminals/{info.terminal}")


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/terminals",
    scope=Scope.TERMINALS_READ,
    summary="List the terminals of a session, oldest first",
    errors=ROOM_ERRORS,
)
async def list_session_terminals(ctx: Context, query: PageQuery) -> TerminalPage:
    """Those that run, and those that have exited and are still kept. Nothing is started for this."""
    return await _terminals(ctx, ctx.param("sessionId"), query)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/terminals",
    scope=Scope.TERMINALS_READ,
    summary="List the terminals of a workspace, oldest first",
    errors=ROOM_ERRORS,
)
async def list_terminals(ctx: Context, query: PageQuery) -> TerminalPage:
    """Of all its sessions. Nothing is started for this."""
    return await _terminals(ctx, None, query)


@route(
    "GET",
    "/api/terminals/{terminalId}",
    scope=Scope.TERMINALS_READ,
    summary="Show a terminal",
    errors=ROOM_ERRORS,
)
async def get_terminal(ctx: Context) -> TerminalView:
    """Nothing is started for this."""
    try:
        return terminal_view(ctx.room, await ctx.app.guests.get_terminal(ctx.room, ctx.param("terminalId")))
    except Fault as error:
        raise absent(error) from error


@route(
    "DELETE",
    "/api/terminals/{terminalId}",
    scope=Scope.TERMINALS_WRITE,
    summary="End a terminal's programs and forget it",
    errors=ROOM_ERRORS,
)
async def close_terminal(ctx: Context) -> None:
    """Nothing is started for this."""
    try:
        await ctx.app.guests.close_terminal(ctx.room, ctx.param("terminalId"))
    except Fault as error:
        raise absent(error) from error


@route(
    "GET",
    "/api/terminals/{terminalId}",
    scope=Scope.TERMINALS_READ,
    summary="Attach to a terminal",
    errors=(*ROOM_ERRORS, Code.LIMIT),
    websocket=True,
)
async def attach_terminal(ctx: Context, ws: web.WebSocketResponse, query: AttachQuery) -> None:
    """Binary frames are terminal bytes, both ways; text frames are JSON control. Without `terminals:write` it is only read."""
    async with held(ctx) as connection:
        read_only = not ctx.allows(Scope.TERMINALS_WRITE)
        bridge = Bridge(ws, ctx.app.guests, ctx.room, ctx.param("terminalId"), query.window, read_only=read_only)
        await bridge.run(connection, ctx.request, query.after)


async def _terminals(ctx: Context, session: str | None, query: PageQuery) -> TerminalPage:
    items: list[TerminalInfo] = []
    try:
        items = (await ctx.app.guests.list_terminals(ctx.room, session)).items
    except Fault as error:
        if error.code is not Code.NOT_RUNNING:
            raise
    views = [terminal_view(ctx.room, info) for info in items]
    found, after = page(views, lambda view: f"{view.created_at.isoformat()} {view.terminal_id}", query)
    return TerminalPage(items=found, next_cursor=after)
