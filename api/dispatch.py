"""Runs what `api.routing` declares: from a request to its Context, from what the handler returns to a response.

Every route passes here, WebSocket upgrades included, in one order: authentication, rate limit, scope, path, query, body,
handler.
"""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from aiohttp import hdrs, web
from multidict import MultiDict

from api import schema
from api.admission import SELECTED, Gate
from api.auth import (
    Principal,
    Scope,
    demanded,
)
from api.deletion import forget_if_deleted
from api.idempotency import HEADER as IDEMPOTENCY_KEY
from api.idempotency import Record, Reply
from api.people.standing import current, renewed
from api.problems import HttpCode, Problem, invalid
from api.ratelimit import client_address
from api.routing import Answer, Context, Created, Route, matches
from api.uploads import BROKEN, Upload
from shared.errors import Code, Fault

if TYPE_CHECKING:
    from api.services import Services

BODY_SECONDS: Final = 30.0
"""For a whole body to come."""
_JSON: Final = "application/json"
T = TypeVar("T")


class NoQuery(schema.Query, frozen=True):
    """What a route without query parameters accepts."""


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


class Endpoint(Gate):
    """One route, ready to be called."""

    def __init__(self, route: Route, services: "Services", socket: "Endpoint | None" = None) -> None:
        """Prepare what does not depend on the request. `socket` answers those that would upgrade to a WebSocket."""
        # Not of those that an organisation will own.
        is_open = services.config.api.create_workspaces == "open" and not route.params
        super().__init__(route, services, demanded(route.scope, open_creation=is_open))
        self._socket = socket
        self._decoder: msgspec.json.Decoder[Any] | None = schema.decoder(route.body) if route.body else None
        self._query: type[Any] = route.query or NoQuery
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
            principal = await current(self._services, call.principal)
            ctx = await self.admit(call.request, principal, call.params, call.workspace, call.wait)
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
        if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
            raise Problem(HttpCode.UNSUPPORTED_MEDIA_TYPE, "the body must not be compressed")
        if self._decoder is not None:
            waits = not request.content.is_eof()
            raw = await self._body(request)
            if waits and self._scope is not Scope.PUBLIC:
                ctx = await renewed(ctx)
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
        # The query of a page is for its script, whatever it says.
        if self._route.hidden or (not self._route.query and "?" not in request.raw_path):
            return {}
        given = MultiDict(request.query)
        if self._route.selects and len(given.getall(SELECTED, ())) == 1:
            del given[SELECTED]
        query = schema.convert_query(self._query, given)
        return {"query": query} if self._route.query else {}

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
        except BROKEN:
            raise Problem(Code.BAD_REQUEST, "the body broke off") from None
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
            if self._scope is not Scope.PUBLIC:
                ctx = await renewed(ctx)  # it may have waited for another request with the key
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
