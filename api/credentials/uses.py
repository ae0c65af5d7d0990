"""How often keys were used, and when last: counted in memory, written now and then.

What was counted since is lost when the process is killed, at most FLUSH_SECONDS of it: a write for each request would cost more
than the request.
"""

import asyncio
import time
from contextlib import suppress
from typing import Final

from sqlalchemy import Connection, bindparam, update

from api.store import Store
from api.tables import api_keys
from shared.errors import Fault

FLUSH_SECONDS: Final = 10.0

_add: Final = (
    update(api_keys)
    .where(api_keys.c.id == bindparam("key"))
    .values(uses=api_keys.c.uses + bindparam("count"), used=bindparam("last"))
)


class Uses:
    """The counts of all keys that were used of late."""

    def __init__(self, store: Store) -> None:
        """Nothing was used yet."""
        self._store = store
        self._counted: dict[str, tuple[int, float]] = {}
        self._due: asyncio.Task[None] | None = None

    def count(self, key: str) -> None:
        """One more use, now."""
        count, _ = self._counted.get(key, (0, 0.0))
        self._counted[key] = (count + 1, time.time())
        if self._due is None:
            self._due = asyncio.create_task(self._later())

    async def flush(self) -> None:
        """Write what was counted; when the store fails it is kept for the next time."""
        batch, self._counted = self._counted, {}
        if not batch:
            return
        rows = [{"key": key, "count": count, "last": last} for key, (count, last) in batch.items()]

        def work(connection: Connection) -> None:
            connection.execute(_add, rows)

        try:
            await self._store.write(work)
        except Fault:
            for key, (count, last) in batch.items():
                more, later = self._counted.get(key, (0, last))
                self._counted[key] = (count + more, later)
            raise

    async def close(self) -> None:
        """Write what is left."""
        if self._due is not None:
            self._due.cancel()
        with suppress(Fault):  # the store has logged it, and there is no next time
            await self.flush()

    async def _later(self) -> None:
        await asyncio.sleep(FLUSH_SECONDS)
        self._due = None
        with suppress(Fault):  # the store has logged it; the next use tries again
            await self.flush()
