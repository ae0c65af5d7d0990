"""The parts of a guest."""

import contextlib

from msgspec import Struct

from guest.agents.agents import Agents
from guest.events import Events
from guest.files.drafts import Uploads
from guest.files.names import Names
from guest.files.search import Search
from guest.git.changes import Changes
from guest.git.repos import Repos
from guest.git.snapshots import Snapshots
from guest.git.worktrees import Worktrees
from guest.idle import Idle
from guest.quota import Quota
from guest.room import Room
from guest.sessions.deadlines import Deadlines
from guest.sessions.sessions import Sessions
from guest.terminals.terminals import Terminals
from guest.transcripts.process import Transcripts
from guest.trees import Trees
from guest.turns.turns import Turns
from shared.errors import Code, Fault


class Supervisor(Struct, frozen=True):
    """The parts of a guest."""

    room: Room
    sessions: Sessions
    worktrees: Worktrees
    terminals: Terminals
    events: Events
    idle: Idle
    deadlines: Deadlines
    quota: Quota
    transcripts: Transcripts
    agents: Agents
    turns: Turns
    trees: Trees
    uploads: Uploads
    search: Search
    names: Names
    repos: Repos
    snapshots: Snapshots
    changes: Changes

    async def end(self, session: str) -> None:
        """End what runs in a session; its files stay."""
        for terminal in self.terminals.of(session):
            with contextlib.suppress(Fault):  # closed by somebody else meanwhile
                await self.terminals.close(terminal.id)
        await self.turns.end(session, Fault(Code.GONE, "the session's time was over"))

    async def close(self) -> None:
        """End all agents, terminals and clones."""
        await self.turns.close()
        for terminal in self.terminals.of():
            await self.terminals.close(terminal.id)
        await self.transcripts.close()
        await self.sessions.close()
        await self.quota.close()
