"""The host itself, for its administrators: how it is, and what runs in each workspace. Nothing from inside of any."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from msgspec import structs

from api.auth import Scope
from api.machine import Machine, resident
from api.pages import PageQuery, decode_cursor, encode_cursor
from api.problems import invalid
from api.routing import Context, route
from api.schema import View, moment
from shared.errors import Code, Fault
from shared.findings import Finding, State, of_hostd
from shared.hostwire import HostStatus, LayerState, WorkspaceInfo, WorkspaceState
from shared.ids import OrganisationId, WorkspaceId, is_workspace_id
from shared.version import version


class LayerView(View, frozen=True):
    """One layer of a room's walls."""

    name: str
    state: LayerState
    detail: str


class HostdView(View, frozen=True):
    """The root daemon, and what it gives."""

    version: str
    started_at: datetime
    workspaces: int
    running: int
    """Workspaces of which something runs."""
    uids_left: int
    """Workspaces that can still be made."""
    cgroups: str
    """The kind of cgroup tree in use: `systemd`, `v2`, `v1` or `none`."""
    layers: list[LayerView]


class ServerView(View, frozen=True):
    """This server."""

    version: str
    started_at: datetime
    memory: int
    """Bytes that its process has in memory."""
    connections: int
    """WebSockets and event streams that are open."""


class MachineView(View, frozen=True):
    """The machine. Sizes are bytes."""

    cpus: int
    load: tuple[float, float, float]
    """Of the last minute, five and fifteen minutes."""
    memory_total: int
    memory_available: int
    disk_total: int
    """Of the file system that holds the server's state."""
    disk_free: int


class FindingView(View, frozen=True):
    """One thing that was looked at, as `hostelctl doctor` tells it."""

    check: str
    state: State
    detail: str


class HostView(View, frozen=True):
    """The host."""

    server: ServerView
    hostd: HostdView | None
    """Null when it does not answer; the findings say why."""
    machine: MachineView
    findings: list[FindingView]


class HostWorkspaceView(View, frozen=True):
    """A workspace as the host has it."""

    workspace_id: WorkspaceId
    organisation_id: OrganisationId | None
    name: str | None
    """Null when it is on the host alone, as while it is made or removed."""
    state: WorkspaceState
    uid: int
    """Of its Linux user."""
    running: bool
    """Whether its guest runs."""
    processes: int
    created_at: datetime


class HostWorkspacePage(View, frozen=True):
    """A page of workspaces, by id."""

    items: list[HostWorkspaceView]
    next_cursor: str | None


@route("GET", "/api/host", scope=Scope.SERVER_READ, summary="Show how the host is", errors=(Code.TIMEOUT,))
async def get_host(ctx: Context) -> HostView:
    """Versions, load, memory, disk, the layers of a room's walls, and what needs repair, as far as this server can tell."""
    app, ours = ctx.app, version()
    machine = Machine.seen(Path(app.config.state))
    status, findings = await _asked(ctx, ours)
    shown = [*findings, await _store(ctx), *machine.findings()]
    return HostView(
        server=ServerView(version=ours, started_at=moment(app.started), memory=resident(), connections=len(app.live)),
        hostd=_hostd(status) if status else None,
        machine=MachineView(**structs.asdict(machine)),
        findings=[FindingView(**structs.asdict(finding)) for finding in shown],
    )


async def _asked(ctx: Context, ours: str) -> tuple[HostStatus | None, Iterator[Finding]]:
    """What hostd says, and what follows from it."""
    try:
        status = await ctx.app.hosts.status()
    except Fault as fault:
        return None, iter([Finding("hostd", "failed", fault.message)])
    return status, of_hostd(status, ours)


async def _store(ctx: Context) -> Finding:
    try:
        await ctx.app.store.read(lambda connection: connection.exec_driver_sql("SELECT 1"))
    except Fault as fault:
        return Finding("store", "failed", fault.message)
    return Finding("store", "ok", "it can be read")


def _hostd(status: HostStatus) -> HostdView:
    return HostdView(
        version=status.version,
        started_at=datetime.fromisoformat(status.started),
        workspaces=status.workspaces,
        running=status.running,
        uids_left=status.uids_left,
        cgroups=status.cgroups,
        layers=[LayerView(name=layer.name, state=layer.state, detail=layer.detail) for layer in status.layers],
    )


@route(
    "GET",
    "/api/host/workspaces",
    scope=Scope.SERVER_READ,
    summary="List what runs of each workspace, by id",
    errors=(Code.TIMEOUT,),
)
async def list_host_workspaces(ctx: Context, query: PageQuery) -> HostWorkspacePage:
    """As hostd has them: their Linux users, and how many processes each has. No guest is asked or started."""
    after = None if query.cursor is None else decode_cursor(query.cursor)
    if after is not None and not is_workspace_id(after):
        raise invalid("not a cursor of this list", parameter="cursor")
    found = await ctx.app.hosts.list_workspaces(after, query.limit)
    items = [await _workspace(ctx, info) for info in found.items]
    return HostWorkspacePage(items=items, next_cursor=encode_cursor(found.next) if found.next else None)


async def _workspace(ctx: Context, info: WorkspaceInfo) -> HostWorkspaceView:
    row = await ctx.app.workspaces.find(info.workspace)
    return HostWorkspaceView(
        workspace_id=info.workspace,
        organisation_id=row.organisation if row else None,
        name=row.name if row else None,
        state=info.state,
        uid=info.uid,
        running=info.running,
        processes=info.processes,
        created_at=datetime.fromisoformat(info.created),
    )
