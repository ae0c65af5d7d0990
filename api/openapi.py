"""openapi.json (3.1), made from the routes and from the very types that their handlers decode and answer."""

import inspect
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import web

from api import problems, schema
from api.auth import Scope
from api.idempotency import KEY_PATTERN
from api.people.browsers import COOKIE
from api.problems import STATUS, AnyCode, HttpCode, ProblemDetails
from api.routing import PATH_PATTERNS, Route
from api.streams import sse
from shared.errors import Code

DOCUMENT: Final = web.AppKey("DOCUMENT", bytes)
VERSION: Final = "0.1.0"

_REF: Final = "#/components/schemas/{name}"
_ANY: Final[tuple[AnyCode, ...]] = (
    Code.BAD_REQUEST,
    Code.FORBIDDEN,
    HttpCode.INVALID,
    HttpCode.RATE_LIMITED,
    Code.INTERNAL,
    Code.UNAVAILABLE,
)
"""What any route may answer."""
_BODY: Final[tuple[AnyCode, ...]] = (Code.TOO_LARGE, HttpCode.UNSUPPORTED_MEDIA_TYPE, HttpCode.REQUEST_TIMEOUT)
_ROOM: Final[tuple[AnyCode, ...]] = (Code.NOT_FOUND, Code.CONFLICT, Code.TIMEOUT, Code.GUEST_MISBEHAVED)

Json = dict[str, Any]


def document(routes: Iterable[Route]) -> bytes:
    """The whole document, as JSON."""
    shown = [route for route in routes if not route.hidden]
    kinds = {kind for route in shown for kind in (route.body, route.reply, route.query) if kind is not None}
    kinds.add(ProblemDetails)
    ordered: list[Any] = sorted(kinds, key=lambda kind: kind.__name__)
    ordered += [kind for route in shown for kind in route.events.values() if kind not in kinds]
    references, components = msgspec.json.schema_components(ordered, schema_hook=schema.schema_hook, ref_template=_REF)
    of = dict(zip(ordered, references, strict=True))
    paths: dict[str, Json] = {}
    for route in shown:
        operation = _operation(route, of, components)
        known = paths.setdefault(route.path, {}).setdefault(route.method.lower(), operation)
        if route.websocket:  # it may share its path with a plain GET
            known["responses"]["101"] = operation["responses"]["101"]
    for kind in ordered:
        if any(route.query is kind for route in shown):
            del components[kind.__name__]
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "openapi": "3.1.0",
                "info": {
                    "title": "hostel",
                    "version": VERSION,
                    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                    "description": "Locked rooms for AI coding agents. Errors are problem details (RFC 9457) with a `code`.",
                },
                "paths": paths,
                "components": {
                    "schemas": components,
                    "securitySchemes": {
                        "token": {"type": "http", "scheme": "bearer", "description": "An access token or a key."},
                        "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A browser's session."},
                    },
                },
            }
        ),
        indent=1,
    )


def _operation(route: Route, of: dict[Any, Json], components: dict[str, Json]) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.handler.__module__.rpartition(".")[2]],
        "security": [] if route.scope is Scope.PUBLIC else [{"token": []}, {"cookie": []}],
        "x-scope": route.scope,
        "parameters": [*_path(route), *_query(route, components), *_headers(route)],
        "responses": _responses(route, of),
    }
    if route.handler.__doc__:
        operation["description"] = inspect.cleandoc(route.handler.__doc__)
    if route.body:
        required = any(field.required for field in msgspec.structs.fields(route.body))
        operation["requestBody"] = {"required": required, "content": {"application/json": {"schema": of[route.body]}}}
    if route.upload:
        content = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
        operation["requestBody"] = {"required": True, "description": "Bytes, of any media type.", "content": content}
    return operation


def _path(route: Route) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": PATH_PATTERNS[name]}}
        for name in route.params
    ]


def _query(route: Route, components: dict[str, Json]) -> list[Json]:
    return [*_selection(route), *_own_query(route, components)]


def _selection(route: Route) -> list[Json]:
    """The workspace, which a credential that reaches several has to name."""
    if not route.selects:
        return []
    text = "Which workspace; a credential that is for one needs not say."
    kind = {"type": "string", "pattern": PATH_PATTERNS["workspaceId"]}
    return [{"name": "workspaceId", "in": "query", "required": False, "description": text, "schema": kind}]


def _own_query(route: Route, components: dict[str, Json]) -> list[Json]:
    if route.query is None:
        return []
    found = components[route.query.__name__]
    return [
        {"name": name, "in": "query", "required": name in found.get("required", []), "schema": kind}
        for name, kind in found["properties"].items()
    ]


def _headers(route: Route) -> list[Json]:
    headers: list[tuple[str, str, Json]] = []
    if route.idempotent:
        headers.append(
            (
                "Idempotency-Key",
                "The same key gives the same answer for 24 hours.",
                # Optional, so that clients may leave it out.
                {"type": "string", "pattern": KEY_PATTERN},
            )
        )
    if route.wait:
        headers.append(("Prefer", "`wait=N`: how many seconds to wait for the end of the work (RFC 7240).", {"type": "string"}))
    if HttpCode.PRECONDITION_FAILED in route.errors:
        headers.append(("If-Match", "Only change this version of it.", {"type": "string"}))
    if HttpCode.RANGE_NOT_SATISFIABLE in route.errors:
        headers.append(("Range", "`bytes=FIRST-LAST`: only a part of it (RFC 9110, 14.2).", {"type": "string"}))
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": kind} for name, text, kind in headers
    ]


def _responses(route: Route, of: dict[Any, Json]) -> Json:
    responses: Json = {str(route.status): _success(route, of)}
    if route.websocket:
        responses = {"101": {"description": "The connection is a WebSocket from now on."}}
    if route.method == "PUT" and route.tagged:
        responses["201"] = responses["200"] | {"description": "Created"}
    ranges = HttpCode.RANGE_NOT_SATISFIABLE in route.errors
    if ranges:
        responses["206"] = responses["200"] | {"description": "The part that `Range` names."}
    if ranges or (route.tagged and route.method == "GET"):
        responses["304"] = {"description": "It has not changed since the version in `If-None-Match`."}
    for status, codes in sorted(_codes_by_status(route).items()):
        responses[str(status)] = {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(f'`{code}`' for code in codes)}.",
            "content": {problems.MEDIA_TYPE: {"schema": of[ProblemDetails]}},
        }
    return responses


def _codes_by_status(route: Route) -> dict[int, list[AnyCode]]:
    codes = [*_ANY, *route.errors]
    if route.scope is not Scope.PUBLIC:
        codes.append(Code.UNAUTHORIZED)
    if route.params:
        codes.append(Code.NOT_FOUND)
    if route.body or route.upload:
        codes += _BODY
    if route.room:
        codes += _ROOM
    if route.idempotent:
        codes.append(HttpCode.IDEMPOTENCY_MISMATCH)
    by_status: dict[int, list[AnyCode]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(STATUS[code], []).append(code)
    return by_status


def _event(name: str, data: Json) -> Json:
    content = {"type": "string", "contentMediaType": "application/json", "contentSchema": data}
    named = {"event": {"type": "string", "const": name}} if name else {}
    return {
        "type": "object",
        "properties": {"id": {"type": "string"}, **named, "data": content},
        "required": [*named, "data"],
    }


def _success(route: Route, of: dict[Any, Json]) -> Json:
    answer: Json = {"description": HTTPStatus(route.status).phrase}
    headers: Json = {}
    if route.created:
        headers["Location"] = {"description": "Where it is.", "schema": {"type": "string"}}
    if route.wait:
        headers["Preference-Applied"] = {"description": "The wait that was applied.", "schema": {"type": "string"}}
    if headers:
        answer["headers"] = headers
    if route.status != HTTPStatus.NO_CONTENT:
        kinds = [kind.partition(";")[0].strip() for kind in route.produces.split(",")]
        answer["content"] = {kind: {"schema": {"type": "string"}} for kind in kinds}
    if route.events:
        # OpenAPI 3.1 has no word for the items of a stream; tools take the schema of an event stream for that of one event.
        events = [_event(name, of[kind]) for name, kind in route.events.items()]
        answer["content"][sse.MEDIA_TYPE] = {"schema": {"description": "One event of the stream.", "anyOf": events}}
    if route.reply is not None:
        answer.setdefault("content", {})["application/json"] = {"schema": of[route.reply]}
    return answer
