"""A program on a pseudo-terminal, and its master side: reads and writes that never block, and its end."""

import asyncio
import errno
import os
import signal
import termios
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from ptyprocess.ptyprocess import PtyProcess

from guest.terminals.processes import end_session
from shared.errors import Code, Fault

READ_MAX: Final = 64 * 1024
"""Bytes that one wake-up takes from a pty."""
_SHORT: Final = 1024
"""A read of fewer bytes has most likely taken all; to make sure costs more than another wake-up would."""
_READS: Final = 64
"""Reads in one wake-up: a program that prints byte by byte must not keep the loop."""
PENDING_MAX: Final = 64 * 1024
"""Bytes of input that wait for the program to read; whoever writes more waits."""
_LAST_CALL: Final = 0.5
"""Seconds after the exit in which the terminal's other programs may still print, if they hold it open."""

# What is read is copied before the next read, and there is one thread: one buffer serves all terminals.
_scratch: Final = memoryview(bytearray(READ_MAX))


class Exit(Struct, frozen=True):
    """How a program ended: one of both."""

    code: int | None
    signal: str | None


class Pty:
    """A running program and the master of its terminal."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        size: tuple[int, int],
        read_max: int,
        on_output: Callable[[memoryview], None],
        on_drained: Callable[[], None],
        on_exit: Callable[[Exit], None],
    ) -> None:
        """Start `argv` in `cwd` on a terminal of `size` (columns, rows).

        `on_output` gets what it prints, at most `read_max` bytes at once, in a buffer that is valid during the call only;
        `on_drained` says that no more output comes; `on_exit` says how it ended. Both come once, in either order.
        Raises Fault BAD_REQUEST when the program cannot be started.
        """
        self.pid, self._fd = _spawn(argv, cwd, env, size)
        self._loop = asyncio.get_running_loop()
        self._read_max = min(read_max, READ_MAX)
        self._on_output = on_output
        self._on_drained = on_drained
        self._on_exit = on_exit
        self._pending = bytearray()
        self._room = asyncio.Event()
        self._room.set()
        self._reading = False
        self._drained = False
        self._last_call = False
        self._has_exited = False
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._exited)
        self.resume()

    def pause(self) -> None:
        """Read no more for now; the program stops when the kernel's buffer is full."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._fd)

    def resume(self) -> None:
        """Read again."""
        if not self._reading and not self._drained:
            self._reading = True
            self._loop.add_reader(self._fd, self._readable)

    def _readable(self) -> None:
        size, ended = self._fill()
        if size:
            self._on_output(_scratch[:size])
        if ended:
            self._end_of_output()

    def _fill(self) -> tuple[int, bool]:
        """How many bytes are in the buffer now, and whether no more will come."""
        size = 0
        try:
            for _ in range(_READS):
                taken = os.readv(self._fd, [_scratch[size : self._read_max]])
                size += taken
                if size == self._read_max or (taken < _SHORT and not self._last_call):
                    break
        except BlockingIOError:
            return size, self._last_call
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: the last program has closed the terminal, pty(7)
                raise
            return size, True
        return size, False

    def _end_of_output(self) -> None:
        if self._drained:
            return
        self.pause()
        self._drained = True
        self._drop_input()
        self._on_drained()

    def _exited(self) -> None:
        if self._has_exited:
            return
        self._has_exited = True
        self._loop.remove_reader(self._pidfd)
        if not self._drained:
            self._loop.call_later(_LAST_CALL, self._call_last)
        # It stays a zombie until `close`, so that its pid, which is also its session's, is not given to another meanwhile.
        self._on_exit(_exit(os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOWAIT | os.WNOHANG)))

    def _call_last(self) -> None:
        # The kernel hangs a terminal up when its leader exits, so the end has come by now, unless the leader gave it away.
        self._last_call = True
        if self._reading:
            self._readable()

    async def write(self, data: bytes) -> None:
        """Hand `data` to the program as typed; waits while much is pending. Nothing happens once it has ended."""
        while not self._room.is_set():
            await self._room.wait()
        if self._drained:
            return
        self._pending += data
        self._flush()

    def _flush(self) -> None:
        try:
            while self._pending:
                del self._pending[: os.write(self._fd, self._pending)]
        except BlockingIOError:
            self._loop.add_writer(self._fd, self._flush)
            if len(self._pending) >= PENDING_MAX:
                self._room.clear()
            else:
                self._room.set()
        except OSError:
            self._drop_input()
        else:
            self._loop.remove_writer(self._fd)
            self._room.set()

    def _drop_input(self) -> None:
        self._loop.remove_writer(self._fd)
        self._pending.clear()
        self._room.set()

    def resize(self, size: tuple[int, int]) -> None:
        """Give the terminal another size (columns, rows); its programs get SIGWINCH."""
        if not self._drained:
            termios.tcsetwinsize(self._fd, (size[1], size[0]))

    async def close(self) -> None:
        """End all programs of the terminal's session and give back its descriptors."""
        self._end_of_output()
        await end_session(self.pid)
        self._exited()
        os.close(self._fd)
        os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)  # noqa: ASYNC222  # WNOHANG
        os.close(self._pidfd)


class _Process(PtyProcess):  # type: ignore[misc]  # ptyprocess has no types
    """A PtyProcess that lets go without the sleep of its close()."""

    def __del__(self) -> None:
        """Reap what could not be started."""
        if not self.closed:
            os.close(self.release())
            os.waitpid(self.pid, 0)

    def release(self) -> int:
        """Close the file object, which has two buffers; a descriptor of the master."""
        fd = os.dup(self.fd)
        self.fileobj.close()
        self.closed = True
        return fd


def _spawn(argv: Sequence[str], cwd: Path, env: Mapping[str, str], size: tuple[int, int]) -> tuple[int, int]:
    program = str(cwd / argv[0]) if "/" in argv[0] else argv[0]

    def prepare() -> None:
        # Here rather than by `cwd=`, whose failure in the child ptyprocess would not catch.
        os.chdir(cwd)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    try:
        process = _Process.spawn([program, *argv[1:]], env=dict(env), dimensions=(size[1], size[0]), preexec_fn=prepare)
    except OSError as error:
        raise Fault(Code.BAD_REQUEST, f"cannot start `{argv[0][:200]}`: {_reason(error)}") from error
    fd = process.release()
    os.set_blocking(fd, False)
    return process.pid, fd


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else "there is no such program, or folder"


def _exit(result: os.waitid_result | None) -> Exit:
    if result is None:  # it sleeps in the kernel, and dies when it wakes up
        return Exit(None, signal.SIGKILL.name)
    if result.si_code == os.CLD_EXITED:
        return Exit(result.si_status, None)
    try:
        return Exit(None, signal.Signals(result.si_status).name)
    except ValueError:  # most of the real-time ones have no name
        return Exit(None, f"SIG{result.si_status}")
