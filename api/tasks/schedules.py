"""Schedules: what makes tasks by the clock."""

import enum
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from api.problems import Problem
from api.serverkeys.keys import Keys
from api.store import Store
from api.tables import schedules as table
from api.tables import tasks as task_table
from api.tables import workspaces
from api.tasks.crons import Cron, checked
from api.tasks.records import Plan, TaskStatus
from api.tasks.tasks import ACTOR_MAX, Tasks
from api.workspaces import WorkspaceStatus
from shared.errors import Code, Fault
from shared.ids import new_task_id
from shared.log import logger

PUNCTUAL: Final = 60.0
"""Seconds by which a run may be late and is not missed."""
AHEAD: Final = 86_400.0
"""Seconds by which a last run lies in the future when the clock was wrong then."""
BATCH: Final = 100
"""Schedules that are looked at in one transaction."""
PURPOSE: Final = "schedule"


class Missed(enum.StrEnum):
    """What is done about runs whose time was over when the server came to them."""

    SKIP = "skip"
    ONCE = "once"
    """One run for all of them, unless they are too old."""


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule's row. Times are seconds since the epoch."""

    id: str
    workspace: str
    name: str
    cron: str
    timezone: str
    missed: Missed
    enabled: bool
    plan: Plan
    next: float | None
    """None while it is not enabled, and when it never fires again."""
    last: float | None
    """The moment of the last run that the clock made."""
    created: float
    created_by: str
    updated: float
    version: int

    @property
    def etag(self) -> str:
        """The entity tag of this version."""
        return f'"{self.version}"'


class Schedules:
    """All schedules."""

    def __init__(self, store: Store, keys: Keys, tasks: Tasks, limit: int, clock: Callable[[], float] = time.time) -> None:
        """A workspace may have `limit` of them; what they make is among `tasks`. `clock`: seconds since the epoch."""
        self._store = store
        self._keys = keys
        self._tasks = tasks
        self._limit = limit
        self.clock = clock

    async def find(self, workspace: str, schedule: str) -> Schedule:
        """One schedule. Fault NOT_FOUND."""
        return await self._store.read(lambda connection: self._schedule(_select(connection, workspace, schedule)))

    async def all(self, workspace: str) -> list[Schedule]:
        """All of a workspace, oldest first."""
        query = select(table).where(table.c.workspace == workspace).order_by(table.c.created, table.c.id)
        return await self._store.read(lambda connection: [self._schedule(row) for row in connection.execute(query)])

    async def create(
        self,
        workspace: str,
        schedule: str,
        plan: Plan,
        *,
        by: str,
        name: str,
        cron: str,
        timezone: str,
        missed: Missed,
        enabled: bool,
    ) -> Schedule:
        """Make a schedule, or answer it when it is there. Raises Problem INVALID, Fault LIMIT."""
        now = self.clock()
        first = checked(cron, timezone, now)
        values = {
            "id": schedule,
            "workspace": workspace,
            "name": name,
            "cron": cron,
            "timezone": timezone,
            "missed": missed,
            "enabled": int(enabled),
            "sealed": self._seal(workspace, schedule, plan),
            "next": first if enabled else None,
            "created": now,
            "created_by": by[:ACTOR_MAX],
            "updated": now,
            "version": 1,
        }

        def work(connection: Connection) -> Schedule:
            if connection.execute(select(table.c.id).where(table.c.id == schedule)).first() is None:
                number = connection.scalar(select(func.count()).where(table.c.workspace == workspace)) or 0
                if number >= self._limit:
                    raise Fault(Code.LIMIT, f"a workspace has at most {self._limit} schedules")
                connection.execute(insert(table), values)
            return self._schedule(_select(connection, workspace, schedule))

        return await self._store.write(work)

    async def change(self, known: Schedule, *, plan: Plan | None = None, **values: Any) -> Schedule:  # noqa: ANN401  # columns
        """Set columns of the version that `known` is. Raises Problem INVALID, Fault STALE when it has changed since."""
        now = self.clock()
        after = msgspec.structs.replace(known, **values)
        if (after.cron, after.timezone, after.enabled) != (known.cron, known.timezone, known.enabled):
            first = checked(after.cron, after.timezone, now)
            values["next"] = first if after.enabled else None
        if plan is not None:
            values["sealed"] = self._seal(known.workspace, known.id, plan)
        if "enabled" in values:
            values["enabled"] = int(after.enabled)
        statement = (
            update(table)
            .where(table.c.id == known.id, table.c.version == known.version)
            .values(**values, updated=now, version=known.version + 1)
        )

        def work(connection: Connection) -> Schedule:
            if not connection.execute(statement).rowcount:
                _select(connection, known.workspace, known.id)
                raise Fault(Code.STALE, "the schedule was changed by somebody else at the same time")
            return self._schedule(_select(connection, known.workspace, known.id))

        return await self._store.write(work)

    async def remove(self, workspace: str, schedule: str) -> None:
        """Forget a schedule; its tasks stay. Fault NOT_FOUND."""
        statement = delete(table).where(table.c.workspace == workspace, table.c.id == schedule)
        if not await self._store.write(lambda connection: connection.execute(statement).rowcount):
            raise _no_such_schedule()

    # What the clock makes

    async def next_due(self) -> float | None:
        """When the next of all fires."""
        query = select(func.min(table.c.next))
        return await self._store.read(lambda connection: connection.scalar(query))

    async def fire(self) -> tuple[int, list[tuple[str, str]]]:
        """Make a task for each schedule whose time has come, and move each on: both or neither, and by one process alone.

        How many were looked at, at most BATCH; and the workspace and the id of each task.
        """
        now = self.clock()
        due = select(table).where(or_(table.c.next <= now, (table.c.next.is_not(None)) & (table.c.last > now + AHEAD)))

        def work(connection: Connection) -> tuple[int, list[tuple[str, str]]]:
            rows = connection.execute(due.order_by(table.c.next).limit(BATCH)).all()
            made = [self._fired(connection, row, now) for row in rows]
            return len(rows), [(row.workspace, task) for row, task in zip(rows, made, strict=True) if task is not None]

        return await self._store.write(work)

    def _fired(self, connection: Connection, row: Row[Any], now: float) -> str | None:
        """The same as `_fire`; one that cannot be read any more is switched off, and the others go on."""
        try:
            return self._fire(connection, row, now)
        except (Fault, Problem, msgspec.MsgspecError) as error:
            logger().error("a schedule cannot be read", workspace=row.workspace, schedule=row.id, reason=str(error))
            statement = update(table).where(table.c.id == row.id)
            connection.execute(statement.values(enabled=0, next=None, updated=now, version=row.version + 1))
            return None

    def _fire(self, connection: Connection, row: Row[Any], now: float) -> str | None:
        """Move a schedule on; the id of the task that was made, if one is to run."""
        cron = Cron(row.cron, row.timezone)
        moment = self._moment(row, cron, now)
        statement = update(table).where(table.c.id == row.id, table.c.next == row.next, table.c.enabled == 1)
        # A last run in the future is of a clock that was wrong: it is forgotten, or nothing would run until then.
        last = moment if moment is not None else None if row.last is not None and row.last > now else row.last
        moved = connection.execute(statement.values(next=cron.after(now), last=last)).rowcount
        if not moved or moment is None or not _ready(connection, row.workspace):
            return None
        return self._queue(connection, row, moment)

    def _moment(self, row: Row[Any], cron: Cron, now: float) -> float | None:
        """The moment of the run that is due; None when it was missed and is skipped."""
        if row.next > now:
            return None
        if row.next > now - PUNCTUAL:
            return float(row.next)
        first = row.next
        if row.missed == Missed.ONCE and first < now - self._tasks.settings.missed:
            first = cron.after(now - self._tasks.settings.missed) or now + 1
        if row.missed == Missed.ONCE and first <= now:
            return float(first)
        # Of what was missed nothing is made up for; what is just due is not missed.
        recent = cron.after(now - PUNCTUAL)
        return recent if recent is not None and recent <= now else None

    def _queue(self, connection: Connection, row: Row[Any], moment: float) -> str | None:
        task = new_task_id()
        values = self._tasks.values(row.workspace, task, self._plan(row), by=row.created_by)
        values |= {"schedule": row.id, "fire": moment}
        if self._tasks.full(connection, row.workspace):
            error = "as many tasks wait in the workspace as may"
            values |= {"status": TaskStatus.FAILED, "ended": values["created"], "error": error}
        known = select(task_table.c.id).where(task_table.c.schedule == row.id, task_table.c.fire == moment)
        if connection.execute(known).first() is not None:
            return None  # the clock was set back: it was run
        connection.execute(insert(task_table), values)
        return task

    # How they are read

    def _seal(self, workspace: str, schedule: str, plan: Plan) -> bytes:
        return self._keys.seal(PURPOSE, f"{workspace} {schedule}", msgspec.json.encode(plan))

    def _plan(self, row: Row[Any]) -> Plan:
        plain = self._keys.unseal(PURPOSE, f"{row.workspace} {row.id}", row.sealed)
        return msgspec.json.decode(plain, type=Plan)

    def _schedule(self, row: Row[Any]) -> Schedule:
        values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public accessor
        del values["sealed"]
        return Schedule(**values | {"enabled": bool(row.enabled), "missed": Missed(row.missed)}, plan=self._plan(row))


def _ready(connection: Connection, workspace: str) -> bool:
    """Whether anything can run in the workspace."""
    columns = workspaces.c
    query = select(columns.id).where(
        columns.id == workspace, columns.status == WorkspaceStatus.READY, columns.deleted.is_(None)
    )
    return connection.execute(query).first() is not None


def _select(connection: Connection, workspace: str, schedule: str) -> Row[Any]:
    row = connection.execute(select(table).where(table.c.workspace == workspace, table.c.id == schedule)).first()
    if row is None:
        raise _no_such_schedule()
    return row


def _no_such_schedule() -> Fault:
    return Fault(Code.NOT_FOUND, "there is no such schedule")
