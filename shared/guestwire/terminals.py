"""Verbs about terminals, and the frames of a terminal's stream."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from shared.guestwire.protocol import GUEST
from shared.ids import SessionId, TerminalId, WorktreeId
from shared.messages import Done, Message, Reply, Request
from shared.rooms import INPUT_MAX, OUTPUT_MAX, Argument, Columns, Rows, Secrets, Seq, TerminalInfo, Terminals


class Attached(Reply, frozen=True):
    """The stream begins: the next byte of output is number `seq`.

    It also answers each `Resume`. `seq` is greater than what was asked for when the ring no longer has those bytes. One who
    only reads gets it unasked too, instead of a failure, when the ring has overtaken them.
    """

    seq: Seq
    columns: Columns
    rows: Rows
    viewers: int


@GUEST.to_caller
class Output(Message, frozen=True):
    """What the program printed, from byte number `seq` on."""

    seq: Seq
    data: Annotated[bytes, Meta(max_length=OUTPUT_MAX)]


@GUEST.to_caller
class Exited(Message, frozen=True):
    """The program has ended and all of its output was sent."""

    code: int | None
    signal: Annotated[str, Meta(max_length=20)] | None


@GUEST.to_caller
class Viewers(Message, frozen=True):
    """How many look at this terminal, and the size that they agreed on: the smallest."""

    count: int
    columns: Columns
    rows: Rows


@GUEST.to_server
class Input(Message, frozen=True):
    """Bytes for the program, as typed."""

    data: Annotated[bytes, Meta(max_length=INPUT_MAX)]


@GUEST.to_server
class Resize(Message, frozen=True):
    """This viewer's size."""

    columns: Columns
    rows: Rows


@GUEST.to_server
class Resume(Message, frozen=True):
    """Begin the stream again at byte number `after`."""

    after: Seq


@GUEST.verb(TerminalInfo)
class CreateTerminal(Request, frozen=True):
    """Start a program on a pty, in a session's clone or in one of its worktrees. Without `command`, a login shell."""

    terminal: TerminalId
    session: SessionId
    worktree: WorktreeId | None = None
    command: Annotated[list[Argument], Meta(max_length=64)] = []  # noqa: RUF012  # msgspec copies an empty default
    columns: Columns = 80
    rows: Rows = 24
    secrets: Secrets = {}  # noqa: RUF012  # msgspec copies an empty default


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
    read_only: bool = False
    """Then it carries no `Input` and no `Resize`, is no use of the session, and the program never waits for it."""
