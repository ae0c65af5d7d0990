"""`hostelctl keys` against a running api."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.api.fakehost import FakeHost
from tests.api.serving import Server
from tests.ctl.running import Result, run

Run = Callable[..., Awaitable[Result]]


@pytest.fixture
def ctl(tmp_path: Path, server: Server) -> Run:
    """Runs `hostelctl keys` on the host of `server`."""
    return partial(run, tmp_path, server.port, "keys")


async def test_a_key_is_minted_listed_shown_rotated_and_revoked(server: Server, ctl: Run) -> None:
    workspace, _ = await server.create()
    made = await ctl("mint", "ci", "--rank", "member", "--workspace", workspace)
    assert 0 == made.exit_code, made.stderr
    key = made.stdout.strip()  # alone, so that it can be piped
    assert key.startswith("hst_")
    assert 200 == (await server.call("GET", f"/api/workspaces/{workspace}", token=key))[0]
    listed = json.loads((await ctl("list", "--workspace", workspace, "--json")).stdout)
    assert [("ci", "live", "admin")] == [(found["name"], found["status"], found["createdBy"]) for found in listed]
    key_id = listed[0]["keyId"]
    assert key_id in made.stderr
    table = (await ctl("list", "--workspace", workspace)).stdout
    assert key_id in table
    assert key not in table
    assert key_id in (await ctl("show", key_id, "--workspace", workspace)).stdout
    rotated = (await ctl("rotate", key_id, "--workspace", workspace, "--overlap", "60")).stdout.strip()
    assert 200 == (await server.call("GET", f"/api/workspaces/{workspace}", token=key))[0]
    assert 0 == (await ctl("revoke", key_id, "--workspace", workspace)).exit_code
    assert 401 == (await server.call("GET", f"/api/workspaces/{workspace}", token=key))[0]
    assert 200 == (await server.call("GET", f"/api/workspaces/{workspace}", token=rotated))[0]


async def test_keys_of_the_host_and_of_an_organisation(server: Server, ctl: Run) -> None:
    made = json.loads(
        (await ctl("mint", "robot", "--scope", "workspaces:read", "--admin", "--lifetime", "60", "--json")).stdout
    )
    assert ("admin", ["workspaces:read"]) == (made["kind"], made["scopes"])
    assert made["expiresAt"]
    admin = await server.admin()
    _, organisation, _ = await server.call("POST", "/api/orgs", {"slug": "acme"}, token=admin)
    base = f"/api/orgs/{organisation['organisationId']}"
    _, workspace, _ = await server.call("POST", f"{base}/workspaces", {}, token=admin)
    bound = ("--bind", workspace["workspaceId"], "--organisation", organisation["organisationId"], "--json")
    found = json.loads((await ctl("mint", "bound", "--rank", "viewer", *bound)).stdout)
    assert [workspace["workspaceId"]] == found["workspaces"]


async def test_a_list_of_several_pages_is_whole(server: Server, ctl: Run) -> None:
    admin = await server.admin()
    server.services.apikeys._limit = 1000
    made = set()
    for _ in range(101):
        _, key, _ = await server.call("POST", "/api/keys", {"name": "x", "rank": "viewer"}, token=admin)
        made.add(key["keyId"])
    listed: list[dict[str, Any]] = json.loads((await ctl("list", "--admin", "--json")).stdout)
    assert made == {found["keyId"] for found in listed}


@pytest.mark.parametrize(
    ("argv", "status", "told"),
    [
        (("list",), 2, "say whose"),
        (("list", "--admin", "--workspace", "w" + "0" * 24), 2, "say whose"),
        (("mint", "x", "--admin"), 2, "say what it may do"),
        (("mint", "x", "--admin", "--rank", "viewer", "--scope", "x"), 2, "say what it may do"),
        (("mint", "x", "--admin", "--scope", "everything"), 1, "error: /scopes/0: is none of public, self, workspaces:create"),
        (("mint", "x", "--admin", "--rank", "owner"), 2, "owner"),
        (("rotate", "x", "--admin", "--overlap", "604801"), 2, "604800"),
        (("show", "ky" + "0" * 24, "--admin"), 4, "error: there is no such key"),
        (("show", "../keys", "--admin"), 4, "error:"),
        (("list", "--workspace", "w" + "0" * 24), 4, "error: there is no such workspace"),
    ],
)
async def test_what_is_wrong_is_told_in_a_line(ctl: Run, argv: tuple[str, ...], status: int, told: str) -> None:
    result = await ctl(*argv)
    assert status == result.exit_code, result.stderr
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert "" == result.stdout


async def test_without_an_api_it_says_so(tmp_path: Path, host: FakeHost) -> None:
    assert host.path.exists()
    result = await run(tmp_path, 1, "keys", "list", "--admin")
    assert (3, "") == (result.exit_code, result.stdout)
    assert "cannot reach api" in result.stderr


async def test_a_signing_key_is_revoked_although_it_has_signed_our_own_token(server: Server, tmp_path: Path) -> None:
    listed = await run(tmp_path, server.port, "signing", "list", "--json")
    (only,) = json.loads(listed.stdout)
    result = await run(tmp_path, server.port, "signing", "revoke", only["keyId"])
    assert (0, f"{only['keyId']} is revoked\n", "") == (result.exit_code, result.stdout, result.stderr)


async def test_an_id_that_begins_like_an_option_is_an_id(server: Server, tmp_path: Path) -> None:
    result = await run(tmp_path, server.port, "signing", "revoke", "-diH0eU9")
    assert "no such" in result.stderr, result.stderr
