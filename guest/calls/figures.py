"""Figures."""

import asyncio
import os
import resource

from guest.processes import Processes
from guest.supervisor import Supervisor
from shared.guestwire import figures as wire
from shared.guestwire.watch import TurnChanged


class FigureCalls:
    """The verb about what a workspace uses."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts

    async def get_figures(self, _request: wire.GetFigures) -> wire.Figures:
        """What runs, and what it uses."""
        parts, disk = self._parts, os.statvfs(self._parts.room.home)
        processes = await asyncio.to_thread(Processes.now)
        return wire.Figures(
            processes=processes.number,
            threads=processes.threads,
            memory=processes.memory,
            cpu=round(processes.cpu, 2),
            partial=processes.seen < processes.number,
            processes_limit=_limit(resource.RLIMIT_NPROC),
            open_files_limit=_limit(resource.RLIMIT_NOFILE),
            terminals=sum(not terminal.exit for terminal in parts.terminals.of()),
            turns=sum(isinstance(news, TurnChanged) for _, news in parts.turns.changing()),
            disk=parts.quota.used,
            disk_limit=parts.quota.limit or None,
            disk_total=disk.f_blocks * disk.f_frsize,
            disk_free=disk.f_bavail * disk.f_frsize,
        )


def _limit(kind: int) -> int | None:
    soft, _ = resource.getrlimit(kind)
    return None if soft == resource.RLIM_INFINITY else soft
