"""Following a session's log over as many lives as its guest has, without an event lost or doubled.

What a follower has seen is the number of its last event, and nothing else is kept here: the guest is read only when the
follower has taken what came before.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from api.guests import PEER, Guests, Stream
from shared.errors import Code, Fault
from shared.guestwire.turns import Logged
from shared.turns import Event, TurnEnded

RUNNING_MAX: Final = 1000
"""Turns that may run at once in one session, by any configuration."""
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 5.0
"""Seconds before a guest that went away is looked for again, the second the most."""
_TURN: Final = 8
"""Events after which the event loop may see to others: a busy guest must not hold it."""
_PASSING: Final = frozenset({Code.UNAVAILABLE, Code.TIMEOUT, Code.BUSY, Code.LIMIT})
"""Failures that may be over after a pause."""


class Follower:
    """One who follows the log of a session."""

    def __init__(self, guests: Guests, workspace: str, session: str, after: int) -> None:
        """Begin with the event that follows number `after`."""
        self._guests = guests
        self._workspace = workspace
        self._session = session
        self._seq = after
        self._running: set[str] = set()
        self._stream: Stream | None = None
        self._pause = 0.0
        """Seconds before the guest is looked for again; none when the last stream of it was one that lasted."""
        self._since = 0.0
        """When that began, by the loop's clock."""

    async def open(self) -> None:
        """Start the guest and connect to it. Raises BAD_REQUEST when the log is not as long as `after`."""
        await self._connect(start=True)
        conversations = await self._guests.list_conversations(self._workspace, self._session)
        self._running = {conversation.turn for conversation in conversations.items if conversation.turn is not None}

    async def _connect(self, *, start: bool) -> None:
        following, stream = await self._guests.follow_events(self._workspace, self._session, self._seq, start=start)
        if following.last < self._seq:
            stream.close()
            raise Fault(Code.BAD_REQUEST, f"the log has {following.last} events, not {self._seq}")
        self._stream = stream
        self._since = asyncio.get_running_loop().time()

    async def events(self) -> AsyncIterator[Event]:
        """Every event, for ever. Raises the Fault that ends it, as when the session is deleted."""
        taken = 0
        while True:
            try:
                yield await self._next()
            except Fault as error:
                self.close()
                if error.code not in _PASSING:
                    raise
                await self._reopen()
            taken = (taken + 1) % _TURN
            if not taken:
                await asyncio.sleep(0)

    async def _next(self) -> Event:
        if self._stream is None:
            raise PEER.gone()
        message = await self._stream.receive()
        if not isinstance(message, Logged):
            raise PEER.violation(f"{type(message).__name__} in a log's stream")
        event = message.event
        if event.seq != self._seq + 1:
            raise PEER.violation(f"event {event.seq} after {self._seq}")
        self._seq = event.seq
        self._note(event)
        return event

    def _note(self, event: Event) -> None:
        """Remember which turns run: the end of one that a dead guest was in is written when the guest comes back."""
        if isinstance(event.body, TurnEnded):
            self._running.discard(event.turn or "")
        elif event.turn is not None:
            self._running.add(event.turn)
            if len(self._running) > RUNNING_MAX:
                raise PEER.violation(f"more than {RUNNING_MAX} turns at once")

    async def _reopen(self) -> None:
        """Follow on when the guest is there again. Only a turn without an end starts it: else it left because it was idle."""
        # One that greets and leaves, again and again, must not keep hostd and us busy.
        if asyncio.get_running_loop().time() - self._since > _LONGEST_PAUSE:
            self._pause = 0.0
        while True:
            await asyncio.sleep(self._pause)
            self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
            # Before the guest is looked for: it may come just then.
            arrival = self._guests.arrival(self._workspace)
            start = bool(self._running)
            try:
                await self._connect(start=start)
            except Fault as error:
                if error.code is Code.BAD_REQUEST:
                    raise PEER.violation("its log became shorter") from error
                if error.code is Code.NOT_RUNNING and not start:
                    await arrival.wait()
                    continue
                # A guest that was to be started and is said not to run has died just now.
                if error.code not in _PASSING | {Code.NOT_RUNNING}:
                    raise
            else:
                return

    def close(self) -> None:
        """Stop following."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
