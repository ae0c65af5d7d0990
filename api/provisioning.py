"""From a row that says `provisioning` to a Linux user, over any number of restarts of either daemon.

What hostd needs is sealed in the row until hostd has it. Its verb is safe to repeat, so each start takes every unfinished row
up again. The deadline counts from a time that is stored with the row.
"""

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import msgspec

from api.hosts import Hosts
from api.provisioners import Provisioners
from api.provisioners.base import Made
from api.provisioners.linux import LinuxUser, Order, hash_of
from api.serverkeys.keys import Keys
from api.streams.watches import Watches
from api.views import workspace_status_view
from api.webhooks import Webhooks
from api.workspaces import Workspace, Workspaces, WorkspaceStatus
from shared.errors import Code, Fault
from shared.hostwire import ProviderView
from shared.log import logger
from shared.secret import Secret, decode_hook, encode_hook

PURPOSE: Final = "provisioning"
AT_ONCE: Final = 8
"""Workspaces that are made at the same time."""
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds between two attempts, the second the most."""
_TRY_AGAIN: Final = frozenset({Code.UNAVAILABLE, Code.BUSY, Code.TIMEOUT})


T = TypeVar("T")


class _Attempts:
    """Tries again what may work later, after a growing pause."""

    def __init__(self) -> None:
        self.last: Fault | None = None

    async def until_done(self, work: Callable[[], Awaitable[T]]) -> T:
        pause = FIRST_PAUSE
        while True:
            try:
                return await work()
            except Fault as error:
                if error.code not in _TRY_AGAIN:
                    raise
                self.last = error
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


class Provisioner:
    """The workspaces that are being made, a task for each."""

    def __init__(
        self,
        workspaces: Workspaces,
        hosts: Hosts,
        keys: Keys,
        watches: Watches,
        timeout: float,
        *,
        others: Provisioners,
        webhooks: Webhooks,
    ) -> None:
        """`timeout`: seconds from the request to `error`. Each change of a status is told by `watches`, the end by `webhooks`.

        `others` make what the workspace has beside its Linux user, once that is there.
        """
        self._workspaces = workspaces
        self._hosts = hosts
        self._linux = LinuxUser(hosts)
        self._keys = keys
        self._watches = watches
        self._timeout = timeout
        self._others = others
        self._webhooks = webhooks
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    def seal(self, workspace: str, order: Order) -> bytes:
        """What is kept in the row until hostd has it."""
        return self._keys.seal(PURPOSE, workspace, msgspec.msgpack.encode(order, enc_hook=encode_hook))

    def order_of(self, row: Workspace) -> Order:
        """What the row keeps; Fault CONFLICT when it keeps nothing."""
        if row.sealed is None:
            raise Fault(Code.CONFLICT, "the workspace is provisioned")
        plain = self._keys.unseal(PURPOSE, row.id, row.sealed)
        return msgspec.msgpack.decode(plain, type=Order, dec_hook=decode_hook)

    def is_secret(self, row: Workspace, shown: Secret) -> bool:
        """Whether `shown` is the secret of a workspace that hostd does not know yet."""
        return hmac.compare_digest(self.order_of(row).secret_hash, hash_of(shown))

    async def resume(self) -> None:
        """Take up what an earlier process left."""
        await self._others.resume()
        for workspace in await self._workspaces.unfinished():
            self.start(workspace)

    def start(self, workspace: str) -> None:
        """Make the workspace, unless that is under way."""
        if workspace not in self._tasks:
            task = asyncio.create_task(self._run(workspace), name=f"provision {workspace}")
            self._tasks[workspace] = task
            task.add_done_callback(lambda _task: self._tasks.pop(workspace, None))

    async def retry(self, workspace: str) -> None:
        """Begin again if it ended in `error`; the deadline counts from now."""
        async with self._workspaces.lock(workspace):
            row = await self._workspaces.get(workspace)
            if row.status is WorkspaceStatus.ERROR:
                row = await self._change(
                    workspace, status=WorkspaceStatus.PROVISIONING, error_reason=None, provisioning_since=time.time()
                )
        if row.status is WorkspaceStatus.PROVISIONING:
            self.start(workspace)

    async def stop(self, workspace: str) -> None:
        """Make it no more: it was deleted. What hostd was asked for already is done there all the same."""
        if task := self._tasks.get(workspace):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def wait(self, workspace: str, seconds: float, stopping: asyncio.Event) -> Workspace:
        """The row once its provisioning has ended, or after `seconds`, or when the server stops."""
        task = self._tasks.get(workspace)
        if task is not None:
            stop = asyncio.create_task(stopping.wait())
            await asyncio.wait({task, stop}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
        return await self._workspaces.get(workspace)

    async def close(self) -> None:
        """Leave what is unfinished to the next process."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, workspace: str) -> None:
        try:
            async with self._slots:
                await self._provision(await self._workspaces.get(workspace))
        except Fault as error:
            # The store is away: the row says `provisioning`, and the next start takes it up.
            logger().error("provisioning was cut short", workspace=workspace, error=str(error))
        except Exception:  # noqa: BLE001  # the row must not stay `provisioning` for ever
            logger().exception("provisioning failed unexpectedly", workspace=workspace)
            await self._end(workspace, error="an unexpected error; the server's log says more")

    async def _provision(self, row: Workspace) -> None:
        # A clock that was set back must not make the wait longer.
        left = min(self._timeout, row.provisioning_since + self._timeout - time.time())
        attempts = _Attempts()
        try:
            async with asyncio.timeout(max(left, 0)):
                providers = await attempts.until_done(lambda: self._create(row))
        except TimeoutError:
            why = f": {attempts.last.message}" if attempts.last else ""
            await self._end(row.id, error=f"it was not done within {self._timeout:g} s{why}")
        except Fault as error:
            await self._end(row.id, error=error.message)
        else:
            await self._end(row.id, providers=providers)

    async def _create(self, row: Workspace) -> dict[str, ProviderView]:
        order = self.order_of(row)
        await self._linux.make(row.id, order.known(), _keep)
        return (await self._hosts.get_providers(row.id)).providers if order.providers else {}

    async def _end(self, workspace: str, *, error: str | None = None, **values: object) -> None:
        values |= {"status": WorkspaceStatus.ERROR, "error_reason": error} if error else _READY
        if error is None:
            await self._others.plan(workspace)
        async with self._workspaces.lock(workspace):
            row = await self._change(workspace, **values)
        if error is None:
            self._others.start(workspace)
        await self._webhooks.emit("workspace.failed" if error else "workspace.ready", workspace_status_view(row), row.target)
        logger().info("provisioning ended", workspace=workspace, status=values["status"], reason=error)

    async def _change(self, workspace: str, **values: object) -> Workspace:
        row = await self._workspaces.change(workspace, **values)
        self._watches.publish(row.target, "workspace", workspace_status_view(row))
        return row


_READY: Final[dict[str, object]] = {"status": WorkspaceStatus.READY, "error_reason": None, "sealed": None}


async def _keep(_made: Made) -> None:
    """The row is made `ready` with the rest of what it says."""
