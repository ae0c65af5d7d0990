"""Accepts connections, and leaves without losing one."""

import asyncio
import contextlib
import logging
import socket
from typing import Final

from guest.connections import Connection
from guest.supervisor import Supervisor
from guest.verbs import handlers

CONNECTIONS_MAX: Final = 512
"""Open at a time; further ones wait in the kernel's backlog."""
_FAREWELL: Final = 5.0
"""Seconds in which callers may read the last answers."""
_PAUSE: Final = 0.1
"""Seconds until the next try when there are no descriptors left."""

_log: Final = logging.getLogger(__name__)


class Server:
    """Serves a listening socket."""

    def __init__(self, listener: socket.socket, supervisor: Supervisor) -> None:
        """Answer for `supervisor`. Raises TypeError when its handlers are not the protocol's."""
        listener.setblocking(False)  # noqa: FBT003  # its only argument
        self._listener = listener
        self._calls, self._streams = handlers(supervisor)
        self._idle = supervisor.idle
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._slots = asyncio.Semaphore(CONNECTIONS_MAX)

    async def accept(self) -> None:
        """Accept until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._slots.acquire()
            try:
                sock, _address = await loop.sock_accept(self._listener)
            except OSError as error:
                self._slots.release()
                _log.warning("accept: %s", error.strerror)
                await asyncio.sleep(_PAUSE)
            except asyncio.CancelledError:
                self._slots.release()
                raise
            else:
                self._serve(sock)

    def _serve(self, sock: socket.socket) -> None:
        connection = Connection(sock, self._calls, self._streams, self._idle)
        task = asyncio.create_task(connection.serve())
        self._connections[task] = connection
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        del self._connections[task]
        self._slots.release()
        if not task.cancelled() and (error := task.exception()):
            _log.error("a connection failed", exc_info=error)

    async def leave(self) -> None:
        """Refuse what comes, answer what has come, and return when all connections are closed.

        The listener closes first: from then on a caller is refused, and hostd starts another guest. Whoever is in
        the backlog or has not been welcomed sees the end of the connection before a Welcome, and enters again;
        requests on other connections that have arrived get UNAVAILABLE. Nothing is lost in between.
        """
        # shutdown, unlike close, refuses new callers while those in the backlog can still be taken out of it.
        self._listener.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            while True:
                self._listener.accept()[0].close()
        self._listener.close()
        for connection in self._connections.values():
            connection.leave()
        if tasks := list(self._connections):
            _, late = await asyncio.wait(tasks, timeout=_FAREWELL)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
