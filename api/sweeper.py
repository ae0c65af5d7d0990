"""Sessions whose time is over while no guest runs.

Guests delete their own sessions. Of a workspace api only keeps a time before which none of its sessions can be due: use moves
deadlines away, and a new session has all of its time. When that time has come the guest is started and asked for the next one,
and does meanwhile what is due. The times are in the store: a restart loses none.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select, update
from sqlalchemy.dialects.sqlite import insert

from api.guests import Guests
from api.store import Store
from api.tables import sweeps, workspaces
from api.workspaces import WorkspaceStatus
from shared.config import Guests as Settings
from shared.errors import Fault
from shared.log import logger

AT_ONCE: Final = 4
"""Guests that are started for this at the same time."""
SOONEST: Final = 60.0
"""Seconds between two looks at one workspace, whatever its guest says."""
AGAIN: Final = 600.0
"""Seconds until a guest that cannot be asked is asked again."""
SPREAD: Final = 3600.0
"""Seconds over which all workspaces are looked at when the settings have changed."""
JITTER: Final = 0.1
"""The share of a time by which a look may be late, so that what was made together is not looked at together."""
NAP: Final = 30.0
"""Seconds until the next try when the store is away."""


class Sweeper:
    """Starts guests in which something is due. It does nothing while sessions may stay for ever."""

    def __init__(self, store: Store, guests: Guests, settings: Settings) -> None:
        """The settings are those that the guests get."""
        self._store = store
        self._guests = guests
        self._term = min((term for term in (settings.session_retention, settings.session_lifetime) if term), default=0.0)
        """Seconds that any session has at least; 0: for ever."""
        self._policy = f"{settings.session_retention!r} {settings.session_lifetime!r}"
        self._noted: set[str] = set()
        """Workspaces that are known to have a time in the store."""
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._more = asyncio.Event()
        """Something has changed, so that there may be more to do."""

    async def expect(self, workspace: str) -> None:
        """A session is about to be made. Raises Fault UNAVAILABLE: a session that nobody would delete must not be."""
        if not self._term or workspace in self._noted:
            return
        self._noted.add(workspace)
        row = {"workspace": workspace, "due": time.time() + self._term, "policy": self._policy}
        new = insert(sweeps).values(row)
        # The time that is there is an earlier one.
        statement = new.on_conflict_do_update(
            index_elements=[sweeps.c.workspace], set_={"due": func.coalesce(sweeps.c.due, new.excluded.due)}
        )
        try:
            await self._store.write(lambda connection: connection.execute(statement))
        except BaseException:
            self._noted.discard(workspace)
            raise
        self._more.set()

    async def run(self) -> None:
        """Go on until cancelled."""
        if not self._term:
            return
        try:
            await self._again_until_done(lambda: self._store.write(self._adopt))
            while True:
                await self._again_until_done(self._round)
        finally:
            looks = list(self._looks.values())
            for look in looks:
                look.cancel()
            await asyncio.gather(*looks, return_exceptions=True)

    async def _again_until_done(self, work: Callable[[], Awaitable[object]]) -> None:
        while True:
            try:
                await work()
            except Fault:  # the store has logged it
                await asyncio.sleep(NAP)
            else:
                return

    def _adopt(self, connection: Connection) -> None:
        """Have a time for every workspace, under the present settings."""
        connection.execute(delete(sweeps).where(sweeps.c.policy != self._policy))
        missing = select(workspaces.c.id).where(
            workspaces.c.status == WorkspaceStatus.READY, workspaces.c.id.not_in(select(sweeps.c.workspace))
        )
        spread, now = min(SPREAD, self._term), time.time()
        rows = [
            {"workspace": workspace, "due": now + random.uniform(0, spread), "policy": self._policy}  # noqa: S311  # no secret
            for workspace in connection.scalars(missing)
        ]
        if rows:
            connection.execute(insert(sweeps).on_conflict_do_nothing(), rows)

    async def _round(self) -> None:
        """Begin what is due, then wait until more may be."""
        self._more.clear()
        # Those that are looked at are among them still; one whose look ends during the read may be there as it was before.
        looked_at = set(self._looks)
        first = select(sweeps.c.workspace, sweeps.c.due).where(sweeps.c.due.is_not(None)).order_by(sweeps.c.due)
        rows: Sequence[Row[Any, Any]] = await self._store.read(
            lambda connection: connection.execute(first.limit(2 * AT_ONCE)).all()
        )
        waiting = [row for row in rows if row.workspace not in looked_at | self._looks.keys()]
        while waiting and waiting[0].due <= time.time() and len(self._looks) < AT_ONCE:
            self._begin(waiting.pop(0).workspace)
        full = len(self._looks) >= AT_ONCE
        # At most so long: the wall clock may be set meanwhile.
        rest = min(max(waiting[0].due - time.time(), 0.0), SOONEST) if waiting and not full else None
        try:
            await asyncio.wait_for(self._more.wait(), rest)
        except TimeoutError:
            return

    def _begin(self, workspace: str) -> None:
        task = self._looks[workspace] = asyncio.create_task(self._look(workspace))
        task.add_done_callback(lambda _: self._ended(workspace))

    def _ended(self, workspace: str) -> None:
        del self._looks[workspace]
        self._more.set()

    async def _look(self, workspace: str) -> None:
        """Have the guest do what is due, and write down when there is something again."""
        self._noted.discard(workspace)
        try:
            rest: float | None = (await self._guests.get_deadlines(workspace, start=True)).deletion
        except Fault as fault:
            logger().info("sweep_failed", workspace=workspace, reason=str(fault))
            rest = min(AGAIN, self._term)
        if rest is None and workspace in self._noted:  # a session was made just now
            rest = self._term
        due = None
        if rest is not None:
            rest = max(rest, min(SOONEST, self._term))
            due = time.time() + rest + random.uniform(0, JITTER * rest)  # noqa: S311  # no secret
        statement = update(sweeps).where(sweeps.c.workspace == workspace).values(due=due)
        await self._again_until_done(lambda: self._store.write(lambda connection: connection.execute(statement)))
