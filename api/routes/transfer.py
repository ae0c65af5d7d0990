"""Workspaces that get another owner."""

from api.auth import Scope, Target
from api.routes.workspaces import shown_workspace
from api.routing import Answer, Context, route
from api.schema import Body
from api.views import WorkspaceView, workspace_status_view
from shared.errors import Code
from shared.ids import OrganisationId


class NewOwner(Body, frozen=True):
    """Who is to own a workspace."""

    organisation_id: OrganisationId | None
    """Null: it owns itself, as only an administrator may decide."""


@route(
    "POST",
    "/api/workspaces/{workspaceId}/transfer",
    scope=Scope.WORKSPACES_TRANSFER,
    summary="Give a workspace another owner",
    errors=(Code.FORBIDDEN, Code.LIMIT),
)
async def transfer_workspace(ctx: Context, body: NewOwner) -> Answer[WorkspaceView]:
    """To do this the caller must be allowed to create workspaces at the new owner.

    The members and keys of the previous owner lose it at once, what they hold open in it is closed. Its own secret, tokens and
    keys stay as they are.
    """
    app, workspace, organisation = ctx.app, ctx.room, body.organisation_id
    ctx.demand(Scope.WORKSPACES_CREATE, Target(organisation=organisation))
    async with app.workspaces.lock(workspace):
        row = await app.workspaces.get(workspace)
        before = row.target
        ctx.demand(Scope.WORKSPACES_TRANSFER, before)  # it may have been transferred while this request came
        if row.organisation != organisation:
            left = row.organisation or ""
            row, keys = await app.workspaces.transfer(
                workspace, organisation, app.config.limits.workspaces, lambda c: app.apikeys.unbind(left, workspace, c)
            )
            app.apikeys.unbound(keys)
            app.live.revoke_visitors(workspace)
            app.watches.withdraw(workspace, before, row.target)
            app.watches.publish(row.target, "workspace", workspace_status_view(row))
    return Answer(body=await shown_workspace(ctx, row), etag=row.etag)
