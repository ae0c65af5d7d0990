"""One who looks at a terminal: a cursor into its ring, and the connection that the bytes behind it go to."""

import asyncio
import contextlib
from typing import Final

from msgspec import UNSET

from guest.terminals.terminals import Terminal
from shared.errors import Code, Fault
from shared.guestwire.terminals import Attached, AttachTerminal, Exited, Input, Output, Resize, Resume, Viewers
from shared.link import Link
from shared.messages import Failure, Message, rejection
from shared.rooms import OUTPUT_MAX

_FAREWELL: Final = 2.0
"""Seconds in which a viewer that is sent away may read why."""


class Viewer:
    """A stream of one terminal. There is no queue: what is sent next is decided when the kernel has room for it."""

    def __init__(self, link: Link, terminal: Terminal, request: AttachTerminal) -> None:
        """Begin where `request` says. Raises Fault BAD_REQUEST."""
        self._link = link
        self._terminal = terminal
        self._wake = asyncio.Event()
        self._answered = asyncio.Event()
        self._attached: int | None = request.id
        """The id of the `Attached` that is due."""
        self._viewers = False
        self._exited = False
        self._fault: Fault | None = None
        self._closed = False
        self._over = asyncio.get_running_loop().create_future()
        self.read_only = request.read_only
        """Then it changes nothing, nor does the program wait for it."""
        self.size: tuple[int, int] | None = None
        """Columns and rows, once it has said."""
        self.cursor = self._position(terminal.ring.start if request.after is UNSET else request.after)
        """The number of the next byte that it gets."""

    def _position(self, after: int) -> int:
        ring = self._terminal.ring
        if after > ring.end:
            raise Fault(Code.BAD_REQUEST, f"the terminal has printed {ring.end} bytes, not {after}")
        return max(after, ring.start)

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def tell_viewers(self) -> None:
        """The number of viewers or the size has changed."""
        self._viewers = True
        self._wake.set()

    def close(self) -> None:
        """The terminal is gone: send the rest of what it has printed, and end."""
        self._closed = True
        self._end()

    def _fail(self, fault: Fault) -> None:
        self._fault = fault
        self._end()

    def _end(self) -> None:
        self._wake.set()
        if not self._over.done():
            self._over.set_result(None)

    async def run(self) -> None:
        """Be a viewer until the peer or the terminal goes."""
        self._terminal.attach(self)
        pump = asyncio.create_task(self._pump())
        reader = asyncio.create_task(self._read())
        try:
            await asyncio.wait((pump, reader, self._over), return_when=asyncio.FIRST_COMPLETED)
            if self._over.done():
                await asyncio.wait((pump,), timeout=_FAREWELL)
        finally:
            self._terminal.detach(self)
            for task in (pump, reader):
                task.cancel()
            await asyncio.gather(pump, reader, return_exceptions=True)

    async def _pump(self) -> None:
        with contextlib.suppress(Fault):  # the peer is gone
            while True:
                message = self._next()
                if message:
                    await self._link.send(message)
                    if isinstance(message, Failure):
                        return
                else:
                    self._wake.clear()
                    await self._wake.wait()

    def _next(self) -> Message | None:
        """The message that is due most, if any."""
        terminal = self._terminal
        if self._fault:
            return rejection(self._fault)
        if self.read_only and self.cursor < terminal.ring.start:
            self.cursor, self._attached = terminal.ring.start, self._attached or 0
        if self._attached is not None:
            reply = Attached(
                id=self._attached,
                seq=self.cursor,
                columns=terminal.size[0],
                rows=terminal.size[1],
                viewers=len(terminal.viewers),
            )
            self._attached = None
            self._answered.set()
            return reply
        if self._viewers:
            self._viewers = False
            return Viewers(len(terminal.viewers), *terminal.size)
        return self._output()

    def _output(self) -> Message | None:
        terminal = self._terminal
        if self.cursor < terminal.ring.start:
            return rejection(Fault(Code.LIMIT, "fell behind: the output that comes next is no longer kept"))
        if self.cursor < terminal.ring.end:
            output = Output(self.cursor, terminal.ring.read(self.cursor, OUTPUT_MAX))
            self.cursor += len(output.data)
            terminal.balance()
            return output
        if terminal.ended and terminal.exit and not self._exited:
            self._exited = True
            return Exited(terminal.exit.code, terminal.exit.signal)
        return rejection(Fault(Code.GONE, "the terminal was closed")) if self._closed else None

    async def _read(self) -> None:
        try:
            while message := await self._link.receive():
                await self._take(message)
        except Fault as fault:
            self._fail(fault)

    async def _take(self, message: Message) -> None:
        match message:
            case Input() | Resize() if self.read_only:
                raise Fault(Code.BAD_REQUEST, "a connection that only reads carries resume only")
            case Input(data):
                await self._terminal.write(data)
            case Resize(columns, rows):
                self.size = (columns, rows)
                self._terminal.resized()
            case Resume(after):
                await self._resume(after)
            case _:
                raise Fault(Code.BAD_REQUEST, "an attached connection carries input, resize and resume only")

    async def _resume(self, after: int) -> None:
        # One answer is due at a time: who resumes without reading waits here, not in a queue.
        while self._attached is not None:
            self._answered.clear()
            await self._answered.wait()
        self.cursor = self._position(after)
        self._attached = 0
        self._exited = False
        self._wake.set()
        self._terminal.balance()
