"""The members of organisations: people with ranks.

A person's ranks are kept in memory, so that a request need not ask the store for them; this process is the only one that
writes them. A change takes effect at once: it is in memory before it is answered, and what the person holds open is closed.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select, tuple_, update

from api import tables
from api.auth import RANKS, Principal, Rank, Role, Target, no_such_organisation
from api.credentials.onetime import withdraw
from api.credentials.rights import check_gift
from api.store import Store
from api.streams.live import Live
from shared.errors import Code, Fault

CACHED: Final = 10_000
"""People whose ranks are in memory."""
INVITATION: Final = "invitation"
"""The purpose of a one-time token that makes whoever uses it a member."""

_ORDER: Final = tuple(Rank)
_table: Final = tables.members
_columns: Final = tables.members.c

T = TypeVar("T")


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member's row, and how the person is called. Times are seconds since the epoch."""

    person: str
    name: str
    email: str | None
    rank: Rank
    created: float


class Members:
    """All members of all organisations."""

    def __init__(self, store: Store, live: Live, told: Callable[[str], None]) -> None:
        """`told` gets the id of a person whose ranks have changed."""
        self._store = store
        self._live = live
        self._told = told
        self._ranks: OrderedDict[str, Mapping[str, Rank]] = OrderedDict()
        self._changes = 0

    async def ranks(self, person: str) -> Mapping[str, Rank]:
        """The person's rank in each of their organisations."""
        found = self._ranks.get(person)
        return await self._load(person) if found is None else found

    async def page(self, organisation: str, after: tuple[float, str] | None, limit: int) -> list[Member]:
        """At most `limit` members, those who came first first, those after `after` (time of joining, id)."""
        query = _members(organisation).order_by(_columns.created, _columns.person).limit(limit)
        if after is not None:
            query = query.where(tuple_(_columns.created, _columns.person) > after)
        return await self._store.read(lambda connection: [_member(row) for row in connection.execute(query)])

    async def change(self, organisation: str, person: str, rank: Rank, by: Principal) -> Member:
        """Give a member another rank. Faults: NOT_FOUND, FORBIDDEN when `by` may not, CONFLICT for the last owner."""

        def work(connection: Connection) -> tuple[Member, bool]:
            had = _checked(connection, organisation, person, rank, by)
            connection.execute(update(_table).where(_is(organisation, person)).values(rank=rank))
            if _ORDER.index(rank) < _ORDER.index(had):
                _withdraw(connection, organisation, person)
            member = _member(connection.execute(_members(organisation).where(_columns.person == person)).one())
            return member, had is not rank

        member, changed = await self._store.write(work)
        if changed:
            self.changed(person)
        return member

    async def remove(self, organisation: str, person: str, by: Principal) -> Rank:
        """End a membership, which everybody may do with their own; the rank it had. Faults as of `change`."""

        def work(connection: Connection) -> Rank:
            had = _checked(connection, organisation, person, None, by)
            connection.execute(delete(_table).where(_is(organisation, person)))
            left = {"organisation": organisation, "person": person, "at": time.time()}
            connection.execute(insert(tables.departures).values(left).prefix_with("OR REPLACE"))
            _withdraw(connection, organisation, person)
            return had

        had = await self._store.write(work)
        self.changed(person)
        return had

    def joined(self, person: str) -> None:
        """Have what `person` may do looked up again: it became more."""
        self._changes += 1
        self._ranks.pop(person, None)
        self._told(person)

    def changed(self, person: str) -> None:
        """The same for what may have become less: what they hold open is closed."""
        self.joined(person)
        self._live.revoke_person(person)

    async def _load(self, person: str) -> Mapping[str, Rank]:
        changes = self._changes
        query = select(_columns.organisation, _columns.rank).where(_columns.person == person)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        found = MappingProxyType({row.organisation: Rank(row.rank) for row in rows})
        # What was read before a change must not be kept after it.
        if changes == self._changes:
            self._ranks[person] = found
            if len(self._ranks) > CACHED:
                self._ranks.popitem(last=False)
        return found


def add(connection: Connection, organisation: str, person: str, rank: Rank, limit: int) -> Rank:
    """Make `person` a member of at least that rank, which is answered; `Members.joined` makes it live after the commit.

    Faults: NOT_FOUND without such an organisation, LIMIT when it has `limit` members.
    """
    if connection.scalar(select(func.count()).where(tables.organisations.c.id == organisation)) == 0:
        raise no_such_organisation()
    had = rank_of(connection, organisation, person)
    if had is not None:
        best = max(had, rank, key=_ORDER.index)
        connection.execute(update(_table).where(_is(organisation, person)).values(rank=best))
        return best
    if (connection.scalar(select(func.count()).where(_columns.organisation == organisation)) or 0) >= limit:
        raise Fault(Code.LIMIT, f"an organisation may have {limit} members")
    row = {"organisation": organisation, "person": person, "rank": rank, "created": time.time()}
    connection.execute(insert(_table), row)
    return rank


def check_rank(by: Principal, organisation: str, rank: Rank) -> None:
    """Raise Fault FORBIDDEN when `by`, who may invite, may not invite to that rank."""
    _check_owners(_authority(by, by.ranks.get(organisation)), rank)
    check_gift(by, Target(organisation=organisation), RANKS[rank])


def _checked(connection: Connection, organisation: str, person: str, rank: Rank | None, by: Principal) -> Rank:
    """The member's present rank, once it is clear that `by` may change it to `rank`, where None is no membership.

    What `by` may do is read again here: another change may have come first.
    """
    had = rank_of(connection, organisation, person)
    if had is None:
        raise Fault(Code.NOT_FOUND, "there is no such member")
    leaves = by.person == person and rank is None
    if not leaves:
        own = _authority(by, rank_of(connection, organisation, by.person) if by.person else None)
        if _ORDER.index(own) < _ORDER.index(Rank.ADMIN):
            raise Fault(Code.FORBIDDEN, "your rank does not allow this any more")
        _check_owners(own, had, *(() if rank is None else (rank,)))
        if rank is not None and _ORDER.index(rank) > _ORDER.index(had):
            check_gift(by, Target(organisation=organisation), RANKS[rank])
    if had is Rank.OWNER and rank is not Rank.OWNER:
        owners = (_columns.organisation == organisation) & (_columns.rank == Rank.OWNER)
        if connection.scalar(select(func.count()).where(owners)) == 1:
            raise Fault(Code.CONFLICT, "an organisation keeps an owner: make somebody else one first")
    return had


def _authority(by: Principal, rank: Rank | None) -> Rank:
    """The rank that `by`, whose own is `rank`, acts with: an administrator of the host as an owner, a key never."""
    match by.role:
        case Role.ADMIN:
            return Rank.OWNER
        case Role.PERSON if rank is not None:
            return rank
        case Role.PERSON:
            raise no_such_organisation()
        case _:
            return Rank.ADMIN


def _check_owners(own: Rank, *ranks: Rank) -> None:
    if Rank.OWNER in ranks and own is not Rank.OWNER:
        raise Fault(Code.FORBIDDEN, "only an owner makes owners, or changes what they are")


def _withdraw(connection: Connection, organisation: str, person: str) -> None:
    """Have the invitations and handovers open nothing that somebody made while they could: they would be a way back."""
    owned = select(tables.workspaces.c.id).where(tables.workspaces.c.organisation == organisation)
    columns = tables.one_time_tokens.c
    withdraw(connection, (columns.created_by == person) & ((columns.owner == organisation) | columns.owner.in_(owned)))


def rank_of(connection: Connection, organisation: str, person: str) -> Rank | None:
    """What the person is in the organisation; None when they are no member."""
    found = connection.scalar(select(_columns.rank).where(_is(organisation, person)))
    return Rank(found) if found else None


def _is(organisation: str, person: str) -> Any:  # noqa: ANN401  # SQLAlchemy's expressions have no useful type
    return (_columns.organisation == organisation) & (_columns.person == person)


def _members(organisation: str) -> Any:  # noqa: ANN401  # SQLAlchemy's expressions have no useful type
    people = tables.people
    columns = (_columns.person, people.c.name, people.c.email, _columns.rank, _columns.created)
    return select(*columns).join(people, people.c.id == _columns.person).where(_columns.organisation == organisation)


def _member(row: Row[Any]) -> Member:
    return Member(person=row.person, name=row.name, email=row.email, rank=Rank(row.rank), created=row.created)
