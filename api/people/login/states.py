"""Sign-ins under way: what the callback needs to know of the request that began one.

Each is good once, for LIFETIME seconds, in the browser that began it. A provider sees the state, a browser its own cookie;
whoever has but one of them can do nothing with it.
"""

import hashlib
import hmac
import secrets
import time
from typing import Final

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from api.serverkeys.keys import Keys
from api.store import Store
from api.tables import login_states
from shared.errors import Code, Fault

LIFETIME: Final = 600.0
STATES_MAX: Final = 10_000
"""Sign-ins under way; with one more the oldest is forgotten."""
COOKIE: Final = "__Host-hostel-login"
STATE_MAX: Final = 100
"""Characters; ours have 43."""
_PURPOSE: Final = "login-state"


class Started(msgspec.Struct, frozen=True):
    """A sign-in under way."""

    provider: str
    nonce: str
    verifier: str
    """Of PKCE (RFC 7636)."""
    return_to: str
    browser: str
    """SHA-256 of its cookie."""


class States:
    """All sign-ins under way."""

    def __init__(self, store: Store, keys: Keys) -> None:
        """They are kept sealed, so that what is read of the store ends no sign-in."""
        self._store = store
        self._keys = keys

    async def begin(self, provider: str, return_to: str, browser: str) -> tuple[str, Started]:
        """A new state, and what it stands for. `browser` is the value of its cookie."""
        started = Started(provider, secrets.token_urlsafe(32), secrets.token_urlsafe(48), return_to, _hash(browser))
        state, now = secrets.token_urlsafe(32), time.time()
        hashed = _hash(state)
        sealed = self._keys.seal(_PURPOSE, hashed, msgspec.msgpack.encode(started))
        row = {"hash": hashed, "sealed": sealed, "expires": now + LIFETIME}

        def work(connection: Connection) -> None:
            connection.execute(insert(login_states), row)
            excess = (connection.scalar(select(func.count()).select_from(login_states)) or 0) - STATES_MAX
            if excess > 0:
                oldest = select(login_states.c.hash).order_by(login_states.c.expires).limit(excess)
                connection.execute(delete(login_states).where(login_states.c.hash.in_(oldest)))

        await self._store.write(work)
        return state, started

    async def take(self, state: str, browser: str) -> Started:
        """What the state stands for, which is used up. Fault UNAUTHORIZED unless it was begun in that browser."""
        hashed = _hash(state)
        statement = (
            delete(login_states).where(login_states.c.hash == hashed).returning(login_states.c.sealed, login_states.c.expires)
        )
        row = await self._store.write(lambda connection: connection.execute(statement).first())
        if row is None or not time.time() < row.expires <= time.time() + LIFETIME:
            raise Fault(Code.UNAUTHORIZED, "the sign-in took too long, or was finished before; begin again")
        started = msgspec.msgpack.decode(self._keys.unseal(_PURPOSE, hashed, row.sealed), type=Started)
        if not hmac.compare_digest(started.browser, _hash(browser)):
            raise Fault(Code.UNAUTHORIZED, "the sign-in began in another browser; begin again")
        return started

    async def purge(self) -> None:
        """Forget those that were never finished."""
        over = login_states.c.expires < time.time()
        await self._store.write(lambda connection: connection.execute(delete(login_states).where(over)))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
