"""Workspaces that root has deleted on the host: hostd knows at once, and here they are forgotten, with all of their tokens."""

from typing import TYPE_CHECKING

from api.news import DeletedWorkspaceView
from shared.errors import Code, Fault
from shared.hostwire import PAGE_MAX

if TYPE_CHECKING:
    from api.services import Services


async def forget_deleted(services: "Services") -> None:
    """Forget every workspace that hostd has deleted. Raises Fault when hostd or the store is away."""
    known = set(await services.workspaces.ready())
    after: str | None = None
    while known:
        page = await services.hosts.list_workspaces(after, PAGE_MAX)
        known -= {item.workspace for item in page.items}
        after = page.next
        if after is None:
            break
    for workspace in known:
        await forget_if_deleted(services, workspace)


async def forget_if_deleted(services: "Services", workspace: str) -> None:
    """Forget `workspace` if it was deleted on the host. Only hostd's word counts: a guest may claim anything."""
    try:
        await services.hosts.show_workspace(workspace)
    except Fault as fault:
        if fault.code is not Code.GONE:
            return
        async with services.workspaces.lock(workspace):
            revoked = await services.workspaces.rotated(workspace, lambda c: services.tokens.revoke_all_of(workspace, c))
        services.tokens.revoked(workspace, revoked)
        await services.workspaces.remove(workspace)
        services.watches.publish(workspace, "workspaceDeleted", DeletedWorkspaceView(workspace_id=workspace))
