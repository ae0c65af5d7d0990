"""Finds lines in the files of a clone: git says which files there are, a child process with a deadline looks into them."""

import asyncio
import contextlib
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Final

import msgspec

from guest.bulkhead import Bulkhead
from guest.files.paths import Root, meant, parts
from guest.files.searcher import Refused, Task
from guest.git.git import Git, inside
from guest.room import Room
from shared.errors import Code, Fault
from shared.guestwire.files import Found, SearchFiles

_TIMEOUT: Final = 20.0
"""Seconds until the child is killed; it stops by itself before, unless one line holds it up."""
_SPECIAL: Final = re.compile(rb"[*?\[\]\\]")
_LIST_MAX: Final = 8 * 1024 * 1024
"""Bytes of the names of the files that are looked into."""
AT_ONCE: Final = 2
WAITING: Final = 20
"""Searches of the workspace."""


class Search:
    """Searches for one workspace."""

    def __init__(self, room: Room, git: Git) -> None:
        """Look into the sessions of `room`."""
        self._sessions = room.sessions
        self._environment = dict(room.environment)
        self._git = git
        self._bulkhead = Bulkhead(AT_ONCE, WAITING)

    async def run(self, folder: Path, root: Root, request: SearchFiles) -> Found:
        """The lines that match. Raises Fault BAD_REQUEST for a wrong pattern, BUSY, TIMEOUT, FAILED."""
        async with self._bulkhead.slot():
            return await self._run(folder, root, request)

    async def _run(self, folder: Path, root: Root, request: SearchFiles) -> Found:
        listed = await self._git.capture(
            *("ls-files", "--cached", "--others", "--deduplicate", "-z"),
            *(() if request.ignored else ("--exclude-standard",)),
            *("--", _scope(request)),
            cwd=folder,
            environment={**inside(folder), "GIT_LITERAL_PATHSPECS": "0", "GIT_OPTIONAL_LOCKS": "0"},
            timeout=_TIMEOUT,
            cap=_LIST_MAX,
        )
        task = msgspec.json.encode(Task(str(root.sessions), root.names, request))
        answer = await self._child(task + b"\0" + listed.data)
        try:
            found = msgspec.json.decode(answer, type=Found | Refused)
        except msgspec.DecodeError:
            raise Fault(Code.FAILED, "the search failed; the pattern may need too much memory") from None
        if isinstance(found, Refused):
            raise Fault(Code.BAD_REQUEST, f"the pattern cannot be used: {found.reason}")
        return msgspec.structs.replace(found, truncated=True) if listed.cut else found

    async def _child(self, task: bytes) -> bytes:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "guest.files.searcher"),
            env=self._environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(_TIMEOUT):
                answer, _ = await process.communicate(task)
        except TimeoutError:
            raise Fault(Code.TIMEOUT, f"the search took more than {_TIMEOUT:g} seconds") from None
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
        return answer


def _scope(request: SearchFiles) -> str:
    """The pathspec of the files that are looked into."""
    base = _SPECIAL.sub(rb"\\\g<0>", b"/".join(parts(request.path)))
    glob = request.glob or "**"
    if glob.startswith("/") or ".." in glob.split("/"):
        raise Fault(Code.BAD_REQUEST, "the glob must stay inside of the folder")
    if "/" not in glob and glob != "**":
        glob = f"**/{glob}"
    return os.fsdecode(b":(top,glob)" + (base + b"/" if base else b"") + meant(glob))
