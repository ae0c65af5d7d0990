"""The lines of a file that grows, in bounded memory."""

import os
import zlib
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from guest.transcripts.parsed import RECORD_MAX

_CHUNK: Final = 1024 * 1024
_EDGE: Final = 1024
"""Bytes at the beginning and before the position by which a file is known again."""


class Position(Struct, array_like=True):
    """How far a file has been read."""

    offset: int = 0
    """After the last whole line."""
    inside: bool = False
    """Whether that is inside a line that is too long, whose end is awaited."""
    mark: int = 0
    """A checksum of what was read, at its edges."""

    def holds(self, fd: int, size: int) -> bool:
        """Whether the file is still the one that was read so far, and has only grown."""
        return size >= self.offset and _mark(fd, self.offset) == self.mark


def _mark(fd: int, offset: int) -> int:
    return zlib.crc32(os.pread(fd, min(_EDGE, offset), 0) + os.pread(fd, min(_EDGE, offset), max(offset - _EDGE, 0)))


def lines(fd: int, position: Position, size: int) -> Iterator[list[tuple[int, bytes | None]]]:
    """The whole lines from `position` to at most `size`, each with its offset, a list for each stretch; moves `position`.

    A line is None that is longer than RECORD_MAX, of which never more than that is kept. To be taken to its end.
    """
    pending = bytearray()
    offset = position.offset
    while offset < size and (chunk := os.pread(fd, min(_CHUNK, size - offset), offset)):
        found: list[tuple[int, bytes | None]] = []
        start = 0
        while (end := chunk.find(b"\n", start)) >= 0:
            if position.inside:
                position.inside = False
            elif len(pending) + end - start > RECORD_MAX:
                found.append((position.offset, None))
            elif line := bytes(pending) + chunk[start:end]:
                found.append((position.offset, line))
            pending.clear()
            start = end + 1
            position.offset = offset + start
        offset += len(chunk)
        if not position.inside:
            pending += chunk[start:]
        if len(pending) > RECORD_MAX:
            pending.clear()
            position.inside = True
            found.append((position.offset, None))
        if position.inside:
            position.offset = offset
        yield found
    position.mark = _mark(fd, position.offset)
