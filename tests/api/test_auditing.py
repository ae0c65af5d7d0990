"""What api tells the audit log: all of it, in order, whatever becomes of hostd meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from api.acting import ORIGIN, acting
from api.auditing import KEPT_MAX, Auditor
from api.auth import NOWHERE, Target
from api.hosts import Hosts
from shared.config import Config
from shared.errors import Code, Fault
from shared.hostwire import EVENTS_MAX, Origin
from shared.ids import new_terminal_id, new_workspace_id
from tests.api.fakehost import FakeHost
from tests.api.serving import Server


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def auditing_of(folder: Path) -> AsyncIterator[Auditor]:
    hosts = Hosts(Config(run=str(folder)))
    auditor = Auditor(hosts)
    auditor.start()
    try:
        yield auditor
    finally:
        await auditor.close()
        await hosts.close()


async def test_events_come_whole_in_order_and_in_batches(tmp_path: Path, host: FakeHost) -> None:
    workspace = new_workspace_id()
    async with auditing_of(tmp_path) as auditor:
        with acting(Origin("u1", "ky1", "::1", "r1")):
            auditor.note("first", "ok", Target(workspace, "o" + "0" * 24), "s1")
        for number in range(200):
            auditor.note("next", "ok", NOWHERE, str(number))
        await until(lambda: len(host.records) == 201)
    first = host.records[0]
    assert ("first", "ok", workspace, "o" + "0" * 24, "s1") == (
        first.action, first.outcome, first.workspace, first.organisation, first.target
    )  # fmt: skip
    assert Origin("u1", "ky1", "::1", "r1") == first.origin
    assert Origin() == host.records[1].origin
    assert [str(number) for number in range(200)] == [record.target for record in host.records[1:]]
    assert [EVENTS_MAX] * 3 + [9] == [len(call.events) for call in host.appended]
    assert ORIGIN.get() is None


async def test_nothing_is_lost_while_hostd_is_away(tmp_path: Path) -> None:
    async with auditing_of(tmp_path) as auditor:
        for number in range(100):
            auditor.note("early", "ok", NOWHERE, str(number))
        await asyncio.sleep(1.1)  # so long that it is told
        host = FakeHost(tmp_path / "hostd.sock")
        async with host.running():
            auditor.note("late", "ok", NOWHERE)
            await until(lambda: len(host.records) == 101)
    assert [*(str(number) for number in range(100)), ""] == [record.target for record in host.records]
    waited = [event.waited for call in host.appended for event in call.events]
    assert waited[0] >= 1
    assert 0 == waited[-1]


async def test_what_is_too_much_to_keep_is_counted_by_its_kind(tmp_path: Path) -> None:
    """Ten thousand wait one by one; of what comes beyond the number is exact."""
    async with auditing_of(tmp_path) as auditor:
        for number in range(KEPT_MAX + 3000):
            auditor.note(
                "login", "unauthorized" if number % 3 else "ok", NOWHERE, origin=Origin(address=f"10.0.0.{number % 9}")
            )
        host = FakeHost(tmp_path / "hostd.sock")
        async with host.running():
            await until(lambda: sum(record.count for record in host.records) == KEPT_MAX + 3000)
    assert KEPT_MAX + 2 == len(host.records)
    assert {("login", "ok", 1000), ("login", "unauthorized", 2000)} == {
        (record.action, record.outcome, record.count) for record in host.records[-2:]
    }
    assert {""} == {record.origin.address for record in host.records[-2:]}


async def test_what_waits_is_sent_when_api_stops(tmp_path: Path, host: FakeHost) -> None:
    async with auditing_of(tmp_path) as auditor:
        auditor.note("last", "ok", NOWHERE)
    assert ["last"] == [record.action for record in host.records]


async def test_without_hostd_api_stops_all_the_same(tmp_path: Path) -> None:
    async with asyncio.timeout(10), auditing_of(tmp_path) as auditor:
        auditor.note("last", "ok", NOWHERE)


async def test_an_event_that_hostd_would_refuse_takes_no_other_with_it(tmp_path: Path, host: FakeHost) -> None:
    async with auditing_of(tmp_path) as auditor:
        auditor.note("good", "ok", NOWHERE)
        for action, outcome, target in (
            ("Bad Name", "ok", NOWHERE),
            ("good", "", NOWHERE),
            ("good", "ok", Target("../../etc")),
        ):
            auditor.note(action, outcome, target)
        auditor.note("good", "ok", NOWHERE, "\ud800")
        auditor.note("last", "ok", NOWHERE, "x" * 500)
        # What hostd has written and not yet confirmed is sent again by the end.
        await auditor.written.wait()
    assert ["good", "last"] == [record.action for record in host.records]
    assert "x" * 128 == host.records[-1].target


async def test_what_hostd_refuses_is_not_sent_for_ever(tmp_path: Path, host: FakeHost) -> None:
    async with auditing_of(tmp_path) as auditor:
        host.audit_fault = Fault(Code.BAD_REQUEST, "no")
        auditor.note("bad", "ok", NOWHERE)
        await until(auditor.written.is_set)
        host.audit_fault = None
        auditor.note("good", "ok", NOWHERE)
        await until(lambda: host.records)
    assert ["good"] == [record.action for record in host.records]


async def test_requests_are_noted_by_the_names_of_their_routes(server: Server) -> None:
    """Whoever did it, and what was refused; what was only read is not."""
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}"
    assert 200 == (await server.call("GET", base, token=token))[0]
    assert 401 == (await server.call("GET", base, token="rubbish"))[0]
    assert 403 == (await server.call("GET", "/api/audit", token=token))[0]
    assert 200 == (await server.call("PATCH", base, {"name": "new"}, token=token, X_Request_Id="mine"))[0]
    body = {"workspaceId": workspace, "workspaceSecret": "wrong"}
    assert 401 == (await server.call("POST", "/api/workspaces/login", body))[0]
    await until(lambda: server.host.records and server.host.records[-1].action == "login")
    told = [(record.action, record.outcome, record.workspace, record.origin.actor) for record in server.host.records]
    admin = next(record.origin.actor for record in server.host.records if record.action == "create_workspace")
    assert [
        ("redeem", "ok", None, "anonymous"),
        ("create_workspace", "ok", None, admin),
        ("login", "ok", None, "anonymous"),
    ] == told[:3]
    assert [
        ("get_workspace", "unauthorized", None, "anonymous"),
        ("list_audit", "forbidden", workspace, workspace),
        ("change_workspace", "ok", workspace, workspace),
        ("login", "unauthorized", None, "anonymous"),
    ] == told[3:]
    patched = server.host.records[-2]
    assert ("127.0.0.1", "mine") == (patched.origin.address, patched.origin.request)
    assert patched.origin.credential


async def test_what_is_refused_to_those_who_reach_a_workspace_is_in_its_own_audit(server: Server) -> None:
    workspace, token = await server.tenant()
    base = f"/api/workspaces/{workspace}"
    _, made, _ = await server.call("POST", f"{base}/keys", {"name": "narrow", "scopes": ["files:read"]}, token=token)
    _, foreign = await server.tenant()
    assert 403 == (await server.call("GET", f"{base}/sessions", token=made["key"]))[0]
    assert 403 == (await server.call("GET", f"/api/terminals/{new_terminal_id()}", token=made["key"]))[0]
    assert 403 == (await server.call("GET", f"{base}/sessions", token=await server.admin()))[0]
    assert 404 == (await server.call("POST", f"{base}/sessions", {}, token=foreign))[0]
    await until(lambda: server.host.records and server.host.records[-1].outcome == "not_found")
    told = [(record.action, record.workspace) for record in server.host.records if record.outcome in {"forbidden", "not_found"}]
    assert [
        ("list_sessions", workspace),
        ("get_terminal", workspace),
        ("list_sessions", workspace),
        ("create_session", None),
    ] == told


async def test_a_websocket_that_is_refused_after_its_handshake_is_no_success(server: Server) -> None:
    url = f"{server.url}/api/terminals/{new_terminal_id()}"
    for frame in ({"type": "auth", "token": "rubbish"}, {"type": "auth", "token": await server.admin()}):
        async with server.http.ws_connect(url) as ws:
            await ws.send_json(frame)
            assert "error" == (await ws.receive_json())["type"]
    await until(lambda: server.host.records and server.host.records[-1].outcome == "forbidden")
    assert ["unauthorized", "forbidden"] == [
        record.outcome for record in server.host.records if record.action == "attach_terminal"
    ]


async def test_a_flood_of_failed_logins_takes_little_memory_and_is_told(server: Server) -> None:
    body = {"workspaceId": new_workspace_id(), "workspaceSecret": "wrong"}
    statuses = await asyncio.gather(*(server.call("POST", "/api/workspaces/login", body) for _ in range(300)))
    assert {401} == {status for status, _, _ in statuses}
    await until(lambda: sum(record.count for record in server.host.records) == 300)
    assert len(server.host.appended) < 100
    await until(lambda: not server.services.auditor._events)
