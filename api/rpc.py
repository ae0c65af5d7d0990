"""Calls over a link: many at a time, answered in any order, each with a deadline.

Whatever the peer says is decoded strictly. An answer of the wrong type, or to nothing that was asked, ends the link.
"""

import asyncio
import os
import socket
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final, TypeVar, cast

from msgspec.structs import replace

from shared.errors import Code, Fault
from shared.link import Link
from shared.messages import VERSION, Failure, Hello, Message, Reply, Request, Welcome

CALLS_MAX: Final = 1024
"""Calls on one link that wait for their answer, those given up included."""
MESSAGE_MAX: Final = 2000
"""Characters that are shown of a peer's message."""

R = TypeVar("R", bound=Reply)


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom a link leads to."""

    name: str
    blame: Code
    """The code of the fault when it breaks the protocol."""
    may_say: frozenset[Code] = frozenset(Code)
    """The codes that a Failure of it may have; any other breaks the protocol."""

    def violation(self, what: str) -> Fault:
        """The fault that says how it broke the protocol."""
        return Fault(self.blame, f"{self.name} broke the protocol: {what}")

    def gone(self) -> Fault:
        """The fault that says that it went away."""
        return Fault(Code.UNAVAILABLE, f"{self.name} closed the connection")

    def late(self, deadline: float) -> Fault:
        """The fault that says that it did not answer within `deadline` seconds."""
        return Fault(Code.TIMEOUT, f"{self.name} did not answer within {deadline:g} s")

    def failed(self, failure: Failure) -> Fault:
        """The fault that its Failure tells of, the message cut to what may be shown."""
        if failure.code not in self.may_say:
            return self.violation(f"it failed with {failure.code}")
        return Fault(failure.code, "".join(c if c.isprintable() else " " for c in failure.message[:MESSAGE_MAX]))


def connect(path: Path, peer: Peer) -> socket.socket:
    """A non-blocking connection to the socket at `path`; Fault UNAVAILABLE when nobody listens, or too many wait."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    try:
        sock.connect(os.fspath(path))
    except OSError as error:
        sock.close()
        raise Fault(Code.UNAVAILABLE, f"{peer.name} cannot be reached: {error.strerror}") from error
    return sock


async def receive(link: Link, peer: Peer) -> Message:
    """The next message; Fault UNAVAILABLE when the peer went away, or its blame when what it sent is no message."""
    try:
        message = await link.receive()
    except Fault as error:
        raise error if error.code is Code.UNAVAILABLE else peer.violation(error.message) from error
    if message is None:
        raise peer.gone()
    return message


async def greet(link: Link, peer: Peer, deadline: float) -> None:
    """Say Hello and wait for the Welcome; closes the link when it does not come within `deadline` seconds."""
    try:
        async with asyncio.timeout(deadline):
            await link.send(Hello(version=VERSION))
            _check_welcome(await receive(link, peer), peer)
    except TimeoutError:
        link.close()
        raise peer.late(deadline) from None
    except BaseException:
        link.close()
        raise


def _check_welcome(message: Message, peer: Peer) -> None:
    match message:
        case Welcome(version=version) if version == VERSION:
            return
        case Welcome(version=version):
            raise peer.violation(f"it speaks version {version}, not {VERSION}")
        case Failure() as failure:
            raise peer.failed(failure)
        case other:
            raise peer.violation(f"{type(other).__name__} instead of Welcome")


@dataclass(frozen=True, slots=True)
class _Call:
    reply: type[Reply]
    answer: "asyncio.Future[tuple[Reply, socket.socket | None]]"


class Caller:
    """Calls on one greeted link, which it owns. It ends when the peer goes away or breaks the protocol."""

    def __init__(self, link: Link, peer: Peer, *, with_socket: type[Reply] | None = None) -> None:
        """Each reply of type `with_socket` brings one connected socket."""
        self._link = link
        self._peer = peer
        self._with_socket = with_socket
        self._calls: dict[int, _Call] = {}
        self._ids = count(1)
        self._reader = asyncio.create_task(self._read(), name=f"calls to {peer.name}")

    @property
    def alive(self) -> bool:
        """Whether calls can be made."""
        return not self._reader.done() and self._link.socket.fileno() >= 0

    async def ended(self) -> None:
        """Wait until no calls can be made any more."""
        await asyncio.wait({self._reader})

    async def call(self, request: Request, reply: type[R], deadline: float) -> R:
        """The answer to `request`, within `deadline` seconds.

        Raises what the peer's Failure says; TIMEOUT; UNAVAILABLE when the link ended; BUSY when too many calls wait.
        """
        answer, _ = await self._ask(request, reply, deadline)
        return answer

    async def call_for_socket(self, request: Request, reply: type[R], deadline: float) -> tuple[R, socket.socket]:
        """The same, with the socket that comes with the answer."""
        answer, sock = await self._ask(request, reply, deadline)
        if sock is None:
            raise TypeError(f"{reply.__name__} brings no socket")
        return answer, sock

    async def _ask(self, request: Request, reply: type[R], deadline: float) -> tuple[R, socket.socket | None]:
        if len(self._calls) >= CALLS_MAX:
            raise Fault(Code.BUSY, f"too many calls wait for {self._peer.name}")
        if not self.alive:
            raise self._peer.gone()
        number = next(self._ids)
        call = _Call(reply, asyncio.get_running_loop().create_future())
        self._calls[number] = call
        try:
            async with asyncio.timeout(deadline):
                await self._send(replace(request, id=number))
                answer, sock = await call.answer
        except TimeoutError:
            _discard(call)
            raise self._peer.late(deadline) from None
        except BaseException:
            _discard(call)
            raise
        return cast("R", answer), sock  # `_settle` lets nothing else through

    async def _send(self, request: Request) -> None:
        try:
            await self._link.send(request)
        except BaseException:
            # Half a frame may be out: nothing that follows could be understood.
            self._link.close()
            raise

    async def _read(self) -> None:
        end = self._peer.gone()
        try:
            while True:
                self._settle(await receive(self._link, self._peer))
        except Fault as error:
            end = error
        finally:
            self._link.close()
            for call in self._calls.values():
                if not call.answer.done():
                    call.answer.set_exception(end)
            self._calls.clear()

    def _settle(self, message: Message) -> None:
        if not isinstance(message, Reply):
            raise self._peer.violation(f"{type(message).__name__} is no answer")
        call = self._calls.get(message.id)
        if call is None:
            raise self._peer.violation("an answer to nothing that was asked")
        if not isinstance(message, (Failure, call.reply)):
            raise self._peer.violation(f"{type(message).__name__} instead of {call.reply.__name__}")
        sock = self._socket() if self._with_socket is not None and isinstance(message, self._with_socket) else None
        del self._calls[message.id]
        if call.answer.done():  # given up
            _close(sock)
        elif isinstance(message, Failure):
            call.answer.set_exception(self._peer.failed(message))
        else:
            call.answer.set_result((message, sock))

    def _socket(self) -> socket.socket:
        fd = self._link.take_fd()
        if fd is None:
            raise self._peer.violation("the socket is missing")
        try:
            return socket.socket(fileno=fd)
        except OSError as error:
            os.close(fd)
            raise self._peer.violation("the descriptor is no socket") from error

    async def close(self) -> None:
        """End the link; calls that wait get UNAVAILABLE."""
        self._link.close()
        await self.ended()


def _discard(call: _Call) -> None:
    """Give an answer up. Its place is kept until the answer comes, so that it is not taken for one to nothing."""
    if not call.answer.done():
        call.answer.cancel()
    elif not call.answer.cancelled() and call.answer.exception() is None:
        _close(call.answer.result()[1])


def _close(sock: socket.socket | None) -> None:
    if sock is not None:
        sock.close()
