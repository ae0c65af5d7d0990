"""The daemon as a process."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from shared.hostwire import CreateWorkspace
from tests.api.process import ApiProcess, api_process


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can try to start it as root")
def test_it_refuses_to_run_as_root() -> None:
    done = subprocess.run([sys.executable, "-I", "-m", "api"], capture_output=True, timeout=30, check=False)
    assert 2 == done.returncode
    assert "refusing to run as root" in json.loads(done.stderr)["event"]


async def test_it_logs_json_and_stops_on_sigterm() -> None:
    async with api_process() as api:
        assert (200, {"status": "ok"}) == await api.call("GET", "/healthz")
        assert 200 == (await api.call("GET", "/readyz"))[0]
        log = api.daemon.log
        assert 0 == await asyncio.to_thread(api.daemon.stop)
        events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
        assert ["listening", "stopping"] == [event for event in events if event != "request"]


async def test_its_files_are_its_own_alone() -> None:
    async with api_process() as api:
        modes = {path.stat().st_mode & 0o077 for path in (api.folder / "state/api").rglob("*")}
        assert {0} == modes


async def test_a_kill_in_mid_provisioning_loses_nothing_and_doubles_nothing() -> None:
    async with api_process() as api:
        api.host.gate.clear()
        token = await api.admin()
        asking = asyncio.create_task(create(api, token))
        while not any(isinstance(call, CreateWorkspace) for call in api.host.calls):
            await asyncio.sleep(0.01)
        api.daemon.stop(signal.SIGKILL)
        with pytest.raises(aiohttp.ClientError):
            await asking
        api.host.gate.set()
        await api.daemon.start()
        status, made = await create(api, token)
        assert (201, "ready") == (status, made["status"])
        assert [made["workspaceId"]] == list(api.host.rooms)
        assert [made["workspaceId"]] == [
            item["workspaceId"] for item in (await api.call("GET", "/api/workspaces", token=token))[1]["items"]
        ]
        body = {"workspaceId": made["workspaceId"], "workspaceSecret": made["workspaceSecret"]}
        assert 200 == (await api.call("POST", "/api/workspaces/login", body))[0]


async def create(api: ApiProcess, token: str) -> tuple[int, dict[str, str]]:
    return await api.call("POST", "/api/workspaces", {"name": "x"}, token, Idempotency_Key="key", Prefer="wait=30")


async def test_a_kill_does_not_bring_a_revoked_token_back() -> None:
    async with api_process() as api:
        token = await api.admin()
        assert 200 == (await api.call("POST", "/api/logout", token=token))[0]
        await api.daemon.kill()
        assert 401 == (await api.call("GET", "/api/auth/me", token=token))[0]


async def test_no_secret_is_ever_logged() -> None:
    async with api_process() as api:
        token = await api.admin()
        providers = {"claude": {"auth": {"type": "api_key", "value": "SENTINELkey"}}}
        _, made = await api.call(
            "POST", "/api/workspaces", {"providers": providers}, token, Idempotency_Key="SENTINELidempotency"
        )
        body = {"workspaceId": made["workspaceId"], "workspaceSecret": made["workspaceSecret"]}
        _, login = await api.call("POST", "/api/workspaces/login", body)
        await api.call("GET", "/api/auth/me?token=SENTINELquery", token=token)
        await api.call("GET", "/api/SENTINELpath", token="SENTINELbearer")
        await api.call("POST", "/api/tokens/refresh", {"refreshToken": "SENTINELrefresh"})
        secrets = [token, made["workspaceSecret"], login["workspaceToken"], login["refreshToken"], "SENTINEL"]
        await asyncio.to_thread(api.daemon.stop)
        logged = api.daemon.log.read_text()
        assert [] == [secret for secret in secrets if secret in logged]


async def test_it_is_small_when_idle() -> None:
    async with api_process() as api:
        status = Path(f"/proc/{api.daemon.pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        assert resident < 90 * 1024
