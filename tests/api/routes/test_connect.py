"""The files that connect an agent to a workspace: each is used as it is."""

import asyncio
import json
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from api.mcp.tools import TOOLS
from shared.settings import Api
from tests.api.fakehost import FakeHost
from tests.api.serving import UNLIMITED, Server, serving

NAMES = ["AGENTS.md", "claude-mcp.json", "cursor-mcp.json", "codex-config.toml", "env.local", "smoke-test.sh"]


@pytest.fixture
async def tenant(server: Server) -> tuple[str, str]:
    return await server.tenant()


async def connection(server: Server, tenant: tuple[str, str]) -> dict[str, Any]:
    status, body, _ = await server.call("GET", f"/api/workspaces/{tenant[0]}/connect", token=tenant[1])
    assert 200 == status, body
    return dict(body)


def contents(body: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item["content"] for item in body["items"]}


async def test_each_item_is_listed_and_can_be_downloaded(server: Server, tenant: tuple[str, str]) -> None:
    body = await connection(server, tenant)
    assert (NAMES, f"{server.url}/api/mcp") == ([item["name"] for item in body["items"]], body["url"])
    for item in body["items"]:
        url = f"{server.url}/api/workspaces/{tenant[0]}/connect/{item['name']}"
        async with server.http.get(url, headers={"Authorization": f"Bearer {tenant[1]}"}) as reply:
            assert (200, item["content"], item["mediaType"]) == (reply.status, await reply.text(), reply.content_type)
            assert f'attachment; filename="{Path(item["path"]).name}"' in reply.headers["Content-Disposition"]
    for name in ("nothing", "..", "AGENTS.md%2f..", "a" * 41):
        status, _, _ = await server.call("GET", f"/api/workspaces/{tenant[0]}/connect/{name}", token=tenant[1])
        assert 404 == status


async def test_no_item_holds_a_secret(server: Server, tenant: tuple[str, str]) -> None:
    for content in contents(await connection(server, tenant)).values():
        assert tenant[1] not in content
        assert "hst_" not in content


async def test_the_configurations_name_the_server_and_where_the_key_is(server: Server, tenant: tuple[str, str]) -> None:
    found = contents(await connection(server, tenant))
    url = f"{server.url}/api/mcp"
    claude = json.loads(found["claude-mcp.json"])["mcpServers"]["hostel"]
    assert {"type": "http", "url": url, "headers": {"Authorization": "Bearer ${HOSTEL_KEY}"}} == claude
    cursor = json.loads(found["cursor-mcp.json"])["mcpServers"]["hostel"]
    assert {"url": url, "headers": {"Authorization": "Bearer ${env:HOSTEL_KEY}"}} == cursor
    codex = tomllib.loads(found["codex-config.toml"])["mcp_servers"]["hostel"]
    assert (url, "HOSTEL_KEY") == (codex["url"], codex["bearer_token_env_var"])
    assert [f"HOSTEL_URL={server.url}", f"HOSTEL_WORKSPACE={tenant[0]}"] == found["env.local"].splitlines()[:2]
    assert all(f"`{tool.name}`" in found["AGENTS.md"] for tool in TOOLS)


async def test_the_address_is_the_one_that_the_configuration_tells(tmp_path: Path, host: FakeHost) -> None:
    api = Api(rate_limits=UNLIMITED, public_url="https://hostel.example/")
    async with serving(tmp_path, host, api) as server:
        found = contents(await connection(server, await server.tenant()))
    assert "https://hostel.example/api/mcp" == json.loads(found["cursor-mcp.json"])["mcpServers"]["hostel"]["url"]
    assert "HOSTEL_URL=https://hostel.example\n" in found["env.local"]


async def test_the_address_is_never_one_that_is_not_ours(server: Server, tenant: tuple[str, str]) -> None:
    path = f"/api/workspaces/{tenant[0]}/connect"
    status, _, _ = await server.call("GET", path, token=tenant[1], Host="elsewhere.example")
    assert 403 == status


async def _smoke(folder: Path, script: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    (folder / "smoke-test.sh").write_text(script)
    given = {"PATH": os.environ["PATH"], "no_proxy": "127.0.0.1", **environ}
    return await asyncio.to_thread(
        subprocess.run, ["sh", "smoke-test.sh"], cwd=folder, env=given, capture_output=True, text=True, check=False, timeout=30
    )


async def test_the_smoke_test_tells_a_good_key_from_a_bad_one(server: Server, tenant: tuple[str, str], tmp_path: Path) -> None:
    found = contents(await connection(server, tenant))
    done = await _smoke(tmp_path, found["smoke-test.sh"], HOSTEL_KEY=tenant[1])
    assert (0, 2) == (done.returncode, len(done.stdout.splitlines())), done.stderr
    assert f"MCP at {server.url}/api/mcp: answers with tools" in done.stdout
    (tmp_path / ".env.local").write_text(found["env.local"].replace("paste-a-key-here", tenant[1]))
    assert 0 == (await _smoke(tmp_path, found["smoke-test.sh"])).returncode
    bad = await _smoke(tmp_path, found["smoke-test.sh"], HOSTEL_KEY="hst_bad")
    assert (True, "") == (bad.returncode != 0, bad.stdout)
    assert "401 is a wrong or revoked HOSTEL_KEY" in bad.stderr
    (tmp_path / ".env.local").unlink()
    none = await _smoke(tmp_path, found["smoke-test.sh"])
    assert none.returncode != 0
    assert "HOSTEL_KEY" in none.stderr


async def test_a_viewer_may_connect(server: Server, tenant: tuple[str, str]) -> None:
    path = f"/api/workspaces/{tenant[0]}"
    status, made, _ = await server.call("POST", f"{path}/keys", {"name": "x", "rank": "viewer"}, token=tenant[1])
    assert 201 == status, made
    assert NAMES == [item["name"] for item in (await connection(server, (tenant[0], made["key"])))["items"]]
