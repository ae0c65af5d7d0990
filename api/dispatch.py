"""Runs what `api.routing` declares: from a request to its Context, from what the handler returns to a response.

Every route passes here, WebSocket upgrades included, in one order: authentication, rate limit, scope, path, query, body,
handler.
"""

import asyncio
import dataclasses
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from aiohttp import hdrs, web
from multidict import MultiDict

from api import schema
from api.auditing import ORIGIN, origin_of
from api.auth import (
    ANONYMOUS,
    LOCKED_SCOPES,
    NOWHERE,
    Principal,
    Role,
    Scope,
    Target,
    authorize,
    demanded,
    no_such_organisation,
    no_such_workspace,
)
from api.credentials.apikeys import KEY_PREFIX
from api.deletion import forget_if_deleted
from api.idempotency import HEADER as IDEMPOTENCY_KEY
from api.idempotency import Record, Reply
from api.people.browsers import COOKIE
from api.problems import HttpCode, Problem, invalid
from api.ratelimit import client_address
from api.routing import PATH_PATTERNS, Answer, Context, Created, Route, matches
from api.uploads import Upload
from api.workspaces import Workspace
from shared.errors import Code, Fault

if TYPE_CHECKING:
    from api.services import Services

WAIT_MAX: Final = 60.0
"""Seconds that `Prefer: wait=N` is honoured for; what was applied is told in the reply."""
BODY_SECONDS: Final = 30.0
"""For a whole body to come."""
REQUEST_ID: Final = web.RequestKey("REQUEST_ID", str)
WINDOW: Final = web.RequestKey("WINDOW", dict[str, str])
"""The `RateLimit-*` headers of the reply."""
SUBJECT: Final = web.RequestKey("SUBJECT", str)
"""Whom the log names."""

_SAFE: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_JSON: Final = "application/json"
_BEARER: Final = "Bearer "
_SELECTED: Final = "workspaceId"
_REFUSED: Final = frozenset({Code.UNAUTHORIZED, Code.FORBIDDEN})
_WAIT: Final = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=$|[,;])', re.IGNORECASE)
T = TypeVar("T")
_PATTERNS: Final = {name: re.compile(pattern.strip("^$")) for name, pattern in PATH_PATTERNS.items()}


class NoQuery(schema.Query, frozen=True):
    """What a route without query parameters accepts."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a tool asks of a route."""

    request: web.Request
    """The one that brought it."""
    principal: Principal
    params: Mapping[str, str]
    """Of the path."""
    query: Mapping[str, str]
    body: bytes
    """JSON."""
    workspace: str | None = None
    """What the query would select."""
    wait: float | None = None


@dataclass(slots=True)
class Note:
    """What the audit log is told of a request."""

    target: Target = NOWHERE
    about: str = ""

    def take(self, ctx: Context) -> None:
        """Know what the request is about."""
        own = ctx.workspace if ctx.principal.workspace else ctx.target.workspace
        self.target = Target(own, ctx.target.organisation or ctx.principal.organisation)
        inner = [value for name, value in ctx.params.items() if name not in {"workspaceId", "organisationId"}]
        self.about = inner[-1] if inner else ctx.resource_id


class Endpoint:
    """One route, ready to be called."""

    def __init__(self, route: Route, services: "Services", socket: "Endpoint | None" = None) -> None:
        """Prepare what does not depend on the request. `socket` answers those that would upgrade to a WebSocket."""
        self._route = route
        self._socket = socket
        self._services = services
        self._decoder: msgspec.json.Decoder[Any] | None = schema.decoder(route.body) if route.body else None
        self._query: type[Any] = route.query or NoQuery
        # Not of those that an organisation will own.
        is_open = services.config.api.create_workspaces == "open" and not route.params
        self._scope = demanded(route.scope, open_creation=is_open)
        self._body_max = min(route.body_max or services.config.api.body_max, services.config.api.body_max)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer `request`. Raises Fault or Problem for what cannot be answered."""
        if self._socket is not None and request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return await self._socket.handle(request)
        with self.noted(request) as note:
            principal = await self.identify(request)
            ctx = await self.admit(request, principal, request.match_info, self.selected(request))
            note.take(ctx)
            return await self._answer(request, ctx)

    async def enter(self, call: "Call", work: Callable[[Context], Awaitable[T]]) -> T:
        """Do `work` in the context of what a request with these parameters would be about, if it would be answered.

        It is for `call.principal`, who is identified. Raises Fault or Problem.
        """
        with self.noted(call.request) as note:
            for limit in filter(None, ("request", self._route.limit)):
                self._services.limits.hit(limit, call.principal.subject)
            ctx = await self.admit(call.request, call.principal, call.params, call.workspace, call.wait)
            note.take(ctx)
            return await self._known(ctx, work(ctx))

    async def invoke(self, call: "Call") -> Reply:
        """Do what a request with these parameters would do. The caller has refused routes that answer with a stream."""

        async def work(ctx: Context) -> Reply:
            arguments: dict[str, Any] = {}
            query = schema.convert_query(self._query, MultiDict(call.query))
            if self._route.query:
                arguments["query"] = query
            if self._decoder is not None:
                arguments["body"] = schema.decode(self._decoder, call.body)
            ctx = _planned(ctx, Record.fresh(ctx.resource_id))
            return self._reply(ctx, await self._route.handler(ctx, **arguments))

        return await self.enter(call, work)

    async def _answer(self, request: web.Request, ctx: Context) -> web.StreamResponse:
        arguments = self.query_of(request)
        raw = b""
        if self._decoder is not None:
            raw = await self._body(request)
            arguments["body"] = schema.decode(self._decoder, raw)
        if self._route.upload is not None:
            arguments["upload"] = Upload(request, self._route.upload(self._services.config))
            # What a repeated request is compared by: the bytes themselves are gone by then.
            raw = f"{request.raw_path} {request.content_type} {request.content_length}".encode()
        if not self._route.idempotent:
            return self._response(ctx, await self._call(ctx, arguments))
        return await self._once(ctx, arguments, raw)

    def query_of(self, request: web.Request) -> dict[str, Any]:
        """The handler's `query` argument, if it has one; Problem INVALID for a parameter that is wrong or unknown."""
        if not self._route.query and "?" not in request.raw_path:
            return {}
        given = MultiDict(request.query)
        if self._route.selects and len(given.getall(_SELECTED, ())) == 1:
            del given[_SELECTED]
        query = schema.convert_query(self._query, given)
        return {"query": query} if self._route.query else {}

    def selected(self, request: web.Request) -> str | None:
        """The workspace that the query names, where it may."""
        return request.query.get(_SELECTED) if self._route.selects and "?" in request.raw_path else None

    async def identify(self, request: web.Request, token: str | None = None) -> Principal:
        """Who sends `request`, by `token`, the Authorization header or the session cookie, counted against the rate limits.

        Raises Fault UNAUTHORIZED for what claims to be a credential and is not good.
        """
        services, limit = self._services, self._route.limit
        address = client_address(request, services.config.api.trusted_proxies)
        principal = ANONYMOUS
        cookie = request.cookies.get(COOKIE) if hdrs.COOKIE in request.headers else None
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
            raise invalid("is needed: this credential reaches several workspaces", parameter=_SELECTED)
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

    @contextmanager
    def noted(self, request: web.Request) -> Iterator["Note"]:
        """Have the audit log say how what is done in the block ends."""
        note = Note()
        outcome = "ok"
        try:
            yield note
        except (Fault, Problem) as error:
            outcome = str(error.code)
            raise
        except Exception:
            outcome = str(Code.INTERNAL)
            raise
        finally:
            if self._route.audited or (outcome in _REFUSED and (request.get(SUBJECT) or hdrs.AUTHORIZATION in request.headers)):
                self._services.auditor.note(self._route.name, outcome, note.target, note.about)

    async def run_socket(self, ctx: Context, ws: web.WebSocketResponse) -> None:
        """Call the handler of a WebSocket."""
        await self._call(ctx, {"ws": ws, **self.query_of(ctx.request)})

    @property
    def name(self) -> str:
        """The route's name."""
        return self._route.name

    async def _call(self, ctx: Context, arguments: dict[str, Any]) -> Any:  # noqa: ANN401  # each handler has its own type
        return await self._known(ctx, self._route.handler(ctx, **arguments))

    async def _known(self, ctx: Context, work: Awaitable[T]) -> T:
        """What `work` comes to. Should hostd say that the workspace is gone, it is forgotten here too."""
        try:
            return await work
        except Fault as fault:
            if fault.code is Code.GONE and ctx.workspace is not None:
                await forget_if_deleted(self._services, ctx.workspace)
            raise

    async def _body(self, request: web.Request) -> bytes:
        """The body's bytes; `{}` when there is none."""
        length = request.content_length
        if length is not None and length > self._body_max:
            raise Fault(Code.TOO_LARGE, f"at most {self._body_max} bytes are accepted")
        chunks, size = [], 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while chunk := await request.content.readany():
                    chunks.append(chunk)
                    size += len(chunk)
                    if size > self._body_max:
                        raise Fault(Code.TOO_LARGE, f"at most {self._body_max} bytes are accepted")
        except TimeoutError:
            raise Problem(HttpCode.REQUEST_TIMEOUT, f"the body did not come within {BODY_SECONDS:g} s") from None
        if not size:
            return b"{}"
        charset = (request.charset or "utf-8").lower()
        if request.content_type != _JSON or charset not in {"utf-8", "utf8"}:
            raise Problem(HttpCode.UNSUPPORTED_MEDIA_TYPE, f"the body must be {_JSON} in UTF-8")
        return b"".join(chunks)

    async def _once(self, ctx: Context, arguments: dict[str, Any], raw: bytes) -> web.StreamResponse:
        """Do the work unless it was done for the same Idempotency-Key."""
        given = ctx.request.headers.getall(IDEMPOTENCY_KEY, [])
        if not given:
            ctx = _planned(ctx, Record.fresh(ctx.resource_id))
            return self._response(ctx, await self._call(ctx, arguments))
        if len(given) > 1:
            raise invalid("is given more than once", header=IDEMPOTENCY_KEY)
        records = self._services.idempotency
        address = client_address(ctx.request, self._services.config.api.trusted_proxies)
        operation = f"{self._route.method} {ctx.request.path}"
        async with records.record(
            given[0], principal=ctx.principal, address=address, operation=operation, body=raw, resource=ctx.resource_id
        ) as record:
            if record.reply is not None:
                headers = {**record.reply.headers, "Idempotency-Replayed": "true"}
                return _respond(msgspec.structs.replace(record.reply, headers=headers))
            ctx = _planned(ctx, record)
            reply = self._reply(ctx, await self._call(ctx, arguments))
            await records.finish(record, reply)
            return _respond(reply)

    def _response(self, ctx: Context, result: Any) -> web.StreamResponse:  # noqa: ANN401  # each handler has its own type
        return result if isinstance(result, web.StreamResponse) else _respond(self._reply(ctx, result))

    def _reply(self, ctx: Context, result: Any) -> Reply:  # noqa: ANN401  # each handler has its own type
        headers: dict[str, str] = {}
        if ctx.wait is not None:
            headers["Preference-Applied"] = f"wait={ctx.wait:g}"
        body = result
        if isinstance(result, Answer):
            body = result.body
            headers.update(result.headers)
            if isinstance(result, Created):
                headers[hdrs.LOCATION] = result.location
            if result.etag is not None:
                headers[hdrs.ETAG] = result.etag
                if ctx.request.method in {hdrs.METH_GET, hdrs.METH_HEAD} and matches(
                    ctx.request.headers.getall(hdrs.IF_NONE_MATCH, []), result.etag
                ):
                    return Reply(304, b"", headers)
        if body is None:
            return Reply(self._route.status, b"", headers)
        headers[hdrs.CONTENT_TYPE] = _JSON
        new = isinstance(result, Answer) and result.new
        return Reply(201 if new else self._route.status, schema.encode(body), headers)


def _respond(reply: Reply) -> web.Response:
    return web.Response(body=reply.body or None, status=reply.status, headers=reply.headers)


def _planned(ctx: Context, record: Record) -> Context:
    return dataclasses.replace(ctx, resource_id=record.resource, seed=record.seed)


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
