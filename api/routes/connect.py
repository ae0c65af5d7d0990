"""What to put where, so that an agent somewhere else can use a workspace."""

from aiohttp import hdrs, web

from api.auth import Scope
from api.connect import Item, items_of
from api.routing import Context, route
from api.schema import View
from api.transfers import disposition
from shared.errors import Code, Fault


class ItemView(View, frozen=True):
    """One file."""

    name: str
    title: str
    path: str
    """Where it goes: in the folder of a project, or in one's home."""
    media_type: str
    content: str


class Connection(View, frozen=True):
    """All that connects an agent to the workspace. It holds no secret: the key is where `HOSTEL_KEY` is."""

    url: str
    """Of the MCP server."""
    items: list[ItemView]


@route(
    "GET",
    "/api/workspaces/{workspaceId}/connect",
    scope=Scope.WORKSPACES_READ,
    summary="Show how to connect an agent to a workspace",
)
async def get_connection(ctx: Context) -> Connection:
    """Rules for agents, the configuration of some MCP clients, an `.env.local`, and a script that tries it out."""
    base = _base(ctx)
    items = [
        ItemView(name=item.name, title=item.title, path=item.path, media_type=item.media_type, content=item.content)
        for item in items_of(base, ctx.room)
    ]
    return Connection(url=f"{base}/api/mcp", items=items)


@route(
    "GET",
    "/api/workspaces/{workspaceId}/connect/{connectName}",
    scope=Scope.WORKSPACES_READ,
    summary="Download a file that connects an agent to a workspace",
    produces="text/plain, text/markdown, application/json, application/toml, application/x-sh",
)
async def get_connection_file(ctx: Context) -> web.StreamResponse:
    """One of the items, as a file."""
    item = _named(items_of(_base(ctx), ctx.room), ctx.param("connectName"))
    headers = {hdrs.CONTENT_DISPOSITION: disposition(item.path.rpartition("/")[2])}
    return web.Response(text=item.content, content_type=item.media_type, charset="utf-8", headers=headers)


def _named(items: tuple[Item, ...], name: str) -> Item:
    for item in items:
        if item.name == name:
            return item
    raise Fault(Code.NOT_FOUND, "there is no such file")


def _base(ctx: Context) -> str:
    """The address at which this server is known, else the one at which it was called, whose Host was checked."""
    public = ctx.app.config.api.public_url
    return public.rstrip("/") if public else f"{ctx.request.scheme}://{ctx.request.host}"
