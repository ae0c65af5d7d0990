"""The git command, in an environment of our own making, as the tenant.

A repository is hostile until proved otherwise: its hooks and its fsmonitor do not run for what the guest does, submodules are
left alone, and only the configured protocols are spoken. It asks no program for a password, a signature, an editor or a pager.
The configuration of the host and of the tenant applies, because proxies, certificate authorities, filters such as LFS and merge
drivers are set up there: whoever may write the repository's own `config` has these run, as the tenant.
"""

import asyncio
import contextlib
import os
import re
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from guest.git.credentials import Access
from guest.room import Room
from shared.errors import Code, Fault
from shared.rooms import Progress

_OPTIONS: Final = (
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.fsmonitor=false"),
    *("-c", "submodule.recurse=false"),
    *("-c", "advice.detachedHead=false"),
    *("-c", "init.defaultBranch=main"),
    # What a repository's own configuration would have run beside these.
    *("-c", "commit.gpgSign=false"),
    *("-c", "tag.gpgSign=false"),
    *("-c", "push.gpgSign=false"),
    *("-c", "log.showSignature=false"),
    *("-c", "merge.verifySignatures=false"),
    *("-c", "core.alternateRefsCommand=true"),
    *("-c", "safe.bareRepository=explicit"),
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


def inside(folder: Path) -> dict[str, str]:
    """The environment of a command about the files in `folder` alone, whatever a configuration says, or is above it."""
    return {"GIT_CEILING_DIRECTORIES": str(folder.parent), "GIT_WORK_TREE": str(folder), "GIT_LITERAL_PATHSPECS": "1"}


class GitError(Fault):
    """A git command failed; `message` is its own reason."""

    def __init__(self, message: str, status: int, output: bytes = b"") -> None:
        """Keep git's exit status and its standard output too."""
        super().__init__(Code.FAILED, message)
        self.status = status
        self.output = output


class Git:
    """Runs git commands for one workspace."""

    def __init__(self, room: Room) -> None:
        """Take the environment and the protocols from `room`."""
        self._environment = {
            **room.environment,
            "GIT_ALLOW_PROTOCOL": ":".join(room.settings.git_protocols),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_PAGER": "cat",
            "GIT_EDITOR": "true",
            # Empty, they keep git from asking the programs that a configuration names.
            "GIT_ASKPASS": "",
            "GIT_PROXY_COMMAND": "",
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
        printed = await self.capture(*args, cwd=cwd, access=access, timeout=timeout, on_progress=on_progress)
        if printed.cut:
            raise Fault(Code.TOO_LARGE, "git printed too much")
        return printed.data.decode(errors="replace").strip()

    async def capture(
        self,
        *args: str,
        cwd: Path,
        access: Access | None = None,
        timeout: float = _TIMEOUT,  # noqa: ASYNC109  # as above
        on_progress: Callable[[Progress], None] | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        cap: int = _OUTPUT_MAX,
        fine: Collection[int] = (0,),
    ) -> "Printed":
        """The same with `stdin`, and as bytes, of which those after `cap` are cut off.

        Raises GitError for an exit status that is not `fine`, Fault TIMEOUT.
        """
        access = access or Access()
        process = await self._start(args, cwd, access, environment or {}, piped=bool(stdin))
        messages = _Messages(access, on_progress)
        finished = False
        try:
            async with asyncio.timeout(timeout):
                output, *_ = await asyncio.gather(
                    _read(process, cap), messages.follow(process), process.wait(), _feed(process, stdin)
                )
            finished = True
        except TimeoutError:
            raise Fault(Code.TIMEOUT, f"git took more than {timeout:g} seconds") from None
        finally:
            if not finished:
                _kill(process)
                await asyncio.shield(process.wait())
        status = process.returncode or 0
        if len(output) <= cap and status not in fine:
            raise GitError(
                messages.reason() or _reason(bytes(output[:_REASON_MAX])) or f"git ended with status {status}",
                status,
                bytes(output),
            )
        return Printed(bytes(output[:cap]), len(output) > cap, status)

    async def _start(
        self, args: tuple[str, ...], cwd: Path, access: Access, environment: Mapping[str, str], *, piped: bool
    ) -> Process:
        try:
            return await asyncio.create_subprocess_exec(
                "git",
                *_OPTIONS,
                *access.options,
                *args,
                cwd=cwd,
                env={**self._environment, **access.environment, **environment},
                stdin=PIPE if piped else DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
                pass_fds=access.fds,
                start_new_session=True,
            )
        except OSError as error:
            raise Fault(Code.FAILED, f"git cannot be started: {error.strerror}") from error


class Printed(Struct, frozen=True):
    """What a git command has printed on its standard output."""

    data: bytes
    cut: bool
    """Whether there was more; the command was ended then."""
    status: int


async def _feed(process: Process, data: bytes) -> None:
    if process.stdin is None:
        return
    process.stdin.write(data)
    with contextlib.suppress(ConnectionError):  # it has ended, and its status says why
        await process.stdin.drain()
    process.stdin.close()


async def _read(process: Process, cap: int) -> bytearray:
    """What it prints; it is ended when that is more than `cap` bytes."""
    if process.stdout is None:
        raise AssertionError("no pipe was asked for")
    output = bytearray()
    while len(output) <= cap and (chunk := await process.stdout.read(64 * 1024)):
        output += chunk
    if len(output) > cap:
        _kill(process)
    return output


def _kill(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _reason(output: bytes) -> str:
    """Some commands give their reason on the standard output."""
    return _CONTROL.sub(" ", output.decode(errors="replace")).strip()


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
