"""Deliveries in the store: each is written before it is sent, and stays until it is old, so that nothing is lost or hidden."""

import time
from typing import Any, Final, Literal, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, tuple_, update

from api.store import Store
from api.tables import deliveries as table
from api.tables import webhooks as webhook_table
from shared.errors import Code, Fault
from shared.ids import new_delivery_id
from shared.settings import Webhooks as Settings

AT_ONCE: Final = 4
"""Deliveries of one webhook that are under way at the same time."""
WAITING_MAX: Final = 1000
"""Deliveries of one webhook that wait; beyond it they fail at once, and can be tried again."""
KEPT_MAX: Final = 2000
"""Deliveries of one webhook that are kept, whatever their age."""
_PAUSE_MAX: Final = 24 * 3600.0
"""Seconds between two attempts, at most."""

_WAITS: Final = table.c.next.is_not(None)
"""Whether it is pending, as the index has it."""

Status = Literal["pending", "delivered", "failed"]


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one webhook. Times are seconds since the epoch."""

    id: str
    webhook: str
    event: str
    body: bytes
    status: Status
    attempt: int
    """How many there were."""
    next: float | None
    """When it is tried, while it waits."""
    response: int | None
    """The status of the last answer."""
    error: str | None
    """Why the last attempt failed."""
    created: float
    ended: float | None


class Due(NamedTuple):
    """What is to be done for a webhook."""

    now: list[Delivery]
    later: float | None
    """When the next one is due, if nothing is now; None: nothing waits."""


class Deliveries:
    """All deliveries."""

    def __init__(self, store: Store, settings: Settings) -> None:
        """They are in `store`."""
        self._store = store
        self._settings = settings

    async def add(self, webhooks: list[str], event: str, body: bytes) -> list[Delivery]:
        """Write one delivery for each of `webhooks`, all or none."""
        now = time.time()
        made = [
            Delivery(
                id=new_delivery_id(), webhook=webhook, event=event, body=body, status="pending", attempt=0,
                next=now, response=None, error=None, created=now, ended=None,
            )
            for webhook in webhooks
        ]  # fmt: skip

        def work(connection: Connection) -> list[Delivery]:
            # One that is removed at this moment must not keep the others from theirs.
            there = set(connection.scalars(select(webhook_table.c.id).where(webhook_table.c.id.in_(webhooks))))
            written = [_within_bounds(connection, delivery) for delivery in made if delivery.webhook in there]
            if written:
                connection.execute(insert(table), [msgspec.structs.asdict(delivery) for delivery in written])
            for delivery in written:
                _drop_oldest(connection, delivery.webhook)
            return written

        return await self._store.write(work)

    async def due(self, webhook: str) -> Due:
        """What waits for `webhook`."""
        now = time.time()
        waiting = (table.c.webhook == webhook) & _WAITS
        # A clock that was set back must not make the wait longer than it can ever be.
        ripe = or_(table.c.next <= now, table.c.next > now + self._pause(self._settings.attempts))
        query = select(table).where(waiting, ripe).order_by(table.c.next, table.c.id).limit(AT_ONCE)
        soonest = select(func.min(table.c.next)).where(waiting)

        def work(connection: Connection) -> Due:
            return Due([_delivery(row) for row in connection.execute(query)], connection.scalar(soonest))

        return await self._store.read(work)

    async def waiting(self) -> list[str]:
        """The webhooks for which something waits."""
        query = select(table.c.webhook).where(_WAITS).distinct()
        return await self._store.read(lambda connection: list(connection.scalars(query)))

    async def delivered(self, delivery: Delivery, response: int) -> None:
        """Note that it has arrived."""
        await self._attempted(delivery, status="delivered", next=None, response=response, error=None, ended=time.time())

    async def failed(self, delivery: Delivery, response: int | None, error: str, *, final: bool = False) -> None:
        """Note that an attempt has failed; there will be another unless it was the last, or `final`."""
        last = final or delivery.attempt + 1 >= self._settings.attempts
        now = time.time()
        await self._attempted(
            delivery,
            status="failed" if last else "pending",
            next=None if last else now + self._pause(delivery.attempt),
            response=response,
            error=error,
            ended=now if last else None,
        )

    async def page(self, webhook: str, before: tuple[float, str] | None, limit: int) -> list[Delivery]:
        """At most `limit` deliveries of `webhook`, newest first, those older than `before` (time of creation, id)."""
        query = select(table).where(table.c.webhook == webhook)
        if before is not None:
            query = query.where(tuple_(table.c.created, table.c.id) < before)
        query = query.order_by(table.c.created.desc(), table.c.id.desc()).limit(limit)
        return await self._store.read(lambda connection: [_delivery(row) for row in connection.execute(query)])

    async def retry(self, webhook: str, delivery: str) -> Delivery:
        """Have it sent again, with as many attempts as a new one. Fault NOT_FOUND, or CONFLICT while it waits anyway."""
        where = (table.c.webhook == webhook) & (table.c.id == delivery)
        again = {"status": "pending", "attempt": 0, "next": time.time(), "ended": None}

        def work(connection: Connection) -> Delivery:
            row = connection.execute(select(table).where(where)).first()
            if row is None:
                raise Fault(Code.NOT_FOUND, "there is no such thing")
            if row.status == "pending":
                raise Fault(Code.CONFLICT, "it waits to be sent already")
            connection.execute(update(table).where(where).values(**again))
            return _delivery(connection.execute(select(table).where(where)).one())

        return await self._store.write(work)

    async def purge(self) -> None:
        """Forget what ended long ago."""
        if self._settings.retention:
            statement = delete(table).where(table.c.ended < time.time() - self._settings.retention)
            await self._store.write(lambda connection: connection.execute(statement))

    def _pause(self, attempt: int) -> float:
        """Seconds after that attempt, the first of which is 0."""
        return min(_PAUSE_MAX, self._settings.retry_pause * float(2 ** min(attempt, 32)))

    async def _attempted(self, delivery: Delivery, **values: object) -> None:
        # It may have been failed meanwhile, with its webhook.
        where: ColumnElement[bool] = (table.c.id == delivery.id) & (table.c.status == "pending")
        statement = update(table).where(where).values(attempt=delivery.attempt + 1, **values)
        await self._store.write(lambda connection: connection.execute(statement))


def drop_waiting(connection: Connection, webhook: str, error: str) -> None:
    """Let what waits for `webhook` fail."""
    where = (table.c.webhook == webhook) & (table.c.status == "pending")
    connection.execute(update(table).where(where).values(status="failed", next=None, error=error, ended=time.time()))


def _drop_oldest(connection: Connection, webhook: str) -> None:
    """Forget what has ended beyond KEPT_MAX: a flood of events must not fill the disk until the next purge."""
    newest = select(table.c.created).where(table.c.webhook == webhook).order_by(table.c.created.desc())
    last = newest.offset(KEPT_MAX).limit(1).scalar_subquery()
    connection.execute(delete(table).where(table.c.webhook == webhook, table.c.created <= last, ~_WAITS))


def _within_bounds(connection: Connection, delivery: Delivery) -> Delivery:
    """As it is, or failed when too many wait for its webhook already."""
    where = (table.c.webhook == delivery.webhook) & _WAITS
    if (connection.scalar(select(func.count()).select_from(table).where(where)) or 0) < WAITING_MAX:
        return delivery
    error = f"more than {WAITING_MAX} deliveries wait for this webhook"
    return msgspec.structs.replace(delivery, status="failed", next=None, error=error, ended=delivery.created)


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**row._mapping)  # noqa: SLF001  # SQLAlchemy's public accessor
