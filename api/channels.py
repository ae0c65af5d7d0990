"""Channels: messages between the agents and the people of a workspace, numbered from 1 without gaps, each once."""

import asyncio
import secrets
import time
from datetime import datetime
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from api.auth import Target
from api.schema import View, moment
from api.store import Store
from api.streams.news import DeletedChannelView
from api.streams.watches import Watches
from api.tables import channel_messages, channels
from api.webhooks import Webhooks
from api.webhooks.events import Event
from shared.config import Config
from shared.errors import Code, Fault
from shared.ids import ChannelId, WorkspaceId

BODY_MAX: Final = 16 * 1024
"""Bytes of a message's text in UTF-8."""


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel's row. Times are seconds since the epoch."""

    id: str
    workspace: str
    name: str
    topic: str
    last: int
    """The number of its newest message; 0 before the first."""
    created: float
    updated: float


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message's row."""

    channel: str
    number: int
    author: str
    name: str
    body: bytes
    created: float
    once: str
    """What a repeated request has in common with the first."""


class Page(msgspec.Struct, frozen=True):
    """Messages in order, and between which numbers the channel keeps any."""

    items: list[Message]
    first: int
    """The number of the oldest that is kept; one more than `last` when none is."""
    last: int


class ChannelView(View, frozen=True):
    """A channel."""

    channel_id: ChannelId
    workspace_id: WorkspaceId
    name: str
    topic: str
    last: int
    """The number of its newest message; 0 before the first."""
    created_at: datetime
    updated_at: datetime


class ChannelMessageView(View, frozen=True):
    """A message."""

    channel_id: ChannelId
    workspace_id: WorkspaceId
    number: int
    author: str
    """Who sent it, by the credential: a key's id, a person's, or the workspace's own."""
    name: str
    """What the sender calls itself; nobody vouches for it."""
    text: str
    created_at: datetime


class Channels:
    """All channels."""

    def __init__(self, store: Store, watches: Watches, webhooks: Webhooks, config: Config) -> None:
        """They are in `store`; what happens in them is told by `watches` and `webhooks`."""
        self._store = store
        self._watches = watches
        self._webhooks = webhooks
        self._limit = config.limits.channels
        self._kept = config.channels.messages
        self._news: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()

    async def create(self, channel: str, workspace: str, name: str, topic: str) -> Channel:
        """Add one, or answer the one that is there. Fault CONFLICT when the name is taken, LIMIT."""
        now = time.time()
        made = Channel(id=channel, workspace=workspace, name=name, topic=topic, last=0, created=now, updated=now)
        number = select(func.count()).select_from(channels).where(channels.c.workspace == workspace)

        def work(connection: Connection) -> Channel:
            found = connection.execute(_one(workspace, channel)).first()
            if found is not None:  # the request is repeated
                return _channel(found)
            if (connection.scalar(number) or 0) >= self._limit:
                raise Fault(Code.LIMIT, f"at most {self._limit} channels are possible")
            _check_free(connection, made)
            connection.execute(insert(channels), msgspec.structs.asdict(made))
            return made

        created = await self._store.write(work)
        self._watches.tell(workspace, "channel", channel_view(created))
        return created

    async def of(self, workspace: str) -> list[Channel]:
        """All of `workspace`, by name."""
        query = select(channels).where(channels.c.workspace == workspace).order_by(channels.c.name)
        return await self._store.read(lambda connection: [_channel(row) for row in connection.execute(query)])

    async def get(self, workspace: str, channel: str) -> Channel:
        """The channel; Fault NOT_FOUND when `workspace` has none with that id."""
        return await self._store.read(lambda connection: _required(connection, workspace, channel))

    async def change(self, workspace: str, channel: str, **values: str) -> Channel:
        """Set name or topic. Fault CONFLICT when the name is taken."""
        where = (channels.c.id == channel) & (channels.c.workspace == workspace)

        def work(connection: Connection) -> Channel:
            changed = msgspec.structs.replace(_required(connection, workspace, channel), **values, updated=time.time())
            _check_free(connection, changed)
            connection.execute(update(channels).where(where).values(**values, updated=changed.updated))
            return changed

        changed = await self._store.write(work)
        self._watches.tell(workspace, "channel", channel_view(changed))
        return changed

    async def delete(self, workspace: str, channel: str) -> None:
        """Remove it with its messages; whoever waits for one is told that it is gone."""
        where = (channels.c.id == channel) & (channels.c.workspace == workspace)

        def work(connection: Connection) -> None:
            _required(connection, workspace, channel)
            connection.execute(delete(channels).where(where))

        await self._store.write(work)
        self._wake(channel)
        self._watches.tell(workspace, "channelDeleted", DeletedChannelView(channel_id=channel, workspace_id=workspace))

    async def send(self, target: Target, channel: str, *, author: str, name: str, text: str, once: str = "") -> Message:
        """Add a message to a channel of `target`'s workspace. `author` is who sends it, by the credential. Fault TOO_LARGE.

        `once`: at most 32 characters at random; what was sent with the same is answered, not sent again.
        """
        once = once or secrets.token_hex(16)
        workspace, body = target.workspace or "", text.encode()
        if len(body) > BODY_MAX:
            raise Fault(Code.TOO_LARGE, f"a message has at most {BODY_MAX} bytes")

        def work(connection: Connection) -> tuple[Channel, Message, bool]:
            found = _required(connection, workspace, channel)
            same = channel_messages.c.channel == channel, channel_messages.c.once == once
            sent = connection.execute(select(channel_messages).where(*same)).first()
            if sent is not None:
                return found, _message(sent), False
            now = time.time()
            found = msgspec.structs.replace(found, last=found.last + 1, updated=now)
            message = Message(channel=channel, number=found.last, author=author, name=name, body=body, created=now, once=once)
            of_channel = channel_messages.c.channel == channel
            connection.execute(update(channels).where(channels.c.id == channel).values(last=found.last, updated=now))
            connection.execute(insert(channel_messages), msgspec.structs.asdict(message))
            connection.execute(delete(channel_messages).where(of_channel, channel_messages.c.number <= found.last - self._kept))
            return found, message, True

        # One thread writes, so the number that it read is the newest.
        found, message, new = await self._store.write(work)
        if not new:
            return message
        self._wake(channel)
        self._watches.tell(workspace, "channel", channel_view(found))
        await self._webhooks.emit(Event.CHANNEL_MESSAGE, message_view(workspace, message), target)
        return message

    async def read(self, workspace: str, channel: str, after: int, limit: int) -> Page:
        """At most `limit` messages that follow number `after`, oldest first."""
        of_channel = channel_messages.c.channel == channel
        query = select(channel_messages).where(of_channel, channel_messages.c.number > after)
        query = query.order_by(channel_messages.c.number).limit(limit)
        oldest = select(func.min(channel_messages.c.number)).where(of_channel)

        def work(connection: Connection) -> Page:
            found = _required(connection, workspace, channel)
            items = [_message(row) for row in connection.execute(query)]
            return Page(items, connection.scalar(oldest) or found.last + 1, found.last)

        return await self._store.read(work)

    async def wait_beyond(self, workspace: str, channel: str, after: int) -> None:
        """Wait for a message after number `after`. Fault NOT_FOUND when the channel is deleted meanwhile."""
        while True:
            # Before the channel is looked at: the message may come just then.
            news = self._news.setdefault(channel, asyncio.Event())
            if (await self.get(workspace, channel)).last > after:
                return
            await news.wait()

    def _wake(self, channel: str) -> None:
        news = self._news.pop(channel, None)
        if news is not None:
            news.set()


def channel_view(found: Channel) -> ChannelView:
    """What is shown of a channel."""
    return ChannelView(
        channel_id=found.id,
        workspace_id=found.workspace,
        name=found.name,
        topic=found.topic,
        last=found.last,
        created_at=moment(found.created),
        updated_at=moment(found.updated),
    )


def message_view(workspace: str, found: Message) -> ChannelMessageView:
    """What is shown of a message."""
    return ChannelMessageView(
        channel_id=found.channel,
        workspace_id=workspace,
        number=found.number,
        author=found.author,
        name=found.name,
        text=found.body.decode(),
        created_at=moment(found.created),
    )


def _one(workspace: str, channel: str) -> Any:  # noqa: ANN401  # SQLAlchemy's Select has the types of all columns
    return select(channels).where(channels.c.id == channel, channels.c.workspace == workspace)


def _required(connection: Connection, workspace: str, channel: str) -> Channel:
    row = connection.execute(_one(workspace, channel)).first()
    if row is None:
        raise Fault(Code.NOT_FOUND, "there is no such thing")
    return _channel(row)


def _check_free(connection: Connection, channel: Channel) -> None:
    same = select(channels.c.id).where(channels.c.workspace == channel.workspace, channels.c.name == channel.name)
    if connection.scalar(same.where(channels.c.id != channel.id)) is not None:
        raise Fault(Code.CONFLICT, "another channel has this name")


def _channel(row: Row[Any]) -> Channel:
    return Channel(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public accessor


def _message(row: Row[Any]) -> Message:
    return Message(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public accessor
