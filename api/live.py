"""The connections that outlive their request: WebSockets and event streams, by who holds them.

Each ends when its token expires, when its token family or its workspace's tokens are revoked, and when the server stops.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import WSCloseCode

from api.auth import Principal
from shared.errors import Code, Fault

CONNECTIONS_MAX: Final = 256
"""Open connections of one principal."""
UNAUTHORIZED_CLOSE: Final = 4401
"""The WebSocket close code of a token that is missing, wrong, expired or revoked."""


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ends: a WebSocket close code and a reason that may be shown, at most 123 bytes (RFC 6455, 5.5)."""

    code: int
    reason: str


EXPIRED: Final = Ending(UNAUTHORIZED_CLOSE, "the token has expired")
REVOKED: Final = Ending(UNAUTHORIZED_CLOSE, "the token was revoked")
STOPPING: Final = Ending(WSCloseCode.SERVICE_RESTART, "the server is restarting")


class Connection:
    """One open connection. `ended` is resolved with the reason when it must be closed."""

    def __init__(self, principal: Principal) -> None:
        """Held by `principal`."""
        self.principal = principal
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    def end(self, ending: Ending) -> None:
        """Have it closed; the first reason stands."""
        if not self.ended.done():
            self.ended.set_result(ending)


class Live:
    """All open connections of this process."""

    def __init__(self) -> None:
        """None is open."""
        self._connections: set[Connection] = set()
        self._held: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many are open."""
        return len(self._connections)

    def full(self, principal: Principal) -> bool:
        """Whether `principal` may open no more."""
        return self._held[principal.subject] >= CONNECTIONS_MAX

    @contextmanager
    def open(self, principal: Principal) -> Iterator[Connection]:
        """Count a connection of `principal` until the block ends; Fault LIMIT when it holds too many."""
        if self.full(principal):
            raise Fault(Code.LIMIT, f"at most {CONNECTIONS_MAX} connections may be open at a time")
        connection = Connection(principal)
        timer = None
        if principal.expires < float("inf"):
            seconds = max(0.0, principal.expires - time.time())
            timer = asyncio.get_running_loop().call_later(seconds, connection.end, EXPIRED)
        self._connections.add(connection)
        self._held[principal.subject] += 1
        try:
            yield connection
        finally:
            self._connections.discard(connection)
            self._held[principal.subject] -= 1
            if not self._held[principal.subject]:
                del self._held[principal.subject]
            if timer is not None:
                timer.cancel()

    def revoke_family(self, family: str) -> None:
        """Close what was opened with a token of `family`."""
        self._end(REVOKED, lambda principal: principal.family == family)

    def revoke_workspace(self, workspace: str) -> None:
        """Close what was opened with any token of `workspace`."""
        self._end(REVOKED, lambda principal: principal.workspace == workspace)

    def stop(self) -> None:
        """Close everything: the server stops."""
        self._end(STOPPING, lambda _principal: True)

    def _end(self, ending: Ending, concerns: Callable[[Principal], bool]) -> None:
        for connection in self._connections:
            if concerns(connection.principal):
                connection.end(ending)
