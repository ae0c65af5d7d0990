"""Frames: `u32 length, big endian | payload`.

The length is checked against a cap before anything of that size is kept, so that a peer cannot make us allocate.
"""

import struct
from typing import Final

from shared.errors import Code, Fault

HEADER: Final = struct.Struct(">I")
HOST_FRAME_MAX: Final = 256 * 1024
"""Bytes of payload in a frame to or from hostd."""
GUEST_FRAME_MAX: Final = 1024 * 1024
"""Bytes of payload in a frame to or from a guest."""


class FrameReader:
    """Cuts a byte stream into frames.

    Feed it what arrives and take frames until `take` answers None. It holds at most one frame that is not
    complete, plus what the last `feed` brought.
    """

    def __init__(self, cap: int) -> None:
        """Accept payloads of at most `cap` bytes."""
        self._cap = cap
        self._buffer = bytearray()
        self._start = 0

    def feed(self, data: bytes | memoryview) -> None:
        """Add bytes from the peer."""
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._buffer += data

    def take(self) -> memoryview | None:
        """The next whole payload, or None until more arrives. It must be let go of before the next `feed`.

        Raises Fault TOO_LARGE as soon as a header announces more than the cap; the stream is then of no use.
        """
        at = self._start + HEADER.size
        if len(self._buffer) < at:
            return None
        (length,) = HEADER.unpack_from(self._buffer, self._start)
        if length > self._cap:
            raise Fault(Code.TOO_LARGE, f"a frame of {length} bytes; at most {self._cap} are accepted")
        if len(self._buffer) < at + length:
            return None
        self._start = at + length
        return memoryview(self._buffer)[at : at + length]

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._buffer) - self._start
