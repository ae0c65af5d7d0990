"""Identifiers: a prefix that tells the kind, then 24 lowercase hex digits (96 random bits).

A workspace's id is also the name of its Linux user, so the pattern is the whole of what may reach useradd.
"""

import os
import re
from typing import Annotated, Final

from msgspec import Meta

_HEX: Final = "[0-9a-f]{24}"

WORKSPACE_PATTERN: Final = f"^w{_HEX}$"
SESSION_PATTERN: Final = f"^s{_HEX}$"
TERMINAL_PATTERN: Final = f"^t{_HEX}$"
WORKTREE_PATTERN: Final = f"^wt{_HEX}$"

# msgspec searches rather than matches, and `$` would also accept a trailing newline: the length says the rest.
WorkspaceId = Annotated[str, Meta(pattern=WORKSPACE_PATTERN, min_length=25, max_length=25)]
SessionId = Annotated[str, Meta(pattern=SESSION_PATTERN, min_length=25, max_length=25)]
TerminalId = Annotated[str, Meta(pattern=TERMINAL_PATTERN, min_length=25, max_length=25)]
WorktreeId = Annotated[str, Meta(pattern=WORKTREE_PATTERN, min_length=26, max_length=26)]

_IS_WORKSPACE: Final = re.compile(f"w{_HEX}")


def _new(prefix: str) -> str:
    return prefix + os.urandom(12).hex()


def new_workspace_id() -> str:
    """A fresh id, such as `w0123456789abcdef01234567`."""
    return _new("w")


def new_session_id() -> str:
    """A fresh session id."""
    return _new("s")


def new_terminal_id() -> str:
    """A fresh terminal id."""
    return _new("t")


def new_worktree_id() -> str:
    """A fresh worktree id."""
    return _new("wt")


def is_workspace_id(text: str) -> bool:
    """Whether `text` is a workspace id to the last byte."""
    return _IS_WORKSPACE.fullmatch(text) is not None
