"""Workspaces: each is a Linux user with a home of its own."""

import base64
from datetime import datetime
from typing import Any, Final

from msgspec import UNSET, UnsetType, field

from api.auth import Role, Scope
from api.pages import PageQuery, decode_cursor, encode_cursor
from api.problems import HttpCode, invalid
from api.provisioning import Order, hash_of
from api.routing import Answer, Context, Created, route
from api.schema import Body, View, moment
from api.views import workspace_status_view
from api.workspaces import Workspace, WorkspaceStatus
from shared.errors import Code, Fault
from shared.hostwire import PROVIDER_SECRET_MAX, AuthType, ProviderChanges
from shared.ids import WorkspaceId, new_workspace_id
from shared.rooms import Name
from shared.secret import Secret

DEFAULT_WAIT: Final = 5.0
"""Seconds that a creation waits for its end, so that the usual reply says `ready`."""
SECRET_PREFIX: Final = "hws_"  # noqa: S105  # a prefix, not a password
PROVIDERS_TOTAL_MAX: Final = 128 * 1024
"""Characters of all credentials in one request; they must fit a frame."""


class NewWorkspace(Body, frozen=True):
    """What a workspace is made with. Everything can be left out."""

    name: Name | UnsetType = UNSET
    providers: ProviderChanges = field(default_factory=dict)


class WorkspaceChange(Body, frozen=True):
    """What can be changed; what is left out stays. A provider that is null is removed."""

    name: Name | UnsetType = UNSET
    providers: ProviderChanges | UnsetType = UNSET


class ProviderAuthState(View, frozen=True):
    """How a provider signs in. The credential itself is never shown."""

    type: AuthType


class ProviderState(View, frozen=True):
    """A provider of a workspace."""

    enabled: bool
    auth: ProviderAuthState | None


class WorkspaceView(View, frozen=True):
    """A workspace."""

    workspace_id: WorkspaceId
    name: str
    status: WorkspaceStatus
    error_reason: str | None
    """Why it could not be made, with status `error`."""
    providers: dict[str, ProviderState]
    created_at: datetime
    updated_at: datetime
    shutdown_deadline: datetime | None
    """When what runs in it will have been ended, unless it is used before. Null when nothing runs, or it may go on."""


class NewWorkspaceView(WorkspaceView, frozen=True):
    """A workspace that was just asked for."""

    workspace_secret: str
    """Shown this once."""


class WorkspacePage(View, frozen=True):
    """A page of workspaces, newest first."""

    items: list[WorkspaceView]
    next_cursor: str | None
    """For the next page; null on the last."""


class NewSecret(View, frozen=True):
    """A workspace's new secret, shown this once."""

    workspace_id: WorkspaceId
    workspace_secret: str


@route(
    "POST",
    "/api/workspaces",
    scope=Scope.WORKSPACES_CREATE,
    summary="Create a workspace",
    idempotent=True,
    resource=new_workspace_id,
    wait=True,
    limit="create_workspace",
)
async def create_workspace(ctx: Context, body: NewWorkspace) -> Created[NewWorkspaceView]:
    """Make a Linux user with a home. The secret is in this reply and never again.

    The reply waits a few seconds, or as long as `Prefer: wait=N` says, for the end of provisioning; `status` says how it went.
    """
    _check_credentials(body.providers)
    app, workspace = ctx.app, ctx.resource_id
    secret = SECRET_PREFIX + base64.urlsafe_b64encode(ctx.seed).rstrip(b"=").decode()
    order = Order(hash_of(Secret(secret)), body.providers)
    row = await app.workspaces.create(workspace, body.name or workspace, app.provisioner.seal(workspace, order))
    if row.status is WorkspaceStatus.PROVISIONING:
        app.provisioner.start(workspace)
        row = await app.provisioner.wait(workspace, DEFAULT_WAIT if ctx.wait is None else ctx.wait, app.stopping)
    view = NewWorkspaceView(workspace_secret=secret, **_fields(row))
    return Created(body=view, etag=row.etag, location=f"/api/workspaces/{workspace}")


@route("GET", "/api/workspaces", scope=Scope.WORKSPACES_READ, summary="List workspaces, newest first")
async def list_workspaces(ctx: Context, query: PageQuery) -> WorkspacePage:
    """An admin sees all, but no deadlines; a workspace's token its own."""
    if ctx.principal.role is not Role.ADMIN:
        return WorkspacePage(items=[await _view(ctx, await ctx.app.workspaces.get(ctx.room))], next_cursor=None)
    rows = await ctx.app.workspaces.page(_after(query.cursor), query.limit + 1)
    shown = rows[: query.limit]
    more = encode_cursor(f"{shown[-1].created!r} {shown[-1].id}") if len(rows) > len(shown) else None
    return WorkspacePage(items=[WorkspaceView(**_fields(row)) for row in shown], next_cursor=more)


@route("GET", "/api/workspaces/{workspaceId}", scope=Scope.WORKSPACES_READ, summary="Show a workspace")
async def get_workspace(ctx: Context) -> Answer[WorkspaceView]:
    """The ETag changes with what is shown."""
    row = await ctx.app.workspaces.get(ctx.room)
    if row.providers_stale:
        row = await _refreshed(ctx)
    return Answer(body=await _view(ctx, row), etag=row.etag)


@route(
    "PATCH",
    "/api/workspaces/{workspaceId}",
    scope=Scope.WORKSPACES_WRITE,
    summary="Change a workspace's name or providers",
    errors=(HttpCode.PRECONDITION_FAILED, Code.NOT_READY, Code.TIMEOUT),
)
async def change_workspace(ctx: Context, body: WorkspaceChange) -> Answer[WorkspaceView]:
    """What is left out stays as it is, a credential too; `auth: null` removes one. With `If-Match`, only that version."""
    app, workspace = ctx.app, ctx.room
    changes: dict[str, object] = {} if body.name is UNSET else {"name": body.name}
    async with app.workspaces.lock(workspace):
        row = await app.workspaces.get(workspace)
        ctx.check_match(row.etag)
        if body.providers is not UNSET and body.providers:
            _check_credentials(body.providers)
            _check_ready(row)
            await app.workspaces.mark_stale(workspace)
            found = await app.hosts.set_providers(workspace, body.providers)
            changes |= {"providers": found.providers, "providers_stale": 0}
        if changes:
            row = await app.workspaces.change(workspace, **changes)
            app.watches.publish(workspace, "workspace", workspace_status_view(row))
    return Answer(body=await _view(ctx, row), etag=row.etag)


@route(
    "POST",
    "/api/workspaces/{workspaceId}/provision",
    scope=Scope.WORKSPACES_WRITE,
    summary="Try again to make a workspace",
    wait=True,
)
async def provision_workspace(ctx: Context) -> Answer[WorkspaceView]:
    """A workspace in status `error` is tried again, with a new deadline; one that is `ready` stays as it is."""
    app, workspace = ctx.app, ctx.room
    await app.provisioner.retry(workspace)
    row = await app.provisioner.wait(workspace, DEFAULT_WAIT if ctx.wait is None else ctx.wait, app.stopping)
    return Answer(body=await _view(ctx, row), etag=row.etag)


@route(
    "POST",
    "/api/workspaces/{workspaceId}/secret/rotate",
    scope=Scope.SECRET_ROTATE,
    summary="Replace a workspace's secret",
    errors=(Code.NOT_READY, Code.TIMEOUT),
    idempotent=True,
)
async def rotate_secret(ctx: Context) -> NewSecret:
    """The new secret is in this reply and never again. All tokens of the workspace are revoked, its connections are closed."""
    app, workspace = ctx.app, ctx.room
    secret = SECRET_PREFIX + base64.urlsafe_b64encode(ctx.seed).rstrip(b"=").decode()
    async with app.workspaces.lock(workspace):
        _check_ready(await app.workspaces.get(workspace))
        await app.hosts.set_secret(workspace, hash_of(Secret(secret)))
        # A sign-in with the old secret that is under way finds another version, and is refused.
        revoked = await app.workspaces.rotated(workspace, lambda connection: app.tokens.revoke_all_of(workspace, connection))
    app.tokens.revoked(workspace, revoked)
    return NewSecret(workspace_id=workspace, workspace_secret=secret)


async def _refreshed(ctx: Context) -> Workspace:
    """The row with the providers that hostd has; as it is when hostd is away."""
    app, workspace = ctx.app, ctx.room
    async with app.workspaces.lock(workspace):
        row = await app.workspaces.get(workspace)
        if not row.providers_stale:
            return row
        try:
            found = await app.hosts.get_providers(workspace)
        except Fault:
            return row
        return await app.workspaces.change(workspace, providers=found.providers, providers_stale=0)


def _check_ready(row: Workspace) -> None:
    if row.status is not WorkspaceStatus.READY:
        raise Fault(Code.NOT_READY, f"the workspace is not ready; its status is `{row.status}`")


def _check_credentials(providers: ProviderChanges) -> None:
    """Refuse a credential that is empty or too long, or that holds a NUL."""
    total = 0
    for name, change in providers.items():
        if change is None or change.auth is UNSET or change.auth is None:
            continue
        text = change.auth.value.reveal()
        total += len(text.encode())
        pointer = f"/providers/{name}/auth/value"
        if not 0 < len(text) <= PROVIDER_SECRET_MAX:
            raise invalid(f"1 to {PROVIDER_SECRET_MAX} characters are accepted", pointer=pointer)
        if "\0" in text:
            raise invalid("NUL is not accepted", pointer=pointer)
    if total > PROVIDERS_TOTAL_MAX:
        raise invalid(f"all credentials together must have at most {PROVIDERS_TOTAL_MAX} bytes", pointer="/providers")


def _after(cursor: str | None) -> tuple[float, str] | None:
    """The place of a cursor in the order of the list."""
    if cursor is None:
        return None
    created, _, workspace = decode_cursor(cursor).partition(" ")
    try:
        return float(created), workspace
    except ValueError:
        raise invalid("not a cursor of this list", parameter="cursor") from None


def _fields(row: Workspace) -> dict[str, Any]:
    return {
        "workspace_id": row.id,
        "name": row.name,
        "status": row.status,
        "error_reason": row.error_reason,
        "providers": {
            name: ProviderState(
                enabled=provider.enabled, auth=ProviderAuthState(type=provider.auth_type) if provider.auth_type else None
            )
            for name, provider in row.providers.items()
        },
        "created_at": moment(row.created),
        "updated_at": moment(row.updated),
        "shutdown_deadline": None,
    }


async def _view(ctx: Context, row: Workspace) -> WorkspaceView:
    """With the deadline, for which no guest is started."""
    return WorkspaceView(**_fields(row) | {"shutdown_deadline": await ctx.app.deadlines.of(row.id)})
