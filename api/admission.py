"""Who may come in: from a request to its Context, or to the reason why not.

Every request, upgrade and call of a tool passes here before anything is done for it. How it ends is noted for the audit log.
"""

import re
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from aiohttp import hdrs, web

from api.acting import ORIGIN, origin_of
from api.auditing import Auditor
from api.auth import (
    ANONYMOUS,
    LOCKED_SCOPES,
    NOWHERE,
    Denied,
    Principal,
    Role,
    Scope,
    Target,
    authorize,
    no_such_organisation,
    no_such_workspace,
)
from api.credentials.apikeys import KEY_PREFIX
from api.people.browsers import COOKIE
from api.people.cookies import cookie_of
from api.problems import Problem, invalid
from api.ratelimit import client_address
from api.routing import PATH_PATTERNS, Context, Route
from api.workspaces import Workspace
from shared.errors import Code, Fault

if TYPE_CHECKING:
    from api.services import Services

WAIT_MAX: Final = 60.0
"""Seconds that `Prefer: wait=N` is honoured for; what was applied is told in the reply."""
SELECTED: Final = "workspaceId"
"""The query parameter that names the workspace where the path does not."""
REQUEST_ID: Final = web.RequestKey("REQUEST_ID", str)
WINDOW: Final = web.RequestKey("WINDOW", dict[str, str])
"""The `RateLimit-*` headers of the reply."""
SUBJECT: Final = web.RequestKey("SUBJECT", str)
"""Whom the log names."""


_SAFE: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_BEARER: Final = "Bearer "
_REFUSED: Final = frozenset({Code.UNAUTHORIZED, Code.FORBIDDEN})
_WAIT: Final = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=$|[,;])', re.IGNORECASE)
_PATTERNS: Final = {name: re.compile(pattern.strip("^$")) for name, pattern in PATH_PATTERNS.items()}


async def principal_of(services: "Services", token: str) -> Principal:
    """Whom `token`, a key or a token, stands for; Fault UNAUTHORIZED also when its workspace is gone."""
    if token.startswith(KEY_PREFIX):
        return await services.apikeys.principal(token)
    principal = services.tokens.verify(token)
    known = services.workspaces
    if principal.workspace is not None and not known.at_hand(principal.workspace) and not await known.find(principal.workspace):
        raise Fault(Code.UNAUTHORIZED, "the token is not valid")
    return await services.organisations.ranked(principal)


async def browser_principal(services: "Services", request: web.Request, cookie: str) -> Principal:
    """Whom the session cookie stands for. Fault FORBIDDEN for what another site's page could have sent."""
    safe = request.method in _SAFE and hdrs.UPGRADE not in request.headers
    # `Origins` has compared it; a browser sends one with everything that changes something, and with every upgrade.
    if not safe and hdrs.ORIGIN not in request.headers:
        raise Fault(Code.FORBIDDEN, "with the session cookie an Origin header is needed")
    return await services.organisations.ranked(await services.browsers.principal(cookie))


class Note:
    """Tells the audit log how a request has ended, and what it was about."""

    __slots__ = ("_about", "_auditor", "_error", "_request", "_route", "_target")

    def __init__(self, route: Route, auditor: Auditor, request: web.Request) -> None:
        """Nothing is known of it yet."""
        self._route = route
        self._auditor = auditor
        self._request = request
        self._target = NOWHERE
        self._about = ""
        self._error: BaseException | None = None

    def take(self, ctx: Context) -> None:
        """Know what the request is about."""
        own = ctx.workspace if ctx.principal.workspace else ctx.target.workspace
        self._target = Target(own, ctx.target.organisation or ctx.principal.organisation)
        inner = [value for name, value in ctx.params.items() if name not in {"workspaceId", "organisationId"}]
        self._about = inner[-1] if inner else ctx.resource_id

    def fail(self, error: Exception) -> None:
        """Know that it has failed, of which the client was told already."""
        self._error = error

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None) -> None:
        """Have it written, if it is to be."""
        error = error or self._error
        outcome = _outcome(error)
        if isinstance(error, Denied):
            self._target = error.target
        if self._route.audited or (outcome in _REFUSED and self._claimed()):
            self._auditor.note(self._route.name, outcome, self._target, self._about)

    def _claimed(self) -> bool:
        """Whether somebody said who they are."""
        return SUBJECT in self._request or hdrs.AUTHORIZATION in self._request.headers


def _outcome(error: BaseException | None) -> str:
    match error:
        case Fault() | Problem():
            return str(error.code)
        case Exception():
            return str(Code.INTERNAL)
        case _:  # who has left is no failure
            return "ok"


class Gate:
    """The way in of one route."""

    def __init__(self, route: Route, services: "Services", scope: Scope) -> None:
        """`scope`: what is demanded, which the configuration may have changed."""
        self._route = route
        self._services = services
        self._scope = scope

    def selected(self, request: web.Request) -> str | None:
        """The workspace that the query names, where it may."""
        return request.query.get(SELECTED) if self._route.selects and "?" in request.raw_path else None

    async def identify(self, request: web.Request, token: str | None = None, *, cookies: bool = True) -> Principal:
        """Who sends `request`, by `token`, the Authorization header or the session cookie, counted against the rate limits.

        Without `cookies` the client has said that its credential is another, which is still to come.
        Raises Fault UNAUTHORIZED for what claims to be a credential and is not good.
        """
        services, limit = self._services, self._route.limit
        address = client_address(request, services.config.api.trusted_proxies)
        principal = ANONYMOUS
        cookie = cookie_of(request, COOKIE) if cookies and hdrs.COOKIE in request.headers else None
        ORIGIN.set(origin_of(principal, address, request[REQUEST_ID]))
        try:
            if self._route.scope is Scope.PUBLIC:
                pass
            elif token is not None or hdrs.AUTHORIZATION in request.headers:
                principal = await principal_of(services, _bearer(request) if token is None else token)
            elif cookie is not None:
                principal = await browser_principal(services, request, cookie)
        except Fault:
            services.limits.hit("request", address)
            raise
        key = address if principal is ANONYMOUS else principal.subject
        window = services.limits.hit("request", key)
        if limit is not None:
            window = services.limits.hit(limit, key)
        request[WINDOW] = window.headers()
        request[SUBJECT] = principal.subject
        if principal is not ANONYMOUS:
            ORIGIN.set(origin_of(principal, address, request[REQUEST_ID]))
        return principal

    async def admit(
        self,
        request: web.Request,
        principal: Principal,
        params: Mapping[str, str],
        selected: str | None = None,
        wait: float | None = None,
    ) -> Context:
        """The context, if `principal` may do what the route is for, to what `params` and `selected` name."""
        route = self._route
        if principal.role is Role.ANONYMOUS and self._scope is not Scope.PUBLIC:
            authorize(principal, self._scope)
        named = params.get("workspaceId") or selected
        target = await self._target(principal, named, params.get("organisationId"))
        for name in route.params:
            pattern = _PATTERNS.get(name)
            if pattern is not None and not pattern.fullmatch(params[name]):
                raise Fault(Code.NOT_FOUND, "there is no such thing")
        return Context(
            request=request,
            app=self._services,
            principal=principal,
            request_id=request[REQUEST_ID],
            params=params,
            target=target,
            workspace=named or principal.workspace,
            resource_id=route.resource() if route.resource else "",
            seed=b"",
            wait=(_wait(request) if wait is None else wait) if route.wait else None,
        )

    async def _target(self, principal: Principal, named: str | None, organisation: str | None) -> Target:
        """What the request is about, once `principal` may do there what the route is for."""
        if named is not None:
            row = await self._services.workspaces.find(named) if _PATTERNS["workspaceId"].fullmatch(named) else None
            target = Target(named, row.organisation if row else None)
            authorize(principal, self._scope, target)
            if row is None:
                raise no_such_workspace()
            self._check_kept(row)
            return target
        if self._route.selects and self._route.room and principal.role in {Role.PERSON, Role.ORGANISATION}:
            raise invalid("is needed: this credential reaches several workspaces", parameter=SELECTED)
        target = Target(None, organisation)
        authorize(principal, self._scope, target)
        if principal.workspace is not None and (own := await self._services.workspaces.find(principal.workspace)):
            self._check_kept(own)
        if organisation is not None and not await self._services.organisations.exists(organisation):
            raise no_such_organisation()
        return target

    def _check_kept(self, row: Workspace) -> None:
        """Raise Fault NOT_READY for a workspace that is deleted and kept, unless that is what the route is for."""
        if row.deleted is not None and self._scope not in LOCKED_SCOPES | {Scope.PUBLIC}:
            raise Fault(Code.NOT_READY, "the workspace was deleted; until it is removed for good it can be restored")

    def noted(self, request: web.Request) -> Note:
        """A block of which the audit log is told how it ends."""
        return Note(self._route, self._services.auditor, request)


def _bearer(request: web.Request) -> str:
    headers = request.headers.getall(hdrs.AUTHORIZATION)
    header = headers[0]
    if len(headers) > 1 or not header.startswith(_BEARER):
        raise Fault(Code.UNAUTHORIZED, "the Authorization header must be `Bearer` and a token")
    return header[len(_BEARER) :].strip()


def _wait(request: web.Request) -> float | None:
    """The seconds of `Prefer: wait=N` (RFC 7240), at most WAIT_MAX."""
    match = _WAIT.search(", ".join(request.headers.getall("Prefer", [])))
    return min(float(match[1]), WAIT_MAX) if match else None
