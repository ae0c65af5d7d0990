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
from shared.frames import FrameReader, pack
from shared.messages import Message, decode, encode

_READ: Final = 64 * 1024
_MAX_FDS: Final = 1
_ANCILLARY: Final = socket.CMSG_SPACE(_MAX_FDS * array.array("i").itemsize)


class Link:
    """Frames over a connected, non-blocking Unix socket, which the link owns and closes."""

    def __init__(self, sock: socket.socket, decoder: "msgspec.msgpack.Decoder[Message]", cap: int, *, accept_fds: bool = False) -> None:
        """Decode with `decoder`; refuse payloads over `cap` bytes. Without `accept_fds` the kernel drops sent descriptors."""
        sock.setblocking(False)
        self._sock = sock
        self._decoder = decoder
        self._frames = FrameReader(cap)
        self._accept_fds = accept_fds
        self._fds: list[int] = []
        self._loop = asyncio.get_running_loop()
        self._sending = asyncio.Lock()
        self._waits: set[asyncio.Future[None]] = set()

    async def receive(self) -> Message | None:
        """The next message; None when the peer has closed at a frame's border.

        Raises Fault BAD_REQUEST or TOO_LARGE for what is not a message, UNAVAILABLE when the connection broke.
        """
        while (payload := self._frames.take()) is None:
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
        view = memoryview(pack(encode(message)))
        async with self._sending:
            while view:
                try:
                    sent = socket.send_fds(self._sock, [view], list(fds)) if fds else self._sock.send(view)
                except (BlockingIOError, InterruptedError):
                    await self._ready(write=True)
                    continue
                except OSError as error:
                    raise Fault(Code.UNAVAILABLE, "the connection is closed") from error
                view, fds = view[sent:], ()

    async def _read(self) -> bytes:
        while True:
            try:
                return self._receive_fds() if self._accept_fds else self._sock.recv(_READ)
            except (BlockingIOError, InterruptedError):
                await self._ready(write=False)
            except OSError as error:
                raise Fault(Code.UNAVAILABLE, "the connection is closed") from error

    def _receive_fds(self) -> bytes:
        data, ancillary, _flags, _address = self._sock.recvmsg(_READ, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
        for level, kind, raw in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                fds = array.array("i")
                fds.frombytes(raw[: len(raw) - len(raw) % fds.itemsize])
                self._fds.extend(fds)
        return data

    async def _ready(self, *, write: bool) -> None:
        if self._sock.fileno() < 0:
            raise Fault(Code.UNAVAILABLE, "the connection is closed")
        future = self._loop.create_future()
        add, remove = (
            (self._loop.add_writer, self._loop.remove_writer) if write else (self._loop.add_reader, self._loop.remove_reader)
        )
        fd = self._sock.fileno()
        add(fd, _resolve, future)
        self._waits.add(future)
        try:
            await future
        finally:
            self._waits.discard(future)
            if self._sock.fileno() == fd:
                remove(fd)

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
