"""What was taken away while a request was under way: its body may come slowly, what it opens or makes may last."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection as Transaction
from sqlalchemy import select

from api import tables
from api.auth import Principal, Target, no_such_organisation, no_such_workspace
from api.credentials.rows import find_key
from api.people.members import rank_of
from api.routing import Context
from api.streams.live import Connection
from shared.errors import Code, Fault

if TYPE_CHECKING:
    from api.services import Services


@asynccontextmanager
async def held(ctx: Context) -> AsyncIterator[Connection]:
    """A connection of the caller into the workspace that the request is about; Fault LIMIT when it holds too many.

    Raises Fault UNAUTHORIZED, NOT_FOUND or FORBIDDEN when what was admitted has been taken away in the meantime.
    """
    with ctx.app.live.open(ctx.principal, ctx.workspace) as connection:
        # There was no connection yet that could have been closed.
        if (await renewed(ctx)).principal != ctx.principal:
            raise _changed()
        yield connection


async def renewed(ctx: Context) -> Context:
    """The same with what the caller is by now.

    Raises Fault UNAUTHORIZED, NOT_FOUND or FORBIDDEN when what was admitted has been taken away in the meantime.
    """
    principal, target = await current(ctx.app, ctx.principal), ctx.target
    if target.workspace is not None:
        target = (await ctx.app.workspaces.get(target.workspace)).target
    now = principal.scopes_for(target)
    if now is None:
        raise _absent(target)
    if now != ctx.principal.scopes_for(ctx.target):
        raise _changed()
    return replace(ctx, principal=principal, target=target)


async def current(services: "Services", principal: Principal) -> Principal:
    """Who was identified a while ago, with the ranks of now; Fault UNAUTHORIZED when the credential has ended since."""
    services.tokens.check(principal)
    services.apikeys.check(principal)
    return await services.organisations.ranked(principal)


def lasting(ctx: Context) -> Callable[[Transaction], None]:
    """A check for the transaction that makes what outlives the request, as a key: that the caller is what they were.

    It raises as `renewed`. Of a request and of what takes the caller's rights away one is first on disk.
    """
    principal, target = ctx.principal, ctx.target

    def check(transaction: Transaction) -> None:
        if principal.key:
            key = find_key(transaction, principal.key)
            if key is None or not key.live(time.time()):
                raise Fault(Code.UNAUTHORIZED, "the key is not valid")
            if key.principal != principal:
                raise _changed()
        elif not _is_signed_in(transaction, principal.family):
            raise Fault(Code.UNAUTHORIZED, "the token was revoked")
        if target.workspace is not None and _owner(transaction, target.workspace) != (target.organisation,):
            raise _absent(target)
        if principal.person is not None and target.organisation is not None:
            rank = rank_of(transaction, target.organisation, principal.person)
            if rank is None:
                raise _absent(target)
            if rank is not principal.ranks.get(target.organisation):
                raise _changed()

    return check


def _is_signed_in(transaction: Transaction, family: str) -> bool:
    columns = tables.families.c
    return transaction.scalar(select(columns.id).where(columns.id == family, columns.revoked.is_(None))) is not None


def _owner(transaction: Transaction, workspace: str) -> tuple[str | None] | None:
    """The organisation that owns it, or None that it owns itself; no tuple when it is gone."""
    columns = tables.workspaces.c
    row = transaction.execute(select(columns.organisation).where(columns.id == workspace)).first()
    return (row.organisation,) if row else None


def _absent(target: Target) -> Fault:
    return no_such_workspace() if target.workspace else no_such_organisation()


def _changed() -> Fault:
    return Fault(Code.FORBIDDEN, "what you may do has changed just now; try again")
