"""Keys: credentials of scripts and agents, which their owner makes, names, bounds and revokes.

A key that was used of late is in memory: to know it again costs a hash and a look. This process is the only one that writes
them, so what is in memory is what is true.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from limits import parse
from sqlalchemy import Connection, delete, or_, select, tuple_, update

from api.acting import ORIGIN
from api.auth import Principal
from api.credentials.onetime import withdraw
from api.credentials.opaque import SHOWN, is_opaque, opaque
from api.credentials.rights import Key, KeyKind, Owner, maker
from api.credentials.rows import encoded, existing_key, find_key, good_key, insert_key, key_of, live_at, no_such_key, owned_by
from api.credentials.uses import Uses
from api.ratelimit import Windows, limited
from api.store import Store
from api.streams.live import CHANGED, Live
from api.tables import api_keys, one_time_tokens, organisations, workspaces
from api.workspaces import Workspaces
from shared.errors import Code, Fault
from shared.secret import Secret
from shared.settings import Limits

KEY_PREFIX: Final = "hst_"
CACHED: Final = 10_000
"""Keys in memory."""
KEPT: Final = 90 * 86_400
"""Seconds for which a key that is good no more is still listed."""
UNKNOWN: Final = "600/minute"
"""Well-formed keys that are not good, by address: beyond that the store is not asked."""
OVERLAP_MAX: Final = 7 * 86_400
"""Seconds for which a key may be good beside the one that replaces it."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Known:
    key: Key
    principal: Principal


class ApiKeys:
    """All keys."""

    def __init__(self, store: Store, live: Live, known: Workspaces, limits: Limits) -> None:
        """Nothing is read yet."""
        self._store = store
        self._live = live
        self._workspaces = known
        self._limit = limits.keys
        self._uses = Uses(store)
        self._unknown = Windows(parse(UNKNOWN))
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._principals: dict[str, Principal] = {}
        self._changes = 0

    async def principal(self, token: str) -> Principal:
        """Whom the key stands for; Fault UNAUTHORIZED when it is not good, or not any more."""
        if not is_opaque(KEY_PREFIX, token):
            raise _wrong()
        hashed = _hash(token)
        known = self._known.get(hashed)
        if known is None:
            known = await self._load(hashed)
        else:
            self._known.move_to_end(hashed)
        key = known.key
        if not key.live(time.time()):
            raise _wrong()
        workspace = known.principal.workspace
        if workspace and not self._workspaces.at_hand(workspace) and not await self._workspaces.find(workspace):
            raise _wrong()
        self._uses.count(key.id)
        return known.principal

    def check(self, principal: Principal) -> None:
        """Raise Fault UNAUTHORIZED when the key that `principal` came from has ended or was narrowed since."""
        if principal.key and (self._principals.get(principal.key) != principal or principal.expires <= time.time()):
            raise _wrong()

    async def mint(self, key: Key, seed: bytes, check: Callable[[Connection], None] | None = None) -> tuple[Key, Secret]:
        """Make `key` of `seed`, and tell it; the same again when its id is there. Fault LIMIT when its owner has too many.

        `check` is called in the same transaction; when it raises, nothing is made.
        """
        secret, key = sealed(key, seed)

        def work(connection: Connection) -> Key:
            if check is not None:
                check(connection)
            return find_key(connection, key.id) or insert_key(connection, key, self._limit)

        return await self._write(work), secret

    async def rotate(
        self, old: Key, key: Key, seed: bytes, overlap: float, check: Callable[[Connection], None] | None = None
    ) -> tuple[Key, Secret]:
        """Make `key`, which replaces `old`; that one is good for `overlap` more seconds.

        Fault CONFLICT when `old` is good no more or was replaced already. `check` is as in `mint`.
        """
        secret, key = sealed(key, seed)
        now = time.time()
        end = {"expires": min(old.end, now + overlap)} if overlap else {"revoked": now}

        def work(connection: Connection) -> tuple[Key, Key]:
            made = find_key(connection, key.id)
            if made is not None:
                return made, old
            if check is not None:
                check(connection)
            successor = connection.scalar(
                select(_columns.id).where(_columns.replaces == old.id, _columns.owner.is_not_distinct_from(old.owner))
            )
            ended = (_columns.id == old.id) & live_at(now)
            if successor or connection.execute(update(api_keys).where(ended).values(end)).rowcount != 1:
                raise Fault(Code.CONFLICT, "the key was replaced already, or is not good any more")
            if not overlap:
                _withdraw(connection, old)
            return insert_key(connection, key, self._limit), existing_key(connection, old.id)

        made, ended = await self._write(work)
        self._changed([ended])
        return made, secret

    async def change(self, key: Key, **values: Any) -> Key:  # noqa: ANN401  # columns of several types
        """Set the name, the end or the scopes of `key`; connections that hold more rights than are left are closed.

        Fault CONFLICT when it is no longer as `key` says: two changes at once must not give back what one took away.
        """
        if "scopes" in values:
            values["scopes"] = encoded(values["scopes"])

        def work(connection: Connection) -> Key:
            now = existing_key(connection, key.id)
            if (now.name, now.scopes, now.expires, now.revoked) != (key.name, key.scopes, key.expires, None):
                raise Fault(Code.CONFLICT, "the key was revoked, or has changed just now")
            connection.execute(update(api_keys).where(_columns.id == key.id).values(values))
            changed = existing_key(connection, key.id)
            if changed.scopes != key.scopes:
                _withdraw(connection, key)
            return changed

        changed = await self._write(work)
        self._changed([changed])
        if changed.scopes != key.scopes:
            self._live.revoke_key(key.id, CHANGED)
        return changed

    async def revoke(self, key: Key) -> Key:
        """Have it be good no more, at once, and close what it holds open. To do it twice changes nothing."""

        def work(connection: Connection) -> Key:
            good = (_columns.id == key.id) & _columns.revoked.is_(None)
            connection.execute(update(api_keys).where(good).values(revoked=time.time()))
            _withdraw(connection, key)
            return existing_key(connection, key.id)

        revoked = await self._write(work)
        self._changed([revoked])
        return revoked

    def revoke_all_of(self, owner: str, connection: Connection) -> list[Key]:
        """Revoke on disk every key of the workspace or organisation; `revoked` makes it live after the commit."""
        mine = (_columns.owner == owner) & _columns.revoked.is_(None)
        found = [key_of(row) for row in connection.execute(select(api_keys).where(mine))]
        connection.execute(update(api_keys).where(mine).values(revoked=time.time()))
        return found

    def unbind(self, owner: str, workspace: str, connection: Connection) -> list[Key]:
        """Take a workspace that leaves the organisation `owner` out of its keys on disk; `unbound` makes it live."""
        bound = (_columns.owner == owner) & _columns.workspaces.is_not(None)
        found = []
        for key in [key_of(row) for row in connection.execute(select(api_keys).where(bound))]:
            if key.workspaces is not None and workspace in key.workspaces:
                left = encoded(key.workspaces - {workspace})
                connection.execute(update(api_keys).where(_columns.id == key.id).values(workspaces=left))
                found.append(key)
        return found

    def unbound(self, found: Iterable[Key]) -> None:
        """Have these keys be read again, and close what they hold open."""
        self._changed(found)
        for key in found:
            self._live.revoke_key(key.id, CHANGED)

    def revoked(self, found: Iterable[Key]) -> None:
        """Refuse these keys from now on, and close what they hold open."""
        self._changed(found)

    async def find(self, key: str, owner: Owner) -> Key:
        """The key of that id and owner, with its uses up to now; Fault NOT_FOUND when there is none."""
        await self._count_up()
        found = await self._store.read(lambda connection: find_key(connection, key))
        if found is None or (found.kind, found.owner) != (owner.kind, owner.id):
            raise no_such_key()
        return found

    async def page(self, owner: Owner, before: tuple[float, str] | None, limit: int) -> list[Key]:
        """At most `limit` keys of `owner`, newest first, those older than `before` (time of creation, id)."""
        await self._count_up()
        query = select(api_keys).where(owned_by(owner)).order_by(_columns.created.desc(), _columns.id.desc()).limit(limit)
        if before is not None:
            query = query.where(tuple_(_columns.created, _columns.id) < before)
        return await self._store.read(lambda connection: [key_of(row) for row in connection.execute(query)])

    async def purge(self) -> None:
        """Forget what ended long ago, and what is of owners that are gone."""
        since = time.time() - KEPT
        gone = or_(
            _columns.expires < since,
            _columns.revoked < since,
            (_columns.kind == KeyKind.WORKSPACE) & _columns.owner.not_in(select(workspaces.c.id)),
            (_columns.kind == KeyKind.ORGANISATION) & _columns.owner.not_in(select(organisations.c.id)),
        )
        await self._store.write(lambda connection: connection.execute(delete(api_keys).where(gone)))

    async def close(self) -> None:
        """Write what is only in memory."""
        await self._uses.close()

    async def _count_up(self) -> None:
        with suppress(Fault):  # a store that cannot be written can still be read
            await self._uses.flush()

    async def _load(self, hashed: str) -> _Known:
        """The key from the store, which is kept in memory when it is good; Fault UNAUTHORIZED when it is not."""
        origin = ORIGIN.get()
        address = origin.address if origin else ""
        if (window := self._unknown.at(address)).remaining <= 0:
            raise limited(window)
        while True:
            changes = self._changes
            key = await self._store.read(lambda connection: good_key(connection, hashed))
            if changes == self._changes:  # what was read before a change may be good no more
                break
        if key is None:
            self._unknown.hit(address)
            raise _wrong()
        known = self._known[hashed] = _Known(key, key.principal)
        self._principals[key.id] = known.principal
        if len(self._known) > CACHED:
            _, oldest = self._known.popitem(last=False)
            self._principals.pop(oldest.key.id, None)
        return known

    async def _write(self, work: Callable[[Connection], T]) -> T:
        result = await self._store.write(work)
        self._changes += 1
        return result

    def _changed(self, found: Iterable[Key]) -> None:
        """Forget what is in memory of these keys, and end their connections now or when they end themselves."""
        self._changes += 1
        for key in found:
            self._known.pop(key.hash, None)
            self._principals.pop(key.id, None)
            if key.revoked is None:
                self._live.expire_key(key.id, key.end)
            else:
                self._live.revoke_key(key.id)


_columns: Final = api_keys.c


def _withdraw(connection: Connection, key: Key) -> None:
    """Have the invitations and handovers open nothing any more that were made with `key`, which may do less from now on."""
    withdraw(connection, one_time_tokens.c.created_by == maker(key.principal))


def sealed(key: Key, seed: bytes) -> tuple[Secret, Key]:
    """The text of a key, and the key with what is kept of the text."""
    secret = opaque(KEY_PREFIX, seed)
    text = secret.reveal()
    return secret, msgspec.structs.replace(key, hash=_hash(text), prefix=text[:SHOWN])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _wrong() -> Fault:
    return Fault(Code.UNAUTHORIZED, "the key is not valid")
