"""The connections to guests: one for calls to each that runs, and one for each stream.

All that a guest says is hostile: it is decoded strictly, its ids are compared with what was asked, and every wait has a
deadline. A call raises, beside the Faults of its verb, GUEST_MISBEHAVED when the guest breaks the protocol, TIMEOUT when it
is silent, NOT_RUNNING when it does not run and the call does not start it, and what `Hosts.enter_workspace` raises.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from api.hosts import Hosts
from api.rpc import Caller, Peer, greet, receive
from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX
from shared.guestwire import GUEST
from shared.link import Link
from shared.messages import Failure, Message, Reply, Request

PEER: Final = Peer(
    "the workspace's guest",
    Code.GUEST_MISBEHAVED,
    frozenset(
        {
            Code.BAD_REQUEST,
            Code.NOT_FOUND,
            Code.GONE,
            Code.CONFLICT,
            Code.STALE,
            Code.NOT_READY,
            Code.BUSY,
            Code.LIMIT,
            Code.BUDGET,
            Code.TOO_LARGE,
            Code.TIMEOUT,
            Code.FAILED,
            Code.UNAVAILABLE,
        }
    ),
)
ATTEMPTS: Final = 3
"""How often a guest is entered when it leaves just as it is."""
DEADLINE: Final = 10.0
"""Seconds for a verb that is answered from memory or from one file."""
FILES_DEADLINE: Final = 120.0
"""Seconds for a verb that writes or removes a whole tree of files."""

R = TypeVar("R", bound=Reply)


@dataclass(frozen=True, slots=True)
class Stream:
    """A connection to a guest that became a stream of messages. It queues nothing: what is not received waits at the guest."""

    link: Link

    async def receive(self) -> Message:
        """The next message. Raises what a Failure says, UNAVAILABLE at the end, GUEST_MISBEHAVED."""
        message = await receive(self.link, PEER)
        if isinstance(message, Failure):
            raise PEER.failed(message)
        return message

    async def expect(self, kind: type[R]) -> R:
        """The next message, which must be a `kind`."""
        message = await self.receive()
        if not isinstance(message, kind):
            raise PEER.violation(f"{type(message).__name__} instead of {kind.__name__}")
        return message

    async def send(self, message: Message) -> None:
        """Send `message`; returns when the kernel has it."""
        await self.link.send(message)

    def close(self) -> None:
        """Close the connection."""
        self.link.close()


class Connections:
    """The guests of all workspaces."""

    def __init__(self, hosts: Hosts, deadline: float = DEADLINE) -> None:
        """Guests are entered through `hosts`; `deadline` is the seconds for a quick answer."""
        self._hosts = hosts
        self._deadline = deadline
        self._callers: dict[str, Caller] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._arrivals: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._endings: set[asyncio.Task[None]] = set()

    def arrival(self, workspace: str) -> asyncio.Event:
        """An event that is set when this process next connects to the workspace's guest."""
        return self._arrivals.setdefault(workspace, asyncio.Event())

    def editing(self, session: str) -> asyncio.Lock:
        """The lock of whoever looks at a session and then changes it."""
        return self._locks.setdefault(session, asyncio.Lock())

    async def close(self) -> None:
        """Close all connections for calls; each stream is its owner's to close."""
        for caller in tuple(self._callers.values()):
            await caller.close()
        if self._endings:
            await asyncio.wait(self._endings)

    async def call(
        self, workspace: str, request: Request, reply: type[R], *, start: bool = True, deadline: float | None = None
    ) -> R:
        """The answer to `request`, over the connection for calls; `start` starts the guest if none runs."""
        for attempt in range(1, ATTEMPTS + 1):
            caller = await self._caller(workspace, start=start)
            try:
                answer = await caller.call(request, reply, deadline or self._deadline)
            except Fault as error:
                if error.code is not Code.UNAVAILABLE or attempt == ATTEMPTS:
                    raise
                # A guest that leaves when idle closes its connections, perhaps under this call; every verb may be repeated.
                await caller.close()
            else:
                _check_ids(request, answer)
                return answer
        raise PEER.gone()

    async def _caller(self, workspace: str, *, start: bool) -> Caller:
        """The connection for calls, which is made if there is none."""
        async with self._locks.setdefault(workspace, asyncio.Lock()):
            caller = self._callers.get(workspace)
            if caller is not None and caller.alive:
                return caller
            caller = Caller(await self._enter(workspace, start=start), PEER)
            self._callers[workspace] = caller
            ending = asyncio.create_task(self._forget(workspace, caller))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
            return caller

    async def _forget(self, workspace: str, caller: Caller) -> None:
        await caller.ended()
        if self._callers.get(workspace) is caller:
            del self._callers[workspace]

    async def stream(self, workspace: str, request: Request, reply: type[R], *, start: bool = False) -> tuple[R, Stream]:
        """A connection of its own that `request` turns into a stream, and its first message."""
        stream = Stream(await self._enter(workspace, start=start))
        try:
            async with asyncio.timeout(self._deadline):
                await stream.send(request)
                return await stream.expect(reply), stream
        except TimeoutError:
            stream.close()
            raise PEER.late(self._deadline) from None
        except BaseException:
            stream.close()
            raise

    async def _enter(self, workspace: str, *, start: bool) -> Link:
        for attempt in range(1, ATTEMPTS + 1):
            _, sock = await self._hosts.enter_workspace(workspace, start=start)
            link = Link(sock, GUEST.reply_decoder, GUEST_FRAME_MAX)
            try:
                await greet(link, PEER, self._deadline)
            except Fault as error:
                if error.code is not Code.UNAVAILABLE or attempt == ATTEMPTS:
                    raise
            else:
                if event := self._arrivals.pop(workspace, None):
                    event.set()
                return link
        raise PEER.gone()


def _check_ids(request: Request, answer: Reply) -> None:
    """Refuse an answer that is about another thing than the request."""
    for item in getattr(answer, "items", None) or (answer,):
        for name in ("session", "worktree", "terminal", "turn", "permission", "agent"):
            asked = getattr(request, name, None)
            if asked is not None and getattr(item, name, asked) != asked:
                raise PEER.violation(f"another {name} than the one asked for")
