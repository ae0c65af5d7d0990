"""What streams of events tell of beside the things themselves: that one is gone, or about to be."""

from datetime import datetime

from api.schema import View
from api.views import told_moment
from shared.guestwire.watch import DeadlineKind, DeadlineNear
from shared.ids import AgentName, ChannelId, SessionId, TerminalId, TranscriptId, WorkspaceId
from shared.transcripts import TranscriptInfo


class MarkView(View, frozen=True):
    """An event that says all by its name: `ready` ends the state of things, `reset` throws away what was told before."""


class DeletedWorkspaceView(View, frozen=True):
    """A workspace that is gone."""

    workspace_id: WorkspaceId


class DeletedChannelView(View, frozen=True):
    """A channel that is gone."""

    channel_id: ChannelId
    workspace_id: WorkspaceId


class DeletedSessionView(View, frozen=True):
    """A session that is gone."""

    session_id: SessionId
    workspace_id: WorkspaceId


class ClosedTerminalView(View, frozen=True):
    """A terminal that is gone."""

    terminal_id: TerminalId
    workspace_id: WorkspaceId


class DeadlineView(View, frozen=True):
    """What ends soon, unless it is used."""

    session_id: SessionId | None
    """Null: all that runs in the workspace."""
    workspace_id: WorkspaceId
    kind: DeadlineKind
    deadline: datetime


class GrownTranscriptView(View, frozen=True):
    """A transcript that is new or has grown."""

    transcript_id: TranscriptId
    workspace_id: WorkspaceId
    agent: AgentName
    session_id: SessionId | None
    title: str
    updated_at: datetime


def deadline_view(workspace: str, near: DeadlineNear) -> DeadlineView:
    """What is told of a deadline; GUEST_MISBEHAVED when it is no time."""
    moment = told_moment(near.deadline)
    return DeadlineView(session_id=near.session, workspace_id=workspace, kind=near.kind, deadline=moment)


def grown_transcript_view(workspace: str, info: TranscriptInfo) -> GrownTranscriptView:
    """What is told of a transcript; GUEST_MISBEHAVED when a time is none."""
    return GrownTranscriptView(
        transcript_id=info.transcript,
        workspace_id=workspace,
        agent=info.agent,
        session_id=info.session,
        title=info.title,
        updated_at=told_moment(info.updated),
    )
