"""How a route is declared. All that its handler needs to know of the request is in the Context, its body and its query.

    @route("POST", "/api/workspaces/{workspaceId}/sessions", scope=Scope.SESSIONS_WRITE, status=201, summary="Create a session",
           errors=(Code.LIMIT,), idempotent=True, resource=new_session_id, wait=True)
    async def create_session(ctx: Context, body: NewSession) -> Created[SessionView]: ...

The body's type is the annotation of `body`, the query's that of `query`, the reply's that of the return value; openapi.json is
made from the same. A route without a scope does not import. `api.dispatch` runs what is declared here.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, ModuleType, UnionType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from aiohttp import web

from api.auth import ROOM_SCOPES, Principal, Scope, Target, authorize
from api.problems import AnyCode, HttpCode, Problem
from shared.errors import Code, Fault
from shared.ids import (
    AGENT_PATTERN,
    ATTACHMENT_PATTERN,
    CHANNEL_PATTERN,
    DELIVERY_PATTERN,
    INVITATION_PATTERN,
    KEY_PATTERN,
    ORGANISATION_PATTERN,
    PERMISSION_PATTERN,
    PERSON_PATTERN,
    SCHEDULE_PATTERN,
    SESSION_PATTERN,
    TASK_PATTERN,
    TERMINAL_PATTERN,
    TRANSCRIPT_PATTERN,
    TURN_PATTERN,
    WEBHOOK_PATTERN,
    WORKSPACE_PATTERN,
    WORKTREE_PATTERN,
)

if TYPE_CHECKING:
    from api.services import Services
    from shared.config import Config

PATH_PATTERNS: Final[Mapping[str, str]] = {
    "workspaceId": WORKSPACE_PATTERN,
    "sessionId": SESSION_PATTERN,
    "terminalId": TERMINAL_PATTERN,
    "worktreeId": WORKTREE_PATTERN,
    "turnId": TURN_PATTERN,
    "transcriptId": TRANSCRIPT_PATTERN,
    "permissionId": PERMISSION_PATTERN,
    "agentName": AGENT_PATTERN,
    "attachmentId": ATTACHMENT_PATTERN,
    "organisationId": ORGANISATION_PATTERN,
    "personId": PERSON_PATTERN,
    "keyId": KEY_PATTERN,
    "invitationId": INVITATION_PATTERN,
    "taskId": TASK_PATTERN,
    "scheduleId": SCHEDULE_PATTERN,
    "channelId": CHANNEL_PATTERN,
    "webhookId": WEBHOOK_PATTERN,
    "deliveryId": DELIVERY_PATTERN,
    "secretName": "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
    "provisionerName": "^[a-z][a-z0-9-]{0,19}$",
    "connectName": "^[A-Za-z][A-Za-z0-9.-]{0,39}$",
    "browserSessionId": "^[0-9a-f]{32}$",
    "signingKeyId": "^[A-Za-z0-9_-]{1,64}$",
}
"""The parameters that a path may have. What does not match is 404, like any id that does not exist."""

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """A reply with more to it than its body."""

    body: T
    etag: str | None = None
    """A strong entity tag, with its quotes. A GET whose `If-None-Match` names it is answered 304."""
    headers: Mapping[str, str] = field(default_factory=dict)
    new: bool = False
    """Whether a PUT has made it, which is told by 201."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Created(Answer[T]):
    """A reply of 201 that says where the new thing is."""

    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """A request whose caller is known and may do what the route is for."""

    request: web.Request
    """For its headers and its connection alone: what a tool of MCP does has no path and no query of its own."""
    app: "Services"
    principal: Principal
    request_id: str
    params: Mapping[str, str]
    """What the path names; each matches its pattern."""
    target: Target
    """What it is about, which exists and is visible to the principal."""
    workspace: str | None
    """The workspace that the path or the query names, which the principal reaches; else the principal's own, if any."""
    resource_id: str
    """For what the route makes: the same again when a request is repeated with its Idempotency-Key. "" without `resource`."""
    seed: bytes
    """32 random bytes, the same again when a request is repeated with its Idempotency-Key. b"" without `idempotent`."""
    wait: float | None
    """Seconds that the client would wait (`Prefer: wait=N`, RFC 7240); None when it did not say. Needs `wait=True`."""

    @property
    def room(self) -> str:
        """The workspace of a route that happens inside one; there is always one where the scope is of ROOM_SCOPES."""
        if self.workspace is None:
            raise Fault(Code.FORBIDDEN, "say which workspace: add `?workspaceId=…`")
        return self.workspace

    def param(self, name: str) -> str:
        """A path parameter, which matches its pattern."""
        return self.params[name]

    def demand(self, scope: Scope, target: Target) -> None:
        """Raise what `api.auth.authorize` does unless the principal may do that too, to something else than the path names."""
        authorize(self.principal, scope, target)

    def allows(self, scope: Scope) -> bool:
        """Whether the principal may do that too to what the path names."""
        return scope in (self.principal.scopes_for(self.target) or ())

    def check_match(self, etag: str) -> None:
        """Raise 412 when `If-Match` is given and names neither `etag` nor `*`."""
        given = self.request.headers.getall("If-Match", [])
        if given and not matches(given, etag):
            raise Problem(HttpCode.PRECONDITION_FAILED, f"it has changed since; its version is now {etag}")


def matches(given: list[str], etag: str) -> bool:
    """Whether the values of an `If-Match` or `If-None-Match` header name `etag`."""
    tags = {tag.strip() for value in given for tag in value.split(",")}
    return "*" in tags or etag in tags


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What a decorated handler is."""

    method: str
    path: str
    scope: Scope
    summary: str
    handler: Callable[..., Awaitable[Any]]
    status: int
    errors: tuple[AnyCode, ...]
    body: type | None
    query: type | None
    reply: type | None
    """None: no body, or a StreamResponse that the handler makes."""
    created: bool
    """Whether the reply has a Location."""
    tagged: bool
    """Whether the reply is an Answer, which may have an ETag."""
    idempotent: bool
    resource: Callable[[], str] | None
    wait: bool
    websocket: bool
    produces: str
    events: Mapping[str, object]
    limit: str | None
    body_max: int | None
    upload: Callable[["Config"], int] | None
    hidden: bool
    audited: bool
    params: tuple[str, ...]

    @property
    def name(self) -> str:
        """The handler's name, which is the operation's id."""
        return self.handler.__name__

    @property
    def room(self) -> bool:
        """Whether it happens inside a workspace."""
        return self.scope in ROOM_SCOPES

    @property
    def selects(self) -> bool:
        """Whether the query may say which workspace it is about, as the path does not."""
        return "workspaceId" not in self.params and (self.room or self.scope is Scope.EVENTS_READ)


def route(
    method: str,
    path: str,
    *,
    scope: Scope,
    summary: str,
    status: int = 200,
    errors: tuple[AnyCode, ...] = (),
    idempotent: bool = False,
    resource: Callable[[], str] | None = None,
    wait: bool = False,
    websocket: bool = False,
    produces: str = "application/json",
    events: Mapping[str, object] = MappingProxyType({}),
    limit: str | None = None,
    body_max: int | None = None,
    upload: Callable[["Config"], int] | None = None,
    hidden: bool = False,
    audited: bool | None = None,
) -> Callable[[F], F]:
    """Declare the decorated coroutine as the handler of `method path`.

    `errors`: codes that it may answer beside those that follow from its shape. `resource`: makes `ctx.resource_id`.
    `websocket`: the handler is `(ctx, ws)` and gets a prepared WebSocket whose client has authenticated. `produces`: the
    media types of the StreamResponse (an event stream, a page) that a handler returns, always or beside a body.
    `events`: of which type the data of each event of that stream is, by the event's name; "" is one without. `limit`: the
    name of a rate limit of the configuration that applies beside `request`. `body_max`: bytes, less than the configured most.
    `upload`: the body is bytes, which the handler takes as they come from its argument `upload`; of the configuration, how many
    there may be. `hidden`: a page or a file of the client, which is not in openapi.json, and whose query is not looked at.
    `audited`: whether the audit log tells of each request; those that change something are, and what is refused is in any case.
    """

    def declare(handler: F) -> F:
        hints = get_type_hints(handler)
        reply = hints.get("return")
        if isinstance(reply, UnionType):  # a body, or a stream for those who ask for one
            reply = next(kind for kind in get_args(reply) if kind is not web.StreamResponse)
        origin = get_origin(reply) or reply
        wrapped = isinstance(origin, type) and issubclass(origin, Answer)
        streams = isinstance(origin, type) and issubclass(origin, web.StreamResponse)
        kind = get_args(reply)[0] if wrapped else reply
        found = Route(
            method=method,
            path=path,
            scope=scope,
            summary=summary,
            handler=handler,
            status=201 if origin is Created else 204 if reply is type(None) and not websocket else status,
            errors=errors,
            body=hints.get("body"),
            query=hints.get("query"),
            reply=None if streams or kind is type(None) else kind,
            created=origin is Created,
            tagged=wrapped and origin is not Created,
            idempotent=idempotent,
            resource=resource,
            wait=wait,
            websocket=websocket,
            produces=produces,
            events=events,
            limit=limit,
            body_max=body_max,
            upload=upload,
            hidden=hidden,
            audited=(method not in {"GET", "HEAD"} or websocket) if audited is None else audited,
            params=tuple(re.findall(r"{(\w+)}", path)),
        )
        _check(found)
        handler.__route__ = found  # type: ignore[attr-defined]  # the mark that `routes_of` collects
        return handler

    return declare


def _check(found: Route) -> None:
    """Refuse what could not work, when it is imported rather than when it is called."""
    where = f"{found.method} {found.path}"
    kinds: tuple[tuple[str, object], ...] = (("body", found.body), ("query", found.query), ("reply", found.reply))
    for name, kind in kinds:
        if kind is not None and not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
            raise TypeError(f"{where}: the {name} must be a msgspec struct, not {kind!r}")
    if (found.upload is not None) != ("upload" in get_type_hints(found.handler)) or (found.upload and found.body):
        raise TypeError(f"{where}: a body is either decoded or an upload, which has an argument and a limit")
    unknown = [name for name in found.params if name not in PATH_PATTERNS and not found.hidden]
    if unknown:
        raise TypeError(f"{where}: no pattern for {unknown}")
    if found.scope is not Scope.PUBLIC and found.hidden:
        raise TypeError(f"{where}: what is hidden is public")


def routes_of(module: ModuleType) -> Iterator[Route]:
    """The routes that `module` declares, in its order."""
    for value in vars(module).values():
        found = getattr(value, "__route__", None)
        if isinstance(found, Route) and value.__module__ == module.__name__:
            yield found
