"""How much of the disk the workspace takes, and whether it may take more."""

import asyncio
import logging
from asyncio.subprocess import DEVNULL, PIPE
from typing import Final

from guest import clock
from guest.room import Room
from shared.errors import Code, Fault

_FRESH: Final = 30.0
"""Seconds for which a measurement is good."""
_AGAIN: Final = 2.0
"""Seconds after which one that says no is taken anew: the tenant may have tidied up."""
_PATIENCE: Final = 5.0
"""Seconds that a caller waits for a measurement; after that the last one counts, or none."""
_SHARE: Final = 10
"""A measurement is good for so many times as long as it took, so that large homes are not measured all the time."""
_log: Final = logging.getLogger(__name__)


class Quota:
    """Measures the home by `du`, in a child process that gives way to all others, and only while somebody asks."""

    def __init__(self, room: Room) -> None:
        """The limit is `workspace_bytes`; 0 is none."""
        self.limit = room.settings.workspace_bytes
        self.used: int | None = None
        """Bytes, as they were measured last."""
        self._argv = ("nice", "-n", "19", "du", "--summarize", "--one-file-system", "--block-size=1", "--", str(room.home))
        self._environment = dict(room.environment)
        self._measured = 0.0
        self._took = 0.0
        self._job: asyncio.Task[None] | None = None

    async def check(self) -> None:
        """Raise Fault LIMIT when the home has the bytes that it may have, as far as is known."""
        if not self.limit:
            return
        full = self.used is not None and self.used >= self.limit
        if self.used is None or self._age() > max(_AGAIN if full else _FRESH, _SHARE * self._took):
            self._job = self._job or asyncio.create_task(self._measure())
        if self._job and (full or self.used is None):
            await asyncio.wait((self._job,), timeout=_PATIENCE)
        if self.used is not None and self.used >= self.limit:
            raise Fault(Code.LIMIT, f"the workspace takes {self.used} bytes of disk, and may take {self.limit}")

    def _age(self) -> float:
        return clock.uptime() - self._measured

    async def _measure(self) -> None:
        began = clock.uptime()
        try:
            process = await asyncio.create_subprocess_exec(
                *self._argv, env=self._environment, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True
            )
            try:
                output, _ = await process.communicate()
            except asyncio.CancelledError:
                process.kill()
                await process.communicate()
                raise
            # Its exit status only says whether some folder could not be read.
            self.used = int(output.split(maxsplit=1)[0])
        except (OSError, ValueError, IndexError) as error:
            _log.warning("the home cannot be measured: %r", error)
        finally:
            self._measured = clock.uptime()
            self._took = self._measured - began
            self._job = None

    async def close(self) -> None:
        """Measure no more."""
        if self._job:
            self._job.cancel()
            await asyncio.wait((self._job,))
