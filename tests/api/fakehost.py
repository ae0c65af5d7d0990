"""A hostd that speaks real frames over a real Unix socket and keeps its workspaces in memory."""

import argparse
import asyncio
import hashlib
import hmac
import secrets
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path

from msgspec import UNSET

from shared.errors import Code, Fault
from shared.frames import HOST_FRAME_MAX
from shared.hostwire import (
    HOST,
    AppendAudit,
    AuditPage,
    AuditRecord,
    Authenticate,
    CreateInvite,
    CreateWorkspace,
    EnterWorkspace,
    GetProviders,
    HostStatus,
    Invite,
    ListWorkspaces,
    LockWorkspace,
    Origin,
    ProviderChanges,
    Providers,
    ProviderView,
    PurgeWorkspace,
    ReadAudit,
    Redeemed,
    RedeemInvite,
    RestoreWorkspace,
    SetProviders,
    SetSecret,
    ShowWorkspace,
    Status,
    VerifySecret,
    WorkspaceInfo,
    Workspaces,
    WorkspaceState,
)
from shared.link import Link
from shared.messages import Done, Reply, Request, rejection
from shared.secret import Secret
from tests.api.peers import requests, serving, welcome


class Room:
    """A workspace."""

    def __init__(self, uid: int, secret_hash: str) -> None:
        self.uid = uid
        self.secret_hash = secret_hash
        self.providers: dict[str, ProviderView] = {}
        self.locked: str | None = None

    def merge(self, changes: ProviderChanges) -> None:
        for name, change in changes.items():
            if change is None:
                self.providers.pop(name, None)
                continue
            old = self.providers.get(name, ProviderView(enabled=True, auth_type=None))
            auth = old.auth_type if change.auth is UNSET else change.auth.type if change.auth else None
            self.providers[name] = ProviderView(
                enabled=old.enabled if change.enabled is UNSET else change.enabled, auth_type=auth
            )


class FakeHost:
    """The daemon. `before` sees each request and may raise a Fault, or wait."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rooms: dict[str, Room] = {}
        self.deleted: set[str] = set()
        self.invites: set[str] = set()
        self.role = "admin"
        self.keeps = False
        """Whether no grace is over."""
        self.operators: dict[str, str] = {}
        """Passwords."""
        self.calls: list[Request] = []
        """Without those of the audit log, which come when they come."""
        self.records: list[AuditRecord] = []
        """The audit log."""
        self.appended: list[AppendAudit] = []
        self.read = 0
        """Calls that read the log."""
        self.scan = 1000
        """Records that one of them looks at."""
        self.audit_fault: Fault | None = None
        """What AppendAudit answers."""
        self.read_fault: Fault | None = None
        """What ReadAudit answers."""
        self.gate = asyncio.Event()
        """While it is not set, CreateWorkspace does not answer."""
        self.gate.set()
        self.fault: Fault | None = None
        """What CreateWorkspace answers."""

    def running(self) -> AbstractAsyncContextManager[None]:
        return serving(self.path, HOST.request_decoder, HOST_FRAME_MAX, self.talk)

    async def talk(self, link: Link) -> None:
        await welcome(link)
        async with asyncio.TaskGroup() as group:
            async for request in requests(link):
                if not isinstance(request, AppendAudit | ReadAudit):
                    self.calls.append(request)
                group.create_task(self.answer(link, request))

    async def answer(self, link: Link, request: Request) -> None:
        try:
            if isinstance(request, CreateWorkspace):
                await self.gate.wait()
            reply = VERBS[type(request)](self, request)
        except Fault as fault:
            reply = rejection(fault, request.id)
        with suppress(Fault):  # the caller has left
            await link.send(reply)

    def room(self, workspace: str) -> Room:
        if workspace in self.deleted:
            raise Fault(Code.GONE, "deleted")
        if workspace not in self.rooms:
            raise Fault(Code.NOT_FOUND, "no such workspace")
        return self.rooms[workspace]

    def info(self, request_id: int, workspace: str) -> WorkspaceInfo:
        uid = self.room(workspace).uid
        return WorkspaceInfo(
            id=request_id,
            workspace=workspace,
            uid=uid,
            state=WorkspaceState.LOCKED if self.rooms[workspace].locked else WorkspaceState.READY,
            created="2026-01-01T00:00:00Z",
            running=False,
            processes=0,
            locked=self.rooms[workspace].locked,
        )

    def lock_workspace(self, request: LockWorkspace) -> Reply:
        room = self.room(request.workspace)
        room.locked = room.locked or "2026-01-02T00:00:00Z"
        return self.info(request.id, request.workspace)

    def restore_workspace(self, request: RestoreWorkspace) -> Reply:
        self.room(request.workspace).locked = None
        return self.info(request.id, request.workspace)

    def purge_workspace(self, request: PurgeWorkspace) -> Reply:
        if self.room(request.workspace).locked is None or self.keeps:
            raise Fault(Code.CONFLICT, "not locked, or not for long enough")
        self.deleted.add(request.workspace)
        return Done(id=request.id)

    def list_workspaces(self, request: ListWorkspaces) -> Reply:
        found = sorted(self.rooms.keys() - self.deleted)
        page = [name for name in found if name > (request.after or "")][: request.limit]
        more = bool(page) and page[-1] != found[-1]
        items = [self.info(0, name) for name in page]
        return Workspaces(id=request.id, items=items, next=page[-1] if more else None)

    def create_workspace(self, request: CreateWorkspace) -> Reply:
        if self.fault:
            raise self.fault
        room = self.rooms.setdefault(request.workspace, Room(200_000 + len(self.rooms), request.secret_hash))
        if room.secret_hash != request.secret_hash:
            raise Fault(Code.CONFLICT, "it is there with another secret")
        room.merge(request.providers)
        return self.info(request.id, request.workspace)

    def verify_secret(self, request: VerifySecret) -> Reply:
        room = self.rooms.get(request.workspace)
        shown = hashlib.sha256(request.secret.reveal().encode()).hexdigest()
        if room is None or request.workspace in self.deleted or not hmac.compare_digest(shown, room.secret_hash):
            raise Fault(Code.UNAUTHORIZED, "wrong")
        return Done(id=request.id)

    def set_secret(self, request: SetSecret) -> Reply:
        self.room(request.workspace).secret_hash = request.secret_hash
        return Done(id=request.id)

    def get_providers(self, request: GetProviders) -> Reply:
        return Providers(id=request.id, providers=self.room(request.workspace).providers)

    def set_providers(self, request: SetProviders) -> Reply:
        room = self.room(request.workspace)
        room.merge(request.changes)
        return Providers(id=request.id, providers=room.providers)

    def show_workspace(self, request: ShowWorkspace) -> Reply:
        return self.info(request.id, request.workspace)

    def enter_workspace(self, request: EnterWorkspace) -> Reply:
        if self.room(request.workspace).locked:
            raise Fault(Code.NOT_READY, "it is locked")
        raise Fault(Code.NOT_RUNNING, "this hostd has no guests")

    def status(self, request: Status) -> Reply:
        return HostStatus(
            id=request.id,
            version="0",
            started="2026-01-01T00:00:00Z",
            pid=1,
            workspaces=len(self.rooms),
            running=0,
            uids_left=1,
            cgroups="none",
            layers=[],
        )

    def authenticate(self, request: Authenticate) -> Reply:
        if self.operators.get(request.user) != request.password.reveal():
            raise Fault(Code.UNAUTHORIZED, "the user name or the password is wrong")
        return Done(id=request.id)

    def create_invite(self, request: CreateInvite) -> Reply:
        token = secrets.token_hex(16)
        self.invites.add(token)
        return Invite(id=request.id, token=Secret(token), expires="2030-01-01T00:00:00Z")

    def append_audit(self, request: AppendAudit) -> Reply:
        if self.audit_fault:
            raise self.audit_fault
        self.appended.append(request)
        for event in request.events:
            self.record(
                event.action,
                event.outcome,
                event.workspace,
                organisation=event.organisation,
                origin=event.origin,
                target=event.target,
                count=event.count,
            )
        return Done(id=request.id)

    def record(
        self,
        action: str,
        outcome: str = "ok",
        workspace: str | None = None,
        *,
        organisation: str | None = None,
        origin: Origin = Origin(),  # noqa: B008  # it is frozen
        target: str = "",
        count: int = 1,
    ) -> None:
        """Write a record, as for a call of hostd."""
        self.records.append(
            AuditRecord(
                seq=len(self.records) + 1,
                time=datetime.now(UTC).isoformat(),
                source="api",
                action=action,
                outcome=outcome,
                workspace=workspace,
                organisation=organisation,
                target=target,
                count=count,
                origin=origin,
            )
        )

    def read_audit(self, request: ReadAudit) -> Reply:
        self.read += 1
        if self.read_fault:
            raise self.read_fault
        if request.after is None:
            asked = [record for record in reversed(self.records) if request.before is None or record.seq < request.before]
        else:
            asked = self.records[request.after :]
        items = []
        for number, record in enumerate(asked, 1):
            if request.workspace in {None, record.workspace} and request.organisation in {None, record.organisation}:
                items.append(record)
            if (len(items) == request.limit or number == self.scan) and number < len(asked):
                return AuditPage(id=request.id, items=items, next=record.seq)
        return AuditPage(id=request.id, items=items, next=None)

    def redeem_invite(self, request: RedeemInvite) -> Reply:
        token = request.token.reveal()
        if token not in self.invites:
            raise Fault(Code.UNAUTHORIZED, "unknown, used or expired")
        self.invites.remove(token)
        return Redeemed(id=request.id, role=self.role)


VERBS: dict[type[Request], Callable[..., Reply]] = {
    CreateWorkspace: FakeHost.create_workspace,
    VerifySecret: FakeHost.verify_secret,
    SetSecret: FakeHost.set_secret,
    GetProviders: FakeHost.get_providers,
    SetProviders: FakeHost.set_providers,
    ShowWorkspace: FakeHost.show_workspace,
    EnterWorkspace: FakeHost.enter_workspace,
    LockWorkspace: FakeHost.lock_workspace,
    RestoreWorkspace: FakeHost.restore_workspace,
    PurgeWorkspace: FakeHost.purge_workspace,
    ListWorkspaces: FakeHost.list_workspaces,
    AppendAudit: FakeHost.append_audit,
    ReadAudit: FakeHost.read_audit,
    Status: FakeHost.status,
    CreateInvite: FakeHost.create_invite,
    RedeemInvite: FakeHost.redeem_invite,
    Authenticate: FakeHost.authenticate,
}


async def main() -> None:
    """Serve on a path until SIGTERM, with the given one-time tokens: for tests whose api is a process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    parser.add_argument("invites", nargs="*")
    arguments = parser.parse_args()
    host = FakeHost(arguments.path)
    host.invites = set(arguments.invites)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with host.running():
        arguments.path.chmod(0o666)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
