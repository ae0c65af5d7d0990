"""Git worktrees of a session."""

from api.auth import Scope
from api.pages import PageQuery, page
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, Created, route
from api.schema import Body, Query, View
from api.views import WorktreeView, worktree_view
from shared.errors import Code, Fault
from shared.ids import new_worktree_id
from shared.rooms import NAME_MAX, GitRef, Name


class NewWorktree(Body, frozen=True):
    """Where to begin: the existing `branch`, or a new `branch` from `start`; without `branch`, a detached head."""

    name: Name | None = None
    branch: GitRef | None = None
    start: GitRef | None = None


class RemoveQuery(Query, frozen=True):
    """How to remove a worktree."""

    force: bool = False
    """Also with changes that are not committed, which are lost."""


class WorktreePage(View, frozen=True):
    """A page of worktrees, oldest first."""

    items: list[WorktreeView]
    next_cursor: str | None


@route(
    "POST",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/worktrees",
    scope=Scope.SESSIONS_WRITE,
    summary="Add a worktree",
    errors=(*ROOM_ERRORS, Code.LIMIT, Code.CONFLICT),
    idempotent=True,
    resource=new_worktree_id,
)
async def create_worktree(ctx: Context, body: NewWorktree) -> Created[WorktreeView]:
    """The session must be ready."""
    info = await ctx.app.guests.create_worktree(
        ctx.room,
        ctx.param("sessionId"),
        ctx.resource_id,
        body.name or (body.branch or body.start or "worktree")[:NAME_MAX],
        branch=body.branch,
        start=body.start,
    )
    base = f"/api/workspaces/{ctx.room}/sessions/{info.session}/worktrees"
    return Created(body=worktree_view(ctx.room, info), location=f"{base}/{info.worktree}")


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/worktrees",
    scope=Scope.SESSIONS_READ,
    summary="List worktrees, oldest first",
    errors=ROOM_ERRORS,
)
async def list_worktrees(ctx: Context, query: PageQuery) -> WorktreePage:
    """Those of one session."""
    views = await _views(ctx)
    items, after = page(views, lambda view: f"{view.created_at.isoformat()} {view.worktree_id}", query)
    return WorktreePage(items=items, next_cursor=after)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/worktrees/{worktreeId}",
    scope=Scope.SESSIONS_READ,
    summary="Show a worktree",
    errors=ROOM_ERRORS,
)
async def get_worktree(ctx: Context) -> WorktreeView:
    """One worktree."""
    for view in await _views(ctx):
        if view.worktree_id == ctx.param("worktreeId"):
            return view
    raise Fault(Code.NOT_FOUND, "there is no such worktree")


@route(
    "DELETE",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/worktrees/{worktreeId}",
    scope=Scope.SESSIONS_WRITE,
    summary="Remove a worktree",
    errors=(*ROOM_ERRORS, Code.CONFLICT),
)
async def remove_worktree(ctx: Context, query: RemoveQuery) -> None:
    """Its branch stays."""
    await ctx.app.guests.remove_worktree(ctx.room, ctx.param("sessionId"), ctx.param("worktreeId"), force=query.force)


async def _views(ctx: Context) -> list[WorktreeView]:
    worktrees = await ctx.app.guests.list_worktrees(ctx.room, ctx.param("sessionId"))
    return [worktree_view(ctx.room, info) for info in worktrees.items]
