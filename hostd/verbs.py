"""The closed table of verbs: a handler for each of `shared.hostwire`, with the verb's own name."""

import asyncio
import hashlib
import hmac
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakValueDictionary

from hostd import users
from hostd.audit import Audit
from hostd.cgroups import Cgroups
from hostd.credentials import Credentials
from hostd.guests import Guests
from hostd.homes import Homes
from hostd.pam import Pam
from hostd.processes import count_by_uid
from hostd.registry import Registry, Row, iso
from hostd.uids import Uids
from hostd.users import Account, Users
from shared import hostwire as wire
from shared import providers
from shared.audit import calls
from shared.audit import log as auditlog
from shared.config import Config
from shared.errors import Code, Fault
from shared.hostwire import HOST, WorkspaceState
from shared.layers import describe
from shared.log import logger
from shared.messages import Access, Done, Failure, Reply, Request, rejection
from shared.secret import Secret
from shared.version import version

SECRET_FILE: Final = "secret"  # noqa: S105  # a file's name
_USERDEL_TRIES: Final = 5

Answer = Reply | tuple[Reply, socket.socket]
"""What a handler answers, with the descriptor that goes with it, if any."""
Handler = Callable[[Any], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """What the handlers work on."""

    config: Config
    registry: Registry
    uids: Uids
    users: Users
    homes: Homes
    credentials: Credentials
    guests: Guests
    cgroups: Cgroups
    missing: Mapping[str, str]
    audit: Audit
    pam: Pam


class Verbs:
    """Checks who calls, calls the handler, audits. The names of the public coroutines are those of the wire."""

    def __init__(self, host: Host) -> None:
        """Raises RuntimeError when the handlers are not exactly the protocol's verbs."""
        self._host = host
        self._started = datetime.now(UTC)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._handlers: dict[str, Handler] = HOST.handlers(self, beside="answer")

    async def answer(self, uid: int, request: Request) -> Answer:
        """What `uid`, a user that may connect, gets for `request`: a Failure rather than an exception."""
        verb = next(verb for verb in HOST.verbs.values() if verb.request is type(request))
        start = time.perf_counter()
        answer: Answer
        try:
            verb.admit(uid)
            answer = await self._handlers[verb.name](request)
        except Fault as fault:
            answer = rejection(fault)
        except Exception:  # noqa: BLE001  # whatever it is, one request fails and not the daemon
            logger().exception("unexpected_error", verb=verb.name)
            answer = Failure(code=Code.INTERNAL, message="an unexpected error; hostd's log says more")
        reply = answer[0] if isinstance(answer, tuple) else answer
        if calls.telling(verb, reply):
            ms = round((time.perf_counter() - start) * 1000, 1)
            # Not for refusals: whoever may not call the verb could keep the disk, and so hostd, busy.
            durable = verb.access is Access.ADMIN and uid == 0
            self._host.audit.append(str(uid), [calls.event(verb, request, reply)], ms=ms, durable=durable)
        return answer

    async def create_workspace(self, request: wire.CreateWorkspace) -> wire.WorkspaceInfo:
        """Row, account, home, in this order, each durable and each found again by a later call."""
        host = self._host
        async with self._lock(request.workspace):
            row = host.registry.get(request.workspace)
            if row is not None and row.state is WorkspaceState.READY and row.locked is None:
                self._check_hash(row, request.secret_hash, Code.CONFLICT, "the workspace is there with another secret")
                return self._info(row)
            providers.merge({}, request.providers)  # so that what is wrong uses up no uid
            row = self._reserve(request.workspace) if row is None else row
            if row.state is not WorkspaceState.CREATING or row.locked is not None:
                raise Fault(Code.CONFLICT if row.locked and not row.deleted else Code.GONE, "the workspace was deleted")
            # The home needs the account's number alone, so it is made while useradd runs.
            account = asyncio.ensure_future(host.users.add(self._account(row)))
            try:
                await asyncio.sleep(0)
                secret = {SECRET_FILE: request.secret_hash.encode()}
                host.homes.make(row.id, row.uid, secret | {providers.FILE: host.credentials.first(row, request.providers)})
            finally:
                await account
            return self._info(host.registry.set_state(row.id, WorkspaceState.READY))

    def _reserve(self, workspace: str) -> Row:
        if users.find(workspace) is not None:
            raise Fault(Code.CONFLICT, "an account of that name exists already")
        uid = self._host.uids.take(avoid=users.taken_ids() | self._host.registry.uids())
        return self._host.registry.add(workspace, uid)

    async def verify_secret(self, request: wire.VerifySecret) -> Done:
        """Compare hashes in constant time."""
        digest = hashlib.sha256(request.secret.reveal().encode()).hexdigest()
        async with self._lock(request.workspace):
            row = self._host.registry.get(request.workspace)
            if row is None or row.state is not WorkspaceState.READY:  # one that is locked can still be restored
                raise Fault(Code.UNAUTHORIZED, "the workspace or its secret is wrong")
            self._check_hash(row, digest, Code.UNAUTHORIZED, "the workspace or its secret is wrong")
        return Done()

    async def set_secret(self, request: wire.SetSecret) -> Done:
        """Replace the hash."""
        async with self._lock(request.workspace):
            self._host.homes.write(self._ready(request.workspace).id, SECRET_FILE, request.secret_hash.encode())
        return Done()

    async def get_providers(self, request: wire.GetProviders) -> wire.Providers:
        """Without their credentials."""
        async with self._lock(request.workspace):
            return wire.Providers(providers=providers.view(self._host.credentials.read(self._ready(request.workspace))))

    async def set_providers(self, request: wire.SetProviders) -> wire.Providers:
        """Read, merge, replace."""
        async with self._lock(request.workspace):
            merged = self._host.credentials.change(self._ready(request.workspace), request.changes)
        return wire.Providers(providers=providers.view(merged))

    async def enter_workspace(self, request: wire.EnterWorkspace) -> Answer:
        """The connection goes with the answer."""
        async with self._lock(request.workspace):
            row = self._ready(request.workspace)
            connection, started, missing = await self._host.guests.enter(row, start=request.start)
        return wire.Entered(started=started, missing=missing), connection

    async def stop_workspace(self, request: wire.StopWorkspace) -> Done:
        """Nobody enters meanwhile."""
        async with self._lock(request.workspace):
            await self._host.guests.stop(self._ready(request.workspace))
        return Done()

    async def show_workspace(self, request: wire.ShowWorkspace) -> wire.WorkspaceInfo:
        """In whatever state it is."""
        return self._info(self._present(request.workspace))

    async def list_workspaces(self, request: wire.ListWorkspaces) -> wire.Workspaces:
        """One look at the processes and the sockets serves the whole page."""
        rows = self._host.registry.page(request.after or "", request.limit + 1)
        page, more = rows[: request.limit], len(rows) > request.limit
        counts, running = count_by_uid(), self._host.guests.running()
        items = [_describe(row, row.id in running, counts[row.uid]) for row in page]
        return wire.Workspaces(items=items, next=page[-1].id if more else None)

    async def status(self, _request: wire.Status) -> wire.HostStatus:
        """Of hostd and of this machine."""
        host = self._host
        return wire.HostStatus(
            version=version(),
            started=iso(self._started),
            pid=os.getpid(),
            workspaces=host.registry.count(),
            running=len(host.guests.running()),
            uids_left=host.uids.left(),
            cgroups=host.cgroups.kind,
            layers=describe(host.missing, host.config.hostd.require, f"{host.cgroups.kind}: {host.cgroups.detail}"),
        )

    async def create_invite(self, request: wire.CreateInvite) -> wire.Invite:
        """Only its hash is kept."""
        token, expires = "hinv_" + secrets.token_urlsafe(32), datetime.now(UTC) + timedelta(seconds=request.lifetime)
        self._host.registry.add_invite(hashlib.sha256(token.encode()).hexdigest(), "admin", expires)
        return wire.Invite(token=Secret(token), expires=iso(expires))

    async def redeem_invite(self, request: wire.RedeemInvite) -> wire.Redeemed:
        """Of two calls one wins."""
        role = self._host.registry.redeem_invite(hashlib.sha256(request.token.reveal().encode()).hexdigest())
        if role is None:
            raise Fault(Code.UNAUTHORIZED, "the token is unknown, used or expired")
        return wire.Redeemed(role=role)

    async def delete_workspace(self, request: wire.DeleteWorkspace) -> Done:
        """Whatever its state: root has said so."""
        async with self._lock(request.workspace):
            await self._remove(self._present(request.workspace))
        return Done()

    async def purge_workspace(self, request: wire.PurgeWorkspace) -> Done:
        """By hostd's own clock and configuration, whoever asks."""
        async with self._lock(request.workspace):
            row = self._present(request.workspace)
            if row.state is not WorkspaceState.DELETING and not row.lock_over(self._host.config.hostd.deletion_grace):
                raise Fault(Code.CONFLICT, "the workspace is not locked, or not for as long as it is to be kept")
            await self._remove(row)
        return Done()

    async def _remove(self, row: Row) -> None:
        """Processes, jobs, IPC, files, account, tombstone; a call that was cut short is finished by the next."""
        host, account, found = self._host, self._account(row), users.find(row.id)
        host.registry.set_state(row.id, WorkspaceState.DELETING)
        if found is not None and found != account:
            raise Fault(Code.CONFLICT, "the account of that name is not the workspace's")
        await host.guests.stop(row)
        await host.homes.remove(row.id, row.uid)
        for _ in range(_USERDEL_TRIES):
            if await host.users.remove(account):
                break
            await host.guests.stop(row)
        else:
            raise Fault(Code.BUSY, "processes of the workspace come back")
        host.registry.bury(row.id)

    async def lock_workspace(self, request: wire.LockWorkspace) -> wire.WorkspaceInfo:
        """The lock is on disk before anything is killed."""
        async with self._lock(request.workspace):
            row = self._kept(request.workspace)
            row = self._host.registry.lock(row.id)
            await self._host.users.expire(self._account(row), expired=True)
            await self._host.guests.stop(row)
            return self._info(row)

    async def restore_workspace(self, request: wire.RestoreWorkspace) -> wire.WorkspaceInfo:
        """It is what it was before. Nothing is started."""
        async with self._lock(request.workspace):
            row = self._kept(request.workspace)
            if row.locked is not None:
                await self._host.users.expire(self._account(row), expired=False)
                row = self._host.registry.unlock(row.id)
            return self._info(row)

    async def append_audit(self, request: wire.AppendAudit) -> Done:
        """They are in the kernel's hands when this is answered."""
        self._host.audit.append(auditlog.API, request.events)
        return Done()

    async def read_audit(self, request: wire.ReadAudit) -> wire.AuditPage:
        """From the files."""
        return await self._host.audit.read(request)

    async def authenticate(self, request: wire.Authenticate) -> Done:
        """Slow when it fails."""
        await self._host.pam.authenticate(request.user, request.password)
        return Done()

    async def rotate_master(self, _request: wire.RotateMaster) -> wire.MasterRotated:
        """One at a time."""
        async with self._lock("master"):
            return wire.MasterRotated(resealed=await self._host.credentials.rotate())

    def _lock(self, workspace: str) -> asyncio.Lock:
        return self._locks.setdefault(workspace, asyncio.Lock())

    def _present(self, workspace: str) -> Row:
        row = self._host.registry.get(workspace)
        if row is None:
            raise Fault(Code.NOT_FOUND, "there is no such workspace")
        if row.deleted is not None:
            raise Fault(Code.GONE, "the workspace was deleted")
        return row

    def _kept(self, workspace: str) -> Row:
        row = self._present(workspace)
        if row.state is WorkspaceState.DELETING:
            raise Fault(Code.GONE, "the workspace is being deleted")
        return row

    def _ready(self, workspace: str) -> Row:
        row = self._kept(workspace)
        if row.locked is not None:
            raise Fault(Code.NOT_READY, "the workspace was deleted; until it is removed for good it can be restored")
        if row.state is not WorkspaceState.READY:
            raise Fault(Code.NOT_READY, "the workspace is not ready")
        return row

    def _check_hash(self, row: Row, digest: str, code: Code, message: str) -> None:
        kept = self._host.homes.read(row.id, SECRET_FILE)
        if not hmac.compare_digest(kept, digest.encode()):
            raise Fault(code, message)

    def _account(self, row: Row) -> Account:
        return Account(row.id, row.uid, row.uid, self._host.homes.path(row.id))

    def _info(self, row: Row) -> wire.WorkspaceInfo:
        return _describe(row, row.id in self._host.guests.running(), count_by_uid()[row.uid])


def _describe(row: Row, running: bool, processes: int) -> wire.WorkspaceInfo:
    locked = row.locked is not None and row.state is not WorkspaceState.DELETING
    return wire.WorkspaceInfo(
        workspace=row.id,
        uid=row.uid,
        state=WorkspaceState.LOCKED if locked else row.state,
        created=row.created,
        running=running,
        processes=processes,
        locked=row.locked,
    )
