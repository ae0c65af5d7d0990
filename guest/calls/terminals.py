"""Terminals, and the watch."""

from guest.supervisor import Supervisor
from guest.terminals.terminals import Place
from guest.terminals.viewers import Viewer
from shared import rooms
from shared.guestwire import terminals as wire
from shared.guestwire.watch import Current, Watch
from shared.link import Link
from shared.messages import Done


class TerminalCalls:
    """Verbs about terminals."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts

    async def create_terminal(self, request: wire.CreateTerminal) -> rooms.TerminalInfo:
        """Start a program on a pty."""
        session = self._parts.sessions.get(request.session).ready()
        folder = self._parts.worktrees.folder(session, request.worktree) if request.worktree else session.repo
        place = Place(session.id, request.worktree, folder, session.touch, session.deadline)
        self._parts.agents.refresh(folder)
        terminal = await self._parts.terminals.create(request, place)
        session.touch()
        return terminal.info()

    async def list_terminals(self, request: wire.ListTerminals) -> rooms.Terminals:
        """The terminals of a session, or of all."""
        if request.session is not None:
            self._parts.sessions.get(request.session)
        return rooms.Terminals(items=[terminal.info() for terminal in self._parts.terminals.of(request.session)])

    async def get_terminal(self, request: wire.GetTerminal) -> rooms.TerminalInfo:
        """One terminal."""
        return self._parts.terminals.get(request.terminal).info()

    async def close_terminal(self, request: wire.CloseTerminal) -> Done:
        """End a terminal's program and forget the terminal."""
        await self._parts.terminals.close(request.terminal)
        return Done()


class TerminalStreams:
    """Streams of terminals and of changes."""

    def __init__(self, parts: Supervisor) -> None:
        """Stream from `parts`."""
        self._parts = parts

    async def attach_terminal(self, link: Link, request: wire.AttachTerminal) -> None:
        """A terminal's output, and input for it."""
        terminal = self._parts.terminals.get(request.terminal)
        if not request.read_only:
            terminal.place.touch()
        await Viewer(link, terminal, request).run()

    async def watch(self, link: Link, request: Watch) -> None:
        """What runs and what waits, then all changes."""
        first = [*self._parts.turns.changing(), ("", Current())]
        await self._parts.events.watch(link, request.id, first)
