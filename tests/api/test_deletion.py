"""The end of a workspace over HTTP, and what heals when something is cut short between api and hostd."""

import asyncio
import time
from typing import Any

import pytest
from sqlalchemy import select

from api import tables
from api.deletion import purge_due, settle
from api.workspaces import WorkspaceStatus
from shared.errors import Code, Fault
from shared.hostwire import LockWorkspace, WorkspaceInfo, Workspaces, WorkspaceState
from shared.ids import new_workspace_id
from tests.api.fakehost import FakeHost
from tests.api.serving import Server


async def delete(server: Server, workspace: str, token: str, **headers: str) -> dict[str, Any]:
    status, body, _ = await server.call("DELETE", f"/api/workspaces/{workspace}", token=token, **headers)
    assert 200 == status, body
    return dict(body)


async def due(server: Server, workspace: str) -> None:
    """Have the grace be over."""
    async with server.services.workspaces.lock(workspace):
        await server.services.workspaces.change(workspace, purge=time.time() - 1)


async def test_a_deleted_workspace_is_kept_locked_and_can_be_restored(server: Server) -> None:
    workspace, secret = await server.create()
    token = (await server.login(workspace, secret))["workspaceToken"]
    path = f"/api/workspaces/{workspace}"
    shown = await delete(server, workspace, token)
    assert "deleted" == shown["status"]
    assert shown["deletedAt"] < shown["purgesAt"]
    assert server.host.rooms[workspace].locked
    again = await delete(server, workspace, token)
    assert shown["purgesAt"] == again["purgesAt"]
    for method, inner, body in (
        ("GET", "/sessions", None),
        ("POST", "/sessions", {}),
        ("PATCH", "", {"name": "other"}),
        ("POST", "/secret/rotate", None),
        ("POST", "/provision", None),
        ("GET", "/export", None),
    ):
        status, problem, _ = await server.call(method, path + inner, body, token=token)
        assert (409, "not_ready") == (status, problem["code"]), (method, inner)
    # What needs no id in its path is closed too, but for the credential itself.
    for inner in ("/api/events", "/api/terminals/t000000000000000000000000"):
        assert 409 == (await server.call("GET", inner, token=token))[0]
    assert 200 == (await server.call("GET", "/api/auth/me", token=token))[0]
    assert 200 == (await server.call("GET", path, token=token))[0]
    # Whoever has the secret can sign in, and restore it.
    token = (await server.login(workspace, secret))["workspaceToken"]
    status, shown, _ = await server.call("POST", f"{path}/restore", token=token)
    assert (200, "ready", None, None) == (status, shown["status"], shown["deletedAt"], shown["purgesAt"])
    assert not server.host.rooms[workspace].locked
    assert 200 == (await server.call("PATCH", path, {"name": "other"}, token=token))[0]
    assert 200 == (await server.call("POST", f"{path}/restore", token=token))[0]


async def test_a_wrong_secret_restores_nothing(server: Server) -> None:
    workspace, secret = await server.create()
    await delete(server, workspace, await server.admin())
    body = {"workspaceId": workspace, "workspaceSecret": secret + "x"}
    assert 401 == (await server.call("POST", "/api/workspaces/login", body))[0]
    assert 401 == (await server.call("POST", f"/api/workspaces/{workspace}/restore"))[0]
    _, other = await server.tenant()
    assert 404 == (await server.call("POST", f"/api/workspaces/{workspace}/restore", token=other))[0]
    assert 404 == (await server.call("DELETE", f"/api/workspaces/{workspace}", token=other))[0]


async def test_only_the_version_that_was_seen_is_deleted(server: Server) -> None:
    workspace, token = await server.tenant()
    status, _, _ = await server.call("DELETE", f"/api/workspaces/{workspace}", token=token, If_Match='"999"')
    assert 412 == status
    assert not server.host.rooms[workspace].locked


async def test_while_hostd_is_away_nothing_is_half_done(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, token = await server.tenant()
    away = Fault(Code.UNAVAILABLE, "hostd is away")

    async def refuse(_workspace: str) -> None:
        raise away

    with monkeypatch.context() as patch:
        patch.setattr(server.services.hosts, "lock_workspace", refuse)
        status, problem, _ = await server.call("DELETE", f"/api/workspaces/{workspace}", token=token)
        assert (503, "unavailable") == (status, problem["code"])
    _, shown, _ = await server.call("GET", f"/api/workspaces/{workspace}", token=token)
    assert ("ready", None, None) == (shown["status"], shown["deletedAt"], shown["purgesAt"])


async def test_what_a_crash_cut_short_is_locked_by_the_next_look(server: Server) -> None:
    workspace, _ = await server.create()
    rows = server.services.workspaces
    async with rows.lock(workspace):
        await rows.change(workspace, status=WorkspaceStatus.DELETED, deleted=time.time(), purge=None)
    await settle(server.services)
    assert server.host.rooms[workspace].locked
    assert (await rows.get(workspace)).purge is not None


async def test_what_root_locks_and_restores_on_the_host_is_known_here(server: Server) -> None:
    workspace, _ = await server.create()
    rows = server.services.workspaces
    server.host.rooms[workspace].locked = "2026-01-01T00:00:00Z"
    await settle(server.services)
    row = await rows.get(workspace)
    assert (WorkspaceStatus.DELETED, True) == (row.status, row.purge is not None)
    await settle(server.services)
    assert row == await rows.get(workspace)
    server.host.rooms[workspace].locked = None
    await settle(server.services)
    row = await rows.get(workspace)
    assert (WorkspaceStatus.READY, None, None) == (row.status, row.deleted, row.purge)


@pytest.mark.parametrize("restored", [False, True])
async def test_who_deletes_or_restores_while_hostd_is_looked_at_is_not_overruled(
    server: Server, monkeypatch: pytest.MonkeyPatch, *, restored: bool
) -> None:
    workspace, secret = await server.create()
    token = (await server.login(workspace, secret))["workspaceToken"]
    again = token
    if restored:
        await delete(server, workspace, token)
        again = (await server.login(workspace, secret))["workspaceToken"]
    hosts, listed = server.services.hosts, server.services.hosts.list_workspaces

    async def late(*page: Any) -> Workspaces:  # noqa: ANN401  # as it was called
        found = await listed(*page)
        if restored:
            status, told, _ = await server.call("POST", f"/api/workspaces/{workspace}/restore", token=again)
            assert 200 == status, told
        else:
            await delete(server, workspace, token)
        return found

    monkeypatch.setattr(hosts, "list_workspaces", late)
    await settle(server.services)
    row = await server.services.workspaces.get(workspace)
    assert (WorkspaceStatus.READY if restored else WorkspaceStatus.DELETED) is row.status
    assert (row.deleted is None) == (row.purge is None) == restored
    assert restored == ((await hosts.show_workspace(workspace)).state is WorkspaceState.READY)


async def test_one_that_cannot_be_settled_holds_up_no_other(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sorted([(await server.create())[0] for _ in range(3)])
    for workspace in rows:
        await server.services.hosts.lock_workspace(workspace)  # as root does
    lock, bad = server.services.hosts.lock_workspace, rows[0]

    async def refusing(workspace: str) -> WorkspaceInfo:
        if workspace == bad:
            raise Fault(Code.FAILED, "its disk is broken")
        return await lock(workspace)

    monkeypatch.setattr(server.services.hosts, "lock_workspace", refusing)
    await settle(server.services)
    found = {workspace: (await server.services.workspaces.get(workspace)).status for workspace in rows}
    assert found == {workspace: WorkspaceStatus.READY if workspace == bad else WorkspaceStatus.DELETED for workspace in rows}


async def test_nothing_of_a_purged_workspace_is_left_in_the_store(server: Server) -> None:
    workspace, secret = await server.create()
    other, _ = await server.create()
    token = (await server.login(workspace, secret))["workspaceToken"]
    path = f"/api/workspaces/{workspace}"
    for method, inner, body in (
        ("POST", "/keys", {"name": "k", "rank": "member"}),
        ("PUT", "/secrets/TOKEN", {"value": "SENTINEL"}),
        ("POST", "/channels", {"name": "general"}),
    ):
        status, made, _ = await server.call(method, path + inner, body, token=token)
        assert status in {200, 201}, made
    await delete(server, workspace, token)
    await purge_due(server.services)
    assert (await server.services.workspaces.get(workspace)).status is WorkspaceStatus.DELETED
    await due(server, workspace)
    server.host.keeps = True  # by hostd's clock it is too early, and only that counts
    await purge_due(server.services)
    assert (await server.services.workspaces.get(workspace)).status is WorkspaceStatus.DELETED
    server.host.keeps = False
    await purge_due(server.services)
    assert workspace in server.host.deleted
    found = await server.services.store.read(lambda connection: [
        table.name
        for table in tables.metadata.sorted_tables
        for row in connection.execute(select(table))
        if any(workspace in value for value in row if isinstance(value, str))
    ])  # fmt: skip
    assert [] == found
    assert 401 == (await server.call("GET", path, token=token))[0]
    assert 404 == (await server.call("GET", path, token=await server.admin()))[0]
    assert (await server.services.workspaces.get(other)).status is WorkspaceStatus.READY


async def test_without_a_grace_it_is_due_at_once(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace, token = await server.tenant()
    config = server.services.config
    host = type(config.hostd)(deletion_grace=0)
    monkeypatch.setattr(
        type(server.services), "config", type(config)(state=config.state, run=config.run, hostd=host), raising=False
    )
    try:
        await delete(server, workspace, token)
    finally:
        monkeypatch.undo()
    assert server.services.purging.is_set()
    await purge_due(server.services)
    assert workspace in server.host.deleted


async def test_what_is_being_made_can_be_deleted_and_is_locked_when_it_is_there(server: Server, host: FakeHost) -> None:
    host.gate.clear()
    admin = await server.admin()
    status, made, _ = await server.call("POST", "/api/workspaces", {}, token=admin, Prefer="wait=0")
    assert (201, "provisioning") == (status, made["status"])
    workspace = made["workspaceId"]
    shown = await delete(server, workspace, admin)
    assert "deleted" == shown["status"]
    host.gate.set()  # hostd makes it all the same: it had been asked
    async with asyncio.timeout(10):
        while workspace not in host.rooms:
            await asyncio.sleep(0.01)
    await settle(server.services)
    assert host.rooms[workspace].locked
    status, shown, _ = await server.call("POST", f"/api/workspaces/{workspace}/restore", token=admin)
    assert (200, "provisioning") == (status, shown["status"])
    async with asyncio.timeout(10):
        while (await server.services.workspaces.get(workspace)).status is not WorkspaceStatus.READY:
            await asyncio.sleep(0.01)


async def test_what_could_not_be_made_can_be_deleted_restored_and_purged(server: Server, host: FakeHost) -> None:
    host.fault = Fault(Code.CONFLICT, "an account of that name exists already")
    admin = await server.admin()
    _, made, _ = await server.call("POST", "/api/workspaces", {}, token=admin)
    workspace = made["workspaceId"]
    assert "error" == made["status"]
    assert "deleted" == (await delete(server, workspace, admin))["status"]
    _, shown, _ = await server.call("POST", f"/api/workspaces/{workspace}/restore", token=admin)
    assert "error" == shown["status"]
    await delete(server, workspace, admin)
    await settle(server.services)
    await due(server, workspace)
    await purge_due(server.services)
    assert 404 == (await server.call("GET", f"/api/workspaces/{workspace}", token=admin))[0]


async def test_open_connections_are_closed(server: Server) -> None:
    workspace, token = await server.tenant()
    async with server.http.get(server.url + "/api/events", headers={"Authorization": f"Bearer {token}"}) as reply:
        assert 200 == reply.status
        await delete(server, workspace, token)
        async with asyncio.timeout(10):
            text = await reply.text()
    assert "deleted" in text


async def test_two_deletions_at_once_lock_once(server: Server, host: FakeHost) -> None:
    workspace, token = await server.tenant()
    shown = await asyncio.gather(*(delete(server, workspace, token) for _ in range(5)))
    assert 1 == len({one["purgesAt"] for one in shown})
    assert 1 == sum(isinstance(call, LockWorkspace) for call in host.calls)


async def test_one_that_is_not_there_is_not_found(server: Server) -> None:
    admin = await server.admin()
    for method, inner in (("DELETE", ""), ("POST", "/restore")):
        assert 404 == (await server.call(method, f"/api/workspaces/{new_workspace_id()}{inner}", token=admin))[0]
