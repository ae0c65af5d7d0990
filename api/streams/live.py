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

_CODES: Final = {UNAUTHORIZED_CLOSE: Code.UNAUTHORIZED, WSCloseCode.GOING_AWAY: Code.GONE}


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ends: a WebSocket close code and a reason that may be shown, at most 123 bytes (RFC 6455, 5.5)."""

    code: int
    reason: str

    @property
    def fault(self) -> Fault:
        """The same as an error, for a stream of events."""
        return Fault(_CODES.get(self.code, Code.UNAVAILABLE), self.reason)


EXPIRED: Final = Ending(UNAUTHORIZED_CLOSE, "the token has expired")
REVOKED: Final = Ending(UNAUTHORIZED_CLOSE, "the token was revoked")
CHANGED: Final = Ending(WSCloseCode.SERVICE_RESTART, "what you may do has changed; connect again")
DELETED: Final = Ending(WSCloseCode.GOING_AWAY, "the workspace was deleted")
STOPPING: Final = Ending(WSCloseCode.SERVICE_RESTART, "the server is restarting")


class Connection:
    """One open connection. `ended` is resolved with the reason when it must be closed."""

    def __init__(self, principal: Principal, workspace: str | None) -> None:
        """Held by `principal`; into `workspace`, if it is of one."""
        self.principal = principal
        self.workspace = workspace
        self.ended: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self._timer: asyncio.TimerHandle | None = None
        self.until(principal.expires)

    def until(self, expires: float) -> None:
        """Have it closed at that time, in seconds since the epoch, instead of what was said before."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if expires < float("inf"):
            seconds = max(0.0, expires - time.time())
            self._timer = asyncio.get_running_loop().call_later(seconds, self.end, EXPIRED)

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
    def open(self, principal: Principal, workspace: str | None = None) -> Iterator[Connection]:
        """Count a connection of `principal` into `workspace` until the block ends; Fault LIMIT when it holds too many."""
        if self.full(principal):
            raise Fault(Code.LIMIT, f"at most {CONNECTIONS_MAX} connections may be open at a time")
        connection = Connection(principal, workspace)
        self._connections.add(connection)
        self._held[principal.subject] += 1
        try:
            yield connection
        finally:
            self._connections.discard(connection)
            self._held[principal.subject] -= 1
            if not self._held[principal.subject]:
                del self._held[principal.subject]
            connection.until(float("inf"))

    def revoke_family(self, family: str) -> None:
        """Close what was opened with a token of `family`."""
        self._end(REVOKED, lambda connection: connection.principal.family == family)

    def revoke_workspace(self, workspace: str) -> None:
        """Close what was opened with any token of `workspace`."""
        self._end(REVOKED, lambda connection: connection.principal.workspace == workspace)

    def revoke_person(self, person: str) -> None:
        """Close what `person` has opened: what they may do has changed."""
        self._end(CHANGED, lambda connection: connection.principal.person == person)

    def revoke_visitors(self, workspace: str) -> None:
        """Close what leads into `workspace` and is held by others than its own tokens and keys: its owner has changed."""
        self._end(CHANGED, lambda connection: connection.workspace == workspace != connection.principal.workspace)

    def close_workspace(self, workspace: str) -> None:
        """Close what leads into `workspace`, and what its tokens and keys have opened: it was deleted."""
        self._end(DELETED, lambda connection: workspace in (connection.workspace, connection.principal.workspace))

    def revoke_tokens(self) -> None:
        """Close what was opened with access tokens: a key that signed some of them was revoked."""
        self._end(REVOKED, lambda connection: bool(connection.principal.token_id))

    def revoke_key(self, key: str, ending: Ending = REVOKED) -> None:
        """Close what was opened with that key."""
        self._end(ending, lambda connection: connection.principal.key == key)

    def expire_key(self, key: str, expires: float) -> None:
        """Close what was opened with that key when the key ends, which has changed."""
        for connection in self._connections:
            if connection.principal.key == key:
                connection.until(expires)

    def stop(self) -> None:
        """Close everything: the server stops."""
        self._end(STOPPING, lambda _connection: True)

    def _end(self, ending: Ending, concerns: Callable[[Connection], bool]) -> None:
        for connection in self._connections:
            if concerns(connection):
                connection.end(ending)
