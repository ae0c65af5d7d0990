"""The parts of a guest."""

from dataclasses import dataclass

from guest.events import Events
from guest.idle import Idle
from guest.sessions import Sessions
from guest.terminals import Terminals
from guest.worktrees import Worktrees


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
