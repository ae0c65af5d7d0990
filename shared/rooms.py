"""What is in a room, as it is told over the wire: sessions, worktrees, terminals, and the limits of their fields."""

import enum
from typing import Annotated, Final

from msgspec import Meta, Struct

from shared.ids import SessionId, TerminalId, WorktreeId
from shared.messages import Reply
from shared.secret import Secret
from shared.turns import Usage

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
_URL: Final = r"^[^\x00-\x20\x7f-\x9f\\]+$(?!\n)"
_REF: Final = r"^[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]*$(?!\n)"
_BLANK: Final = r" \xa0\xad\u1680\u2000-\u200d\u202f\u205f\u2060\u2800\u3000\u3164"
"""Characters that leave a place empty, or none."""
_BARRED: Final = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
"""Control characters, line and paragraph separators, and what turns the direction of a text."""
_NAME: Final = rf"^[{_BLANK}]*[^{_BLANK}{_BARRED}][^{_BARRED}]*$(?!\n)"
RULES: Final = {
    _NAME: "must be one line with something to see in it, without control characters or such as turn a text's direction",
    _URL: "must have no spaces, control characters or backslashes",
    _REF: "must have no spaces, control characters or any of ~ ^ : ? * [ \\ and must not begin with a hyphen",
}
"""What patterns ask of a value, in words."""
Name = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, pattern=_NAME)]
"""A name that somebody gives. It is shown, never used as a path."""
KeptName = Annotated[str, Meta(min_length=1, max_length=NAME_MAX, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$(?!\n)")]
"""One that was given when more was allowed, or that follows from an address or a branch."""
RepoUrl = Annotated[str, Meta(min_length=1, max_length=2000, pattern=_URL)]
GitRef = Annotated[str, Meta(min_length=1, max_length=250, pattern=_REF)]
Argument = Annotated[str, Meta(max_length=4096, pattern=r"^[^\x00]*$")]
SECRETS_MAX: Final = 1000
"""Secrets of one workspace, by any configuration."""
SECRETS_BYTES_MAX: Final = 256 * 1024
"""Bytes of all names and values of a workspace's secrets: with the longest prompt or command they must fit a frame."""
SecretName = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$(?!\n)", min_length=1, max_length=64)]
"""The name of an environment variable."""
Secrets = Annotated[dict[SecretName, Secret], Meta(max_length=SECRETS_MAX)]
"""What a program finds in its environment; what hostel itself puts there wins."""


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
    deadline: Annotated[str, Meta(max_length=40)] | None = None
    """When what runs in it is ended, or it is deleted, unless it is used before."""
    usage: Usage | None = None
    """What all its turns have used; None before the first. Its cost leaves out the turns whose cost is not known."""


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
    deadline: Annotated[str, Meta(max_length=40)] | None = None
    """When it is ended, unless its session is used before."""


class Terminals(Reply, frozen=True):
    """Terminals, oldest first."""

    items: Annotated[list[TerminalInfo], Meta(max_length=1000)]
