"""Verbs about a session's repository: git, as the tenant, in the clone or in one of its worktrees.

Nothing that the repository brings runs for them: no hook, editor, pager, external diff or signing program. Filters and merge
drivers that somebody has configured in the room do, as the tenant. Besides what each says, a verb is refused with BUSY while
another git holds the repository's lock, or too many ask for what is costly, and with FAILED and git's own reason.
"""

from typing import Annotated

from msgspec import Meta

from shared.files import FilePath
from shared.guestwire.protocol import GUEST
from shared.ids import SessionId, TurnId, WorktreeId
from shared.messages import Done, Reply, Request
from shared.repos import (
    COMMITS_MAX,
    MESSAGE_MAX,
    PATHS_MAX,
    SKIP_MAX,
    Author,
    Branches,
    CommitInfo,
    Commits,
    Diff,
    Hash,
    Merged,
    PushedRef,
    RepoStatus,
)
from shared.rooms import GitAuth, GitRef

Paths = Annotated[list[Annotated[FilePath, Meta(min_length=1)]], Meta(min_length=1, max_length=PATHS_MAX)]
Remote = Annotated[str, Meta(max_length=100, pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$(?!\n)")]
CommitMessage = Annotated[str, Meta(min_length=1, max_length=MESSAGE_MAX, pattern=r"^[^\x00]*$")]


@GUEST.to_caller
class Pushed(Reply, frozen=True):
    """What was pushed."""

    refs: Annotated[list[PushedRef], Meta(max_length=10)]


@GUEST.verb(RepoStatus)
class GetStatus(Request, frozen=True):
    """Where it is, and what differs."""

    session: SessionId
    worktree: WorktreeId | None = None


@GUEST.verb(Diff)
class GetDiff(Request, frozen=True):
    """Differences: of the files from the index; with `staged`, of the index from the last commit.

    With `base`, of the files (or the index) from that commit; with `target` too, between two commits, where `since_fork` takes
    the commit at which `target` left `base`. A base may be git's tree without files too. NOT_FOUND for a commit that is not
    there.
    """

    session: SessionId
    worktree: WorktreeId | None = None
    base: GitRef | None = None
    target: GitRef | None = None
    staged: bool = False
    since_fork: bool = False
    path: FilePath = ""
    context: Annotated[int, Meta(ge=0, le=100)] = 3


@GUEST.verb(Diff)
class GetTurnDiff(Request, frozen=True):
    """What a turn has changed in its clone or worktree: from its beginning to its end, or until now while it has none.

    With the files that git does not know. CONFLICT when no snapshot was taken, or it is not kept any more.
    """

    session: SessionId
    turn: TurnId
    path: FilePath = ""
    context: Annotated[int, Meta(ge=0, le=100)] = 3


@GUEST.verb(Commits)
class ListCommits(Request, frozen=True):
    """History from `start`, or the head, back; without the first `skip` commits."""

    session: SessionId
    worktree: WorktreeId | None = None
    start: GitRef | None = None
    path: FilePath = ""
    skip: Annotated[int, Meta(ge=0, le=SKIP_MAX)] = 0
    limit: Annotated[int, Meta(ge=1, le=COMMITS_MAX)] = 50


@GUEST.verb(Branches)
class ListBranches(Request, frozen=True):
    """Branches of the clone and of its remotes."""

    session: SessionId
    worktree: WorktreeId | None = None


@GUEST.verb(CommitInfo)
class Commit(Request, frozen=True):
    """Commit `paths` as they are now, or `all`, or else what is staged. CONFLICT when there is nothing to commit.

    While a merge waits, the index is committed, with `paths` added; conflicts must be resolved, and their paths named.
    Without `author`, who is configured; without that, the workspace.
    """

    session: SessionId
    message: CommitMessage
    worktree: WorktreeId | None = None
    paths: Paths | None = None
    all: bool = False
    author: Author | None = None


@GUEST.verb(RepoStatus)
class SwitchBranch(Request, frozen=True):
    """Check out a branch; with `start`, a new one that begins there. CONFLICT when changes would be lost, or it is in use."""

    session: SessionId
    branch: GitRef
    worktree: WorktreeId | None = None
    start: GitRef | None = None


@GUEST.verb(Done)
class FetchRemote(Request, frozen=True):
    """Fetch from a remote; `RepoStatus` follows. To close the connection ends it."""

    session: SessionId
    worktree: WorktreeId | None = None
    remote: Remote = "origin"
    prune: bool = False
    auth: GitAuth | None = None


@GUEST.verb(Done)
class PushBranch(Request, frozen=True):
    """Push a branch, or the present one; `Pushed` follows, or CONFLICT when it is rejected. To close the connection ends it.

    `force` overwrites what was last fetched, and with `lease` that very commit, but nothing that came later.
    """

    session: SessionId
    worktree: WorktreeId | None = None
    branch: GitRef | None = None
    remote: Remote = "origin"
    target: GitRef | None = None
    """The remote's branch, when it has another name."""
    set_upstream: bool = False
    force: bool = False
    lease: Hash | None = None
    auth: GitAuth | None = None


@GUEST.verb(Merged)
class MergeBranch(Request, frozen=True):
    """Merge `ref`, or the upstream, into the present branch. A conflict is an outcome; it waits to be resolved or aborted."""

    session: SessionId
    worktree: WorktreeId | None = None
    ref: GitRef | None = None
    message: CommitMessage | None = None
    fast_forward: bool | None = None
    """True: only if it needs no commit. False: always with a commit."""
    author: Author | None = None


@GUEST.verb(RepoStatus)
class AbortMerge(Request, frozen=True):
    """Go back to before the merge that waits. CONFLICT when there is none."""

    session: SessionId
    worktree: WorktreeId | None = None


@GUEST.verb(RepoStatus)
class RestorePaths(Request, frozen=True):
    """Throw away changes: of the files, back to the index, and if `staged`, of the index, back to the last commit."""

    session: SessionId
    paths: Paths
    worktree: WorktreeId | None = None
    files: bool = True
    staged: bool = False
