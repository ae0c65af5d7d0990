"""Makes a session's repository: a clone at the ref that was asked for, or an empty one."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from guest.git import credentials
from guest.git.addresses import Address
from guest.git.git import Git, GitError
from guest.room import Room
from guest.trees import Trees
from shared.errors import Code, Fault
from shared.guestwire.sessions import CreateSession
from shared.rooms import Progress

_HASH: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Cloner:
    """Clones for sessions."""

    def __init__(self, git: Git, trees: Trees, room: Room) -> None:
        """Take the deadline of a clone from `room`."""
        self._git = git
        self._trees = trees
        self._timeout = room.settings.clone_timeout
        self._temporary = room.temporary

    async def prepare(
        self, repo: Path, request: CreateSession, address: Address | None, on_progress: Callable[[Progress], None]
    ) -> None:
        """Make the folder `repo`; on failure there is none. Raises Fault with git's reason."""
        try:
            if address is None or request.repo_url is None:
                await self._git.run("init", "--quiet", "--", str(repo), cwd=repo.parent)
            else:
                with credentials.access(request.auth, address, self._temporary) as access:
                    await self._clone(repo, request.repo_url, request.ref, access, on_progress)
        except BaseException:
            await self._trees.remove(repo)
            raise

    async def _clone(
        self,
        repo: Path,
        url: str,
        ref: str | None,
        access: credentials.Access,
        on_progress: Callable[[Progress], None],
    ) -> None:
        await self._git.run(
            *("clone", "--progress", "--no-recurse-submodules", "--no-checkout", "--", url, str(repo)),
            cwd=repo.parent,
            access=access,
            timeout=self._timeout,
            on_progress=on_progress,
        )
        if ref is not None and ref != "HEAD":
            target = await self._target(repo, ref, access)
        elif await resolve(self._git, repo, "HEAD"):
            target = ["HEAD"]
        else:
            return  # nothing was ever committed
        await self._git.run("checkout", "--progress", *target, "--", cwd=repo, timeout=self._timeout, on_progress=on_progress)

    async def _target(self, repo: Path, ref: str, access: credentials.Access) -> list[str]:
        """The arguments of `git checkout` for a branch, a tag or a commit."""
        if await resolve(self._git, repo, f"refs/remotes/origin/{ref}"):
            return ["-B", ref, "--track", f"refs/remotes/origin/{ref}"]
        commit = await resolve(self._git, repo, f"refs/tags/{ref}") or await resolve(self._git, repo, ref)
        if not commit and _HASH.fullmatch(ref):
            commit = await self._fetch(repo, ref, access)
        if not commit:
            raise Fault(Code.NOT_FOUND, f"the repository has no branch, tag or commit `{ref}`")
        return ["--detach", commit]

    async def _fetch(self, repo: Path, commit: str, access: credentials.Access) -> str | None:
        """A commit that no branch or tag leads to, if the server gives it."""
        try:
            await self._git.run("fetch", "--no-tags", "origin", commit, cwd=repo, access=access, timeout=self._timeout)
        except GitError:
            return None
        return await resolve(self._git, repo, commit)


async def resolve(git: Git, repo: Path, name: str) -> str | None:
    """The hash of the commit that `name` leads to, or None."""
    try:
        return await git.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", cwd=repo)
    except GitError:
        return None
