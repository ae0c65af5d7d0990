"""What a guest does for its callers: one handler a verb, named like it.

`Calls` answers with one message; `Streams` takes the connection over. `handlers` checks that together they are the protocol.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from os import getpid
from typing import Any, TypeAlias

from msgspec import structs

from guest.events import Events
from guest.idle import Idle
from guest.sessions import Session, Sessions
from guest.terminals import Place, Terminals
from guest.viewers import Viewer
from guest.worktrees import Worktrees
from shared import guestwire as wire
from shared import rooms
from shared.errors import Code, Fault
from shared.link import Link
from shared.messages import Done, Reply, Request

_ERROR_SHOWN = 300
"""Characters of an error in a list, which has to fit a frame; `GetSession` has all of it."""


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The parts of a guest."""

    sessions: Sessions
    worktrees: Worktrees
    terminals: Terminals
    events: Events
    idle: Idle

    async def close(self) -> None:
        """End all terminals and clones."""
        for terminal in self.terminals.of():
            await self.terminals.close(terminal.id)
        await self.sessions.close()


class Calls:
    """Verbs that are answered with one message."""

    def __init__(self, supervisor: Supervisor) -> None:
        """Answer from `supervisor`."""
        self._sessions = supervisor.sessions
        self._worktrees = supervisor.worktrees
        self._terminals = supervisor.terminals

    async def ping(self, _request: wire.Ping) -> wire.Pong:
        """The guest is there."""
        return wire.Pong(pid=getpid())

    async def create_session(self, request: wire.CreateSession) -> rooms.SessionInfo:
        """Make a session."""
        return (await self._sessions.create(request)).info()

    async def list_sessions(self, _request: wire.ListSessions) -> rooms.Sessions:
        """All sessions."""
        return rooms.Sessions(items=[_brief(session.info()) for session in self._sessions.all()])

    async def get_session(self, request: wire.GetSession) -> rooms.SessionInfo:
        """One session."""
        return self._sessions.get(request.session).info()

    async def rename_session(self, request: wire.RenameSession) -> rooms.SessionInfo:
        """Give a session another name."""
        session = self._sessions.get(request.session)
        self._sessions.rename(session, request.name)
        return session.info()

    async def delete_session(self, request: wire.DeleteSession) -> Done:
        """Close a session's terminals, stop its clone, remove its files."""
        session = self._sessions.get(request.session)
        self._sessions.forget(session)
        await self._close_terminals(session)
        await self._sessions.remove(session)
        return Done()

    async def create_worktree(self, request: wire.CreateWorktree) -> rooms.WorktreeInfo:
        """Add a worktree."""
        return await self._worktrees.create(self._sessions.get(request.session).ready(), request)

    async def list_worktrees(self, request: wire.ListWorktrees) -> rooms.Worktrees:
        """The worktrees of a session."""
        return rooms.Worktrees(items=await self._worktrees.list(self._sessions.get(request.session).ready()))

    async def remove_worktree(self, request: wire.RemoveWorktree) -> Done:
        """Remove a worktree. Its terminals are like changes: they need `force`."""
        session = self._sessions.get(request.session).ready()
        terminals = self._terminals.of(session.id, request.worktree)
        if not request.force and any(not terminal.exit for terminal in terminals):
            raise Fault(Code.CONFLICT, "terminals are running in it")
        await self._close_terminals(session, request.worktree)
        await self._worktrees.remove(session, request.worktree, force=request.force)
        return Done()

    async def _close_terminals(self, session: Session, worktree: str | None = None) -> None:
        for terminal in self._terminals.of(session.id, worktree):
            await self._terminals.close(terminal.id)

    async def create_terminal(self, request: wire.CreateTerminal) -> rooms.TerminalInfo:
        """Start a program on a pty."""
        session = self._sessions.get(request.session).ready()
        folder = self._worktrees.folder(session, request.worktree) if request.worktree else session.repo
        terminal = await self._terminals.create(request, Place(session.id, request.worktree, folder, session.touch))
        session.touch()
        return terminal.info()

    async def list_terminals(self, request: wire.ListTerminals) -> rooms.Terminals:
        """The terminals of a session, or of all."""
        if request.session is not None:
            self._sessions.get(request.session)
        return rooms.Terminals(items=[terminal.info() for terminal in self._terminals.of(request.session)])

    async def get_terminal(self, request: wire.GetTerminal) -> rooms.TerminalInfo:
        """One terminal."""
        return self._terminals.get(request.terminal).info()

    async def close_terminal(self, request: wire.CloseTerminal) -> Done:
        """End a terminal's program and forget the terminal."""
        await self._terminals.close(request.terminal)
        return Done()


class Streams:
    """Verbs that turn a connection into a stream. They return when it is over; a Fault before it began is an answer."""

    def __init__(self, supervisor: Supervisor) -> None:
        """Stream from `supervisor`."""
        self._terminals = supervisor.terminals
        self._events = supervisor.events

    async def attach_terminal(self, link: Link, request: wire.AttachTerminal) -> None:
        """A terminal's output, and input for it."""
        terminal = self._terminals.get(request.terminal)
        terminal.place.touch()
        await Viewer(link, terminal, request).run()

    async def watch(self, link: Link, request: wire.Watch) -> None:
        """All changes."""
        await self._events.watch(link, request.id)


Call: TypeAlias = Callable[[Any], Awaitable[Reply]]
Stream: TypeAlias = Callable[[Link, Any], Awaitable[None]]


def handlers(supervisor: Supervisor) -> tuple[dict[type[Request], Call], dict[type[Request], Stream]]:
    """The handlers by request. Raises TypeError when a verb has none or two, or a handler no verb."""
    calls, streams = Calls(supervisor), Streams(supervisor)
    verbs = {name: verb.request for name, verb in wire.GUEST.verbs.items()}
    named = [name for handler in (Calls, Streams) for name in vars(handler) if not name.startswith("_")]
    if sorted(named) != sorted(verbs):
        raise TypeError(f"verbs and handlers differ: {sorted(set(named) ^ set(verbs)) or 'one is there twice'}")
    return (
        {request: getattr(calls, name) for name, request in verbs.items() if hasattr(calls, name)},
        {request: getattr(streams, name) for name, request in verbs.items() if hasattr(streams, name)},
    )


def _brief(info: rooms.SessionInfo) -> rooms.SessionInfo:
    if info.error is None or len(info.error) <= _ERROR_SHOWN:
        return info
    return structs.replace(info, error=info.error[:_ERROR_SHOWN])
