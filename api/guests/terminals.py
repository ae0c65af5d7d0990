"""The verbs about terminals, and the watch."""

from msgspec import UNSET, UnsetType

from api.guests.connections import Connections, Stream
from shared.guestwire.terminals import (
    Attached,
    AttachTerminal,
    CloseTerminal,
    CreateTerminal,
    GetTerminal,
    ListTerminals,
)
from shared.guestwire.watch import Watch
from shared.messages import Done
from shared.rooms import Secrets, TerminalInfo, Terminals


class TerminalVerbs(Connections):
    """The verbs about terminals, and the watch."""

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
        secrets: Secrets,
    ) -> TerminalInfo:
        """Start `command`, or a login shell, on a pty."""
        request = CreateTerminal(
            terminal=terminal,
            session=session,
            worktree=worktree,
            command=command,
            columns=columns,
            rows=rows,
            secrets=secrets,
        )
        return await self.call(workspace, request, TerminalInfo)

    async def list_terminals(self, workspace: str, session: str | None = None) -> Terminals:
        """The terminals of the session, or of all; does not start the guest."""
        return await self.call(workspace, ListTerminals(session=session), Terminals, start=False)

    async def get_terminal(self, workspace: str, terminal: str) -> TerminalInfo:
        """One terminal; does not start the guest."""
        return await self.call(workspace, GetTerminal(terminal=terminal), TerminalInfo, start=False)

    async def close_terminal(self, workspace: str, terminal: str) -> Done:
        """End the terminal's program and forget it; does not start the guest."""
        return await self.call(workspace, CloseTerminal(terminal=terminal), Done, start=False)

    async def attach_terminal(
        self, workspace: str, terminal: str, after: int | UnsetType = UNSET, *, read_only: bool = False
    ) -> tuple[Attached, Stream]:
        """A terminal's stream, from byte number `after` or the ring's oldest on; does not start the guest."""
        request = AttachTerminal(id=1, terminal=terminal, after=after, read_only=read_only)
        return await self.stream(workspace, request, Attached)

    async def watch(self, workspace: str) -> tuple[Done, Stream]:
        """The stream of what changes; does not start the guest."""
        return await self.stream(workspace, Watch(id=1), Done)
