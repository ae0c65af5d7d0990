"""The verbs of a guest, and the frames of a terminal's stream.

A connection is used in one of three ways: for calls (many at a time), for one attached terminal (after `AttachTerminal`), or
to watch (after `Watch`). Whatever a guest sends is hostile input to api.
"""

import enum
from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from shared.ids import SessionId, TerminalId, WorktreeId
from shared.messages import Done, Message, Protocol, Reply, Request
from shared.secret import Secret

COLUMNS_MAX: Final = 1000
ROWS_MAX: Final = 500
INPUT_MAX: Final = 64 * 1024
"""Bytes in one Input."""
OUTPUT_MAX: Final = 64 * 1024
"""Bytes in one Output."""
NAME_MAX: Final = 100
SESSIONS_MAX: Final = 500
"""Sessions that a workspace may have, unless the configuration says less."""

Columns = Annotated[int, Meta(ge=1, le=COLUMNS_MAX)]
Rows = Annotated[int, Meta(ge=1, le=ROWS_MAX)]
Seq = Annotated[int, Meta(ge=0, le=2**62)]
"""A position in all that a terminal has ever printed, in bytes."""
# `$` alone would accept a newline at the end.
# No control characters, no line or paragraph separators; a name is shown, never used as a path.
Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$(?!\n)")]
RepoUrl = Annotated[str, Meta(min_length=1, max_length=2000, pattern=r"^[^\x00-\x20\x7f-\x9f\\]+$(?!\n)")]
GitRef = Annotated[
    str, Meta(min_length=1, max_length=250, pattern=r"^[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]*$(?!\n)")
]
Argument = Annotated[str, Meta(max_length=4096, pattern=r"^[^\x00]*$")]


class SessionStatus(enum.StrEnum):
    """Where a session is in its life."""

    CLONING = "cloning"
    READY = "ready"
    ERROR = "error"


class TerminalStatus(enum.StrEnum):
    """Whether the program in a terminal runs."""

    RUNNING = "running"
    EXITED = "exited"


class GitAuthType(enum.StrEnum):
    """How to sign in to a git server."""

    TOKEN = "token"  # noqa: S105  # the name of a kind, not a password
    """HTTPS: `value` is the password or token, `username` the name (default `x-access-token`)."""
    SSH_KEY = "ssh_key"
    """SSH: `value` is a private key without a passphrase."""


class GitAuth(Struct, frozen=True, forbid_unknown_fields=True):
    """A credential for one clone. It is kept nowhere."""

    type: GitAuthType
    value: Secret
    username: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)")] | None = None
    known_hosts: Annotated[str, Meta(max_length=16_384, pattern=r"^[^\x00]*$")] | None = None
    """SSH: lines of a known_hosts file. Without them a server's key is trusted when it is first seen."""


class Progress(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a clone is, in git's own words."""

    phase: Annotated[str, Meta(max_length=100)]
    percent: Annotated[int, Meta(ge=0, le=100)]


class SessionInfo(Reply, frozen=True):
    """A session. Times are ISO 8601, UTC."""

    session: SessionId
    name: Annotated[str, Meta(max_length=NAME_MAX)]
    status: SessionStatus
    created: Annotated[str, Meta(max_length=40)]
    active: Annotated[str, Meta(max_length=40)]
    """When it was last used."""
    repo_url: Annotated[str, Meta(max_length=2000)] | None = None
    ref: Annotated[str, Meta(max_length=250)] | None = None
    progress: Progress | None = None
    """Only while it is cloned."""
    error: Annotated[str, Meta(max_length=2000)] | None = None
    """Git's reason; only with status `error`."""


class Sessions(Reply, frozen=True):
    """All sessions of the workspace, newest first."""

    items: Annotated[list[SessionInfo], Meta(max_length=SESSIONS_MAX)]


class WorktreeInfo(Reply, frozen=True):
    """A worktree of a session."""

    worktree: WorktreeId
    session: SessionId
    name: Annotated[str, Meta(max_length=NAME_MAX)]
    branch: Annotated[str, Meta(max_length=250)] | None
    """None when its head is detached."""
    commit: Annotated[str, Meta(max_length=64)] | None
    """None before the first commit."""
    created: Annotated[str, Meta(max_length=40)]


class Worktrees(Reply, frozen=True):
    """The worktrees of a session, oldest first."""

    items: Annotated[list[WorktreeInfo], Meta(max_length=1000)]


class TerminalInfo(Reply, frozen=True):
    """A terminal."""

    terminal: TerminalId
    session: SessionId
    worktree: WorktreeId | None
    status: TerminalStatus
    pid: int
    columns: Columns
    rows: Rows
    viewers: Annotated[int, Meta(ge=0)]
    created: Annotated[str, Meta(max_length=40)]
    command: Annotated[list[Annotated[str, Meta(max_length=4096)]], Meta(max_length=64)]
    seq: Seq
    """How many bytes it has printed."""
    exit_code: int | None = None
    exit_signal: Annotated[str, Meta(max_length=20)] | None = None
    """Such as `SIGKILL`, when a signal ended it."""


class Terminals(Reply, frozen=True):
    """Terminals, oldest first."""

    items: Annotated[list[TerminalInfo], Meta(max_length=1000)]


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
