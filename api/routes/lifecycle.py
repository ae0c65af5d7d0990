"""The end of a workspace, and the way back."""

from aiohttp import web

from api import deletion
from api.auth import Scope
from api.exports import hand_out_home
from api.problems import HttpCode
from api.routes.workspaces import shown_workspace
from api.routing import Answer, Context, route
from api.views import WorkspaceView
from shared.errors import Code


@route(
    "DELETE",
    "/api/workspaces/{workspaceId}",
    scope=Scope.WORKSPACES_DELETE,
    summary="Delete a workspace",
    errors=(HttpCode.PRECONDITION_FAILED, Code.TIMEOUT),
)
async def delete_workspace(ctx: Context) -> Answer[WorkspaceView]:
    """Lock it: all that it runs is killed, and nobody enters.

    It is kept until `purgesAt`, then removed for good, with its files and its Linux user. Until then it can be restored, by the
    same tokens and keys, or after a sign-in with its secret; they give access to nothing else of it. To delete it twice changes
    nothing. With `If-Match`, only that version.
    """
    app, workspace = ctx.app, ctx.room
    await app.provisioner.stop(workspace)
    async with app.workspaces.lock(workspace):
        row = await app.workspaces.get(workspace)
        ctx.check_match(row.etag)
        if row.deleted is None:
            row = await deletion.lock(app, row)
    return Answer(body=await shown_workspace(ctx, row), etag=row.etag)


@route(
    "POST",
    "/api/workspaces/{workspaceId}/restore",
    scope=Scope.WORKSPACES_DELETE,
    summary="Restore a deleted workspace",
    errors=(Code.GONE, Code.TIMEOUT),
)
async def restore_workspace(ctx: Context) -> Answer[WorkspaceView]:
    """It is what it was before it was deleted; nothing is started. One that is not deleted stays as it is."""
    app, workspace = ctx.app, ctx.room
    async with app.workspaces.lock(workspace):
        row = await app.workspaces.get(workspace)
        if row.deleted is not None:
            row = await deletion.restore(app, row)
    return Answer(body=await shown_workspace(ctx, row), etag=row.etag)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/export",
    scope=Scope.EXPORT,
    summary="All files of a workspace",
    errors=(Code.BUSY, Code.NOT_READY, Code.TIMEOUT),
    produces="application/zstd",
    audited=True,
)
async def export_workspace(ctx: Context) -> web.StreamResponse:
    """The home as `….tar.zst`, made as it is sent.

    Links are archived as links, files with holes as such; sockets, FIFOs and other file systems are left out, and so are the
    credentials of agents that hostel has put there. What could not be read or changed meanwhile is named in the archive's last
    member, `hostel-export.json`: an archive without it is not whole.
    """
    return await hand_out_home(ctx)
