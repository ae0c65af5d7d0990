"""What the public API shows of what is in a room. All but a workspace's status is a guest's word, and checked again."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

from api.guests import PEER
from api.schema import View, encode, moment
from api.workspaces import Workspace, WorkspaceStatus
from shared.hostwire import AuthType
from shared.ids import OrganisationId, SessionId, TerminalId, WorkspaceId, WorktreeId
from shared.rooms import (
    SessionInfo,
    SessionStatus,
    TerminalInfo,
    TerminalStatus,
    WorktreeInfo,
)
from shared.turns import Usage


class WorkspaceStatusView(View, frozen=True):
    """A workspace, and how far its provisioning is."""

    workspace_id: WorkspaceId
    organisation_id: OrganisationId | None
    """That owns it; null: it owns itself."""
    name: str
    status: WorkspaceStatus
    error_reason: str | None


class ProviderAuthState(View, frozen=True):
    """How a provider signs in. The credential itself is never shown."""

    type: AuthType


class ProviderState(View, frozen=True):
    """A provider of a workspace."""

    enabled: bool
    auth: ProviderAuthState | None


class WorkspaceView(View, frozen=True):
    """A workspace."""

    workspace_id: WorkspaceId
    organisation_id: OrganisationId | None
    """That owns it; null: it owns itself."""
    name: str
    status: WorkspaceStatus
    error_reason: str | None
    """Why it could not be made, with status `error`."""
    providers: dict[str, ProviderState]
    created_at: datetime
    updated_at: datetime
    shutdown_deadline: datetime | None
    """When what runs in it will have been ended, unless it is used before. Null when nothing runs, or it may go on."""
    deleted_at: datetime | None
    """Since when it is locked and kept, with status `deleted`."""
    purges_at: datetime | None
    """When it is removed for good, unless it is restored before."""


class ProgressView(View, frozen=True):
    """How far a clone is, in git's own words."""

    phase: str
    percent: int


class UsageView(View, frozen=True):
    """What was used up. `input` holds the cached tokens too."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    cost: float | None
    """US dollars; null when it is not known."""
    model: str | None


class SessionView(View, frozen=True):
    """A session: a clone of a repository, or an empty one."""

    session_id: SessionId
    workspace_id: WorkspaceId
    name: str
    status: SessionStatus
    repo_url: str | None
    ref: str | None
    progress: ProgressView | None
    """Only while it is cloned."""
    error_reason: str | None
    """Git's own words, with status `error`."""
    created_at: datetime
    last_activity: datetime
    shutdown_deadline: datetime | None
    """When what runs in it is ended, or it is deleted, unless it is used before; null for never."""
    usage: UsageView | None
    """What all its turns have used; null before the first. Its cost leaves out the turns whose cost is not known."""

    @property
    def etag(self) -> str:
        """The entity tag: of all but times and usage, which no one edits."""
        content = encode((self.name, self.status, self.repo_url, self.ref, self.progress, self.error_reason))
        return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


class WorktreeView(View, frozen=True):
    """A worktree of a session."""

    worktree_id: WorktreeId
    session_id: SessionId
    workspace_id: WorkspaceId
    name: str
    branch: str | None
    """None when its head is detached."""
    commit: str | None
    """None before the first commit."""
    created_at: datetime


class TerminalView(View, frozen=True):
    """A terminal."""

    terminal_id: TerminalId
    session_id: SessionId
    workspace_id: WorkspaceId
    worktree_id: WorktreeId | None
    status: TerminalStatus
    pid: int
    command: list[str]
    cols: int
    rows: int
    viewers: int
    seq: int
    """How many bytes it has printed."""
    exit_code: int | None
    exit_signal: str | None
    """Such as `SIGKILL`, when a signal ended it."""
    created_at: datetime
    shutdown_deadline: datetime | None
    """When it is ended, unless its session is used before; null for never."""


def workspace_status_view(row: Workspace) -> WorkspaceStatusView:
    """What is told of a workspace in streams of events."""
    return WorkspaceStatusView(
        workspace_id=row.id, organisation_id=row.organisation, name=row.name, status=row.status, error_reason=row.error_reason
    )


def workspace_fields(row: Workspace) -> dict[str, Any]:
    """What is shown of a workspace, without a deadline."""
    return {
        "workspace_id": row.id,
        "organisation_id": row.organisation,
        "name": row.name,
        "status": row.status,
        "error_reason": row.error_reason,
        "providers": {
            name: ProviderState(
                enabled=provider.enabled, auth=ProviderAuthState(type=provider.auth_type) if provider.auth_type else None
            )
            for name, provider in row.providers.items()
        },
        "created_at": moment(row.created),
        "updated_at": moment(row.updated),
        "deleted_at": None if row.deleted is None else moment(row.deleted),
        "purges_at": None if row.purge is None else moment(row.purge),
        "shutdown_deadline": None,
    }


def session_view(workspace: str, info: SessionInfo) -> SessionView:
    """What is shown of a session; GUEST_MISBEHAVED when a time is none."""
    return SessionView(
        session_id=info.session,
        workspace_id=workspace,
        name=info.name,
        status=info.status,
        repo_url=info.repo_url,
        ref=info.ref,
        progress=ProgressView(phase=info.progress.phase, percent=info.progress.percent) if info.progress else None,
        error_reason=info.error,
        created_at=told_moment(info.created),
        last_activity=told_moment(info.active),
        shutdown_deadline=told_deadline(info.deadline),
        usage=usage_view(info.usage),
    )


def usage_view(usage: Usage | None) -> UsageView | None:
    """What is shown of a turn's usage, if there is any."""
    if usage is None:
        return None
    return UsageView(**msgspec.structs.asdict(usage) | {"cost": None if usage.cost is None else dollars(usage.cost)})


def dollars(amount: float) -> float:
    """An amount without what sums of binary fractions leave at its end."""
    return round(amount, 9)


def worktree_view(workspace: str, info: WorktreeInfo) -> WorktreeView:
    """What is shown of a worktree; GUEST_MISBEHAVED when a time is none."""
    return WorktreeView(
        worktree_id=info.worktree,
        session_id=info.session,
        workspace_id=workspace,
        name=info.name,
        branch=info.branch,
        commit=info.commit,
        created_at=told_moment(info.created),
    )


def terminal_view(workspace: str, info: TerminalInfo) -> TerminalView:
    """What is shown of a terminal; GUEST_MISBEHAVED when a time is none."""
    return TerminalView(
        terminal_id=info.terminal,
        session_id=info.session,
        workspace_id=workspace,
        worktree_id=info.worktree,
        status=info.status,
        pid=info.pid,
        command=info.command,
        cols=info.columns,
        rows=info.rows,
        viewers=info.viewers,
        seq=info.seq,
        exit_code=info.exit_code,
        exit_signal=info.exit_signal,
        created_at=told_moment(info.created),
        shutdown_deadline=told_deadline(info.deadline),
    )


def told_deadline(text: str | None) -> datetime | None:
    """A deadline as a guest told it; GUEST_MISBEHAVED when it is no time."""
    return told_moment(text) if text else None


def told_moment(text: str) -> datetime:
    """A time as a guest told it, in UTC; GUEST_MISBEHAVED when it is none."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):  # the latter for the first and the last day that there can be
        pass
    raise PEER.violation("a time that is none")
