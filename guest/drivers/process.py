"""An agent's process: a clean start, its standard streams within bounds, and the end of all that it has started."""

import asyncio
import contextlib
import os
from asyncio.subprocess import PIPE, SubprocessStreamProtocol
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

from guest.drivers.base import Launch
from guest.drivers.offspring import VARIABLE, Who, end_offspring, find, offspring
from guest.drivers.texts import decoded, label
from shared.errors import Code, Fault
from shared.turns import STDERR_MAX

LINE_MAX: Final = 50 * 1024 * 1024
"""Bytes of a line; a longer one is skipped."""
VALUES_MAX: Final = 1_000_000
"""JSON values of a line, by the marks before them; one with more is skipped, as each takes memory many times its bytes."""
GARBAGE_MAX: Final = 1000
"""Lines in a turn that are no protocol; one more, and the agent is ended."""
NOTICES_MAX: Final = 3
"""Of them, how many are told of."""
_MARKS: Final = (b",", b"[", b"{")
_SHOWN: Final = 200
"""Characters of what is no protocol that are told of."""
_SHOWN_FROM: Final = 16 * 1024
"""Bytes of it that are looked through for secrets before."""
_READ: Final = 64 * 1024
GRACE: Final = 2.0
"""Seconds from the end of its input until an agent is killed."""
_LAST_WORDS: Final = 0.5
"""Seconds in which what it printed before it died may still arrive; its children may hold its streams open for ever."""

Object = dict[str, Any]


class _Streams(SubprocessStreamProtocol):
    """Knows of the exit at once; asyncio's own `wait` waits until all streams are closed as well."""

    def __init__(self) -> None:
        super().__init__(limit=_READ, loop=asyncio.get_running_loop())
        self.exited = asyncio.Event()

    def process_exited(self) -> None:
        self.exited.set()
        super().process_exited()


class AgentProcess:
    """One agent's process, from its start to the end of all that it has started."""

    def __init__(self, launch: Launch, on_notice: Callable[[str], None]) -> None:
        """Start nothing yet; `on_notice` is told of output that is no protocol."""
        self._launch = launch
        self._on_notice = on_notice
        self._mark = launch.environment.get(VARIABLE) or os.urandom(12).hex()
        self._transport: asyncio.SubprocessTransport | None = None
        self._streams: _Streams | None = None
        self._itself: frozenset[Who] = frozenset()
        self._stderr = bytearray()
        self._garbage = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._closing: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs, and is not being ended."""
        return self._streams is not None and not self._streams.exited.is_set() and self._closing is None

    @property
    def stderr(self) -> str:
        """The end of what it printed on standard error."""
        return self._launch.masked(self._stderr.decode(errors="replace"))[-STDERR_MAX:]

    async def start(self) -> None:
        """Start it. Raises Fault FAILED."""
        try:
            self._transport, self._streams = await asyncio.get_running_loop().subprocess_exec(
                _Streams,
                # It dies with the guest; what else it has started then is ended by the next guest.
                *("/usr/bin/setpriv", "--pdeathsig", "KILL", "--"),
                *self._launch.argv,
                cwd=self._launch.cwd,
                env={**self._launch.environment, VARIABLE: self._mark},
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise Fault(Code.FAILED, f"the agent cannot be started: {reason}") from error
        self._itself = find(self._transport.get_pid())
        self._tasks = [asyncio.create_task(self._drain(self._streams)), asyncio.create_task(self._watch(self._streams))]

    async def _drain(self, streams: _Streams) -> None:
        if streams.stderr is None:
            raise AssertionError("a pipe was asked for")
        while chunk := await streams.stderr.read(_READ):
            self._stderr += chunk
            del self._stderr[: -4 * STDERR_MAX]  # four bytes are the longest character
            # The stream does not wait while there is something to read, and the loop has others to serve.
            await asyncio.sleep(0)

    async def _watch(self, streams: _Streams) -> None:
        """Its output ends with it, even when its children hold the pipe open."""
        await streams.exited.wait()
        await asyncio.sleep(_LAST_WORDS)
        for number in (1, 2):
            if self._transport and (pipe := self._transport.get_pipe_transport(number)):
                pipe.close()

    async def send(self, line: bytes) -> None:
        """Write one line; waits while the agent does not read. Raises Fault FAILED when it no longer can."""
        if self._streams is None or self._streams.stdin is None:
            raise AssertionError("it was not started")
        if not self.alive:
            raise Fault(Code.FAILED, "the agent has ended")
        try:
            self._streams.stdin.write(line + b"\n")
            await self._streams.stdin.drain()
        except (OSError, RuntimeError) as error:
            raise Fault(Code.FAILED, "the agent has closed its input") from error

    def forgive(self) -> None:
        """Count from the beginning what is no protocol: another turn begins."""
        self._garbage = 0

    def garbage(self, notice: str) -> None:
        """Note output that is no protocol. Raises Fault FAILED when it is too much."""
        self._garbage += 1
        if self._garbage > GARBAGE_MAX:
            raise Fault(Code.FAILED, f"the agent printed more than {GARBAGE_MAX} lines that are no protocol")
        if self._garbage <= NOTICES_MAX:
            self._on_notice(label(self._launch.masked(notice)))

    async def objects(self) -> AsyncIterator[Object]:
        """The JSON objects of its lines, until its output ends. Raises Fault FAILED for too much of something else."""
        async for line in self._lines():
            if (number := sum(map(line.count, _MARKS))) > VALUES_MAX:
                self.garbage(f"a line of {number} values was skipped; {VALUES_MAX} are the most")
            elif (value := decoded(line)) is not None:
                yield value
            else:
                shown = self._launch.masked(line[:_SHOWN_FROM].decode(errors="replace"))[:_SHOWN]
                self.garbage(f"the agent printed what is no protocol: {shown}")

    async def _lines(self) -> AsyncIterator[bytes]:
        """Lines that are not empty."""
        if self._streams is None or self._streams.stdout is None:
            raise AssertionError("it was not started")
        line, skipped = bytearray(), 0
        while chunk := await self._streams.stdout.read(_READ):
            await asyncio.sleep(0)  # as in `_drain`
            *ends, rest = chunk.split(b"\n")
            for end in ends:
                if skipped or len(line) + len(end) > LINE_MAX:
                    self.garbage(f"a line of {skipped + len(line) + len(end)} bytes was skipped; {LINE_MAX} are the most")
                elif whole := (bytes(line) + end).strip():
                    yield whole
                line, skipped = bytearray(), 0
            if skipped or len(line) + len(rest) > LINE_MAX:
                skipped += len(line) + len(rest)
                line = bytearray()
            else:
                line += rest
        if skipped or line:
            self.garbage("the agent's output ends in the middle of a line")

    async def end_reason(self) -> str:
        """How it ended, once its output has; it is given a moment to."""
        if self._streams is None or self._transport is None:
            return "the agent was not started"
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * _LAST_WORDS):
                await self._streams.exited.wait()
        # What it said last is the reason that people look for.
        await asyncio.wait(self._tasks[:1], timeout=_LAST_WORDS)
        status = self._transport.get_returncode()
        if status is None:
            return "the agent has closed its output, and stays"
        return f"the agent was killed by signal {-status}" if status < 0 else f"the agent ended with status {status}"

    async def close(self, *, grace: float = GRACE) -> None:
        """End it and all that it has started: by the end of its input, and after `grace` seconds by SIGKILL.

        Safe to call twice.
        """
        if self._transport is None or self._streams is None:
            return
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(self._transport, self._streams, grace))
        # Whoever gives up waiting leaves it to be done.
        await asyncio.shield(self._closing)

    async def _close(self, transport: asyncio.SubprocessTransport, streams: _Streams, grace: float) -> None:
        mark = self._mark.encode()
        # Before it ends: whose child a process was is not known after.
        family = await asyncio.to_thread(offspring, mark, self._itself)
        if streams.stdin:
            streams.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await streams.exited.wait()
        await end_offspring(mark, family)
        # Dead by now, unless it sleeps in the kernel.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                await streams.exited.wait()
        await asyncio.wait(self._tasks[:1], timeout=_LAST_WORDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        transport.close()
