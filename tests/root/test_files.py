"""Files and git of two real tenants: all of it happens as the tenant, and nothing reaches the other."""

import asyncio
import os
import stat
import subprocess
from pathlib import Path

import pytest

from guest.files.search import AT_ONCE, WAITING
from tests.stack import Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]


def clone(tenant: Tenant, session: str) -> Path:
    return tenant.home / "vibecoder_workspace" / "sessions" / session / "repo"


async def put(tenant: Tenant, session: str, path: str, data: bytes) -> int:
    where = f"{tenant.base}/sessions/{session}/files/content"
    async with tenant.stack.http.put(where, params={"path": path}, data=data, headers=tenant.headers) as reply:
        await reply.read()
        return reply.status


async def get(tenant: Tenant, session: str, path: str) -> tuple[int, bytes]:
    where = f"{tenant.base}/sessions/{session}/files/content"
    async with tenant.stack.http.get(where, params={"path": path}, headers=tenant.headers) as reply:
        return reply.status, await reply.read()


def owners(folder: Path) -> set[tuple[int, int]]:
    """Owners of all below `folder`, and whether any of it is for others."""
    found = (path.lstat() for path in folder.rglob("*") if not path.is_symlink())
    return {(status.st_uid, stat.S_IMODE(status.st_mode) & 0o077) for status in found}


async def test_what_is_written_is_the_tenant_s_alone(alice: Tenant) -> None:
    session = await alice.session()
    assert 201 == await put(alice, session, "a", b"one")
    async with alice.stack.http.post(
        f"{alice.base}/sessions/{session}/attachments?name=a.txt", data=b"two", headers=alice.headers
    ) as reply:
        assert 201 == reply.status
    await alice.call("POST", f"{alice.base}/sessions/{session}/git/commit", {"message": "m", "all": True}, status=201)
    assert {(alice.uid, 0)} == owners(clone(alice, session).parent)
    assert (200, b"one") == await get(alice, session, "a")


async def test_links_to_another_tenant_and_to_the_host_lead_nowhere(alice: Tenant, bob: Tenant) -> None:
    mine, theirs = await alice.session(), await bob.session()
    assert 201 == await put(bob, theirs, "secret", b"of bob")
    top = clone(alice, mine)
    for name, target in (
        ("file", clone(bob, theirs) / "secret"),
        ("dir", clone(bob, theirs)),
        ("etc", Path("/etc")),
        ("root", Path("/proc/self/root")),
        ("up", Path("../../../../..")),
    ):
        (top / name).symlink_to(target)
    for path in ("file", "dir/secret", "etc/hostname", "root/etc/hostname", f"up/{bob.workspace}", "up/../../etc/hostname"):
        assert 400 == (await get(alice, mine, path))[0], path
        assert 400 == await put(alice, mine, path, b"x"), path
    found = await alice.call("GET", f"{alice.base}/sessions/{mine}/files/search?q=bob", status=200)
    assert [] == found["items"]
    assert b"of bob" == (clone(bob, theirs) / "secret").read_bytes()


async def test_what_the_tenant_may_not_read_is_a_clear_problem(alice: Tenant) -> None:
    session = await alice.session()
    top = clone(alice, session)
    (top / "file").write_bytes(b"root's")
    (top / "file").chmod(0o600)
    (top / "folder").mkdir(mode=0o700)
    files = f"{alice.base}/sessions/{session}/files"
    assert 422 == (await get(alice, session, "file"))[0]
    assert "failed" == (await alice.call("GET", f"{files}?path=folder", status=422))["code"]
    assert 422 == (await get(alice, session, "folder/x"))[0]
    assert 422 == await put(alice, session, "folder/x", b"x")
    assert ["file", "folder"] == [i["path"] for i in (await alice.call("GET", f"{files}?depth=3", status=200))["items"]]
    found = await alice.call("GET", f"{files}/search?q=root", status=200)
    assert [] == found["items"]


async def test_filters_that_somebody_configured_run_as_the_tenant(alice: Tenant) -> None:
    """They are what LFS is made of, so git runs them; and as nobody else."""
    session = await alice.session()
    top, mark = clone(alice, session), alice.home / "ran"
    script = alice.home / "filter"
    script.write_text(f"#!/bin/sh\nid -u >> {mark}\ngrep CapEff /proc/self/status >> {mark}\ncat\n")
    os.chown(script, alice.uid, alice.uid)
    script.chmod(0o755)
    config = top / ".git" / "config"
    with config.open("a") as file:
        file.write(f'[filter "evil"]\n\tclean = {script}\n\tsmudge = {script}\n[merge "evil"]\n\tdriver = {script}\n')
    await put(alice, session, ".gitattributes", b"* filter=evil merge=evil\n")
    await put(alice, session, "f", b"one\n")
    await alice.call("POST", f"{alice.base}/sessions/{session}/git/commit", {"message": "m", "all": True}, status=201)
    await put(alice, session, "f", b"two\n")
    for verb in ("status", "diff"):
        await alice.call("GET", f"{alice.base}/sessions/{session}/git/{verb}", status=200)
    await alice.call("POST", f"{alice.base}/sessions/{session}/git/restore", {"paths": ["f"]}, status=200)
    assert {str(alice.uid), "CapEff:\t0000000000000000"} == set(mark.read_text().splitlines())


async def test_a_deleted_tree_is_gone(alice: Tenant) -> None:
    session = await alice.session()
    top = clone(alice, session)
    subprocess.run(["cp", "-r", "/usr/lib/python3.11/json", str(top / "tree")], check=True)
    subprocess.run(["chown", "-R", f"{alice.uid}:{alice.uid}", str(top / "tree")], check=True)
    await alice.call("DELETE", f"{alice.base}/sessions/{session}/files?path=tree&recursive=true", status=204)
    assert not (top / "tree").exists()


async def test_a_flood_of_endless_searches_is_the_floods_own_trouble(alice: Tenant, bob: Tenant) -> None:
    """A hundred of them: some run, some wait, the rest is refused, and the tenant itself and others are answered."""
    session, other = await alice.session(), await bob.session()
    await put(alice, session, "f", b"a" * 60)
    where, endless = f"{alice.base}/sessions/{session}/files/search", {"q": "(a|a)*b", "regex": "true"}

    async def search() -> int:
        async with alice.stack.http.get(where, params=endless, headers=alice.headers) as reply:
            return reply.status

    searches = [asyncio.create_task(search()) for _ in range(100)]
    refused: list[int] = []
    for ended in asyncio.as_completed(searches):
        refused.append(await ended)
        if len(refused) == len(searches) - AT_ONCE - WAITING:
            break
    assert {409} == set(refused)
    for tenant, own in ((alice, session), (bob, other)):
        await tenant.call("GET", f"{tenant.base}/sessions/{own}/git/status", status=200)
        await tenant.call("GET", f"{tenant.base}/sessions/{own}/files", status=200)
    for task in searches:
        task.cancel()
    await asyncio.gather(*searches, return_exceptions=True)
    endless["q"] = "aaa"
    async with asyncio.timeout(60):  # the server notices within a moment that they have gone
        while 409 == (status := await search()):
            await asyncio.sleep(0.1)
    assert 200 == status
