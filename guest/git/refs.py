"""Names of branches, tags and commits, as a caller gives them."""

from pathlib import Path

from guest.git.clones import resolve
from guest.git.git import Git, GitError
from shared.errors import Code, Fault


async def commit_of(git: Git, folder: Path, name: str) -> str:
    """The hash of the commit that `name` leads to, also by a branch of `origin`. Raises Fault NOT_FOUND, CONFLICT."""
    for candidate in (name, f"refs/remotes/origin/{name}"):
        if commit := await resolve(git, folder, candidate):
            return commit
    if name == "HEAD":
        raise Fault(Code.CONFLICT, "the repository has no commit yet")
    raise Fault(Code.NOT_FOUND, f"there is no branch, tag or commit `{name}`")


async def ref_of(git: Git, folder: Path, name: str, commit: str) -> str:
    """The whole name of the branch by which git finds `commit` when it reads `name`; the commit where that is no branch."""
    try:
        ref = await git.run("rev-parse", "--verify", "--quiet", "--symbolic-full-name", "--end-of-options", name, cwd=folder)
    except GitError:
        return commit
    return ref if ref.startswith(("refs/heads/", "refs/remotes/")) else commit


async def check_new(git: Git, folder: Path, branch: str) -> None:
    """Raise Fault CONFLICT for a branch that exists, BAD_REQUEST for a name that no branch can have."""
    if await resolve(git, folder, f"refs/heads/{branch}"):
        raise Fault(Code.CONFLICT, f"the branch `{branch}` exists already")
    try:
        await git.run("check-ref-format", f"refs/heads/{branch}", cwd=folder)
    except GitError:
        raise Fault(Code.BAD_REQUEST, f"`{branch}` cannot be the name of a branch") from None
