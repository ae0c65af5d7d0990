"""What is made for workspaces elsewhere: a row for each thing, and a task while it is being made or removed.

A workspace is ready when its Linux user is; the rest follows in the background, in its own time. A row outlives its workspace
until what it tells of is removed.
"""

import asyncio
import enum
import time
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.dialects.sqlite import insert

from api.provisioners.base import Made, Provisioner
from api.provisioners.coolify import Coolify
from api.provisioners.gitea import Gitea
from api.serverkeys.keys import Keys
from api.store import Store
from api.tables import provisionings as table
from api.tables import workspaces
from shared.errors import Code, Fault
from shared.log import logger
from shared.secret import Secret, decode_hook, encode_hook
from shared.settings import Provisioners as Settings

PURPOSE: Final = "provisioner"
AT_ONCE: Final = 8
"""Things of one provisioner that are made or removed at the same time."""
REASON_MAX: Final = 2000
_TRY_AGAIN: Final = frozenset({Code.UNAVAILABLE, Code.BUSY, Code.TIMEOUT})


class Status(enum.StrEnum):
    """How far it is."""

    PENDING = "pending"
    """It is being made, or will be."""
    READY = "ready"
    ERROR = "error"
    """It could not be made, and is tried again when somebody asks for it."""
    REMOVING = "removing"
    """Its workspace is gone; it is being removed, or will be when the server starts again."""


class Provisioning(msgspec.Struct, frozen=True, kw_only=True):
    """A row. Times are seconds since the epoch."""

    workspace: str
    kind: str
    status: Status
    error_reason: str | None
    """Why the last attempt failed."""
    attempt: int
    """How many there were."""
    next: float | None
    """When the next one is."""
    made: Made
    updated: float


class Provisioners:
    """All provisioners that are configured, and all rows."""

    def __init__(self, store: Store, keys: Keys, settings: Settings) -> None:
        """`resume` takes up what an earlier process left."""
        self._store = store
        self._keys = keys
        self._settings = settings
        known: list[Provisioner] = []
        if settings.gitea is not None:
            known.append(Gitea(settings.gitea))
        if settings.coolify is not None:
            known.append(Coolify(settings.coolify))
        self._known: Mapping[str, Provisioner] = {provisioner.name: provisioner for provisioner in known}
        self._slots = {name: asyncio.Semaphore(AT_ONCE) for name in self._known}
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def plan(self, workspace: str) -> None:
        """Write that everything is to be made for `workspace`, unless that is written."""
        rows = [_fresh(workspace, kind) for kind in self._known]
        if rows:
            statement = insert(table).on_conflict_do_nothing()
            await self._store.write(lambda connection: connection.execute(statement, rows))

    def start(self, workspace: str) -> None:
        """Make what is planned for `workspace`, unless that is under way."""
        for kind in self._known:
            self._begin(workspace, kind)

    async def retry(self, workspace: str, kind: str | None = None) -> None:
        """Make what is missing, of `kind` or of all, with as many attempts as at first. Fault NOT_FOUND for an unknown kind."""
        if kind is not None and kind not in self._known:
            raise Fault(Code.NOT_FOUND, "there is no such thing")
        await self.plan(workspace)
        where = (table.c.workspace == workspace) & (table.c.status == Status.ERROR)
        if kind is not None:
            where &= table.c.kind == kind
        again = {"status": Status.PENDING, "attempt": 0, "next": time.time(), "updated": time.time()}
        await self._store.write(lambda connection: connection.execute(update(table).where(where).values(**again)))
        for name in self._known if kind is None else (kind,):
            self._begin(workspace, name)

    async def of(self, workspace: str) -> list[Provisioning]:
        """What is, or will be, made for `workspace`."""
        query = select(table).where(table.c.workspace == workspace).order_by(table.c.kind)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [self._provisioning(row) for row in rows]

    async def revealed(self, workspace: str, kind: str) -> dict[str, Secret]:
        """The secrets of a thing that its workspace may see. Fault NOT_FOUND, or NOT_READY before it is made."""
        provisioner = self._known.get(kind)
        row = await self._find(workspace, kind)
        if provisioner is None or row is None:
            raise Fault(Code.NOT_FOUND, "there is no such thing")
        if row.status is not Status.READY:
            raise Fault(Code.NOT_READY, f"it is not ready; its status is `{row.status}`")
        return {name: row.made.secrets[name] for name in provisioner.revealed if name in row.made.secrets}

    async def release(self, workspace: str) -> None:
        """Remove what was made for a workspace that is, or is about to be, gone. It goes on after this returns."""
        values = {"status": Status.REMOVING, "attempt": 0, "next": time.time(), "updated": time.time()}
        where = table.c.workspace == workspace

        def work(connection: Connection) -> list[str]:
            connection.execute(update(table).where(where).values(**values))
            return list(connection.scalars(select(table.c.kind).where(where)))

        for kind in await self._store.write(work):
            task = self._tasks.get((workspace, kind))
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
            self._begin(workspace, kind)

    async def resume(self) -> None:
        """Take up what an earlier process left, also of workspaces that were removed meanwhile."""
        living = select(workspaces.c.id)
        orphaned = (table.c.status != Status.REMOVING) & table.c.workspace.not_in(living)
        unfinished = table.c.status.in_((Status.PENDING, Status.REMOVING))
        # A workspace whose Linux user is not made yet starts the rest when it is.
        waits = select(workspaces.c.id).where(workspaces.c.status.in_(("provisioning", "error")))
        query = select(table.c.workspace, table.c.kind).where(unfinished, table.c.workspace.not_in(waits))

        def work(connection: Connection) -> list[tuple[str, str]]:
            connection.execute(update(table).where(orphaned).values(status=Status.REMOVING, attempt=0, next=time.time()))
            removing = table.c.status == Status.REMOVING
            connection.execute(update(table).where(removing).values(attempt=0))
            return [(row.workspace, row.kind) for row in connection.execute(query)]

        for workspace, kind in await self._store.write(work):
            self._begin(workspace, kind)

    async def close(self) -> None:
        """Leave what is unfinished to the next process."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def settled(self, workspace: str) -> None:
        """Wait until nothing is under way for `workspace`."""
        while tasks := [task for (of, _), task in self._tasks.items() if of == workspace]:
            await asyncio.wait(tasks)

    def _begin(self, workspace: str, kind: str) -> None:
        key = workspace, kind
        if kind in self._known and key not in self._tasks:
            task = asyncio.create_task(self._run(workspace, self._known[kind]), name=f"provision {workspace} {kind}")
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._tasks.pop(key) if self._tasks.get(key) is done else None)

    async def _run(self, workspace: str, provisioner: Provisioner) -> None:
        try:
            while (row := await self._find(workspace, provisioner.name)) and row.status in {Status.PENDING, Status.REMOVING}:
                # A clock that was set back must not make the wait longer than it can be.
                await asyncio.sleep(min(max(0.0, (row.next or 0) - time.time()), self._pause(row.attempt)))
                if not await self._attempt(row, provisioner):
                    return
        except Fault as error:  # the store is away: the next start takes it up
            logger().error("provisioning was cut short", workspace=workspace, provisioner=provisioner.name, error=str(error))

    async def _attempt(self, row: Provisioning, provisioner: Provisioner) -> bool:
        """Make or remove it; whether there is more to do."""
        try:
            async with self._slots[provisioner.name]:
                if row.status is Status.REMOVING:
                    await provisioner.remove(row.workspace, row.made)
                else:
                    await self._make(row, provisioner)
        except Fault as fault:
            return await self._failed(row, fault)
        except Exception:  # noqa: BLE001  # the row must not stay `pending` for ever
            logger().exception("a provisioner failed unexpectedly", workspace=row.workspace, provisioner=row.kind)
            return await self._failed(row, Fault(Code.INTERNAL, "an unexpected error; the server's log says more"))
        if row.status is Status.REMOVING:
            await self._store.write(lambda connection: connection.execute(delete(table).where(_is(row))))
        logger().info("a provisioner has ended", workspace=row.workspace, provisioner=row.kind, was=row.status)
        return False

    async def _make(self, row: Provisioning, provisioner: Provisioner) -> None:
        async def keep(made: Made) -> None:
            await self._change(row, **self._columns(row, made))

        made = await provisioner.make(row.workspace, row.made, keep)
        values = self._columns(row, made)
        await self._change(row, status=Status.READY, error_reason=None, attempt=row.attempt + 1, next=None, **values)

    async def _failed(self, row: Provisioning, fault: Fault) -> bool:
        """Note that an attempt has failed; whether there is another one."""
        again = fault.code in _TRY_AGAIN and row.attempt + 1 < self._settings.attempts
        removing = row.status is Status.REMOVING
        await self._change(
            row,
            status=row.status if again or removing else Status.ERROR,
            error_reason=fault.message[:REASON_MAX],
            attempt=row.attempt + 1,
            next=time.time() + self._pause(row.attempt) if again else None,
        )
        if not again:
            what = "what was made for a workspace is not removed" if removing else "a provisioner has failed"
            logger().error(what, workspace=row.workspace, provisioner=row.kind, reason=fault.message)
        return again

    async def _change(self, row: Provisioning, **values: object) -> None:
        # What has become `removing` meanwhile stays so.
        where = _is(row) & (table.c.status == row.status)
        statement = update(table).where(where).values(updated=time.time(), **values)
        await self._store.write(lambda connection: connection.execute(statement))

    async def _find(self, workspace: str, kind: str) -> Provisioning | None:
        return next((row for row in await self.of(workspace) if row.kind == kind), None)

    def _pause(self, attempt: int) -> float:
        return self._settings.retry_pause * float(2 ** min(attempt, 16))

    def _columns(self, row: Provisioning, made: Made) -> dict[str, object]:
        plain = msgspec.msgpack.encode(made.secrets, enc_hook=encode_hook)
        sealed = self._keys.seal(PURPOSE, f"{row.workspace} {row.kind}", plain)
        return {"detail": msgspec.json.encode(made.detail), "sealed": sealed}

    def _provisioning(self, row: Row[Any]) -> Provisioning:
        secrets: dict[str, Secret] = {}
        if row.sealed is not None:
            plain = self._keys.unseal(PURPOSE, f"{row.workspace} {row.kind}", row.sealed)
            secrets = msgspec.msgpack.decode(plain, type=dict[str, Secret], dec_hook=decode_hook)
        return Provisioning(
            workspace=row.workspace,
            kind=row.kind,
            status=Status(row.status),
            error_reason=row.error_reason,
            attempt=row.attempt,
            next=row.next,
            made=Made(msgspec.json.decode(row.detail, type=dict[str, str]), secrets),
            updated=row.updated,
        )


def _fresh(workspace: str, kind: str) -> dict[str, object]:
    now = time.time()
    return {
        "workspace": workspace,
        "kind": kind,
        "status": Status.PENDING,
        "attempt": 0,
        "next": now,
        "detail": b"{}",
        "updated": now,
    }


def _is(row: Provisioning) -> Any:  # noqa: ANN401  # SQLAlchemy's expression
    return (table.c.workspace == row.workspace) & (table.c.kind == row.kind)
