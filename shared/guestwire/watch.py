"""The stream of changes: what all who watch a workspace are told."""

import enum

from shared.guestwire.protocol import GUEST
from shared.ids import SessionId, TerminalId
from shared.messages import Done, Message, Request
from shared.rooms import SessionInfo, TerminalInfo
from shared.transcripts import TranscriptInfo
from shared.turns import PermissionInfo, Time, TurnInfo


@GUEST.to_caller
class SessionChanged(Message, frozen=True):
    """A session is new or has changed."""

    session: SessionInfo


@GUEST.to_caller
class SessionDeleted(Message, frozen=True):
    """A session is gone."""

    session: SessionId


@GUEST.to_caller
class TerminalChanged(Message, frozen=True):
    """A terminal is new or has changed."""

    terminal: TerminalInfo


@GUEST.to_caller
class TerminalClosed(Message, frozen=True):
    """A terminal is gone."""

    terminal: TerminalId


@GUEST.to_caller
class TurnChanged(Message, frozen=True):
    """A turn has begun or ended."""

    turn: TurnInfo


@GUEST.to_caller
class PermissionChanged(Message, frozen=True):
    """An agent asks for a permission, or got an answer."""

    permission: PermissionInfo


@GUEST.to_caller
class TranscriptChanged(Message, frozen=True):
    """A transcript is new or has grown; told while transcripts are looked at."""

    transcript: TranscriptInfo


class DeadlineKind(enum.StrEnum):
    """What happens at a deadline."""

    IDLE = "idle"
    """Nobody uses it: its terminals and agents are ended, its files stay."""
    RETENTION = "retention"
    """Nobody has used it for long: it is deleted."""
    LIFETIME = "lifetime"
    """It has lived as long as it may: a session is deleted; of a workspace, what runs in it is ended."""


@GUEST.to_caller
class DeadlineNear(Message, frozen=True):
    """Something is about to happen; any use moves the deadline, except that of a lifetime."""

    session: SessionId | None
    """None: everything that runs in the workspace is ended."""
    kind: DeadlineKind
    deadline: Time


@GUEST.to_caller
class Current(Message, frozen=True):
    """What was told before is how things are: the turns that run and the permissions that wait. What follows are changes."""


@GUEST.verb(Done)
class Watch(Request, frozen=True):
    """Turn this connection into a stream of changes: first what runs and waits, up to `Current`."""
