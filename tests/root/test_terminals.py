"""Terminals over WebSocket against the real stack: bytes, sizes, viewers, back-pressure, limits, bad control frames."""

import asyncio
import json
import signal
from pathlib import Path

import aiohttp
import pytest

from bench.report import rss
from tests.stack import Client, Stack, Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]

RAW_CAT = ["/bin/bash", "-c", "stty raw -echo; printf GO; exec cat"]


async def test_every_byte_passes_both_ways(alice: Tenant) -> None:
    terminal = await alice.terminal(await alice.session(), command=RAW_CAT)
    sent = bytes(range(256)) * 64 + "日本語 🦀 é".encode()
    async with alice.attach(terminal) as view:
        await view.see("GO")
        for at in range(0, len(sent), 1001):
            await view.type(sent[at : at + 1001])
        await view.until(lambda: len(view.output) >= len(sent) + 2)
        assert sent == bytes(view.output[2:])


async def test_the_smallest_viewer_gives_the_size(alice: Tenant) -> None:
    terminal = await alice.terminal(await alice.session(), cols=80, rows=24)
    async with alice.attach(terminal) as one, alice.attach(terminal) as two:
        await one.say(type="resize", cols=200, rows=50)
        await one.until(lambda: one.control[-1].get("cols") == 200)
        await two.say(type="resize", cols=100, rows=60)
        await one.until(lambda: (one.control[-1].get("cols"), one.control[-1].get("rows")) == (100, 50))
        assert 2 == one.control[-1]["count"]
        await one.type("stty size\n")
        await one.see("50 100")
        await two.see("50 100")
        async with alice.attach(terminal) as three:
            assert (100, 50) == (three.control[0]["cols"], three.control[0]["rows"])


async def test_the_exit_is_told_as_a_code_or_a_signal_and_stays_visible(alice: Tenant) -> None:
    session = await alice.session()
    for command, exit_ in (
        (["/bin/sh", "-c", "exit 7"], {"code": 7}),
        (["/bin/sh", "-c", "kill -9 $$"], {"signal": "SIGKILL"}),
    ):
        terminal = await alice.terminal(session, command=command)
        for _ in range(2):
            async with alice.attach(terminal) as view:
                await view.until(lambda: view.control[-1]["type"] == "exit")  # awaited at once
                assert exit_ == {k: v for k, v in view.control[-1].items() if k != "type" and v is not None}
        seen = await alice.call("GET", f"/api/terminals/{terminal}")
        assert "exited" == seen["status"]


async def test_a_closed_terminal_is_gone_with_its_children(alice: Tenant) -> None:
    session = await alice.session()
    terminal = await alice.terminal(
        session, command=["/bin/bash", "-c", "trap '' HUP TERM; sleep 1000 & echo child=$!. ; wait"]
    )
    async with alice.attach(terminal) as view:
        await view.see(".")
        child = view.output.decode().split("child=")[1].split(".")[0]
        await alice.call("DELETE", f"/api/terminals/{terminal}", status=204)
    await alice.call("GET", f"/api/terminals/{terminal}", status=404)
    async with asyncio.timeout(10):
        while Path(f"/proc/{child}").exists():
            await asyncio.sleep(0.02)


async def test_a_client_that_does_not_read_stops_the_program_and_costs_the_server_nothing(stack: Stack, alice: Tenant) -> None:
    session = await alice.session()
    terminal = await alice.terminal(
        session, command=["/bin/bash", "-c", "stty raw -echo; printf GO; read -r go; exec head -c 1000000000 /dev/zero"]
    )
    other = await alice.terminal(session)
    seq = 0
    async with alice.attach(terminal) as view, alice.attach(other) as busy:
        await view.see("GO")
        await view.type("go\n")
        guest = alice.guest_pid
        before = rss(stack.api.pid) + rss(guest)
        printed: list[int] = []
        while len(printed) < 3 or len(set(printed[-3:])) > 1:
            printed.append((await alice.call("GET", f"{alice.base}/sessions/{session}/terminals"))["items"][0]["seq"])
            await busy.type(f"echo turn-$(({len(printed)}+1000))\n")
            await busy.see(f"turn-{len(printed) + 1000}")
        assert printed[-1] < 64_000_000
        assert rss(stack.api.pid) + rss(guest) - before < 16 * 2**20
        await view.until(lambda: view.seq > printed[-1] + 1_000_000)
        seq = view.seq
    assert seq > printed[-1]


async def test_a_page_that_acknowledges_what_was_not_sent_gets_no_more_than_its_window(alice: Tenant) -> None:
    """An acknowledgement counts up to what has been sent, and not for what is to come."""
    window, script = 64 * 1024, "stty raw -echo; printf GO; read -r go; exec head -c 100000000 /dev/zero"
    terminal = await alice.terminal(await alice.session(), command=["/bin/bash", "-c", script])
    async with alice.attach(terminal, window=window) as view:
        await view.see("GO")
        await view.ws.send_json({"type": "ack", "seq": 10**15})
        await view.type("go\n")
        await view.until(lambda: view.seq >= window)
        await view.ws.send_json({"type": "ping"})
        await view.until(lambda: view.control[-1]["type"] == "pong")
        with pytest.raises(TimeoutError):
            await view.until(lambda: view.seq > 2 + 2 * window, within=1)
        first = view.seq
        await view.ws.send_json({"type": "ack", "seq": first})
        await view.until(lambda: view.seq >= first + window)


async def test_a_token_in_the_first_frame_opens_a_terminal_and_nothing_else_does(stack: Stack, alice: Tenant) -> None:
    terminal = await alice.terminal(await alice.session())
    path = f"/api/terminals/{terminal}"
    async with stack.http.ws_connect(path) as ws:
        await ws.send_json({"type": "auth", "token": alice.token})
        assert "ready" == json.loads((await ws.receive()).data)["type"]
    for frame in ({"type": "auth", "token": "x"}, {"type": "ping"}, {"type": "auth"}, ["auth"]):
        async with stack.http.ws_connect(path) as ws:
            await ws.send_json(frame)
            assert "error" == json.loads((await ws.receive()).data)["type"]
            await ws.receive()
            assert 4401 == ws.close_code
    async with stack.http.ws_connect(path) as ws:
        message = await asyncio.wait_for(ws.receive(), 10)
        while message.type is aiohttp.WSMsgType.TEXT:
            message = await ws.receive()
        assert 4401 == ws.close_code
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await stack.http.ws_connect(f"{path}?token={alice.token}")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example", "file://"])
async def test_a_page_of_another_origin_cannot_open_a_terminal(stack: Stack, alice: Tenant, origin: str) -> None:
    terminal = await alice.terminal(await alice.session())
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await stack.http.ws_connect(f"/api/terminals/{terminal}", headers={**alice.headers, "Origin": origin})
    assert 403 == caught.value.status


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "169.254.169.254", ""])
async def test_a_rebound_name_cannot_open_a_terminal(stack: Stack, alice: Tenant, host: str) -> None:
    terminal = await alice.terminal(await alice.session())
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await stack.http.ws_connect(f"/api/terminals/{terminal}", headers={**alice.headers, "Host": host})
    assert caught.value.status in {400, 403}


BAD = [
    {"type": "resize", "cols": 0, "rows": 24},
    {"type": "resize", "cols": -1, "rows": 24},
    {"type": "resize", "cols": 10**9, "rows": 24},
    {"type": "resize", "cols": 80},
    {"type": "resize", "cols": "80", "rows": 24},
    {"type": "resume", "after": -1},
    {"type": "resume", "after": 10**30},
    {"type": "resume", "after": 10**15},
    {"type": "ack", "seq": -1},
    {"type": "ack", "seq": 10**30},
    {"type": "nonsense"},
    {},
    [],
    7,
    {"type": "ping", "more": 1},
]


@pytest.mark.parametrize("frame", BAD, ids=json.dumps)
async def test_a_bad_control_frame_is_an_error_and_changes_nothing(alice: Tenant, frame: object) -> None:
    terminal = await alice.terminal(await alice.session(), cols=91, rows=31)
    async with alice.attach(terminal) as view:
        await view.ws.send_json(frame)
        await view.until(lambda: view.control[-1]["type"] == "error")
        assert view.control[-1]["recoverable"] is True
        await view.type("stty size\n")
        await view.see("31 91")


@pytest.mark.parametrize(
    "body",
    [
        {"cols": 0},
        {"cols": -1},
        {"rows": 10**9},
        {"cols": "80"},
        {"command": ["a\0b"]},
        {"command": "ls"},
        {"worktreeId": "../x"},
        {"nope": 1},
    ],
)
async def test_a_terminal_that_cannot_be_is_refused(alice: Tenant, body: dict[str, object]) -> None:
    session = await alice.session()
    before = (await alice.call("GET", f"{alice.base}/sessions/{session}/terminals"))["items"]
    async with alice.stack.http.post(f"{alice.base}/sessions/{session}/terminals", json=body, headers=alice.headers) as reply:
        assert reply.status in {400, 422}
        assert "application/problem+json" == reply.content_type
    assert before == (await alice.call("GET", f"{alice.base}/sessions/{session}/terminals"))["items"]


async def test_a_program_that_does_not_exist_is_a_clear_error(alice: Tenant) -> None:
    session = await alice.session()
    async with alice.stack.http.post(
        f"{alice.base}/sessions/{session}/terminals", json={"command": ["/nonexistent"]}, headers=alice.headers
    ) as reply:
        problem = await reply.json()
    assert 400 <= reply.status < 500
    assert "/nonexistent" in problem["detail"]


async def test_a_logout_closes_open_terminals(stack: Stack) -> None:
    tenant = await stack.tenant()
    terminal = await tenant.terminal(await tenant.session())
    async with tenant.attach(terminal) as view:
        await tenant.call("POST", "/api/logout")
        with pytest.raises(ConnectionError):
            await view.until(lambda: False)
        assert 4401 == view.ws.close_code
    await tenant.call("GET", tenant.base, status=401)
    again = Client(stack, (await stack.login(tenant.workspace, tenant.secret))["workspaceToken"])
    assert "running" == (await again.call("GET", f"/api/terminals/{terminal}"))["status"]


async def test_a_rotated_secret_revokes_every_token(stack: Stack) -> None:
    tenant = await stack.tenant()
    second = await stack.login(tenant.workspace, tenant.secret)
    terminal = await tenant.terminal(await tenant.session())
    async with tenant.attach(terminal) as view:
        rotated = await tenant.call("POST", f"{tenant.base}/secret/rotate")
        with pytest.raises(ConnectionError):
            await view.until(lambda: False)
    for token in (tenant.token, second["workspaceToken"]):
        await Client(stack, token).call("GET", tenant.base, status=401)
    await Client(stack, None).call("POST", "/api/tokens/refresh", {"refreshToken": second["refreshToken"]}, status=401)
    await Client(stack, None).call(
        "POST", "/api/workspaces/login", {"workspaceId": tenant.workspace, "workspaceSecret": tenant.secret}, status=401
    )
    assert (await stack.login(tenant.workspace, rotated["workspaceSecret"]))["workspaceToken"]


async def test_a_guest_leaves_when_idle_and_is_started_again_on_demand() -> None:
    async with Stack({"guest": {"idle_timeout": 0.5}}) as stack:
        tenant = await stack.tenant()
        session = await tenant.session()
        with stack.host() as host:
            async with asyncio.timeout(20):
                while (await asyncio.to_thread(host.show_workspace, workspace=tenant.workspace)).running:
                    await asyncio.sleep(0.05)
            assert [session] == [item["sessionId"] for item in (await tenant.call("GET", f"{tenant.base}/sessions"))["items"]]
            terminal = await tenant.terminal(session)
            async with tenant.attach(terminal) as view:
                await asyncio.sleep(1.5)  # three times the idle timeout, with a terminal that runs
                await view.type("echo here-$((1+1))\n")
                await view.see("here-2")


async def test_the_stack_stops_in_order_and_leaves_the_rooms_open(stack: Stack, bob: Tenant) -> None:
    terminal = await bob.terminal(await bob.session(), command=["/bin/sleep", "1000"])
    pid = (await bob.call("GET", f"/api/terminals/{terminal}"))["pid"]
    assert 0 == stack.api.stop(signal.SIGTERM)
    assert 0 == stack.hostd.stop(signal.SIGTERM)
    assert Path(f"/proc/{pid}").exists()
    await stack.hostd.start()
    await stack.api.start()
    assert pid == (await bob.call("GET", f"/api/terminals/{terminal}"))["pid"]
