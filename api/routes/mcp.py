"""MCP over streamable HTTP. The tools' own routes are rate limited and audited; this one only carries."""

import dataclasses
from http import HTTPStatus
from typing import Any, Final

import msgspec
from aiohttp import hdrs, web

from api.auth import Scope
from api.mcp.protocol import (
    HANDSHAKE,
    MODERN,
    ErrorCode,
    Message,
    Post,
    RpcError,
    read,
)
from api.mcp.tool import Endpoints, offered
from api.mcp.tools import BY_NAME, TOOLS
from api.openapi import VERSION
from api.problems import HttpCode, Problem
from api.routing import Context, route
from api.schema import View
from api.uploads import Upload

ENDPOINTS: Final = web.AppKey("ENDPOINTS", Endpoints)
SERVER: Final = {"name": "hostel", "title": "hostel", "version": VERSION}
INSTRUCTIONS: Final = (
    "hostel gives each workspace a Linux user of its own. Its sessions are git clones in which agents work and commands run. "
    "Begin with list_sessions; work with files, git and run_command in a session, or give its agents work with prompt."
)
_JSON: Final = "application/json"
_FRESH_MS: Final = 60_000
"""How long a client may keep the list of tools: a key's scopes do not change, a person's rank may."""

Json = dict[str, Any]


class RpcReply(View, frozen=True, rename=None):
    """A JSON-RPC response."""

    jsonrpc: str
    id: str | int | None
    result: Json | msgspec.UnsetType = msgspec.UNSET
    error: Json | msgspec.UnsetType = msgspec.UNSET


@route(
    "POST",
    "/api/mcp",
    scope=Scope.SELF,
    summary="Speak the Model Context Protocol",
    errors=(HttpCode.UNSUPPORTED_MEDIA_TYPE,),
    upload=lambda config: config.api.body_max,
    produces=_JSON,
    audited=False,
)
async def speak_mcp(ctx: Context, upload: Upload) -> RpcReply | web.StreamResponse:
    """A JSON-RPC message, answered by JSON; no stream and no session is kept. 202 when there is nothing to answer.

    Revisions from 2024-11-05 to 2025-11-25, with `initialize`, and 2026-07-28, without. What a tool may do is what its route
    may do with the same credential.
    """
    if upload.media_type != _JSON:
        raise Problem(HttpCode.UNSUPPORTED_MEDIA_TYPE, f"the body must be {_JSON} in UTF-8")
    if not _acceptable(ctx.request):
        return _respond(_failed(None, RpcError(ErrorCode.INVALID_REQUEST, f"the client must accept {_JSON}")), 406)
    raw = b"".join([piece async for piece in upload.pieces()])
    try:
        post = read(raw, ctx.request.headers)
    except RpcError as error:
        return _respond(_failed(_id_of(raw), error), error.status)
    return await _answer(ctx, post)


async def _answer(ctx: Context, post: Post) -> web.Response:
    replies, status = [], HTTPStatus.OK.value
    for number, message in enumerate(post.messages):
        if message.id is msgspec.UNSET:
            continue
        if number:  # the ones before may have waited long: whoever may do nothing any more shall not
            principal = await ctx.request.app[ENDPOINTS][speak_mcp.__name__].identify(ctx.request)
            ctx = dataclasses.replace(ctx, principal=principal)  # of this message on
        try:
            result = await _result(ctx, message, post)
            replies.append({"jsonrpc": "2.0", "id": message.id, "result": result})
        except RpcError as error:
            replies.append(_failed(message.id, error))
            status = error.status if post.modern else status
    if not replies:
        return web.Response(status=HTTPStatus.ACCEPTED)
    return _respond(replies if post.batch else replies[0], status)


async def _result(ctx: Context, message: Message, post: Post) -> Json:
    """What a request comes to."""
    match message.method:
        case "initialize" if not post.modern and not post.batch:
            asked = message.arguments.get("protocolVersion")
            version = asked if asked in HANDSHAKE else HANDSHAKE[-1]
            told = {"capabilities": {"tools": {}}, "serverInfo": SERVER, "instructions": INSTRUCTIONS}
            return {"protocolVersion": version, **told}
        case "server/discover" if post.modern:
            told = {"supportedVersions": [*HANDSHAKE, MODERN], "capabilities": {"tools": {}}, "instructions": INSTRUCTIONS}
            return _complete({**told, "ttlMs": _FRESH_MS, "cacheScope": "private"})
        case "ping" if not post.modern:
            return {}
        case "tools/list":
            opened = ctx.app.config.api.create_workspaces == "open"
            tools = [tool.definition for tool in TOOLS if offered(ctx.principal, tool, open_creation=opened)]
            return _complete({"tools": tools, "ttlMs": _FRESH_MS, "cacheScope": "private"}) if post.modern else {"tools": tools}
        case "tools/call":
            result = await _called(ctx, message.arguments)
            return _complete(result) if post.modern else result
    raise RpcError(ErrorCode.METHOD_NOT_FOUND, f"there is no method `{message.method}` here")


async def _called(ctx: Context, params: Json) -> Json:
    name, arguments = params.get("name"), params.get("arguments")
    tool = BY_NAME.get(name) if isinstance(name, str) else None
    if tool is None:
        raise RpcError(ErrorCode.INVALID_PARAMS, "there is no such tool; `tools/list` shows those that there are")
    if not isinstance(arguments, dict | None):
        raise RpcError(ErrorCode.INVALID_PARAMS, "`arguments` is an object")
    return await tool.call(ctx, ctx.request.app[ENDPOINTS], arguments or {})


def _complete(result: Json) -> Json:
    """With what the modern era wants in every result."""
    return {"resultType": "complete", "_meta": {"io.modelcontextprotocol/serverInfo": SERVER}, **result}


def _failed(request_id: str | int | None, error: RpcError) -> Json:
    told: Json = {"code": error.code.value, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return {"jsonrpc": "2.0", "id": request_id, "error": told}


def _id_of(raw: bytes) -> str | int | None:
    """The id of a message that cannot be answered, if it is a message at all."""
    try:
        return msgspec.json.decode(raw, type=_Identified).id
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


class _Identified(msgspec.Struct):
    id: str | int | None = None


def _acceptable(request: web.Request) -> bool:
    given = ",".join(request.headers.getall(hdrs.ACCEPT, [])).lower()
    kinds = {kind.partition(";")[0].strip() for kind in given.split(",")}
    return bool(kinds & {"", _JSON, "application/*", "*/*"})


def _respond(body: object, status: int) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type=_JSON)
