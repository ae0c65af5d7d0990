"""Children of hostd: programs that it runs, forks of itself that give up root, and the end of all that a uid runs.

asyncio's own subprocesses are not used: their transports kill the child when they are collected, and what a tenant runs
outlives hostd.
"""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NoReturn

from shared.errors import Code, Fault

ENVIRONMENT: Final = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
_STDERR_MAX: Final = 4096


class Child:
    """A child process that is reaped by its pidfd: no thread, no SIGCHLD handler. Nothing here kills it unasked."""

    def __init__(self, pid: int) -> None:
        """Watch over `pid`, a child that nobody has waited for."""
        self.pid = pid
        self._fd = os.pidfd_open(pid)
        self._loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[int] = self._loop.create_future()
        self._loop.add_reader(self._fd, self._reap)

    def _reap(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)
        _, status = os.waitpid(self.pid, 0)
        self._exit.set_result(os.waitstatus_to_exitcode(status))

    async def wait(self) -> int:
        """The exit code; the negative number of the signal that ended it."""
        return await asyncio.shield(self._exit)

    def kill(self) -> None:
        """Send SIGKILL, unless it has ended."""
        if not self._exit.done():
            signal.pidfd_send_signal(self._fd, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended: its exit code, and the beginning of what it wrote to standard error."""

    code: int
    errors: str


async def run(argv: Sequence[str], *, deadline: float) -> Outcome:
    """Run the program `argv[0]`, an absolute path, in a session of its own for at most `deadline` seconds.

    Raises Fault TIMEOUT after that (it is killed), FAILED when it cannot be started. It goes on if the caller is cancelled.
    """
    loop = asyncio.get_running_loop()
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    kept = bytearray()

    def drain() -> None:
        with contextlib.suppress(BlockingIOError):
            data = os.read(reader, 65_536)
            kept.extend(data[: _STDERR_MAX - len(kept)])
            if not data:
                loop.remove_reader(reader)

    loop.add_reader(reader, drain)
    try:
        child = _spawn(argv, writer)
        try:
            async with asyncio.timeout(deadline):
                code = await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()
            raise Fault(Code.TIMEOUT, f"{Path(argv[0]).name} took longer than {deadline:g} s") from None
        drain()
    finally:
        loop.remove_reader(reader)
        os.close(reader)
    return Outcome(code, kept.decode(errors="replace").strip())


def _spawn(argv: Sequence[str], stderr: int) -> Child:
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0),
        (os.POSIX_SPAWN_DUP2, 0, 1),
        (os.POSIX_SPAWN_DUP2, stderr, 2),
    ]
    try:
        pid = os.posix_spawn(
            argv[0],
            list(argv),
            ENVIRONMENT,
            file_actions=actions,
            setsid=True,
            setsigmask=(),
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
    except OSError as error:
        raise Fault(Code.FAILED, f"cannot run {argv[0]}: {error.strerror}") from error
    finally:
        os.close(stderr)
    return Child(pid)


def fork(main: Callable[[], object]) -> Child:
    """Run `main` in a forked child, which ends with it.

    hostd is small and has one thread, so a fork is safe and takes 0.7 ms, where a fresh interpreter takes 17.
    """
    # A signal between the fork and _be_child would reach asyncio's wake-up descriptor, which both processes share.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            _be_child(main)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return Child(pid)


def _be_child(main: Callable[[], object]) -> NoReturn:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        main()
        status = 0
    finally:
        os._exit(status)


def count_by_uid() -> Counter[int]:
    """How many processes each effective uid has, from one pass over /proc."""
    return Counter(uid for _, uid in _processes())


def _processes() -> Iterator[tuple[str, int]]:
    # The owner of /proc/PID is the effective uid whether or not the process can be dumped: task_dump_owner in fs/proc/base.c.
    with os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdigit():
                with contextlib.suppress(OSError):
                    yield entry.name, entry.stat().st_uid


def _remains(uid: int) -> bool:
    return any(owner == uid and not _is_zombie(pid) for pid, owner in _processes())


def _is_zombie(pid: str) -> bool:
    try:
        # The name comes before, its newlines escaped.
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
    # A process can be one while its other threads still run, or end.
    return "\nState:\tZ" in status and "\nThreads:\t1\n" in status


async def end_all(uid: int, spare: int, deadline: float) -> None:
    """Kill every process of `uid`, until none is left.

    `spare` is a uid that no process ever has: the killer's real and saved uid, so that its victims can neither kill, stop
    nor trace it (kill(2), ptrace(2)), while its effective uid lets it kill all of them, and them alone, in one pass.
    Raises Fault TIMEOUT when some are still there after `deadline` seconds.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + deadline
    pause = 0.001
    while True:
        await fork(partial(_kill_as, uid, spare)).wait()
        if not _remains(uid):
            return
        if loop.time() > end:
            raise Fault(Code.TIMEOUT, f"processes of the workspace are still there after {deadline:g} s")
        await asyncio.sleep(pause)
        pause = min(pause * 2, 0.1)


def _kill_as(uid: int, spare: int) -> None:
    become_killer(uid, spare)
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)


def become_killer(uid: int, spare: int) -> None:
    """Take the ids of a process that can signal those of `uid`, which cannot signal it. For a forked child alone."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(spare, uid, spare)
