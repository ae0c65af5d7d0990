"""hostd's socket: who may connect, how much of hostd one peer may use, and frames in and out."""

import asyncio
import contextlib
import os
import socket
import struct
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from hostd.verbs import Answer, Verbs
from shared.errors import Code, Fault
from shared.frames import HOST_FRAME_MAX
from shared.hostwire import HOST
from shared.link import Link
from shared.log import logger
from shared.messages import VERSION, Hello, Message, Request, Welcome, frame, rejection

CONNECTIONS_MAX: Final = 96
CONNECTIONS_PER_UID: Final = 64
REQUESTS_PER_UID: Final = 64
"""At a time, over all of its connections: each answer may take half a megabyte."""
FRAME_DEADLINE: Final = 5.0
"""Seconds for the first frame, for the rest of a frame that has begun, and for a peer to take an answer."""
_ACCEPT_PAUSE: Final = 0.1
_STOP_DEADLINE: Final = 10.0
_CREDENTIALS: Final = struct.Struct("3i")
_LISTEN_FDS_START: Final = 3
"""sd_listen_fds(3)."""


def listening_socket(path: Path, gid: int) -> socket.socket:
    """The socket that systemd has opened for us, or else `path`, made root's and the group's 0660.

    `path` is in a folder of root's, and nobody else serves it: the caller holds the state folder's lock.
    """
    if os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS") == "1":
        os.set_inheritable(_LISTEN_FDS_START, False)  # noqa: FBT003  # it takes no keyword
        listener = socket.socket(fileno=_LISTEN_FDS_START)
    else:
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        os.chown(path, 0, gid, follow_symlinks=False)
        path.chmod(0o660)
        listener.listen(CONNECTIONS_MAX)
    listener.settimeout(0)
    return listener


class Server:
    """Serves the verbs on a listening socket."""

    def __init__(self, listener: socket.socket, verbs: Verbs, uids: frozenset[int]) -> None:
        """`uids` are the users that may connect, as the kernel names them."""
        self._listener = listener
        self._verbs = verbs
        self._uids = uids
        self._loop = asyncio.get_running_loop()
        self._open: Counter[int] = Counter()
        self._slots = {uid: asyncio.Semaphore(REQUESTS_PER_UID) for uid in uids}
        self._connections: set[asyncio.Task[None]] = set()
        self._answers: set[asyncio.Task[None]] = set()
        self._loop.add_reader(listener, self._accept)

    async def close(self) -> None:
        """Accept nothing more, let what was begun come to its end for a while, close all connections."""
        self._loop.remove_reader(self._listener)
        self._listener.close()
        if self._answers:
            await asyncio.wait(self._answers, timeout=_STOP_DEADLINE)
        for task in (*self._connections, *self._answers):
            task.cancel()
        await asyncio.gather(*self._connections, *self._answers, return_exceptions=True)

    def _accept(self) -> None:
        try:
            sock, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError as error:
            # Out of descriptors: the listener stays readable, so look away for a moment.
            logger().error("accept_failed", error=str(error))
            self._loop.remove_reader(self._listener)
            self._loop.call_later(_ACCEPT_PAUSE, self._accept_again)
            return
        sock.settimeout(0)
        _, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
        if uid not in self._uids:
            _refuse(sock, uid, Fault(Code.FORBIDDEN, "this user may not call hostd"))
        elif self._open[uid] >= CONNECTIONS_PER_UID or self._open.total() >= CONNECTIONS_MAX:
            _refuse(sock, uid, Fault(Code.LIMIT, "too many connections"))
        else:
            self._open[uid] += 1
            task = self._loop.create_task(self._serve(sock, uid))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    def _accept_again(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    async def _serve(self, sock: socket.socket, uid: int) -> None:
        tasks: set[asyncio.Task[None]] = set()
        try:
            with Link(sock, HOST.request_decoder, HOST_FRAME_MAX, frame_deadline=FRAME_DEADLINE) as link:
                try:
                    await self._converse(link, uid, tasks)
                except Fault as fault:
                    logger().warning("connection_refused", uid=uid, code=fault.code, reason=fault.message)
                    with contextlib.suppress(Fault):
                        await _send(link, rejection(fault))
                # What the peer has asked for is finished though it left; its place stays taken until then.
                if tasks:
                    await asyncio.wait(tasks)
        finally:
            self._open[uid] -= 1

    async def _converse(self, link: Link, uid: int, tasks: set[asyncio.Task[None]]) -> None:
        try:
            async with asyncio.timeout(FRAME_DEADLINE):
                hello = await link.receive()
        except TimeoutError:
            raise Fault(Code.TIMEOUT, "the first frame did not come") from None
        if hello is None:
            return
        if not isinstance(hello, Hello):
            raise Fault(Code.BAD_REQUEST, "the first frame must be a hello")
        if hello.version != VERSION:
            raise Fault(Code.VERSION, f"hostd speaks version {VERSION} of the protocol")
        await _send(link, Welcome(VERSION))
        slots = self._slots[uid]
        while request := await link.receive():
            if not isinstance(request, Request) or request.id <= 0:
                raise Fault(Code.BAD_REQUEST, "expected a request with an id above 0")
            await slots.acquire()
            task = self._loop.create_task(self._answer(link, uid, request))
            for group in (tasks, self._answers):
                group.add(task)
                task.add_done_callback(group.discard)
            task.add_done_callback(lambda _: slots.release())

    async def _answer(self, link: Link, uid: int, request: Request) -> None:
        answer: Answer = await self._verbs.answer(uid, request)
        reply, passed = answer if isinstance(answer, tuple) else (answer, None)
        try:
            await _send(link, msgspec.structs.replace(reply, id=request.id), passed)
        except Fault:
            # Gone, or it does not read: a frame that was cut off spoils the stream.
            link.close()
        finally:
            if passed is not None:
                passed.close()


async def _send(link: Link, message: Message, passed: socket.socket | None = None) -> None:
    try:
        async with asyncio.timeout(FRAME_DEADLINE):
            await link.send(message, () if passed is None else (passed.fileno(),))
    except TimeoutError:
        raise Fault(Code.TIMEOUT, "the peer does not read") from None


def _refuse(sock: socket.socket, uid: int, fault: Fault) -> None:
    logger().warning("peer_refused", uid=uid, code=fault.code)
    with sock, contextlib.suppress(OSError):
        sock.send(frame(rejection(fault)))
