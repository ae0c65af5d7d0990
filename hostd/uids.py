"""Which uids were ever given out on this machine, so that none is given twice.

The mark outlives any one state folder: two installations side by side, or one whose state was lost, still never reuse a
uid, whose left-over files would belong to its next holder.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from hostd import folders
from shared.errors import Code, Fault

MARK: Final = Path("/var/lib/hostel/uid-mark")
"""Lines `FIRST LAST`: ranges of uids that are used up."""
_BATCH: Final = 8
"""Uids that are marked at once, as each mark waits for the disk twice. Those that are not used when hostd ends are lost."""

Ranges = list[tuple[int, int]]


def parse(text: str) -> Ranges:
    """The ranges in `text`; Fault INTERNAL when it is damaged, as a guess could reuse a uid."""
    try:
        ranges = [(int(first), int(last)) for first, last in (line.split() for line in text.splitlines())]
    except ValueError:
        ranges = [(1, 0)]
    if any(first > last or first < 0 for first, last in ranges):
        raise Fault(Code.INTERNAL, f"{MARK} is damaged")
    return ranges


def merge(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The same uids in the fewest ranges, ascending."""
    merged: Ranges = []
    for first, last in sorted(ranges):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def next_free(first: int, last: int, used: Ranges) -> int:
    """The first uid of `first`…`last` above all that were `used` in that range; Fault LIMIT when there is none."""
    uid = max((min(end, last) + 1 for start, end in used if start <= last and end >= first), default=first)
    if uid > last:
        raise Fault(Code.LIMIT, "every uid of the configured range was given out")
    return uid


class Uids:
    """Gives out the uids of one range, upwards.

    The first of the range is `spare`: it belongs to nobody, ever (see `processes.end_all`).
    """

    def __init__(self, first: int, last: int, mark: Path = MARK) -> None:
        """Serve `first`…`last`, inclusive."""
        self._mark = mark
        self._last = last
        self._first = first
        self._reserved: list[int] = []
        self.spare = first

    def take(self, avoid: set[int]) -> int:
        """A uid that was never given out and is not in `avoid`; it is durably used up before this returns.

        Raises Fault LIMIT when the range is used up.
        """
        while True:
            if not self._reserved:
                self._reserve()
            uid = self._reserved.pop(0)
            if uid not in avoid:
                return uid

    def _reserve(self) -> None:
        folder = os.open(self._mark.parent, folders.DIRECTORY)
        try:
            # Held for a read and a small write; only another installation's allocator could hold it.
            fcntl.flock(folder, fcntl.LOCK_EX)
            used = self._used()
            first = next_free(self._first, self._last, used)
            last = min(first + _BATCH - 1, self._last)
            text = "".join(f"{start} {end}\n" for start, end in merge([*used, (first, last)]))
            folders.write(folder, {self._mark.name: text.encode()})
        finally:
            os.close(folder)
        self._reserved = list(range(first, last + 1))

    def left(self) -> int:
        """How many uids of the range can still be given out."""
        try:
            return self._last - next_free(self._first, self._last, self._used()) + 1 + len(self._reserved)
        except Fault:
            return len(self._reserved)

    def _used(self) -> Ranges:
        try:
            return [*parse(self._mark.read_text(encoding="ascii", errors="replace")), (self.spare, self.spare)]
        except FileNotFoundError:
            return [(self.spare, self.spare)]
