"""Keys: what it costs to authorise with one, and whether that grows with how many there are."""

import secrets
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from sqlalchemy import insert

from api.auth import ADMIN_SCOPES, RANKS, Rank, Scope, authorize
from api.credentials.apikeys import KEY_PREFIX, ApiKeys, sealed
from api.credentials.opaque import SEED, opaque
from api.credentials.rights import HOST, Key
from api.credentials.rows import row_of
from api.store import Store
from api.streams.live import Live
from api.tables import api_keys
from api.workspaces import Workspaces
from bench.report import Report
from shared.ids import new_key_id
from shared.settings import Limits
from tests.stack import Stack

FEW: Final = 10
MANY: Final = 100_000
ROUNDS: Final = 15
CALLS: Final = 3000


class Filled:
    """A store with so many keys."""

    def __init__(self, folder: Path, count: int) -> None:
        """`fill` must be awaited."""
        self._store = Store(folder / f"{count}.sqlite")
        self._count = count
        self._tokens: list[str] = []

    async def fill(self) -> None:
        """Make the keys."""
        await self._store.migrate()
        rows = []
        for _ in range(self._count):
            seed = secrets.token_bytes(SEED)
            _, key = sealed(_new(), seed)
            rows.append(row_of(key))
            if len(self._tokens) < FEW:
                self._tokens.append(opaque(KEY_PREFIX, seed).reveal())
        await self._store.write(lambda connection: connection.execute(insert(api_keys), rows))

    async def cold(self) -> float:
        """Median microseconds to know a key that was not used before."""
        keys, times = self._keys(), []
        for token in self._tokens:
            begin = time.perf_counter()
            await keys.principal(token)
            times.append(time.perf_counter() - begin)
        await keys.close()
        return statistics.median(times) * 1e6

    async def warm(self) -> float:
        """Median microseconds to authorise with a key that was."""
        keys, times = self._keys(), []
        for number in range(CALLS):
            begin = time.perf_counter()
            authorize(await keys.principal(self._tokens[number % FEW]), Scope.WORKSPACES_READ)
            times.append(time.perf_counter() - begin)
        await keys.close()
        return statistics.median(times) * 1e6

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()

    def _keys(self) -> ApiKeys:
        return ApiKeys(self._store, Live(), Workspaces(self._store), Limits())


def _new() -> Key:
    scopes = RANKS[Rank.ADMIN] & ADMIN_SCOPES
    fields = {"rank": Rank.ADMIN, "scopes": scopes, "workspaces": None, "expires": None}
    return Key(id=new_key_id(), kind=HOST.kind, owner=HOST.id, name="bench", created=time.time(), created_by="admin", **fields)


async def measure(_stack: Stack, report: Report) -> None:
    """All figures of keys."""
    with tempfile.TemporaryDirectory(prefix="hostel-bench-") as folder:
        few, many = Filled(Path(folder), FEW), Filled(Path(folder), MANY)
        try:
            for filled in (few, many):
                await filled.fill()
                await filled.cold()
            pairs = [(await many.cold(), await few.cold()) for _ in range(ROUNDS)]
            report.ratio("key lookup, 100,000 keys", pairs, "µs", at_most=1.5, peer="10 keys")
            report.limit("authorise with a key, p50", min([await many.warm() for _ in range(3)]), "µs", 300)
        finally:
            await few.close()
            await many.close()
