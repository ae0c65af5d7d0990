"""Signing in and out."""

import math
from datetime import datetime
from typing import Annotated, Final

from aiohttp import hdrs
from msgspec import Meta

from api.auth import Rank, Role, Scope
from api.credentials.onetime import ONE_TIME_PREFIX
from api.credentials.tokens import Grant
from api.ratelimit import client_address
from api.routes.handover import RedeemedView, taken
from api.routes.login import sign_out_cookie
from api.routing import Answer, Context, route
from api.schema import Body, View, moment
from shared.errors import Code, Fault
from shared.ids import WorkspaceId, is_workspace_id
from shared.secret import Secret

SMALL: Final = 16 * 1024
"""Bytes of a body that anyone may send."""
SECRET_MAX: Final = 512
"""Characters of any secret that is shown to sign in; ours have less than 60."""
MEMBERSHIPS_MAX: Final = 1000
"""Organisations that are named in a reply; the newest."""


class LoginRequest(Body, frozen=True):
    """A workspace's id, and the secret that its creation told."""

    workspace_id: WorkspaceId
    workspace_secret: Secret


class RefreshRequest(Body, frozen=True):
    """A refresh token, good once."""

    refresh_token: Secret


class RedeemRequest(Body, frozen=True):
    """A one-time token, such as `hostelctl invite --admin` prints."""

    token: Secret


class WorkspaceTokens(View, frozen=True):
    """Tokens of one sign-in. Lifetimes are seconds."""

    workspace_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    token_type: str = "Bearer"  # noqa: S105  # RFC 6750's word


class RefreshedTokens(View, frozen=True):
    """The next tokens of a sign-in. Lifetimes are seconds."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_in: int
    workspace_token: Annotated[str | None, Meta(description="The access token again, when it is a workspace's.")]
    token_type: str = "Bearer"  # noqa: S105  # RFC 6750's word


class SignedOut(View, frozen=True):
    """The sign-in has ended."""

    end_session_url: Annotated[
        str | None, Meta(description="Where a browser goes to sign out at the provider too, if it came from one that can.")
    ]


class Membership(View, frozen=True):
    """An organisation, and what one is in it."""

    organisation_id: str
    slug: str
    name: str
    rank: Rank


class Me(View, frozen=True):
    """Whom the credential stands for."""

    role: Role
    workspace_id: str | None
    organisation_id: Annotated[str | None, Meta(description="Of an organisation's key.")]
    person_id: str | None
    name: Annotated[str, Meta(description="A person's, or an operator's.")]
    email: str | None
    organisations: Annotated[list[Membership], Meta(description="Those that a person is a member of.")]
    scopes: Annotated[list[Scope], Meta(description="What it may do; a person may do more where they are a member.")]
    expires_at: datetime | None
    """Null: it is good until it is revoked."""


@route(
    "POST",
    "/api/workspaces/login",
    scope=Scope.PUBLIC,
    summary="Sign in to a workspace",
    errors=(Code.UNAUTHORIZED, Code.NOT_READY, Code.TIMEOUT),
    limit="login",
    body_max=SMALL,
)
async def login(ctx: Context, body: LoginRequest) -> WorkspaceTokens:
    """Exchange the workspace's secret for tokens. An unknown workspace and a wrong secret get the same answer."""
    workspace = await ctx.app.workspaces.find(body.workspace_id)
    shown = _bounded(body.workspace_secret)
    if workspace is not None and workspace.sealed is not None:  # hostd does not know it yet
        if not ctx.app.provisioner.is_secret(workspace, shown):
            raise _wrong()
        raise Fault(Code.NOT_READY, f"the workspace is not ready; its status is `{workspace.status}`")
    try:
        await ctx.app.hosts.verify_secret(body.workspace_id, shown)
    except Fault as fault:
        raise _wrong() if fault.code in {Code.UNAUTHORIZED, Code.NOT_FOUND, Code.GONE} else fault from None
    if workspace is None:
        raise _wrong()
    return _tokens(await ctx.app.tokens.grant_workspace(workspace.id, workspace.secret_version))


@route(
    "POST",
    "/api/tokens/refresh",
    scope=Scope.PUBLIC,
    summary="Exchange a refresh token",
    errors=(Code.UNAUTHORIZED,),
    body_max=SMALL,
)
async def refresh_tokens(ctx: Context, body: RefreshRequest) -> RefreshedTokens:
    """New tokens for a refresh token, which is used up. One that was used before revokes all tokens of its sign-in."""
    grant = await ctx.app.tokens.refresh(_bounded(body.refresh_token))
    access = grant.access.reveal()
    return RefreshedTokens(
        access_token=access,
        expires_in=grant.expires_in,
        refresh_token=grant.refresh.reveal() if grant.refresh else "",
        refresh_expires_in=grant.refresh_expires_in,
        workspace_token=access if is_workspace_id(grant.subject) else None,
    )


@route("POST", "/api/logout", scope=Scope.SELF, summary="Sign out", errors=(Code.CONFLICT,))
async def logout(ctx: Context) -> Answer[SignedOut]:
    """Revoke the tokens and the browser sessions of this sign-in, and close what was opened with them."""
    principal = ctx.principal
    if principal.key:
        raise Fault(Code.CONFLICT, "a key is no sign-in; to end it, revoke it")
    await ctx.app.tokens.revoke(principal.family)
    url = await ctx.app.logins.end_session_url(principal.person) if principal.person else None
    return Answer(body=SignedOut(end_session_url=url), headers={hdrs.SET_COOKIE: sign_out_cookie()})


@route(
    "POST",
    "/api/auth/redeem",
    scope=Scope.PUBLIC,
    summary="Use a one-time token",
    errors=(Code.UNAUTHORIZED, Code.TIMEOUT),
    limit="redeem",
    body_max=SMALL,
)
async def redeem(ctx: Context, body: RedeemRequest) -> RedeemedView:
    """Exchange a one-time token for what it hands over, which `kind` says. Of any number of requests one wins."""
    token = _bounded(body.token)
    if token.reveal().startswith(ONE_TIME_PREFIX):
        view = await taken(ctx, token)
    else:
        view = await _invited(ctx, token)
    # The limit is on guesses: each `hostelctl keys` and the like redeems a token of its own.
    ctx.app.limits.forgive("redeem", client_address(ctx.request, ctx.app.config.api.trusted_proxies))
    return view


async def _invited(ctx: Context, token: Secret) -> RedeemedView:
    try:
        redeemed = await ctx.app.hosts.redeem_invite(token)
    except Fault as fault:  # a wrong one is told of in the same words, whoever has made it
        raise _wrong() if fault.code is Code.UNAUTHORIZED else fault from None
    if redeemed.role != Role.ADMIN:
        raise Fault(Code.FORBIDDEN, "this one-time token is for something else")
    grant = await ctx.app.tokens.grant_admin()
    return RedeemedView(kind="admin", access_token=grant.access.reveal(), expires_in=grant.expires_in)


@route("GET", "/api/auth/me", scope=Scope.SELF, summary="Whom does this credential stand for?")
async def me(ctx: Context) -> Me:
    """The role, whom or what it is for, and the scopes of the credential that was sent."""
    principal = ctx.principal
    person = await ctx.app.people.find(principal.person) if principal.person else None
    joined = await ctx.app.organisations.page(None, MEMBERSHIPS_MAX, principal.ranks) if principal.ranks else []
    return Me(
        role=principal.role,
        workspace_id=principal.workspace,
        organisation_id=principal.organisation,
        person_id=principal.person,
        name=person.name if person else principal.name,
        email=person.email if person else None,
        organisations=[
            Membership(organisation_id=found.id, slug=found.slug, name=found.name, rank=principal.ranks[found.id])
            for found in joined
        ],
        scopes=sorted(principal.scopes),
        expires_at=None if principal.expires == math.inf else moment(principal.expires),
    )


def _bounded(secret: Secret) -> Secret:
    """The secret, unless it is nothing that we could have made."""
    text = secret.reveal()
    if not 0 < len(text) <= SECRET_MAX or not text.isascii() or not text.isprintable():
        raise _wrong()
    return secret


def _wrong() -> Fault:
    return Fault(Code.UNAUTHORIZED, "the credential is wrong, expired or used up")


def _tokens(grant: Grant) -> WorkspaceTokens:
    return WorkspaceTokens(
        workspace_token=grant.access.reveal(),
        expires_in=grant.expires_in,
        refresh_token=grant.refresh.reveal() if grant.refresh else "",
        refresh_expires_in=grant.refresh_expires_in,
    )
