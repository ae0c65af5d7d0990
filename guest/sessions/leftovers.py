"""What goes on in the background after its terminal or agent has ended, found by proc(5).

Whatever the workspace starts has its id in the environment, and children inherit it. A process that has taken it out is not
found, and ends when the workspace is stopped.
"""

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final

_MARK: Final = b"HOSTEL_WORKSPACE="
_PATIENCE: Final = 5.0
"""Seconds after which a process that even SIGKILL does not end (sleeping in the kernel) is left to itself."""
_POLL: Final = 0.005
_PROC: Final = Path("/proc")


def leftovers(workspace: str) -> list[int]:
    """Pids of our own uid's living processes that are the workspace's, and have not come from this guest or have lost it."""
    parents = _parents()
    mark = _MARK + workspace.encode()
    return [pid for pid in parents if not _is_ours(pid, parents) and _has(pid, mark)]


def end_leftovers(workspace: str) -> None:
    """Kill them until there are none. It sleeps: for a thread."""
    until = time.monotonic() + _PATIENCE
    # Again and again: what is killed may have forked meanwhile.
    while (pids := leftovers(workspace)) and time.monotonic() < until:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL)


def _parents() -> dict[int, int]:
    """The parent of each living process of our own uid."""
    uid, found = os.getuid(), {}
    for name in os.listdir(_PROC):  # noqa: PTH208  # a Path for each process is ten times the cost
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{name}").st_uid == uid and (parent := _parent(name)) is not None:  # noqa: PTH116  # the same
                    found[int(name)] = parent
    return found


def _parent(pid: str) -> int | None:
    stat = (_PROC / pid / "stat").read_bytes()
    # pid (comm) state ppid …; comm may hold spaces and parentheses.
    state, parent = stat[stat.rindex(b")") + 2 :].split(maxsplit=2)[:2]
    return None if state in (b"Z", b"X") else int(parent)


def _is_ours(pid: int, parents: dict[int, int]) -> bool:
    """Whether it is this guest, or comes from it: a terminal, an agent or a helper, which end otherwise."""
    ours, seen = os.getpid(), set[int]()
    while pid not in seen:  # pids may have been given anew while we looked
        if pid == ours:
            return True
        seen.add(pid)
        pid = parents.get(pid, 0)
    return False


def _has(pid: int, mark: bytes) -> bool:
    with contextlib.suppress(OSError):
        return mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    return False
