"""Channels: ordered messages between the agents and the people of a workspace."""

import dataclasses
from typing import Annotated

from aiohttp import web
from aiohttp_sse import EventSourceResponse
from msgspec import UNSET, Meta, UnsetType

from api.auth import Scope
from api.channels import BODY_MAX, ChannelMessageView, ChannelView, channel_view, message_view
from api.patience import patiently
from api.problems import invalid
from api.routing import Context, Created, route
from api.schema import Body, Query, View, encode
from api.streams import responses, sse
from api.streams.news import MarkView
from api.streams.sse import DIGITS_MAX, LAST_EVENT_ID
from shared.errors import Code
from shared.ids import new_channel_id

ChannelName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$(?!\n)", min_length=1, max_length=64)]
Topic = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00]*$(?!\n)")]
Sender = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)")]
Text = Annotated[str, Meta(min_length=1, max_length=BODY_MAX)]
Number = Annotated[int, Meta(ge=0, lt=10**DIGITS_MAX)]

_STREAMED: int = 100
"""Messages that are read from the store at a time."""


class NewChannel(Body, frozen=True):
    """What a channel is made with."""

    name: ChannelName
    topic: Topic = ""


class ChannelChange(Body, frozen=True):
    """What can be changed; what is left out stays."""

    name: ChannelName | UnsetType = UNSET
    topic: Topic | UnsetType = UNSET


class ChannelList(View, frozen=True):
    """Channels, by name."""

    items: list[ChannelView]


class NewMessage(Body, frozen=True):
    """What is said."""

    text: Text
    """At most 16 KiB in UTF-8."""
    name: Sender = ""
    """What the sender calls itself; who it is, its credential tells."""


class MessageQuery(Query, frozen=True):
    """Which messages."""

    after: Number = 0
    """The number of the last message that the client has."""
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    """Messages of one page; a stream has no pages."""
    wait: Annotated[int, Meta(ge=0, le=60)] = 0
    """Seconds to wait for a message when there is none yet."""


class MessagePage(View, frozen=True):
    """Messages in order."""

    items: list[ChannelMessageView]
    last: int
    """The number of the channel's newest message; 0 before the first."""
    reset: bool
    """Whether messages that follow `after` are gone: the channel keeps the newest only."""


@route(
    "POST",
    "/api/workspaces/{workspaceId}/channels",
    scope=Scope.CHANNELS_WRITE,
    summary="Create a channel",
    errors=(Code.CONFLICT, Code.LIMIT),
    idempotent=True,
    resource=new_channel_id,
)
async def create_channel(ctx: Context, body: NewChannel) -> Created[ChannelView]:
    """Its name is unique in the workspace."""
    made = await ctx.app.channels.create(ctx.resource_id, ctx.room, body.name, body.topic)
    return Created(body=channel_view(made), location=f"/api/workspaces/{ctx.room}/channels/{made.id}")


@route("GET", "/api/workspaces/{workspaceId}/channels", scope=Scope.CHANNELS_READ, summary="List channels")
async def list_channels(ctx: Context) -> ChannelList:
    """By name; there are never many."""
    return ChannelList(items=[channel_view(found) for found in await ctx.app.channels.of(ctx.room)])


@route("GET", "/api/workspaces/{workspaceId}/channels/{channelId}", scope=Scope.CHANNELS_READ, summary="Show a channel")
async def get_channel(ctx: Context) -> ChannelView:
    """With the number of its newest message."""
    return channel_view(await ctx.app.channels.get(ctx.room, ctx.param("channelId")))


@route(
    "PATCH",
    "/api/workspaces/{workspaceId}/channels/{channelId}",
    scope=Scope.CHANNELS_WRITE,
    summary="Change a channel's name or topic",
    errors=(Code.CONFLICT,),
)
async def change_channel(ctx: Context, body: ChannelChange) -> ChannelView:
    """What is left out stays as it is."""
    changes: dict[str, str] = {}
    if body.name is not UNSET:
        changes["name"] = body.name
    if body.topic is not UNSET:
        changes["topic"] = body.topic
    return channel_view(await ctx.app.channels.change(ctx.room, ctx.param("channelId"), **changes))


@route("DELETE", "/api/workspaces/{workspaceId}/channels/{channelId}", scope=Scope.CHANNELS_WRITE, summary="Delete a channel")
async def delete_channel(ctx: Context) -> None:
    """Its messages go with it; whoever reads it is cut off."""
    await ctx.app.channels.delete(ctx.room, ctx.param("channelId"))


@route(
    "POST",
    "/api/workspaces/{workspaceId}/channels/{channelId}/messages",
    scope=Scope.CHANNELS_WRITE,
    summary="Send a message",
    errors=(Code.TOO_LARGE,),
    status=201,
    idempotent=True,
)
async def send_message(ctx: Context, body: NewMessage) -> ChannelMessageView:
    """It gets the channel's next number. `author` is who sent it by the credential; `name` is what the sender says."""
    author = ctx.principal.key or ctx.principal.actor[:64]
    message = await ctx.app.channels.send(
        ctx.target, ctx.param("channelId"), author=author, name=body.name, text=body.text, once=ctx.seed.hex()[:32]
    )
    return message_view(ctx.room, message)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/channels/{channelId}/messages",
    scope=Scope.CHANNELS_READ,
    summary="Read or follow a channel",
    errors=(Code.LIMIT,),
    produces=sse.MEDIA_TYPE,
    events={"": ChannelMessageView, "reset": MarkView, "end": sse.EndView},
)
async def list_messages(ctx: Context, query: MessageQuery) -> MessagePage | web.StreamResponse:
    """A page of the messages that follow number `after`; with `wait` it comes when there is one.

    With `Accept: text/event-stream` it is a stream of those messages and all that come later, each with its number as `id`,
    from the header `Last-Event-ID` or from `after` on. `reset` says that messages in between are gone. An event `end` says why
    the stream ends, if not by the client or its credential.
    """
    app, channel = ctx.app, ctx.param("channelId")
    after = _last_seen(ctx, query.after)
    if after > (await app.channels.get(ctx.room, channel)).last:
        raise invalid("the channel has no message of this number yet", parameter="after")
    if sse.wanted(ctx.request):
        return await _stream(ctx, channel, after)
    if query.wait:
        await patiently(dataclasses.replace(ctx, wait=float(query.wait)), app.channels.wait_beyond(ctx.room, channel, after))
    page = await app.channels.read(ctx.room, channel, after, query.limit)
    return MessagePage(
        items=[message_view(ctx.room, found) for found in page.items], last=page.last, reset=after + 1 < page.first
    )


async def _stream(ctx: Context, channel: str, after: int) -> web.StreamResponse:
    channels, room = ctx.app.channels, ctx.room

    async def produce(response: EventSourceResponse) -> None:
        seen = after
        while True:
            page = await channels.read(room, channel, seen, _STREAMED)
            if seen + 1 < page.first:
                await sse.write(response, sse.block(b"{}", name="reset"))
                seen = page.first - 1
            for found in page.items:
                await sse.write(response, sse.block(encode(message_view(room, found)), number=str(found.number)))
                seen = found.number
            if seen >= page.last:
                await channels.wait_beyond(room, channel, seen)

    return await responses.stream(ctx, produce)


def _last_seen(ctx: Context, after: int) -> int:
    """What a browser sends when it connects again, else `after`."""
    given = ctx.request.headers.get(LAST_EVENT_ID, "") if sse.wanted(ctx.request) else ""
    if not given:
        return after
    if not (given.isascii() and given.isdigit() and len(given) <= DIGITS_MAX):
        raise invalid("the number of a message is expected", header=LAST_EVENT_ID)
    return int(given)
