"""One-time tokens: what they hand over is sealed under a key that only the token yields, and is opened once.

The store has neither the token nor the key: of the token it has a hash of its own branch, so a copy of the store opens nothing.
A row's id, purpose, owner, detail and end are bound to what is sealed, so a row that was changed opens nothing either.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, tuple_, update

from api.credentials.opaque import SEED, is_opaque, opaque
from api.store import Store
from api.tables import one_time_tokens
from shared.errors import Code, Fault
from shared.ids import new_invitation_id
from shared.secret import Secret

ONE_TIME_PREFIX: Final = "hot_"
LIFETIME: Final = 300
"""Seconds that a token is good for unless it is said."""
CREDENTIAL_LIFETIME_MAX: Final = 900
"""Of one that hands over a credential."""
INVITATION_LIFETIME_MAX: Final = 14 * 86_400
KEPT: Final = 86_400
"""Seconds after its end for which it is known that there was one; what it sealed is gone at once."""

_NONCE: Final = 12
_KEY: Final = 32
_ACTOR_MAX: Final = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a one-time token was for, and what it has handed over."""

    purpose: str
    owner: str
    detail: dict[str, Any]
    payload: bytes
    id: str
    created_by: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A one-time token that can still be used. Times are seconds since the epoch."""

    id: str
    purpose: str
    owner: str
    detail: dict[str, Any]
    created: float
    created_by: str
    expires: float


class OneTime:
    """All one-time tokens of api; those that hostd makes are its own."""

    def __init__(self, store: Store) -> None:
        """Over `store`."""
        self._store = store

    async def mint(  # noqa: PLR0917  # what a row is made of, in the order of its columns
        self,
        purpose: str,
        owner: str,
        detail: dict[str, Any],
        payload: bytes,
        lifetime: float,
        created_by: str,
        token_id: str = "",
        check: Callable[[Connection], None] | None = None,
    ) -> tuple[str, Secret]:
        """A new token's id, and the token, which nobody can tell again.

        `purpose`: what it is good for, at most 20 characters. `owner`: the id of whom it is about. `detail` may be shown to
        those who may list it; `payload` only to whoever uses the token. `token_id`: the id, if it is known already. `check` is
        called in the same transaction; when it raises, nothing is made.
        """
        token, made, now = opaque(ONE_TIME_PREFIX, secrets.token_bytes(SEED)), token_id or new_invitation_id(), time.time()
        row = {
            "hash": _hash(token),
            "id": made,
            "purpose": purpose,
            "owner": owner,
            "detail": msgspec.json.encode(detail),
            "created": now,
            "created_by": created_by[:_ACTOR_MAX],
            "expires": now + lifetime,
        }
        nonce = secrets.token_bytes(_NONCE)
        row["sealed"] = nonce + _cipher(token).encrypt(nonce, payload, _bound(row))

        def work(connection: Connection) -> None:
            if check is not None:
                check(connection)
            connection.execute(insert(one_time_tokens), row)

        await self._write(work)
        return made, token

    async def redeem(self, token: Secret, purpose: str | None, used_by: str) -> Redeemed:
        """Use the token up: of any number of callers one gets what it hands over.

        Fault UNAUTHORIZED for all that is wrong with it: made up, for another purpose (None is any), used, revoked, expired, or
        its row was changed.
        """
        return await self.spend(token, purpose, used_by, lambda _connection, redeemed: redeemed)

    async def spend(self, token: Secret, purpose: str | None, used_by: str, also: Callable[[Connection, Redeemed], T]) -> T:
        """As `redeem`, and what `also` does in the same transaction, which is answered: when that raises, nothing was used."""
        if not is_opaque(ONE_TIME_PREFIX, token.reveal()):
            raise wrong_token()
        hashed, now = _hash(token), time.time()

        def work(connection: Connection) -> tuple[T] | None:
            row = connection.execute(select(_table).where(_columns.hash == hashed)).first()
            if row is None or (purpose is not None and row.purpose != purpose):
                return None
            redeemed = _opened(row, token)
            good = (_columns.hash == hashed) & _columns.used.is_(None) & (_columns.expires > now)
            values = {"used": now, "used_by": used_by[:_ACTOR_MAX], "sealed": b""}
            if redeemed is None or connection.execute(update(_table).where(good).values(values)).rowcount != 1:
                return None  # not raised: what has expired is wiped in any case
            return (also(connection, redeemed),)

        spent = await self._write(work)
        if spent is None:
            raise wrong_token()
        return spent[0]

    async def page(self, owner: str, purpose: str, before: tuple[float, str] | None = None, limit: int = 100) -> list[Pending]:
        """At most `limit` tokens of that owner and purpose that can still be used, newest first, those older than `before`."""
        query = (
            select(_table)
            .where(_pending(owner, time.time()), _columns.purpose == purpose)
            .order_by(_columns.created.desc(), _columns.id.desc())
            .limit(limit)
        )
        if before is not None:
            query = query.where(tuple_(_columns.created, _columns.id) < before)
        return await self._store.read(lambda connection: [_shown(row) for row in connection.execute(query)])

    async def find(self, token_id: str, owner: str) -> Pending:
        """The token of that id and owner; Fault NOT_FOUND when there is none that could be used."""
        mine = _pending(owner, time.time()) & (_columns.id == token_id)
        row = await self._store.read(lambda connection: connection.execute(select(_table).where(mine)).first())
        if row is None:
            raise _absent()
        return _shown(row)

    async def revoke(self, token_id: str, owner: str) -> Pending:
        """Have it open nothing any more; it is answered as it was. Fault NOT_FOUND when there is none that could be used."""
        now = time.time()
        mine = _pending(owner, now) & (_columns.id == token_id)

        def work(connection: Connection) -> Pending | None:
            row = connection.execute(select(_table).where(mine)).first()
            connection.execute(update(_table).where(mine).values(expires=now, sealed=b""))
            return _shown(row) if row else None

        found = await self._write(work)
        if found is None:
            raise _absent()
        return found

    async def purge(self) -> None:
        """Forget those that ended long ago."""
        ended = _columns.expires < time.time() - KEPT
        await self._write(lambda connection: connection.execute(delete(_table).where(ended)))

    async def _write(self, work: Callable[[Connection], T]) -> T:
        """Do `work`, and wipe what has expired in the same transaction."""
        expired = (_columns.expires <= time.time()) & (_columns.sealed != b"")

        def transaction(connection: Connection) -> T:
            connection.execute(update(_table).where(expired).values(sealed=b""))
            return work(connection)

        return await self._store.write(transaction)


_table: Final = one_time_tokens
_columns: Final = one_time_tokens.c


def withdraw(connection: Connection, whose: ColumnElement[bool]) -> None:
    """Have those open nothing any more that can still be used and are `whose`."""
    pending = whose & _columns.used.is_(None) & (_columns.expires > time.time())
    connection.execute(update(_table).where(pending).values(expires=time.time(), sealed=b""))


def wrong_token() -> Fault:
    """What is said of any one-time token that is not good, whatever is wrong with it."""
    return Fault(Code.UNAUTHORIZED, "the credential is wrong, expired or used up")


def _absent() -> Fault:
    return Fault(Code.NOT_FOUND, "there is no such one-time token, or not any more")


def _pending(owner: str, now: float) -> Any:  # noqa: ANN401  # SQLAlchemy's expressions have no useful type
    return (_columns.owner == owner) & _columns.used.is_(None) & (_columns.expires > now)


def _opened(row: Row[Any], token: Secret) -> Redeemed | None:
    """What the row hands over; None when it was wiped or is not as it was made."""
    try:
        payload = _cipher(token).decrypt(row.sealed[:_NONCE], row.sealed[_NONCE:], _bound(row._mapping))  # noqa: SLF001  # SQLAlchemy's public accessor
    except (InvalidTag, ValueError):  # the latter for what is too short to be sealed
        return None
    detail = msgspec.json.decode(row.detail, type=dict[str, Any])
    return Redeemed(row.purpose, row.owner, detail, payload, row.id, row.created_by)


def _shown(row: Row[Any]) -> Pending:
    detail = msgspec.json.decode(row.detail, type=dict[str, Any])
    return Pending(row.id, row.purpose, row.owner, detail, row.created, row.created_by, row.expires)


def _bound(row: Any) -> bytes:  # noqa: ANN401  # a dict, or a row's mapping
    """What the seal covers beside the payload."""
    names = ("purpose", "id", "owner", "detail", "created_by", "expires")
    return msgspec.msgpack.encode([row[name] for name in names])


def _cipher(token: Secret) -> AESGCM:
    return AESGCM(_branch(token, b"hostel one-time token: key"))


def _hash(token: Secret) -> str:
    return _branch(token, b"hostel one-time token: name").hex()


def _branch(token: Secret, purpose: bytes) -> bytes:
    """32 bytes that follow from the token, and from which neither it nor another branch follows (RFC 5869)."""
    return HKDF(hashes.SHA256(), _KEY, salt=None, info=purpose).derive(token.reveal().encode())
