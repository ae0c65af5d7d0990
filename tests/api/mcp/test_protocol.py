"""What crosses the wire, in both eras, and what is refused."""

import asyncio
import base64
import io
import json
from typing import Any

import pytest

from api.mcp.protocol import BATCH_MAX, HANDSHAKE, MODERN
from tests.api.serving import Server

Json = dict[str, Any]
ACCEPT = {"Accept": "application/json, text/event-stream"}
META: Json = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
}


@pytest.fixture
async def token(server: Server) -> str:
    return (await server.tenant())[1]


async def post(server: Server, token: str | None, body: object, **headers: str) -> tuple[int, Any]:
    """Status and JSON of a reply; a `bytes` body goes as it is."""
    sent = ACCEPT | {name.replace("_", "-"): value for name, value in headers.items()}
    sent.setdefault("Content-Type", "application/json")
    if token:
        sent["Authorization"] = f"Bearer {token}"
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with server.http.post(
        f"{server.url}/api/mcp", data=io.BytesIO(data), headers={k: v for k, v in sent.items() if v}
    ) as reply:
        text = await reply.text()
        return reply.status, json.loads(text) if text else None


def rpc(method: str, /, *, number: int | str | None = 1, **params: Any) -> Json:  # noqa: ANN401  # JSON
    """A message of the older era."""
    return {"jsonrpc": "2.0", "method": method, "params": params} | ({} if number is None else {"id": number})


def modern(method: str, /, meta: Json | None = None, **params: Any) -> tuple[Json, dict[str, str]]:  # noqa: ANN401  # JSON
    """A message of the newer era, and its headers."""
    headers = {"MCP_Protocol_Version": MODERN, "Mcp_Method": method}
    if "name" in params:
        headers["Mcp_Name"] = str(params["name"])
    return rpc(method, **params, _meta=META if meta is None else meta), headers


@pytest.mark.parametrize("version", HANDSHAKE)
async def test_a_handshake_agrees_on_the_revision_that_the_client_offers(server: Server, token: str, version: str) -> None:
    offer: Json = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "x", "version": "0"}}
    status, reply = await post(server, token, rpc("initialize", **offer))
    assert (200, version, {"tools": {}}) == (status, reply["result"]["protocolVersion"], reply["result"]["capabilities"])
    assert (202, None) == await post(server, token, rpc("notifications/initialized", number=None), MCP_Protocol_Version=version)
    status, reply = await post(server, token, rpc("ping"), MCP_Protocol_Version=version)
    assert (200, {}) == (status, reply["result"])
    status, listed = await post(server, token, rpc("tools/list", number="two"), MCP_Protocol_Version=version)
    assert (200, "two", True) == (status, listed["id"], len(listed["result"]["tools"]) > 20)


async def test_a_revision_from_the_future_is_answered_with_the_newest_that_has_a_handshake(server: Server, token: str) -> None:
    _, reply = await post(server, token, rpc("initialize", protocolVersion="2099-01-01"))
    assert HANDSHAKE[-1] == reply["result"]["protocolVersion"]


async def test_a_request_of_the_newest_revision_stands_alone(server: Server, token: str) -> None:
    body, headers = modern("server/discover")
    status, reply = await post(server, token, body, **headers)
    assert (200, "complete", "private") == (status, reply["result"]["resultType"], reply["result"]["cacheScope"])
    assert {*HANDSHAKE, MODERN} == set(reply["result"]["supportedVersions"])
    body, headers = modern("tools/call", name="get_workspace", arguments={})
    status, reply = await post(server, token, body, **headers)
    assert (200, False) == (status, reply["result"]["isError"])
    headers["Mcp_Name"] = f"=?base64?{base64.b64encode(b'get_workspace').decode()}?="
    assert 200 == (await post(server, token, body, **headers))[0]


async def test_what_headers_and_body_say_must_agree(server: Server, token: str) -> None:
    body, headers = modern("tools/call", name="get_workspace")
    for wrong in (
        {"MCP_Protocol_Version": ""},
        {"MCP_Protocol_Version": HANDSHAKE[-1]},
        {"Mcp_Method": "tools/list"},
        {"Mcp_Method": ""},
        {"Mcp_Name": "delete_session"},
        {"Mcp_Name": ""},
        {"Mcp_Name": "=?base64?!?="},
    ):
        status, reply = await post(server, token, body, **headers | wrong)
        assert (400, -32020, 1) == (status, reply["error"]["code"], reply["id"]), wrong


async def test_an_envelope_must_be_whole(server: Server, token: str) -> None:
    for meta in ({}, {name: value for name, value in META.items() if "Capabilities" not in name}):
        body, headers = modern("server/discover", meta)
        status, reply = await post(server, token, body, **headers)
        assert (400, -32602) == (status, reply["error"]["code"])


async def test_a_revision_that_is_not_spoken_is_refused_with_those_that_are(server: Server, token: str) -> None:
    for body in (rpc("tools/list"), modern("tools/list", META | {"io.modelcontextprotocol/protocolVersion": "1"})[0]):
        status, reply = await post(server, token, body, MCP_Protocol_Version="1", Mcp_Method="tools/list")
        assert (400, -32022, "1") == (status, reply["error"]["code"], reply["error"]["data"]["requested"])
        assert MODERN in reply["error"]["data"]["supported"]


async def test_each_era_has_its_own_methods(server: Server, token: str) -> None:
    for method in ("server/discover", "resources/list", "prompts/get", "x"):
        status, reply = await post(server, token, rpc(method))
        assert (200, -32601) == (status, reply["error"]["code"])
    for method in ("initialize", "ping", "resources/list"):
        body, headers = modern(method)
        status, reply = await post(server, token, body, **headers)
        assert (404, -32601) == (status, reply["error"]["code"])


async def test_a_batch_is_answered_in_order_where_the_revision_has_batches(server: Server, token: str) -> None:
    batch = [
        rpc("ping", number=1),
        rpc("notifications/initialized", number=None),
        rpc("nothing", number=2),
        rpc("ping", number=3),
    ]
    for headers in ({}, {"MCP_Protocol_Version": "2025-03-26"}):
        status, replies = await post(server, token, batch, **headers)
        assert (200, [1, 2, 3]) == (status, [reply["id"] for reply in replies])
        assert ["result", "error", "result"] == [next(k for k in reply if k not in ("jsonrpc", "id")) for reply in replies]
    for version in ("2025-06-18", "2025-11-25", MODERN):
        status, reply = await post(server, token, batch, MCP_Protocol_Version=version)
        assert (400, -32600) == (status, reply["error"]["code"])
    assert (202, None) == await post(server, token, [rpc("notifications/initialized", number=None)])
    _, (reply,) = await post(server, token, [rpc("initialize", protocolVersion=HANDSHAKE[0])])
    assert -32601 == reply["error"]["code"]


async def test_a_batch_does_nothing_more_once_its_key_is_revoked(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}"
    _, key, _ = await server.call("POST", f"{base}/keys", {"name": "agent", "rank": "member"}, token=token)
    _, channel, _ = await server.call("POST", f"{base}/channels", {"name": "a"}, token=token)
    messages = f"{base}/channels/{channel['channelId']}/messages"
    waits = {"channelId": channel["channelId"], "wait": 50}
    says = {"channelId": channel["channelId"], "text": "too late"}
    batch = [
        rpc("tools/call", number=1, name="read_messages", arguments=waits),
        rpc("tools/call", number=2, name="send_message", arguments=says),
    ]
    sent = asyncio.create_task(post(server, key["key"], batch))
    async with asyncio.timeout(10):
        while not len(server.services.live):
            await asyncio.sleep(0.01)
    assert 204 == (await server.call("DELETE", f"{base}/keys/{key['keyId']}", token=token))[0]
    assert 201 == (await server.call("POST", messages, {"text": "go on"}, token=token))[0]
    status, refusal = await sent
    assert (401, "unauthorized") == (status, refusal["code"])
    _, page, _ = await server.call("GET", messages, token=token)
    assert ["go on"] == [message["text"] for message in page["items"]]


async def test_a_batch_has_a_size(server: Server, token: str) -> None:
    assert BATCH_MAX == len((await post(server, token, [rpc("ping")] * BATCH_MAX))[1])
    for size in (0, BATCH_MAX + 1):
        status, reply = await post(server, token, [rpc("ping")] * size)
        assert (400, -32600) == (status, reply["error"]["code"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b'"\xff"', -32700),
        (b"[" * 100_000, -32700),
        (b"null", -32600),
        (b"7", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":99999999999999999999,"method":"ping"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', -32600),
        (b"[7]", -32600),
    ],
)
async def test_what_is_no_message_is_refused(server: Server, token: str, body: bytes, code: int) -> None:
    status, reply = await post(server, token, body)
    assert (400, "2.0", code) == (status, reply["jsonrpc"], reply["error"]["code"])


@pytest.mark.parametrize(
    "params", [{}, {"name": 7}, {"name": "nothing"}, {"name": "get_workspace", "arguments": [1]}, {"name": ["x"]}]
)
async def test_a_call_of_no_tool_is_refused(server: Server, token: str, params: Json) -> None:
    status, reply = await post(server, token, rpc("tools/call", **params))
    assert (200, -32602) == (status, reply["error"]["code"])


async def test_what_a_client_answers_is_taken_and_forgotten(server: Server, token: str) -> None:
    assert (202, None) == await post(server, token, {"jsonrpc": "2.0", "id": 1, "result": {}})
    assert (202, None) == await post(server, token, rpc("notifications/cancelled", number=None, requestId=1))


async def test_the_transport_has_its_rules(server: Server, token: str) -> None:
    body = rpc("ping")
    for method in ("GET", "DELETE", "PUT"):
        async with server.http.request(method, f"{server.url}/api/mcp", headers={"Authorization": f"Bearer {token}"}) as reply:
            assert (405, "POST") == (reply.status, reply.headers["Allow"])
    assert 415 == (await post(server, token, body, Content_Type="text/plain"))[0]
    assert 406 == (await post(server, token, body, Accept="text/event-stream"))[0]
    for accept in ("", "*/*", "application/*", "application/json;q=0.9"):
        assert 200 == (await post(server, token, body, Accept=accept))[0]
    assert 413 == (await post(server, token, b" " * (server.services.config.api.body_max + 1)))[0]
    assert 200 == (await post(server, token, json.dumps(body).encode().ljust(server.services.config.api.body_max)))[0]
    assert 403 == (await post(server, token, body, Origin="https://elsewhere.example"))[0]


async def test_without_a_credential_there_is_nothing(server: Server) -> None:
    for token in (None, "x", "hst_x"):
        headers = ACCEPT | ({"Authorization": f"Bearer {token}"} if token else {})
        async with server.http.post(f"{server.url}/api/mcp", json=rpc("initialize"), headers=headers) as reply:
            assert (401, True) == (reply.status, reply.headers["WWW-Authenticate"].startswith("Bearer"))


async def test_an_admin_is_offered_no_rooms_and_refused_them(server: Server) -> None:
    workspace, _ = await server.tenant()
    admin = await server.admin()
    _, listed = await post(server, admin, rpc("tools/list"))
    assert {"list_workspaces", "get_workspace", "create_workspace"} == {tool["name"] for tool in listed["result"]["tools"]}
    _, reply = await post(server, admin, rpc("tools/call", name="list_sessions", arguments={"workspaceId": workspace}))
    assert (True, "forbidden") == (reply["result"]["isError"], reply["result"]["content"][0]["text"].partition(":")[0])
    _, reply = await post(server, admin, rpc("tools/call", name="list_sessions", arguments={}))
    assert "workspaceId" in reply["result"]["content"][0]["text"]


async def test_a_workspace_is_made_without_its_secret_being_told(server: Server) -> None:
    call = rpc("tools/call", name="create_workspace", arguments={"name": "by an agent", "wait": 20})
    _, reply = await post(server, await server.admin(), call)
    made = json.loads(reply["result"]["content"][0]["text"])
    assert ("by an agent", "ready") == (made["name"], made["status"])
    assert "workspaceSecret" not in made


async def test_the_limits_of_a_route_hold_for_its_tool(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    hits: list[str] = []
    real = server.services.limits.hit

    def hit(name: str, key: str) -> object:
        hits.append(name)
        return real(name, key)

    monkeypatch.setattr(server.services.limits, "hit", hit)
    await post(server, await server.admin(), rpc("tools/call", name="create_workspace", arguments={}))
    assert ["request", "request", "create_workspace"] == hits[-3:]


async def test_what_a_tool_changes_is_audited_as_its_route_is(
    server: Server, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[tuple[object, ...]] = []
    monkeypatch.setattr(server.services.auditor, "note", lambda *told: noted.append(told[:2]))
    admin = await server.admin()
    noted.clear()
    await post(server, admin, rpc("tools/call", name="create_workspace", arguments={}))
    await post(server, admin, rpc("tools/call", name="list_workspaces", arguments={}))
    await post(server, token, rpc("tools/call", name="create_workspace", arguments={}))
    assert [("create_workspace", "ok"), ("create_workspace", "forbidden")] == noted
