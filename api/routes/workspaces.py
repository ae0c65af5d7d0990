"""Workspaces: each is a Linux user with a home of its own."""

import base64
import math
from typing import Final

from msgspec import UNSET, UnsetType, field

from api.auth import LOCKED_SCOPES, WORKSPACE_SCOPES, Role, Scope, Target
from api.credentials.rights import check_gift
from api.pages import PageQuery, cut, decode_moment
from api.people.standing import renewed
from api.problems import HttpCode, invalid
from api.provisioners.linux import Order, hash_of
from api.routing import Answer, Context, Created, route
from api.schema import Body, View
from api.views import WorkspaceView, workspace_fields, workspace_status_view
from api.workspaces import Workspace, WorkspaceStatus
from shared.errors import Code, Fault
from shared.hostwire import PROVIDER_SECRET_MAX, ProviderChanges
from shared.ids import OrganisationId, WorkspaceId, new_workspace_id
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


class AccessView(View, frozen=True):
    """What a credential may do to a workspace."""

    scopes: list[Scope]


class WorkspaceChange(Body, frozen=True):
    """What can be changed; what is left out stays. A provider that is null is removed."""

    name: Name | UnsetType = UNSET
    providers: ProviderChanges | UnsetType = UNSET


class NewWorkspaceView(WorkspaceView, frozen=True):
    """A workspace that was just asked for."""

    workspace_secret: str
    """Shown this once."""


class WorkspacePage(View, frozen=True):
    """A page of workspaces, newest first."""

    items: list[WorkspaceView]
    next_cursor: str | None
    """For the next page; null on the last."""


class WorkspacesQuery(PageQuery, frozen=True):
    """Which page of which workspaces."""

    organisation_id: OrganisationId | None = None
    """Only those that it owns."""


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
    errors=(Code.LIMIT,),
    resource=new_workspace_id,
    wait=True,
    limit="create_workspace",
)
async def create_workspace(ctx: Context, body: NewWorkspace) -> Created[NewWorkspaceView]:
    """Make a Linux user with a home. The secret is in this reply and never again.

    With an organisation's key the organisation owns it. The reply waits a few seconds, or as long as `Prefer: wait=N` says, for
    the end of provisioning; `status` says how it went.
    """
    organisation = ctx.principal.organisation
    if organisation is not None:
        ctx.demand(Scope.WORKSPACES_CREATE, Target(organisation=organisation))
    return await _create(ctx, body, organisation)


@route(
    "POST",
    "/api/orgs/{organisationId}/workspaces",
    scope=Scope.WORKSPACES_CREATE,
    summary="Create a workspace of an organisation",
    errors=(Code.LIMIT,),
    idempotent=True,
    resource=new_workspace_id,
    wait=True,
    limit="create_workspace",
)
async def create_organisation_workspace(ctx: Context, body: NewWorkspace) -> Created[NewWorkspaceView]:
    """As any workspace is made; the organisation owns it."""
    return await _create(ctx, body, ctx.param("organisationId"))


async def _create(ctx: Context, body: NewWorkspace, organisation: str | None) -> Created[NewWorkspaceView]:
    _check_credentials(body.providers)
    app, workspace = ctx.app, ctx.resource_id
    secret = SECRET_PREFIX + base64.urlsafe_b64encode(ctx.seed).rstrip(b"=").decode()
    order = Order(hash_of(Secret(secret)), body.providers)
    sealed = app.provisioner.seal(workspace, order)
    row = await app.workspaces.create(workspace, body.name or workspace, sealed, organisation, app.config.limits.workspaces)
    if row.status is WorkspaceStatus.PROVISIONING:
        await app.webhooks.emit("workspace.created", workspace_status_view(row), row.target)
        app.provisioner.start(workspace)
        row = await app.provisioner.wait(workspace, DEFAULT_WAIT if ctx.wait is None else ctx.wait, app.stopping)
    view = NewWorkspaceView(workspace_secret=secret, **workspace_fields(row))
    return Created(body=view, etag=row.etag, location=f"/api/workspaces/{workspace}")


@route(
    "GET",
    "/api/workspaces",
    scope=Scope.WORKSPACES_READ,
    summary="List workspaces, newest first",
    errors=(Code.NOT_FOUND,),
)
async def list_workspaces(ctx: Context, query: WorkspacesQuery) -> WorkspacePage:
    """Those that the caller reaches: of all organisations of a person, of its own of a key, its own of a workspace's token.

    An admin sees all. Only a workspace's own credential sees a deadline here.
    """
    if query.organisation_id is not None:
        ctx.demand(Scope.WORKSPACES_READ, Target(organisation=query.organisation_id))
        await ctx.app.organisations.get(query.organisation_id)
    found = await ctx.app.workspaces.page(
        ctx.principal, decode_moment(query.cursor), query.limit + 1, organisation=query.organisation_id
    )
    rows, more = cut(found, lambda row: (row.created, row.id), query.limit)
    if ctx.principal.role is Role.WORKSPACE:
        return WorkspacePage(items=[await shown_workspace(ctx, row) for row in rows], next_cursor=more)
    return WorkspacePage(items=[WorkspaceView(**workspace_fields(row)) for row in rows], next_cursor=more)


@route("GET", "/api/workspaces/{workspaceId}", scope=Scope.WORKSPACES_READ, summary="Show a workspace")
async def get_workspace(ctx: Context) -> Answer[WorkspaceView]:
    """The ETag changes with what is shown."""
    row = await ctx.app.workspaces.get(ctx.room)
    if row.providers_stale:
        row = await _refreshed(ctx)
    return Answer(body=await shown_workspace(ctx, row), etag=row.etag)


@route("GET", "/api/workspaces/{workspaceId}/access", scope=Scope.WORKSPACES_READ, summary="What may I do in it?")
async def get_access(ctx: Context) -> AccessView:
    """What the credential that was sent may do to the workspace, as it is now: a client shows what leads somewhere."""
    held = ctx.principal.scopes_for(ctx.target) or frozenset()
    row = await ctx.app.workspaces.get(ctx.room)
    return AccessView(scopes=sorted(held & LOCKED_SCOPES if row.status is WorkspaceStatus.DELETED else held))


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
            app.watches.publish(row.target, "workspace", workspace_status_view(row))
    return Answer(body=await shown_workspace(ctx, row), etag=row.etag)


@route(
    "POST",
    "/api/workspaces/{workspaceId}/provision",
    scope=Scope.WORKSPACES_WRITE,
    summary="Try again to make a workspace",
    wait=True,
)
async def provision_workspace(ctx: Context) -> Answer[WorkspaceView]:
    """A workspace in status `error` is tried again, with a new deadline; one that is `ready` stays as it is.

    What it has beside its Linux user, and could not be made, is tried again too: see `GET …/provisioners`.
    """
    app, workspace = ctx.app, ctx.room
    await app.provisioner.retry(workspace)
    row = await app.provisioner.wait(workspace, DEFAULT_WAIT if ctx.wait is None else ctx.wait, app.stopping)
    if row.status is WorkspaceStatus.READY:
        await app.provisioners.retry(workspace)
    return Answer(body=await shown_workspace(ctx, row), etag=row.etag)


@route(
    "POST",
    "/api/workspaces/{workspaceId}/secret/rotate",
    scope=Scope.SECRET_ROTATE,
    summary="Replace a workspace's secret",
    errors=(Code.NOT_READY, Code.TIMEOUT),
    idempotent=True,
)
async def rotate_secret(ctx: Context) -> NewSecret:
    """The new secret is in this reply and never again. All tokens of the workspace are revoked, its connections are closed.

    The secret signs in as the workspace, so only those get it who may do all that the workspace may, and no key that ends.
    """
    app, workspace = ctx.app, ctx.room
    check_gift(ctx.principal, ctx.target, WORKSPACE_SCOPES)
    if ctx.principal.key and ctx.principal.expires < math.inf:
        raise Fault(Code.FORBIDDEN, "a key that ends cannot make a secret, which would outlive it")
    secret = SECRET_PREFIX + base64.urlsafe_b64encode(ctx.seed).rstrip(b"=").decode()
    async with app.workspaces.lock(workspace):
        _check_ready(await app.workspaces.get(workspace))
        await renewed(ctx)  # another change may have held the lock for long
        # A store that cannot be written is found out while the old secret is still good.
        await app.workspaces.rotated(workspace, lambda _connection: None)
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


async def shown_workspace(ctx: Context, row: Workspace) -> WorkspaceView:
    """What is shown of a workspace, with the deadline, for which no guest is started."""
    deadline = await ctx.app.deadlines.of(row.id) if row.deleted is None else None
    return WorkspaceView(**workspace_fields(row) | {"shutdown_deadline": deadline})
