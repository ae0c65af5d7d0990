"""The git command, in an environment of our own making, as the tenant.

A repository is hostile until proved otherwise: its hooks and its fsmonitor do not run for what the guest does, submodules are
left alone, and only the configured protocols are spoken. The configuration of the host and of the tenant applies, because
proxies, certificate authorities and filters such as LFS are set up there.
"""

import asyncio
import contextlib
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from guest.credentials import Access
from guest.room import Room
from shared.errors import Code, Fault
from shared.rooms import Progress

_OPTIONS: Final = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "submodule.recurse=false"),
    *("-c", "advice.detachedHead=false"),
    *("-c", "init.defaultBranch=main"),
    # These would go on in the background, after the command.
    *("-c", "gc.auto=0"),
    *("-c", "maintenance.auto=false"),
)
_TIMEOUT: Final = 120.0
"""Seconds for a command that only works on the disk."""
_OUTPUT_MAX: Final = 4 * 1024 * 1024
_LINE_MAX: Final = 1000
_LINES_MAX: Final = 20
_REASON_MAX: Final = 2000
"""Characters of a reason, as `SessionInfo.error` allows."""
_PROGRESS: Final = re.compile(r"(?:remote: )?([A-Z][A-Za-z ]{1,60}):\s+(\d{1,3})% \(")
_NOISE: Final = re.compile(r"(?:remote: )?[A-Z][A-Za-z ]{1,60}: +\d+|Cloning into |(?:remote: )?\s*$|warning: |hint: ")
_CONTROL: Final = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x1f\x7f-\x9f]")
_USERINFO: Final = re.compile(r"(?<=://)[^/@\s']*@")


class GitError(Fault):
    """A git command failed; `message` is its own reason."""

    def __init__(self, message: str, status: int) -> None:
        """Keep git's exit status too."""
        super().__init__(Code.FAILED, message)
        self.status = status


class Git:
    """Runs git commands for one workspace."""

    def __init__(self, room: Room) -> None:
        """Take the environment and the protocols from `room`."""
        self._environment = {
            **room.environment,
            "GIT_ALLOW_PROTOCOL": ":".join(room.settings.git_protocols),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PAGER": "cat",
        }

    async def run(
        self,
        *args: str,
        cwd: Path,
        access: Access | None = None,
        timeout: float = _TIMEOUT,  # noqa: ASYNC109  # a deadline of the whole, process group included
        on_progress: Callable[[Progress], None] | None = None,
    ) -> str:
        """Run `git ARGS` in `cwd`; what it prints. Its whole process group is gone when this returns or raises.

        Raises GitError when it fails, Fault TIMEOUT after `timeout` seconds.
        """
        access = access or Access()
        process = await self._start(args, cwd, access)
        messages = _Messages(access, on_progress)
        finished = False
        try:
            async with asyncio.timeout(timeout):
                output, _, status = await asyncio.gather(_read(process), messages.follow(process), process.wait())
            finished = True
        except TimeoutError:
            raise Fault(Code.TIMEOUT, f"git took more than {timeout:g} seconds") from None
        finally:
            if not finished:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await asyncio.shield(process.wait())
        if status:
            raise GitError(messages.reason() or f"git ended with status {status}", status)
        return output

    async def _start(self, args: tuple[str, ...], cwd: Path, access: Access) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                "git",
                *_OPTIONS,
                *access.options,
                *args,
                cwd=cwd,
                env={**self._environment, **access.environment},
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                pass_fds=access.fds,
                start_new_session=True,
            )
        except OSError as error:
            raise Fault(Code.FAILED, f"git cannot be started: {error.strerror}") from error


async def _read(process: Process) -> str:
    if process.stdout is None:
        raise AssertionError("no pipe was asked for")
    output = bytearray()
    while chunk := await process.stdout.read(64 * 1024):
        output += chunk
        if len(output) > _OUTPUT_MAX:
            raise Fault(Code.TOO_LARGE, "git printed too much")
    return output.decode(errors="replace").strip()


class _Messages:
    """What git says on its standard error: progress, and at last a reason."""

    def __init__(self, access: Access, on_progress: Callable[[Progress], None] | None) -> None:
        self._secrets = access.secrets
        self._on_progress = on_progress
        self._lines: deque[str] = deque(maxlen=_LINES_MAX)

    async def follow(self, process: Process) -> None:
        if process.stderr is None:
            raise AssertionError("no pipe was asked for")
        rest = b""
        while chunk := await process.stderr.read(16 * 1024):
            *lines, rest = re.split(rb"[\r\n]", rest + chunk)
            rest = rest[-_LINE_MAX:]
            for line in lines:
                self._take(line[:_LINE_MAX].decode(errors="replace"))
        self._take(rest.decode(errors="replace"))

    def _take(self, line: str) -> None:
        if match := _PROGRESS.match(line):
            if self._on_progress:
                self._on_progress(Progress(match[1], min(int(match[2]), 100)))
        elif not _NOISE.match(line):
            self._lines.append(self._clean(line))

    def _clean(self, line: str) -> str:
        for secret in self._secrets:
            line = line.replace(secret, "****")
        return _USERINFO.sub("", _CONTROL.sub("", line))

    def reason(self) -> str:
        return "\n".join(self._lines)[-_REASON_MAX:]
