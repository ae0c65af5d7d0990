"""The audit log's newest records, read once from hostd for all who follow it."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from contextvars import Context
from functools import partial
from itertools import takewhile
from typing import Final

from api.auditing import Auditor
from api.hosts import Hosts
from shared.errors import Fault
from shared.hostwire import PAGE_MAX, AuditPage, AuditRecord

POLL_SECONDS: Final = 1.0
"""Between two looks at the log, unless api itself has made it grow."""
RECENT_MAX: Final = 2000
"""Records that are kept for followers; one who is further behind is served from hostd."""


class Tail:
    """Watches the log while somebody follows it."""

    def __init__(self, hosts: Hosts, auditor: Auditor) -> None:
        """Nobody follows yet."""
        self._hosts = hosts
        self._auditor = auditor
        self._recent: deque[AuditRecord] = deque(maxlen=RECENT_MAX)
        self._last: int | None = None
        """The number of the newest record that was seen."""
        self._grown = asyncio.Condition()
        self._followers = 0
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Have the log watched until the block ends."""
        self._followers += 1
        if self._task is None:
            self._task = Context().run(asyncio.create_task, self._watch(), name="audit tail")
        try:
            yield
        finally:
            self._followers -= 1
            if not self._followers and self._task is not None:
                self._task.cancel()
                self._task = None
                self._recent.clear()
                self._last = None

    async def follow(
        self, after: int | None, workspace: str | None = None, organisation: str | None = None
    ) -> AsyncGenerator[AuditRecord, None]:
        """Every record that follows number `after`, else what is written from now on, for ever. It is being watched.

        Raises Fault when hostd is away while old records are read.
        """
        if after is None:
            after = await self._known()
        while True:
            await self._beyond(after)
            if self._recent and self._recent[0].seq <= after + 1 <= self._recent[-1].seq:
                fresh = list(takewhile(partial(_is_after, after), reversed(self._recent)))
                after = fresh[0].seq
                found = [record for record in reversed(fresh) if _fits(record, workspace, organisation)]
            else:
                last = await self._known()
                page = await self._hosts.read_audit(workspace=workspace, organisation=organisation, after=after, limit=PAGE_MAX)
                found = page.items
                after = page.next if page.next is not None else max([last, *(record.seq for record in found)])
            for record in found:
                yield record

    async def _known(self) -> int:
        async with self._grown:
            await self._grown.wait_for(lambda: self._last is not None)
        return self._last or 0

    async def _beyond(self, seq: int) -> None:
        async with self._grown:
            await self._grown.wait_for(lambda: self._last is not None and self._last > seq)

    async def _watch(self) -> None:
        while True:
            self._auditor.written.clear()
            more = False
            with suppress(Fault):  # hostd is away; there is a next time
                more = await self._look()
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._auditor.written.wait()

    async def _look(self) -> bool:
        """Read what is new; whether there is more."""
        page: AuditPage
        if self._last is None:
            page = await self._hosts.read_audit(limit=1)
            self._last = page.items[0].seq if page.items else 0
            more = False
        else:
            page = await self._hosts.read_audit(after=self._last, limit=PAGE_MAX)
            self._recent.extend(page.items)
            self._last = page.items[-1].seq if page.items else self._last
            more = page.next is not None
        async with self._grown:
            self._grown.notify_all()
        return more

    async def close(self) -> None:
        """Watch no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _is_after(seq: int, record: AuditRecord) -> bool:
    return record.seq > seq


def _fits(record: AuditRecord, workspace: str | None, organisation: str | None) -> bool:
    return workspace in {None, record.workspace} and organisation in {None, record.organisation}
