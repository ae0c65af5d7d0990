"""Turns: what agents make of prompts."""

import asyncio
import re
from contextlib import closing
from typing import Annotated, Final

from msgspec import Meta

from api.auth import Scope
from api.pages import PageQuery, decode_cursor, encode_cursor
from api.patience import patiently
from api.problems import invalid
from api.repos import DiffView, diff_view
from api.routes.repos import ContextLines
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, Created, route
from api.schema import Body, Query, View
from api.tasks.records import check_prompt
from api.turns import TurnView, turn_view
from shared.errors import Code, Fault
from shared.files import FilePath
from shared.guestwire.repos import GetTurnDiff
from shared.guestwire.turns import Budget, Prompt
from shared.guestwire.watch import TurnChanged
from shared.ids import TURN_PATTERN, AgentName, AttachmentId, WorktreeId, new_turn_id
from shared.turns import ATTACHMENTS_MAX, Choice, TurnInfo, TurnStatus

_PAUSE: Final = 0.25
"""Seconds before a guest that ended its stream is watched again."""
_TURN_ID: Final = re.compile(TURN_PATTERN.strip("^$"))


class NewTurn(Body, frozen=True):
    """A prompt, and who is to answer it where. Without `agent` it is the configured default."""

    text: Annotated[str, Meta(min_length=1)]
    agent: AgentName | None = None
    worktree_id: WorktreeId | None = None
    worktree: WorktreeId | None = None
    """The same as `worktreeId`."""
    attachments: Annotated[list[AttachmentId], Meta(max_length=ATTACHMENTS_MAX)] = []  # noqa: RUF012  # msgspec copies it
    mode: Choice | None = None
    """One that the agent offers; it stays chosen."""
    model: Choice | None = None


class TurnDiffQuery(Query, frozen=True):
    """Which part of what a turn has changed."""

    path: FilePath = ""
    context: ContextLines = 3


class TurnPage(View, frozen=True):
    """A page of turns, newest first."""

    items: list[TurnView]
    next_cursor: str | None


class Turns(View, frozen=True):
    """Turns of a session."""

    items: list[TurnView]


@route(
    "POST",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/prompt",
    scope=Scope.TURNS_WRITE,
    summary="Give an agent a prompt",
    errors=(*ROOM_ERRORS, Code.LIMIT, Code.BUDGET),
    idempotent=True,
    resource=new_turn_id,
    wait=True,
)
async def prompt(ctx: Context, body: NewTurn) -> Created[TurnView]:
    """The turn is in the log when the reply comes; with `Prefer: wait=N`, it has ended or N seconds are over.

    A conversation (an agent in a session or one of its worktrees) has one turn at a time: 409 `conflict` while one runs.
    """
    check_prompt(body.text, "/text")
    if body.worktree and body.worktree_id and body.worktree != body.worktree_id:
        raise invalid("is another worktree than `worktreeId`", pointer="/worktree")
    row = await ctx.app.workspaces.get(ctx.room)
    request = Prompt(
        turn=ctx.resource_id,
        session=ctx.param("sessionId"),
        text=body.text,
        agent=body.agent,
        worktree=body.worktree_id or body.worktree,
        attachments=body.attachments,
        mode=body.mode,
        model=body.model,
        budget=Budget(row.budget_day, row.budget_month),
        secrets=await ctx.app.secrets.of(ctx.room, ctx.param("sessionId")),
    )
    info = await _when_ended(ctx, await ctx.app.guests.prompt(ctx.room, request))
    location = f"/api/workspaces/{ctx.room}/sessions/{info.session}/turns/{info.turn}"
    return Created(body=turn_view(ctx.room, info), location=location)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/turns",
    scope=Scope.TURNS_READ,
    summary="List the turns of a session, newest first",
    errors=ROOM_ERRORS,
)
async def list_turns(ctx: Context, query: PageQuery) -> TurnPage:
    """Those that run, and those that have ended."""
    found = await ctx.app.guests.list_turns(ctx.room, ctx.param("sessionId"), _before(query.cursor), query.limit)
    items = [turn_view(ctx.room, info) for info in found.items]
    return TurnPage(items=items, next_cursor=encode_cursor(found.next) if found.next else None)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/turns/{turnId}",
    scope=Scope.TURNS_READ,
    summary="Show a turn",
    errors=ROOM_ERRORS,
    wait=True,
)
async def get_turn(ctx: Context) -> TurnView:
    """With `Prefer: wait=N` the reply comes when the turn has ended, or after N seconds."""
    info = await ctx.app.guests.get_turn(ctx.room, ctx.param("sessionId"), ctx.param("turnId"))
    return turn_view(ctx.room, await _when_ended(ctx, info))


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/turns/{turnId}/diff",
    scope=Scope.GIT_READ,
    summary="Show what a turn has changed",
    errors=(*ROOM_ERRORS, Code.CONFLICT),
)
async def get_turn_diff(ctx: Context, query: TurnDiffQuery) -> DiffView:
    """In its clone or worktree, from its beginning to its end, or until now while it runs; with files that git does not know.

    409 `conflict` when there is no snapshot of the files: of the session's last 20 turns alone one is kept, and only where less
    than 5000 files and 32 MiB differed from the index.
    """
    request = GetTurnDiff(session=ctx.param("sessionId"), turn=ctx.param("turnId"), path=query.path, context=query.context)
    return diff_view(await ctx.app.guests.get_turn_diff(ctx.room, request))


@route(
    "POST",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/turns/{turnId}/cancel",
    scope=Scope.TURNS_WRITE,
    summary="Cancel a turn",
    errors=ROOM_ERRORS,
    wait=True,
)
async def cancel_turn(ctx: Context) -> TurnView:
    """The agent is asked to stop, and killed if it does not. A turn that is over stays as it is."""
    info = await ctx.app.guests.cancel_turn(ctx.room, ctx.param("sessionId"), ctx.param("turnId"))
    return turn_view(ctx.room, await _when_ended(ctx, info))


@route(
    "POST",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/cancel",
    scope=Scope.TURNS_WRITE,
    summary="Cancel all turns of a session",
    errors=ROOM_ERRORS,
)
async def cancel_turns(ctx: Context) -> Turns:
    """Answers those that ran."""
    session = ctx.param("sessionId")
    conversations = await ctx.app.guests.list_conversations(ctx.room, session)
    running = [found.turn for found in conversations.items if found.turn is not None]
    infos = await asyncio.gather(*(ctx.app.guests.cancel_turn(ctx.room, session, turn) for turn in running))
    return Turns(items=[turn_view(ctx.room, info) for info in infos])


def _before(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    turn = decode_cursor(cursor)
    if not _TURN_ID.fullmatch(turn):
        raise invalid("not a cursor of this list", parameter="cursor")
    return turn


async def _when_ended(ctx: Context, info: TurnInfo) -> TurnInfo:
    """The turn once it has ended, or as it is when the client's patience or the server's life ends."""
    if info.status is not TurnStatus.RUNNING or not ctx.wait:
        return info
    return await patiently(ctx, _ended(ctx, info)) or await ctx.app.guests.get_turn(ctx.room, info.session, info.turn)


async def _ended(ctx: Context, info: TurnInfo) -> TurnInfo:
    """The turn when it has ended, over as many lives of its guest as that takes."""
    while True:
        try:
            return await _watch(ctx, info)
        except Fault as error:
            if error.code not in {Code.UNAVAILABLE, Code.NOT_RUNNING, Code.LIMIT}:
                raise
        await asyncio.sleep(_PAUSE)


async def _watch(ctx: Context, info: TurnInfo) -> TurnInfo:
    # Starts the guest if it was killed: it writes how its turns ended.
    await ctx.app.guests.ping(ctx.room)
    _, stream = await ctx.app.guests.watch(ctx.room)
    with closing(stream):
        # It may have ended before the watch began.
        info = await ctx.app.guests.get_turn(ctx.room, info.session, info.turn)
        while info.status is TurnStatus.RUNNING:
            message = await stream.receive()
            if isinstance(message, TurnChanged) and message.turn.turn == info.turn:
                info = message.turn
            await asyncio.sleep(0)  # a guest that pours events must not hold the loop
    return info
