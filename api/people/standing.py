"""Connections that outlive their request, for as long as their holder may do what they were opened for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.auth import no_such_workspace
from api.routing import Context
from api.streams.live import Connection
from shared.errors import Code, Fault


@asynccontextmanager
async def held(ctx: Context) -> AsyncIterator[Connection]:
    """A connection of the caller into the workspace that the request is about; Fault LIMIT when it holds too many.

    Raises Fault UNAUTHORIZED, NOT_FOUND or FORBIDDEN when what was admitted has been taken away in the meantime.
    """
    with ctx.app.live.open(ctx.principal, ctx.workspace) as connection:
        await _check(ctx)  # there was no connection yet that could have been closed
        yield connection


async def _check(ctx: Context) -> None:
    ctx.app.tokens.check(ctx.principal)
    ctx.app.apikeys.check(ctx.principal)
    principal, target = await ctx.app.organisations.ranked(ctx.principal), ctx.target
    if target.workspace is not None:
        target = (await ctx.app.workspaces.get(target.workspace)).target
    now = principal.scopes_for(target)
    if now is None:
        raise no_such_workspace()
    if now != ctx.principal.scopes_for(ctx.target):
        raise Fault(Code.FORBIDDEN, "what you may do has changed just now; try again")
