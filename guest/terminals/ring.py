"""The most recent bytes of an endless stream, each with its number."""


class Ring:
    """Keeps the last `cap` bytes of all that was appended; byte number 0 is the first that ever was.

    Memory grows with what is appended, up to `cap` bytes, and then stays.
    """

    __slots__ = ("_cap", "_data", "_end")

    def __init__(self, cap: int) -> None:
        """Keep at most `cap` bytes, at least 1."""
        self._cap = cap
        # Byte number n is at n % cap. While it is shorter than the cap nothing has wrapped, and that is n itself.
        self._data = bytearray()
        self._end = 0

    @property
    def start(self) -> int:
        """The number of the oldest byte that is kept; `end` when there is none."""
        return self._end - len(self._data)

    @property
    def end(self) -> int:
        """The number that the next byte will have: how many were ever appended."""
        return self._end

    def append(self, data: bytes | memoryview) -> None:
        """Add `data`; the oldest bytes make room."""
        view = memoryview(data)
        grown = min(len(view), self._cap - len(self._data))
        self._data += view[:grown]
        self._end += grown
        view = view[grown:]
        if len(view) > self._cap:
            self._end += len(view) - self._cap
            view = view[-self._cap :]
        while view:
            at = self._end % self._cap
            part = view[: self._cap - at]
            self._data[at : at + len(part)] = part
            self._end += len(part)
            view = view[len(part) :]

    def read(self, seq: int, limit: int) -> bytes:
        """Bytes from number `seq` on, `limit` at most, and at least one unless `seq` is `end`.

        Fewer come where the buffer wraps; read again for the rest. Raises IndexError outside `start` to `end`.
        """
        if not self.start <= seq <= self._end:
            raise IndexError(f"byte {seq} is not kept")
        at = seq % self._cap
        size = min(limit, self._end - seq, self._cap - at)
        with memoryview(self._data) as view:
            return bytes(view[at : at + size])
