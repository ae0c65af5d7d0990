"""Organisations, which own workspaces."""

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_, update

from api import tables
from api.auth import Principal, Rank, no_such_organisation
from api.people.members import Members
from api.store import Store
from shared.errors import Code, Fault

CACHED: Final = 10_000
"""Ids in memory of organisations that exist."""

T = TypeVar("T")


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation's row. Times are seconds since the epoch."""

    id: str
    slug: str
    name: str
    created: float
    updated: float
    version: int
    """Goes up with every change."""


class Organisations:
    """All organisations; this process is the only one that writes them."""

    def __init__(self, store: Store, members: Members) -> None:
        """Nothing is read yet."""
        self.members = members
        self._store = store
        self._known: dict[str, None] = {}
        self._removed = 0

    async def exists(self, organisation: str) -> bool:
        """Whether there is one of that id."""
        return organisation in self._known or await self.find(organisation) is not None

    async def ranked(self, principal: Principal) -> Principal:
        """The principal with the ranks of its person, if it is one's."""
        return replace(principal, ranks=await self.members.ranks(principal.person)) if principal.person else principal

    async def find(self, organisation: str) -> Organisation | None:
        """The organisation, or None."""
        removed = self._removed
        row = await self._store.read(lambda connection: _select(connection, organisation))
        # What was read before it was removed must not be kept after.
        if row is not None and removed == self._removed:
            if len(self._known) >= CACHED:
                del self._known[next(iter(self._known))]
            self._known[organisation] = None
        return row

    async def get(self, organisation: str) -> Organisation:
        """The organisation; Fault NOT_FOUND when there is none."""
        row = await self.find(organisation)
        if row is None:
            raise no_such_organisation()
        return row

    async def page(
        self, before: tuple[float, str] | None, limit: int, only: Collection[str] | None = None
    ) -> list[Organisation]:
        """At most `limit` organisations, newest first, those older than `before`; `only` those of these ids, if given."""
        columns = tables.organisations.c
        query = select(tables.organisations).order_by(columns.created.desc(), columns.id.desc()).limit(limit)
        if only is not None:
            query = query.where(columns.id.in_(only))
        if before is not None:
            query = query.where(tuple_(columns.created, columns.id) < before)
        return await self._store.read(lambda connection: [_organisation(row) for row in connection.execute(query)])

    async def create(self, organisation: str, slug: str, name: str, owner: str | None, limit: int) -> Organisation:
        """Insert it, or answer the one that is there; `owner` is a person, who may own `limit` of them.

        Fault CONFLICT when the slug is taken, LIMIT when the owner has that many.
        """
        now = time.time()
        made = Organisation(id=organisation, slug=slug, name=name, created=now, updated=now, version=1)

        def work(connection: Connection) -> Organisation:
            found = _select(connection, organisation)
            if found is not None:
                return found
            _check_free(connection, slug, organisation)
            connection.execute(insert(tables.organisations), msgspec.structs.asdict(made))
            if owner is not None:
                _check_owned(connection, owner, limit)
                row = {"organisation": organisation, "person": owner, "rank": Rank.OWNER, "created": now}
                connection.execute(insert(tables.members), row)
            return made

        kept = await self._store.write(work)
        if owner is not None:
            self.members.joined(owner)
        return kept

    async def change(self, organisation: str, check: Callable[[Organisation], None], **values: str) -> Organisation:
        """Set columns, once `check` of the row has not raised. Fault CONFLICT when the slug is taken."""
        columns = tables.organisations.c

        def work(connection: Connection) -> Organisation:
            row = _existing(connection, organisation)
            check(row)
            if not values:
                return row
            if "slug" in values:
                _check_free(connection, values["slug"], organisation)
            statement = update(tables.organisations).where(columns.id == organisation)
            connection.execute(statement.values(version=columns.version + 1, updated=time.time(), **values))
            return _existing(connection, organisation)

        return await self._store.write(work)

    async def remove(self, organisation: str, also: Callable[[Connection], T]) -> T:
        """Delete it, its members, invitations and webhooks, and answer what `also` does in the same transaction.

        Fault CONFLICT while it owns workspaces, those too that were deleted and are kept.
        """
        members, tokens, webhooks = tables.members, tables.one_time_tokens, tables.webhooks

        def work(connection: Connection) -> tuple[list[str], T]:
            _existing(connection, organisation)
            if _count(connection, tables.workspaces.c.organisation == organisation):
                raise Fault(
                    Code.CONFLICT, "it owns workspaces, perhaps some that were deleted and are kept; transfer them first"
                )
            people = list(connection.scalars(select(members.c.person).where(members.c.organisation == organisation)))
            connection.execute(delete(tokens).where(tokens.c.owner == organisation))
            connection.execute(delete(webhooks).where(webhooks.c.owner == organisation))
            connection.execute(delete(tables.organisations).where(tables.organisations.c.id == organisation))
            return people, also(connection)

        people, result = await self._store.write(work)
        self._removed += 1
        self._known.pop(organisation, None)
        for person in people:
            self.members.changed(person)
        return result


def check_room(connection: Connection, organisation: str, limit: int) -> None:
    """Raise Fault NOT_FOUND without such an organisation, LIMIT when it owns `limit` workspaces or more."""
    _existing(connection, organisation)
    if _count(connection, tables.workspaces.c.organisation == organisation) >= limit:
        raise Fault(Code.LIMIT, f"an organisation may own {limit} workspaces")


def _check_free(connection: Connection, slug: str, organisation: str) -> None:
    columns = tables.organisations.c
    if connection.scalar(select(columns.id).where(columns.slug == slug, columns.id != organisation)):
        raise Fault(Code.CONFLICT, "the slug is taken")


def _check_owned(connection: Connection, person: str, limit: int) -> None:
    columns = tables.members.c
    if _count(connection, (columns.person == person) & (columns.rank == Rank.OWNER)) >= limit:
        raise Fault(Code.LIMIT, f"a person may own {limit} organisations")


def _count(connection: Connection, condition: Any) -> int:  # noqa: ANN401  # SQLAlchemy's expressions have no useful type
    return connection.scalar(select(func.count()).where(condition)) or 0


def _existing(connection: Connection, organisation: str) -> Organisation:
    row = _select(connection, organisation)
    if row is None:
        raise no_such_organisation()
    return row


def _select(connection: Connection, organisation: str) -> Organisation | None:
    row = connection.execute(select(tables.organisations).where(tables.organisations.c.id == organisation)).first()
    return _organisation(row) if row else None


def _organisation(row: Row[Any]) -> Organisation:
    return Organisation(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public accessor
