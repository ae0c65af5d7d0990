"""What a task is: what is to be done, how far it is, and what came of it."""

import enum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from api.problems import invalid
from api.schema import Body
from shared.errors import Code, Fault
from shared.ids import AgentName, SessionId, WorktreeId
from shared.rooms import GitRef, RepoUrl
from shared.settings import Tasks as Settings
from shared.turns import PROMPT_MAX, Choice, StopReason, Usage

PROMPT_BYTES_MAX: Final = 2 * PROMPT_MAX
"""Bytes of a prompt in UTF-8: it must fit a frame whatever its letters are."""


class TaskStatus(enum.StrEnum):
    """Where a task is in its life."""

    QUEUED = "queued"
    """It waits for its turn, its time, or another try."""
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELLED})


class Policy(enum.StrEnum):
    """How an agent's questions are answered, as nobody is there to be asked."""

    DENY = "deny"
    ALLOW = "allow"


class Plan(Body, frozen=True):
    """What is to be done: a prompt, for whom, and where. Without `sessionId` in a session of its own."""

    prompt: Annotated[str, Meta(min_length=1)]
    agent: AgentName | None = None
    """Without it, the configured default."""
    model: Choice | None = None
    mode: Choice | None = None
    session_id: SessionId | None = None
    worktree_id: WorktreeId | None = None
    """One of the session's."""
    repo_url: RepoUrl | None = None
    """What the task's own session is a clone of; without it, it is an empty repository."""
    ref: GitRef | None = None
    timeout: Annotated[float, Meta(ge=1)] | None = None
    """Seconds that one attempt may take; the configured most without it."""
    attempts: Annotated[int, Meta(ge=1)] | None = None
    """How often it is tried when it fails, at most; once without it, as a prompt may change things."""
    permissions: Policy = Policy.DENY
    """How the agent's questions are answered, at once."""
    keep_session: bool = True
    """Whether the task's own session stays when the task has ended."""

    def check(self, settings: Settings, pointer: str = "") -> None:
        """Raise Problem INVALID or Fault TOO_LARGE for what cannot be; `pointer` is where this is in the body."""
        check_prompt(self.prompt, f"{pointer}/prompt")
        if self.session_id is not None:
            if self.repo_url or self.ref:
                raise invalid("a session that is there has its own repository", pointer=f"{pointer}/repoUrl")
            if not self.keep_session:
                raise invalid("a task deletes no session but its own", pointer=f"{pointer}/keepSession")
        elif self.worktree_id is not None:
            raise invalid("is one of a session: `sessionId` is needed", pointer=f"{pointer}/worktreeId")
        if self.ref and not self.repo_url:
            raise invalid("is of a repository: `repoUrl` is needed", pointer=f"{pointer}/ref")
        if self.timeout is not None and self.timeout > settings.timeout:
            raise invalid(f"is at most {settings.timeout:g} seconds", pointer=f"{pointer}/timeout")
        if self.attempts is not None and self.attempts > settings.attempts:
            raise invalid(f"is at most {settings.attempts}", pointer=f"{pointer}/attempts")


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a turn."""

    text: str
    """The agent's last message."""
    truncated: bool
    stop_reason: StopReason | None
    usage: Usage | None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt ended."""

    status: TaskStatus
    error: str | None = None
    result: Result | None = None
    again: bool = False
    """Whether another try may help."""
    fresh: bool = False
    """Whether it needs another session."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task's row. Times are seconds since the epoch."""

    id: str
    workspace: str
    status: TaskStatus
    plan: Plan
    session: str | None
    turn: str | None
    """Of the latest attempt."""
    attempt: int
    attempts: int
    timeout: float
    not_before: float
    schedule: str | None
    fire: float | None
    """The moment of the schedule that it is for."""
    created: float
    created_by: str
    started: float | None
    """The latest attempt."""
    ended: float | None
    stop: float | None
    """Somebody wants it to be cancelled since then."""
    error: str | None
    result: Result | None


def check_prompt(text: str, pointer: str) -> None:
    """Raise Fault TOO_LARGE for a prompt that is too long, Problem INVALID for one that is no text."""
    if len(text) > PROMPT_MAX:
        raise Fault(Code.TOO_LARGE, f"a prompt has at most {PROMPT_MAX} characters; put what is longer into an attachment")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise invalid("lone surrogates are not accepted", pointer=pointer) from None
    if size > PROMPT_BYTES_MAX:
        raise Fault(Code.TOO_LARGE, f"a prompt has at most {PROMPT_BYTES_MAX} bytes; put what is longer into an attachment")
