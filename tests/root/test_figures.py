"""Figures of rooms and of the host, with two real users: each room sees its own, and administrators see numbers alone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared.version import version
from tests.stack import Stack, Tenant

pytestmark = [pytest.mark.root, pytest.mark.asyncio(loop_scope="module")]

SLEEPERS = 30


def processes_of(uid: int) -> int:
    found = 0
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            found += entry.stat().st_uid == uid
        except OSError:
            continue
    return found


async def figures(tenant: Tenant) -> dict[str, Any]:
    return dict(await tenant.call("GET", f"{tenant.base}/figures"))


async def test_each_room_counts_its_own_and_starts_nothing(stack: Stack, alice: Tenant, bob: Tenant) -> None:
    assert not (await figures(bob))["running"]
    session = await alice.session()
    terminal = await alice.terminal(
        session, command=["bash", "-c", f"for i in {{1..{SLEEPERS}}}; do sleep 1000 & done; echo begun; wait"]
    )
    async with alice.attach(terminal) as attachment:
        await attachment.see("begun")
    found = await figures(alice)
    assert processes_of(alice.uid) == found["processes"] > SLEEPERS
    assert (True, 1, 0, False) == tuple(found[name] for name in ("running", "terminals", "turns", "partial"))
    assert 0 < found["memory"] < 2**30
    limits = stack.config.guest
    assert (limits.processes, limits.open_files) == (found["processesLimit"], found["openFilesLimit"])
    assert 0 < found["diskFree"] <= found["diskTotal"]
    assert not (await figures(bob))["running"]
    assert 0 == processes_of(bob.uid)


async def test_the_host_tells_administrators_what_runs_and_nothing_from_inside(
    stack: Stack, alice: Tenant, bob: Tenant
) -> None:
    admin = await stack.admin()
    host = await admin.call("GET", "/api/host")
    states = {finding["check"]: finding["state"] for finding in host["findings"]}
    assert ("ok", "ok", "ok") == (states["hostd"], states["uids"], states["store"])
    assert (version(), version()) == (host["server"]["version"], host["hostd"]["version"])
    assert {"account", "mounts"} <= {layer["name"] for layer in host["hostd"]["layers"]}
    listed = {item["workspaceId"]: item for item in await admin.items("/api/host/workspaces")}
    assert (alice.uid, bob.uid) == (listed[alice.workspace]["uid"], listed[bob.workspace]["uid"])
    assert {"name", "state", "uid", "running", "processes", "createdAt", "organisationId", "workspaceId"} == set(
        listed[alice.workspace]
    )
    assert (True, False) == (listed[alice.workspace]["running"], listed[bob.workspace]["running"])
    assert processes_of(alice.uid) == listed[alice.workspace]["processes"]
    await admin.call("GET", f"{alice.base}/figures", status=403)
    await alice.call("GET", "/api/host", status=403)
    await bob.call("GET", f"{alice.base}/figures", status=404)


async def test_a_guest_that_its_tenant_has_stopped_holds_nobody_up(stack: Stack, alice: Tenant, bob: Tenant) -> None:
    session = await alice.session()
    terminal = await alice.terminal(session, command=["bash", "-c", "kill -STOP $PPID; sleep 1000"])
    async with asyncio.timeout(10):
        await alice.call("GET", f"{alice.base}/figures", status=504)
        assert not (await figures(bob))["running"]
        admin = await stack.admin()
        await admin.call("GET", "/api/host/workspaces")
    assert terminal
