"""The middleware, and the sweep of all routes."""

import asyncio
import gzip
import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import Struct

from api.app import routes
from api.auth import ROOM_SCOPES, Scope
from api.routing import Context, Route, route
from api.schema import encode
from shared.ids import new_workspace_id
from shared.secret import Secret
from tests.api.fakehost import FakeHost
from tests.api.serving import Server, serving

GUARDED = [found for found in routes() if found.scope is not Scope.PUBLIC]
ABSENT = {
    "sessionId": f"s{'0' * 24}",
    "terminalId": f"t{'0' * 24}",
    "worktreeId": f"wt{'0' * 24}",
    "turnId": f"tn{'0' * 24}",
    "permissionId": f"pm{'0' * 24}",
    "attachmentId": f"at{'0' * 24}",
    "transcriptId": f"tr{'0' * 24}",
    "agentName": "nobody",
    "organisationId": f"o{'0' * 24}",
    "personId": f"u{'0' * 24}",
    "keyId": f"ky{'0' * 24}",
    "invitationId": f"iv{'0' * 24}",
    "taskId": f"ta{'0' * 24}",
    "scheduleId": f"sc{'0' * 24}",
    "channelId": f"ch{'0' * 24}",
    "webhookId": f"wh{'0' * 24}",
    "deliveryId": f"dl{'0' * 24}",
    "secretName": "NOTHING",
    "browserSessionId": "0" * 32,
    "connectName": "nothing",
    "provisionerName": "nothing",
    "signingKeyId": "nothing",
    "assetName": "nothing.js",
    "icon": "icon.svg",
    "page": "orgs",
}
"""What each parameter of a path is in these tests: nobody has it."""
UPGRADES = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


def path_of(found: Route, workspace: str, **ids: str) -> str:
    """The route's path with ids that exist nowhere, but for the workspace's and those that are given."""
    return re.sub(r":[^{}]*}", "}", found.path).format(**ABSENT | {"workspaceId": workspace} | ids)


async def raw(server: Server, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """What is answered to these very bytes: status, headers, body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    async with asyncio.timeout(10):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    writer.close()
    return int(head[0].split()[1]), headers, body


@pytest.mark.parametrize("sent", [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: "])
async def test_a_connection_that_never_makes_a_request_is_closed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: FakeHost, sent: bytes
) -> None:
    monkeypatch.setattr("api.server.IDLE_SECONDS", 0.2)
    async with serving(tmp_path / "impatient", host) as server, asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        assert await reader.read() == b""
        writer.close()


async def test_every_guarded_route_answers_401_without_a_token(server: Server) -> None:
    for found in GUARDED:
        status, body, headers = await server.call(found.method, path_of(found, new_workspace_id()))
        assert (401, "unauthorized", found.name) == (status, body["code"], found.name)
        assert headers["WWW-Authenticate"].startswith("Bearer")


async def test_every_guarded_route_answers_401_to_a_token_that_is_none(server: Server) -> None:
    for found in GUARDED:
        for token in ("", "x", "a.b.c", "é", "x" * 5000):
            status, body, _ = await server.call(found.method, path_of(found, new_workspace_id()), token=token)
            assert (401, "unauthorized", found.name) == (status, body["code"], found.name)


async def test_another_workspace_is_not_found_on_every_route(server: Server) -> None:
    _, token = await server.tenant()
    other, _ = await server.tenant()
    for found in (f for f in GUARDED if "workspaceId" in f.params):
        absent = await server.call(found.method, path_of(found, new_workspace_id()), {}, token=token)
        foreign = await server.call(found.method, path_of(found, other), {}, token=token)
        assert (404, 404, found.name) == (absent[0], foreign[0], found.name)
        assert absent[1]["detail"] == foreign[1]["detail"]


async def test_an_admin_does_not_enter_rooms(server: Server) -> None:
    workspace, _ = await server.tenant()
    token = await server.admin()
    for found in (f for f in GUARDED if f.scope in ROOM_SCOPES):
        status, body, _ = await server.call(found.method, path_of(found, workspace), token=token)
        assert (403, "forbidden", found.name) == (status, body["code"], found.name)


async def test_a_workspace_id_that_is_none_is_not_found(server: Server) -> None:
    _, tenant = await server.tenant()
    admin = await server.admin()
    for found in (f for f in routes() if "workspaceId" in f.params):
        token = tenant if found.scope in ROOM_SCOPES | {Scope.SECRET_ROTATE} else admin
        for bad in ("w1", "W" + "0" * 24, "w" + "0" * 25, "w" + "0" * 24 + "%0a", "root", "..%2f"):
            status, _, _ = await server.call(found.method, path_of(found, bad), {}, token=token)
            assert (404, found.name, bad) == (status, found.name, bad)


STRANGERS = (
    {"Origin": "null"},
    {"Origin": "http://evil.example"},
    {"Origin": "http://127.0.0.1:1"},
    {"Origin": "file://"},
    {"Host": "evil.example"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": ""},
)


async def test_another_site_or_name_is_refused_on_every_route_and_upgrade(server: Server) -> None:
    _, token = await server.tenant()
    for found in routes():
        for header in STRANGERS:
            sent = {"Authorization": f"Bearer {token}", **(UPGRADES if found.websocket else {}), **header}
            url = server.url + path_of(found, new_workspace_id())
            async with server.http.request(found.method, url, headers=sent) as reply:
                assert (403, found.name, header) == (reply.status, found.name, header)
                assert "forbidden" == (await reply.json(content_type=None))["code"]


async def test_a_request_without_a_host_is_refused(server: Server) -> None:
    status, _, body = await raw(server, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (403, "forbidden") == (status, json.loads(body)["code"])


async def test_the_same_site_is_welcome(server: Server) -> None:
    status, _, _ = await server.call("GET", "/healthz", Origin=server.url)
    assert 200 == status


async def test_no_admin_means_no_admin(server: Server) -> None:
    for found in (f for f in GUARDED if f.scope is Scope.WORKSPACES_CREATE):
        assert 401 == (await server.call(found.method, path_of(found, new_workspace_id()), {}))[0]
    assert 401 == (await server.call("POST", "/api/auth/redeem", {"token": "x"}))[0]


async def test_what_is_not_there_is_a_problem(server: Server) -> None:
    status, body, headers = await server.call("GET", "/api/nothing")
    assert (404, "not_found", "application/problem+json") == (status, body["code"], headers["Content-Type"])
    assert body["requestId"] == headers["X-Request-Id"]


async def test_a_wrong_method_is_a_problem_that_says_which_are_right(server: Server) -> None:
    status, body, headers = await server.call("DELETE", "/api/workspaces")
    assert (405, "method_not_allowed") == (status, body["code"])
    assert {"GET", "HEAD", "POST"} == set(headers["Allow"].split(","))


@pytest.mark.parametrize(
    "sent", [b"\x00\x01\r\n\r\n", b"GET / HTTP/9\r\n\r\n", b"GET / HTTP/1.1\r\nAuthorization: Bearer SENT\x00INEL\r\n\r\n"]
)
async def test_what_is_not_http_is_a_problem_and_is_not_logged(json_log: io.StringIO, server: Server, sent: bytes) -> None:
    status, headers, body = await raw(server, sent)
    assert (400, "application/problem+json") == (status, headers["content-type"])
    assert "bad_request" == json.loads(body)["code"]
    assert "SENT" not in json_log.getvalue()


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(server: Server) -> None:
    head = f"POST /api/workspaces/login HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: application/json\r\n"
    status, _, body = await raw(server, head.encode() + b"Content-Length: 4294967296\r\n\r\n")
    assert (413, "too_large") == (status, json.loads(body)["code"])


async def test_a_chunked_body_that_is_too_large_is_refused(server: Server) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 1024

    async with server.http.post(
        server.url + "/api/workspaces/login", data=chunks(), headers={"Content-Type": "application/json"}
    ) as reply:
        assert 413 == reply.status


@pytest.mark.parametrize("path", ["/api/auth/redeem", "/api/workspaces/{}/sessions"])
async def test_a_compressed_body_is_refused_and_not_unpacked(server: Server, path: str) -> None:
    workspace, token = await server.tenant()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Content-Encoding": "gzip"}
    for data in (gzip.compress(b"{}"), b"this is not gzip"):
        async with server.http.post(server.url + path.format(workspace), data=data, headers=headers) as reply:
            assert (415, "unsupported_media_type") == (reply.status, (await reply.json(content_type=None))["code"])


async def test_a_client_that_leaves_in_mid_body_is_no_error_of_the_server(
    json_log: io.StringIO, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def seen(_name: str, status: int, _seconds: float) -> None:
        answered.set_result(status)

    monkeypatch.setattr(server.services.metrics, "answered", seen)
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    head = f"POST /api/auth/redeem HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Length: 10\r\n\r\n{{"
    writer.write(head.encode())
    await writer.drain()
    writer.close()
    async with asyncio.timeout(30):
        assert 400 == await answered
    assert "unexpected" not in json_log.getvalue()


async def test_a_request_id_is_given_back_and_a_wrong_one_replaced(server: Server) -> None:
    _, _, headers = await server.call("GET", "/healthz", X_Request_Id="abc-1.2_3")
    assert "abc-1.2_3" == headers["X-Request-Id"]
    for bad in ("a b", "x" * 65, "<script>"):
        _, _, headers = await server.call("GET", "/healthz", X_Request_Id=bad)
        assert bad != headers["X-Request-Id"]


async def test_every_reply_has_the_security_headers(server: Server) -> None:
    for path in ("/healthz", "/nothing", "/", "/api/openapi.json"):
        async with server.http.get(server.url + path) as reply:
            assert "nosniff" == reply.headers["X-Content-Type-Options"]
            assert "hostel" == reply.headers["Server"]
            assert "frame-ancestors 'none'" in reply.headers["Content-Security-Policy"]
            policy = reply.headers["Content-Security-Policy"]
            assert "unsafe" not in policy.replace("style-src-attr 'unsafe-inline'", "")


async def test_an_unexpected_error_tells_no_secret_to_anyone(json_log: io.StringIO, server: Server) -> None:
    sentinels = ["SENTINELsecret", "SENTINELtoken"]
    await server.services.store.close()
    for method, path, body in (
        ("POST", "/api/workspaces/login", {"workspaceId": new_workspace_id(), "workspaceSecret": sentinels[0]}),
        ("POST", "/api/tokens/refresh", {"refreshToken": sentinels[1]}),
    ):
        status, reply, _ = await server.call(method, path, body, Authorization="Bearer SENTINELbearer")
        assert (500, "internal") == (status, reply["code"])
        assert "SENTINEL" not in json.dumps(reply)
    logged = json_log.getvalue()
    assert "a request failed unexpectedly" in logged
    assert "SENTINEL" not in logged


def test_a_route_without_a_scope_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="scope"):
        route("GET", "/x", summary="x")  # type: ignore[call-arg]


def test_a_route_whose_body_is_no_struct_cannot_be_declared() -> None:
    async def handler(ctx: Context, body: dict[str, str]) -> None: ...

    with pytest.raises(TypeError, match="struct"):
        route("POST", "/x", scope=Scope.SELF, summary="x")(handler)


def test_a_secret_cannot_be_answered_by_mistake() -> None:
    class Leak(Struct):
        secret: Secret

    with pytest.raises(TypeError):
        encode(Leak(Secret("x")))


async def test_metrics_name_no_tenant(server: Server) -> None:
    workspace, token = await server.tenant()
    await server.call("GET", f"/api/workspaces/{workspace}", token=token)
    async with server.http.get(server.url + "/metrics") as reply:
        text = await reply.text()
    assert 'hostel_http_requests_total{route="get_workspace",status="200"} 1.0' in text
    assert workspace not in text


async def test_readiness_needs_hostd(server: Server) -> None:
    assert 200 == (await server.call("GET", "/readyz"))[0]
    server.services.stopping.set()
    assert 503 == (await server.call("GET", "/readyz"))[0]
    assert 200 == (await server.call("GET", "/healthz"))[0]


async def test_head_is_get_without_a_body(server: Server) -> None:
    async with server.http.head(server.url + "/healthz") as reply:
        assert (200, b"") == (reply.status, await reply.read())


async def test_a_client_that_leaves_does_no_harm(server: Server) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"POST /api/workspaces HTTP/1.1\r\nContent-Length: 10\r\n\r\n")
    writer.close()
    assert 200 == (await server.call("GET", "/healthz"))[0]
