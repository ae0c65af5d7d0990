"""Where a request about files or git is to happen."""

from pathlib import Path
from typing import Protocol

from guest.files.paths import Root
from guest.sessions.sessions import Session
from guest.supervisor import Supervisor


class Located(Protocol):
    """A request about a session's clone, or one of its worktrees."""

    @property
    def session(self) -> str:
        """The session."""

    @property
    def worktree(self) -> str | None:
        """The worktree; None for the clone."""


def place(parts: Supervisor, request: Located) -> tuple[Session, Path]:
    """The session and the folder. Raises Fault NOT_FOUND, NOT_READY."""
    session = parts.sessions.get(request.session).ready()
    return session, parts.worktrees.folder(session, request.worktree)


def root(parts: Supervisor, request: Located) -> Root:
    """The same as what paths must not leave."""
    session, folder = place(parts, request)
    return Root(session.folder.parent, folder.relative_to(session.folder.parent).parts)
