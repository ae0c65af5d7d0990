"""All files of the home, made by a process of its own and handed on at the pace of whoever takes them."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

from guest.files.transfers import PATIENCE
from guest.room import Room
from guest.supervisor import Supervisor
from guest.waits import unless_gone
from shared.errors import Code, Fault
from shared.files import CHUNK_MAX
from shared.guestwire.export import Exported, ExportHome
from shared.guestwire.files import Chunk
from shared.link import Link
from shared.messages import Done


class ExportStreams:
    """The archive of the home."""

    def __init__(self, parts: Supervisor) -> None:
        """Stream from `parts`."""
        self._parts = parts
        self._making = asyncio.Lock()

    async def export_home(self, link: Link, request: ExportHome) -> None:
        """One at a time."""
        if self._making.locked():
            raise Fault(Code.BUSY, "the workspace is being exported")
        async with self._making:
            with self._parts.idle:
                await self._export(link, request)

    async def _export(self, link: Link, request: ExportHome) -> None:
        process = await _start(self._parts.room)
        try:
            await link.send(Done(id=request.id))
            size = await unless_gone(link, _hand_on(process, link))
            if await process.wait() != 0:
                raise Fault(Code.FAILED, "the archive could not be made; the guest's log says more")
            await link.send(Exported(id=request.id, size=size))
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


async def _start(room: Room) -> Process:
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-m", "guest.export", room.workspace),
            cwd=room.home,
            env=dict(room.environment),
            stdin=DEVNULL,
            stdout=PIPE,
            limit=CHUNK_MAX,
            start_new_session=True,
        )
    except OSError as error:
        raise Fault(Code.FAILED, f"the archive cannot be made now: {error.strerror}") from error


async def _hand_on(process: Process, link: Link) -> int:
    """All that the process writes; how many bytes."""
    assert process.stdout is not None  # noqa: S101  # it is a PIPE
    size = 0
    while data := await process.stdout.read(CHUNK_MAX):
        size += len(data)
        try:
            async with asyncio.timeout(PATIENCE):
                await link.send(Chunk(data))
        except TimeoutError:
            link.close()  # half a frame is out: nothing can follow it
            raise Fault(Code.TIMEOUT, "the archive was not taken in time") from None
    return size
