"""What the routes of keys do, whoever's keys they are."""

import hashlib
import math
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from api.auth import Rank, Role, Scope, no_such_workspace
from api.credentials.apikeys import OVERLAP_MAX
from api.credentials.rights import HOST, Key, KeyKind, Owner, asked, bounded_end, check_gift, maker, most
from api.pages import PageQuery, cut, decode_moment
from api.people.standing import lasting
from api.problems import invalid
from api.routing import Answer, Context
from api.schema import Body, View, encode, moment
from shared.errors import Code, Fault
from shared.ids import KeyId, OrganisationId, WorkspaceId, new_key_id
from shared.rooms import Name
from shared.secret import Secret

BOUND_MAX: Final = 100
"""Workspaces that a key can be bound to; who needs more leaves it unbound."""
END_MAX: Final = 100 * 365 * 86_400
"""Seconds until a key ends, if it does."""

KeyRank = Literal["viewer", "member", "admin"]
Scopes = Annotated[list[Scope], Meta(min_length=1, max_length=len(Scope))]
When = Annotated[datetime, Meta(tz=True)]


class NewKey(Body, frozen=True):
    """A key to be made: what it may do is said by rank, or scope by scope."""

    name: Name
    rank: KeyRank | None = None
    scopes: Scopes | None = None
    expires_at: When | None = None
    """Null: it is good until it is revoked."""


class NewOrganisationKey(NewKey, frozen=True):
    """A key of an organisation."""

    workspaces: Annotated[list[WorkspaceId], Meta(min_length=1, max_length=BOUND_MAX)] | None = None
    """Those that it reaches; null: all that the organisation has and will have."""


class KeyChange(Body, frozen=True):
    """What can be changed; what is left out stays."""

    name: Name | UnsetType = UNSET
    scopes: Scopes | UnsetType = UNSET
    """Some of those that it has: what was taken away does not come back."""
    expires_at: When | UnsetType | None = UNSET


class KeyRotation(Body, frozen=True):
    """How a key is replaced."""

    overlap: Annotated[float, Meta(ge=0, le=OVERLAP_MAX)] = 0
    """Seconds for which the old one is good too."""


class KeyView(View, frozen=True):
    """A key, without what it takes to use it."""

    key_id: KeyId
    kind: KeyKind
    workspace_id: WorkspaceId | None
    organisation_id: OrganisationId | None
    name: str
    prefix: str
    """How it begins."""
    status: Literal["live", "expired", "revoked"]
    rank: Rank | None
    """That it was made with; `scopes` say what it may do."""
    scopes: list[Scope]
    workspaces: list[WorkspaceId] | None
    """Those of its organisation that it is bound to; null is all."""
    created_at: datetime
    created_by: str
    """Whom its maker stood for, and after a slash the key that its maker used."""
    expires_at: datetime | None
    revoked_at: datetime | None
    replaces: KeyId | None
    uses: int
    """Requests; the last few seconds are lost when the server is killed."""
    last_used_at: datetime | None

    @property
    def etag(self) -> str:
        """The entity tag: of what can be changed."""
        content = encode((self.name, self.scopes, self.expires_at, self.status))
        return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


class NewKeyView(KeyView, frozen=True):
    """A key that was just made."""

    key: str
    """Shown this once."""


class KeyPage(View, frozen=True):
    """A page of keys, newest first."""

    items: list[KeyView]
    next_cursor: str | None
    """For the next page; null on the last."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that a request is about, and what it does with them."""

    ctx: Context
    owner: Owner

    async def mint(self, body: NewKey, bound: frozenset[str] | None = None) -> NewKeyView:
        """Make the key that the request asks for."""
        ctx = self.ctx
        for workspace in bound or ():
            row = await ctx.app.workspaces.find(workspace)
            if row is None or row.organisation != self.owner.id:
                raise no_such_workspace()
        key = new_key(ctx, self.owner, body, ctx.resource_id, bound)
        made, secret = await ctx.app.apikeys.mint(key, ctx.seed, lasting(ctx))
        return await self.told("key.minted", made, secret)

    async def page(self, query: PageQuery) -> KeyPage:
        """Those that are good, and those that were until not long ago."""
        found = await self.ctx.app.apikeys.page(self.owner, decode_moment(query.cursor), query.limit + 1)
        shown, more = cut(found, lambda key: (key.created, key.id), query.limit)
        return KeyPage(items=[key_view(key) for key in shown], next_cursor=more)

    async def show(self) -> Answer[KeyView]:
        """The key that the path names."""
        view = key_view(await self._named())
        return Answer(body=view, etag=view.etag)

    async def change(self, body: KeyChange) -> Answer[KeyView]:
        """Rename the key, move its end, or take scopes away."""
        ctx, key = self.ctx, await self._named()
        ctx.check_match(key_view(key).etag)
        if not key.live(time.time()):
            raise Fault(Code.CONFLICT, "the key is not good any more")
        values: dict[str, object] = {} if body.name is UNSET else {"name": body.name}
        if body.scopes is not UNSET:
            scopes = frozenset(body.scopes)
            if not scopes <= key.scopes:
                raise invalid("a key cannot get more than it has; make another one", pointer="/scopes")
            values["scopes"] = scopes
        if body.expires_at is not UNSET:
            expires = bounded_end(ctx.principal, _end(body.expires_at))
            if (math.inf if expires is None else expires) > key.end:  # it is as if they made it
                check_gift(ctx.principal, ctx.target, key.scopes)
            values["expires"] = expires
        changed = key_view(await ctx.app.apikeys.change(key, **values) if values else key)
        return Answer(body=changed, etag=changed.etag)

    async def revoke(self) -> None:
        """Have the key be good no more."""
        key = await self._named()
        revoked = await self.ctx.app.apikeys.revoke(key)
        if key.revoked is None:
            await self.ctx.app.webhooks.emit("key.revoked", key_view(revoked), self.ctx.target)

    async def rotate(self, body: KeyRotation) -> NewKeyView:
        """Replace the key by another one with the same name, rights and end."""
        ctx, old = self.ctx, await self._named()
        check_gift(ctx.principal, ctx.target, old.scopes)
        key = Key(
            id=ctx.resource_id,
            kind=old.kind,
            owner=old.owner,
            name=old.name,
            rank=old.rank,
            scopes=old.scopes,
            workspaces=old.workspaces,
            created=time.time(),
            created_by=maker(ctx.principal),
            expires=bounded_end(ctx.principal, old.expires),
            replaces=old.id,
        )
        made, secret = await ctx.app.apikeys.rotate(old, key, ctx.seed, body.overlap, lasting(ctx))
        return await self.told("key.rotated", made, secret)

    async def told(self, event: str, key: Key, secret: Secret) -> NewKeyView:
        """The view of a new key, of which webhooks are told; they do not get the key itself."""
        view = key_view(key)
        await self.ctx.app.webhooks.emit(event, view, self.ctx.target)
        fields = {name: getattr(view, name) for name in view.__struct_fields__}
        return NewKeyView(**fields, key=secret.reveal())

    async def _named(self) -> Key:
        return await self.ctx.app.apikeys.find(self.ctx.param("keyId"), self.owner)


def keyring(ctx: Context) -> Keyring:
    """The keys of what the path names; without a workspace and an organisation those of the host, which are for its admins."""
    if "workspaceId" in ctx.params:
        return Keyring(ctx, Owner(KeyKind.WORKSPACE, ctx.param("workspaceId")))
    if "organisationId" in ctx.params:
        return Keyring(ctx, Owner(KeyKind.ORGANISATION, ctx.param("organisationId")))
    if ctx.principal.role is not Role.ADMIN:
        raise Fault(Code.FORBIDDEN, "the host's keys are for its administrators")
    return Keyring(ctx, HOST)


def new_key(ctx: Context, owner: Owner, body: NewKey, key: str = "", bound: frozenset[str] | None = None) -> Key:
    """The key that `body` asks for, if the caller may make it."""
    rank = None if body.rank is None else Rank(body.rank)
    scopes = asked(owner.kind, rank, body.scopes, bound=bound is not None)
    check_gift(ctx.principal, ctx.target, scopes)
    return Key(
        id=key or new_key_id(),
        kind=owner.kind,
        owner=owner.id,
        name=body.name,
        rank=rank,
        scopes=scopes,
        workspaces=bound,
        created=time.time(),
        created_by=maker(ctx.principal),
        expires=bounded_end(ctx.principal, _end(body.expires_at)),
    )


def key_view(key: Key) -> KeyView:
    """What is shown of a key."""
    return KeyView(
        key_id=key.id,
        kind=key.kind,
        workspace_id=key.owner if key.kind is KeyKind.WORKSPACE else None,
        organisation_id=key.owner if key.kind is KeyKind.ORGANISATION else None,
        name=key.name,
        prefix=key.prefix,
        status="revoked" if key.revoked is not None else "live" if key.live(time.time()) else "expired",
        rank=key.rank,
        scopes=sorted(key.scopes & most(key.kind, bound=key.workspaces is not None)),
        workspaces=None if key.workspaces is None else sorted(key.workspaces),
        created_at=moment(key.created),
        created_by=key.created_by,
        expires_at=None if key.expires is None else moment(key.expires),
        revoked_at=None if key.revoked is None else moment(key.revoked),
        replaces=key.replaces,
        uses=key.uses,
        last_used_at=None if key.used is None else moment(key.used),
    )


def _end(given: datetime | None) -> float | None:
    """The time at which a key ends; Problem INVALID for one that is past, or so far away that it means never."""
    if given is None:
        return None
    seconds = given.timestamp() - time.time()
    if not 0 < seconds <= END_MAX:
        raise invalid("is past" if seconds <= 0 else "is too far away; null is never", pointer="/expiresAt")
    return given.timestamp()
