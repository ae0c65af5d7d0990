"""The rows of workspaces: what api knows of them, so that a read needs no one else.

A row that was read or written is kept in memory; this process is the only one that writes them.
"""

import asyncio
import enum
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert

from api import tables
from api.auth import Principal, Role, Target, no_such_workspace
from api.people.organisations import check_room
from api.store import Store
from shared.hostwire import ProviderView

CACHED: Final = 10_000
"""Rows in memory."""

T = TypeVar("T")


class WorkspaceStatus(enum.StrEnum):
    """Where a workspace is in its life."""

    PROVISIONING = "provisioning"
    READY = "ready"
    ERROR = "error"
    DELETED = "deleted"
    """Kept, and locked, until it is restored or removed for good."""


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """A workspace's row. Times are seconds since the epoch."""

    id: str
    name: str
    status: WorkspaceStatus
    error_reason: str | None
    created: float
    updated: float
    version: int
    """Goes up with every change that a reader sees."""
    secret_version: int
    """Goes up with every rotation of the secret."""
    provisioning_since: float
    sealed: bytes | None
    """Secret hash and providers, until hostd has them."""
    providers: dict[str, ProviderView]
    providers_stale: bool
    """Whether a change of them was cut short, so that only hostd knows."""
    budget_day: float | None
    """US dollars that may be spent on one day; None is no limit."""
    budget_month: float | None
    organisation: str | None = None
    """That owns it; None: it owns itself."""
    deleted: float | None = None
    """Since when it is kept and locked."""
    purge: float | None = None
    """When it is removed for good."""

    @property
    def target(self) -> Target:
        """What a request about it is about."""
        return Target(self.id, self.organisation)

    @property
    def etag(self) -> str:
        """The entity tag of this version."""
        return f'"{self.version}"'


class Workspaces:
    """All rows."""

    def __init__(self, store: Store) -> None:
        """Nothing is read yet."""
        self._store = store
        self._rows: OrderedDict[str, Workspace] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._changes = 0

    def at_hand(self, workspace: str) -> bool:
        """Whether it is known to exist without asking the store."""
        return workspace in self._rows

    async def find(self, workspace: str) -> Workspace | None:
        """The workspace, or None."""
        return self._rows.get(workspace) or await self._load(workspace)

    async def get(self, workspace: str) -> Workspace:
        """The workspace; Fault NOT_FOUND when there is none."""
        row = await self.find(workspace)
        if row is None:
            raise no_such_workspace()
        return row

    async def page(
        self, principal: Principal, before: tuple[float, str] | None, limit: int, organisation: str | None = None
    ) -> list[Workspace]:
        """At most `limit` workspaces that `principal` reaches, newest first, those older than `before` (creation, id).

        `organisation`: only those that it owns.
        """
        table = tables.workspaces
        query = select(table).where(*_reached(principal)).order_by(table.c.created.desc(), table.c.id.desc()).limit(limit)
        if organisation is not None:
            query = query.where(table.c.organisation == organisation)
        if before is not None:
            query = query.where(tuple_(table.c.created, table.c.id) < before)
        return await self._store.read(lambda connection: [_workspace(row) for row in connection.execute(query)])

    async def unfinished(self) -> list[str]:
        """The ids of those that are being provisioned."""
        return await self._ids(WorkspaceStatus.PROVISIONING)

    async def ready(self) -> list[str]:
        """The ids of those that are ready."""
        return await self._ids(WorkspaceStatus.READY)

    async def settled(self) -> list[str]:
        """The ids of those of which hostd knows more: they are ready, or deleted and kept."""
        columns = tables.workspaces.c
        query = select(columns.id).where(columns.status.in_((WorkspaceStatus.READY, WorkspaceStatus.DELETED)))
        return await self._store.read(lambda connection: list(connection.scalars(query)))

    async def due(self, moment: float) -> list[str]:
        """The ids of those that are to be removed for good by then, the longest due first."""
        columns = tables.workspaces.c
        query = select(columns.id).where(columns.purge <= moment).order_by(columns.purge)
        return await self._store.read(lambda connection: list(connection.scalars(query)))

    async def _ids(self, status: WorkspaceStatus) -> list[str]:
        query = select(tables.workspaces.c.id).where(tables.workspaces.c.status == status)
        return await self._store.read(lambda connection: list(connection.scalars(query)))

    async def create(
        self, workspace: str, name: str, sealed: bytes, organisation: str | None = None, limit: int = 0
    ) -> Workspace:
        """Insert a row that is being provisioned, or answer the one that is there.

        Fault NOT_FOUND when there is no such organisation, LIMIT when it owns `limit` workspaces.
        """
        now = time.time()
        values = {
            "id": workspace,
            "name": name,
            "status": WorkspaceStatus.PROVISIONING,
            "created": now,
            "updated": now,
            "version": 1,
            "secret_version": 1,
            "provisioning_since": now,
            "sealed": sealed,
            "providers": b"{}",
            "providers_stale": 0,
            "organisation": organisation,
        }

        def work(connection: Connection) -> None:
            if organisation is not None and _select(connection, workspace) is None:
                check_room(connection, organisation, limit)
            connection.execute(_insert, values)

        async with self.lock(workspace):
            return await self._write(workspace, work)

    async def transfer(
        self, workspace: str, organisation: str | None, limit: int, also: Callable[[Connection], T]
    ) -> tuple[Workspace, T]:
        """Give it another owner, and do `also` in the same transaction. The caller holds the `lock`. Faults as of `create`."""
        columns = tables.workspaces.c
        statement = update(tables.workspaces).where(columns.id == workspace)
        values = {"organisation": organisation, "version": columns.version + 1, "updated": time.time()}
        results: list[T] = []

        def work(connection: Connection) -> None:
            if organisation is not None:
                check_room(connection, organisation, limit)
            connection.execute(statement.values(**values))
            results.append(also(connection))

        return await self._write(workspace, work), results[0]

    async def change(self, workspace: str, **values: Any) -> Workspace:  # noqa: ANN401  # columns of several types
        """Set columns of the row and raise its version. The caller holds its `lock`."""
        if "providers" in values:
            values["providers"] = msgspec.json.encode(values["providers"])
        columns = tables.workspaces.c
        statement = (
            update(tables.workspaces)
            .where(columns.id == workspace)
            .values(version=columns.version + 1, updated=time.time(), **values)
        )
        return await self._write(workspace, lambda connection: connection.execute(statement))

    async def mark_stale(self, workspace: str) -> None:
        """Say on disk that the providers are about to change at hostd. The caller holds the `lock`."""
        statement = update(tables.workspaces).where(tables.workspaces.c.id == workspace).values(providers_stale=1)
        await self._write(workspace, lambda connection: connection.execute(statement))

    async def limit(self, workspace: str, day: float | None, month: float | None) -> Workspace:
        """Set the budget, which is no part of the row's version. The caller holds the `lock`."""
        values = {"budget_day": day, "budget_month": month}
        statement = update(tables.workspaces).where(tables.workspaces.c.id == workspace).values(**values)
        return await self._write(workspace, lambda connection: connection.execute(statement))

    async def rotated(self, workspace: str, also: Callable[[Connection], T]) -> T:
        """Raise the secret's version, and do `also` in the same transaction. The caller holds the `lock`."""
        columns = tables.workspaces.c
        statement = update(tables.workspaces).where(columns.id == workspace).values(secret_version=columns.secret_version + 1)
        results: list[T] = []

        def work(connection: Connection) -> None:
            connection.execute(statement)
            results.append(also(connection))

        await self._write(workspace, work)
        return results[0]

    async def remove(self, workspace: str) -> None:
        """Forget a workspace that hostd says is deleted."""
        statement = delete(tables.workspaces).where(tables.workspaces.c.id == workspace)
        async with self.lock(workspace):
            await self._store.write(lambda connection: connection.execute(statement))
            self._changes += 1
            self._rows.pop(workspace, None)

    def lock(self, workspace: str) -> asyncio.Lock:
        """The lock of whoever changes the workspace."""
        return self._locks.setdefault(workspace, asyncio.Lock())

    async def _load(self, workspace: str) -> Workspace | None:
        changes = self._changes
        row = await self._store.read(lambda connection: _select(connection, workspace))
        # What was read before a change must not be kept after it.
        return self._keep(row) if row and changes == self._changes else row

    async def _write(self, workspace: str, work: Callable[[Connection], object]) -> Workspace:
        def transaction(connection: Connection) -> Workspace | None:
            work(connection)
            return _select(connection, workspace)

        row = await self._store.write(transaction)
        self._changes += 1
        if row is None:
            raise no_such_workspace()
        return self._keep(row)

    def _keep(self, row: Workspace) -> Workspace:
        self._rows[row.id] = row
        self._rows.move_to_end(row.id)
        if len(self._rows) > CACHED:
            self._rows.popitem(last=False)
        return row


_insert: Final = insert(tables.workspaces).on_conflict_do_nothing()


def _reached(principal: Principal) -> Iterator[ColumnElement[bool]]:
    """What `Principal.scopes_for` says of each row, for the store."""
    columns = tables.workspaces.c
    match principal.role:
        case Role.ADMIN:
            pass
        case Role.PERSON:
            yield columns.organisation.in_(principal.ranks)
        case Role.ORGANISATION:
            yield columns.organisation == principal.organisation
            if principal.workspaces is not None:
                yield columns.id.in_(principal.workspaces)
        case _:
            yield columns.id == principal.workspace


def _select(connection: Connection, workspace: str) -> Workspace | None:
    row = connection.execute(select(tables.workspaces).where(tables.workspaces.c.id == workspace)).first()
    return _workspace(row) if row else None


def _workspace(row: Row[Any]) -> Workspace:
    values = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public accessor
    values["status"] = WorkspaceStatus(values["status"])
    values["providers"] = msgspec.json.decode(values["providers"], type=dict[str, ProviderView])
    values["providers_stale"] = bool(values["providers_stale"])
    return Workspace(**values)
