"""Browser sessions: what a cookie stands for, kept here so that it can be revoked.

A session belongs to a family, as tokens do: it ends with its family, and to end it is to revoke that. What is in memory of one
is at most FRESH seconds old, which is less than `Tokens` remembers a revocation for.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from api.auth import Principal
from api.credentials.onetime import withdraw
from api.credentials.tokens import Tokens, new_family
from api.store import Store
from api.tables import browser_sessions, families, one_time_tokens, people
from api.workspaces import Workspaces
from shared.errors import Code, Fault
from shared.secret import Secret
from shared.settings import Auth

COOKIE: Final = "__Host-hostel"
COOKIE_LENGTH: Final = 43
"""Characters of its value: 256 random bits."""
SESSIONS_MAX: Final = 100
"""Sessions of one workspace, one person, or of all operators; with one more the one that was used least recently ends."""
FRESH: Final = 60.0
"""Seconds for which a row is not read again, and its last use not written."""
CACHED: Final = 10_000
"""Sessions in memory."""
SKEW: Final = 300.0
"""Seconds that a session may be from the future, as when the clock was set back a little."""
_ID: Final = 32
_AGENT: Final = 200


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a session is from, for its owner to recognise it."""

    address: str
    agent: str
    """The User-Agent header."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session."""

    cookie: Secret
    principal: Principal
    lifetime: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class BrowserSession:
    """A session as its owner sees it. Times are seconds since the epoch."""

    id: str
    name: str
    created: float
    used: float
    expires: float
    address: str
    agent: str


@dataclass(slots=True)
class _Kept:
    """A session in memory."""

    principal: Principal
    created: float
    used: float
    written: float
    """The last use that is on disk."""
    stale: float
    """When the row has to be read again, on the clock that nobody sets."""


class Browsers:
    """All sessions of browsers."""

    def __init__(self, store: Store, tokens: Tokens, workspaces: Workspaces, auth: Auth | None) -> None:
        """Without `auth` a session comes of a token alone."""
        self._store = store
        self._tokens = tokens
        self._workspaces = workspaces
        self._auth = auth
        settings = auth or Auth()
        self._lifetime, self._idle = settings.session_lifetime, settings.session_idle
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def principal(self, cookie: str) -> Principal:
        """Whom the cookie stands for; Fault UNAUTHORIZED when the session has ended. A person's ranks are not in it yet."""
        if len(cookie) != COOKIE_LENGTH:
            raise _ended()
        hashed = _hash(cookie)
        kept = self._kept.get(hashed)
        if kept is None or kept.stale <= time.monotonic():
            kept = await self._load(hashed)
        principal, now = kept.principal, time.time()
        if now >= principal.expires or now >= kept.used + self._idle:
            await self._forget(hashed)
            raise _ended()
        if kept.created > now + SKEW:
            raise Fault(Code.UNAUTHORIZED, "the session begins in the future: a clock was set back")
        self._tokens.check(principal)
        workspace = principal.workspace
        if workspace and not self._workspaces.at_hand(workspace) and not await self._workspaces.find(workspace):
            raise _ended()
        kept.used = max(now, kept.used)
        if now >= kept.written + FRESH:
            await self._write_use(hashed, kept)
        return principal

    async def open(self, subject: str, browser: Browser, name: str = "") -> Opened:
        """Sign a browser in."""
        now = time.time()
        family, expires = new_family(), now + self._lifetime
        begun = {"id": family, "subject": subject, "created": now, "expires": expires}
        cookie = secrets.token_urlsafe(32)

        def work(connection: Connection) -> list[str]:
            connection.execute(insert(families), begun)
            row = {"family": family, "name": name, "created": now, "expires": expires}
            connection.execute(insert(browser_sessions), row | _shown(cookie, browser, now))
            return _crowded_out(connection, subject, family)

        self._tokens.revoke_now(await self._store.write(work))
        return _opened(cookie, self._tokens.principal(subject, family=family, expires=expires, name=name))

    async def join(self, principal: Principal, browser: Browser) -> Opened:
        """Let a browser in by a token's sign-in, and no longer than that lasts. UNAUTHORIZED when it was revoked."""
        now, cookie, family = time.time(), secrets.token_urlsafe(32), principal.family

        def work(connection: Connection) -> tuple[float, list[str]] | None:
            found = select(families.c.expires).where(families.c.id == family, families.c.revoked.is_(None))
            end = connection.scalar(found)
            if end is None:
                return None
            expires = min(now + self._lifetime, end)
            row = {"family": family, "name": principal.name, "created": now, "expires": expires}
            connection.execute(insert(browser_sessions), row | _shown(cookie, browser, now))
            return expires, _crowded_out(connection, principal.subject, family)

        result = await self._store.write(work)
        if result is None:
            raise Fault(Code.UNAUTHORIZED, "the token was revoked")
        expires, ended = result
        self._tokens.revoke_now(ended)
        return _opened(cookie, replace(principal, expires=expires, token_id=""))

    async def sessions(self, principal: Principal) -> list[BrowserSession]:
        """The sessions of whom `principal` stands for, the last used first. What was used just now may not show yet."""
        query = (
            select(browser_sessions)
            .join(families)
            .where(families.c.subject == principal.subject, families.c.revoked.is_(None))
            .where(browser_sessions.c.expires > time.time(), browser_sessions.c.used > time.time() - self._idle)
            .order_by(browser_sessions.c.used.desc(), browser_sessions.c.hash)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [_session(row) for row in rows]

    async def end(self, principal: Principal, session: str) -> None:
        """Revoke the sign-in of a session of whom `principal` stands for; Fault NOT_FOUND when there is none of that id."""
        query = (
            select(browser_sessions.c.family)
            .join(families)
            .where(families.c.subject == principal.subject, families.c.revoked.is_(None))
            .where(browser_sessions.c.hash.startswith(session, autoescape=True))
        )
        family = await self._store.read(lambda connection: connection.scalar(query))
        if family is None:
            raise Fault(Code.NOT_FOUND, "there is no such session")
        await self._tokens.revoke(family)

    async def end_all(self, principal: Principal) -> None:
        """Revoke every sign-in of whom `principal` stands for, of devices too, and what they have prepared to hand over."""
        subject = principal.subject

        def work(connection: Connection) -> list[str]:
            withdraw(connection, one_time_tokens.c.owner == subject)
            return self._tokens.revoke_all_of(subject, connection)

        self._tokens.revoke_now(await self._store.write(work))

    async def purge(self) -> None:
        """Forget what has ended."""
        now = time.time()
        over = (browser_sessions.c.expires < now) | (browser_sessions.c.used < now - self._idle)
        await self._store.write(lambda connection: connection.execute(delete(browser_sessions).where(over)))

    async def _load(self, hashed: str) -> _Kept:
        before = self._kept.pop(hashed, None)
        begun = time.monotonic()
        query = (
            select(browser_sessions, families.c.subject, people.c.provider)
            .join(families)
            .outerjoin(people, people.c.id == families.c.subject)
            .where(browser_sessions.c.hash == hashed, families.c.revoked.is_(None))
        )
        row = await self._store.read(lambda connection: connection.execute(query).first())
        if row is None or not self._may_stay(row):
            raise _ended()
        principal = self._tokens.principal(row.subject, family=row.family, expires=row.expires, name=row.name)
        if principal is None:
            raise _ended()
        used = max(row.used, before.used) if before else row.used
        kept = self._kept[hashed] = _Kept(principal, row.created, used, row.used, begun + FRESH)
        if len(self._kept) > CACHED:
            self._kept.popitem(last=False)
        return kept

    def _may_stay(self, row: Row[Any]) -> bool:
        """Whether the configuration still has the way by which they came in."""
        auth = self._auth
        if row.name:
            return auth is not None and auth.pam is not None
        return row.provider is None or (auth is not None and row.provider in auth.provider)

    async def _forget(self, hashed: str) -> None:
        """Have what has ended stay so, whatever the clock does."""
        self._kept.pop(hashed, None)
        statement = delete(browser_sessions).where(browser_sessions.c.hash == hashed)
        with suppress(Fault):  # the store has logged it
            await self._store.write(lambda connection: connection.execute(statement))

    async def _write_use(self, hashed: str, kept: _Kept) -> None:
        used = kept.written = kept.used
        statement = update(browser_sessions).where(browser_sessions.c.hash == hashed).values(used=used)
        with suppress(Fault):  # the store has logged it; who signed in is known nevertheless
            await self._store.write(lambda connection: connection.execute(statement))


def session_id(cookie: str) -> str:
    """The id of the session that the cookie is for. It tells nothing of the cookie, which is as random as its hash."""
    return _hash(cookie)[:_ID]


def _crowded_out(connection: Connection, subject: str, newest: str) -> list[str]:
    """Revoke the families of the sessions that `subject` has above SESSIONS_MAX, and answer their ids."""
    mine = (families.c.subject == subject) & families.c.revoked.is_(None)
    query = (
        select(browser_sessions.c.hash, browser_sessions.c.family)
        .join(families)
        .where(mine)
        .order_by(browser_sessions.c.used.desc(), browser_sessions.c.created.desc())
        .offset(SESSIONS_MAX)
    )
    rows = connection.execute(query).all()
    connection.execute(delete(browser_sessions).where(browser_sessions.c.hash.in_([row.hash for row in rows])))
    ended = sorted({row.family for row in rows} - {newest})
    connection.execute(update(families).where(families.c.id.in_(ended)).values(revoked=time.time()))
    return ended


def _shown(cookie: str, browser: Browser, now: float) -> dict[str, object]:
    agent = "".join(character for character in browser.agent if character.isprintable())
    return {"hash": _hash(cookie), "used": now, "address": browser.address[:64], "agent": agent[:_AGENT]}


def _opened(cookie: str, principal: Principal | None) -> Opened:
    if principal is None:
        raise _ended()
    return Opened(Secret(cookie), principal, principal.expires - time.time())


def _session(row: Row[Any]) -> BrowserSession:
    return BrowserSession(row.hash[:_ID], row.name, row.created, row.used, row.expires, row.address, row.agent)


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode(errors="replace")).hexdigest()


def _ended() -> Fault:
    return Fault(Code.UNAUTHORIZED, "the session has ended; sign in again")
