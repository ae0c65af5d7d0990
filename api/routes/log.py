"""The log of a session: all that its agents said and did, in order."""

from contextlib import suppress
from typing import Annotated, Final

from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp_sse import EventSourceResponse
from msgspec import Meta

from api.auth import Scope
from api.controls import encode as encode_control
from api.people.standing import held
from api.problems import invalid
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, route
from api.schema import Query, View, encode
from api.streams import responses, sse
from api.streams.followers import Follower
from api.streams.live import Ending
from api.streams.logged import AnyLoggedView, logged_view
from api.streams.sockets import CLIENT_LEFT, ending_of, until_ended
from api.streams.sse import DIGITS_MAX, LAST_EVENT_ID
from shared.errors import Code, Fault
from shared.turns import EventSeq

TALKATIVE: Final = Ending(WSCloseCode.POLICY_VIOLATION, "this stream takes no messages")


class LogQuery(Query, frozen=True):
    """Which part of the log."""

    after: EventSeq = 0
    """The number of the last event that the client has."""
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    """Events of one page; a stream has no pages."""


class LogPage(View, frozen=True):
    """Events in order."""

    items: list[AnyLoggedView]
    last: int
    """The number of the log's newest event; 0 when there is none."""


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/events",
    scope=Scope.TURNS_READ,
    summary="Read or follow a session's log",
    errors=(*ROOM_ERRORS, Code.LIMIT),
    produces=sse.MEDIA_TYPE,
    events={"": AnyLoggedView, "end": sse.EndView},
)
async def list_logged(ctx: Context, query: LogQuery) -> LogPage | web.StreamResponse:
    """A page of the events that follow number `after`, perhaps fewer than `limit`; more follow while the last is under `last`.

    With `Accept: text/event-stream` it is a stream of those events and all that come later, each with its number as `id`, from
    the header `Last-Event-ID` or from `after` on. An event `end` says why the stream ends, if not by the client or its token.
    """
    return await serve_log(ctx, ctx.param("sessionId"), query.after, query.limit)


async def serve_log(ctx: Context, session: str, after: int, limit: int) -> LogPage | web.StreamResponse:
    """The page or the stream of the events that follow number `after`."""
    if not sse.wanted(ctx.request):
        page = await ctx.app.guests.list_events(ctx.room, session, after, limit)
        return LogPage(items=[logged_view(event) for event in page.items], last=page.last)
    follower = Follower(ctx.app.guests, ctx.room, session, _last_seen(ctx, after))
    await follower.open()

    async def produce(response: EventSourceResponse) -> None:
        async for event in follower.events():
            await sse.write(response, sse.block(encode(logged_view(event)), number=str(event.seq)))

    try:
        return await responses.stream(ctx, produce)
    finally:
        follower.close()


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/events",
    scope=Scope.TURNS_READ,
    summary="Follow a session's log over a WebSocket",
    errors=(*ROOM_ERRORS, Code.LIMIT),
    websocket=True,
)
async def follow_log(ctx: Context, ws: web.WebSocketResponse, query: LogQuery) -> None:
    """Each event that follows number `after` is a text frame; the client sends nothing."""
    async with held(ctx) as connection:
        follower = Follower(ctx.app.guests, ctx.room, ctx.param("sessionId"), query.after)
        try:
            await until_ended(ws, ctx.request, connection, _send(ws, follower), _refuse_input(ws))
        finally:
            follower.close()


async def _send(ws: web.WebSocketResponse, follower: Follower) -> Ending:
    with suppress(ConnectionError):
        try:
            await follower.open()
            async for event in follower.events():
                await ws.send_str(encode(logged_view(event)).decode())
        except Fault as error:
            control, ending = ending_of(error)
            await ws.send_str(encode_control(control))
            return ending
    return CLIENT_LEFT


async def _refuse_input(ws: web.WebSocketResponse) -> Ending:
    message = await ws.receive()
    return TALKATIVE if message.type in {WSMsgType.TEXT, WSMsgType.BINARY} else CLIENT_LEFT


def _last_seen(ctx: Context, after: int) -> int:
    """What a browser sends when it connects again, else `after`."""
    given = ctx.request.headers.get(LAST_EVENT_ID, "")
    if not given:
        return after
    if not (given.isascii() and given.isdigit() and len(given) <= DIGITS_MAX):
        raise invalid("the number of an event is expected", header=LAST_EVENT_ID)
    return int(given)
