"""The closed table of verbs: a handler for each of `shared.hostwire`, with the verb's own name."""

import asyncio
import hashlib
import hmac
import importlib.metadata
import os
import secrets
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from weakref import WeakValueDictionary

from hostd import providers, users
from hostd.audit import Audit
from hostd.cgroups import Cgroups
from hostd.guests import Guests
from hostd.homes import Homes
from hostd.layers import describe
from hostd.processes import count_by_uid
from hostd.registry import Registry, Row, iso
from hostd.uids import Uids
from hostd.users import Account, Users
from shared import hostwire as wire
from shared.config import Config
from shared.errors import Code, Fault
from shared.hostwire import HOST, WorkspaceState
from shared.log import logger
from shared.messages import Access, Done, Failure, Reply, Request, Verb, rejection
from shared.secret import Secret

SECRET_FILE: Final = "secret"  # noqa: S105  # a file's name
_USERDEL_TRIES: Final = 5
_ROLE: Final = "admin"

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
    guests: Guests
    cgroups: Cgroups
    missing: Mapping[str, str]
    audit: Audit


class Verbs:
    """Checks who calls, calls the handler, audits. The names of the public coroutines are those of the wire."""

    def __init__(self, host: Host) -> None:
        """Raises RuntimeError when the handlers are not exactly the protocol's verbs."""
        self._host = host
        self._started = datetime.now(UTC)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._handlers = handlers(self)

    async def answer(self, uid: int, request: Request) -> Answer:
        """What `uid`, a user that may connect, gets for `request`: a Failure rather than an exception."""
        verb = next(verb for verb in HOST.verbs.values() if verb.request is type(request))
        start = time.perf_counter()
        answer: Answer
        try:
            _authorize(uid, verb)
            answer = await self._handlers[verb.name](request)
        except Fault as fault:
            answer = rejection(fault)
        except Exception:  # noqa: BLE001  # whatever it is, one request fails and not the daemon
            logger().exception("unexpected_error", verb=verb.name)
            answer = Failure(code=Code.INTERNAL, message="an unexpected error; hostd's log says more")
        outcome = str(answer.code) if isinstance(answer, Failure) else "ok"
        ms = (time.perf_counter() - start) * 1000
        self._host.audit.write(uid=uid, verb=verb, request=request, outcome=outcome, ms=ms)
        return answer

    async def create_workspace(self, request: wire.CreateWorkspace) -> wire.WorkspaceInfo:
        """Row, account, home, in this order, each durable and each found again by a later call."""
        host = self._host
        async with self._lock(request.workspace):
            row = host.registry.get(request.workspace)
            if row is not None and row.state is WorkspaceState.READY:
                self._check_hash(row, request.secret_hash, Code.CONFLICT, "the workspace is there with another secret")
                return self._info(row)
            files = {
                SECRET_FILE: request.secret_hash.encode(),
                providers.FILE: providers.dump(providers.merge({}, request.providers)),
            }
            row = self._reserve(request.workspace) if row is None else row
            if row.state is not WorkspaceState.CREATING:
                raise Fault(Code.GONE, "the workspace was deleted")
            # The home needs the account's number alone, so it is made while useradd runs.
            account = asyncio.ensure_future(host.users.add(self._account(row)))
            try:
                await asyncio.sleep(0)
                host.homes.make(row.id, row.uid, files)
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
            if row is None or row.state is not WorkspaceState.READY:
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
            return wire.Providers(providers=providers.view(self._providers(self._ready(request.workspace))))

    async def set_providers(self, request: wire.SetProviders) -> wire.Providers:
        """Read, merge, replace."""
        async with self._lock(request.workspace):
            row = self._ready(request.workspace)
            merged = providers.merge(self._providers(row), request.changes)
            self._host.homes.write(row.id, providers.FILE, providers.dump(merged))
            self._host.homes.publish(row.id, row.uid, providers.FILE, providers.credentials(merged))
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
            version=importlib.metadata.version("hostel"),
            started=iso(self._started),
            pid=os.getpid(),
            workspaces=host.registry.count(),
            running=len(host.guests.running()),
            uids_left=host.uids.left(),
            cgroups=host.cgroups.kind,
            layers=describe(host.missing, host.config.hostd.require, host.cgroups),
        )

    async def create_invite(self, request: wire.CreateInvite) -> wire.Invite:
        """Only its hash is kept."""
        token, expires = "hinv_" + secrets.token_urlsafe(32), datetime.now(UTC) + timedelta(seconds=request.lifetime)
        self._host.registry.add_invite(hashlib.sha256(token.encode()).hexdigest(), _ROLE, expires)
        return wire.Invite(token=Secret(token), expires=iso(expires))

    async def redeem_invite(self, request: wire.RedeemInvite) -> wire.Redeemed:
        """Of two calls one wins."""
        role = self._host.registry.redeem_invite(hashlib.sha256(request.token.reveal().encode()).hexdigest())
        if role is None:
            raise Fault(Code.UNAUTHORIZED, "the token is unknown, used or expired")
        return wire.Redeemed(role=role)

    async def delete_workspace(self, request: wire.DeleteWorkspace) -> Done:
        """Row, processes, files, account, tombstone; a call that was cut short is finished by the next."""
        host = self._host
        async with self._lock(request.workspace):
            row = self._present(request.workspace)
            host.registry.set_state(row.id, WorkspaceState.DELETING)
            account = self._account(row)
            found = users.find(row.id)
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
        return Done()

    async def lock_workspace(self, _request: wire.LockWorkspace) -> wire.WorkspaceInfo:
        """Not yet."""
        raise Fault(Code.NOT_READY, "not yet")

    async def restore_workspace(self, _request: wire.RestoreWorkspace) -> wire.WorkspaceInfo:
        """Not yet."""
        raise Fault(Code.NOT_READY, "not yet")

    async def purge_workspace(self, _request: wire.PurgeWorkspace) -> Done:
        """Not yet."""
        raise Fault(Code.NOT_READY, "not yet")

    async def append_audit(self, _request: wire.AppendAudit) -> Done:
        """Not yet."""
        return Done()

    async def read_audit(self, _request: wire.ReadAudit) -> wire.AuditPage:
        """Not yet."""
        return wire.AuditPage(items=[], next=None)

    async def authenticate(self, _request: wire.Authenticate) -> Done:
        """Not yet."""
        raise Fault(Code.FORBIDDEN, "not yet")

    async def rotate_master(self, _request: wire.RotateMaster) -> wire.MasterRotated:
        """Not yet."""
        raise Fault(Code.NOT_READY, "not yet")

    def _lock(self, workspace: str) -> asyncio.Lock:
        return self._locks.setdefault(workspace, asyncio.Lock())

    def _present(self, workspace: str) -> Row:
        row = self._host.registry.get(workspace)
        if row is None:
            raise Fault(Code.NOT_FOUND, "there is no such workspace")
        if row.deleted is not None:
            raise Fault(Code.GONE, "the workspace was deleted")
        return row

    def _ready(self, workspace: str) -> Row:
        row = self._present(workspace)
        if row.state is WorkspaceState.DELETING:
            raise Fault(Code.GONE, "the workspace is being deleted")
        if row.state is not WorkspaceState.READY:
            raise Fault(Code.NOT_READY, "the workspace is not ready")
        return row

    def _check_hash(self, row: Row, digest: str, code: Code, message: str) -> None:
        kept = self._host.homes.read(row.id, SECRET_FILE)
        if not hmac.compare_digest(kept, digest.encode()):
            raise Fault(code, message)

    def _providers(self, row: Row) -> dict[str, providers.Provider]:
        return providers.load(self._host.homes.read(row.id, providers.FILE))

    def _account(self, row: Row) -> Account:
        return Account(row.id, row.uid, row.uid, self._host.homes.path(row.id))

    def _info(self, row: Row) -> wire.WorkspaceInfo:
        return _describe(row, row.id in self._host.guests.running(), count_by_uid()[row.uid])


def _authorize(uid: int, verb: Verb) -> None:
    if verb.access is Access.ADMIN and uid != 0:
        raise Fault(Code.FORBIDDEN, "root alone may do this")


def _describe(row: Row, running: bool, processes: int) -> wire.WorkspaceInfo:
    return wire.WorkspaceInfo(
        workspace=row.id, uid=row.uid, state=row.state, created=row.created, running=running, processes=processes
    )


def handlers(verbs: object) -> dict[str, Handler]:
    """The coroutines of `verbs`, by name. RuntimeError unless each verb has one, and each public one is a verb's."""
    table: dict[str, Handler] = {}
    for name in dir(verbs):
        member = getattr(verbs, name)
        if not name.startswith("_") and name != "answer" and asyncio.iscoroutinefunction(member):
            table[name] = member
    if wrong := table.keys() ^ HOST.verbs.keys():
        raise RuntimeError(f"verbs and handlers differ: {', '.join(sorted(wrong))}")
    return table
