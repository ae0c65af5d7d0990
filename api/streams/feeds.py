"""What happens to workspaces, numbered, for all who follow it at `GET /api/events`.

A feed keeps its newest events once, whoever reads them: a reader is a number. One that is so slow that its next event is gone
is dropped, and costs nobody anything until then. The id of an event names the life of its feed, so an id of an earlier life, or
of another workspace's feed, resumes nothing.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from api.auth import NOWHERE, Target
from api.streams import sse

EVENTS_MAX: Final = 1000
BYTES_MAX: Final = 1024 * 1024
"""What a feed keeps of its past; the newest event is always kept."""
SENT_MAX: Final = 64 * 1024
"""Bytes after which a client must take something before it gets more: what it does not read is kept for it alone."""
SYNC_SECONDS: Final = 5.0
"""For which a new reader waits to be told how things are."""
STATE_BYTES_MAX: Final = 8 * 1024 * 1024
"""What a feed keeps of how things are; beyond it the things that have not changed for longest are left out."""


@dataclass(frozen=True, slots=True)
class Event:
    """What has happened, once for all readers."""

    block: bytes
    """As the stream has it; b"" for one that only says that `person` reaches other things from now on."""
    about: Target = NOWHERE
    """Whom it concerns: those who reach this."""
    unless: Target | None = None
    """And not those who reach this as well."""
    person: str = ""


class Reader:
    """One who reads a feed: has all up to `number`."""

    def __init__(self, feed: "Feed", visible: Callable[[Event], bool]) -> None:
        """Begin with what comes from now on; `visible` is asked of each event when it is about to be sent."""
        self._feed = feed
        self._visible = visible
        self.number = feed.number
        self.outdated = False
        """Whether the reader reaches other things now than when it began."""
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Resolved when the next event is gone: the reader was too slow."""

    async def next(self) -> bytes:
        """The events that follow, as blocks of a stream, no more than are sent at a time; waits until there is one.

        When the reader becomes `outdated` it gets what came before.
        """
        blocks: list[bytes] = []
        while not blocks and not self.outdated:
            await self._feed.wait_beyond(self.number)
            size = 0
            for event in self._feed.since(self.number):
                self.number += 1
                if not self._visible(event):
                    continue
                if not event.block:
                    self.outdated = True
                    break
                blocks.append(event.block)
                size += len(event.block)
                if size >= SENT_MAX:
                    break
        return b"".join(blocks)


class Feed:
    """The newest events of a workspace, or of the rows of all; and how things are."""

    def __init__(self) -> None:
        """A new life: nothing has happened."""
        self.number = 0
        """Of the newest event."""
        self.holds = 0
        """How many follow it."""
        self.synced = asyncio.Event()
        """Set once `state` tells how things are, as far as that can be known."""
        self._epoch = secrets.token_hex(6)
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._state: dict[str, tuple[str, bytes]] = {}
        self._state_bytes = 0
        self._readers: set[Reader] = set()
        self._news = asyncio.Event()

    @property
    def id(self) -> str:
        """The id of the newest event."""
        return f"{self._epoch}-{self.number}"

    def tell(self, name: str, data: bytes, about: Target = NOWHERE, unless: Target | None = None) -> None:
        """Add an event for all readers who reach `about`, but not `unless`."""
        self.number += 1
        self._add(Event(sse.block(data, name=name, number=self.id), about, unless))

    def outdate(self, person: str) -> None:
        """Have the readers of `person` begin anew: they reach other things from now on."""
        self.number += 1
        self._add(Event(b"", person=person))

    def _add(self, event: Event) -> None:
        self._events.append(event)
        self._bytes += len(event.block)
        while len(self._events) > 1 and (len(self._events) > EVENTS_MAX or self._bytes > BYTES_MAX):
            self._bytes -= len(self._events.popleft().block)
        for reader in self._readers:
            if reader.number < self._oldest and not reader.lost.done():
                reader.lost.set_result(None)
        self._news.set()
        self._news.clear()

    def keep(self, key: str, name: str, data: bytes) -> None:
        """Tell how the thing `key` is, unless it is known to be so."""
        if self._state.get(key) == (name, data):
            return
        self.drop(key)
        self._state[key] = (name, data)
        self._state_bytes += len(data)
        while self._state_bytes > STATE_BYTES_MAX:
            self.drop(next(iter(self._state)))
        self.tell(name, data)

    def drop(self, key: str) -> bool:
        """Forget how the thing `key` is; whether it was known."""
        _, data = self._state.pop(key, ("", b""))
        self._state_bytes -= len(data)
        return bool(data)

    def kept(self, kind: str) -> set[str]:
        """The ids of what is known of that kind; a key is a kind and an id."""
        return {key.removeprefix(f"{kind} ") for key in self._state if key.startswith(f"{kind} ")}

    def state(self) -> Iterator[bytes]:
        """How all things are at this moment, as blocks of a stream."""
        return (sse.block(data, name=name) for name, data in tuple(self._state.values()))

    def since(self, number: int) -> list[Event]:
        """The events after `number`, which are all still there."""
        return list(islice(self._events, max(0, number - self._oldest), None))

    async def known(self) -> None:
        """Wait until `state` tells how things are, but not for a guest that does not answer."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SYNC_SECONDS):
                await self.synced.wait()

    async def wait_beyond(self, number: int) -> None:
        """Wait for an event after `number`."""
        while self.number <= number:
            await self._news.wait()

    @contextmanager
    def reader(self, visible: Callable[[Event], bool] = lambda event: bool(event.block)) -> Iterator[Reader]:
        """A reader of what is `visible` to it, until the block ends."""
        reader = Reader(self, visible)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)

    def place_of(self, event_id: str) -> int | None:
        """The number in an id of this feed whose next event is still there; None for any other text."""
        epoch, _, number = event_id.partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdigit() and len(number) <= sse.DIGITS_MAX):
            return None
        return int(number) if self._oldest <= int(number) <= self.number else None

    @property
    def _oldest(self) -> int:
        """The number before the oldest event that is kept."""
        return self.number - len(self._events)
