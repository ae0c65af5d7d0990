"""Worktrees of a session's clone."""

from pathlib import Path

from msgspec import Struct

from guest.clock import now
from guest.git.clones import resolve
from guest.git.git import Git, GitError
from guest.git.refs import check_new, commit_of
from guest.sessions.records import WorktreeRecord
from guest.sessions.sessions import Session
from guest.trees import Trees
from shared.errors import Code, Fault
from shared.guestwire.sessions import CreateWorktree
from shared.rooms import WorktreeInfo


class _Head(Struct, frozen=True):
    """Where a worktree is, as git says."""

    branch: str | None
    commit: str | None


class Worktrees:
    """Makes, lists and removes worktrees."""

    def __init__(self, git: Git, trees: Trees, limit: int) -> None:
        """A session may have `limit` of them."""
        self._git = git
        self._trees = trees
        self._limit = limit

    async def create(self, session: Session, request: CreateWorktree) -> WorktreeInfo:
        """Add one; the same id twice is the same worktree. Raises Fault NOT_FOUND, CONFLICT, BAD_REQUEST, LIMIT, FAILED."""
        async with session.git:
            heads = await self._heads(session)
            if request.worktree not in heads:
                if len(heads) >= self._limit:
                    raise Fault(Code.LIMIT, f"the session has {self._limit} worktrees, and may not have more")
                await self._add(session, request)
                heads = await self._heads(session)
        return _info(session, request.worktree, heads[request.worktree])

    async def _add(self, session: Session, request: CreateWorktree) -> None:
        options, start = await self._plan(session.repo, request)
        # A folder that git does not know, such as one whose worktree was pruned, would be in the way.
        await self._trees.remove(session.worktree(request.worktree))
        path = str(session.worktree(request.worktree))
        session.record.worktrees[request.worktree] = WorktreeRecord(request.name, now())
        session.touch()
        session.save()
        try:
            await self._git.run("worktree", "add", *options, "--", path, start, cwd=session.repo)
        except GitError as error:
            del session.record.worktrees[request.worktree]
            session.save()
            code = Code.CONFLICT if "already " in error.message else Code.FAILED
            raise Fault(code, error.message) from error

    async def _plan(self, repo: Path, request: CreateWorktree) -> tuple[list[str], str]:
        """The options of `git worktree add`, and where it starts."""
        branch = request.branch
        if branch is None:
            return ["--detach"], await commit_of(self._git, repo, request.start or "HEAD")
        if request.start is None:
            return await self._existing(repo, branch)
        await check_new(self._git, repo, branch)
        return ["--no-track", "-b", branch], await commit_of(self._git, repo, request.start)

    async def _existing(self, repo: Path, branch: str) -> tuple[list[str], str]:
        if await resolve(self._git, repo, f"refs/heads/{branch}"):
            return [], branch
        if await resolve(self._git, repo, f"refs/remotes/origin/{branch}"):
            return ["--track", "-b", branch], f"refs/remotes/origin/{branch}"
        raise Fault(Code.NOT_FOUND, f"there is no branch `{branch}`; to make it, say in `start` where it begins")

    async def list(self, session: Session) -> list[WorktreeInfo]:
        """All that are there, oldest first. Raises Fault FAILED."""
        heads = await self._heads(session)
        infos = [_info(session, worktree, head) for worktree, head in heads.items()]
        return sorted(infos, key=lambda info: info.created)

    def folder(self, session: Session, worktree: str | None) -> Path:
        """The folder of one; without `worktree`, that of the clone. Raises Fault NOT_FOUND."""
        if worktree is None:
            return session.repo
        path = session.worktree(worktree)
        if worktree not in session.record.worktrees or not path.is_dir():
            raise Fault(Code.NOT_FOUND, "there is no such worktree")
        return path

    async def remove(self, session: Session, worktree: str, *, force: bool) -> None:
        """Remove one. Raises Fault NOT_FOUND, CONFLICT when it has changes and `force` is not said, FAILED."""
        if worktree not in session.record.worktrees:
            raise Fault(Code.NOT_FOUND, "there is no such worktree")
        path = session.worktree(worktree)
        async with session.git:
            if path.is_dir() and not force:
                await self._remove_clean(session, path)
            # Forced: whatever state it is in, and with folders that git could not empty.
            await self._trees.remove(path)
            await self._git.run("worktree", "prune", cwd=session.repo)
            session.record.worktrees.pop(worktree, None)
            session.touch()
            session.save()

    async def _remove_clean(self, session: Session, path: Path) -> None:
        try:
            await self._git.run("worktree", "remove", "--", str(path), cwd=session.repo)
        except GitError as error:
            raise Fault(Code.CONFLICT, f"it has changes, or cannot be removed without force: {error.message}") from error

    async def _heads(self, session: Session) -> dict[str, _Head]:
        """The worktrees that both the record and git know."""
        listing = await self._git.run("worktree", "list", "--porcelain", "-z", cwd=session.repo)
        heads = {}
        for block in listing.split("\0\0"):
            lines = dict(line.partition(" ")[::2] for line in block.strip("\0").split("\0"))
            path = Path(lines.get("worktree", ""))
            known = path.parent.name == "worktrees" and path.name in session.record.worktrees
            if known and session.worktree(path.name).is_dir():
                branch = lines.get("branch", "").removeprefix("refs/heads/")
                commit = lines.get("HEAD", "")
                heads[path.name] = _Head(branch[:250] or None, commit if commit.strip("0") else None)
        return heads


def _info(session: Session, worktree: str, head: _Head) -> WorktreeInfo:
    record = session.record.worktrees[worktree]
    return WorktreeInfo(
        worktree=worktree,
        session=session.id,
        name=record.name,
        branch=head.branch,
        commit=head.commit,
        created=record.created,
    )
