"""One connection to a guest: the handshake, then calls, of which one may turn it into a stream."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Mapping
from typing import Final

from msgspec import structs

from guest.idle import Idle
from guest.sessions.uses import Call, Stream
from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX
from shared.guestwire import GUEST
from shared.guestwire.deadlines import GetDeadlines
from shared.guestwire.figures import GetFigures
from shared.link import Link
from shared.messages import VERSION, Hello, Reply, Request, Welcome, encode, rejection

_HANDSHAKE: Final = 10.0
"""Seconds for the first frame."""
_FRAME: Final = 30.0
"""Seconds from a frame's first byte to its last."""
_FAREWELL: Final = 2.0
"""Seconds for the last one."""
CALLS_MAX: Final = 32
"""Calls of one connection that are answered at a time; the next is read when one is done."""
_UNNOTICED: Final = (GetDeadlines, GetFigures)
"""What pages ask by themselves, again and again: a guest that nothing else keeps leaves all the same."""

_log: Final = logging.getLogger(__name__)


class Connection:
    """A caller's connection."""

    def __init__(
        self, sock: socket.socket, calls: Mapping[type[Request], Call], streams: Mapping[type[Request], Stream], idle: Idle
    ) -> None:
        """Serve `sock` with these handlers; answering holds `idle`."""
        self._link = Link(sock, GUEST.request_decoder, GUEST_FRAME_MAX, frame_deadline=_FRAME)
        self._calls = calls
        self._streams = streams
        self._idle = idle
        self._leaving = False
        self._answering: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(CALLS_MAX)

    async def serve(self) -> None:
        """Serve until either side ends it."""
        with self._link:
            try:
                if await self._handshake():
                    await self._serve()
            except Fault as fault:
                if not self._leaving:  # else it is we who cut the frame off
                    await self._reject(fault)
            if self._answering:
                # What was begun is ended, whether or not its caller is still there.
                await asyncio.wait(self._answering)

    async def _reject(self, fault: Fault) -> None:
        with contextlib.suppress(Fault, TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await self._link.send(rejection(fault))

    async def _handshake(self) -> bool:
        try:
            async with asyncio.timeout(_HANDSHAKE):
                hello = await self._link.receive()
        except TimeoutError:
            return False
        if hello is None or self._leaving:
            # No Welcome: the caller knows that nothing was done, and enters again.
            return False
        if not isinstance(hello, Hello):
            raise Fault(Code.BAD_REQUEST, "the first frame must be Hello")
        if hello.version != VERSION:
            raise Fault(Code.VERSION, f"this guest speaks version {VERSION}, not {hello.version}")
        await self._link.send(Welcome(VERSION))
        return True

    async def _serve(self) -> None:
        while message := await self._link.receive():
            if not isinstance(message, Request) or message.id < 1:
                raise Fault(Code.BAD_REQUEST, "expected a request with an id above 0")
            if self._leaving:
                await self._link.send(rejection(Fault(Code.UNAVAILABLE, "the guest is leaving; enter again"), message.id))
            elif stream := self._streams.get(type(message)):
                if await self._turn(stream, message):
                    return
            else:
                await self._slots.acquire()
                task = asyncio.create_task(self._answer(self._calls[type(message)], message))
                self._answering.add(task)
                task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        self._slots.release()

    async def _turn(self, stream: Stream, request: Request) -> bool:
        """Become a stream, until it is over; False when it could not begin, and the connection goes on."""
        if self._answering:
            await asyncio.wait(self._answering)
        try:
            await stream(self._link, request)
        except Fault as fault:
            await self._link.send(rejection(fault, request.id))
            return False
        return True

    async def _answer(self, call: Call, request: Request) -> None:
        with contextlib.nullcontext() if isinstance(request, _UNNOTICED) else self._idle:
            reply = structs.replace(await _outcome(call, request), id=request.id)
        if len(encode(reply)) > GUEST_FRAME_MAX:
            reply = rejection(Fault(Code.TOO_LARGE, "the answer does not fit a frame"), request.id)
        with contextlib.suppress(Fault):  # the caller has gone
            await self._link.send(reply)

    def leave(self) -> None:
        """Take no more: what has arrived is still answered, what comes later is refused by the kernel."""
        self._leaving = True
        with contextlib.suppress(OSError):  # the caller has gone
            self._link.socket.shutdown(socket.SHUT_RD)


async def _outcome(call: Call, request: Request) -> Reply:
    try:
        return await call(request)
    except Fault as fault:
        return rejection(fault)
    except Exception:  # noqa: BLE001  # a defect in one verb must not end the others
        _log.exception("%s failed", type(request).__name__)
        return rejection(Fault(Code.INTERNAL, "internal error"))
