"""Tells those who watch what has changed."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Final

from shared.errors import Code, Fault
from shared.link import Link
from shared.messages import Done, Message, rejection

_PENDING_MAX: Final = 1024
"""Changed things that a watcher has not read of; one who lags more is dropped."""
_FAREWELL: Final = 2.0
"""Seconds in which a watcher that is dropped may read why."""


class Events:
    """All who watch."""

    def __init__(self) -> None:
        """Nobody watches yet."""
        self._watchers: set[Watcher] = set()

    @property
    def watched(self) -> bool:
        """Whether anybody watches."""
        return bool(self._watchers)

    def publish(self, key: str, message: Message) -> None:
        """Tell everybody. Of several messages about the same `key` a slow watcher gets the last one."""
        for watcher in self._watchers:
            watcher.put(key, message)

    async def watch(self, link: Link, request_id: int, first: Iterable[tuple[str, Message]] = ()) -> None:
        """Serve one watcher, who is told of `first` before anything else, until it goes or lags too far."""
        watcher = Watcher(link, first)
        self._watchers.add(watcher)
        try:
            await watcher.run(request_id)
        finally:
            self._watchers.discard(watcher)


class Watcher:
    """One who watches, and what it was not told yet."""

    def __init__(self, link: Link, first: Iterable[tuple[str, Message]]) -> None:
        """Send `first` to `link`, by key."""
        self._link = link
        self._pending = dict(first)
        self._wake = asyncio.Event()
        self._fault: Fault | None = None
        self._over = asyncio.get_running_loop().create_future()

    def put(self, key: str, message: Message) -> None:
        """Send `message` soon, instead of an earlier one about `key`."""
        self._pending.pop(key, None)
        self._pending[key] = message
        if len(self._pending) > _PENDING_MAX:
            self._end(Fault(Code.LIMIT, "fell behind: too many changes were not read"))
        self._wake.set()

    def _end(self, fault: Fault) -> None:
        self._fault = self._fault or fault
        self._pending.clear()
        self._wake.set()
        if not self._over.done():
            self._over.set_result(None)

    async def run(self, request_id: int) -> None:
        """Answer the request, then send changes."""
        pump = asyncio.create_task(self._pump(request_id))
        reader = asyncio.create_task(self._read())
        try:
            await asyncio.wait((pump, reader, self._over), return_when=asyncio.FIRST_COMPLETED)
            if self._fault:
                await asyncio.wait((pump,), timeout=_FAREWELL)
        finally:
            for task in (pump, reader):
                task.cancel()
            await asyncio.gather(pump, reader, return_exceptions=True)

    async def _pump(self, request_id: int) -> None:
        with contextlib.suppress(Fault):  # the peer is gone
            await self._link.send(Done(id=request_id))
            while not self._fault:
                if not self._pending:
                    self._wake.clear()
                    await self._wake.wait()
                else:
                    await self._link.send(self._pending.pop(next(iter(self._pending))))
            await self._link.send(rejection(self._fault))

    async def _read(self) -> None:
        try:
            if await self._link.receive():
                self._end(Fault(Code.BAD_REQUEST, "a connection that watches carries nothing else"))
        except Fault as fault:
            self._end(fault)
