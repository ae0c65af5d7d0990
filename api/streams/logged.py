"""The events of a session's log, as the public API shows them: one JSON object each, whose `type` says what it is."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from api.schema import View
from api.turns import ChoosableView, OptionView, as_json, choosable_views, option_views
from api.views import UsageView, told_moment, usage_view
from shared import turns
from shared.ids import AgentName, AttachmentId, PermissionId, TurnId, WorktreeId
from shared.turns import AnsweredBy, StopReason, ToolKind, ToolStatus, TurnStatus


class LoggedView(View, frozen=True, tag_field="type"):
    """What all events have."""

    seq: int
    """Its number in the log; the first is 1, and none is left out."""
    at: datetime
    agent: AgentName
    turn_id: TurnId | None
    """Null between turns."""


class TurnStartedView(LoggedView, frozen=True, tag="turnStarted"):
    """Somebody gave a prompt."""

    text: str
    worktree_id: WorktreeId | None
    attachments: list[AttachmentId]


class TurnEndedView(LoggedView, frozen=True, tag="turnEnded"):
    """A turn is over; its last event."""

    status: TurnStatus
    stop_reason: StopReason | None
    error: str | None
    stderr: str | None
    usage: UsageView | None


class MessageView(LoggedView, frozen=True, tag="message"):
    """A piece of what the agent says; pieces of one message follow each other."""

    text: str


class ThoughtView(LoggedView, frozen=True, tag="thought"):
    """A piece of the agent's thinking."""

    text: str


class ToolCallView(LoggedView, frozen=True, tag="toolCall"):
    """A tool call is new or has changed. What is null stays as an earlier event of the same `call` said."""

    call: str
    title: str | None
    kind: ToolKind | None
    status: ToolStatus | None
    input: Any
    """JSON, or text that is none."""
    output: str | None
    """All output so far."""
    truncated: bool
    """Whether `input` or `output` was cut."""


class PlanEntryView(View, frozen=True):
    """One step of a plan."""

    content: str
    status: str


class PlanView(LoggedView, frozen=True, tag="plan"):
    """The agent's plan, whole."""

    entries: list[PlanEntryView]


class PermissionAskedView(LoggedView, frozen=True, tag="permissionAsked"):
    """The agent waits for an answer."""

    permission_id: PermissionId
    title: str
    kind: ToolKind
    call: str | None
    input: Any
    """JSON, or text that is none."""
    truncated: bool
    """Whether `input` was cut: whoever answers does not see all of it."""
    options: list[OptionView]
    deadline: datetime


class PermissionAnsweredView(LoggedView, frozen=True, tag="permissionAnswered"):
    """The agent got its answer."""

    permission_id: PermissionId
    answered_by: AnsweredBy
    option_id: str | None
    """Null: denied without one of the agent's options."""


class AgentStateView(LoggedView, frozen=True, tag="agentState"):
    """What the agent offers, and what is chosen; whole."""

    mode: str | None
    modes: list[ChoosableView]
    model: str | None
    models: list[ChoosableView]


class NoticeView(LoggedView, frozen=True, tag="notice"):
    """Something that hostel has to say."""

    text: str


AnyLoggedView: TypeAlias = (
    TurnStartedView
    | TurnEndedView
    | MessageView
    | ThoughtView
    | ToolCallView
    | PlanView
    | PermissionAskedView
    | PermissionAnsweredView
    | AgentStateView
    | NoticeView
)


def logged_view(event: turns.Event) -> AnyLoggedView:
    """What is shown of an event; GUEST_MISBEHAVED when a time is none."""
    body = event.body
    fields = {_NAMES.get(name, name): _shown(name, getattr(body, name)) for name in body.__struct_fields__}
    view = _VIEWS[type(body)]
    return view(seq=event.seq, at=told_moment(event.at), agent=event.agent, turn_id=event.turn, **fields)


def _shown(name: str, value: Any) -> Any:  # noqa: ANN401  # a field of any event
    return _CONVERSIONS[name](value) if name in _CONVERSIONS else value


def _steps(entries: list[turns.PlanEntry]) -> list[PlanEntryView]:
    return [PlanEntryView(content=entry.content, status=entry.status) for entry in entries]


_VIEWS: Final[Mapping[type[turns.Body], Callable[..., AnyLoggedView]]] = {
    turns.TurnStarted: TurnStartedView,
    turns.TurnEnded: TurnEndedView,
    turns.Message: MessageView,
    turns.Thought: ThoughtView,
    turns.ToolCall: ToolCallView,
    turns.Plan: PlanView,
    turns.PermissionAsked: PermissionAskedView,
    turns.PermissionAnswered: PermissionAnsweredView,
    turns.AgentState: AgentStateView,
    turns.Notice: NoticeView,
}
_NAMES: Final = {"worktree": "worktree_id", "permission": "permission_id", "by": "answered_by", "option": "option_id"}
"""Fields that have another name here than in the log."""
_CONVERSIONS: Final[Mapping[str, Callable[[Any], object]]] = {
    "usage": usage_view,
    "input": as_json,
    "options": option_views,
    "modes": choosable_views,
    "models": choosable_views,
    "entries": _steps,
    "deadline": told_moment,
}
"""Fields that are shown in another way than as they are."""
