"""Events inside this process: what happens to a workspace, told to the streams that may see it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from shared.errors import Code, Fault

QUEUE_MAX: Final = 100
"""Events that wait for one subscriber; a slower one is dropped, and finds the state of things by asking again."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a workspace. `data` is what its JSON is made from."""

    workspace: str
    name: str
    data: object


class Subscription:
    """Events for one subscriber, in order. Iterating raises Fault LIMIT once the subscriber has fallen behind."""

    def __init__(self, workspace: str) -> None:
        """Of `workspace` alone."""
        self.workspace = workspace
        self.lost = False
        self._queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_MAX)

    def put(self, event: Event) -> None:
        """Queue an event, unless it is another workspace's."""
        if event.workspace != self.workspace:
            return
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.lost = True

    async def __aiter__(self) -> AsyncIterator[Event]:
        """Yield events as they come."""
        while not (self.lost and self._queue.empty()):
            yield await self._queue.get()
        raise Fault(Code.LIMIT, "the stream fell behind")


class Bus:
    """Where events are published. Publishing never waits."""

    def __init__(self) -> None:
        """Nobody has subscribed yet."""
        self._subscriptions: set[Subscription] = set()

    def publish(self, event: Event) -> None:
        """Hand `event` to those who may see it."""
        for subscription in self._subscriptions:
            if not subscription.lost:
                subscription.put(event)

    @contextmanager
    def subscribe(self, workspace: str) -> Iterator[Subscription]:
        """Subscribe to the events of `workspace` until the block ends."""
        subscription = Subscription(workspace)
        self._subscriptions.add(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
