"""The verbs about sessions and worktrees."""

from api.guests.connections import FILES_DEADLINE, Connections
from shared.guestwire.sessions import (
    CreateSession,
    CreateWorktree,
    DeleteSession,
    GetSession,
    KeepSession,
    ListSessions,
    ListWorktrees,
    Ping,
    Pong,
    RemoveWorktree,
    RenameSession,
)
from shared.messages import Done
from shared.rooms import GitAuth, SessionInfo, Sessions, WorktreeInfo, Worktrees


class SessionVerbs(Connections):
    """The verbs about sessions and worktrees."""

    async def ping(self, workspace: str) -> Pong:
        """Start the guest if it does not run."""
        return await self.call(workspace, Ping(), Pong)

    async def create_session(
        self, workspace: str, session: str, name: str, *, repo_url: str | None, ref: str | None, auth: GitAuth | None
    ) -> SessionInfo:
        """Make the session, or answer it when it is there already."""
        request = CreateSession(session=session, name=name, repo_url=repo_url, ref=ref, auth=auth)
        return await self.call(workspace, request, SessionInfo)

    async def list_sessions(self, workspace: str) -> Sessions:
        """All sessions, newest first."""
        return await self.call(workspace, ListSessions(), Sessions)

    async def get_session(self, workspace: str, session: str) -> SessionInfo:
        """One session."""
        return await self.call(workspace, GetSession(session=session), SessionInfo)

    async def rename_session(self, workspace: str, session: str, name: str) -> SessionInfo:
        """Give the session another name."""
        return await self.call(workspace, RenameSession(session=session, name=name), SessionInfo)

    async def keep_session(self, workspace: str, session: str) -> SessionInfo:
        """Move its deadlines."""
        return await self.call(workspace, KeepSession(session=session), SessionInfo)

    async def delete_session(self, workspace: str, session: str) -> Done:
        """Close its terminals and remove its files."""
        return await self.call(workspace, DeleteSession(session=session), Done, deadline=FILES_DEADLINE)

    async def create_worktree(
        self, workspace: str, session: str, worktree: str, name: str, *, branch: str | None, start: str | None
    ) -> WorktreeInfo:
        """Add a worktree to the session."""
        request = CreateWorktree(session=session, worktree=worktree, name=name, branch=branch, start=start)
        return await self.call(workspace, request, WorktreeInfo, deadline=FILES_DEADLINE)

    async def list_worktrees(self, workspace: str, session: str) -> Worktrees:
        """The session's worktrees, oldest first."""
        return await self.call(workspace, ListWorktrees(session=session), Worktrees)

    async def remove_worktree(self, workspace: str, session: str, worktree: str, *, force: bool) -> Done:
        """Remove a worktree; CONFLICT when it has changes, unless `force`."""
        request = RemoveWorktree(session=session, worktree=worktree, force=force)
        return await self.call(workspace, request, Done, deadline=FILES_DEADLINE)
