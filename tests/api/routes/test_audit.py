"""Reading and following the audit log."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from api.streams.audittail import RECENT_MAX
from shared.errors import Code, Fault
from shared.hostwire import Origin
from shared.ids import new_organisation_id, new_workspace_id
from tests.api.fakehost import FakeHost
from tests.api.organised import organised
from tests.api.serving import Server

OTHER = new_workspace_id()


async def quiet(server: Server) -> None:
    """Until all that was noted so far is written."""
    async with asyncio.timeout(20):
        while server.services.auditor._events:
            await asyncio.sleep(0.005)


async def pages(server: Server, path: str, token: str, query: str = "limit=50") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        status, page, _ = await server.call("GET", f"{path}?{query}{cursor}", token=token)
        assert 200 == status, page
        items += page["items"]
        if page["nextCursor"] is None:
            return items
        cursor = f"&cursor={page['nextCursor']}"


async def test_a_tenant_reads_its_own_records_newest_first_and_no_others(server: Server) -> None:
    workspace, token = await server.tenant()
    await quiet(server)
    for number in range(300):
        server.host.record("create_session", workspace=workspace if number % 3 else OTHER, origin=Origin(workspace, "ky1"))
    items = await pages(server, f"/api/workspaces/{workspace}/audit", token, "limit=7")
    assert {workspace} == {item["workspaceId"] for item in items}
    seqs = [item["seq"] for item in items]
    assert sorted(seqs, reverse=True) == seqs
    assert [record.seq for record in reversed(server.host.records) if record.workspace == workspace] == seqs
    assert {
        "seq", "time", "source", "action", "outcome", "workspaceId", "organisationId", "target", "actor", "credential",
        "address", "requestId", "count", "waited",
    } == items[0].keys()  # fmt: skip


async def test_a_log_is_foreign_or_absent_alike_and_nobody_changes_it(server: Server) -> None:
    workspace, _ = await server.tenant()
    _, token = await server.tenant()
    for path in (
        f"/api/workspaces/{workspace}/audit",
        f"/api/workspaces/{OTHER}/audit",
        f"/api/orgs/{new_organisation_id()}/audit",
    ):
        assert 404 == (await server.call("GET", path, token=token))[0]
        assert 401 == (await server.call("GET", path))[0]
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert 405 == (await server.call(method, path, token=token))[0]
    assert 403 == (await server.call("GET", "/api/audit", token=token))[0]
    assert 401 == (await server.call("GET", "/api/audit"))[0]


async def test_an_administrator_reads_all_of_it(server: Server) -> None:
    server.host.record("authenticate", "unauthorized")
    server.host.record("create_session", workspace=OTHER)
    items = await pages(server, "/api/audit", await server.admin())
    assert {("authenticate", None), ("create_session", OTHER)} <= {(item["action"], item["workspaceId"]) for item in items}


async def test_filters_hold_together(server: Server) -> None:
    workspace, token = await server.tenant()
    await quiet(server)
    for number in range(60):
        actor, outcome = ("u1", "ok") if number % 2 else ("u2", "forbidden")
        server.host.record("merge" if number % 5 else "push", outcome, workspace, origin=Origin(actor))
    path = f"/api/workspaces/{workspace}/audit"
    assert 6 == len(await pages(server, path, token, "action=push&outcome=ok&actor=u1&limit=4"))
    assert [] == await pages(server, path, token, "action=push&outcome=ok&actor=u2")
    times = [item["time"] for item in await pages(server, path, token, "action=push")]
    since = times[5].replace("+", "%2B")
    assert times[:6] == [item["time"] for item in await pages(server, path, token, f"action=push&since={since}")]
    assert times[6:] == [item["time"] for item in await pages(server, path, token, f"action=push&until={since}")]
    assert times[:6] == [
        i["time"] for i in await pages(server, path, token, f"action=push&since={times[5].partition('+')[0].rstrip('Z')}")
    ]


async def test_a_page_costs_a_bounded_number_of_calls(server: Server) -> None:
    """A filter that lets little through finds it over several pages."""
    workspace, token = await server.tenant()
    server.host.record("rare", workspace=workspace)
    for _ in range(2000):
        server.host.record("usual", workspace=workspace)
    server.host.scan = 100
    path = f"/api/workspaces/{workspace}/audit?action=rare"
    status, page, _ = await server.call("GET", path, token=token)
    assert (200, [], 8) == (status, page["items"], server.host.read)
    assert page["nextCursor"]
    assert ["rare"] == [item["action"] for item in await pages(server, path.partition("?")[0], token, "action=rare")]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "cursor=!", "cursor=YQ", "cursor=LTE", "action=", f"actor={'x' * 65}", "since=yesterday", "x=1"],
)
async def test_a_wrong_query_is_refused(server: Server, query: str) -> None:
    workspace, token = await server.tenant()
    assert 422 == (await server.call("GET", f"/api/workspaces/{workspace}/audit?{query}", token=token))[0]


class Stream:
    """An event stream of records."""

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        self._lines = lines

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            async for line in self._lines:
                if line.startswith(b"data: "):
                    return dict(json.loads(line[6:]))
        raise ConnectionError("the stream has ended")

    async def take(self, number: int) -> list[str]:
        return [str((await self.next())["action"]) for _ in range(number)]


@asynccontextmanager
async def following(server: Server, path: str, token: str, after: int | None = None) -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    if after is not None:
        headers["Last-Event-ID"] = str(after)
    async with server.http.get(server.url + path, headers=headers) as reply:
        assert 200 == reply.status
        yield Stream(aiter(reply.content))


async def started(server: Server) -> None:
    """Until the log is being watched."""
    async with asyncio.timeout(20):
        while server.services.audit._last is None:
            await asyncio.sleep(0.005)


async def test_a_follower_sees_what_is_written_from_now_on_and_of_its_own_alone(server: Server) -> None:
    workspace, token = await server.tenant()
    await quiet(server)
    server.host.record("before", workspace=workspace)
    async with following(server, f"/api/workspaces/{workspace}/audit?outcome=ok", token) as stream:
        await started(server)
        server.host.record("foreign", workspace=OTHER)
        server.host.record("of nobody")
        server.host.record("refused", "forbidden", workspace)
        server.host.record("first", workspace=workspace)
        assert ["first"] == await stream.take(1)
        # What api itself notes wakes the watch at once.
        assert 200 == (await server.call("PATCH", f"/api/workspaces/{workspace}", {"name": "x"}, token=token))[0]
        assert ["change_workspace"] == await stream.take(1)


async def test_a_follower_that_comes_back_misses_nothing(server: Server) -> None:
    """From the last record that it has, over more than is kept at hand, and on to what is new; nothing twice."""
    workspace, token = await server.tenant()
    await quiet(server)
    begin = len(server.host.records)
    for number in range(RECENT_MAX + 500):
        server.host.record(f"a{number}", workspace=workspace)
    path = f"/api/workspaces/{workspace}/audit"
    async with following(server, path, token, begin) as stream, following(server, path, token, begin + 2400) as late:
        assert [f"a{number}" for number in range(RECENT_MAX + 500)] == await stream.take(RECENT_MAX + 500)
        for number in range(700):
            server.host.record(f"b{number}", workspace=workspace)
        assert [f"b{number}" for number in range(700)] == await stream.take(700)
        assert [f"a{number}" for number in range(2400, 2500)] + [f"b{number}" for number in range(700)] == await late.take(800)


async def test_many_followers_cost_one_and_none_costs_nothing(server: Server) -> None:
    workspace, token = await server.tenant()
    path = f"/api/workspaces/{workspace}/audit"
    async with following(server, path, token) as first:
        await started(server)
        server.host.record("mark", workspace=workspace)
        assert ["mark"] == await first.take(1)
        async with AsyncExitStack() as stack:
            streams = [
                await stack.enter_async_context(following(server, path, token, len(server.host.records))) for _ in range(20)
            ]
            before = server.host.read
            server.host.record("told", workspace=workspace)
            for stream in streams:
                assert ["told"] == await stream.take(1)
            assert server.host.read - before <= 5
    async with asyncio.timeout(20):
        while server.services.audit._task is not None:
            server.host.record("told", workspace=workspace)  # that a client has left shows when it is written to
            await asyncio.sleep(0.05)
    assert 0 == server.services.audit._followers


async def test_a_stream_ends_with_its_token(server: Server) -> None:
    workspace, secret = await server.create()
    login = await server.login(workspace, secret)
    token = login["workspaceToken"]
    async with following(server, f"/api/workspaces/{workspace}/audit", token) as stream:
        await started(server)
        assert (await server.call("POST", "/api/logout", token=token))[0] < 300
        with pytest.raises(ConnectionError):
            while True:
                await stream.next()


async def test_a_wrong_place_is_refused(server: Server) -> None:
    workspace, token = await server.tenant()
    for given in ("x", "-1", "9" * 16):
        status, _, _ = await server.call(
            "GET", f"/api/workspaces/{workspace}/audit", token=token, Accept="text/event-stream", Last_Event_ID=given
        )
        assert 422 == status


async def test_a_log_that_cannot_be_read_is_unavailable(server: Server) -> None:
    workspace, token = await server.tenant()
    await quiet(server)
    server.host.read_fault = Fault(Code.UNAVAILABLE, "away")
    assert 503 == (await server.call("GET", f"/api/workspaces/{workspace}/audit", token=token))[0]


async def test_members_of_an_organisation_read_its_log_and_a_bound_key_does_not(tmp_path: Path, host: FakeHost) -> None:
    async with organised(tmp_path, host) as world:
        owner, stranger = await world.person(), await world.person()
        organisation = await world.organisation(owner)
        viewer = await world.member(organisation, owner, "viewer")
        first, second = [await world.workspace(organisation, owner) for _ in range(2)]
        for workspace in (first, second):
            await owner.call("PATCH", f"/api/workspaces/{workspace}", {"name": "x"}, status=200)
        host.record("foreign", workspace=OTHER, organisation=new_organisation_id())
        await quiet(world.server)
        path = f"/api/orgs/{organisation}/audit"
        items = await pages(world.server, path, viewer.token)
        assert {organisation} == {item["organisationId"] for item in items}
        changed = [item for item in items if item["action"] == "change_workspace"]
        assert [(second, owner.id), (first, owner.id)] == [(item["workspaceId"], item["actor"]) for item in changed]
        await viewer.call("GET", f"/api/workspaces/{first}/audit", status=200)
        await stranger.call("GET", path, status=404)
        await owner.call("GET", "/api/audit", status=403)
        key = await world.key(f"/api/orgs/{organisation}/keys", owner, scopes=["audit:read"], workspaces=[first])
        await key.call("GET", path, status=403)
        await key.call("GET", f"/api/workspaces/{second}/audit", status=404)
        await key.call("GET", f"/api/workspaces/{first}/audit", status=200)
        async with following(world.server, path, viewer.token) as stream:
            await started(world.server)
            host.record("hidden", organisation=new_organisation_id())
            host.record("shown", organisation=organisation)
            assert ["shown"] == await stream.take(1)
