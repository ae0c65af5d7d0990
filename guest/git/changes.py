"""What git changes in a clone or a worktree: commits, branches, merges, and what goes to and comes from remotes."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from guest.files.paths import parts
from guest.git import addresses, credentials
from guest.git.addresses import Address
from guest.git.clones import resolve
from guest.git.git import Git, GitError, inside
from guest.git.refs import check_new, commit_of, ref_of
from guest.git.repos import Repos, cut, fault_of
from guest.room import Room
from shared.errors import Code, Fault
from shared.guestwire.repos import Commit, FetchRemote, MergeBranch, PushBranch, Pushed, RestorePaths, SwitchBranch
from shared.repos import SUMMARY_MAX, Author, CommitInfo, Merged, MergeOutcome, PushedRef, RepoStatus
from shared.rooms import GitAuth

_NOTHING: Final = ("nothing to commit", "nothing added to commit", "no changes added to commit")
_PATHSPECS: Final = ("--pathspec-from-file=-", "--pathspec-file-nul")
_REFUSED: Final = b"!"
_ADVICE: Final = dict.fromkeys(
    ("fetch first", "non-fast-forward"), "; it has commits that are not in what is pushed: fetch and merge them first"
) | {"stale info": "; it has changed since it was last fetched: fetch, and look at what came"}
"""What can be done about git's reasons to refuse a push."""
_NAMED_MAX: Final = 20
"""Paths that a message names."""


class Changes:
    """Changes repositories. The caller holds the session's lock, but for `fetch` and `push`, which wait for others."""

    def __init__(self, room: Room, git: Git, repos: Repos) -> None:
        """Take the protocols and the deadline from `room`."""
        self._room = room
        self._git = git
        self._repos = repos

    async def _run(self, folder: Path, *args: str, stdin: bytes = b"") -> None:
        try:
            await self._git.capture(*args, cwd=folder, environment=inside(folder), stdin=stdin)
        except GitError as error:
            raise fault_of(error) from error

    async def _write(self, folder: Path, *args: str, message: str, author: Author | None, stdin: bytes = b"") -> None:
        """Run what makes a commit with `message`, which is in no argument."""
        environment = inside(folder) | await self._identity(folder, author)
        fd = os.memfd_create("hostel-message")
        try:
            os.write(fd, message.encode(errors="replace"))
            arguments = (*args[:1], f"--file=/proc/self/fd/{fd}", *args[1:])
            access = credentials.Access(fds=(fd,))
            await self._git.capture(*arguments, cwd=folder, access=access, environment=environment, stdin=stdin)
        except GitError as error:
            raise fault_of(error) from error
        finally:
            os.close(fd)

    async def _identity(self, folder: Path, author: Author | None) -> dict[str, str]:
        """Who makes a commit, as far as git does not know it."""
        own = Author(self._room.workspace, f"{self._room.workspace}@hostel.invalid")
        known = await self._configured(folder, "user.name") and await self._configured(folder, "user.email")
        environment: dict[str, str] = {}
        if wrote := author or (None if known else own):
            environment |= {"GIT_AUTHOR_NAME": wrote.name, "GIT_AUTHOR_EMAIL": wrote.email}
        if not known:
            wrote = author or own
            environment |= {"GIT_COMMITTER_NAME": wrote.name, "GIT_COMMITTER_EMAIL": wrote.email}
        return environment

    async def _configured(self, folder: Path, key: str) -> bool:
        try:
            return bool(await self._git.run("config", "--get", key, cwd=folder))
        except GitError:
            return False

    async def commit(self, folder: Path, request: Commit) -> CommitInfo:
        """Commit. Raises Fault CONFLICT when there is nothing to commit, or what is to be committed is in conflict."""
        merging = await resolve(self._git, folder, "MERGE_HEAD") is not None
        options: tuple[str, ...] = ()
        listed = b""
        if request.all:
            if conflicts := await self._repos.conflicts(folder):
                named = ", ".join(conflicts[:_NAMED_MAX])
                raise Fault(Code.CONFLICT, f"these are in conflict; name in `paths` what is resolved: {named}")
            await self._run(folder, "add", "--all", "--", ".")
        elif request.paths:
            listed = _listed(request.paths)
            await self._run(folder, "add", "--all", *_PATHSPECS, stdin=listed)
            if not merging:
                options = ("--only", *_PATHSPECS)  # whatever else is staged
        try:
            arguments = ("commit", "--quiet", "--cleanup=whitespace", *options)
            stdin = listed if options else b""
            await self._write(folder, *arguments, message=request.message, author=request.author, stdin=stdin)
        except Fault as fault:
            if any(text in fault.message for text in _NOTHING):
                raise Fault(Code.CONFLICT, "there is nothing to commit") from fault
            raise
        return (await self._repos.log(folder, "HEAD"))[0]

    async def switch(self, folder: Path, request: SwitchBranch) -> RepoStatus:
        """Check out a branch. Raises Fault NOT_FOUND, CONFLICT, BAD_REQUEST."""
        branch = request.branch
        if request.start is not None:
            await check_new(self._git, folder, branch)
            options = ["--no-track", "--create", branch, await commit_of(self._git, folder, request.start)]
        elif await resolve(self._git, folder, f"refs/heads/{branch}"):
            options = [branch]
        elif await resolve(self._git, folder, f"refs/remotes/origin/{branch}"):
            options = ["--create", branch, "--track", f"refs/remotes/origin/{branch}"]
        else:
            raise Fault(Code.NOT_FOUND, f"there is no branch `{branch}`; to make it, say in `start` where it begins")
        await self._run(folder, "switch", "--quiet", "--no-guess", *options)
        return await self._repos.status(folder)

    async def merge(self, folder: Path, request: MergeBranch) -> Merged:
        """Merge. Raises Fault NOT_FOUND, CONFLICT when it cannot begin."""
        before = await commit_of(self._git, folder, "HEAD")
        if await self._repos.conflicts(folder) or await resolve(self._git, folder, "MERGE_HEAD"):
            raise Fault(Code.CONFLICT, "a merge waits already: commit it or abort it")
        name = request.ref or "@{upstream}"
        target = await commit_of(self._git, folder, name)
        # Where both have changed the same, its name stands in the files.
        shown = await ref_of(self._git, folder, name, target)
        message = request.message or f"Merge {'the upstream' if request.ref is None else f'`{name}`'}"
        kind = {None: "--ff", True: "--ff-only", False: "--no-ff"}[request.fast_forward]
        try:
            arguments = ("merge", "--quiet", "--no-edit", "--no-stat", "--no-autostash", kind, shown)
            await self._write(folder, *arguments, message=message, author=request.author)
        except Fault:
            conflicts = await self._repos.conflicts(folder)
            if not conflicts:
                raise
            return Merged(outcome=MergeOutcome.CONFLICT, commit=before, conflicts=conflicts)
        after = await commit_of(self._git, folder, "HEAD")
        outcome = MergeOutcome.FAST_FORWARD if after == target else MergeOutcome.MERGED
        return Merged(outcome=MergeOutcome.UP_TO_DATE if after == before else outcome, commit=after, conflicts=[])

    async def abort(self, folder: Path) -> RepoStatus:
        """Go back to before a merge. Raises Fault CONFLICT when none waits."""
        await self._run(folder, "merge", "--abort")
        return await self._repos.status(folder)

    async def restore(self, folder: Path, request: RestorePaths) -> RepoStatus:
        """Throw changes away. Raises Fault BAD_REQUEST, FAILED for a path that git does not know."""
        options = [option for option, wanted in (("--worktree", request.files), ("--staged", request.staged)) if wanted]
        if not options:
            raise Fault(Code.BAD_REQUEST, "neither `files` nor `staged` is to be restored")
        await self._run(folder, "restore", "--quiet", *options, *_PATHSPECS, stdin=_listed(request.paths))
        return await self._repos.status(folder)

    async def fetch(self, folder: Path, request: FetchRemote) -> RepoStatus:
        """Fetch. Raises Fault NOT_FOUND for a remote that is not there, BAD_REQUEST, TIMEOUT, FAILED with git's reason."""
        options = ["--prune"] if request.prune else []
        await self._remote(
            *(folder, "fetch", "--quiet", "--no-recurse-submodules", "--no-auto-maintenance", "--upload-pack=git-upload-pack"),
            *(*options, "--", request.remote),
            address=await self._address(folder, request.remote),
            auth=request.auth,
        )
        return await self._repos.status(folder)

    async def push(self, folder: Path, request: PushBranch) -> Pushed:
        """Push. Raises Fault CONFLICT when it is rejected, NOT_FOUND, BAD_REQUEST, TIMEOUT, FAILED with git's reason."""
        branch = request.branch or (await self._repos.status(folder)).branch
        if branch is None:
            raise Fault(Code.CONFLICT, "the head is detached: say which branch to push")
        if not await resolve(self._git, folder, f"refs/heads/{branch}"):
            raise Fault(Code.NOT_FOUND, f"there is no branch `{branch}`")
        target = f"refs/heads/{request.target or branch}"
        options = ["--set-upstream"] if request.set_upstream else []
        if request.force or request.lease:
            options.append(f"--force-with-lease={target}" + (f":{request.lease}" if request.lease else ""))
        output = await self._remote(
            *(folder, "push", "--porcelain", "--recurse-submodules=no", "--no-follow-tags", "--receive-pack=git-receive-pack"),
            *(*options, "--", request.remote, f"refs/heads/{branch}:{target}"),
            address=await self._address(folder, request.remote, push=True),
            auth=request.auth,
        )
        return Pushed(refs=list(_pushed(output))[:10])

    async def _address(self, folder: Path, remote: str, *, push: bool = False) -> Address:
        """Where a remote is; each of its addresses must be one that could be cloned from."""
        options = ("--push", "--all") if push else ("--all",)
        try:
            urls = await self._git.run("remote", "get-url", *options, "--", remote, cwd=folder)
        except GitError:
            raise Fault(Code.NOT_FOUND, f"there is no remote `{remote}`") from None
        first, *_ = [addresses.check(url, self._room.settings.git_protocols) for url in urls.split("\n")]
        return first

    async def _remote(self, folder: Path, *args: str, address: Address, auth: GitAuth | None) -> bytes:
        if auth:
            credentials.check(auth, address)
        timeout = self._room.settings.git_timeout
        with credentials.access(auth, address, self._room.temporary) as access:
            try:
                printed = await self._git.capture(*args, cwd=folder, access=access, environment=inside(folder), timeout=timeout)
            except GitError as error:
                for ref in _refused(error.output):
                    raise Fault(Code.CONFLICT, f"the remote refused it: {ref}") from error
                raise fault_of(error) from error
        return printed.data


def _listed(paths: list[str]) -> bytes:
    """Paths as `--pathspec-file-nul` reads them. Raises Fault BAD_REQUEST."""
    return b"\0".join(b"/".join(parts(path)) for path in paths)


def _lines(output: bytes) -> Iterator[tuple[bytes, bytes, bytes, bytes]]:
    """The flag, source, target and summary of each ref, of `git push --porcelain`."""
    for line in output.split(b"\n"):
        flag, _, rest = line.partition(b"\t")
        refs, _, summary = rest.partition(b"\t")
        if len(flag) == 1 and summary:
            source, _, target = refs.partition(b":")
            yield flag, source, target, summary


def _pushed(output: bytes) -> Iterator[PushedRef]:
    for _, source, target, summary in _lines(output):
        yield PushedRef(cut(source, 1000), cut(target, 1000), cut(summary, SUMMARY_MAX))


def _refused(output: bytes) -> Iterator[str]:
    for flag, _, target, summary in _lines(output):
        if flag == _REFUSED:
            words = cut(summary, SUMMARY_MAX)
            advice = next((advice for word, advice in _ADVICE.items() if f"({word})" in words), "")
            yield f"{cut(target, 1000)} {words}{advice}"
