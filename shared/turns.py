"""Turns of agents and the events that they consist of, as they are told over the wire and kept in a session's log.

An `Event` is one line of the log. Its JSON, in camelCase, is also what the public API shows. What an agent says is untrusted
text: it is cut to the lengths here, never interpreted.
"""

import enum
from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from shared.ids import AgentName, AttachmentId, PermissionId, SessionId, TurnId, WorktreeId
from shared.messages import Reply

PROMPT_MAX: Final = 256 * 1024
"""Characters of a prompt."""
TEXT_MAX: Final = 64 * 1024
"""Characters of text in one event; a longer chunk becomes several events."""
DETAIL_MAX: Final = 64 * 1024
"""Characters of a tool call's input or output in one event; what is longer is cut, and says so."""
EVENT_MAX: Final = 900 * 1024
"""Bytes of one event's JSON, so that it fits a frame. A longer prompt is refused; anything else becomes a notice."""
LABEL_MAX: Final = 1000
"""Characters of a title or name that an agent gives."""
EXCERPT_MAX: Final = 500
"""Characters of a prompt in a list of turns."""
STDERR_MAX: Final = 4000
"""Characters of an agent's standard error that are kept with a failed turn."""
REASON_MAX: Final = 2000
ATTACHMENTS_MAX: Final = 20
"""Attachments of one prompt."""
OPTIONS_MAX: Final = 32
"""Options of one permission, modes or models of one agent."""

Time = Annotated[str, Meta(max_length=40)]
"""ISO 8601, UTC."""
EventSeq = Annotated[int, Meta(ge=0, le=2**53)]
"""A position in a session's log: the first event is number 1. JSON's numbers are exact up to here."""
Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Detail = Annotated[str, Meta(max_length=DETAIL_MAX)]
Label = Annotated[str, Meta(max_length=LABEL_MAX)]
Choice = Annotated[str, Meta(min_length=1, max_length=200)]
"""An id that an agent gave to an option, a mode or a model."""
Prompted = Annotated[str, Meta(min_length=1, max_length=PROMPT_MAX)]
Tokens = Annotated[int, Meta(ge=0, le=2**53)]
Dollars = Annotated[float, Meta(ge=0)]


class TurnStatus(enum.StrEnum):
    """Where a turn is in its life."""

    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class StopReason(enum.StrEnum):
    """Why an agent ended a turn that did not fail; the words of ACP."""

    END_TURN = "end_turn"
    MAX_TOKENS = "max_tokens"
    MAX_TURN_REQUESTS = "max_turn_requests"
    REFUSAL = "refusal"
    CANCELLED = "cancelled"


class ToolKind(enum.StrEnum):
    """What a tool does; the words of ACP."""

    READ = "read"
    EDIT = "edit"
    DELETE = "delete"
    MOVE = "move"
    SEARCH = "search"
    EXECUTE = "execute"
    THINK = "think"
    FETCH = "fetch"
    SWITCH_MODE = "switch_mode"
    OTHER = "other"


class ToolStatus(enum.StrEnum):
    """How far a tool call is; the words of ACP."""

    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"


class OptionKind(enum.StrEnum):
    """What an answer to a permission means; the words of ACP."""

    ALLOW_ONCE = "allow_once"
    ALLOW_ALWAYS = "allow_always"
    REJECT_ONCE = "reject_once"
    REJECT_ALWAYS = "reject_always"


class AnsweredBy(enum.StrEnum):
    """Who decided about a permission."""

    USER = "user"
    DEADLINE = "deadline"
    """Nobody, in time: the configured default was taken."""
    CANCEL = "cancel"
    """The turn was cancelled or ended before."""


class _Value(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    pass


class Option(_Value, frozen=True):
    """One answer that an agent offers."""

    id: Choice
    name: Label
    kind: OptionKind


class Choosable(_Value, frozen=True):
    """A mode or a model that an agent offers."""

    id: Choice
    name: Label


class PlanEntry(_Value, frozen=True):
    """One step of an agent's plan."""

    content: Label
    status: Annotated[str, Meta(max_length=40)]


class Usage(_Value, frozen=True):
    """What a turn, or several, used up. `input` holds the cached tokens too. Source: the agent, which may not say."""

    input: Tokens = 0
    output: Tokens = 0
    cache_read: Tokens = 0
    cache_write: Tokens = 0
    cost: Dollars | None = None
    """US dollars. None when neither the agent states it nor the model has a known price; never 0 for that."""
    model: Annotated[str, Meta(max_length=200)] | None = None


class TurnStarted(_Value, frozen=True, tag="turnStarted"):
    """Somebody gave a prompt."""

    text: Prompted
    worktree: WorktreeId | None = None
    attachments: Annotated[list[AttachmentId], Meta(max_length=ATTACHMENTS_MAX)] = []  # msgspec copies it


class TurnEnded(_Value, frozen=True, tag="turnEnded"):
    """It is over; the last event of its turn."""

    status: TurnStatus
    stop_reason: StopReason | None = None
    error: Annotated[str, Meta(max_length=REASON_MAX)] | None = None
    stderr: Annotated[str, Meta(max_length=STDERR_MAX)] | None = None
    usage: Usage | None = None


class Message(_Value, frozen=True, tag="message"):
    """A piece of what the agent says to the user; pieces of one message follow each other."""

    text: Text


class Thought(_Value, frozen=True, tag="thought"):
    """A piece of the agent's thinking."""

    text: Text


class ToolCall(_Value, frozen=True, tag="toolCall"):
    """A tool call is new or has changed. What is None stays as an earlier event of the same `call` said."""

    call: Choice
    title: Label | None = None
    kind: ToolKind | None = None
    status: ToolStatus | None = None
    input: Detail | None = None
    """JSON text, when it was not cut."""
    output: Detail | None = None
    """Plain text: all output so far."""
    truncated: bool = False
    """Whether `input` or `output` was cut."""


class Plan(_Value, frozen=True, tag="plan"):
    """The agent's plan, whole."""

    entries: Annotated[list[PlanEntry], Meta(max_length=200)]


class PermissionAsked(_Value, frozen=True, tag="permissionAsked"):
    """The agent waits for an answer."""

    permission: PermissionId
    title: Label
    kind: ToolKind
    options: Annotated[list[Option], Meta(max_length=OPTIONS_MAX)]
    deadline: Time
    call: Choice | None = None
    input: Detail | None = None
    truncated: bool = False
    """Whether `input` was cut: whoever answers does not see all of it."""


class PermissionAnswered(_Value, frozen=True, tag="permissionAnswered"):
    """It got one. `option` None: denied without one of the agent's options."""

    permission: PermissionId
    by: AnsweredBy
    option: Choice | None = None


class AgentState(_Value, frozen=True, tag="agentState"):
    """What the agent offers, and what is chosen; whole."""

    mode: Choice | None = None
    modes: Annotated[list[Choosable], Meta(max_length=OPTIONS_MAX)] = []  # msgspec copies it
    model: Choice | None = None
    models: Annotated[list[Choosable], Meta(max_length=200)] = []  # msgspec copies it


class Notice(_Value, frozen=True, tag="notice"):
    """Something that hostel has to say: output that is no protocol, an update that was too long."""

    text: Label


Body: TypeAlias = (
    TurnStarted | TurnEnded | Message | Thought | ToolCall | Plan | PermissionAsked | PermissionAnswered | AgentState | Notice
)


class Event(_Value, frozen=True):
    """One line of a session's log."""

    seq: EventSeq
    at: Time
    agent: AgentName
    turn: TurnId | None
    """None between turns, as when an agent starts."""
    body: Body


class TurnInfo(Reply, frozen=True):
    """A turn: what an agent made of one prompt."""

    turn: TurnId
    session: SessionId
    agent: AgentName
    worktree: WorktreeId | None
    status: TurnStatus
    excerpt: Annotated[str, Meta(max_length=EXCERPT_MAX)]
    """The prompt's beginning."""
    started: Time
    first: EventSeq
    """The number of its first event."""
    ended: Time | None = None
    stop_reason: StopReason | None = None
    error: Annotated[str, Meta(max_length=REASON_MAX)] | None = None
    stderr: Annotated[str, Meta(max_length=STDERR_MAX)] | None = None
    """The end of what the agent printed on standard error; only with status `failed`."""
    usage: Usage | None = None


class PermissionInfo(Reply, frozen=True):
    """A permission that an agent asked for."""

    permission: PermissionId
    session: SessionId
    turn: TurnId
    agent: AgentName
    title: Label
    kind: ToolKind
    options: Annotated[list[Option], Meta(max_length=OPTIONS_MAX)]
    asked: Time
    deadline: Time
    call: Choice | None = None
    input: Detail | None = None
    truncated: bool = False
    """Whether `input` was cut."""
    by: AnsweredBy | None = None
    """None while it waits."""
    option: Choice | None = None


class Auth(enum.StrEnum):
    """Whether an agent can sign in to its provider."""

    READY = "ready"
    MISSING = "missing"
    """The workspace has no credential for it; the agent may still be signed in by hand, in a terminal."""
    DISABLED = "disabled"
    """The workspace's provider is switched off: no turn may use it."""


class AgentInfo(Reply, frozen=True):
    """An agent of the registry, as this workspace can use it."""

    agent: AgentName
    title: Label
    installed: bool
    auth: Auth
    reason: Annotated[str, Meta(max_length=REASON_MAX)] | None = None
    """Why it cannot be used, as when its program is not there."""
    models: Annotated[list[Choosable], Meta(max_length=200)] = []  # noqa: RUF012  # msgspec copies it


class ConversationInfo(Reply, frozen=True):
    """An agent at work in a session: one for each agent and worktree."""

    session: SessionId
    agent: AgentName
    worktree: WorktreeId | None
    running: bool
    """Whether the agent's process is there; the next prompt starts it, and it goes on where it was."""
    turn: TurnId | None
    """The turn that runs."""
    native: Annotated[str, Meta(max_length=200)] | None
    """The agent's own id of the conversation, by which its command line can resume it."""
    state: AgentState
