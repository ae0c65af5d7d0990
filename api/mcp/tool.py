"""A tool: a route under the name and with the arguments that suit an agent."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import msgspec
from aiohttp import web

from api import schema
from api.auth import RANKS, Principal, Scope, demanded
from api.dispatch import Call, Endpoint
from api.mcp.schemas import WAIT, WAIT_MAX, WORKSPACE, Json, properties_of
from api.problems import Problem, invalid, of_fault
from api.routing import Context, Route
from shared.errors import Fault

TEXT_MAX: Final = 100_000
"""Characters of one text in a result: some 25,000 tokens."""

Endpoints = Mapping[str, Endpoint]
"""Every route, ready to be called, by its name."""


@dataclass(frozen=True, kw_only=True)
class Tool:
    """What an agent may call. It is allowed whoever may do what its route is for."""

    name: str
    description: str
    route: Route
    work: Callable[[Context, Any], Awaitable[list[str]]] | None = None
    """What is done in place of the route's own handler, where that speaks in streams; answers texts."""
    takes: type | None = None
    """The arguments of `work`, beside those of the route's path."""
    demands: Scope | None = None
    """What `work` needs beyond the scope of the route."""
    left_out: frozenset[str] = frozenset()
    """Parameters of the route that are not for agents: credentials, and second names."""
    withheld: frozenset[str] = frozenset()
    """Fields of the reply that are not for agents."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What is said of its arguments, where the name does not say it all."""

    def __post_init__(self) -> None:
        """Refuse what could not work, when it is imported rather than when it is called."""
        if (self.work is None) != (self.takes is None):
            raise TypeError(f"{self.name}: work and its arguments go together")
        if self.work is None and self.route.reply is None and self.route.status != web.HTTPNoContent.status_code:
            raise TypeError(f"{self.name}: {self.route.name} answers with a stream")
        unknown = self.told.keys() - self.properties.keys()
        if unknown:
            raise TypeError(f"{self.name}: there is no {unknown} to tell of")

    @property
    def scope(self) -> Scope:
        """What it demands."""
        return self.demands or self.route.scope

    @cached_property
    def _schema(self) -> tuple[Json, list[str]]:
        own = (self.takes,) if self.takes else (self.route.query, self.route.body)
        properties, required = properties_of(self.route, [kind for kind in own if kind], self.left_out)
        for name in self.told.keys() & properties.keys():
            properties[name] = properties[name] | {"description": self.told[name]}
        return properties, required

    @property
    def properties(self) -> Json:
        """The schemas of its arguments."""
        return self._schema[0]

    @cached_property
    def _query(self) -> frozenset[str]:
        kind = self.route.query
        if kind is None or self.takes is not None:
            return frozenset()
        return frozenset(one.encode_name for one in msgspec.structs.fields(kind))

    @cached_property
    def definition(self) -> Json:
        """What `tools/list` tells of it."""
        properties, required = self._schema
        reads = self.route.method == "GET" and self.scope.endswith(":read")
        return {
            "name": self.name,
            "title": self.route.summary,
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": False,
            },
            "annotations": {
                "title": self.route.summary,
                "readOnlyHint": reads,
                "destructiveHint": self.route.method == "DELETE",
                "openWorldHint": False,
            },
        }

    async def call(self, ctx: Context, endpoints: Endpoints, arguments: Mapping[str, Any]) -> Json:
        """The result of a call by whoever `ctx` is of: what fails is a result too."""
        try:
            texts, failed = await self._texts(ctx, endpoints[self.route.name], arguments), False
        except (Fault, Problem) as error:
            texts, failed = [_told(of_fault(error) if isinstance(error, Fault) else error)], True
        return {"content": [{"type": "text", "text": _cut(text)} for text in texts], "isError": failed}

    async def _texts(self, ctx: Context, endpoint: Endpoint, arguments: Mapping[str, Any]) -> list[str]:
        given = {name: value for name, value in arguments.items() if value is not None}
        for name in given:
            if name not in self.properties:
                raise invalid(f"there is no such argument; there are {', '.join(self.properties)}", parameter=name[:100])
        workspace = _text(given, WORKSPACE) if WORKSPACE in given else ctx.principal.workspace
        if workspace is not None and WORKSPACE in self.route.params:
            given[WORKSPACE] = workspace
        elif workspace is None and WORKSPACE in self.route.params:
            raise invalid("is needed: this credential reaches several workspaces", parameter=WORKSPACE)
        params = {name: _text(given, name) for name in self.route.params}
        wait = _seconds(given) if self.route.wait else 0
        rest = {name: value for name, value in given.items() if name not in {*params, WORKSPACE, *([WAIT] * self.route.wait)}}
        call = Call(
            request=ctx.request,
            principal=ctx.principal,
            params=params,
            query={name: _word(name, value) for name, value in rest.items() if name in self._query},
            body=schema.encode({name: value for name, value in rest.items() if name not in self._query}),
            workspace=workspace if self.route.selects else None,
            wait=wait,
        )
        if self.work is None or self.takes is None:
            return [self._shown((await endpoint.invoke(call)).body)]
        work = self.work
        decoder: msgspec.json.Decoder[Any] = schema.decoder(self.takes)

        async def done(inner: Context) -> list[str]:
            inner.demand(self.scope, inner.target)
            return await work(inner, schema.decode(decoder, call.body))

        return await endpoint.enter(call, done)

    def _shown(self, body: bytes) -> str:
        if not body:
            return "Done."
        if self.withheld:
            body = msgspec.json.encode({k: v for k, v in msgspec.json.decode(body).items() if k not in self.withheld})
        return body.decode()


def offered(principal: Principal, tool: Tool, *, open_creation: bool) -> bool:
    """Whether `principal` may use `tool` on anything at all."""
    held = principal.scopes.union(*(RANKS[rank] for rank in principal.ranks.values()))
    return demanded(tool.scope, open_creation=open_creation) in held | {Scope.PUBLIC}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise invalid("is needed, as a string", parameter=name)
    return value


def _seconds(given: Mapping[str, Any]) -> float:
    value = given.get(WAIT, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= WAIT_MAX:
        raise invalid(f"0 to {WAIT_MAX} seconds are accepted", parameter=WAIT)
    return float(value)


def _word(name: str, value: object) -> str:
    """An argument as it would stand in a query."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise invalid("is a list or an object, where one value is expected", parameter=name)


def _told(problem: Problem) -> str:
    """An error as an agent reads it."""
    text = f"{problem.code}: {problem.detail}"
    for error in problem.errors:
        where = error.pointer or error.parameter or error.header or error.path
        if where and where not in problem.detail:
            text += f"\n{where.lstrip('/')}: {error.detail}"
    return text


def _cut(text: str) -> str:
    if len(text) <= TEXT_MAX:
        return text
    return f"{text[:TEXT_MAX]}\n[{len(text) - TEXT_MAX} more characters were left out: ask for less]"
