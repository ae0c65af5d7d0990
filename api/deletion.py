"""The end of a workspace: locked and kept for a while, restored perhaps, then removed for good and forgotten.

A row says `deleted` before hostd is asked for the lock, and has a time to be removed once hostd has confirmed it. What is cut
short between the two is seen in the row, and finished by `settle`; what root does on the host is known from there too.
"""

import time
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete

from api import tables
from api.acting import acting
from api.provisioners.base import Made
from api.provisioners.linux import NEVER_MADE, LinuxUser
from api.streams.news import DeletedWorkspaceView
from api.views import workspace_status_view
from api.workspaces import Workspace, WorkspaceStatus
from shared.errors import Code, Fault
from shared.hostwire import PAGE_MAX, Origin, WorkspaceInfo, WorkspaceState
from shared.log import logger

if TYPE_CHECKING:
    from api.services import Services

OURSELVES = Origin(actor="hostel")
"""Whom the audit log names for what nobody asks for."""


async def lock(services: "Services", row: Workspace) -> Workspace:
    """Lock a workspace that is not deleted: all that it runs is killed, its connections are closed. The caller holds its lock.

    Raises the Fault with which hostd refuses, and the row is as it was.
    """
    workspaces = services.workspaces
    await workspaces.change(row.id, status=WorkspaceStatus.DELETED, deleted=time.time(), purge=None)
    try:
        locked = await _confirm(services, row.id)
    except Fault:
        await workspaces.change(row.id, status=row.status, deleted=None, purge=None)
        raise
    await services.webhooks.emit("workspace.deleted", workspace_status_view(locked), locked.target)
    return locked


async def _confirm(services: "Services", workspace: str) -> Workspace:
    """Have hostd lock it; from then on the row says when it is removed for good."""
    try:
        await services.hosts.lock_workspace(workspace)
    except Fault as fault:
        if fault.code not in NEVER_MADE:
            raise
    grace = services.config.hostd.deletion_grace
    row = await services.workspaces.change(workspace, purge=time.time() + grace)
    _tell(services, row)
    services.live.close_workspace(workspace)
    if grace == 0:
        services.purging.set()
    return row


async def restore(services: "Services", row: Workspace) -> Workspace:
    """Unlock a workspace that is deleted: it is what it was before. The caller holds its lock. Raises Fault, as GONE."""
    try:
        await services.hosts.restore_workspace(row.id)
    except Fault as fault:
        if fault.code is not Code.NOT_FOUND:
            raise
    return await _restored(services, row)


async def _restored(services: "Services", row: Workspace) -> Workspace:
    values: dict[str, object] = {"status": WorkspaceStatus.READY}
    if row.sealed is not None and row.error_reason is not None:
        values = {"status": WorkspaceStatus.ERROR}
    elif row.sealed is not None:
        values = {"status": WorkspaceStatus.PROVISIONING, "provisioning_since": time.time()}
    row = await services.workspaces.change(row.id, deleted=None, purge=None, **values)
    if row.status is WorkspaceStatus.PROVISIONING:
        services.provisioner.start(row.id)
    _tell(services, row)
    await services.webhooks.emit("workspace.restored", workspace_status_view(row), row.target)
    return row


def _tell(services: "Services", row: Workspace) -> None:
    services.watches.publish(row.target, "workspace", workspace_status_view(row))


async def purge_due(services: "Services") -> None:
    """Remove for good what was kept for long enough; hostd looks at its own clock too. Raises Fault when the store is away."""
    for workspace in await services.workspaces.due(time.time()):
        try:
            with acting(OURSELVES):
                await LinuxUser(services.hosts).remove(workspace, Made())
        except Fault as fault:
            logger().warning("a workspace is not removed yet", workspace=workspace, reason=str(fault))
            continue
        await _forget(services, workspace)


async def settle(services: "Services") -> None:
    """Bring rows and hostd together, after a crash or what root did on the host. Raises Fault when either is away."""
    ids = await services.workspaces.settled()
    found: dict[str, WorkspaceInfo] = {}
    after: str | None = None
    while ids:
        page = await services.hosts.list_workspaces(after, PAGE_MAX)
        found |= {item.workspace: item for item in page.items}
        after = page.next
        if after is None:
            break
    for workspace in ids:
        row, info = await services.workspaces.find(workspace), found.get(workspace)
        if row is None or (info is not None and not _differs(row, info)):
            continue
        if info is None and row.sealed is None:
            await forget_if_deleted(services, workspace)
            continue
        try:
            with acting(OURSELVES):
                async with services.workspaces.lock(workspace):
                    await _settle(services, workspace)
        except Fault as fault:
            if fault.code is Code.UNAVAILABLE:
                raise
            logger().warning("a workspace is not settled yet", workspace=workspace, reason=str(fault))


def _differs(row: Workspace, info: WorkspaceInfo) -> bool:
    if row.deleted is not None and row.purge is None:
        return True
    return (row.deleted is not None) != (info.state in {WorkspaceState.LOCKED, WorkspaceState.DELETING})


async def _settle(services: "Services", workspace: str) -> None:
    """One row that differs, or did when it was read: both are read again, as it may have been deleted or restored."""
    row, info = await services.workspaces.find(workspace), await _known(services, workspace)
    if row is None:
        return
    if row.deleted is not None:
        if row.purge is None or (row.sealed is not None and info is not None and info.state is not WorkspaceState.LOCKED):
            await _confirm(services, row.id)
        elif info is not None and info.state is WorkspaceState.READY:
            await _restored(services, row)
    elif info is not None and info.state is WorkspaceState.LOCKED:
        await lock(services, row)


async def _known(services: "Services", workspace: str) -> WorkspaceInfo | None:
    try:
        return await services.hosts.show_workspace(workspace)
    except Fault as fault:
        if fault.code not in NEVER_MADE:
            raise
        return None


async def forget_if_deleted(services: "Services", workspace: str) -> None:
    """Forget `workspace` if it was deleted on the host. Only hostd's word counts: a guest may claim anything."""
    try:
        await services.hosts.show_workspace(workspace)
    except Fault as fault:
        if fault.code is Code.GONE:
            await _forget(services, workspace)


async def _forget(services: "Services", workspace: str) -> None:
    """Remove all that the store has of a workspace that is gone, and refuse its tokens and keys from now on."""
    row = await services.workspaces.find(workspace)
    if row is None:
        return
    async with services.workspaces.lock(workspace):
        revoked = await services.workspaces.rotated(workspace, lambda c: services.tokens.revoke_all_of(workspace, c))
        await services.store.write(lambda connection: _erase(connection, workspace))
    services.tokens.revoked(workspace, revoked)
    services.live.close_workspace(workspace)
    await services.provisioners.release(workspace)
    await services.webhooks.forget(workspace)
    await services.workspaces.remove(workspace)  # the last: a row that is there has all of this begin again
    view = DeletedWorkspaceView(workspace_id=workspace)
    services.watches.publish(row.target, "workspaceDeleted", view)
    services.auditor.note("forget_workspace", "ok", row.target, origin=OURSELVES)
    await services.webhooks.emit("workspace.purged", view, row.target)


def _erase(connection: Connection, workspace: str) -> None:
    """What names the workspace without a foreign key; the rest goes with its row."""
    connection.execute(delete(tables.families).where(tables.families.c.subject == workspace))
    for table in (tables.api_keys, tables.one_time_tokens):
        connection.execute(delete(table).where(table.c.owner == workspace))
