"""What is told to the audit log, which hostd writes: who did what with which credential, from where, and how it ended."""

import asyncio
import time
from collections import deque
from contextvars import Context
from typing import Final

import msgspec
from msgspec.structs import replace

from api.acting import ORIGIN
from api.auth import Target
from api.hosts import Hosts
from shared.audit.floods import merged
from shared.errors import Code, Fault
from shared.hostwire import EVENTS_MAX, AuditEvent, Origin
from shared.log import logger

KEPT_MAX: Final = 10_000
"""Events that wait for hostd one by one; what comes beyond is counted by its kind."""
BATCH_SECONDS: Final = 0.05
CLOSE_SECONDS: Final = 5.0
"""In which hostd must take what waits when api stops."""
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 5.0
"""Seconds before hostd is asked again when it was away, the second the most."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(AuditEvent).decode


class Auditor:
    """Collects events and sends them to hostd, in order and in batches; while hostd is away it keeps them.

    A batch whose answer is lost is sent again, so that an event may be written twice and is not lost. What waits when api is
    killed is: at most what BATCH_SECONDS bring.
    """

    def __init__(self, hosts: Hosts) -> None:
        """Nothing is noted yet. What is noted is sent once `start` was called."""
        self._hosts = hosts
        self._events: deque[tuple[AuditEvent, float]] = deque()
        self._counted: dict[tuple[str, str], tuple[AuditEvent, float]] = {}
        self._noted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.written = asyncio.Event()
        """Set whenever hostd has written something; whoever waits clears it."""

    def note(self, action: str, outcome: str, target: Target, about: str = "", origin: Origin | None = None) -> None:
        """Have it written that `action` ended with `outcome`, without waiting. `about`: an id inside of `target`."""
        event = AuditEvent(
            action=action,
            outcome=outcome,
            origin=origin or ORIGIN.get() or Origin(),
            workspace=target.workspace,
            organisation=target.organisation,
            target=about[:128],
        )
        now = time.monotonic()
        if len(self._events) < KEPT_MAX:
            self._events.append((event, now))
        else:
            kind = event.action, event.outcome
            known = self._counted.get(kind)
            self._counted[kind] = (merged(known[0], event), known[1]) if known else (event, now)
        self._noted.set()

    def start(self) -> None:
        """Begin to send."""
        self._task = Context().run(asyncio.create_task, self._run(), name="audit")

    async def close(self) -> None:
        """Send what waits, if hostd takes it in time."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send()
        except (Fault, TimeoutError) as error:
            waiting = (*self._events, *self._counted.values())
            logger().error("audit_events_lost", count=sum(event.count for event, _ in waiting), error=str(error))

    async def _run(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            await self._noted.wait()
            await asyncio.sleep(BATCH_SECONDS)
            self._noted.clear()
            try:
                await self._send()
                pause = _FIRST_PAUSE
            except Fault as error:
                logger().warning("audit_events_wait", count=len(self._events), error=str(error))
                self._noted.set()
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    async def _send(self) -> None:
        while self._events or self._counted:
            if not self._events:
                self._events.extend(self._counted.values())
                self._counted.clear()
            batch = [self._events[index] for index in range(min(EVENTS_MAX, len(self._events)))]
            now = time.monotonic()
            events = [event for entry in batch if (event := _checked(entry[0], now - entry[1])) is not None]
            if events:
                await self._append(events)
            for _ in batch:
                self._events.popleft()
            self.written.set()

    async def _append(self, events: list[AuditEvent]) -> None:
        try:
            await self._hosts.append_audit(events)
        except Fault as error:
            if error.code is not Code.BAD_REQUEST:
                raise
            logger().error("audit_events_lost", count=len(events), error=str(error))


def _checked(event: AuditEvent, waited: float) -> AuditEvent | None:
    """The event as hostd will read it; None for a defect of ours, with which hostd would refuse all the others too."""
    try:
        return _decode(_encode(replace(event, waited=int(waited))))
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        logger().error("audit_events_lost", count=event.count, action=str(event.action), error=type(error).__name__)
        return None
