"""Reads a terminal's stream for somebody who wants text rather than a stream."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from typing import Final

from api.auth import Scope
from api.guests import PEER, Stream
from api.people.standing import held
from api.routing import Context
from api.streams.live import STOPPING, Connection
from api.terminals import absent
from shared.errors import Code, Fault
from shared.guestwire.terminals import Attached, Exited, Input, Output, Resume, Viewers
from shared.rooms import INPUT_MAX

PATIENCE: Final = 10.0
"""Seconds in which a guest sends what it has printed, or takes what is typed."""
SETTLED: Final = 0.3
"""Seconds without output after which what was typed is taken to have had its effect."""
SETTLE_MAX: Final = 3.0
"""Seconds that are waited for that."""


@asynccontextmanager
async def reading(ctx: Context, terminal: str, seq: int, keep: int) -> "AsyncIterator[Reader]":
    """A reader of the terminal, from at most `keep` bytes before byte number `seq` on; it keeps the last `keep` bytes."""
    try:
        attached, stream = await ctx.app.guests.attach_terminal(
            ctx.room, terminal, max(0, seq - keep), read_only=not ctx.allows(Scope.TERMINALS_WRITE)
        )
    except Fault as error:
        raise absent(error) from error
    with closing(stream):
        async with held(ctx) as connection:
            reader = Reader(stream, attached, connection, keep)
            pump = asyncio.create_task(reader.pump())
            try:
                yield reader
            finally:
                pump.cancel()
                with suppress(asyncio.CancelledError):
                    await pump


class Reader:
    """What was read of a terminal."""

    def __init__(self, stream: Stream, attached: Attached, connection: Connection, keep: int) -> None:
        """`stream` begins as `attached` says; nothing is read once `connection` is ended."""
        self.output = bytearray()
        """The end of what was read: `keep` bytes, or up to twice as many."""
        self.exited: Exited | None = None
        self.columns, self.rows = attached.columns, attached.rows
        self._stream = stream
        self._connection = connection
        self._keep = keep
        self._start = attached.seq
        """The number of the first byte of `output`."""
        self._resumed = 0
        self._fault: Fault | None = None
        self._changed = asyncio.Event()
        connection.ended.add_done_callback(lambda _: self._changed.set())

    @property
    def seq(self) -> int:
        """The number of the next byte."""
        return self._start + len(self.output)

    async def pump(self) -> None:
        """Read until the program has ended or the stream has."""
        try:
            while self.exited is None:
                self._take(await self._stream.receive())
                self._changed.set()
                await asyncio.sleep(0)  # a guest that pours output must not hold the loop
        except Fault as error:
            self._fault = error
            self._changed.set()

    def _take(self, message: object) -> None:
        match message:
            case Output(seq=seq, data=data):
                if seq != self.seq:
                    raise PEER.violation("output out of sequence")
                self.output += data
                if len(self.output) > 2 * self._keep:
                    self._forget(len(self.output) - self._keep)
            case Attached(seq=seq):
                # From there on everything comes again.
                self._resumed += 1
                if not self._start <= seq <= self.seq:
                    self._start = seq
                    self.output.clear()
                del self.output[seq - self._start :]
            case Viewers(columns=columns, rows=rows):
                self.columns, self.rows = columns, rows
            case Exited() as exited:
                self.exited = exited
            case _:
                raise PEER.violation(f"{type(message).__name__} in a terminal's stream")

    def _forget(self, count: int) -> None:
        self._start += count
        del self.output[:count]

    async def until(self, happened: Callable[[], bool], seconds: float) -> bool:
        """Whether it has happened within so many seconds. Raises what ended the stream, and what ended the credential."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not happened():
                    self._check()
                    self._changed.clear()
                    await self._changed.wait()
        return happened()

    def _check(self) -> None:
        if self._fault is not None:
            raise self._fault
        if self._connection.ended.done():
            ending = self._connection.ended.result()
            raise Fault(Code.UNAVAILABLE if ending is STOPPING else Code.UNAUTHORIZED, ending.reason)

    async def until_printed(self, seq: int) -> None:
        """Read what was printed before byte number `seq`."""
        if not await self.until(lambda: self.seq >= seq or self.exited is not None, PATIENCE):
            raise PEER.late(PATIENCE)

    async def type(self, data: bytes) -> None:
        """Have the program get `data`; CONFLICT when it has ended."""
        if self.exited is not None:
            raise Fault(Code.CONFLICT, "the program has ended")
        resumed = self._resumed
        try:
            async with asyncio.timeout(PATIENCE):
                for at in range(0, len(data), INPUT_MAX):
                    await self._stream.send(Input(data=data[at : at + INPUT_MAX]))
                # The guest answers this once it has written the input.
                await self._stream.send(Resume(after=self.seq))
        except TimeoutError:
            raise Fault(Code.BUSY, "the program does not read its input") from None
        if not await self.until(lambda: self._resumed > resumed or self.exited is not None, PATIENCE):
            raise Fault(Code.BUSY, "the program does not read its input")

    async def until_settled(self) -> None:
        """Read until nothing has come for a moment."""
        end = asyncio.get_running_loop().time() + SETTLE_MAX
        while self.exited is None and asyncio.get_running_loop().time() < end:
            seen = self.seq
            if not await self.until(lambda before=seen: self.seq != before or self.exited is not None, SETTLED):  # type: ignore[misc]
                return
