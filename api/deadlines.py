"""What guests say of their deadlines, as a workspace's view shows it."""

import asyncio
from collections import OrderedDict
from datetime import datetime
from typing import Final

from api.guests import Guests
from api.views import told_deadline
from shared.errors import Fault

FRESH: Final = 3.0
"""Seconds for which an answer is good, also that there is none."""
PATIENCE: Final = 1.0
"""Seconds that a view waits for a guest, which a tenant can stop."""
KNOWN_MAX: Final = 10_000
"""Workspaces whose answer is kept."""


class Deadlines:
    """Asks guests that run, and remembers for a moment."""

    def __init__(self, guests: Guests) -> None:
        """Nothing was asked yet."""
        self._guests = guests
        self._clock = asyncio.get_running_loop().time
        self._known: OrderedDict[str, tuple[float, datetime | None]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def of(self, workspace: str) -> datetime | None:
        """When what runs in the workspace will have been ended. None: nothing runs, it may go on, or its guest is silent."""
        asked, deadline = self._known.get(workspace, (float("-inf"), None))
        if self._clock() - asked < FRESH:
            return deadline
        if workspace not in self._asking:
            task = self._asking[workspace] = asyncio.create_task(self._ask(workspace))
            task.add_done_callback(lambda _: self._asking.pop(workspace, None))
        await asyncio.wait({self._asking[workspace]}, timeout=PATIENCE)
        return self._known.get(workspace, (0.0, None))[1]

    async def _ask(self, workspace: str) -> None:
        try:
            deadline = told_deadline((await self._guests.get_deadlines(workspace)).running)
        except Fault:
            # No guest runs, or it misbehaves: a view of the workspace does not depend on it.
            deadline = None
        self._known[workspace] = (self._clock(), deadline)
        self._known.move_to_end(workspace)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    async def close(self) -> None:
        """Ask no more."""
        asking = list(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
