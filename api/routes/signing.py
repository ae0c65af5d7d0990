"""The server's own keys: those that sign tokens, and the one that seals what is stored."""

from datetime import datetime
from typing import Final

from api.auth import Scope
from api.routing import Context, Created, route
from api.schema import View, moment
from api.serverkeys.keys import SigningKey
from api.serverkeys.resealing import reseal
from shared.errors import Code

_DATED: Final = 1_000_000_000
"""Numbers above this are times; the first key of a server has a smaller one."""


class SigningKeyView(View, frozen=True):
    """A key that signs access tokens, or did."""

    key_id: str
    """The `kid` of its tokens, and in `/.well-known/jwks.json`."""
    created_at: datetime | None
    """Null of the server's first."""
    signs: bool
    """Whether it signs new tokens; the others only verify."""
    verifies_until: datetime | None
    """When it is removed, as its last token has expired; null of the one that signs."""


class SigningKeyList(View, frozen=True):
    """All signing keys, newest first."""

    items: list[SigningKeyView]


class Resealed(View, frozen=True):
    """What a new seal key has come to."""

    resealed: int
    """Values that were sealed anew."""


@route("GET", "/api/signing-keys", scope=Scope.SERVER_WRITE, summary="List the keys that sign access tokens")
async def list_signing_keys(ctx: Context) -> SigningKeyList:
    """Of the keys themselves only what is public."""
    return SigningKeyList(items=[_view(ctx, key) for key in reversed(ctx.app.keys.all)])


@route("POST", "/api/signing-keys", scope=Scope.SERVER_WRITE, summary="Sign access tokens with a new key", errors=(Code.LIMIT,))
async def rotate_signing_key(ctx: Context) -> Created[SigningKeyView]:
    """The key before verifies until its last token has expired, so nobody has to sign in again."""
    key = ctx.app.keys.rotate()
    return Created(body=_view(ctx, key), location=f"/api/signing-keys/{key.kid}")


@route("DELETE", "/api/signing-keys/{signingKeyId}", scope=Scope.SERVER_WRITE, summary="Revoke a signing key at once")
async def revoke_signing_key(ctx: Context) -> None:
    """No token that it signed is good any more. If it is the one that signs, a new one is made first.

    Every connection that was opened with an access token is closed; those whose tokens are still good come again.
    """
    ctx.app.keys.revoke(ctx.param("signingKeyId"))
    ctx.app.tokens.signing_key_revoked()


@route("POST", "/api/seal-keys", scope=Scope.SERVER_WRITE, summary="Seal what is stored under a new key", errors=(Code.FAILED,))
async def rotate_seal_key(ctx: Context) -> Resealed:
    """Secrets, webhooks, tasks, schedules and provisionings are sealed anew; one that was cut short is finished by the next."""
    ctx.app.keys.rotate_seal()
    return Resealed(resealed=await reseal(ctx.app.store, ctx.app.keys))


def _view(ctx: Context, key: SigningKey) -> SigningKeyView:
    until = ctx.app.keys.verifies_until(key)
    return SigningKeyView(
        key_id=key.kid,
        created_at=moment(key.number) if key.number > _DATED else None,
        signs=key is ctx.app.keys.signing,
        verifies_until=None if until is None else moment(until),
    )
