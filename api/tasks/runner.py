"""Runs the tasks of all workspaces: takes up what an earlier process left, then begins what is due.

Several processes may do this on one store: to begin a task and to write its end are conditional changes, and what two follow at
once is one turn.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar

from api.guests import Guests
from api.secrets import Secrets
from api.sweeper import Sweeper
from api.tasks.attempts import Attempt
from api.tasks.records import ENDED, Outcome, Task, TaskStatus
from api.tasks.tasks import Tasks
from api.workspaces import Workspaces
from shared.errors import Fault
from shared.log import logger

SOONEST: Final = 60.0
"""Seconds until the next look at the latest: the wall clock may be set, and another process end that ran tasks."""
NAP: Final = 5.0
"""Seconds until the next try when the store is away."""

T = TypeVar("T")


class TaskRunner:
    """What runs tasks."""

    def __init__(self, tasks: Tasks, *, guests: Guests, sweeper: Sweeper, secrets: Secrets, workspaces: Workspaces) -> None:
        """Nothing runs yet."""
        self._tasks = tasks
        self._guests = guests
        self._sweeper = sweeper
        self._secrets = secrets
        self._workspaces = workspaces
        self._attempts: dict[str, Attempt] = {}
        """By turn: a task that is tried again has another."""
        self._runs: set[asyncio.Task[None]] = set()
        self._more = asyncio.Event()

    def wake(self) -> None:
        """There may be more to do."""
        self._more.set()

    async def cancel(self, workspace: str, task: str) -> Task:
        """Have a task end, and its turn if it runs. Fault NOT_FOUND."""
        cancelled = await self._tasks.cancel(workspace, task)
        if attempt := self._attempts.get(cancelled.turn or ""):
            attempt.stop()
        elif cancelled.status is TaskStatus.RUNNING and cancelled.session and cancelled.turn:
            with suppress(Fault):  # another process follows it; if it has not begun, that one sees the mark
                await self._guests.cancel_turn(workspace, cancelled.session, cancelled.turn)
        return cancelled

    async def run(self) -> None:
        """Go on until cancelled. What runs then goes on in its guest, and is taken up by the next process."""
        try:
            while True:
                await self._until_done(self._round)
        finally:
            for run in tuple(self._runs):
                run.cancel()
            await asyncio.gather(*self._runs, return_exceptions=True)

    async def _until_done(self, work: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                return await work()
            except Fault as fault:
                logger().warning("tasks cannot go on", reason=str(fault))
            except Exception:  # noqa: BLE001  # a defect must not stop the tasks of all
                logger().exception("tasks cannot go on")
            await asyncio.sleep(NAP)

    async def _round(self) -> None:
        """Begin what is due, then wait until more may be."""
        self._more.clear()
        now = time.time()
        # Before the store is read: one of ours that ends meanwhile is not taken up again.
        ours = frozenset(self._attempts)
        claimed = await self._tasks.claim(now)
        for task in claimed:
            self._begin(task)
        if claimed:  # there may be more, of other workspaces
            return
        for task in await self._tasks.running(ours):  # another process may have left them just now
            self._begin(task)
        # Of the same moment: what has become due since is not forgotten.
        due = await self._tasks.next_due(now)
        rest = SOONEST if due is None else min(max(due - time.time(), 0.0), SOONEST)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._more.wait(), rest)

    def _begin(self, task: Task) -> None:
        attempt = self._attempts[task.turn or ""] = Attempt(
            task,
            tasks=self._tasks,
            guests=self._guests,
            sweeper=self._sweeper,
            secrets=self._secrets,
            workspaces=self._workspaces,
        )
        run = asyncio.create_task(self._attempt(task, attempt), name=f"task {task.id}")
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)

    async def _attempt(self, task: Task, attempt: Attempt) -> None:
        logger().info("a task begins", workspace=task.workspace, task=task.id, turn=task.turn, attempt=task.attempt)
        try:
            outcome = await attempt.run()
            settled = await self._until_done(lambda: self._tasks.settle(task, outcome))
        finally:
            del self._attempts[task.turn or ""]
            self.wake()
        if settled is not None:
            logger().info("a task's attempt ended", workspace=task.workspace, task=task.id, status=settled.status)
            await self._clean(settled, outcome, task.session or "")

    async def _clean(self, settled: Task, outcome: Outcome, session: str) -> None:
        """Delete a session that nobody needs any more. It is of the task alone."""
        over = settled.status in ENDED and not settled.plan.keep_session
        if settled.plan.session_id is None and (over or outcome.fresh):
            try:
                await self._guests.delete_session(settled.workspace, session)
            except Fault as fault:
                logger().info("a task's session stays", workspace=settled.workspace, session=session, reason=str(fault))
