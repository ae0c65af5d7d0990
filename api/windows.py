"""How far a stream may run ahead of a reader that cannot stop reading, as a page with its WebSocket."""

import asyncio


class Window:
    """Bytes that are under way: those that were sent and not acknowledged."""

    def __init__(self, size: int) -> None:
        """At most `size` bytes, and the rest of the message that fills it, are under way."""
        self._size = size
        self._acked = 0
        self._waivers = 0
        self._moved = asyncio.Event()

    def begin(self, seq: int) -> None:
        """The stream begins anew: the next byte is number `seq`."""
        self._acked = seq
        self._moved.set()

    def ack(self, seq: int) -> None:
        """The bytes before number `seq` have arrived. One that is late changes nothing."""
        self._acked = max(self._acked, seq)
        self._moved.set()

    def waive(self) -> None:
        """Nothing can be acknowledged for now: let all through, until `enforce` was called as often."""
        self._waivers += 1
        self._moved.set()

    def enforce(self) -> None:
        """Acknowledgements come again."""
        self._waivers -= 1

    async def room(self, seq: int) -> None:
        """Return when byte number `seq` may be sent."""
        while seq - self._acked >= self._size and not self._waivers:
            self._moved.clear()
            await self._moved.wait()
