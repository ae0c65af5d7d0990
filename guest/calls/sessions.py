"""Sessions and their worktrees."""

from os import getpid

from msgspec import structs

from guest.sessions.sessions import Session
from guest.supervisor import Supervisor
from shared import rooms
from shared.errors import Code, Fault
from shared.guestwire import sessions as wire
from shared.messages import Done

_ERROR_SHOWN = 300
"""Characters of an error in a list, which has to fit a frame; `GetSession` has all of it."""


class SessionCalls:
    """Verbs about sessions and worktrees."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts

    async def ping(self, _request: wire.Ping) -> wire.Pong:
        """The guest is there."""
        return wire.Pong(pid=getpid())

    async def create_session(self, request: wire.CreateSession) -> rooms.SessionInfo:
        """Make a session."""
        if not self._parts.sessions.touch(request.session):
            await self._parts.quota.check()
        return (await self._parts.sessions.create(request)).info()

    async def list_sessions(self, _request: wire.ListSessions) -> rooms.Sessions:
        """All sessions."""
        await self._parts.turns.tally()
        return rooms.Sessions(items=[_brief(session.info()) for session in self._parts.sessions.all()])

    async def get_session(self, request: wire.GetSession) -> rooms.SessionInfo:
        """One session."""
        await self._parts.turns.tally()
        return self._parts.sessions.get(request.session).info()

    async def rename_session(self, request: wire.RenameSession) -> rooms.SessionInfo:
        """Give a session another name."""
        session = self._parts.sessions.get(request.session)
        self._parts.sessions.rename(session, request.name)
        return session.info()

    async def keep_session(self, request: wire.KeepSession) -> rooms.SessionInfo:
        """Move a session's deadlines, and tell whoever counts down to them."""
        await self._parts.turns.tally()
        session = self._parts.sessions.get(request.session)
        self._parts.sessions.changed(session)
        return session.info()

    async def delete_session(self, request: wire.DeleteSession) -> Done:
        """End a session's agents and terminals, stop its clone, remove its files."""
        session = self._parts.sessions.get(request.session)
        self._parts.sessions.forget(session)
        await self._parts.turns.forget(session.id)
        await self._close_terminals(session)
        await self._parts.sessions.remove(session)
        return Done()

    async def create_worktree(self, request: wire.CreateWorktree) -> rooms.WorktreeInfo:
        """Add a worktree."""
        session = self._parts.sessions.get(request.session).ready()
        if request.worktree not in session.record.worktrees:
            await self._parts.quota.check()
        return await self._parts.worktrees.create(session, request)

    async def list_worktrees(self, request: wire.ListWorktrees) -> rooms.Worktrees:
        """The worktrees of a session."""
        return rooms.Worktrees(items=await self._parts.worktrees.list(self._parts.sessions.get(request.session).ready()))

    async def remove_worktree(self, request: wire.RemoveWorktree) -> Done:
        """Remove a worktree. Its terminals and turns are like changes: they need `force`."""
        session = self._parts.sessions.get(request.session).ready()
        terminals = self._parts.terminals.of(session.id, request.worktree)
        if not request.force and any(not terminal.exit for terminal in terminals):
            raise Fault(Code.CONFLICT, "terminals are running in it")
        if not request.force and self._parts.turns.running(session.id, request.worktree):
            raise Fault(Code.CONFLICT, "a turn is running in it")
        await self._parts.turns.end(session.id, Fault(Code.GONE, "the worktree was removed"), request.worktree)
        await self._close_terminals(session, request.worktree)
        await self._parts.worktrees.remove(session, request.worktree, force=request.force)
        return Done()

    async def _close_terminals(self, session: Session, worktree: str | None = None) -> None:
        for terminal in self._parts.terminals.of(session.id, worktree):
            await self._parts.terminals.close(terminal.id)


def _brief(info: rooms.SessionInfo) -> rooms.SessionInfo:
    if info.error is None or len(info.error) <= _ERROR_SHOWN:
        return info
    return structs.replace(info, error=info.error[:_ERROR_SHOWN])
