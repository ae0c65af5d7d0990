"""The client of hostd: one method for each verb that api may call, with the verb's own name.

Each method raises the Fault that hostd answers with, UNAVAILABLE while hostd is away, TIMEOUT after its deadline.
"""

import asyncio
import socket
from typing import Final, TypeVar

from msgspec.structs import replace

from api.acting import ORIGIN
from api.rpc import Caller, Peer, connect, greet
from shared.config import Config
from shared.errors import Code
from shared.frames import HOST_FRAME_MAX
from shared.hostwire import (
    HOST,
    AppendAudit,
    AuditEvent,
    AuditPage,
    Authenticate,
    CreateWorkspace,
    Entered,
    EnterWorkspace,
    GetProviders,
    HostRequest,
    HostStatus,
    ListWorkspaces,
    LockWorkspace,
    ProviderChanges,
    Providers,
    PurgeWorkspace,
    ReadAudit,
    Redeemed,
    RedeemInvite,
    RestoreWorkspace,
    SetProviders,
    SetSecret,
    ShowWorkspace,
    Status,
    StopWorkspace,
    VerifySecret,
    WorkspaceInfo,
    Workspaces,
)
from shared.link import Link
from shared.messages import Done, Reply
from shared.secret import Secret

_PEER: Final = Peer("hostd", Code.INTERNAL)
_DEADLINE: Final = 10.0
"""Seconds for a verb that only reads or writes files."""
_KILL_DEADLINE: Final = 30.0
_PURGE_DEADLINE: Final = 900.0
"""Homes may be large."""
_MARGIN: Final = 5.0
"""Seconds by which a deadline here is later than hostd's own for the same work."""

R = TypeVar("R", bound=Reply)


class Hosts:
    """hostd, over one connection that is made when it is first needed and again after it broke."""

    def __init__(self, config: Config) -> None:
        """Nothing is connected yet."""
        self._path = config.socket
        self._create_deadline = config.hostd.useradd_timeout + _DEADLINE + _MARGIN
        self._enter_deadline = config.hostd.guest_start_timeout + _MARGIN
        pam = config.auth.pam if config.auth else None
        self._pam_deadline = (pam.timeout if pam else 0) + _MARGIN
        self._caller: Caller | None = None
        self._connecting = asyncio.Lock()

    async def create_workspace(self, workspace: str, secret_hash: str, providers: ProviderChanges) -> WorkspaceInfo:
        """Make the Linux user and its home, or finish an earlier call; `secret_hash` is SHA-256 in hex."""
        request = CreateWorkspace(workspace=workspace, secret_hash=secret_hash, providers=providers)
        return await self._call(request, WorkspaceInfo, self._create_deadline)

    async def verify_secret(self, workspace: str, secret: Secret) -> Done:
        """UNAUTHORIZED unless `secret` is the workspace's."""
        return await self._call(VerifySecret(workspace=workspace, secret=secret), Done)

    async def set_secret(self, workspace: str, secret_hash: str) -> Done:
        """Replace the workspace's secret."""
        return await self._call(SetSecret(workspace=workspace, secret_hash=secret_hash), Done)

    async def get_providers(self, workspace: str) -> Providers:
        """The providers, without their credentials."""
        return await self._call(GetProviders(workspace=workspace), Providers)

    async def set_providers(self, workspace: str, changes: ProviderChanges) -> Providers:
        """Merge `changes` into the providers."""
        return await self._call(SetProviders(workspace=workspace, changes=changes), Providers)

    async def enter_workspace(self, workspace: str, *, start: bool) -> tuple[Entered, socket.socket]:
        """A connection to the workspace's guest, the caller's to close; NOT_RUNNING if none runs and `start` is false."""
        caller = await self._connected()
        request = EnterWorkspace(workspace=workspace, start=start, origin=ORIGIN.get())
        return await caller.call_for_socket(request, Entered, self._enter_deadline)

    async def stop_workspace(self, workspace: str) -> Done:
        """Kill every process of the workspace."""
        return await self._call(StopWorkspace(workspace=workspace), Done, self._enter_deadline)

    async def show_workspace(self, workspace: str) -> WorkspaceInfo:
        """One workspace as hostd knows it."""
        return await self._call(ShowWorkspace(workspace=workspace), WorkspaceInfo)

    async def list_workspaces(self, after: str | None = None, limit: int = 100) -> Workspaces:
        """A page of workspaces, by id."""
        return await self._call(ListWorkspaces(after=after, limit=limit), Workspaces)

    async def status(self) -> HostStatus:
        """The state of hostd and of the layers that this machine gives."""
        return await self._call(Status(), HostStatus)

    async def redeem_invite(self, token: Secret) -> Redeemed:
        """Use a one-time token up; UNAUTHORIZED when it is unknown, used or expired."""
        return await self._call(RedeemInvite(token=token), Redeemed)

    async def lock_workspace(self, workspace: str) -> WorkspaceInfo:
        """Kill every process of the workspace and let nobody enter."""
        return await self._call(LockWorkspace(workspace=workspace), WorkspaceInfo, self._enter_deadline + _KILL_DEADLINE)

    async def restore_workspace(self, workspace: str) -> WorkspaceInfo:
        """Unlock the workspace."""
        return await self._call(RestoreWorkspace(workspace=workspace), WorkspaceInfo)

    async def purge_workspace(self, workspace: str) -> Done:
        """Remove a workspace for good; CONFLICT before its grace is over."""
        return await self._call(PurgeWorkspace(workspace=workspace), Done, _PURGE_DEADLINE)

    async def authenticate(self, user: str, password: Secret) -> Done:
        """UNAUTHORIZED unless the host's PAM accepts the operator's password."""
        return await self._call(Authenticate(user=user, password=password), Done, self._pam_deadline)

    async def append_audit(self, events: list[AuditEvent]) -> Done:
        """Write events into the audit log."""
        return await self._call(AppendAudit(events=events), Done)

    async def read_audit(
        self,
        *,
        workspace: str | None = None,
        organisation: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
    ) -> AuditPage:
        """A page of the audit log."""
        request = ReadAudit(workspace=workspace, organisation=organisation, before=before, after=after, limit=limit)
        return await self._call(request, AuditPage)

    async def close(self) -> None:
        """Close the connection."""
        if self._caller is not None:
            await self._caller.close()

    async def _call(self, request: HostRequest, reply: type[R], deadline: float = _DEADLINE) -> R:
        caller = await self._connected()
        return await caller.call(replace(request, origin=ORIGIN.get()), reply, deadline)

    async def _connected(self) -> Caller:
        async with self._connecting:
            if self._caller is None or not self._caller.alive:
                link = Link(connect(self._path, _PEER), HOST.reply_decoder, HOST_FRAME_MAX, accept_fds=True)
                await greet(link, _PEER, _DEADLINE)
                self._caller = Caller(link, _PEER, with_socket=Entered)
            return self._caller
