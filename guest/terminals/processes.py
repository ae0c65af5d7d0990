"""Processes by the session (setsid(2)) that they belong to, from proc(5)."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path
from typing import Final

_GRACE: Final = 0.4
"""Seconds between SIGHUP and SIGKILL."""
_PATIENCE: Final = 5.0
"""Seconds after which a process that even SIGKILL does not end (sleeping in the kernel) is left to itself."""
_POLL: Final = 0.005
_PROC: Final = Path("/proc")


def members(session: int) -> list[int]:
    """Pids of the processes in `session` that are not zombies."""
    return [int(name) for name in os.listdir(_PROC) if name.isdigit() and _session(name) == session]  # noqa: PTH208  # a Path for each process is ten times the cost


def _session(pid: str) -> int | None:
    try:
        stat = (_PROC / pid / "stat").read_bytes()
    except OSError:
        return None
    # pid (comm) state ppid pgrp session …; comm may hold spaces and parentheses.
    state, _ppid, _group, session = stat[stat.rindex(b")") + 2 :].split(maxsplit=4)[:4]
    return None if state in (b"Z", b"X") else int(session)


def signal_session(session: int, number: signal.Signals) -> int:
    """Send `number` to all of `session`; how many there were."""
    pids = members(session)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
    return len(pids)


async def end_session(session: int) -> None:
    """Hang up on all processes of `session`, and kill those that stay."""
    clock = asyncio.get_running_loop().time
    began = clock()
    if not signal_session(session, signal.SIGHUP):
        return
    signal_session(session, signal.SIGCONT)
    while (spent := clock() - began) < _PATIENCE:
        await asyncio.sleep(_POLL)
        # Again and again: what is killed may have forked meanwhile.
        if not (signal_session(session, signal.SIGKILL) if spent > _GRACE else members(session)):
            return
