"""`Idempotency-Key`: the same key gives the same answer, also when the server died in between.

A record is made before the work begins. It holds the id and the seed of what will be made, so that a repeated request makes the
same thing again rather than a second one; when the work is done it holds the reply. Both are sealed under a key that needs the
client's own Idempotency-Key, so the store alone does not give away the secrets in a reply. A request that failed may be
repeated with its key: only success is kept.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from api.auth import Principal, Role
from api.problems import HttpCode, Problem, invalid
from api.serverkeys.keys import Keys
from api.store import Store
from api.tables import idempotency

HEADER: Final = "Idempotency-Key"
KEY_PATTERN: Final = "^[!-~]{1,255}$"
LIFETIME: Final = 24 * 3600.0
"""Seconds for which a key is remembered."""
ANONYMOUS_MIN: Final = 16
"""Characters of the key of somebody without a token: to know it is all that it takes to see the reply again."""
SEED: Final = 32

_KEY: Final = re.compile(KEY_PATTERN.strip("^$"))


class Reply(msgspec.Struct, frozen=True):
    """A reply, as it is kept."""

    status: int
    body: bytes
    headers: dict[str, str]


class _Plan(msgspec.Struct, frozen=True):
    resource: str
    seed: bytes


@dataclass(slots=True)
class Record:
    """One key of one principal. `reply` is there when the work was done before."""

    id: str
    resource: str
    seed: bytes
    purpose: str
    reply: Reply | None

    @classmethod
    def fresh(cls, resource: str) -> "Record":
        """What a request without a key works with; it is not kept."""
        return cls("", resource, secrets.token_bytes(SEED), "", None)


class Idempotency:
    """The records of all keys."""

    def __init__(self, store: Store, keys: Keys) -> None:
        """Records are in `store`."""
        self._store = store
        self._keys = keys
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def record(
        self, key: str, *, principal: Principal, address: str, operation: str, body: bytes, resource: str
    ) -> AsyncIterator[Record]:
        """The record of `key`, made with `resource` if it is new; a second request with the key waits until the block ends.

        Raises Problem IDEMPOTENCY_MISMATCH when the key was used for another `operation` (method and path) or `body`.
        """
        if not _KEY.fullmatch(key):
            raise invalid("1 to 255 visible ASCII characters are accepted", header=HEADER)
        if principal.role is Role.ANONYMOUS and len(key) < ANONYMOUS_MIN:
            raise invalid(f"without a token it must have at least {ANONYMOUS_MIN} characters, at random", header=HEADER)
        # A key is on its own: it must not see what another one of its owner, that may do more, was answered.
        owner = address if principal.role is Role.ANONYMOUS else principal.key
        record_id = _digest(principal.subject, owner, key)
        async with self._locks.setdefault(record_id, asyncio.Lock()):
            yield await self._open(record_id, f"idempotency {key}", _digest(operation, body), resource)

    async def finish(self, record: Record, reply: Reply) -> None:
        """Keep the reply."""
        sealed = self._keys.seal(record.purpose, record.id, msgspec.msgpack.encode(reply))
        statement = update(idempotency).where(idempotency.c.id == record.id).values(reply=sealed)
        await self._store.write(lambda connection: connection.execute(statement))

    async def purge(self) -> None:
        """Forget what is older than LIFETIME."""
        statement = delete(idempotency).where(idempotency.c.created < time.time() - LIFETIME)
        await self._store.write(lambda connection: connection.execute(statement))

    async def _open(self, record_id: str, purpose: str, fingerprint: str, resource: str) -> Record:
        plan = _Plan(resource, secrets.token_bytes(SEED))
        now = time.time()
        fresh = {
            "id": record_id,
            "fingerprint": fingerprint,
            "created": now,
            "sealed": self._keys.seal(purpose, record_id, msgspec.msgpack.encode(plan)),
        }

        def work(connection: Connection) -> tuple[str, bytes, bytes | None]:
            query = select(idempotency).where(idempotency.c.id == record_id)
            row = connection.execute(query).first()
            if row is not None and row.created < now - LIFETIME:
                connection.execute(delete(idempotency).where(idempotency.c.id == record_id))
                row = None
            if row is None:
                connection.execute(insert(idempotency), fresh)
                row = connection.execute(query).one()
            return row.fingerprint, row.sealed, row.reply

        found, sealed, reply = await self._store.write(work)
        if found != fingerprint:
            raise Problem(HttpCode.IDEMPOTENCY_MISMATCH, f"this {HEADER} was used with another request")
        plan = msgspec.msgpack.decode(self._keys.unseal(purpose, record_id, sealed), type=_Plan)
        kept = msgspec.msgpack.decode(self._keys.unseal(purpose, record_id, reply), type=Reply) if reply else None
        return Record(record_id, plan.resource, plan.seed, purpose, kept)


def _digest(*parts: str | bytes) -> str:
    """A hash of all parts, with their borders."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big") + data)
    return total.hexdigest()
