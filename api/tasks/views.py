"""What the public API shows of tasks."""

from datetime import datetime
from typing import Any, Final

from api.schema import View, moment
from api.tasks.records import Policy, Task, TaskStatus
from api.views import UsageView, usage_view
from shared.ids import AgentName, ScheduleId, SessionId, TaskId, TurnId, WorkspaceId, WorktreeId
from shared.turns import StopReason

EXCERPT_MAX: Final = 200
"""Characters of a prompt in a list of tasks."""


class TaskView(View, frozen=True):
    """A task, and how far it is."""

    task_id: TaskId
    workspace_id: WorkspaceId
    status: TaskStatus
    excerpt: str
    """The prompt's beginning."""
    agent: AgentName | None
    """Null: the configured default."""
    session_id: SessionId | None
    """Null while the task's own session is not chosen."""
    worktree_id: WorktreeId | None
    turn_id: TurnId | None
    """The turn of the latest attempt."""
    attempt: int
    """How many attempts have begun."""
    attempts: int
    """How many there are at most."""
    timeout: float
    """Seconds of one attempt."""
    not_before: datetime
    permissions: Policy
    keep_session: bool
    schedule_id: ScheduleId | None
    """The schedule that has made it."""
    fire_at: datetime | None
    """The moment of the schedule that it is for; null when it was run by hand."""
    created_at: datetime
    created_by: str
    started_at: datetime | None
    """The latest attempt."""
    ended_at: datetime | None
    error: str | None
    """Why the latest attempt failed."""
    stop_reason: StopReason | None
    usage: UsageView | None
    """Of the latest attempt."""


class TaskDetailView(TaskView, frozen=True):
    """A task with its prompt and its result."""

    prompt: str
    model: str | None
    mode: str | None
    repo_url: str | None
    ref: str | None
    result: str | None
    """The agent's last message."""
    result_truncated: bool


def task_view(task: Task) -> TaskView:
    """What lists and events show of a task."""
    return TaskView(**_shown(task))


def task_detail_view(task: Task) -> TaskDetailView:
    """All that is shown of a task."""
    plan = task.plan
    return TaskDetailView(
        **_shown(task),
        prompt=plan.prompt,
        model=plan.model,
        mode=plan.mode,
        repo_url=plan.repo_url,
        ref=plan.ref,
        result=task.result.text if task.result else None,
        result_truncated=task.result is not None and task.result.truncated,
    )


def _shown(task: Task) -> dict[str, Any]:
    plan, result = task.plan, task.result
    return {
        "task_id": task.id,
        "workspace_id": task.workspace,
        "status": task.status,
        "excerpt": plan.prompt[:EXCERPT_MAX],
        "agent": plan.agent,
        "session_id": task.session or plan.session_id,
        "worktree_id": plan.worktree_id,
        "turn_id": task.turn,
        "attempt": task.attempt,
        "attempts": task.attempts,
        "timeout": task.timeout,
        "not_before": moment(task.not_before),
        "permissions": plan.permissions,
        "keep_session": plan.keep_session,
        "schedule_id": task.schedule,
        "fire_at": _moment(task.fire),
        "created_at": moment(task.created),
        "created_by": task.created_by,
        "started_at": _moment(task.started),
        "ended_at": _moment(task.ended),
        "error": task.error,
        "stop_reason": result.stop_reason if result else None,
        "usage": usage_view(result.usage) if result else None,
    }


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else moment(seconds)
