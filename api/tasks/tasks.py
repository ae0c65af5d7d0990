"""The rows of tasks. Every step from one status to the next is one conditional change, so that none is made twice."""

import time
from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_, update

from api.auth import Target
from api.serverkeys.keys import Keys
from api.store import Store
from api.streams.watches import Watches
from api.tables import tasks as table
from api.tasks.records import ENDED, Outcome, Plan, Result, Task, TaskStatus
from api.tasks.views import task_view
from api.webhooks import Webhooks
from api.workspaces import Workspaces
from shared.errors import Code, Fault
from shared.ids import new_session_id, new_turn_id
from shared.log import logger
from shared.settings import Tasks as Settings

BATCH: Final = 100
"""Tasks that are looked at in one transaction."""
PAUSE_MAX: Final = 86_400.0
"""Seconds between two tries, at most."""
KEPT_BYTES: Final = 64 * 1024 * 1024
"""Of prompts and results of those that have ended in one workspace: beyond it the oldest are forgotten."""
SLACK: Final = KEPT_BYTES // 4
"""Bytes of prompts that come to a workspace before that is looked at."""
ACTOR_MAX: Final = 64
PURPOSE: Final = "task"
RESULT_PURPOSE: Final = "task result"
_ERROR_MAX: Final = 2000


class Tasks:
    """All tasks."""

    def __init__(
        self, store: Store, keys: Keys, settings: Settings, *, watches: Watches, webhooks: Webhooks, workspaces: Workspaces
    ) -> None:
        """Each change is told by `watches`, each end by `webhooks`."""
        self._store = store
        self._keys = keys
        self.settings = settings
        self._watches = watches
        self._webhooks = webhooks
        self._workspaces = workspaces
        self._grown: Counter[str] = Counter()
        """Bytes of prompts that came to a workspace since its oldest tasks were forgotten."""

    # What there is

    async def find(self, workspace: str, task: str) -> Task:
        """One task. Fault NOT_FOUND."""
        return await self._store.read(lambda connection: self._task(_select(connection, workspace, task)))

    async def page(
        self, workspace: str, before: tuple[float, str] | None, limit: int, status: TaskStatus | None = None
    ) -> list[Task]:
        """At most `limit` tasks, newest first, those older than `before` (time of creation, id)."""
        query = select(table).where(table.c.workspace == workspace)
        if before is not None:
            query = query.where(tuple_(table.c.created, table.c.id) < before)
        if status is not None:
            query = query.where(table.c.status == status)
        query = query.order_by(table.c.created.desc(), table.c.id.desc()).limit(limit)
        return await self._store.read(lambda connection: [self._task(row) for row in connection.execute(query)])

    async def running(self, but: Collection[str] = ()) -> list[Task]:
        """Those that run, or ran when an earlier process ended, without those that are in one of the turns `but`."""
        query = select(table).where(table.c.status == TaskStatus.RUNNING, table.c.turn.not_in(tuple(but)))

        def work(connection: Connection) -> list[Task]:
            found = (self._opened(connection, row) for row in connection.execute(query).all())
            return [task for task in found if task is not None]

        return await self._store.write(work)

    async def is_running(self, task: Task) -> bool:
        """Whether the attempt that `task` tells of has not ended."""
        ours = (table.c.id == task.id, table.c.status == TaskStatus.RUNNING, table.c.turn == task.turn)
        query = select(table.c.id).where(*ours)
        return await self._store.read(lambda connection: connection.execute(query).first() is not None)

    async def next_due(self, after: float) -> float | None:
        """When the next task may begin of those that had to wait for their time at `after`."""
        query = select(func.min(table.c.not_before)).where(table.c.status == TaskStatus.QUEUED, table.c.not_before > after)
        return await self._store.read(lambda connection: connection.scalar(query))

    # How they come and go

    async def create(
        self, workspace: str, task: str, plan: Plan, *, by: str, not_before: float = 0.0, schedule: str | None = None
    ) -> Task:
        """Queue a task, or answer it when it is there. Fault LIMIT when the queue is full."""
        values = self.values(workspace, task, plan, by=by, not_before=not_before) | {"schedule": schedule}

        def work(connection: Connection) -> Task:
            if connection.execute(select(table.c.id).where(table.c.id == task)).first() is None:
                self._check_queue(connection, workspace)
                connection.execute(insert(table), values)
            return self._task(_select(connection, workspace, task))

        made = await self._store.write(work)
        self._grown[workspace] += len(values["sealed"])
        if self._grown[workspace] > SLACK:
            await self._drop_oldest(workspace)
        return self._told(made)

    def values(self, workspace: str, task: str, plan: Plan, *, by: str, not_before: float = 0.0) -> dict[str, Any]:
        """The row of a task that is queued now."""
        now = time.time()
        return {
            "id": task,
            "workspace": workspace,
            "status": TaskStatus.QUEUED,
            "sealed": self._keys.seal(PURPOSE, f"{workspace} {task}", msgspec.json.encode(plan)),
            "attempt": 0,
            "attempts": plan.attempts or 1,
            "timeout": min(plan.timeout or self.settings.timeout, self.settings.timeout),
            "not_before": max(not_before, now),
            "created": now,
            "created_by": by[:ACTOR_MAX],
        }

    def full(self, connection: Connection, workspace: str) -> bool:
        """Whether no more may wait in the workspace."""
        waiting = select(func.count()).where(table.c.workspace == workspace, table.c.status == TaskStatus.QUEUED)
        return (connection.scalar(waiting) or 0) >= self.settings.queued

    def _check_queue(self, connection: Connection, workspace: str) -> None:
        if self.full(connection, workspace):
            raise Fault(Code.LIMIT, f"{self.settings.queued} tasks wait in the workspace, and there may not be more")

    async def remove(self, workspace: str, task: str) -> None:
        """Forget a task that has ended. Fault NOT_FOUND, CONFLICT."""

        def work(connection: Connection) -> None:
            if _select(connection, workspace, task).status not in ENDED:
                raise Fault(Code.CONFLICT, "the task has not ended; cancel it first")
            connection.execute(delete(table).where(table.c.id == task))

        await self._store.write(work)

    async def purge(self) -> None:
        """Forget those that have ended longer ago than they are kept, and the oldest of workspaces with too much of them."""
        if self.settings.retention:
            statement = delete(table).where(table.c.ended < time.time() - self.settings.retention, table.c.status.in_(ENDED))
            await self._store.write(lambda connection: connection.execute(statement))
        for workspace in tuple(self._grown):
            await self._drop_oldest(workspace)

    async def _drop_oldest(self, workspace: str) -> None:
        """Forget what has ended beyond KEPT_BYTES: a flood of tasks must not fill the disk."""
        del self._grown[workspace]
        size = func.length(table.c.sealed) + func.coalesce(func.length(table.c.result), 0)
        total = func.sum(size).over(order_by=(table.c.created.desc(), table.c.id.desc())).label("total")
        ended = select(table.c.id, total).where(table.c.workspace == workspace, table.c.status.in_(ENDED)).subquery()
        statement = delete(table).where(table.c.id.in_(select(ended.c.id).where(ended.c.total > KEPT_BYTES)))
        await self._store.write(lambda connection: connection.execute(statement))

    # From one status to the next

    async def claim(self, now: float | None = None) -> list[Task]:
        """Begin what is due at `now`, in order, as far as its workspace may run more: each is answered to one caller alone."""
        now = time.time() if now is None else now
        running = (
            select(table.c.workspace, func.count().label("number"))
            .where(table.c.status == TaskStatus.RUNNING)
            .group_by(table.c.workspace)
        )
        waiting = select(table).where(table.c.status == TaskStatus.QUEUED, table.c.not_before <= now)

        def work(connection: Connection) -> list[Task]:
            busy = Counter({row.workspace: row.number for row in connection.execute(running)})
            full = [workspace for workspace, number in busy.items() if number >= self.settings.running]
            query = waiting.where(table.c.workspace.not_in(full)).order_by(table.c.created, table.c.id).limit(BATCH)
            claimed = []
            for row in connection.execute(query).all():
                if busy[row.workspace] < self.settings.running and (begun := self._begin(connection, row, now)):
                    busy[row.workspace] += 1
                    claimed.append(begun)
            return claimed

        return [self._told(task) for task in await self._store.write(work)]

    def _begin(self, connection: Connection, row: Row[Any], now: float) -> Task | None:
        """The task, which runs from now on. What it will be known by is chosen here: it is started once, whoever does it."""
        known = self._opened(connection, row)
        if known is None:
            return None
        session = row.session or known.plan.session_id or new_session_id()
        statement = (
            update(table)
            .where(table.c.id == row.id, table.c.status == TaskStatus.QUEUED)
            .values(status=TaskStatus.RUNNING, attempt=row.attempt + 1, session=session, turn=new_turn_id(), started=now)
            .returning(table)
        )
        changed = connection.execute(statement).first()
        return self._task(changed) if changed else None

    def _opened(self, connection: Connection, row: Row[Any]) -> Task | None:
        """The task; None for one that cannot be read: it fails, and the others go on."""
        try:
            return self._task(row)
        except (Fault, msgspec.MsgspecError) as error:
            logger().error("a task cannot be read", workspace=row.workspace, task=row.id, reason=str(error))
            values = {"status": TaskStatus.FAILED, "ended": time.time(), "error": str(error)[:_ERROR_MAX], "result": None}
            connection.execute(update(table).where(table.c.id == row.id).values(values))
            return None

    async def settle(self, task: Task, outcome: Outcome) -> Task | None:
        """Write down how the attempt that `task` tells of has ended; None when somebody else has done that."""
        ours = (table.c.id == task.id, table.c.status == TaskStatus.RUNNING, table.c.turn == task.turn)

        def work(connection: Connection) -> Task | None:
            row = connection.execute(select(table).where(*ours)).first()
            if row is None:
                return None
            changed = connection.execute(update(table).where(*ours).values(self._settled(row, outcome)).returning(table))
            return self._task(changed.one())

        settled = await self._store.write(work)
        if settled is None:
            return None
        await self._emit(settled)
        return self._told(settled)

    def _settled(self, row: Row[Any], outcome: Outcome) -> dict[str, Any]:
        now = time.time()
        error = outcome.error[:_ERROR_MAX] if outcome.error else None
        result = msgspec.json.encode(outcome.result) if outcome.result else None
        values: dict[str, Any] = {
            "error": error,
            "result": self._keys.seal(RESULT_PURPOSE, _owner(row), result) if result else None,
        }
        if outcome.status is TaskStatus.FAILED and row.stop is not None:
            return values | {"status": TaskStatus.CANCELLED, "ended": now}
        if outcome.status is TaskStatus.FAILED and outcome.again and row.attempt < row.attempts:
            pause = min(self.settings.retry_pause * 2.0 ** (row.attempt - 1), PAUSE_MAX)
            session = None if outcome.fresh else row.session
            return values | {"status": TaskStatus.QUEUED, "not_before": now + pause, "session": session}
        return values | {"status": outcome.status, "ended": now}

    async def cancel(self, workspace: str, task: str) -> Task:
        """Have a task end: one that waits ends at once, one that runs is marked. Fault NOT_FOUND."""
        now = time.time()

        def work(connection: Connection) -> tuple[bool, Task]:
            row = _select(connection, workspace, task)
            values = {
                TaskStatus.QUEUED: {"status": TaskStatus.CANCELLED, "ended": now},
                TaskStatus.RUNNING: {"stop": row.stop or now},
            }.get(row.status)
            if values is None:
                return False, self._task(row)
            connection.execute(update(table).where(table.c.id == task).values(values))
            return True, self._task(_select(connection, workspace, task))

        changed, cancelled = await self._store.write(work)
        if not changed:
            return cancelled
        await self._emit(cancelled)
        return self._told(cancelled)

    async def retry(self, workspace: str, task: str) -> Task:
        """Queue a task again that failed or was cancelled, with all of its attempts. Fault NOT_FOUND, CONFLICT, LIMIT."""
        values = {"attempt": 0, "stop": None, "ended": None, "started": None, "error": None, "result": None, "turn": None}

        def work(connection: Connection) -> Task:
            row = _select(connection, workspace, task)
            if row.status not in {TaskStatus.FAILED, TaskStatus.CANCELLED}:
                raise Fault(Code.CONFLICT, f"the task is {row.status}; only what failed or was cancelled can be tried again")
            self._check_queue(connection, workspace)
            fresh = {"status": TaskStatus.QUEUED, "session": None, "not_before": time.time()}
            connection.execute(update(table).where(table.c.id == task).values(values | fresh))
            return self._task(_select(connection, workspace, task))

        return self._told(await self._store.write(work))

    # How it is read and told

    async def _emit(self, task: Task) -> None:
        """Tell other systems that a task has ended, if it has."""
        if task.status in ENDED:
            row = await self._workspaces.find(task.workspace)
            target = Target(task.workspace, row.organisation if row else None)
            try:
                await self._webhooks.emit(f"task.{task.status}", task_view(task), target)
            except Fault as fault:  # the end is written all the same
                logger().warning("a task's end is not told", workspace=task.workspace, task=task.id, reason=str(fault))

    async def tell(self, task: Task) -> None:
        """Tell of a task that a schedule has made."""
        self._told(task)
        await self._emit(task)

    def _told(self, task: Task) -> Task:
        self._watches.tell(task.workspace, "task", task_view(task))
        return task

    def _plan(self, row: Row[Any]) -> Plan:
        return msgspec.json.decode(self._keys.unseal(PURPOSE, _owner(row), row.sealed), type=Plan)

    def _task(self, row: Row[Any]) -> Task:
        values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public accessor
        del values["sealed"]
        result = values.pop("result")
        return Task(
            **values | {"status": TaskStatus(row.status)},
            plan=self._plan(row),
            result=msgspec.json.decode(self._keys.unseal(RESULT_PURPOSE, _owner(row), result), type=Result) if result else None,
        )


def _owner(row: Row[Any]) -> str:
    return f"{row.workspace} {row.id}"


def _select(connection: Connection, workspace: str, task: str) -> Row[Any]:
    row = connection.execute(select(table).where(table.c.workspace == workspace, table.c.id == task)).first()
    if row is None:
        raise Fault(Code.NOT_FOUND, "there is no such task")
    return row
