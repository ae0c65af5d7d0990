"""One end of a Unix stream socket that carries frames, and now and then descriptors.

A link keeps nothing but one unfinished frame: it reads only while somebody receives, and a send waits for the kernel. So
back-pressure is the kernel's, from one end of a chain of links to the other.
"""

import array
import asyncio
import os
import socket
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import msgspec

from shared.errors import Code, Fault
from shared.frames import FrameReader
from shared.messages import Message, decode, frame

_READ: Final = 72 * 1024
"""A frame of terminal output comes with one system call."""
_MAX_FDS: Final = 1
_ANCILLARY: Final = socket.CMSG_SPACE(_MAX_FDS * array.array("i").itemsize)


class Link:
    """Frames over a connected, non-blocking Unix socket, which the link owns and closes."""

    def __init__(
        self,
        sock: socket.socket,
        decoder: "msgspec.msgpack.Decoder[Message]",
        cap: int,
        *,
        accept_fds: bool = False,
        frame_deadline: float | None = None,
    ) -> None:
        """Decode with `decoder`; refuse payloads over `cap` bytes. Without `accept_fds` the kernel drops sent descriptors.

        A frame must be whole `frame_deadline` seconds after its first byte.
        """
        sock.setblocking(False)  # noqa: FBT003  # its signature
        self._sock = sock
        self._decoder = decoder
        self._frames = FrameReader(cap)
        self._accept_fds = accept_fds
        self._frame_deadline = frame_deadline
        self._fds: list[int] = []
        self._loop = asyncio.get_running_loop()
        self._sending = asyncio.Lock()
        self._waits: set[asyncio.Future[None]] = set()
        self._watching = False
        self._reader: asyncio.Future[None] | None = None
        self._drained = False

    async def receive(self) -> Message | None:
        """The next message; None when the peer has closed at a frame's border.

        Raises Fault BAD_REQUEST or TOO_LARGE for what is not a message, TIMEOUT for a frame that does not come to its end,
        UNAVAILABLE when the connection broke.
        """
        deadline = None
        while (payload := self._frames.take()) is None:
            if self._frames.pending and self._frame_deadline is not None:
                deadline = deadline or self._loop.time() + self._frame_deadline
                data = await self._read_before(deadline)
            else:
                data = await self._read()
            if not data:
                if self._frames.pending:
                    raise Fault(Code.BAD_REQUEST, "the connection ended inside a frame")
                return None
            self._frames.feed(data)
        return decode(self._decoder, payload)

    def take_fd(self) -> int | None:
        """The oldest descriptor that came with the messages received so far, now the caller's."""
        return self._fds.pop(0) if self._fds else None

    async def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Send `message`, and duplicates of `fds` with its first byte; returns when the kernel has all of it.

        Raises Fault UNAVAILABLE when the peer is gone.
        """
        view = memoryview(frame(message))
        async with self._sending:
            while view:
                try:
                    sent = socket.send_fds(self._sock, [view], list(fds)) if fds else self._sock.send(view)
                except (BlockingIOError, InterruptedError):
                    await self._writable()
                    continue
                except OSError as error:
                    raise Fault(Code.UNAVAILABLE, "the connection is closed") from error
                view, fds = view[sent:], ()

    async def _read_before(self, deadline: float) -> bytes:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._read()
        except TimeoutError:
            raise Fault(Code.TIMEOUT, "a frame did not come to its end") from None

    async def _read(self) -> bytes:
        while True:
            if self._drained:
                await self._readable()
            self._drained = True
            try:
                data = self._receive_fds() if self._accept_fds else self._sock.recv(_READ)
            except (BlockingIOError, InterruptedError):
                continue
            except OSError as error:
                raise Fault(Code.UNAVAILABLE, "the connection is closed") from error
            # A short read took all there was: to try again at once would cost a system call and an exception.
            self._drained = 0 < len(data) < _READ
            return data

    def _receive_fds(self) -> bytes:
        data, ancillary, _flags, _address = self._sock.recvmsg(_READ, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
        for level, kind, raw in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(raw[: len(raw) - len(raw) % fds.itemsize])
                self._fds.extend(fds)
        return data

    async def _readable(self) -> None:
        future = self._reader = self._wait()
        # The loop goes on watching between two waits, which saves it most of its work; see _on_readable.
        if not self._watching:
            self._watching = True
            self._loop.add_reader(self._sock.fileno(), self._on_readable)
        try:
            await future
        finally:
            self._waits.discard(future)
            self._reader = None

    def _on_readable(self) -> None:
        if self._reader:
            _resolve(self._reader)
        else:  # nobody receives: what has come stays in the kernel
            self._watching = False
            self._loop.remove_reader(self._sock.fileno())

    async def _writable(self) -> None:
        future = self._wait()
        fd = self._sock.fileno()
        self._loop.add_writer(fd, _resolve, future)
        try:
            await future
        finally:
            self._waits.discard(future)
            if self._sock.fileno() == fd:
                self._loop.remove_writer(fd)

    def _wait(self) -> asyncio.Future[None]:
        if self._sock.fileno() < 0:
            raise Fault(Code.UNAVAILABLE, "the connection is closed")
        future = self._loop.create_future()
        self._waits.add(future)
        return future

    @property
    def socket(self) -> socket.socket:
        """The socket, for its peer's credentials."""
        return self._sock

    def close(self) -> None:
        """Close the socket and what descriptors were not taken; whoever waits on the link gets Fault UNAVAILABLE."""
        fd = self._sock.fileno()
        if fd < 0:
            return
        self._loop.remove_reader(fd)
        self._loop.remove_writer(fd)
        self._sock.close()
        for future in self._waits:
            if not future.done():
                future.set_exception(Fault(Code.UNAVAILABLE, "the connection is closed"))
        while (received := self.take_fd()) is not None:
            os.close(received)

    def __enter__(self) -> Self:
        """Close the link when the block ends."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the link."""
        self.close()


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
