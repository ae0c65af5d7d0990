"""All that an agent has started, by proc(5), and its end.

Agents start children in sessions of their own, which outlive their parent. What is theirs is told by two signs: a variable in
the environment, which children inherit, and the chain of parents, which also finds those that have another environment.
"""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final, NamedTuple

VARIABLE: Final = "HOSTEL_AGENT"
"""The environment variable that marks an agent's processes."""
_PATIENCE: Final = 5.0
"""Seconds after which a process that even SIGKILL does not end (sleeping in the kernel) is left to itself."""
_POLL: Final = 0.005
_ROUNDS: Final = 50
"""Rounds in which a family that keeps forking is stopped before it is killed all the same."""
_PROC: Final = Path("/proc")


class Who(NamedTuple):
    """A process, told apart from a later one with its pid."""

    pid: int
    started: int
    """In ticks since the boot."""


class _Entry(NamedTuple):
    who: Who
    parent: int


def offspring(mark: bytes, known: frozenset[Who] = frozenset(), but: bytes | None = None) -> frozenset[Who]:
    """Living processes of our own uid: those of `known`, those whose mark begins with `mark`, and all of their descendants.

    What is marked with `but` is left out.
    """
    entries = _entries()
    family = {e.who for e in entries if e.who in known or _marked(e.who.pid, mark, but)}
    while more := {e.who for e in entries if e.who not in family and e.parent in {who.pid for who in family}}:
        family |= more
    return frozenset(family)


def find(pid: int) -> frozenset[Who]:
    """The process `pid`, if it lives."""
    with contextlib.suppress(OSError):
        if entry := _entry(str(pid)):
            return frozenset({entry.who})
    return frozenset()


def _entries() -> list[_Entry]:
    uid, ours = os.getuid(), os.getpid()
    found = []
    for name in os.listdir(_PROC):  # noqa: PTH208  # a Path for each process is ten times the cost
        if name.isdigit() and int(name) != ours:
            with contextlib.suppress(OSError):
                # A zombie has nothing left to end, and its children have another parent.
                if os.stat(f"/proc/{name}").st_uid == uid and (entry := _entry(name)):  # noqa: PTH116  # the same
                    found.append(entry)
    return found


def _entry(pid: str) -> _Entry | None:
    stat = (_PROC / pid / "stat").read_bytes()
    # pid (comm) state ppid …, the 22nd is the start; comm may hold spaces and parentheses.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else _Entry(Who(int(pid), int(fields[19])), int(fields[1]))


def _marked(pid: int, mark: bytes, but: bytes | None) -> bool:
    try:
        environment = (_PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return False
    start = f"{VARIABLE}=".encode()
    return any(
        line.startswith(start + mark) and not (but and line.startswith(start + but)) for line in environment.split(b"\0")
    )


async def end_offspring(mark: bytes, known: frozenset[Who] = frozenset(), but: bytes | None = None) -> None:
    """End all that `offspring` finds, again and again until nothing is left."""
    # In a thread: a tenant may have thousands of processes, and the terminals must not wait for them.
    await asyncio.to_thread(_end, mark, known, but)


def _end(mark: bytes, known: frozenset[Who], but: bytes | None) -> None:
    until = time.monotonic() + _PATIENCE
    while (family := _stopped(mark, known, but)) and time.monotonic() < until:
        _signal(family, signal.SIGKILL)
        known |= family
        time.sleep(_POLL)


def _stopped(mark: bytes, known: frozenset[Who], but: bytes | None) -> frozenset[Who]:
    """The whole family, stopped, so that none of it forks between being looked up and being killed."""
    family: frozenset[Who] = frozenset()
    for _ in range(_ROUNDS):
        found = offspring(mark, known | family, but)
        if found <= family:
            return found
        _signal(found - family, signal.SIGSTOP)
        family = found
    return family


def _signal(family: frozenset[Who], number: signal.Signals) -> None:
    for who in family:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(who.pid, number)
