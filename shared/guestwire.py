"""The verbs of a guest, and the frames of a terminal's stream.

A connection is used in one of three ways: for calls (many at a time), for one attached terminal (after `AttachTerminal`), or
to watch (after `Watch`). Whatever a guest sends is hostile input to api.
"""

from typing import Annotated, Final

from msgspec import UNSET, Meta, UnsetType

from shared.ids import SessionId, TerminalId, WorktreeId
from shared.messages import Done, Message, Protocol, Reply, Request
from shared.rooms import (
    INPUT_MAX,
    OUTPUT_MAX,
    Argument,
    Columns,
    GitAuth,
    GitRef,
    Name,
    RepoUrl,
    Rows,
    Seq,
    SessionInfo,
    Sessions,
    TerminalInfo,
    Terminals,
    WorktreeInfo,
    Worktrees,
)


class Pong(Reply, frozen=True):
    """The guest is there."""

    pid: int


class Attached(Reply, frozen=True):
    """The stream begins: the next byte of output is number `seq`.

    It also answers each `Resume`. `seq` is greater than what was asked for when the ring no longer has those bytes.
    """

    seq: Seq
    columns: Columns
    rows: Rows
    viewers: int


class Output(Message, frozen=True):
    """What the program printed, from byte number `seq` on."""

    seq: Seq
    data: Annotated[bytes, Meta(max_length=OUTPUT_MAX)]


class Exited(Message, frozen=True):
    """The program has ended and all of its output was sent."""

    code: int | None
    signal: Annotated[str, Meta(max_length=20)] | None


class Viewers(Message, frozen=True):
    """How many look at this terminal, and the size that they agreed on: the smallest."""

    count: int
    columns: Columns
    rows: Rows


class Input(Message, frozen=True):
    """Bytes for the program, as typed."""

    data: Annotated[bytes, Meta(max_length=INPUT_MAX)]


class Resize(Message, frozen=True):
    """This viewer's size."""

    columns: Columns
    rows: Rows


class Resume(Message, frozen=True):
    """Begin the stream again at byte number `after`."""

    after: Seq


class SessionChanged(Message, frozen=True):
    """A session is new or has changed."""

    session: SessionInfo


class SessionDeleted(Message, frozen=True):
    """A session is gone."""

    session: SessionId


class TerminalChanged(Message, frozen=True):
    """A terminal is new or has changed."""

    terminal: TerminalInfo


class TerminalClosed(Message, frozen=True):
    """A terminal is gone."""

    terminal: TerminalId


GUEST: Final = Protocol(
    "guest",
    to_server=(Input, Resize, Resume),
    to_caller=(Output, Exited, Viewers, SessionChanged, SessionDeleted, TerminalChanged, TerminalClosed),
)


@GUEST.verb(Pong)
class Ping(Request, frozen=True):
    """Ask whether the guest is there."""


@GUEST.verb(SessionInfo)
class CreateSession(Request, frozen=True):
    """Make a session, and begin to clone if `repo_url` is given; the same `session` twice is the same session.

    BAD_REQUEST for an address or a protocol that is not allowed, LIMIT when the workspace has its number of sessions.
    """

    session: SessionId
    name: Name
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
    name: Name


@GUEST.verb(Done)
class DeleteSession(Request, frozen=True):
    """Close a session's terminals, stop its clone, remove its files."""

    session: SessionId


@GUEST.verb(WorktreeInfo)
class CreateWorktree(Request, frozen=True):
    """Add a worktree: on the existing `branch`, or on a new `branch` that starts at `start`.

    Without `branch`, a detached head at `start`, or at the clone's head.
    """

    session: SessionId
    worktree: WorktreeId
    name: Name
    branch: GitRef | None = None
    start: GitRef | None = None


@GUEST.verb(Worktrees)
class ListWorktrees(Request, frozen=True):
    """The worktrees of a session."""

    session: SessionId


@GUEST.verb(Done)
class RemoveWorktree(Request, frozen=True):
    """Remove a worktree. CONFLICT when it has changes that are not committed, unless `force`."""

    session: SessionId
    worktree: WorktreeId
    force: bool = False


@GUEST.verb(TerminalInfo)
class CreateTerminal(Request, frozen=True):
    """Start a program on a pty, in a session's clone or in one of its worktrees. Without `command`, a login shell."""

    terminal: TerminalId
    session: SessionId
    worktree: WorktreeId | None = None
    command: Annotated[list[Argument], Meta(max_length=64)] = []  # noqa: RUF012  # msgspec copies an empty default
    columns: Columns = 80
    rows: Rows = 24


@GUEST.verb(Terminals)
class ListTerminals(Request, frozen=True):
    """The terminals of a session, or of all."""

    session: SessionId | None = None


@GUEST.verb(TerminalInfo)
class GetTerminal(Request, frozen=True):
    """One terminal."""

    terminal: TerminalId


@GUEST.verb(Done)
class CloseTerminal(Request, frozen=True):
    """End a terminal's program, if it runs, and forget the terminal."""

    terminal: TerminalId


@GUEST.verb(Attached)
class AttachTerminal(Request, frozen=True):
    """Turn this connection into a terminal's stream, from byte number `after` on, or from the ring's oldest."""

    terminal: TerminalId
    after: Seq | UnsetType = UNSET


@GUEST.verb(Done)
class Watch(Request, frozen=True):
    """Turn this connection into a stream of changes."""
