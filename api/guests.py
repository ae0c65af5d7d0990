"""The client of guests: one method for each verb, with the verb's own name.

All that a guest says is hostile: it is decoded strictly, its ids are compared with what was asked, and every wait has a
deadline. Beside the Faults of its verbs a method raises GUEST_MISBEHAVED when the guest breaks the protocol, TIMEOUT when it
is silent, NOT_RUNNING when it does not run and the method does not start it, and what `Hosts.enter_workspace` raises.
"""

import asyncio
from dataclasses import dataclass
from typing import Final, TypeVar
from weakref import WeakValueDictionary

from msgspec import UNSET, UnsetType

from api.hosts import Hosts
from api.rpc import Caller, Peer, greet, receive
from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX
from shared.guestwire import (
    GUEST,
    Attached,
    AttachTerminal,
    CloseTerminal,
    CreateSession,
    CreateTerminal,
    CreateWorktree,
    DeleteSession,
    GetSession,
    GetTerminal,
    ListSessions,
    ListTerminals,
    ListWorktrees,
    Ping,
    Pong,
    RemoveWorktree,
    RenameSession,
    Watch,
)
from shared.link import Link
from shared.messages import Done, Failure, Message, Reply, Request
from shared.rooms import (
    GitAuth,
    SessionInfo,
    Sessions,
    TerminalInfo,
    Terminals,
    WorktreeInfo,
    Worktrees,
)

PEER: Final = Peer(
    "the workspace's guest",
    Code.GUEST_MISBEHAVED,
    frozenset(
        {
            Code.BAD_REQUEST,
            Code.NOT_FOUND,
            Code.GONE,
            Code.CONFLICT,
            Code.NOT_READY,
            Code.BUSY,
            Code.LIMIT,
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
_FILES_DEADLINE: Final = 120.0
"""Seconds for a verb that writes or removes a whole tree of files."""

R = TypeVar("R", bound=Reply)
S = TypeVar("S", Attached, Done)


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

    async def expect(self, kind: type[S]) -> S:
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


class Guests:
    """The guests of all workspaces: a connection for calls to each that runs, and one for each stream."""

    def __init__(self, hosts: Hosts, deadline: float = DEADLINE) -> None:
        """Guests are entered through `hosts`; `deadline` is the seconds for a quick answer."""
        self._hosts = hosts
        self._deadline = deadline
        self._callers: dict[str, Caller] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._arrivals: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._endings: set[asyncio.Task[None]] = set()

    async def ping(self, workspace: str) -> Pong:
        """Start the guest if it does not run."""
        return await self._call(workspace, Ping(), Pong)

    async def create_session(
        self, workspace: str, session: str, name: str, *, repo_url: str | None, ref: str | None, auth: GitAuth | None
    ) -> SessionInfo:
        """Make the session, or answer it when it is there already."""
        request = CreateSession(session=session, name=name, repo_url=repo_url, ref=ref, auth=auth)
        return await self._call(workspace, request, SessionInfo)

    async def list_sessions(self, workspace: str) -> Sessions:
        """All sessions, newest first."""
        return await self._call(workspace, ListSessions(), Sessions)

    async def get_session(self, workspace: str, session: str) -> SessionInfo:
        """One session."""
        return await self._call(workspace, GetSession(session=session), SessionInfo)

    async def rename_session(self, workspace: str, session: str, name: str) -> SessionInfo:
        """Give the session another name."""
        return await self._call(workspace, RenameSession(session=session, name=name), SessionInfo)

    async def delete_session(self, workspace: str, session: str) -> Done:
        """Close its terminals and remove its files."""
        return await self._call(workspace, DeleteSession(session=session), Done, deadline=_FILES_DEADLINE)

    async def create_worktree(
        self, workspace: str, session: str, worktree: str, name: str, *, branch: str | None, start: str | None
    ) -> WorktreeInfo:
        """Add a worktree to the session."""
        request = CreateWorktree(session=session, worktree=worktree, name=name, branch=branch, start=start)
        return await self._call(workspace, request, WorktreeInfo, deadline=_FILES_DEADLINE)

    async def list_worktrees(self, workspace: str, session: str) -> Worktrees:
        """The session's worktrees, oldest first."""
        return await self._call(workspace, ListWorktrees(session=session), Worktrees)

    async def remove_worktree(self, workspace: str, session: str, worktree: str, *, force: bool) -> Done:
        """Remove a worktree; CONFLICT when it has changes, unless `force`."""
        request = RemoveWorktree(session=session, worktree=worktree, force=force)
        return await self._call(workspace, request, Done, deadline=_FILES_DEADLINE)

    async def create_terminal(
        self,
        workspace: str,
        terminal: str,
        session: str,
        worktree: str | None,
        *,
        command: list[str],
        columns: int,
        rows: int,
    ) -> TerminalInfo:
        """Start `command`, or a login shell, on a pty."""
        request = CreateTerminal(
            terminal=terminal, session=session, worktree=worktree, command=command, columns=columns, rows=rows
        )
        return await self._call(workspace, request, TerminalInfo)

    async def list_terminals(self, workspace: str, session: str | None = None) -> Terminals:
        """The terminals of the session, or of all; does not start the guest."""
        return await self._call(workspace, ListTerminals(session=session), Terminals, start=False)

    async def get_terminal(self, workspace: str, terminal: str) -> TerminalInfo:
        """One terminal; does not start the guest."""
        return await self._call(workspace, GetTerminal(terminal=terminal), TerminalInfo, start=False)

    async def close_terminal(self, workspace: str, terminal: str) -> Done:
        """End the terminal's program and forget it; does not start the guest."""
        return await self._call(workspace, CloseTerminal(terminal=terminal), Done, start=False)

    async def attach_terminal(self, workspace: str, terminal: str, after: int | UnsetType = UNSET) -> tuple[Attached, Stream]:
        """A terminal's stream, from byte number `after` or the ring's oldest on; does not start the guest."""
        return await self._stream(workspace, AttachTerminal(id=1, terminal=terminal, after=after), Attached)

    async def watch(self, workspace: str) -> tuple[Done, Stream]:
        """The stream of what changes; does not start the guest."""
        return await self._stream(workspace, Watch(id=1), Done)

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

    async def _call(
        self, workspace: str, request: Request, reply: type[R], *, start: bool = True, deadline: float | None = None
    ) -> R:
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

    async def _stream(self, workspace: str, request: Request, reply: type[S]) -> tuple[S, Stream]:
        stream = Stream(await self._enter(workspace, start=False))
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
    """Refuse an answer that is about another session, worktree or terminal than the request."""
    for item in getattr(answer, "items", None) or (answer,):
        for name in ("session", "worktree", "terminal"):
            asked = getattr(request, name, None)
            if asked is not None and getattr(item, name, asked) != asked:
                raise PEER.violation(f"another {name} than the one asked for")
