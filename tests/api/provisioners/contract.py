"""A server that answers only what a product's published description lets it, and notes every request that breaks with it.

The facts are restated here from those descriptions: methods, paths, fields with their types and limits, statuses, credentials.
"""

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiohttp import web

Handler = Callable[[web.Request, dict[str, Any]], Awaitable[tuple[int, object]]]


@dataclass(frozen=True)
class Field:
    """A member of a body."""

    kind: type
    required: bool = False
    pattern: str | None = None
    least: int = 0
    most: int = 1 << 30
    one_of: tuple[str, ...] = ()

    def fault(self, value: object) -> str | None:
        if type(value) is not self.kind:
            return f"is a {type(value).__name__}, not a {self.kind.__name__}"
        if isinstance(value, str):
            if not self.least <= len(value) <= self.most:
                return f"has {len(value)} characters"
            if self.pattern and not re.fullmatch(self.pattern, value):
                return "has characters that are not accepted"
            if self.one_of and value not in self.one_of:
                return "is not one of the accepted values"
        return None


@dataclass(frozen=True)
class Operation:
    """What may be asked, and how it may be answered."""

    statuses: frozenset[int]
    body: Mapping[str, Field] | None = None
    query: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    basic: bool = False
    """Whether it needs a name and a password rather than a token."""


class Product:
    """The server. `handlers` do the work of each operation, which is named `METHOD /path/{parameter}`."""

    def __init__(self, base: str, operations: Mapping[str, Operation]) -> None:
        self.base = base
        self.operations = operations
        self.handlers: dict[str, Handler] = {}
        self.scheme = "Bearer"
        self.token = "t0ken"
        self.users: dict[str, str] = {}
        """Passwords."""
        self.violations: list[str] = []
        self.asked: list[str] = []
        self.override: Callable[[str, web.Request], Awaitable[web.StreamResponse | None]] | None = None
        """Answers in place of the product: what is broken is no matter of the description."""
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _match(self, request: web.Request) -> tuple[str, dict[str, str]] | None:
        raw = request.raw_path.partition("?")[0]
        for name in self.operations:
            method, _, path = name.partition(" ")
            pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", self.base + path)
            match = re.fullmatch(pattern, raw)
            if match and method == request.method:
                return name, match.groupdict()
        return None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        found = self._match(request)
        if found is None:
            self.violations.append(f"{request.method} {request.raw_path} is not in the description")
            return web.json_response({"message": "Not found"}, status=404)
        name, params = found
        self.asked.append(name)
        if self.override is not None and (answer := await self.override(name, request)) is not None:
            return answer
        operation = self.operations[name]
        if not self._authorized(request, operation):
            return web.json_response({"message": "token is required"}, status=401)
        raw = await request.read()
        body = self._body(name, operation, request, raw)
        for key in request.query:
            if request.query[key] not in operation.query.get(key, ()):
                self.violations.append(f"{name}: query {key}={request.query[key]}")
        status, reply = await self.handlers[name](request, params | body)
        assert status in operation.statuses, f"{name} never answers {status}"
        if reply is None:
            return web.Response(status=status)
        answer = web.json_response(reply, status=status)
        answer.enable_compression()  # for those who accept it, as the servers in front of these products do
        return answer

    def _authorized(self, request: web.Request, operation: Operation) -> bool:
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        if not operation.basic:
            return (kind, value) == (self.scheme, self.token)
        name, _, password = base64.b64decode(value).decode().partition(":")
        return kind == "Basic" and self.users.get(name) == password

    def _body(self, name: str, operation: Operation, request: web.Request, raw: bytes) -> dict[str, Any]:
        if operation.body is None:
            if raw:
                self.violations.append(f"{name}: a body is not expected")
            return {}
        if request.content_type != "application/json":
            self.violations.append(f"{name}: the body is {request.content_type}")
        given = msgspec.json.decode(raw, type=dict[str, Any])
        for key, value in given.items():
            known = operation.body.get(key)
            fault = "is unknown" if known is None else known.fault(value)
            if fault:
                self.violations.append(f"{name}: {key} {fault}")
        missing = [key for key, known in operation.body.items() if known.required and key not in given]
        self.violations += [f"{name}: {key} is missing" for key in missing]
        return given


@asynccontextmanager
async def running(product: Product) -> AsyncIterator[Product]:
    """Until the block ends; then every request must have been as described."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", product.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", product.port).start()
    product.port = runner.addresses[0][1]
    try:
        yield product
    finally:
        await runner.cleanup()
    assert [] == product.violations
