"""The guest's end of the process that reads transcripts: started when somebody asks, ended when nobody does."""

import asyncio
import contextlib
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from typing import Final, TypeVar

from msgspec import structs

from guest.events import Events
from guest.room import Room
from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX
from shared.guestwire import GUEST
from shared.guestwire.watch import TranscriptChanged
from shared.link import Link
from shared.messages import Failure, Reply, Request

_DEADLINE: Final = 100.0
"""Seconds for an answer; one that takes longer has lost its way in some file, and is killed."""
_IDLE: Final = 120.0
"""Seconds without a question after which the process ends; it stays while somebody watches."""
_FAREWELL: Final = 2.0
"""Seconds in which it may save its index."""

R = TypeVar("R", bound=Reply)


class Transcripts:
    """The transcripts of the home."""

    def __init__(self, room: Room, events: Events, idle: float = _IDLE) -> None:
        """Of `room`; changes go to `events`. The process ends `idle` seconds after the last question if nobody watches."""
        self._room = room
        self._idle = idle
        self._events = events
        self._starting = asyncio.Lock()
        self._running: _Running | None = None
        self._ending: asyncio.Task[None] | None = None
        self._asked = 0.0

    async def ask(self, request: Request, kind: type[R]) -> R:
        """The answer. Raises the Fault that it is, TIMEOUT, UNAVAILABLE when the process died."""
        self._asked = asyncio.get_running_loop().time()
        async with self._starting:
            if self._running is None or self._running.over:
                self._running = await _start(self._room, self._events)
            running = self._running
            if self._ending is None or self._ending.done():
                self._ending = asyncio.create_task(self._end_when_idle())
        try:
            async with asyncio.timeout(_DEADLINE):
                reply = await running.ask(request)
        except TimeoutError:
            running.kill()
            raise Fault(Code.TIMEOUT, f"the transcripts were not read within {_DEADLINE:g} s") from None
        if isinstance(reply, Failure):
            raise Fault(reply.code, reply.message)
        if not isinstance(reply, kind):
            raise Fault(Code.INTERNAL, "internal error")
        return reply

    async def _end_when_idle(self) -> None:
        clock = asyncio.get_running_loop().time
        while (rest := self._asked + self._idle - clock()) > 0 or self._events.watched:  # noqa: ASYNC110  # asked again and again
            await asyncio.sleep(max(rest, self._idle / 2))
        await self._stop()

    async def close(self) -> None:
        """End it."""
        if self._ending:
            self._ending.cancel()
        await self._stop()

    async def _stop(self) -> None:
        async with self._starting:
            running, self._running = self._running, None
        if running:
            await running.close()


class _Running:
    """The process."""

    def __init__(self, process: Process, link: Link, events: Events) -> None:
        self._process = process
        self._link = link
        self._events = events
        self._pending: dict[int, asyncio.Future[Reply]] = {}
        self._number = 0
        self.over = False
        self._reading = asyncio.create_task(self._read())

    async def ask(self, request: Request) -> Reply:
        self._number += 1
        number = self._number
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._pending[number] = future
        try:
            await self._link.send(structs.replace(request, id=number))
            return await future
        except Fault as error:
            # It may be seen here before `_read` comes to see it: whoever asks again is not to find it running.
            self.over = self.over or error.code is Code.UNAVAILABLE
            raise
        finally:
            del self._pending[number]

    async def _read(self) -> None:
        try:
            while (message := await self._link.receive()) is not None:
                if isinstance(message, TranscriptChanged):
                    self._events.publish(f"transcript {message.transcript.transcript}", message)
                elif isinstance(message, Reply) and (future := self._pending.get(message.id)) and not future.done():
                    future.set_result(message)
        except Fault:
            pass
        finally:
            self.over = True
            self._link.close()
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(Fault(Code.UNAVAILABLE, "the reader of transcripts has ended; try again"))
        # Without its socket it ends of itself, unless it hangs.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _FAREWELL)
        self.kill()
        await self._process.wait()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        with contextlib.suppress(OSError):
            self._link.socket.shutdown(socket.SHUT_RDWR)
        await asyncio.wait((self._reading,))


async def _start(room: Room, events: Events) -> _Running:
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-m", "guest.transcripts", str(theirs.fileno())),
                env=dict(room.environment),
                pass_fds=(theirs.fileno(),),
                stdin=DEVNULL,
                start_new_session=True,
            )
    except OSError as error:
        ours.close()
        raise Fault(Code.FAILED, f"transcripts cannot be read now: {error.strerror}") from error
    return _Running(process, Link(ours, GUEST.reply_decoder, GUEST_FRAME_MAX), events)
