"""A blocking client of hostd: one method for each verb, with the verb's own name."""

import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

import msgspec

from shared.errors import Code, Fault
from shared.frames import HOST_FRAME_MAX, FrameReader
from shared.hostwire import (
    HOST,
    AppendAudit,
    AuditEvent,
    AuditPage,
    Authenticate,
    CreateInvite,
    CreateWorkspace,
    DeleteWorkspace,
    Entered,
    EnterWorkspace,
    GetProviders,
    HostStatus,
    Invite,
    ListWorkspaces,
    LockWorkspace,
    MasterRotated,
    ProviderChanges,
    Providers,
    PurgeWorkspace,
    ReadAudit,
    Redeemed,
    RedeemInvite,
    RestoreWorkspace,
    RotateMaster,
    SetProviders,
    SetSecret,
    ShowWorkspace,
    Status,
    StopWorkspace,
    VerifySecret,
    WorkspaceInfo,
    Workspaces,
)
from shared.messages import VERSION, Done, Failure, Hello, Message, Reply, Request, Welcome, decode, frame
from shared.secret import Secret

TIMEOUT: Final = 120.0
"""Seconds that an answer may take; hostd's own deadlines are shorter."""
_READ: Final = 64 * 1024
_DESCRIPTOR: Final = struct.Struct("i")
_ANCILLARY: Final = socket.CMSG_SPACE(_DESCRIPTOR.size)

R = TypeVar("R", bound=Reply)


class HostClient:
    """A connection to hostd. Every method raises the Fault that hostd answers, or UNAVAILABLE when it cannot be reached."""

    def __init__(self, path: Path, *, timeout: float = TIMEOUT) -> None:
        """Connect to hostd's socket at `path` and shake hands; an answer may take `timeout` seconds."""
        self._frames = FrameReader(HOST_FRAME_MAX)
        self._last_id = 0
        self._fd: int | None = None
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.settimeout(timeout)
        try:
            self._connect(path)
        except BaseException:
            self.close()
            raise

    def _connect(self, path: Path) -> None:
        try:
            self._sock.connect(str(path))
        except OSError as error:
            raise Fault(Code.UNAVAILABLE, f"cannot reach hostd at {path}: {error.strerror or error}") from error
        self._send(Hello(VERSION))
        answer = self._receive()
        if isinstance(answer, Failure):
            raise Fault(answer.code, answer.message)
        if not isinstance(answer, Welcome) or answer.version != VERSION:
            raise Fault(Code.VERSION, "hostd speaks another version of the protocol; restart it after an upgrade")

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def __enter__(self) -> Self:
        """Close the connection when the block ends."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connection."""
        self.close()

    def create_workspace(self, *, workspace: str, secret_hash: str, providers: ProviderChanges | None = None) -> WorkspaceInfo:
        """Make a workspace, or finish making it."""
        return self._call(
            CreateWorkspace(workspace=workspace, secret_hash=secret_hash, providers=providers or {}), WorkspaceInfo
        )

    def verify_secret(self, *, workspace: str, secret: Secret) -> Done:
        """Raise UNAUTHORIZED unless `secret` is the workspace's."""
        return self._call(VerifySecret(workspace=workspace, secret=secret), Done)

    def set_secret(self, *, workspace: str, secret_hash: str) -> Done:
        """Replace a workspace's secret."""
        return self._call(SetSecret(workspace=workspace, secret_hash=secret_hash), Done)

    def get_providers(self, *, workspace: str) -> Providers:
        """A workspace's providers."""
        return self._call(GetProviders(workspace=workspace), Providers)

    def set_providers(self, *, workspace: str, changes: ProviderChanges) -> Providers:
        """Merge `changes` into a workspace's providers."""
        return self._call(SetProviders(workspace=workspace, changes=changes), Providers)

    def enter_workspace(self, *, workspace: str, start: bool = True) -> tuple[Entered, socket.socket]:
        """A connection to a workspace's guest, which the caller closes."""
        entered = self._call(EnterWorkspace(workspace=workspace, start=start), Entered)
        if self._fd is None:
            raise Fault(Code.INTERNAL, "hostd sent no connection to the guest")
        fd, self._fd = self._fd, None
        return entered, socket.socket(fileno=fd)

    def stop_workspace(self, *, workspace: str) -> Done:
        """Kill every process of a workspace."""
        return self._call(StopWorkspace(workspace=workspace), Done)

    def show_workspace(self, *, workspace: str) -> WorkspaceInfo:
        """One workspace."""
        return self._call(ShowWorkspace(workspace=workspace), WorkspaceInfo)

    def list_workspaces(self, *, after: str | None = None, limit: int = 100) -> Workspaces:
        """A page of workspaces, by id."""
        return self._call(ListWorkspaces(after=after, limit=limit), Workspaces)

    def status(self) -> HostStatus:
        """The state of hostd."""
        return self._call(Status(), HostStatus)

    def redeem_invite(self, *, token: Secret) -> Redeemed:
        """Use up a one-time token."""
        return self._call(RedeemInvite(token=token), Redeemed)

    def create_invite(self, *, lifetime: int = 900) -> Invite:
        """A one-time token for an admin, good for `lifetime` seconds."""
        return self._call(CreateInvite(lifetime=lifetime), Invite)

    def delete_workspace(self, *, workspace: str) -> Done:
        """Remove a workspace for good."""
        return self._call(DeleteWorkspace(workspace=workspace), Done)

    def lock_workspace(self, *, workspace: str) -> WorkspaceInfo:
        """Kill all of a workspace and let nobody enter."""
        return self._call(LockWorkspace(workspace=workspace), WorkspaceInfo)

    def restore_workspace(self, *, workspace: str) -> WorkspaceInfo:
        """Unlock a workspace."""
        return self._call(RestoreWorkspace(workspace=workspace), WorkspaceInfo)

    def purge_workspace(self, *, workspace: str) -> Done:
        """Remove a workspace for good whose grace is over."""
        return self._call(PurgeWorkspace(workspace=workspace), Done)

    def authenticate(self, *, user: str, password: Secret) -> Done:
        """Raise UNAUTHORIZED unless the host's PAM accepts the operator's password."""
        return self._call(Authenticate(user=user, password=password), Done)

    def append_audit(self, *, events: list[AuditEvent]) -> Done:
        """Write events into the audit log."""
        return self._call(AppendAudit(events=events), Done)

    def read_audit(
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
        return self._call(request, AuditPage)

    def rotate_master(self) -> MasterRotated:
        """Replace the key under which credentials are kept."""
        return self._call(RotateMaster(), MasterRotated)

    def every_workspace(self) -> Iterator[WorkspaceInfo]:
        """All workspaces, page by page."""
        after: str | None = None
        while True:
            page = self.list_workspaces(after=after, limit=500)
            yield from page.items
            after = page.next
            if after is None:
                return

    def _call(self, request: Request, kind: type[R]) -> R:
        self._last_id += 1
        self._send(msgspec.structs.replace(request, id=self._last_id))
        answer = self._receive()
        if isinstance(answer, Failure):
            raise Fault(answer.code, answer.message)
        if not isinstance(answer, kind) or answer.id != self._last_id:
            raise Fault(Code.INTERNAL, f"hostd answered {type(request).__name__} with {type(answer).__name__}")
        return answer

    def _send(self, message: Message) -> None:
        try:
            self._sock.sendall(frame(message))
        except TimeoutError as error:
            raise Fault(Code.TIMEOUT, "hostd does not answer") from error
        except OSError as error:
            raise Fault(Code.UNAVAILABLE, "hostd closed the connection") from error

    def _receive(self) -> Message:
        while (payload := self._frames.take()) is None:
            try:
                # Not socket.recv_fds: it forgets its flags.
                data, ancillary, _flags, _address = self._sock.recvmsg(_READ, _ANCILLARY, socket.MSG_CMSG_CLOEXEC)
            except TimeoutError as error:
                raise Fault(Code.TIMEOUT, "hostd does not answer") from error
            except OSError as error:
                raise Fault(Code.UNAVAILABLE, "hostd closed the connection") from error
            for level, kind, raw in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    (self._fd,) = _DESCRIPTOR.unpack(raw)
            if not data:
                raise Fault(Code.UNAVAILABLE, "hostd closed the connection")
            self._frames.feed(data)
        return decode(HOST.reply_decoder, payload)
