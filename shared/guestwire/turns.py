"""Verbs about agents, their turns, permissions and the log; the stream that follows a log."""

from typing import Annotated

from msgspec import Meta

from shared.guestwire.protocol import GUEST
from shared.ids import AgentName, AttachmentId, PermissionId, SessionId, TurnId, WorktreeId
from shared.messages import Done, Message, Reply, Request
from shared.rooms import Secrets
from shared.turns import (
    ATTACHMENTS_MAX,
    AgentInfo,
    Choice,
    ConversationInfo,
    Dollars,
    Event,
    EventSeq,
    PermissionInfo,
    Prompted,
    Time,
    Tokens,
    TurnInfo,
)

PageSize = Annotated[int, Meta(ge=1, le=500)]


class Agents(Reply, frozen=True):
    """All agents of the registry."""

    items: Annotated[list[AgentInfo], Meta(max_length=64)]


class Conversations(Reply, frozen=True):
    """The conversations of a session."""

    items: Annotated[list[ConversationInfo], Meta(max_length=1000)]


class Turns(Reply, frozen=True):
    """A page of turns, newest first; `next` is the `before` of the following page."""

    items: Annotated[list[TurnInfo], Meta(max_length=500)]
    next: TurnId | None = None


class Permissions(Reply, frozen=True):
    """Permissions, oldest first."""

    items: Annotated[list[PermissionInfo], Meta(max_length=1000)]


class EventPage(Reply, frozen=True):
    """Events in order; fewer than were asked for when they would not fit a frame."""

    items: Annotated[list[Event], Meta(max_length=500)]
    last: EventSeq
    """The number of the log's newest event; 0 when it is empty."""


class Following(Reply, frozen=True):
    """The stream begins: `Logged` messages, from the event after the one that was named."""

    last: EventSeq


class UsageRow(Reply, frozen=True):
    """What was used on one day, in one session, by one agent, with one model."""

    day: Annotated[str, Meta(max_length=10)]
    session: SessionId
    agent: AgentName
    model: Annotated[str, Meta(max_length=200)] | None
    turns: int
    input: Tokens
    output: Tokens
    cache_read: Tokens
    cache_write: Tokens
    cost: Dollars
    """US dollars, of the turns whose cost is known."""
    unpriced: int
    """Turns whose cost is not known."""


class UsageReport(Reply, frozen=True):
    """Rows in order of day; and what counts against the budget."""

    items: Annotated[list[UsageRow], Meta(max_length=4000)]
    today: Dollars
    month: Dollars


class Budget(Message, frozen=True):
    """What a workspace may spend, in US dollars, by UTC calendar. None is no limit."""

    day: Dollars | None = None
    month: Dollars | None = None


@GUEST.to_caller
class Logged(Message, frozen=True):
    """An event of the followed log; their numbers have no gaps."""

    event: Event


@GUEST.verb(Agents)
class ListAgents(Request, frozen=True):
    """The agents of the registry, and whether each can be used here."""


@GUEST.verb(TurnInfo)
class Prompt(Request, frozen=True):
    """Begin a turn; answered when it is in the log, before the agent has started. The same `turn` twice is the same turn.

    Without `agent` the registry's default. CONFLICT while a turn of this agent in this worktree runs, LIMIT when the
    workspace has its number of running turns or its log is full, BUDGET when `budget` is used up, NOT_READY when the agent
    is not installed or its provider is disabled, NOT_FOUND for an agent, attachment or worktree that is not there.
    """

    turn: TurnId
    session: SessionId
    text: Prompted
    agent: AgentName | None = None
    worktree: WorktreeId | None = None
    attachments: Annotated[list[AttachmentId], Meta(max_length=ATTACHMENTS_MAX)] = []  # noqa: RUF012  # msgspec copies it
    mode: Choice | None = None
    model: Choice | None = None
    budget: Budget | None = None
    secrets: Secrets = {}  # noqa: RUF012  # msgspec copies an empty default
    """Of the agent's process, which is started again when it runs with others."""


@GUEST.verb(Turns)
class ListTurns(Request, frozen=True):
    """Turns of a session, newest first."""

    session: SessionId
    before: TurnId | None = None
    limit: PageSize = 100


@GUEST.verb(TurnInfo)
class GetTurn(Request, frozen=True):
    """One turn."""

    session: SessionId
    turn: TurnId


@GUEST.verb(TurnInfo)
class CancelTurn(Request, frozen=True):
    """Ask the agent to stop; it is killed if it does not. A turn that is over is answered as it is."""

    session: SessionId
    turn: TurnId


@GUEST.verb(Permissions)
class ListPermissions(Request, frozen=True):
    """Permissions of a session: those that wait, or all that are still kept."""

    session: SessionId
    waiting: bool = True


@GUEST.verb(PermissionInfo)
class AnswerPermission(Request, frozen=True):
    """Answer with one of its options, or deny with None. CONFLICT when it was answered, BAD_REQUEST for no option of it."""

    session: SessionId
    permission: PermissionId
    option: Choice | None


@GUEST.verb(Conversations)
class ListConversations(Request, frozen=True):
    """The agents that have worked in a session."""

    session: SessionId


@GUEST.verb(ConversationInfo)
class ConfigureConversation(Request, frozen=True):
    """Choose a mode or a model; what is None stays. BAD_REQUEST for one that the agent does not offer."""

    session: SessionId
    agent: AgentName
    worktree: WorktreeId | None = None
    mode: Choice | None = None
    model: Choice | None = None
    secrets: Secrets = {}  # noqa: RUF012  # msgspec copies an empty default
    """Of the agent's process, which this may start."""


@GUEST.verb(Done)
class CloseConversation(Request, frozen=True):
    """End an agent's process; the next prompt goes on with the conversation. CONFLICT while a turn runs."""

    session: SessionId
    agent: AgentName
    worktree: WorktreeId | None = None


@GUEST.verb(EventPage)
class ListEvents(Request, frozen=True):
    """Events of a session's log that follow number `after`."""

    session: SessionId
    after: EventSeq = 0
    limit: PageSize = 100


@GUEST.verb(Following)
class FollowEvents(Request, frozen=True):
    """Turn this connection into a stream of the events that follow number `after`, those on the disk first."""

    session: SessionId
    after: EventSeq = 0


@GUEST.verb(UsageReport)
class GetUsage(Request, frozen=True):
    """What turns used between two days (ISO 8601, UTC, both included)."""

    since: Time
    until: Time
    session: SessionId | None = None
