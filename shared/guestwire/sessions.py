"""Verbs about sessions and their worktrees."""

from shared.guestwire.protocol import GUEST
from shared.ids import SessionId, WorktreeId
from shared.messages import Done, Reply, Request
from shared.rooms import GitAuth, GitRef, KeptName, RepoUrl, SessionInfo, Sessions, WorktreeInfo, Worktrees


class Pong(Reply, frozen=True):
    """The guest is there."""

    pid: int


@GUEST.verb(Pong)
class Ping(Request, frozen=True):
    """Ask whether the guest is there."""


@GUEST.verb(SessionInfo)
class CreateSession(Request, frozen=True):
    """Make a session, and begin to clone if `repo_url` is given; the same `session` twice is the same session.

    BAD_REQUEST for an address or a protocol that is not allowed, LIMIT when the workspace has its number of sessions.
    """

    session: SessionId
    name: KeptName
    repo_url: RepoUrl | None = None
    ref: GitRef | None = None
    auth: GitAuth | None = None


@GUEST.verb(Sessions)
class ListSessions(Request, frozen=True):
    """All sessions."""


@GUEST.verb(SessionInfo)
class GetSession(Request, frozen=True):
    """One session."""

    session: SessionId


@GUEST.verb(SessionInfo)
class RenameSession(Request, frozen=True):
    """Give a session another name."""

    session: SessionId
    name: KeptName


@GUEST.verb(SessionInfo)
class KeepSession(Request, frozen=True):
    """Somebody wants a session to go on: a use of it like any other, which moves its deadlines."""

    session: SessionId


@GUEST.verb(Done)
class DeleteSession(Request, frozen=True):
    """End a session's agents and terminals, stop its clone, remove its files."""

    session: SessionId


@GUEST.verb(WorktreeInfo)
class CreateWorktree(Request, frozen=True):
    """Add a worktree: on the existing `branch`, or on a new `branch` that starts at `start`.

    Without `branch`, a detached head at `start`, or at the clone's head.
    """

    session: SessionId
    worktree: WorktreeId
    name: KeptName
    branch: GitRef | None = None
    start: GitRef | None = None


@GUEST.verb(Worktrees)
class ListWorktrees(Request, frozen=True):
    """The worktrees of a session."""

    session: SessionId


@GUEST.verb(Done)
class RemoveWorktree(Request, frozen=True):
    """Remove a worktree. CONFLICT when it has changes that are not committed, terminals or turns that run, unless `force`."""

    session: SessionId
    worktree: WorktreeId
    force: bool = False
