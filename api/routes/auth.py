"""Signing in and out."""

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta

from api.auth import Role, Scope
from api.routing import Context, route
from api.schema import Body, View, moment
from api.tokens import Grant
from api.workspaces import WorkspaceStatus
from shared.errors import Code, Fault
from shared.ids import WorkspaceId
from shared.secret import Secret

SMALL: Final = 16 * 1024
"""Bytes of a body that anyone may send."""
SECRET_MAX: Final = 512
"""Characters of any secret that is shown to sign in; ours have less than 60."""


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


class AccessToken(View, frozen=True):
    """An admin's token. The lifetime is in seconds."""

    access_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105  # RFC 6750's word


class Me(View, frozen=True):
    """Whom the token stands for."""

    role: Role
    workspace_id: str | None
    scopes: Annotated[list[Scope], Meta(description="What it may do.")]
    expires_at: datetime


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
    if workspace is not None and workspace.status is not WorkspaceStatus.READY:
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
async def refresh_tokens(ctx: Context, body: RefreshRequest) -> WorkspaceTokens:
    """New tokens for a refresh token, which is used up. One that was used before revokes all tokens of its sign-in."""
    return _tokens(await ctx.app.tokens.refresh(_bounded(body.refresh_token)))


@route("POST", "/api/logout", scope=Scope.SELF, summary="Sign out")
async def logout(ctx: Context) -> None:
    """Revoke the tokens of this sign-in, and close the connections that were opened with them."""
    await ctx.app.tokens.revoke(ctx.principal.family)


@route(
    "POST",
    "/api/auth/redeem",
    scope=Scope.PUBLIC,
    summary="Use a one-time token",
    errors=(Code.UNAUTHORIZED, Code.TIMEOUT),
    limit="redeem",
    body_max=SMALL,
)
async def redeem(ctx: Context, body: RedeemRequest) -> AccessToken:
    """Exchange a one-time token for an access token. Of any number of requests one wins."""
    redeemed = await ctx.app.hosts.redeem_invite(_bounded(body.token))
    if redeemed.role != Role.ADMIN:
        raise Fault(Code.FORBIDDEN, "this one-time token is for something else")
    grant = await ctx.app.tokens.grant_admin()
    return AccessToken(access_token=grant.access.reveal(), expires_in=grant.expires_in)


@route("GET", "/api/auth/me", scope=Scope.SELF, summary="Whom does this token stand for?")
async def me(ctx: Context) -> Me:
    """The role, the workspace and the scopes of the token that was sent."""
    principal = ctx.principal
    return Me(
        role=principal.role,
        workspace_id=principal.workspace,
        scopes=sorted(principal.scopes),
        expires_at=moment(principal.expires),
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
