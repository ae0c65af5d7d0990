"""What a workspace has beside its Linux user: shown, tried again, and revealed to who may."""

from datetime import datetime
from typing import Final

from api.auth import Scope
from api.provisioners.linux import LinuxUser
from api.provisioners.provisioners import Provisioning, Status
from api.routing import Context, route
from api.schema import View, moment
from api.workspaces import Workspace, WorkspaceStatus
from shared.errors import Code, Fault

_STATUS: Final = {
    WorkspaceStatus.PROVISIONING: Status.PENDING,
    WorkspaceStatus.ERROR: Status.ERROR,
    WorkspaceStatus.READY: Status.READY,
    WorkspaceStatus.DELETED: Status.READY,
}


class ProvisionerView(View, frozen=True):
    """What one provisioner makes for the workspace."""

    name: str
    status: Status
    error_reason: str | None
    """Why the last attempt failed."""
    attempts: int | None
    """Null for the Linux user, which has a deadline instead."""
    next_attempt_at: datetime | None
    detail: dict[str, str]
    """Where and what it is, such as the names of an organisation and its user."""
    updated_at: datetime


class ProvisionerList(View, frozen=True):
    """The Linux user first."""

    items: list[ProvisionerView]


class RevealedView(View, frozen=True):
    """Secrets that a provisioner got for the workspace."""

    name: str
    secrets: dict[str, str]


@route(
    "GET", "/api/workspaces/{workspaceId}/provisioners", scope=Scope.WORKSPACES_READ, summary="List what a workspace is made of"
)
async def list_provisioners(ctx: Context) -> ProvisionerList:
    """The Linux user, and what is made for the workspace on other servers, each with how far it is. No secret is shown."""
    return await _list(ctx)


@route(
    "POST",
    "/api/workspaces/{workspaceId}/provisioners/{provisionerName}/retry",
    scope=Scope.WORKSPACES_WRITE,
    summary="Try again to make a part of a workspace",
    errors=(Code.NOT_READY,),
    status=202,
)
async def retry_provisioner(ctx: Context) -> ProvisionerList:
    """A part in status `error` is tried again and goes on from what there is; also one whose provisioner is new here.

    All others need the Linux user.
    """
    app, name, workspace = ctx.app, ctx.param("provisionerName"), ctx.params["workspaceId"]
    if name == LinuxUser.name:
        await app.provisioner.retry(workspace)
        return await _list(ctx)
    row = await app.workspaces.get(workspace)
    if row.status is not WorkspaceStatus.READY:
        raise Fault(Code.NOT_READY, f"the workspace is not ready; its status is `{row.status}`")
    await app.provisioners.retry(workspace, name)
    return await _list(ctx)


@route(
    "POST",
    "/api/workspaces/{workspaceId}/provisioners/{provisionerName}/reveal",
    scope=Scope.SECRETS_WRITE,
    summary="Reveal the credentials of a part of a workspace",
    errors=(Code.NOT_READY,),
)
async def reveal_provisioner(ctx: Context) -> RevealedView:
    """Such as the token of the workspace's user at Gitea. It is a POST so that it is audited, and never cached."""
    name = ctx.param("provisionerName")
    found = await ctx.app.provisioners.revealed(ctx.room, name)
    return RevealedView(name=name, secrets={key: secret.reveal() for key, secret in found.items()})


async def _list(ctx: Context) -> ProvisionerList:
    row = await ctx.app.workspaces.get(ctx.params["workspaceId"])
    others = await ctx.app.provisioners.of(row.id)
    return ProvisionerList(items=[_linux(row), *(_view(found) for found in others)])


def _linux(row: Workspace) -> ProvisionerView:
    return ProvisionerView(
        name=LinuxUser.name,
        status=_STATUS[row.status],
        error_reason=row.error_reason,
        attempts=None,
        next_attempt_at=None,
        detail={"user": row.id},
        updated_at=moment(row.updated),
    )


def _view(found: Provisioning) -> ProvisionerView:
    return ProvisionerView(
        name=found.kind,
        status=found.status,
        error_reason=found.error_reason,
        attempts=found.attempt,
        next_attempt_at=None if found.next is None else moment(found.next),
        detail=found.made.detail,
        updated_at=moment(found.updated),
    )
