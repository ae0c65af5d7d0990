"""Waits for the times of schedules, and has what is due begin."""

import asyncio
from contextlib import suppress
from typing import Final

from api.tasks.runner import TaskRunner
from api.tasks.schedules import BATCH, Schedules
from api.tasks.tasks import Tasks
from shared.errors import Code, Fault
from shared.log import logger

SOONEST: Final = 60.0
"""Seconds until the next look at the latest: the wall clock may be set."""
NAP: Final = 5.0
"""Seconds until the next try when the store is away."""


class Scheduler:
    """What fires schedules. Several processes may do this on one store."""

    def __init__(self, schedules: Schedules, tasks: Tasks, runner: TaskRunner) -> None:
        """Wake `runner` for what was made."""
        self._schedules = schedules
        self._tasks = tasks
        self._runner = runner
        self._more = asyncio.Event()

    def wake(self) -> None:
        """A schedule was made or changed."""
        self._more.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                await self._round()
            except Fault as fault:
                logger().warning("schedules cannot go on", reason=str(fault))
            except Exception:  # noqa: BLE001  # a defect must not stop the schedules of all
                logger().exception("schedules cannot go on")
            else:
                continue
            await asyncio.sleep(NAP)

    async def _round(self) -> None:
        self._more.clear()
        number, made = await self._schedules.fire()
        for workspace, task in made:
            logger().info("a schedule fires", workspace=workspace, task=task)
            await self._told(workspace, task)
        if made:
            self._runner.wake()
        if number == BATCH:
            return
        due = await self._schedules.next_due()
        rest = SOONEST if due is None else min(max(due - self._schedules.clock(), 0.0), SOONEST)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._more.wait(), rest)

    async def _told(self, workspace: str, task: str) -> None:
        try:
            await self._tasks.tell(await self._tasks.find(workspace, task))
        except Fault as fault:
            if fault.code is not Code.NOT_FOUND:  # it was deleted just now
                raise
