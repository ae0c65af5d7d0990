"""Transcripts as the public API shows them. All of it is a guest's word."""

from datetime import datetime
from typing import Any

from msgspec.structs import asdict

from api.schema import View
from api.turns import as_json
from api.views import UsageView, told_moment, usage_view
from shared.ids import AgentName, SessionId, TranscriptId, WorkspaceId, WorktreeId
from shared.transcripts import Entry, EntryRole, TranscriptInfo


class EntryCounts(View, frozen=True):
    """How many entries of each role there are."""

    user: int
    assistant: int
    thinking: int
    tool: int


class TranscriptView(View, frozen=True):
    """What an agent left of a conversation, however that was begun."""

    transcript_id: TranscriptId
    workspace_id: WorkspaceId
    agent: AgentName
    native_id: str
    """The agent's own id of the conversation, by which its command line can resume it."""
    title: str
    """The beginning of what the user said first."""
    cwd: str | None
    session_id: SessionId | None
    """The session in whose folder the agent worked."""
    worktree_id: WorktreeId | None
    started_at: datetime
    updated_at: datetime
    size: int
    """Bytes on the disk; 0 where many conversations share a file."""
    entries: EntryCounts
    models: list[str]
    answers: int
    """How often a model answered."""
    unpriced: int
    """Answers whose cost is not known, which `usage.cost` leaves out."""
    usage: UsageView
    """Of all answers; its `model` is null."""
    cost_stated: bool
    """Whether the cost is the agent's own figure rather than one by the price list."""
    subagent: bool
    """Whether another agent, not a person, gave the prompt."""
    skipped: int
    """Lines that are damaged or too long to be read."""


class EntryView(View, frozen=True):
    """One step of a conversation."""

    seq: int
    role: EntryRole
    at: datetime | None
    text: str
    """What was said or thought; "" for a tool call."""
    name: str | None
    """The tool's."""
    input: Any
    """What the tool was given: JSON, or text that is none."""
    output: str | None
    """What it answered."""
    error: bool
    truncated: bool
    """Whether `input` or `output` was cut, or the entry could not be read again."""
    sidechain: bool
    """Whether a subagent did it."""
    usage: UsageView | None
    """Of the model's answer that this entry ends."""


def transcript_view(workspace: str, info: TranscriptInfo) -> TranscriptView:
    """What is shown of a transcript; GUEST_MISBEHAVED when a time is none."""
    return TranscriptView(
        transcript_id=info.transcript,
        workspace_id=workspace,
        agent=info.agent,
        native_id=info.native,
        title=info.title,
        cwd=info.cwd,
        session_id=info.session,
        worktree_id=info.worktree,
        started_at=told_moment(info.started),
        updated_at=told_moment(info.updated),
        size=info.size,
        entries=EntryCounts(user=info.user, assistant=info.assistant, thinking=info.thinking, tool=info.tools),
        models=info.models,
        answers=info.answers,
        unpriced=info.unpriced,
        usage=UsageView(**asdict(info.usage)),
        cost_stated=info.stated,
        subagent=info.subagent,
        skipped=info.skipped,
    )


def entry_view(entry: Entry) -> EntryView:
    """What is shown of an entry; GUEST_MISBEHAVED when its time is none."""
    return EntryView(
        seq=entry.seq,
        role=entry.role,
        at=told_moment(entry.at) if entry.at else None,
        text=entry.text,
        name=entry.name,
        input=as_json(entry.input),
        output=entry.output,
        error=entry.error,
        truncated=entry.truncated,
        sidechain=entry.sidechain,
        usage=usage_view(entry.usage),
    )
