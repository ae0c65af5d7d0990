"""How the server is, and what it offers."""

import asyncio
from typing import Final

from aiohttp import web

from api import openapi
from api.auth import Scope
from api.routing import Context, route
from api.schema import View
from api.serverkeys.keys import Jwks
from shared.errors import Code, Fault

_PATIENCE: Final = 2.0
"""Seconds for hostd to say how it is."""


class Health(View, frozen=True):
    """The server runs."""

    status: str = "ok"


@route("GET", "/healthz", scope=Scope.PUBLIC, summary="Is the server alive?")
async def healthz(_ctx: Context) -> Health:
    """Says only that the process answers."""
    return Health()


@route("GET", "/readyz", scope=Scope.PUBLIC, summary="Can the server work?", errors=(Code.TIMEOUT,))
async def readyz(ctx: Context) -> Health:
    """Asks the store and hostd."""
    if ctx.app.stopping.is_set():
        raise Fault(Code.UNAVAILABLE, "the server is stopping")
    await ctx.app.store.read(lambda connection: connection.exec_driver_sql("SELECT 1"))
    try:
        async with asyncio.timeout(_PATIENCE):
            await ctx.app.hosts.status()
    except TimeoutError:
        raise Fault(Code.TIMEOUT, f"hostd did not answer within {_PATIENCE:g} s") from None
    return Health()


@route("GET", "/metrics", scope=Scope.PUBLIC, summary="Prometheus metrics", produces="text/plain")
async def metrics(ctx: Context) -> web.Response:
    """Totals of the whole server; nothing of any one tenant."""
    found = ctx.app.metrics
    return web.Response(body=found.exposition(), headers={"Content-Type": found.content_type})


@route("GET", "/.well-known/jwks.json", scope=Scope.PUBLIC, summary="The keys that verify access tokens")
async def jwks(ctx: Context) -> Jwks:
    """A JSON Web Key Set (RFC 7517)."""
    return ctx.app.keys.jwks()


@route("GET", "/api/openapi.json", scope=Scope.PUBLIC, summary="This document", produces="application/json")
async def openapi_json(ctx: Context) -> web.Response:
    """OpenAPI 3.1."""
    return web.Response(body=ctx.request.app[openapi.DOCUMENT], headers={"Content-Type": "application/json"})
