"""The verbs about repositories."""

from api.guests.connections import FILES_DEADLINE, Connections, Stream
from shared.guestwire.repos import (
    AbortMerge,
    Commit,
    FetchRemote,
    GetDiff,
    GetStatus,
    GetTurnDiff,
    ListBranches,
    ListCommits,
    MergeBranch,
    PushBranch,
    RestorePaths,
    SwitchBranch,
)
from shared.messages import Done
from shared.repos import Branches, CommitInfo, Commits, Diff, Merged, RepoStatus


class RepoVerbs(Connections):
    """The verbs about repositories. A request says of which session and worktree."""

    async def get_status(self, workspace: str, request: GetStatus) -> RepoStatus:
        """Where it is, and what differs."""
        return await self.call(workspace, request, RepoStatus, deadline=FILES_DEADLINE)

    async def get_diff(self, workspace: str, request: GetDiff) -> Diff:
        """Differences."""
        return await self.call(workspace, request, Diff, deadline=FILES_DEADLINE)

    async def get_turn_diff(self, workspace: str, request: GetTurnDiff) -> Diff:
        """What a turn has changed."""
        return await self.call(workspace, request, Diff, deadline=FILES_DEADLINE)

    async def list_commits(self, workspace: str, request: ListCommits) -> Commits:
        """A page of history."""
        return await self.call(workspace, request, Commits, deadline=FILES_DEADLINE)

    async def list_branches(self, workspace: str, request: ListBranches) -> Branches:
        """Branches of the clone and of its remotes."""
        return await self.call(workspace, request, Branches, deadline=FILES_DEADLINE)

    async def commit(self, workspace: str, request: Commit) -> CommitInfo:
        """Commit."""
        return await self.call(workspace, request, CommitInfo, deadline=FILES_DEADLINE)

    async def switch_branch(self, workspace: str, request: SwitchBranch) -> RepoStatus:
        """Check out a branch."""
        return await self.call(workspace, request, RepoStatus, deadline=FILES_DEADLINE)

    async def fetch_remote(self, workspace: str, request: FetchRemote) -> tuple[Done, Stream]:
        """Begin to fetch; `RepoStatus` follows."""
        return await self.stream(workspace, request, Done, start=True)

    async def push_branch(self, workspace: str, request: PushBranch) -> tuple[Done, Stream]:
        """Begin to push; `Pushed` follows."""
        return await self.stream(workspace, request, Done, start=True)

    async def merge_branch(self, workspace: str, request: MergeBranch) -> Merged:
        """Merge; a conflict is an outcome."""
        return await self.call(workspace, request, Merged, deadline=FILES_DEADLINE)

    async def abort_merge(self, workspace: str, request: AbortMerge) -> RepoStatus:
        """Go back to before a merge."""
        return await self.call(workspace, request, RepoStatus, deadline=FILES_DEADLINE)

    async def restore_paths(self, workspace: str, request: RestorePaths) -> RepoStatus:
        """Throw changes away."""
        return await self.call(workspace, request, RepoStatus, deadline=FILES_DEADLINE)
