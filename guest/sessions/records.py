"""Records of sessions: `session.json`, beside the clone. The tenant can write it: what is read is checked like a message."""

import contextlib
import os
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, field

from guest.clock import check, now
from shared.errors import Code, Fault
from shared.ids import WorktreeId
from shared.rooms import (
    GitRef,
    KeptName,
    RepoUrl,
    SessionStatus,
)

_FILE: Final = "session.json"
_SIZE_MAX: Final = 1024 * 1024

Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", max_length=24)]


class WorktreeRecord(Struct):
    """What git does not know of a worktree."""

    name: KeptName
    created: Time


class Record(Struct, kw_only=True):
    """A session's `session.json`. The tenant can write it: what is read back is checked like a message."""

    name: KeptName
    status: SessionStatus
    created: Time
    active: Time
    repo_url: RepoUrl | None = None
    ref: GitRef | None = None
    error: Annotated[str, Meta(max_length=2000)] | None = None
    worktrees: dict[WorktreeId, WorktreeRecord] = field(default_factory=dict)


def read(folder: Path) -> Record:
    """The record of the session in `folder`, or a fresh one when it is damaged."""
    try:
        # A FIFO in its place must not stop the guest.
        with open(os.open(folder / _FILE, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:  # noqa: PTH123  # a descriptor
            record = msgspec.json.decode(file.read(_SIZE_MAX), type=Record)
        check(record.created)
        check(record.active)
    except (OSError, ValueError):
        return _recovered(folder)
    return record


def _recovered(folder: Path) -> Record:
    """The files are the tenant's work: they stay, and can be used if there is a clone."""
    moment = now()
    whole = (folder / "repo" / ".git").exists()
    status, error = (SessionStatus.READY, None) if whole else (SessionStatus.ERROR, "the session's record is damaged")
    return Record(name="recovered", status=status, created=moment, active=moment, error=error)


def write(folder: Path, record: Record) -> None:
    """Write the record; a reader sees the old or the new one. Raises Fault FAILED, as with a full disk."""
    path = folder / _FILE
    draft = path.with_suffix(".new")
    try:
        draft.write_bytes(msgspec.json.encode(record))
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise Fault(Code.FAILED, f"the session's record cannot be written: {error.strerror}") from error
