"""What git knows of a session's repository, as it is told over the wire. Texts of git are cut to the lengths here."""

import enum
from typing import Annotated, Final

from msgspec import Meta, Struct

from shared.files import PATH_MAX
from shared.messages import Reply

ENTRIES_MAX: Final = 1000
"""Entries of a status, files of a diff, branches."""
COMMITS_MAX: Final = 100
"""Commits in one page."""
SKIP_MAX: Final = 10_000_000
"""Commits before the first one of a page."""
SUBJECT_MAX: Final = 500
MESSAGE_MAX: Final = 64 * 1024
"""Characters of the message of a new commit."""
BODY_MAX: Final = 4000
"""Characters that are told of a commit's message."""
PATCH_MAX: Final = 512 * 1024
"""Bytes of a patch; what is longer is cut, and says so."""
PATHS_MAX: Final = 1000
"""Paths that one request may name."""
SUMMARY_MAX: Final = 2000

Hash = Annotated[str, Meta(max_length=64, pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$(?!\n)")]
Ref = Annotated[str, Meta(max_length=1000)]
"""The name of a branch or a remote branch, as git told it."""
GitPath = Annotated[str, Meta(max_length=PATH_MAX)]
PersonName = Annotated[
    str,
    Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f<>]*[^\x00-\x20\x7f<>.,:;\"'\\][^\x00-\x1f\x7f<>]*$(?!\n)"),
]
Email = Annotated[str, Meta(min_length=1, max_length=250, pattern=r"^[^\x00-\x20\x7f<>]+$(?!\n)")]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Author(Struct, frozen=True, forbid_unknown_fields=True):
    """Who has written a commit."""

    name: PersonName
    email: Email


class StatusEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A path that differs. The two letters are those of `git status --porcelain`."""

    path: GitPath
    staged: Annotated[str, Meta(min_length=1, max_length=1)]
    """Between the last commit and the index: `.` is no difference, `?` is not tracked."""
    unstaged: Annotated[str, Meta(min_length=1, max_length=1)]
    """Between the index and the file."""
    original: GitPath | None = None
    """Of a rename or a copy."""
    conflict: bool = False


class RepoStatus(Reply, frozen=True):
    """Where a clone or a worktree is, and what differs in it."""

    branch: Ref | None
    """None when the head is detached."""
    commit: Hash | None
    """None before the first commit."""
    upstream: Ref | None
    ahead: Count | None
    """Commits that the upstream does not have; None without an upstream, or when that is gone."""
    behind: Count | None
    merging: bool
    """Whether a merge waits to be committed or aborted."""
    entries: Annotated[list[StatusEntry], Meta(max_length=ENTRIES_MAX)]
    truncated: bool
    """Whether there are more entries."""


class DiffFile(Struct, frozen=True, forbid_unknown_fields=True):
    """How much of a file differs."""

    path: GitPath
    added: Count | None
    """Lines; None of a binary file."""
    removed: Count | None
    original: GitPath | None = None
    """Of a rename or a copy."""


class Diff(Reply, frozen=True):
    """Differences."""

    files: Annotated[list[DiffFile], Meta(max_length=ENTRIES_MAX)]
    patch: Annotated[str, Meta(max_length=PATCH_MAX)]
    truncated: bool
    """Whether there are more files, or there is more of the patch."""


class CommitInfo(Reply, frozen=True):
    """A commit. Who and when is what the commit says."""

    commit: Hash
    parents: Annotated[list[Hash], Meta(max_length=64)]
    author_name: Annotated[str, Meta(max_length=200)]
    author_email: Annotated[str, Meta(max_length=250)]
    authored: Annotated[str, Meta(max_length=40)]
    committed: Annotated[str, Meta(max_length=40)]
    subject: Annotated[str, Meta(max_length=SUBJECT_MAX)]
    body: Annotated[str, Meta(max_length=BODY_MAX)]


class Commits(Reply, frozen=True):
    """A page of history, newest first."""

    start: Hash | None
    """The commit that the first page began at; None before the first commit."""
    items: Annotated[list[CommitInfo], Meta(max_length=COMMITS_MAX)]
    more: bool


class BranchInfo(Struct, frozen=True, forbid_unknown_fields=True):
    """A branch."""

    name: Ref
    """Of a remote's branch, as in `origin/main`."""
    remote: bool
    commit: Hash
    current: bool
    """Whether it is checked out here."""
    upstream: Ref | None = None
    subject: Annotated[str, Meta(max_length=SUBJECT_MAX)] = ""


class Branches(Reply, frozen=True):
    """Branches, those of the clone first, in order of their names."""

    items: Annotated[list[BranchInfo], Meta(max_length=ENTRIES_MAX)]
    truncated: bool


class MergeOutcome(enum.StrEnum):
    """How a merge ended."""

    UP_TO_DATE = "up_to_date"
    FAST_FORWARD = "fast_forward"
    MERGED = "merged"
    CONFLICT = "conflict"
    """It waits to be resolved and committed, or aborted."""


class Merged(Reply, frozen=True):
    """A merge."""

    outcome: MergeOutcome
    commit: Hash | None
    conflicts: Annotated[list[GitPath], Meta(max_length=ENTRIES_MAX)]


class PushedRef(Struct, frozen=True, forbid_unknown_fields=True):
    """What became of one ref."""

    source: Ref
    target: Ref
    summary: Annotated[str, Meta(max_length=SUMMARY_MAX)]
    """Git's own words, such as `1a2b3c..4d5e6f` or `[up to date]`."""
