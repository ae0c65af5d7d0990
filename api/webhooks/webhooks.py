"""The webhooks of workspaces, of organisations and of the host, and a task for each that has something to deliver.

A webhook's rows are in memory, so that an event that nobody follows costs nothing. Deliveries of one webhook may overtake each
other; their `timestamp` tells the order of what they tell of.
"""

import asyncio
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from sqlalchemy import Connection, delete, insert, select, update
from yarl import URL

from api.auth import Target
from api.schema import View, encode, moment
from api.serverkeys.keys import Keys
from api.store import Store
from api.tables import webhooks as table
from api.webhooks.addresses import Allowed, check_url
from api.webhooks.courier import Courier, Undelivered
from api.webhooks.deliveries import Deliveries, Delivery, Due, drop_waiting
from api.webhooks.events import TEST, Event
from api.webhooks.rows import EventView, Signers, Webhook, values_of, webhook_of
from shared.config import Config
from shared.errors import Code, Fault
from shared.log import logger
from shared.secret import Secret, decode_hook, encode_hook

PURPOSE: Final = "webhook"
OVERLAP: Final = 24 * 3600.0
"""Seconds for which deliveries are signed with the replaced secret too."""
STORE_PAUSE: Final = 5.0
"""Seconds until a store that failed is asked again."""


class Webhooks:
    """All webhooks."""

    def __init__(self, store: Store, keys: Keys, config: Config) -> None:
        """`load` must be awaited before anything is told. Raises ConfigError for an allowance that is none."""
        self._store = store
        self._keys = keys
        self._limit = config.limits.webhooks
        self._allowed = Allowed(config.webhooks.allow)
        base = URL(config.api.base).raw_host or ""
        names = (urlsplit(f"//{host}").hostname for host in config.api.hosts)
        self._own = frozenset(host.lower() for host in (*names, config.api.listen, base) if host)
        self._courier = Courier(self._allowed, config.webhooks.timeout)
        self._deliveries = Deliveries(store, config.webhooks)
        self._known: dict[str, Webhook] = {}
        self._runs: dict[str, tuple[asyncio.Task[None], asyncio.Event]] = {}

    async def load(self) -> None:
        """Learn which there are, and send what an earlier process left."""
        rows = await self._store.read(lambda connection: connection.execute(select(table)).all())
        self._known = {row.id: webhook_of(row) for row in rows}
        for webhook in await self._deliveries.waiting():
            self._wake(webhook)

    async def emit(self, event: str, view: View, target: Target) -> None:
        """Tell the webhooks of the workspace, of its organisation and of the host that follow `event`.

        It waits for the store alone, and does not fail: what cannot be written is logged.
        """
        owners = {None, target.workspace, target.organisation}
        followers = [found.id for found in self._known.values() if found.owner in owners and found.follows(event)]
        if followers:
            try:
                await self._add(followers, event, view, target)
            except Fault as error:
                logger().error("an event was not told", event_type=event, webhooks=len(followers), error=str(error))

    async def test(self, owner: str | None, webhook: str, target: Target) -> Delivery:
        """Have a test sent; Fault CONFLICT when it is disabled."""
        self._check_enabled(self.get(owner, webhook))
        made = await self._add([webhook], TEST, View(), target)
        if not made:
            raise Fault(Code.NOT_FOUND, "there is no such thing")
        return made[0]

    async def retry(self, owner: str | None, webhook: str, delivery: str) -> Delivery:
        """Have a delivery sent again that has ended."""
        self._check_enabled(self.get(owner, webhook))
        found = await self._deliveries.retry(webhook, delivery)
        self._wake(webhook)
        return found

    async def page(self, owner: str | None, webhook: str, before: tuple[float, str] | None, limit: int) -> list[Delivery]:
        """At most `limit` of its deliveries, newest first."""
        return await self._deliveries.page(self.get(owner, webhook).id, before, limit)

    def of(self, owner: str | None) -> list[Webhook]:
        """Those of `owner`, oldest first."""
        return sorted((found for found in self._known.values() if found.owner == owner), key=lambda found: found.created)

    def get(self, owner: str | None, webhook: str) -> Webhook:
        """The webhook; Fault NOT_FOUND when `owner` has none with that id."""
        found = self._known.get(webhook)
        if found is None or found.owner != owner:
            raise Fault(Code.NOT_FOUND, "there is no such thing")
        return found

    async def create(
        self, webhook: str, owner: str | None, url: str, events: tuple[Event, ...], *, secret: Secret, by: str
    ) -> Webhook:
        """Add one, or answer the one that is there. Raises Problem for a URL to which nothing is delivered, Fault LIMIT."""
        if webhook in self._known:
            return self._known[webhook]
        check_url(url, self._allowed, self._own)
        if len(self.of(owner)) >= self._limit:
            raise Fault(Code.LIMIT, f"at most {self._limit} webhooks are possible")
        now = time.time()
        made = Webhook(
            id=webhook, owner=owner, url=url, events=events, enabled=True, created=now, created_by=by, updated=now, version=1
        )
        values = values_of(made) | {"sealed": self._seal(webhook, Signers(secret))}
        self._known[webhook] = made  # before the store has it, so that the limit holds for those that come meanwhile
        try:
            await self._store.write(lambda connection: connection.execute(insert(table), values))
        except BaseException:
            del self._known[webhook]
            raise
        return made

    async def change(self, found: Webhook, **values: Any) -> Webhook:  # noqa: ANN401  # fields of several types
        """Set fields. What waits for one that becomes disabled fails. Raises Problem for a bad URL, Fault CONFLICT."""
        if "url" in values:
            check_url(values["url"], self._allowed, self._own)
        return await self._write(found, {}, **values)

    async def rotate(self, found: Webhook, secret: Secret) -> Webhook:
        """Replace the secret; the one before signs too for OVERLAP seconds."""
        old = await self._signers(found.id)
        if old.secret == secret:  # the request is repeated
            return found
        return await self._write(found, {"sealed": self._seal(found.id, Signers(secret, old.secret, time.time() + OVERLAP))})

    async def remove(self, owner: str | None, webhook: str) -> None:
        """Forget it and its deliveries."""
        self.get(owner, webhook)
        await self._store.write(lambda connection: connection.execute(delete(table).where(table.c.id == webhook)))
        self._known.pop(webhook, None)

    async def forget(self, owner: str) -> None:
        """Forget all of a workspace or an organisation that is gone."""
        for found in self.of(owner):
            with suppress(Fault):
                await self.remove(owner, found.id)

    async def purge(self) -> None:
        """Forget deliveries that ended long ago."""
        await self._deliveries.purge()

    async def close(self) -> None:
        """Leave what waits to the next process."""
        tasks = [task for task, _ in self._runs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._courier.close()

    async def _write(self, found: Webhook, also: dict[str, bytes], **values: Any) -> Webhook:  # noqa: ANN401  # as above
        changed = msgspec.structs.replace(found, **values, updated=time.time(), version=found.version + 1)
        current = (table.c.id == found.id) & (table.c.version == found.version)

        def work(connection: Connection) -> bool:
            done = bool(connection.execute(update(table).where(current).values(**values_of(changed), **also)).rowcount)
            if done and not changed.enabled:
                drop_waiting(connection, found.id, "the webhook was disabled")
            return done

        if not await self._store.write(work):
            raise Fault(Code.CONFLICT, "it was changed at the same time; try again")
        self._known[found.id] = changed
        return changed

    async def _add(self, webhooks: list[str], event: str, view: View, target: Target) -> list[Delivery]:
        told = EventView(
            type=event,
            timestamp=moment(time.time()).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            data=view,
            workspace_id=target.workspace,
            organisation_id=target.organisation,
        )
        made = await self._deliveries.add(webhooks, event, encode(told))
        for webhook in webhooks:
            self._wake(webhook)
        return made

    def _wake(self, webhook: str) -> None:
        """Have what is due for `webhook` sent."""
        if webhook in self._runs:
            self._runs[webhook][1].set()
            return
        news = asyncio.Event()
        task = asyncio.create_task(self._run(webhook, news), name=f"webhook {webhook}")
        self._runs[webhook] = task, news

    async def _run(self, webhook: str, news: asyncio.Event) -> None:
        try:
            await self._serve(webhook, news)
        finally:  # at once, so that nobody wakes a task that has ended
            self._runs.pop(webhook, None)

    async def _serve(self, webhook: str, news: asyncio.Event) -> None:
        """Send what waits for `webhook`, until nothing does."""
        while True:
            news.clear()
            try:
                due = await self._send_due(webhook)
            except Fault:  # the store has logged it
                await asyncio.sleep(STORE_PAUSE)
                continue
            except Exception:  # noqa: BLE001  # what waits must not wait for ever
                logger().exception("a delivery failed unexpectedly", webhook=webhook)
                await asyncio.sleep(STORE_PAUSE)
                continue
            if due.now or news.is_set():
                continue
            if due.later is None:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, due.later - time.time())):
                    await news.wait()

    async def _send_due(self, webhook: str) -> Due:
        """Send what is due now, all of it to its end, so that nothing is sent twice at a time."""
        due = await self._deliveries.due(webhook)
        for broken in filter(None, await asyncio.gather(*map(self._attempt, due.now), return_exceptions=True)):
            raise broken
        return due

    async def _attempt(self, delivery: Delivery) -> None:
        found = self._known.get(delivery.webhook)
        if found is None:  # it was removed just now
            return
        try:
            secrets = await self._secrets(found.id)
        except Fault as error:
            if error.code is Code.NOT_FOUND:  # it was removed just now
                return
            if error.code is not Code.INTERNAL:
                raise
            # It was sealed by another server.
            await self._deliveries.failed(delivery, None, error.message, final=True)
            return
        try:
            status = await self._courier.send(delivery, URL(found.url), secrets, owner=found.owner)
        except Undelivered as error:
            await self._deliveries.failed(delivery, None, str(error))
            return
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            await self._deliveries.delivered(delivery, status)
        elif status == HTTPStatus.GONE:
            await self._deliveries.failed(delivery, status, "the receiver wants no more: the webhook was disabled", final=True)
            await self._disable(delivery.webhook)
        else:
            await self._deliveries.failed(delivery, status, f"the receiver answered {status}")

    async def _disable(self, webhook: str) -> None:
        found = self._known.get(webhook)
        if found is not None and found.enabled:
            with suppress(Fault):  # it is changed just now: the next delivery tells again
                await self.change(found, enabled=False)

    async def _secrets(self, webhook: str) -> list[Secret]:
        signers = await self._signers(webhook)
        overlap = signers.replaced is not None and time.time() < signers.until
        return [signers.secret, signers.replaced] if overlap and signers.replaced else [signers.secret]

    async def _signers(self, webhook: str) -> Signers:
        """From the store, where they are sealed anew now and then."""
        query = select(table.c.sealed).where(table.c.id == webhook)
        sealed = await self._store.read(lambda connection: connection.scalar(query))
        if sealed is None:
            raise Fault(Code.NOT_FOUND, "there is no such thing")
        plain = self._keys.unseal(PURPOSE, webhook, sealed)
        return msgspec.msgpack.decode(plain, type=Signers, dec_hook=decode_hook)

    def _seal(self, webhook: str, signers: Signers) -> bytes:
        return self._keys.seal(PURPOSE, webhook, msgspec.msgpack.encode(signers, enc_hook=encode_hook))

    def _check_enabled(self, found: Webhook) -> None:
        if not found.enabled:
            raise Fault(Code.CONFLICT, "the webhook is disabled")
