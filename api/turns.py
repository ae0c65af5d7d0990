"""What the public API shows of agents, turns, permissions and conversations. All of it is a guest's word."""

from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw

from api.schema import View, encode
from api.views import UsageView, dollars, told_moment, usage_view
from shared.guestwire.turns import UsageReport, UsageRow
from shared.ids import AgentName, PermissionId, SessionId, TurnId, WorkspaceId, WorktreeId
from shared.turns import (
    AgentInfo,
    AnsweredBy,
    Auth,
    Choosable,
    ConversationInfo,
    Option,
    OptionKind,
    PermissionInfo,
    StopReason,
    ToolKind,
    TurnInfo,
    TurnStatus,
)


class ChoosableView(View, frozen=True):
    """A mode or a model that can be chosen."""

    id: str
    name: str


class OptionView(View, frozen=True):
    """An answer that an agent offers."""

    id: str
    name: str
    kind: OptionKind


class AgentView(View, frozen=True):
    """An agent, as this workspace can use it."""

    agent: AgentName
    title: str
    installed: bool
    auth: Auth
    reason: str | None
    """Why it cannot be used."""
    models: list[ChoosableView]


class TurnView(View, frozen=True):
    """A turn: what an agent makes of one prompt."""

    turn_id: TurnId
    session_id: SessionId
    workspace_id: WorkspaceId
    worktree_id: WorktreeId | None
    agent: AgentName
    status: TurnStatus
    excerpt: str
    """The prompt's beginning."""
    started_at: datetime
    ended_at: datetime | None
    first_event: int
    """The number of its first event in the session's log."""
    stop_reason: StopReason | None
    error: str | None
    stderr: str | None
    """The end of what the agent printed on standard error; only with status `failed`."""
    usage: UsageView | None


class PermissionView(View, frozen=True):
    """A permission that an agent asks for, or asked for."""

    permission_id: PermissionId
    turn_id: TurnId
    session_id: SessionId
    workspace_id: WorkspaceId
    agent: AgentName
    title: str
    kind: ToolKind
    call: str | None
    """The tool call that it is about."""
    input: Any
    """What the tool was given: JSON, or text that is none. Null once it is answered: then the log alone has it."""
    truncated: bool
    """Whether `input` was cut: whoever answers does not see all of it."""
    options: list[OptionView]
    asked_at: datetime
    deadline: datetime
    waiting: bool
    answered_by: AnsweredBy | None
    option_id: str | None
    """The answer; null when it was denied without one of the options."""


class ConversationView(View, frozen=True):
    """An agent at work in a session or one of its worktrees."""

    agent: AgentName
    session_id: SessionId
    worktree_id: WorktreeId | None
    workspace_id: WorkspaceId
    running: bool
    """Whether its process is there. The next prompt starts it, and it goes on where it was."""
    turn_id: TurnId | None
    """The turn that runs."""
    native_id: str | None
    """The agent's own id of the conversation, by which its command line can resume it."""
    mode: str | None
    modes: list[ChoosableView]
    model: str | None
    models: list[ChoosableView]


class UsageRowView(View, frozen=True):
    """What was used on one day, in one session, by one agent, with one model."""

    day: str
    session_id: SessionId
    agent: AgentName
    model: str | None
    turns: int
    input: int
    output: int
    cache_read: int
    cache_write: int
    cost: float
    """US dollars, of the turns whose cost is known."""
    unpriced: int
    """Turns whose cost is not known."""


def choosable_views(choices: list[Choosable]) -> list[ChoosableView]:
    """What can be chosen."""
    return [ChoosableView(id=choice.id, name=choice.name) for choice in choices]


def option_views(options: list[Option]) -> list[OptionView]:
    """The answers that can be given."""
    return [OptionView(id=option.id, name=option.name, kind=option.kind) for option in options]


def as_json(text: str | None) -> object:
    """What a tool was given: as JSON when it is JSON that everybody reads in the same way, else as text."""
    if text is None:
        return None
    try:
        # Encoded anew: what an agent says must not bring line breaks into a stream of events.
        return Raw(encode(msgspec.json.decode(text)))
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError):
        return text


def agent_view(info: AgentInfo) -> AgentView:
    """What is shown of an agent."""
    return AgentView(
        agent=info.agent,
        title=info.title,
        installed=info.installed,
        auth=info.auth,
        reason=info.reason,
        models=choosable_views(info.models),
    )


def turn_view(workspace: str, info: TurnInfo) -> TurnView:
    """What is shown of a turn; GUEST_MISBEHAVED when a time is none."""
    return TurnView(
        turn_id=info.turn,
        session_id=info.session,
        workspace_id=workspace,
        worktree_id=info.worktree,
        agent=info.agent,
        status=info.status,
        excerpt=info.excerpt,
        started_at=told_moment(info.started),
        ended_at=told_moment(info.ended) if info.ended else None,
        first_event=info.first,
        stop_reason=info.stop_reason,
        error=info.error,
        stderr=info.stderr,
        usage=usage_view(info.usage),
    )


def permission_view(workspace: str, info: PermissionInfo) -> PermissionView:
    """What is shown of a permission; GUEST_MISBEHAVED when a time is none."""
    return PermissionView(
        permission_id=info.permission,
        turn_id=info.turn,
        session_id=info.session,
        workspace_id=workspace,
        agent=info.agent,
        title=info.title,
        kind=info.kind,
        call=info.call,
        input=as_json(info.input),
        truncated=info.truncated,
        options=option_views(info.options),
        asked_at=told_moment(info.asked),
        deadline=told_moment(info.deadline),
        waiting=info.by is None,
        answered_by=info.by,
        option_id=info.option,
    )


def conversation_view(workspace: str, info: ConversationInfo) -> ConversationView:
    """What is shown of a conversation."""
    return ConversationView(
        agent=info.agent,
        session_id=info.session,
        worktree_id=info.worktree,
        workspace_id=workspace,
        running=info.running,
        turn_id=info.turn,
        native_id=info.native,
        mode=info.state.mode,
        modes=choosable_views(info.state.modes),
        model=info.state.model,
        models=choosable_views(info.state.models),
    )


def usage_rows(report: UsageReport) -> list[UsageRowView]:
    """The rows of a report."""
    return [_usage_row(row) for row in report.items]


def _usage_row(row: UsageRow) -> UsageRowView:
    fields = {name: getattr(row, name) for name in UsageRowView.__struct_fields__ if name != "session_id"}
    return UsageRowView(session_id=row.session, **fields | {"cost": dollars(row.cost)})
