"""When a guest may leave: after some time in which nothing ran and nobody asked for anything."""

import asyncio
from types import TracebackType


class Idle:
    """Counts what keeps the guest here: running terminals, clones, and requests that are being answered.

    Use it as a context (`with idle:`) around work, or `hold` and `release` where work begins and ends apart.
    Open connections do not count.
    """

    def __init__(self, timeout: float) -> None:
        """Idle is `timeout` seconds without work."""
        self._timeout = timeout
        self._clock = asyncio.get_running_loop().time
        self._holds = 0
        self._since = self._clock()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def hold(self) -> None:
        """Work begins."""
        self._holds += 1
        self._quiet.clear()

    def release(self) -> None:
        """Work ends; the time begins anew."""
        self._holds -= 1
        self._since = self._clock()
        if not self._holds:
            self._quiet.set()

    def __enter__(self) -> None:
        """Begin work."""
        self.hold()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End it."""
        self.release()

    async def wait(self) -> None:
        """Return once idle. The caller must act before its next await, or work may have begun."""
        while True:
            await self._quiet.wait()
            rest = self._since + self._timeout - self._clock()
            if self._quiet.is_set() and rest <= 0:
                return
            await asyncio.sleep(max(rest, 0))
