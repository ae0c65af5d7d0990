"""One who follows a log: a cursor, and the connection that the events behind it go to."""

import asyncio
import contextlib
from typing import Final

from guest.turns.log import Log
from shared.errors import Code, Fault
from shared.guestwire.turns import FollowEvents, Following, Logged
from shared.link import Link
from shared.messages import rejection
from shared.turns import EVENT_MAX

_FAREWELL: Final = 2.0
"""Seconds in which a follower that is sent away may read why."""
_BATCH: Final = 100
"""Events that are read at a time."""


class Follower:
    """A stream of one log. There is no queue: what is sent next is read when the kernel has room for it."""

    def __init__(self, link: Link, log: Log, request: FollowEvents) -> None:
        """Begin where `request` says. Raises Fault BAD_REQUEST, FAILED."""
        self._link = link
        self._log = log
        self._id = request.id
        self._cursor = log.cursor(request.after)
        self._wake = asyncio.Event()
        self._fault: Fault | None = None
        self._over = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        """Follow until the peer or the session goes."""
        self._log.follow(self._wake)
        pump, reader = asyncio.create_task(self._pump()), asyncio.create_task(self._read())
        try:
            await asyncio.wait((pump, reader, self._over), return_when=asyncio.FIRST_COMPLETED)
            if self._fault:
                await asyncio.wait((pump,), timeout=_FAREWELL)
        finally:
            self._log.unfollow(self._wake)
            for task in (pump, reader):
                task.cancel()
            await asyncio.gather(pump, reader, return_exceptions=True)

    def _end(self, fault: Fault) -> None:
        self._fault = self._fault or fault
        self._wake.set()
        if not self._over.done():
            self._over.set_result(None)

    async def _pump(self) -> None:
        with contextlib.suppress(Fault):  # the peer is gone
            await self._link.send(Following(id=self._id, last=self._log.last))
            while not self._fault:
                self._wake.clear()
                await self._send_next()
                if not self._cursor.behind and not self._log.closed:
                    await self._wake.wait()
            await self._link.send(rejection(self._fault))

    async def _send_next(self) -> None:
        try:
            events = self._cursor.take(_BATCH, EVENT_MAX + 1)
        except Fault as fault:
            self._end(fault)
            return
        for event in events:
            if self._fault:
                return
            await self._link.send(Logged(event))
        # A reader that is as fast as we are must not keep the others waiting.
        await asyncio.sleep(0)

    async def _read(self) -> None:
        try:
            if await self._link.receive():
                self._end(Fault(Code.BAD_REQUEST, "a connection that follows carries nothing else"))
        except Fault as fault:
            self._end(fault)
