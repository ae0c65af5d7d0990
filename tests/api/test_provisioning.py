"""Provisioning: recorded, bounded in time, taken up again."""

import asyncio
import time
from pathlib import Path

from shared.errors import Code, Fault
from shared.hostwire import CreateWorkspace
from shared.settings import Api
from tests.api.fakehost import FakeHost
from tests.api.serving import UNLIMITED, Server, serving


async def created(server: Server, wait: str = "wait=0") -> tuple[str, str, str]:
    """Id, secret and status of a new workspace, after `wait`."""
    _, made, _ = await server.call("POST", "/api/workspaces", {"name": "x"}, token=await server.admin(), Prefer=wait)
    return made["workspaceId"], made["workspaceSecret"], made["status"]


async def status_of(server: Server, workspace: str) -> tuple[str, str | None]:
    row = await server.services.workspaces.get(workspace)
    return row.status, row.error_reason


async def ended(server: Server, workspace: str) -> None:
    """Wait for the end of its provisioning."""
    await server.services.provisioner.wait(workspace, 30, asyncio.Event())


async def test_prefer_says_how_long_to_wait(server: Server) -> None:
    server.host.gate.clear()
    token = await server.admin()
    status, made, headers = await server.call("POST", "/api/workspaces", {}, token=token, Prefer="respond-async, wait=0")
    assert (201, "provisioning", "wait=0") == (status, made["status"], headers["Preference-Applied"])
    server.host.gate.set()
    _, made, headers = await server.call("POST", "/api/workspaces", {}, token=token, Prefer="wait=100000")
    assert ("ready", "wait=60") == (made["status"], headers["Preference-Applied"])


async def test_a_new_process_takes_up_what_the_last_one_left(tmp_path: Path, host: FakeHost) -> None:
    host.gate.clear()
    async with serving(tmp_path, host) as server:
        workspace, secret, status = await created(server)
    assert "provisioning" == status
    host.gate.set()
    async with serving(tmp_path, host) as server:
        await ended(server, workspace)
        assert ("ready", None) == await status_of(server, workspace)
        row = await server.services.workspaces.get(workspace)
        assert row.sealed is None
        await server.login(workspace, secret)
    assert 1 == len(host.rooms)


async def test_while_hostd_is_away_it_is_tried_again(server: Server) -> None:
    server.host.fault = Fault(Code.UNAVAILABLE, "away")
    workspace, _, status = await created(server)
    assert "provisioning" == status
    server.host.fault = None
    await ended(server, workspace)
    assert ("ready", None) == await status_of(server, workspace)
    assert 2 <= len([call for call in server.host.calls if isinstance(call, CreateWorkspace)])


async def test_what_hangs_becomes_an_error_after_the_deadline(tmp_path: Path, host: FakeHost) -> None:
    host.gate.clear()
    async with serving(tmp_path, host, Api(rate_limits=UNLIMITED, provisioning_timeout=0.2)) as server:
        workspace, _, status = await created(server, "wait=20")
        assert "error" == status
        assert "0.2 s" in ((await status_of(server, workspace))[1] or "")


async def test_the_deadline_counts_over_a_restart(tmp_path: Path, host: FakeHost) -> None:
    host.fault = Fault(Code.UNAVAILABLE, "hostd cannot be reached")
    async with serving(tmp_path, host) as server:
        workspace, _, _ = await created(server)
        async with server.services.workspaces.lock(workspace):
            await server.services.workspaces.change(workspace, provisioning_since=time.time() - 601)
    async with serving(tmp_path, host) as server:
        await ended(server, workspace)
        assert "error" == (await status_of(server, workspace))[0]


async def test_a_clock_that_was_set_back_does_not_extend_the_deadline(tmp_path: Path, host: FakeHost) -> None:
    host.gate.clear()
    async with serving(tmp_path, host, Api(rate_limits=UNLIMITED, provisioning_timeout=0.2)) as server:
        workspace, _, _ = await created(server)
        await ended(server, workspace)
        async with server.services.workspaces.lock(workspace):
            await server.services.workspaces.change(workspace, status="provisioning", provisioning_since=time.time() + 1e6)
        server.services.provisioner.start(workspace)
        await ended(server, workspace)
        assert "error" == (await status_of(server, workspace))[0]


async def test_the_secret_and_the_providers_are_sealed_in_the_store(tmp_path: Path, host: FakeHost) -> None:
    host.gate.clear()
    async with serving(tmp_path, host) as server:
        providers = {"claude": {"auth": {"type": "api_key", "value": "SENTINELkey"}}}
        token = await server.admin()
        _, made, _ = await server.call("POST", "/api/workspaces", {"providers": providers}, token=token, Prefer="wait=0")
    files = b"".join(path.read_bytes() for path in (tmp_path / "state/api").glob("store*"))
    assert made["workspaceId"].encode() in files
    assert b"SENTINEL" not in files
    assert made["workspaceSecret"].encode() not in files


async def test_a_wait_ends_when_the_server_stops(server: Server) -> None:
    server.host.gate.clear()
    waiting = asyncio.create_task(created(server, "wait=60"))
    while not any(isinstance(call, CreateWorkspace) for call in server.host.calls):
        await asyncio.sleep(0)
    server.services.stopping.set()
    async with asyncio.timeout(10):
        assert "provisioning" == (await waiting)[2]
