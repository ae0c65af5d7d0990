"""Git in a session's clone, or in one of its worktrees. No hook of the repository runs for these."""

from typing import Annotated, Final

from msgspec import Meta

from api.auth import Scope
from api.pages import decode_cursor, encode_cursor
from api.problems import FieldError, Problem, invalid
from api.repos import (
    BranchList,
    CommitPage,
    CommitView,
    DiffView,
    MergeView,
    PushView,
    StatusView,
    branch_list,
    commit_view,
    diff_view,
    push_view,
    status_view,
)
from api.routes.files import PlaceQuery
from api.routes.sessions import BODY_MAX, ROOM_ERRORS, NewGitAuth, git_auth
from api.routing import Context, Created, route
from api.schema import Body
from api.transfers import outcome_of
from shared.errors import Code
from shared.files import FilePath
from shared.guestwire.repos import (
    AbortMerge,
    Commit,
    CommitMessage,
    FetchRemote,
    GetDiff,
    GetStatus,
    ListBranches,
    ListCommits,
    MergeBranch,
    Paths,
    PushBranch,
    Pushed,
    Remote,
    RestorePaths,
    SwitchBranch,
)
from shared.repos import COMMITS_MAX, SKIP_MAX, Author, Email, Hash, MergeOutcome, PersonName, RepoStatus
from shared.rooms import GitRef

_BASE: Final = "/api/workspaces/{workspaceId}/sessions/{sessionId}/git"
_ERRORS: Final = (*ROOM_ERRORS, Code.CONFLICT)
_MARGIN: Final = 10.0
"""Seconds that the guest has beyond its own deadline to say that it is over."""

ContextLines = Annotated[int, Meta(ge=0, le=100, description="Lines around each difference.")]


class DiffQuery(PlaceQuery, frozen=True):
    """Which differences: without anything, those of the files from the index."""

    base: GitRef | None = None
    """Of the files (or of the index, or of `target`) from this commit. `HEAD`: all that is not committed.

    Or from git's tree without files, `4b825dc642cb6eb9a060e54bf8d69288fbee4904`: what a first commit has changed.
    """
    target: GitRef | None = None
    staged: bool = False
    """Of the index rather than of the files."""
    since_fork: bool = False
    """From where `target` left `base`, as a pull request shows it."""
    path: FilePath = ""
    context: ContextLines = 3


class HistoryQuery(PlaceQuery, frozen=True):
    """Which part of the history."""

    ref: GitRef | None = None
    """Where to begin; without it, at the head."""
    path: FilePath = ""
    limit: Annotated[int, Meta(ge=1, le=COMMITS_MAX)] = 50
    cursor: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    """`nextCursor` of the page before."""


class Person(Body, frozen=True):
    """Who has written a commit."""

    name: PersonName
    email: Email


class NewCommit(Body, frozen=True):
    """What to commit: `paths` as they are now, or `all`, or else what is staged."""

    message: CommitMessage
    paths: Paths | None = None
    all: bool = False
    author: Person | None = None
    """Without it, who is configured in the room; without that, the workspace."""


class Switch(Body, frozen=True):
    """A branch to check out; with `start`, a new one that begins there."""

    branch: GitRef
    start: GitRef | None = None


class Fetch(Body, frozen=True):
    """What to fetch from."""

    remote: Remote = "origin"
    prune: bool = False
    auth: NewGitAuth | None = None


class Push(Body, frozen=True):
    """What to push, and where; without `branch`, the present one."""

    branch: GitRef | None = None
    remote: Remote = "origin"
    target: GitRef | None = None
    """The remote's branch, when it has another name."""
    set_upstream: bool = False
    force: bool = False
    """Overwrite what was last fetched, but nothing that came later."""
    lease: Hash | None = None
    """Overwrite this very commit."""
    auth: NewGitAuth | None = None


class Merge(Body, frozen=True):
    """What to merge into the present branch; without `ref`, its upstream."""

    ref: GitRef | None = None
    message: CommitMessage | None = None
    fast_forward: bool | None = None
    """True: only if it needs no commit. False: always with a commit."""
    author: Person | None = None


class Restore(Body, frozen=True):
    """Whose changes to throw away."""

    paths: Paths
    files: bool = True
    """Back to the index."""
    staged: bool = False
    """The index, back to the last commit."""


@route("GET", f"{_BASE}/status", scope=Scope.GIT_READ, summary="Show what git's status is", errors=_ERRORS)
async def get_git_status(ctx: Context, query: PlaceQuery) -> StatusView:
    """The branch, its upstream, and each path that differs."""
    request = GetStatus(session=ctx.param("sessionId"), worktree=query.worktree)
    return status_view(await ctx.app.guests.get_status(ctx.room, request))


@route("GET", f"{_BASE}/diff", scope=Scope.GIT_READ, summary="Show differences", errors=_ERRORS)
async def get_git_diff(ctx: Context, query: DiffQuery) -> DiffView:
    """Numbers for each file, and a patch, which is cut after 512 KiB."""
    request = GetDiff(
        session=ctx.param("sessionId"),
        worktree=query.worktree,
        base=query.base,
        target=query.target,
        staged=query.staged,
        since_fork=query.since_fork,
        path=query.path,
        context=query.context,
    )
    return diff_view(await ctx.app.guests.get_diff(ctx.room, request))


@route("GET", f"{_BASE}/log", scope=Scope.GIT_READ, summary="List commits, newest first", errors=_ERRORS)
async def list_commits(ctx: Context, query: HistoryQuery) -> CommitPage:
    """The history of `ref`. Later pages begin at the commit that the first one began at, whatever comes meanwhile."""
    start, skip = _position(query.cursor) if query.cursor else (query.ref, 0)
    request = ListCommits(
        session=ctx.param("sessionId"), worktree=query.worktree, start=start, path=query.path, skip=skip, limit=query.limit
    )
    found = await ctx.app.guests.list_commits(ctx.room, request)
    after = encode_cursor(f"{found.start} {skip + len(found.items)}") if found.more and found.items else None
    return CommitPage(items=[commit_view(info) for info in found.items], next_cursor=after)


def _position(cursor: str) -> tuple[str, int]:
    start, _, skip = decode_cursor(cursor).partition(" ")
    if not (start.isalnum() and start.isascii() and skip.isdecimal() and skip.isascii() and int(skip) <= SKIP_MAX):
        raise invalid("not a cursor of this list", parameter="cursor")
    return start, int(skip)


@route("GET", f"{_BASE}/branches", scope=Scope.GIT_READ, summary="List branches", errors=_ERRORS)
async def list_branches(ctx: Context, query: PlaceQuery) -> BranchList:
    """Those of the clone, then those of its remotes; at most 1000."""
    request = ListBranches(session=ctx.param("sessionId"), worktree=query.worktree)
    return branch_list(await ctx.app.guests.list_branches(ctx.room, request))


@route("POST", f"{_BASE}/commit", scope=Scope.GIT_WRITE, summary="Commit", errors=_ERRORS)
async def commit(ctx: Context, body: NewCommit, query: PlaceQuery) -> Created[CommitView]:
    """409 when there is nothing to commit. While a merge waits, this ends it."""
    request = Commit(
        session=ctx.param("sessionId"),
        worktree=query.worktree,
        message=body.message,
        paths=body.paths,
        all=body.all,
        author=_author(body.author),
    )
    view = commit_view(await ctx.app.guests.commit(ctx.room, request))
    base = _BASE.format(workspaceId=ctx.room, sessionId=ctx.param("sessionId"))
    return Created(body=view, location=f"{base}/log?ref={view.commit}&limit=1")


@route("POST", f"{_BASE}/switch", scope=Scope.GIT_WRITE, summary="Check out a branch", errors=_ERRORS)
async def switch_branch(ctx: Context, body: Switch, query: PlaceQuery) -> StatusView:
    """409 when changes would be lost, or when another worktree has it."""
    request = SwitchBranch(session=ctx.param("sessionId"), worktree=query.worktree, branch=body.branch, start=body.start)
    return status_view(await ctx.app.guests.switch_branch(ctx.room, request))


@route("POST", f"{_BASE}/fetch", scope=Scope.GIT_WRITE, summary="Fetch from a remote", errors=_ERRORS, body_max=BODY_MAX)
async def fetch_remote(ctx: Context, body: Fetch, query: PlaceQuery) -> StatusView:
    """The status after it. It ends with the request, should the client not wait."""
    request = FetchRemote(
        id=1,
        session=ctx.param("sessionId"),
        worktree=query.worktree,
        remote=body.remote,
        prune=body.prune,
        auth=git_auth(body.auth),
    )
    _, stream = await ctx.app.guests.fetch_remote(ctx.room, request)
    return status_view(await outcome_of(ctx, stream, RepoStatus, ctx.app.config.guest.git_timeout + _MARGIN))


@route("POST", f"{_BASE}/push", scope=Scope.GIT_WRITE, summary="Push a branch", errors=_ERRORS, body_max=BODY_MAX)
async def push_branch(ctx: Context, body: Push, query: PlaceQuery) -> PushView:
    """409 when the remote refuses it. It ends with the request, should the client not wait."""
    request = PushBranch(
        id=1,
        session=ctx.param("sessionId"),
        worktree=query.worktree,
        branch=body.branch,
        remote=body.remote,
        target=body.target,
        set_upstream=body.set_upstream,
        force=body.force,
        lease=body.lease,
        auth=git_auth(body.auth),
    )
    _, stream = await ctx.app.guests.push_branch(ctx.room, request)
    return push_view(await outcome_of(ctx, stream, Pushed, ctx.app.config.guest.git_timeout + _MARGIN))


@route("POST", f"{_BASE}/merge", scope=Scope.GIT_WRITE, summary="Merge into the present branch", errors=_ERRORS)
async def merge_branch(ctx: Context, body: Merge, query: PlaceQuery) -> MergeView:
    """409 at a conflict, with each path in `errors`; the merge then waits to be committed or aborted."""
    request = MergeBranch(
        session=ctx.param("sessionId"),
        worktree=query.worktree,
        ref=body.ref,
        message=body.message,
        fast_forward=body.fast_forward,
        author=_author(body.author),
    )
    merged = await ctx.app.guests.merge_branch(ctx.room, request)
    if merged.outcome is MergeOutcome.CONFLICT:
        errors = tuple(FieldError("it is in conflict", path=path) for path in merged.conflicts)
        raise Problem(Code.CONFLICT, "the merge stopped at conflicts, and waits to be committed or aborted", errors=errors)
    return MergeView(outcome=merged.outcome, commit=merged.commit)


@route("POST", f"{_BASE}/merge/abort", scope=Scope.GIT_WRITE, summary="Go back to before a merge", errors=_ERRORS)
async def abort_merge(ctx: Context, query: PlaceQuery) -> StatusView:
    """409 when none waits."""
    request = AbortMerge(session=ctx.param("sessionId"), worktree=query.worktree)
    return status_view(await ctx.app.guests.abort_merge(ctx.room, request))


@route("POST", f"{_BASE}/restore", scope=Scope.GIT_WRITE, summary="Throw away changes", errors=_ERRORS)
async def restore_paths(ctx: Context, body: Restore, query: PlaceQuery) -> StatusView:
    """Of files that git knows. What it does not track is deleted as a file."""
    request = RestorePaths(
        session=ctx.param("sessionId"), worktree=query.worktree, paths=body.paths, files=body.files, staged=body.staged
    )
    return status_view(await ctx.app.guests.restore_paths(ctx.room, request))


def _author(person: Person | None) -> Author | None:
    return Author(person.name, person.email) if person else None
