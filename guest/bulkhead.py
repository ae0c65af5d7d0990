"""Keeps one kind of costly work from taking the whole room."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from guest.sessions.uses import Call
from shared.errors import Code, Fault
from shared.messages import Reply, Request


class Bulkhead:
    """Has a few done at a time, and a few more wait for their turn; whoever comes beyond these is refused at once."""

    def __init__(self, at_once: int, waiting: int) -> None:
        """Nothing is being done."""
        self._slots = asyncio.Semaphore(at_once)
        self._places = at_once + waiting

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Do the work of the block when it is its turn. Raises Fault BUSY."""
        if not self._places:
            raise Fault(Code.BUSY, "too many ask for this in the workspace at once; try again soon")
        self._places -= 1
        try:
            async with self._slots:
                yield
        finally:
            self._places += 1

    def of_call(self, handler: Call) -> Call:
        """The handler of a call, which takes its turn."""

        async def in_turn(request: Request) -> Reply:
            async with self.slot():
                return await handler(request)

        return in_turn
