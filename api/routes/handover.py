"""Handing a workspace's credentials, or a device's sign-in, to somebody: a one-time token, and what it is exchanged for."""

import secrets
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from api.acting import ORIGIN
from api.auth import WORKSPACE_SCOPES, Role, Scope, Target
from api.credentials.minting import KeyRank, NewKey, Scopes, When, key_view, new_key
from api.credentials.onetime import CREDENTIAL_LIFETIME_MAX, LIFETIME, Pending, wrong_token
from api.credentials.opaque import SEED
from api.credentials.rights import KeyKind, Owner, check_gift, maker
from api.credentials.tokens import Grant
from api.pages import PageQuery, cut, decode_moment
from api.people.standing import lasting
from api.problems import invalid
from api.routing import Context, Created, route
from api.schema import Body, View, moment
from shared.errors import Code, Fault
from shared.ids import InvitationId, KeyId, PersonId, WorkspaceId, new_invitation_id
from shared.rooms import Name
from shared.secret import Secret

PURPOSE: Final = "handover"
_WORKSPACE: Final = "/api/workspaces/{workspaceId}/handover"
_ENDED: Final = frozenset({Code.UNAUTHORIZED, Code.CONFLICT, Code.NOT_FOUND})
_OWN: Final = "/api/auth/handover"

Lifetime = Annotated[int, Meta(ge=10, le=CREDENTIAL_LIFETIME_MAX)]


class NewSignIn(Body, frozen=True):
    """A sign-in to be handed to a device of one's own."""

    lifetime: Lifetime = LIFETIME
    """Seconds within which it has to be used."""


class NewHandover(Body, frozen=True):
    """What is to be handed over: a new key, which is described as where keys are made, or a sign-in as the workspace."""

    kind: Literal["key", "signin"]
    lifetime: Lifetime = LIFETIME
    """Seconds within which it has to be used."""
    name: Name | None = None
    rank: KeyRank | None = None
    scopes: Scopes | None = None
    expires_at: When | None = None


class HandoverView(View, frozen=True):
    """A one-time token that can still be used, without the token."""

    handover_id: InvitationId
    kind: Literal["key", "signin"]
    key_id: KeyId | None
    """The key that it hands over, which is good only for as long as the token until it was used."""
    created_at: datetime
    created_by: str
    expires_at: datetime


class NewHandoverView(HandoverView, frozen=True):
    """A one-time token that was just made."""

    token: str
    """Shown this once; `POST /api/auth/redeem` takes it."""
    url: str
    """A link that does the same. The token is in its fragment, which no browser sends to a server."""


class HandoverPage(View, frozen=True):
    """A page of one-time tokens, newest first."""

    items: list[HandoverView]
    next_cursor: str | None
    """For the next page; null on the last."""


class RedeemedView(View, frozen=True):
    """What a one-time token was good for: by `kind`, an administrator's token, a key, or tokens of a workspace or a person.

    What is not of that kind is null. Lifetimes are seconds.
    """

    kind: Literal["admin", "key", "workspace", "person"]
    workspace_id: WorkspaceId | None = None
    """With `key` and `workspace`."""
    person_id: PersonId | None = None
    """With `person`."""
    key_id: KeyId | None = None
    key: str | None = None
    """With `key`: it is shown this once."""
    access_token: str | None = None
    """With all but `key`."""
    expires_in: int | None = None
    refresh_token: str | None = None
    """With `workspace` and `person`."""
    refresh_expires_in: int | None = None
    token_type: str = "Bearer"  # noqa: S105  # RFC 6750's word


class Sealed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a one-time token hands over, as it is sealed."""

    kind: Literal["key", "workspace", "person"]
    key: str = ""
    key_id: str = ""
    expires: float | None = None
    """Of the key, once it has its owner."""
    secret_version: int = 0
    """Of the workspace's secret when it was made: a rotation since then voids it."""


@route(
    "POST",
    _WORKSPACE,
    scope=Scope.HANDOVER,
    summary="Hand a workspace's credentials over",
    errors=(Code.LIMIT, Code.NOT_READY),
    resource=new_invitation_id,
    limit="mint",
)
async def create_handover(ctx: Context, body: NewHandover) -> Created[NewHandoverView]:
    """Make a one-time token that somebody exchanges for a new key, or for a sign-in as the workspace."""
    workspace = ctx.param("workspaceId")
    if body.kind == "key":
        sealed = await _new_key(ctx, workspace, body)
    else:
        sealed = await _sign_in(ctx, workspace, body)
    return await _made(ctx, workspace, sealed, body.lifetime, f"/api/workspaces/{workspace}/handover")


@route("GET", _WORKSPACE, scope=Scope.KEYS_READ, summary="List what of a workspace waits to be handed over")
async def list_handovers(ctx: Context, query: PageQuery) -> HandoverPage:
    """The tokens that can still be used."""
    return await _page(ctx, ctx.param("workspaceId"), query)


@route("DELETE", _WORKSPACE + "/{invitationId}", scope=Scope.HANDOVER, summary="Take a handover back")
async def revoke_handover(ctx: Context) -> None:
    """Its token opens nothing any more, and the key that it would have handed over is revoked."""
    workspace = ctx.param("workspaceId")
    pending = await ctx.app.onetime.revoke(ctx.param("invitationId"), workspace)
    if key_id := pending.detail.get("keyId"):
        key = await ctx.app.apikeys.find(key_id, Owner(KeyKind.WORKSPACE, workspace))
        revoked = await ctx.app.apikeys.revoke(key)
        if key.revoked is None:
            await ctx.app.webhooks.emit("key.revoked", key_view(revoked), ctx.target)


@route("POST", _OWN, scope=Scope.SELF, summary="Sign another device of yours in", resource=new_invitation_id, limit="mint")
async def create_own_handover(ctx: Context, body: NewSignIn) -> Created[NewHandoverView]:
    """Make a one-time token that a device of yours exchanges for tokens of its own."""
    return await _made(ctx, _person(ctx), Sealed("person"), body.lifetime, _OWN)


@route("GET", _OWN, scope=Scope.SELF, summary="List the sign-ins that wait for your devices")
async def list_own_handovers(ctx: Context, query: PageQuery) -> HandoverPage:
    """The tokens that can still be used."""
    return await _page(ctx, _person(ctx), query)


@route("DELETE", _OWN + "/{invitationId}", scope=Scope.SELF, summary="Take a sign-in back")
async def revoke_own_handover(ctx: Context) -> None:
    """Its token opens nothing any more. A device that has used it stays signed in."""
    await ctx.app.onetime.revoke(ctx.param("invitationId"), _person(ctx))


async def taken(ctx: Context, token: Secret) -> RedeemedView:
    """Use a one-time token up, and give what it hands over; Fault UNAUTHORIZED, always the same, when it gives nothing."""
    origin = ORIGIN.get()
    redeemed = await ctx.app.onetime.redeem(token, PURPOSE, origin.address if origin else "")
    sealed, target = msgspec.msgpack.decode(redeemed.payload, type=Sealed), Target()
    if sealed.kind == "person":
        view = _signed_in("person", await ctx.app.tokens.grant_person(redeemed.owner), person_id=redeemed.owner)
    else:
        row = await ctx.app.workspaces.find(redeemed.owner)
        if row is None or row.deleted is not None:
            raise wrong_token()
        target = row.target
        view = await _entered(ctx, row.id, sealed)
    # The request itself is anonymous: this tells the owner's log of it.
    ctx.app.auditor.note("redeem", "ok", target, redeemed.id)
    return view


async def _entered(ctx: Context, workspace: str, sealed: Sealed) -> RedeemedView:
    try:
        if sealed.kind == "workspace":
            grant = await ctx.app.tokens.grant_workspace(workspace, sealed.secret_version)
            return _signed_in("workspace", grant, workspace_id=workspace)
        key = await ctx.app.apikeys.find(sealed.key_id, Owner(KeyKind.WORKSPACE, workspace))
        await ctx.app.apikeys.change(key, expires=sealed.expires)
    except Fault as fault:  # the secret was rotated, or the key revoked
        raise wrong_token() if fault.code in _ENDED else fault from None
    return RedeemedView(kind="key", workspace_id=workspace, key_id=sealed.key_id, key=sealed.key)


def _signed_in(kind: Literal["workspace", "person"], grant: Grant, **whose: str) -> RedeemedView:
    return RedeemedView(
        kind=kind,
        access_token=grant.access.reveal(),
        expires_in=grant.expires_in,
        refresh_token=grant.refresh.reveal() if grant.refresh else None,
        refresh_expires_in=grant.refresh_expires_in,
        **whose,
    )


def _person(ctx: Context) -> str:
    if ctx.principal.role is not Role.PERSON or ctx.principal.person is None:
        raise Fault(Code.FORBIDDEN, "only people have devices; a workspace is handed over by its own route")
    return ctx.principal.person


async def _new_key(ctx: Context, workspace: str, body: NewHandover) -> Sealed:
    """A key that ends with the one-time token, unless that is used."""
    asked = NewKey(name=body.name or "handed over", rank=body.rank, scopes=body.scopes, expires_at=body.expires_at)
    key = new_key(ctx, Owner(KeyKind.WORKSPACE, workspace), asked)
    until = key.created + body.lifetime
    first = msgspec.structs.replace(key, expires=min(key.end, until))
    made, secret = await ctx.app.apikeys.mint(first, secrets.token_bytes(SEED), lasting(ctx))
    await ctx.app.webhooks.emit("key.minted", key_view(made), ctx.target)
    return Sealed("key", secret.reveal(), made.id, key.expires)


async def _sign_in(ctx: Context, workspace: str, body: NewHandover) -> Sealed:
    """A sign-in as the workspace, which only those can give who may do there all that the workspace may."""
    if any(part is not None for part in (body.name, body.rank, body.scopes, body.expires_at)):
        raise invalid("a sign-in has no name, rank, scopes or end of its own; hand a key over", pointer="/kind")
    if ctx.principal.key:
        raise Fault(Code.FORBIDDEN, "a key cannot hand a sign-in over, which would outlive it; hand a key over")
    check_gift(ctx.principal, ctx.target, WORKSPACE_SCOPES)
    row = await ctx.app.workspaces.get(workspace)
    return Sealed("workspace", secret_version=row.secret_version)


async def _made(ctx: Context, owner: str, sealed: Sealed, lifetime: int, base: str) -> Created[NewHandoverView]:
    detail = {"kind": "key", "keyId": sealed.key_id} if sealed.kind == "key" else {"kind": "signin"}
    payload, by = msgspec.msgpack.encode(sealed), maker(ctx.principal)
    made, token = await ctx.app.onetime.mint(PURPOSE, owner, detail, payload, lifetime, by, ctx.resource_id, lasting(ctx))
    fields = _fields(await ctx.app.onetime.find(made, owner))
    url = f"{ctx.app.config.api.base}/#redeem={token.reveal()}"
    return Created(body=NewHandoverView(token=token.reveal(), url=url, **fields), location=f"{base}/{made}")


async def _page(ctx: Context, owner: str, query: PageQuery) -> HandoverPage:
    found = await ctx.app.onetime.page(owner, PURPOSE, decode_moment(query.cursor), query.limit + 1)
    shown, more = cut(found, lambda pending: (pending.created, pending.id), query.limit)
    return HandoverPage(items=[HandoverView(**_fields(pending)) for pending in shown], next_cursor=more)


def _fields(pending: Pending) -> dict[str, Any]:
    return {
        "handover_id": pending.id,
        "kind": pending.detail["kind"],
        "key_id": pending.detail.get("keyId"),
        "created_at": moment(pending.created),
        "created_by": pending.created_by,
        "expires_at": moment(pending.expires),
    }
