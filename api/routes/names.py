"""What the ids in records are called."""

from functools import partial
from typing import Annotated, Final

from msgspec import Meta

from api.auth import Scope, Target
from api.people.names import NameKind, find_names
from api.routing import Context, route
from api.schema import Query, View

IDS_MAX: Final = 100
"""Ids of one request."""
OPERATOR: Final = "admin:"
"""How the audit log's names of operators begin."""
_ID: Final = rf"([a-z0-9]{{1,26}}|{OPERATOR}[a-z_][a-z0-9_.-]{{0,31}})"


class NamedQuery(Query, frozen=True):
    """Which ids."""

    ids: Annotated[str, Meta(pattern=rf"^{_ID}(,{_ID}){{0,{IDS_MAX - 1}}}$(?!\n)", max_length=39 * IDS_MAX)]
    """At most 100, separated by commas."""


class NamedView(View, frozen=True):
    """What an id stands for."""

    id: str
    kind: NameKind
    name: str
    """What somebody chose: of a person, what their provider says. It proves nothing."""
    former: bool
    """Of a person: no member of the organisation any more. Of an operator: no account of the host, or not in its group."""


class NamedList(View, frozen=True):
    """Those that the reader may know, in no order; others are left out, as are those that do not exist."""

    items: list[NamedView]


@route(
    "GET",
    "/api/workspaces/{workspaceId}/names",
    scope=Scope.WORKSPACES_READ,
    summary="Tell what ids in a workspace's records are called",
)
async def list_workspace_names(ctx: Context, query: NamedQuery) -> NamedList:
    """The workspace, its organisation, the keys of both, and people who are members of the organisation or were."""
    return await _names(ctx, query, ctx.target)


@route(
    "GET",
    "/api/orgs/{organisationId}/names",
    scope=Scope.MEMBERS_READ,
    summary="Tell what ids in an organisation's records are called",
)
async def list_organisation_names(ctx: Context, query: NamedQuery) -> NamedList:
    """The organisation, its workspaces, the keys of all of these, and people who are members or were."""
    return await _names(ctx, query, ctx.target)


@route("GET", "/api/names", scope=Scope.SERVER_READ, summary="Tell what ids in the host's records are called")
async def list_host_names(ctx: Context, query: NamedQuery) -> NamedList:
    """All people, keys, workspaces and organisations, and operators: whether they are some still."""
    named = {one: one.removeprefix(OPERATOR) for one in query.ids.split(",") if one.startswith(OPERATOR)}
    gone = await ctx.app.operators.gone(set(named.values()))
    operators = [NamedView(id=one, kind="operator", name=name, former=name in gone) for one, name in named.items()]
    return NamedList(items=[*(await _names(ctx, query, Target())).items, *operators])


async def _names(ctx: Context, query: NamedQuery, target: Target) -> NamedList:
    found = await ctx.app.store.read(partial(find_names, target=target, ids=query.ids.split(",")))
    return NamedList(items=[NamedView(id=one.id, kind=one.kind, name=one.name, former=one.former) for one in found])
