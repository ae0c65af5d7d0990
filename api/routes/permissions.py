"""Permissions that agents ask for in their turns."""

from typing import Literal

from api.auth import Scope
from api.problems import invalid
from api.routes.sessions import ROOM_ERRORS
from api.routing import Context, route
from api.schema import Body, Query, View
from api.turns import PermissionView, permission_view
from shared.errors import Code
from shared.turns import Choice


class PermissionQuery(Query, frozen=True):
    """Which permissions."""

    waiting: bool = True
    """Only those that wait for an answer."""


class PermissionAnswer(Body, frozen=True):
    """Either one of the options, or `outcome: deny`."""

    option_id: Choice | None = None
    outcome: Literal["deny"] | None = None


class Permissions(View, frozen=True):
    """Permissions of a session, oldest first."""

    items: list[PermissionView]


@route(
    "GET",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/permissions",
    scope=Scope.TURNS_READ,
    summary="List the permissions that agents ask for, oldest first",
    errors=ROOM_ERRORS,
)
async def list_permissions(ctx: Context, query: PermissionQuery) -> Permissions:
    """Those that wait; with `waiting=false` also those that have an answer and are still kept."""
    found = await ctx.app.guests.list_permissions(ctx.room, ctx.param("sessionId"), waiting=query.waiting)
    return Permissions(items=[permission_view(ctx.room, info) for info in found.items])


@route(
    "POST",
    "/api/workspaces/{workspaceId}/sessions/{sessionId}/permissions/{permissionId}",
    scope=Scope.TURNS_WRITE,
    summary="Answer a permission",
    errors=(*ROOM_ERRORS, Code.CONFLICT),
)
async def answer_permission(ctx: Context, body: PermissionAnswer) -> PermissionView:
    """The first answer counts; any other gets 409 `conflict`. Without an answer in time the configured default is taken."""
    if (body.option_id is None) == (body.outcome is None):
        raise invalid("either `optionId` or `outcome` is needed", pointer="/optionId")
    session, permission = ctx.param("sessionId"), ctx.param("permissionId")
    return permission_view(ctx.room, await ctx.app.guests.answer_permission(ctx.room, session, permission, body.option_id))
