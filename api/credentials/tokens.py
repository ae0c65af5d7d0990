"""Access tokens (EdDSA JWTs) and refresh tokens, in families that are revoked as one.

A family begins with a sign-in. Each refresh token is good once; when a used one comes again, somebody has a copy, and the whole
family is revoked (RFC 9700, 4.14.2). Revocation is live: it is in memory, and on disk before it is answered.
"""

import hashlib
import secrets
import time
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Final

import jwt
from sqlalchemy import Connection, delete, insert, select, update

from api.auth import ADMIN_SCOPES, WORKSPACE_SCOPES, Principal, Role
from api.people.people import scopes_of_people
from api.serverkeys.keys import Keys
from api.store import Store
from api.streams.live import Live
from api.tables import families, people, refresh_tokens, workspaces
from shared.errors import Code, Fault
from shared.ids import is_person_id, is_workspace_id
from shared.secret import Secret
from shared.settings import Api, Auth

ISSUER: Final = "hostel"
AUDIENCE: Final = "hostel-api"
ALGORITHM: Final = "EdDSA"
TYPE: Final = "at+jwt"  # RFC 9068
CLAIMS: Final = ("iss", "aud", "sub", "iat", "exp", "jti", "fam")
TOKEN_MAX: Final = 2048
"""Characters of an access token; ours have about 450."""
VERIFIED_MAX: Final = 4096
"""Tokens whose signature need not be checked again."""
REFRESH_PREFIX: Final = "hrt_"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a sign-in gives. Lifetimes are seconds."""

    subject: str
    """Whom it stands for: the id of a workspace or of a person, or `admin`."""
    access: Secret
    expires_in: int
    refresh: Secret | None
    refresh_expires_in: int


class Tokens:
    """Makes, checks and revokes tokens."""

    def __init__(self, store: Store, keys: Keys, live: Live, config: Api, auth: Auth | None) -> None:
        """`load` must be awaited before a token is checked. Without `auth` there are no people."""
        self._store = store
        self._keys = keys
        self._live = live
        self._auth = auth
        self._lifetime = config.token_lifetime
        self._refresh_lifetime = config.refresh_lifetime
        self._revoked: dict[str, tuple[float, float]] = {}
        """When, by the clock and by the one that nobody sets."""
        self._verified = lru_cache(VERIFIED_MAX)(self._verify)

    async def load(self) -> None:
        """Learn what is revoked."""
        query = select(families.c.id, families.c.revoked).where(families.c.revoked > time.time() - self._lifetime)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        self._revoked = {row.id: (row.revoked, time.monotonic()) for row in rows}

    async def purge(self) -> None:
        """Forget what has expired."""
        now = time.time()

        def work(connection: Connection) -> None:
            connection.execute(delete(refresh_tokens).where(refresh_tokens.c.expires < now))
            connection.execute(delete(families).where(families.c.expires < now))

        await self._store.write(work)

    def signing_key_revoked(self) -> None:
        """Check every signature again from now on, and have those who are connected by a token come again with it."""
        self._verified.cache_clear()
        self._live.revoke_tokens()

    def verify(self, token: str) -> Principal:
        """Whom the token stands for. Raises Fault UNAUTHORIZED when it is not good, or not any more."""
        principal = self._verified(token)
        self.check(principal)
        return principal

    def check(self, principal: Principal) -> None:
        """Raise Fault UNAUTHORIZED when the token that `principal` came from has expired or was revoked since."""
        if principal.expires <= time.time():
            raise Fault(Code.UNAUTHORIZED, "the token has expired")
        if principal.family in self._revoked:
            raise Fault(Code.UNAUTHORIZED, "the token was revoked")

    async def grant_admin(self) -> Grant:
        """Sign an admin in. There is no refresh token: the next one-time token is the way back."""
        family = new_family()
        now = time.time()
        row = {"id": family, "subject": Role.ADMIN, "created": now, "expires": now + self._lifetime}
        await self._store.write(lambda connection: connection.execute(insert(families), row))
        return Grant(Role.ADMIN, self._sign(Role.ADMIN, family), self._lifetime, None, 0)

    async def grant_workspace(self, workspace: str, secret_version: int) -> Grant:
        """Sign a workspace in, whose secret of that version was shown. UNAUTHORIZED when it was rotated since."""
        family, refresh, now = new_family(), _new_refresh(), time.time()
        row = {"id": family, "subject": workspace, "created": now, "expires": self._family_end(now)}

        def work(connection: Connection) -> bool:
            query = select(workspaces.c.secret_version).where(workspaces.c.id == workspace)
            if connection.scalar(query) != secret_version:
                return False
            connection.execute(insert(families), row)
            self._insert_refresh(connection, refresh, family, now)
            return True

        if not await self._store.write(work):
            raise Fault(Code.UNAUTHORIZED, "the secret was rotated just now")
        return self._grant(workspace, family, refresh)

    async def grant_person(self, person: str) -> Grant:
        """Sign a device of a person in."""
        family, refresh, now = new_family(), _new_refresh(), time.time()
        row = {"id": family, "subject": person, "created": now, "expires": self._family_end(now)}

        def work(connection: Connection) -> None:
            connection.execute(insert(families), row)
            self._insert_refresh(connection, refresh, family, now)

        await self._store.write(work)
        return self._grant(person, family, refresh)

    async def refresh(self, token: Secret) -> Grant:
        """Exchange a refresh token for new tokens. UNAUTHORIZED, and its family revoked, when it was used before."""
        hashed, refresh, now = _hash(token), _new_refresh(), time.time()

        def work(connection: Connection) -> tuple[str, str, bool] | None:
            query = (
                select(families.c.id, families.c.subject)
                .join(refresh_tokens)
                .where(refresh_tokens.c.hash == hashed, refresh_tokens.c.expires > now, families.c.revoked.is_(None))
            )
            found = connection.execute(query).first()
            if found is None:
                return None
            family, subject = found
            if is_person_id(subject) and not self._may_sign_in(connection, subject):
                return None
            unused = (refresh_tokens.c.hash == hashed) & refresh_tokens.c.used.is_(None)
            if connection.execute(update(refresh_tokens).where(unused).values(used=now)).rowcount != 1:
                connection.execute(update(families).where(families.c.id == family).values(revoked=now))
                return family, subject, False
            connection.execute(update(families).where(families.c.id == family).values(expires=self._family_end(now)))
            self._insert_refresh(connection, refresh, family, now)
            return family, subject, True

        result = await self._store.write(work)
        if result is None:
            raise Fault(Code.UNAUTHORIZED, "the refresh token is not valid")
        family, subject, first_use = result
        if not first_use:
            self.revoke_now([family])
            raise Fault(Code.UNAUTHORIZED, "the refresh token was used before; all tokens of this sign-in are revoked")
        return self._grant(subject, family, refresh)

    async def revoke(self, family: str) -> None:
        """Revoke a family and close what it holds open."""
        statement = update(families).where(families.c.id == family, families.c.revoked.is_(None)).values(revoked=time.time())
        await self._store.write(lambda connection: connection.execute(statement))
        self.revoke_now([family])

    def revoke_all_of(self, subject: str, connection: Connection) -> list[str]:
        """Revoke every family of `subject` on disk, and answer their ids; `revoked` makes it live after the commit."""
        mine = (families.c.subject == subject) & families.c.revoked.is_(None)
        found = list(connection.scalars(select(families.c.id).where(mine)))
        connection.execute(update(families).where(mine).values(revoked=time.time()))
        return found

    def revoked(self, workspace: str, found: list[str]) -> None:
        """Refuse the tokens of these families from now on, and close all connections of the workspace."""
        self.revoke_now(found)
        self._live.revoke_workspace(workspace)

    def revoke_now(self, found: list[str]) -> None:
        """Refuse what comes of these families, which are revoked on disk, and close what they hold open."""
        now, passed = time.time(), time.monotonic()
        # Their last access token has expired by itself after `_lifetime`, by either clock: one may be set forth and back.
        ended, begun = now - self._lifetime, passed - self._lifetime
        for family in [family for family, (since, at) in self._revoked.items() if since < ended and at < begun]:
            del self._revoked[family]
        self._revoked.update(dict.fromkeys(found, (now, passed)))
        for family in found:
            self._live.revoke_family(family)

    def principal(self, subject: str, *, family: str, expires: float, token_id: str = "", name: str = "") -> Principal | None:
        """Whom a sign-in of `subject` stands for; None when nobody of that kind can sign in."""
        known = partial(Principal, family=family, token_id=token_id, expires=expires, name=name)
        if subject == Role.ADMIN:
            return known(role=Role.ADMIN, scopes=ADMIN_SCOPES)
        if is_workspace_id(subject):
            return known(role=Role.WORKSPACE, scopes=WORKSPACE_SCOPES, workspace=subject)
        if is_person_id(subject) and self._auth is not None:
            return known(role=Role.PERSON, scopes=scopes_of_people(self._auth), person=subject)
        return None

    def _may_sign_in(self, connection: Connection, person: str) -> bool:
        """Whether the provider that said who they are is still configured."""
        provider = connection.scalar(select(people.c.provider).where(people.c.id == person))
        return self._auth is not None and provider in self._auth.provider

    def _grant(self, subject: str, family: str, refresh: Secret) -> Grant:
        return Grant(subject, self._sign(subject, family), self._lifetime, refresh, self._refresh_lifetime)

    def _family_end(self, now: float) -> float:
        return now + max(self._lifetime, self._refresh_lifetime)

    def _insert_refresh(self, connection: Connection, token: Secret, family: str, now: float) -> None:
        row = {"hash": _hash(token), "family": family, "expires": now + self._refresh_lifetime}
        connection.execute(insert(refresh_tokens), row)

    def _sign(self, subject: str, family: str) -> Secret:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(subject),
            "iat": now,
            "exp": now + self._lifetime,
            "jti": secrets.token_hex(16),
            "fam": family,
        }
        key = self._keys.signing
        return Secret(jwt.encode(claims, key.private, ALGORITHM, headers={"kid": key.kid, "typ": TYPE}))

    def _verify(self, token: str) -> Principal:
        """Whom the token stands for, if its signature and its claims are right. What changes later is not looked at."""
        try:
            return self._principal(self._claims(token))
        except (jwt.InvalidTokenError, TypeError, ValueError):
            raise Fault(Code.UNAUTHORIZED, "the token is not valid") from None

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_MAX:
            raise jwt.InvalidTokenError
        header = jwt.get_unverified_header(token)
        key = self._keys.public.get(header.get("kid", ""))
        if key is None or header.get("typ") != TYPE:
            raise jwt.InvalidTokenError
        # The algorithm is the key's, never the token's (CVE-2022-29217).
        options: jwt.types.Options = {"require": list(CLAIMS), "strict_aud": True}
        return jwt.decode(token, key, [ALGORITHM], options, audience=AUDIENCE, issuer=ISSUER)

    def _principal(self, claims: dict[str, Any]) -> Principal:
        """Whom the claims name. Each is typed, and none may be empty: an empty one must not match everything."""
        subject, family, token_id, expires = (claims[name] for name in ("sub", "fam", "jti", "exp"))
        if not all(isinstance(claim, str) and claim for claim in (subject, family, token_id)) or not isinstance(expires, int):
            raise jwt.InvalidTokenError
        found = self.principal(subject, family=family, token_id=token_id, expires=expires)
        if found is None:
            raise jwt.InvalidTokenError
        return found


def new_family() -> str:
    """A fresh id of a family."""
    return secrets.token_hex(16)


def _new_refresh() -> Secret:
    return Secret(REFRESH_PREFIX + secrets.token_urlsafe(32))


def _hash(token: Secret) -> str:
    return hashlib.sha256(token.reveal().encode()).hexdigest()
