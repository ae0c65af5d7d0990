"""The landing page: plain files of this package, without inline scripts."""

from importlib.resources import files
from typing import Final

from aiohttp import web

from api.auth import Scope
from api.routing import Context, route

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_FILES: Final = files("api") / "static"
_TYPES: Final = {
    "index.html": "text/html; charset=utf-8",
    "site.css": "text/css; charset=utf-8",
    "site.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def _file(name: str) -> web.Response:
    headers = {"Content-Type": _TYPES[name], "Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return web.Response(body=(_FILES / name).read_bytes(), headers=headers)


@route("GET", "/", scope=Scope.PUBLIC, summary="The landing page", produces="text/html", hidden=True)
async def index(_ctx: Context) -> web.Response:
    """Takes `#redeem=TOKEN`, which browsers never send to a server."""
    return _file("index.html")


@route("GET", "/site.css", scope=Scope.PUBLIC, summary="Its style", produces="text/css", hidden=True)
async def style(_ctx: Context) -> web.Response:
    """The style of the landing page."""
    return _file("site.css")


@route("GET", "/site.js", scope=Scope.PUBLIC, summary="Its script", produces="text/javascript", hidden=True)
async def script(_ctx: Context) -> web.Response:
    """The script of the landing page."""
    return _file("site.js")


@route("GET", "/favicon.ico", scope=Scope.PUBLIC, summary="Its icon", produces="image/svg+xml", hidden=True)
async def icon(_ctx: Context) -> web.Response:
    """The icon of the landing page."""
    return _file("icon.svg")
