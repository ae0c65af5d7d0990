"""What git tells of a clone or a worktree: its status, differences, history and branches."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

from guest import clock
from guest.files.paths import parts, shown
from guest.git.clones import resolve
from guest.git.git import Git, GitError, Printed, inside
from guest.git.refs import commit_of
from shared.errors import Code, Fault
from shared.files import PATH_MAX
from shared.guestwire.repos import GetDiff, ListCommits
from shared.repos import (
    BODY_MAX,
    ENTRIES_MAX,
    PATCH_MAX,
    SUBJECT_MAX,
    Branches,
    BranchInfo,
    CommitInfo,
    Commits,
    Diff,
    DiffFile,
    RepoStatus,
    StatusEntry,
)

E = TypeVar("E", StatusEntry, DiffFile)

_PATHS_BYTES: Final = 256 * 1024
"""Of all paths in an answer, which has to fit a frame."""
_HISTORY_BYTES: Final = 512 * 1024
_FIELDS: Final = ("%H", "%P", "%an", "%ae", "%at", "%ct", "%s", "%b")
"""The times as numbers: one that has no date, in any commit, would end git."""
_BRANCH: Final = ("%(refname)", "%(objectname)", "%(HEAD)", "%(upstream:short)", "%(symref)", "%(contents:subject)")
_PARENTS_MAX: Final = 64
_EMPTY_TREES: Final = (
    "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
)
"""The tree without files, which git knows in every repository: in those of SHA-1, and of SHA-256."""
_DIGITS_MAX: Final = 20
_PLAIN: Final = ("--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=dirty", "--find-renames")
_BUSY: Final = (".lock': File exists", "Another git process")
_STATE: Final = (
    *("would be overwritten", "have not concluded", "already exists", "already checked out", "already used by"),
    *("no merge to abort", "MERGE_HEAD exists", "unmerged files", "not possible because you have", "needs merge"),
    *("in the middle of", "partial commit", "Not possible to fast-forward", "refusing to merge unrelated"),
    *("cannot switch branch while", "resolve your current index"),
)
"""Git's own words for what is not possible now."""


def fault_of(error: GitError) -> Fault:
    """The Fault that says what a failure of git means to its caller."""
    if any(text in error.message for text in _BUSY):
        return Fault(Code.BUSY, "another git is at work in this repository")
    if any(text in error.message for text in _STATE):
        return Fault(Code.CONFLICT, error.message)
    return error


def cut(text: bytes, most: int) -> str:
    """At most `most` characters."""
    return text[: 4 * most].decode(errors="replace")[:most]


class Repos:
    """Looks at repositories. Nothing is changed, and no lock is taken."""

    def __init__(self, git: Git) -> None:
        """Use `git`."""
        self._git = git

    async def _look(
        self, folder: Path, *args: str, cap: int = 4 * 1024 * 1024, more: Mapping[str, str] | None = None
    ) -> Printed:
        environment = {**inside(folder), "GIT_OPTIONAL_LOCKS": "0", **(more or {})}
        try:
            return await self._git.capture(*args, cwd=folder, environment=environment, cap=cap)
        except GitError as error:
            raise fault_of(error) from error

    async def status(self, folder: Path) -> RepoStatus:
        """Where it is, and what differs."""
        printed = await self._look(
            folder, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all", "--ignore-submodules=dirty"
        )
        lines = _whole(printed)
        heads = dict(line[2:].split(b" ", 1) for line in lines if line.startswith(b"# "))
        entries, more = _bounded(_entries(lines))
        commit, branch = heads.get(b"branch.oid", b"").decode(), heads.get(b"branch.head", b"")
        counts = heads.get(b"branch.ab", b"").split()
        upstream = heads.get(b"branch.upstream")
        return RepoStatus(
            branch=None if branch == b"(detached)" else cut(branch, 1000),
            commit=None if commit == "(initial)" else commit,
            upstream=cut(upstream, 1000) if upstream else None,
            ahead=int(counts[0]) if counts else None,
            behind=-int(counts[1]) if counts else None,
            merging=await resolve(self._git, folder, "MERGE_HEAD") is not None,
            entries=entries,
            truncated=more or printed.cut,
        )

    async def conflicts(self, folder: Path) -> list[str]:
        """The paths that are in conflict, as many as are told."""
        printed = await self._look(folder, "diff", "--name-only", "--diff-filter=U", "-z", *_PLAIN)
        return [path for raw in _whole(printed)[:ENTRIES_MAX] if len(path := shown(raw)) <= PATH_MAX]

    async def diff(self, folder: Path, request: GetDiff) -> Diff:
        """Differences. Raises Fault NOT_FOUND for a commit that is not there, BAD_REQUEST."""
        options = ["--cached"] if request.staged else []
        if request.target is not None:
            if request.staged or request.base is None:
                raise Fault(Code.BAD_REQUEST, "`target` needs a `base`, and what is staged has none")
            options += ["--merge-base"] if request.since_fork else []
        for name in (request.base, request.target):
            options += [name if name in _EMPTY_TREES else await commit_of(self._git, folder, name)] if name else []
        return await self.between(folder, *options, path=request.path, context=request.context)

    async def between(
        self, folder: Path, *options: str, path: str, context: int, environment: Mapping[str, str] | None = None
    ) -> Diff:
        """The differences that `git diff` tells with these options, in `path`; `environment`: where else its objects are."""
        scope = _scope(path)
        numbers = await self._look(folder, "diff", "--numstat", "-z", *_PLAIN, *options, "--", *scope, more=environment)
        patch = await self._look(
            *(folder, "diff", "--patch", "--src-prefix=a/", "--dst-prefix=b/", f"--unified={context}"),
            *(*_PLAIN, *options, "--", *scope),
            cap=PATCH_MAX,
            more=environment,
        )
        files, more = _bounded(_files(_whole(numbers)))
        # What is not UTF-8 takes more bytes than it had.
        text = patch.data.decode(errors="replace").encode()
        shorter = text[:PATCH_MAX].decode(errors="ignore")
        return Diff(files=files, patch=shorter, truncated=more or numbers.cut or patch.cut or len(text) > PATCH_MAX)

    async def commits(self, folder: Path, request: ListCommits) -> Commits:
        """A page of history. Raises Fault NOT_FOUND for a start that is not there."""
        if request.start is None and await resolve(self._git, folder, "HEAD") is None:
            return Commits(start=None, items=[], more=False)
        start = await commit_of(self._git, folder, request.start or "HEAD")
        items = await self.log(folder, start, *_scope(request.path), skip=request.skip, limit=request.limit + 1)
        size = 0
        shown_items: list[CommitInfo] = []
        for info in items[: request.limit]:
            size += len(info.body.encode()) + len(info.subject.encode()) + 1000
            if shown_items and size > _HISTORY_BYTES:
                break
            shown_items.append(info)
        return Commits(start=start, items=shown_items, more=len(items) > len(shown_items))

    async def log(self, folder: Path, start: str, *scope: str, skip: int = 0, limit: int = 1) -> list[CommitInfo]:
        """Commits from `start` back."""
        printed = await self._look(
            *(folder, "log", "-z", f"--format={'%x00'.join(_FIELDS)}", f"--skip={skip}", f"--max-count={limit}"),
            *("--no-color", "--no-decorate", "--no-notes", "--no-patch", start, "--", *scope),
        )
        fields = printed.data.removesuffix(b"\0").split(b"\0")
        count = len(_FIELDS)
        if printed.cut and len(fields) % count == count - 1:
            fields.append(b"")  # its subject is longer than all that is read, and is cut like any long one
        return [_commit(fields[at : at + count]) for at in range(0, len(fields) - count + 1, count)]

    async def branches(self, folder: Path) -> Branches:
        """Branches of the clone and of its remotes."""
        printed = await self._look(
            folder,
            "for-each-ref",
            f"--count={2 * ENTRIES_MAX}",
            f"--format={'%00'.join(_BRANCH)}",
            "refs/heads",
            "refs/remotes",
        )
        found = (_branch(line.split(b"\0")) for line in printed.data.split(b"\n") if line.count(b"\0") == len(_BRANCH) - 1)
        known = [info for info in found if info]
        return Branches(items=known[:ENTRIES_MAX], truncated=printed.cut or len(known) > ENTRIES_MAX)


def _scope(path: str) -> list[str]:
    """The pathspec that is `path`, taken literally."""
    raw = b"/".join(parts(path))
    return [raw.decode("utf-8", "surrogateescape")] if raw else []


def _whole(printed: Printed) -> list[bytes]:
    """The items that end with a NUL."""
    return printed.data.split(b"\0")[:-1]


def _bounded(found: Iterator[E]) -> tuple[list[E], bool]:
    """As many as fit an answer, and whether there are more. Paths that cannot be named here are left out."""
    items: list[E] = []
    size = 0
    for item in found:
        if len(item.path) > PATH_MAX or len(item.original or "") > PATH_MAX:
            continue
        size += len(item.path.encode()) + len((item.original or "").encode())
        if len(items) == ENTRIES_MAX or size > _PATHS_BYTES:
            return items, True
        items.append(item)
    return items, False


def _commit(fields: list[bytes]) -> CommitInfo:
    commit, parents, name, email, authored, committed, subject, body = fields
    return CommitInfo(
        commit=commit.decode(),
        parents=parents.decode().split()[:_PARENTS_MAX],
        author_name=cut(name, 200),
        author_email=cut(email, 250),
        authored=_time(authored),
        committed=_time(committed),
        subject=cut(subject, SUBJECT_MAX),
        body=cut(body, BODY_MAX).rstrip("\n"),
    )


def _time(seconds: bytes) -> str:
    return clock.told(int(seconds) if seconds.isdigit() and len(seconds) < _DIGITS_MAX else 0)


def _branch(fields: list[bytes]) -> BranchInfo | None:
    """A branch; None for a name that only stands for another, such as `origin/HEAD`."""
    ref, commit, head, upstream, symbolic, subject = fields
    remote = ref.startswith(b"refs/remotes/")
    if symbolic:
        return None
    return BranchInfo(
        name=cut(ref.split(b"/", 2)[2], 1000),
        remote=remote,
        commit=commit.decode(),
        current=head == b"*",
        upstream=cut(upstream, 1000) or None,
        subject=cut(subject, SUBJECT_MAX),
    )


def _entries(lines: list[bytes]) -> Iterator[StatusEntry]:
    """Of `git status --porcelain=v2 -z`."""
    rest = iter(lines)
    for line in rest:
        kind = line[:2]
        if kind == b"? ":
            yield StatusEntry(shown(line[2:]), "?", "?")
        elif kind == b"1 ":
            yield StatusEntry(shown(line.split(b" ", 8)[8]), chr(line[2]), chr(line[3]))
        elif kind == b"2 ":
            yield StatusEntry(shown(line.split(b" ", 9)[9]), chr(line[2]), chr(line[3]), original=shown(next(rest, b"")))
        elif kind == b"u ":
            yield StatusEntry(shown(line.split(b" ", 10)[10]), chr(line[2]), chr(line[3]), conflict=True)


def _files(items: list[bytes]) -> Iterator[DiffFile]:
    """Of `git diff --numstat -z`."""
    rest = iter(items)
    for item in rest:
        added, removed, path = item.split(b"\t", 2)
        original = None
        if not path:  # a rename: two more items
            original, path = shown(next(rest, b"")), next(rest, b"")
        yield DiffFile(shown(path), _number(added), _number(removed), original)


def _number(text: bytes) -> int | None:
    return int(text) if text.isdigit() else None
