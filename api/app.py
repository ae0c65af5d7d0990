"""The application: every route through one middleware and one dispatcher.

The middleware gives each request its id, checks Host and Origin, turns every error into problem details, and adds the headers
that every reply has.
"""

import re
import secrets
import time
from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from types import ModuleType
from typing import TYPE_CHECKING, Final

import structlog
from aiohttp import hdrs, web

from api import openapi
from api.admission import REQUEST_ID, SUBJECT, WINDOW
from api.dispatch import Endpoint
from api.origin import Origins
from api.paths import Paths
from api.problems import Problem, of_fault, of_http, respond
from api.routes import (
    agents,
    attachments,
    audit,
    auth,
    channels,
    connect,
    events,
    figures,
    files,
    handover,
    host,
    keys,
    lifecycle,
    log,
    login,
    mcp,
    members,
    meta,
    names,
    organisations,
    permissions,
    provisioners,
    repos,
    schedules,
    sessions,
    signing,
    site,
    tasks,
    terminals,
    transcripts,
    transfer,
    turns,
    usage,
    webhooks,
    workspaces,
    worktrees,
)
from api.routes import secrets as secret_routes
from api.routing import Route, routes_of
from api.upgrade import SocketEndpoint
from shared.errors import Code, Fault
from shared.log import logger

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler, Middleware

    from api.services import Services

MODULES: Final[tuple[ModuleType, ...]] = (
    meta,
    site,
    auth,
    login,
    handover,
    keys,
    organisations,
    members,
    names,
    workspaces,
    transfer,
    lifecycle,
    signing,
    host,
    sessions,
    worktrees,
    files,
    attachments,
    repos,
    terminals,
    agents,
    turns,
    permissions,
    log,
    usage,
    figures,
    transcripts,
    secret_routes,
    tasks,
    schedules,
    events,
    audit,
    connect,
    mcp,
    provisioners,
    channels,
    webhooks,
)
SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""On every reply, unless its handler says otherwise."""
_PREFIX: Final = "/api"
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


def routes(modules: Iterable[ModuleType] = MODULES) -> tuple[Route, ...]:
    """All routes, in order."""
    return tuple(route for module in modules for route in routes_of(module))


@cache
def _document() -> bytes:
    """The contract: made once, for it is the same for every application."""
    return openapi.document(routes())


def build(services: "Services") -> web.Application:
    """The application that answers with `services`. Raises TypeError for a route that was not declared with `@route`."""
    app = web.Application(middlewares=[_middleware(services)], client_max_size=services.config.api.body_max)
    declared = routes()
    app.on_response_prepare.append(_prepare)
    app[openapi.DOCUMENT] = _document()
    plain = {route.path for route in declared if route.method == hdrs.METH_GET and not route.websocket}
    sockets = {route.path: SocketEndpoint(route, services) for route in declared if route.websocket}
    below = Paths(_PREFIX)
    resources = {
        path: below.add(path) if "{" in path and path.startswith(_PREFIX) else app.router.add_resource(path)
        for path in dict.fromkeys(route.path for route in declared)
    }
    app.router.register_resource(below)
    app[mcp.ENDPOINTS] = {route.name: Endpoint(route, services) for route in declared}
    for route in declared:
        if route.websocket and route.path in plain:
            continue
        socket = sockets.get(route.path)
        endpoint = socket if route.websocket and socket else Endpoint(route, services, socket)
        resources[route.path].add_route(route.method, endpoint.handle)
        if route.method == hdrs.METH_GET and not route.websocket:
            resources[route.path].add_route(hdrs.METH_HEAD, endpoint.handle)
    for entry in app.router.routes():
        if _endpoint(entry.handler) is None:
            raise TypeError(f"{entry} was not declared with @route, so nothing guards it")
    return app


def _endpoint(handler: object) -> Endpoint | None:
    owner = getattr(handler, "__self__", None)
    return owner if isinstance(owner, Endpoint) else None


def _middleware(services: "Services") -> "Middleware":
    origins = Origins(services.config.api)
    log = logger().bind()  # once: it costs more than the line that is not written

    @web.middleware
    async def guard(request: web.Request, handler: "Handler") -> web.StreamResponse:
        started = time.perf_counter()
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)
        request[REQUEST_ID] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            origins.check(request)
            response = await handler(request)
        except Exception as error:  # noqa: BLE001  # every failure becomes problem details; the unexpected is logged
            response = respond(_problem(error), request_id)
        endpoint = _endpoint(handler)
        name = endpoint.name if endpoint else "unmatched"
        seconds = time.perf_counter() - started
        services.metrics.answered(name, response.status, seconds)
        plain = response.status < HTTPStatus.BAD_REQUEST and request.method in {hdrs.METH_GET, hdrs.METH_HEAD}
        # Without the path and the query: whatever a client put there by mistake stays out of the log.
        (log.debug if plain else log.info)(
            "request",
            method=request.method,
            route=name,
            status=response.status,
            ms=round(seconds * 1000, 1),
            subject=request.get(SUBJECT),
        )
        return response

    return guard


async def _prepare(request: web.Request, response: web.StreamResponse) -> None:
    """Also of a stream, whose headers are sent before its handler returns."""
    complete(response, request.get(REQUEST_ID) or secrets.token_hex(16))
    response.headers.update(request.get(WINDOW, {}))


def complete(response: web.StreamResponse, request_id: str) -> None:
    """Add the headers that every reply has."""
    headers = response.headers
    headers["X-Request-Id"] = request_id
    headers[hdrs.SERVER] = "hostel"  # aiohttp would tell its version, and Python's
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Fault):
        return of_fault(error)
    if isinstance(error, web.HTTPException):
        return of_http(error)
    logger().error("a request failed unexpectedly", exc_info=error)
    return Problem(Code.INTERNAL, "an unexpected error; the server's log says more, under this request id")
