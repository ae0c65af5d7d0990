"""What is shown of repositories."""

from datetime import datetime

from api.schema import View
from api.views import told_moment
from shared.guestwire.repos import Pushed
from shared.repos import Branches, CommitInfo, Diff, MergeOutcome, RepoStatus


class StatusEntryView(View, frozen=True):
    """A path that differs. The two letters are those of `git status --porcelain=v2`."""

    path: str
    staged: str
    """Between the last commit and the index: `.` is no difference, `?` is not tracked."""
    unstaged: str
    """Between the index and the file."""
    original: str | None
    """Of a rename or a copy."""
    conflict: bool


class StatusView(View, frozen=True):
    """Where a clone or a worktree is, and what differs in it."""

    branch: str | None
    """None when the head is detached."""
    commit: str | None
    """None before the first commit."""
    upstream: str | None
    ahead: int | None
    """None without an upstream, or when it is gone."""
    behind: int | None
    merging: bool
    """Whether a merge waits to be committed or aborted."""
    entries: list[StatusEntryView]
    truncated: bool
    """Whether there are more entries."""


class DiffFileView(View, frozen=True):
    """How much of a file differs."""

    path: str
    original: str | None
    added: int | None
    """Lines; None of a binary file."""
    removed: int | None


class DiffView(View, frozen=True):
    """Differences."""

    files: list[DiffFileView]
    patch: str
    truncated: bool
    """Whether there are more files, or there is more of the patch."""


class CommitView(View, frozen=True):
    """A commit. Who and when is what the commit says."""

    commit: str
    parents: list[str]
    author_name: str
    author_email: str
    authored_at: datetime
    committed_at: datetime
    subject: str
    body: str


class CommitPage(View, frozen=True):
    """A page of history, newest first."""

    items: list[CommitView]
    next_cursor: str | None


class BranchView(View, frozen=True):
    """A branch."""

    name: str
    remote: bool
    """Whether it is one of a remote, as in `origin/main`."""
    commit: str
    current: bool
    upstream: str | None
    subject: str


class BranchList(View, frozen=True):
    """Branches in order of their names, those of the clone first."""

    items: list[BranchView]
    truncated: bool
    """Whether there are more."""


class MergeView(View, frozen=True):
    """How a merge ended."""

    outcome: MergeOutcome
    commit: str | None


class PushedRefView(View, frozen=True):
    """What became of one ref."""

    source: str
    target: str
    summary: str
    """Git's own words."""


class PushView(View, frozen=True):
    """What was pushed."""

    refs: list[PushedRefView]


def status_view(status: RepoStatus) -> StatusView:
    """What is shown of a status."""
    return StatusView(
        branch=status.branch,
        commit=status.commit,
        upstream=status.upstream,
        ahead=status.ahead,
        behind=status.behind,
        merging=status.merging,
        entries=[
            StatusEntryView(path=e.path, staged=e.staged, unstaged=e.unstaged, original=e.original, conflict=e.conflict)
            for e in status.entries
        ],
        truncated=status.truncated,
    )


def diff_view(diff: Diff) -> DiffView:
    """What is shown of differences."""
    files = [DiffFileView(path=f.path, original=f.original, added=f.added, removed=f.removed) for f in diff.files]
    return DiffView(files=files, patch=diff.patch, truncated=diff.truncated)


def commit_view(info: CommitInfo) -> CommitView:
    """What is shown of a commit; GUEST_MISBEHAVED when a time is none."""
    return CommitView(
        commit=info.commit,
        parents=info.parents,
        author_name=info.author_name,
        author_email=info.author_email,
        authored_at=told_moment(info.authored),
        committed_at=told_moment(info.committed),
        subject=info.subject,
        body=info.body,
    )


def branch_list(branches: Branches) -> BranchList:
    """What is shown of branches."""
    items = [
        BranchView(name=b.name, remote=b.remote, commit=b.commit, current=b.current, upstream=b.upstream, subject=b.subject)
        for b in branches.items
    ]
    return BranchList(items=items, truncated=branches.truncated)


def push_view(pushed: Pushed) -> PushView:
    """What is shown of a push."""
    return PushView(refs=[PushedRefView(source=r.source, target=r.target, summary=r.summary) for r in pushed.refs])
