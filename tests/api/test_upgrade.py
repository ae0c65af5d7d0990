"""WebSocket upgrades."""

from typing import Any

import aiohttp
import pytest

from api import upgrade
from shared.ids import new_terminal_id
from tests.api.serving import Server


async def refusal(server: Server, frame: str | bytes | None, **headers: str) -> tuple[int | None, dict[str, Any]]:
    """The close code and the error after a first frame."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with server.http.ws_connect(f"{server.url}/api/terminals/{new_terminal_id()}", headers=sent) as ws:
        if isinstance(frame, bytes):
            await ws.send_bytes(frame)
        elif frame is not None:
            await ws.send_str(frame)
        error = await ws.receive_json()
        closed = await ws.receive()
        assert aiohttp.WSMsgType.CLOSE is closed.type
        return ws.close_code, error


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "x",
        "{}",
        "[]",
        '{"type":"auth"}',
        '{"type":"auth","token":5}',
        '{"type":"other","token":"x"}',
        '{"type":"auth","token":"x"}',
        '{"type":"auth","token":"x","more":1}',
        '{"type":"auth","token":"' + "x" * 60_000 + '"}',
        b"\x00\xff",
    ],
)
async def test_a_first_frame_that_does_not_authenticate_is_refused(server: Server, frame: str | bytes) -> None:
    code, error = await refusal(server, frame)
    assert (4401, "error", "unauthorized", False) == (code, error["type"], error["code"], error["recoverable"])


async def test_a_silent_client_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upgrade, "AUTH_SECONDS", 0.05)
    code, error = await refusal(server, None)
    assert (4401, "unauthorized") == (code, error["code"])


async def test_a_token_in_the_first_frame_authenticates_and_authorises(server: Server) -> None:
    code, error = await refusal(server, f'{{"type":"auth","token":"{await server.admin()}"}}')
    assert (4403, "forbidden") == (code, error["code"])


async def test_a_wrong_token_in_the_header_is_refused_before_the_handshake(server: Server) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await refusal(server, None, Authorization="Bearer x")
    assert 401 == caught.value.status


async def test_a_token_in_the_query_is_refused(server: Server) -> None:
    _, token = await server.tenant()
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await server.http.ws_connect(f"{server.url}/api/terminals/{new_terminal_id()}?token={token}")
    assert 422 == caught.value.status


async def test_a_broken_handshake_is_told_so(server: Server) -> None:
    _, token = await server.tenant()
    path = f"/api/terminals/{new_terminal_id()}"
    status, body, headers = await server.call("GET", path, token=token, Upgrade="websocket", Connection="Upgrade")
    assert (400, "bad_request", "websocket") == (status, body["code"], headers["Upgrade"])
    assert 401 == (await server.call("GET", path, Upgrade="websocket", Connection="Upgrade"))[0]


async def test_who_announces_a_token_is_not_who_the_cookie_says(server: Server) -> None:
    headers = {"Authorization": f"Bearer {await server.admin()}", "Origin": server.url}
    async with server.http.post(f"{server.url}/api/auth/session", headers=headers) as reply:
        cookie = {"Cookie": reply.headers["Set-Cookie"].partition(";")[0], "Origin": server.url}
    url = f"{server.url}/api/terminals/{new_terminal_id()}"
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await server.http.ws_connect(url, headers=cookie)
    assert 403 == caught.value.status
    _, token = await server.tenant()
    async with server.http.ws_connect(url, headers=cookie, protocols=[upgrade.BY_TOKEN]) as ws:
        assert upgrade.BY_TOKEN == ws.protocol
        await ws.send_json({"type": "auth", "token": token})
        assert "not_found" == (await ws.receive_json())["code"]
    async with server.http.ws_connect(url, headers=cookie, protocols=[upgrade.BY_TOKEN]) as ws:
        await ws.send_str("{}")
        assert "unauthorized" == (await ws.receive_json())["code"]
