"""Repositories."""

from msgspec import structs

from guest.calls.places import place
from guest.supervisor import Supervisor
from guest.waits import unless_gone
from shared.errors import Fault
from shared.guestwire import repos as wire
from shared.link import Link
from shared.messages import Done
from shared.repos import Branches, CommitInfo, Commits, Diff, Merged, RepoStatus


class RepoCalls:
    """Verbs about a session's repository."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts

    async def get_status(self, request: wire.GetStatus) -> RepoStatus:
        """Where it is, and what differs."""
        return await self._parts.repos.status(place(self._parts, request)[1])

    async def get_diff(self, request: wire.GetDiff) -> Diff:
        """Differences."""
        return await self._parts.repos.diff(place(self._parts, request)[1], request)

    async def get_turn_diff(self, request: wire.GetTurnDiff) -> Diff:
        """What a turn has changed."""
        info = self._parts.turns.get(request.session, request.turn)
        session = self._parts.sessions.get(request.session).ready()
        try:
            folder = self._parts.worktrees.folder(session, info.worktree)
        except Fault:  # it was removed; what the turn did there is known all the same
            folder = None
        return await self._parts.snapshots.diff(session, folder, request)

    async def list_commits(self, request: wire.ListCommits) -> Commits:
        """A page of history."""
        return await self._parts.repos.commits(place(self._parts, request)[1], request)

    async def list_branches(self, request: wire.ListBranches) -> Branches:
        """Branches of the clone and of its remotes."""
        return await self._parts.repos.branches(place(self._parts, request)[1])

    async def commit(self, request: wire.Commit) -> CommitInfo:
        """Commit."""
        session, folder = place(self._parts, request)
        async with session.git:
            return await self._parts.changes.commit(folder, request)

    async def switch_branch(self, request: wire.SwitchBranch) -> RepoStatus:
        """Check out a branch."""
        session, folder = place(self._parts, request)
        async with session.git:
            return await self._parts.changes.switch(folder, request)

    async def merge_branch(self, request: wire.MergeBranch) -> Merged:
        """Merge."""
        session, folder = place(self._parts, request)
        async with session.git:
            return await self._parts.changes.merge(folder, request)

    async def abort_merge(self, request: wire.AbortMerge) -> RepoStatus:
        """Go back to before a merge."""
        session, folder = place(self._parts, request)
        async with session.git:
            return await self._parts.changes.abort(folder)

    async def restore_paths(self, request: wire.RestorePaths) -> RepoStatus:
        """Throw changes away."""
        session, folder = place(self._parts, request)
        async with session.git:
            return await self._parts.changes.restore(folder, request)


class RepoStreams:
    """What waits for another server, until its caller has gone."""

    def __init__(self, parts: Supervisor) -> None:
        """Stream from `parts`."""
        self._parts = parts

    async def fetch_remote(self, link: Link, request: wire.FetchRemote) -> None:
        """Fetch."""
        _, folder = place(self._parts, request)
        await self._parts.quota.check()
        with self._parts.idle:
            await link.send(Done(id=request.id))
            status = await unless_gone(link, self._parts.changes.fetch(folder, request))
            await link.send(structs.replace(status, id=request.id))

    async def push_branch(self, link: Link, request: wire.PushBranch) -> None:
        """Push."""
        _, folder = place(self._parts, request)
        with self._parts.idle:
            await link.send(Done(id=request.id))
            pushed = await unless_gone(link, self._parts.changes.push(folder, request))
            await link.send(structs.replace(pushed, id=request.id))
