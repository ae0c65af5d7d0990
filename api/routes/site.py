"""The web client: one page for all of its paths, and the files that `web/` was built into, in `api/static`.

The files' names hold a digest of what is in them, so browsers keep them for ever; beside each is its compressed form, which
aiohttp sends to those who accept it.
"""

import secrets
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from api.auth import Scope
from api.routing import Context, route
from shared.errors import Code, Fault

_BUILT: Final = Path(str(files("api"))) / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; font-src 'self'; "
    # The client's libraries make style elements, which show the page's nonce; the terminal writes style attributes where it
    # has no WebGL. Markup from strings, which could bring others in, is nowhere made.
    "style-src 'self' 'nonce-{nonce}'; style-src-attr 'unsafe-inline'; "
    # Pictures of a tenant's files come with a credential, by script: as blobs.
    "img-src 'self' blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PERMISSIONS: Final = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
_NONCE: Final = "{{nonce}}"


@cache
def _page(name: str) -> str:
    """The text of a page. Fault UNAVAILABLE in a checkout where nobody has built the client."""
    try:
        return (_BUILT / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise Fault(Code.UNAVAILABLE, "the web client has not been built; the API works without it") from None


@cache
def _assets() -> frozenset[str]:
    return frozenset(path.name for path in (_BUILT / "assets").glob("*") if path.suffix in _TYPES)


def _answer(name: str) -> web.Response:
    """A page, with a nonce of its own for the style elements that its scripts make."""
    nonce = secrets.token_urlsafe(16)
    headers = {
        hdrs.CONTENT_TYPE: "text/html; charset=utf-8",
        hdrs.CACHE_CONTROL: "no-store",
        "Content-Security-Policy": _POLICY.format(nonce=nonce),
        "Permissions-Policy": _PERMISSIONS,
    }
    return web.Response(text=_page(name).replace(_NONCE, nonce), headers=headers)


@route("GET", "/", scope=Scope.PUBLIC, summary="The web client", produces="text/html", hidden=True)
async def index(_ctx: Context) -> web.Response:
    """Takes `#redeem=TOKEN`, which browsers never send to a server."""
    return _answer("index.html")


@route(
    "GET",
    "/{page:(?:account|admin|invitation|new|orgs|signin|w)(?:/.*)?}",
    scope=Scope.PUBLIC,
    summary="A path of the web client",
    produces="text/html",
    hidden=True,
)
async def page(_ctx: Context) -> web.Response:
    """The same page: its script reads the path and the query."""
    return _answer("index.html")


@route("GET", "/api/docs", scope=Scope.PUBLIC, summary="The API, to read and to try", produces="text/html", hidden=True)
async def docs(_ctx: Context) -> web.Response:
    """Shows /api/openapi.json."""
    return _answer("docs.html")


@route("GET", "/assets/{assetName}", scope=Scope.PUBLIC, summary="A file of the client", produces="text/html", hidden=True)
async def asset(ctx: Context) -> web.FileResponse:
    """One of those that were built, and nothing else."""
    name = ctx.param("assetName")
    if name not in _assets():
        raise Fault(Code.NOT_FOUND, "there is no such file")
    headers = {hdrs.CONTENT_TYPE: _TYPES[Path(name).suffix], hdrs.CACHE_CONTROL: "public, max-age=31536000, immutable"}
    return web.FileResponse(_BUILT / "assets" / name, headers=headers)


@route("GET", "/{icon:icon\\.svg|favicon\\.ico}", scope=Scope.PUBLIC, summary="Its icon", produces="image/svg+xml", hidden=True)
async def icon(_ctx: Context) -> web.FileResponse:
    """The icon, which browsers also look for under its old name."""
    headers = {hdrs.CONTENT_TYPE: _TYPES[".svg"], hdrs.CACHE_CONTROL: "public, max-age=86400"}
    return web.FileResponse(_BUILT / "icon.svg", headers=headers)
