"""The host as its administrators see it, over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.errors import Code, Fault
from shared.hostwire import HostStatus, Layer, LayerState, Status
from shared.messages import Reply, Request
from shared.version import version
from tests.api import fakehost
from tests.api.fakehost import FakeHost
from tests.api.serving import Server

LAYERS = [
    Layer(name="mounts", state=LayerState.ACTIVE, detail="of its own"),
    Layer(name="ipc", state=LayerState.MISSING, detail="the kernel has none"),
    Layer(name="cgroup", state=LayerState.REQUIRED, detail=""),
]


@pytest.fixture
def status(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has hostd answer with a status of these fields, or with a Fault."""

    def answer(fault: Fault | None = None, **fields: Any) -> None:  # noqa: ANN401  # those of HostStatus
        def given(host: FakeHost, request: Request) -> Reply:
            if fault:
                raise fault
            assert isinstance(request, Status)
            known = host.status(request)
            assert isinstance(known, HostStatus)
            return replace(known, **fields)

        kind: type[Request] = Status
        monkeypatch.setitem(fakehost.VERBS, kind, given)

    return answer


async def host_of(server: Server) -> dict[str, Any]:
    code, told, _ = await server.call("GET", "/api/host", token=await server.admin())
    assert 200 == code, told
    return dict(told)


def states(told: dict[str, Any]) -> dict[str, str]:
    return {finding["check"]: finding["state"] for finding in told["findings"]}


async def test_it_tells_of_the_server_of_hostd_and_of_the_machine(server: Server, status: Callable[..., None]) -> None:
    status(version=version(), uids_left=7, cgroups="v2", layers=LAYERS)
    told = await host_of(server)
    started = datetime.fromisoformat(told["server"]["startedAt"])
    assert timedelta(0) <= datetime.now(UTC) - started < timedelta(minutes=1)
    assert (version(), 0) == (told["server"]["version"], told["server"]["connections"])
    assert told["server"]["memory"] > 1024 * 1024
    assert (7, "v2", "2026-01-01T00:00:00Z") == tuple(told["hostd"][name] for name in ("uidsLeft", "cgroups", "startedAt"))
    assert [layer.name for layer in LAYERS] == [layer["name"] for layer in told["hostd"]["layers"]]
    machine = told["machine"]
    assert machine["cpus"] >= 1
    assert 3 == len(machine["load"])
    assert 0 < machine["memoryAvailable"] <= machine["memoryTotal"]
    assert 0 <= machine["diskFree"] <= machine["diskTotal"]


async def test_the_findings_are_those_of_the_doctor(server: Server, status: Callable[..., None]) -> None:
    status(version=version(), uids_left=0, layers=LAYERS)
    found = states(await host_of(server))
    expected = {"hostd": "ok", "uids": "failed", "layer mounts": "ok", "layer ipc": "warning", "layer cgroup": "failed"}
    assert expected == {check: found[check] for check in expected}
    assert "ok" == found["store"]
    assert {"disk", "memory"} <= found.keys()
    status(version="0.0.0")
    assert "warning" == states(await host_of(server))["hostd"]


async def test_it_is_told_also_while_hostd_is_away(server: Server, status: Callable[..., None]) -> None:
    status(Fault(Code.UNAVAILABLE, "hostd is away"))
    told = await host_of(server)
    assert told["hostd"] is None
    assert [{"check": "hostd", "state": "failed", "detail": "hostd is away"}] == [
        finding for finding in told["findings"] if finding["check"] == "hostd"
    ]


async def test_open_connections_are_counted(server: Server) -> None:
    token = await server.admin()
    headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
    async with server.http.get(f"{server.url}/api/events", headers=headers) as stream:
        await stream.content.readline()
        assert 1 == (await host_of(server))["server"]["connections"]


async def test_workspaces_come_in_pages_with_what_runs_of_each(server: Server) -> None:
    made = sorted([(await server.create(name=f"number {number}"))[0] for number in range(5)])
    stray = "w" + "f" * 24  # of which only the host knows
    server.host.rooms[stray] = fakehost.Room(299_999, "x")
    token = await server.admin()
    seen: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        code, page, _ = await server.call("GET", f"/api/host/workspaces?limit=2{cursor and f'&cursor={cursor}'}", token=token)
        assert 200 == code, page
        seen += page["items"]
        cursor = page["nextCursor"]
    assert [*made, stray] == [item["workspaceId"] for item in seen]
    assert {f"number {number}" for number in range(5)} | {None} == {item["name"] for item in seen}
    first = next(item for item in seen if item["workspaceId"] == made[0])
    assert (False, 0, "ready", None) == (first["running"], first["processes"], first["state"], first["organisationId"])
    assert 200_000 <= first["uid"] < 300_000


@pytest.mark.parametrize("query", ["cursor=x", "cursor=d3g", "limit=0", "limit=101", "other=1"])
async def test_a_page_that_there_cannot_be_is_refused(server: Server, query: str) -> None:
    assert 422 == (await server.call("GET", f"/api/host/workspaces?{query}", token=await server.admin()))[0]


@pytest.mark.parametrize("path", ["/api/host", "/api/host/workspaces"])
async def test_a_tenant_is_told_nothing(server: Server, path: str) -> None:
    _, token = await server.tenant()
    assert [403, 401] == [(await server.call("GET", path, token=given))[0] for given in (token, None)]
