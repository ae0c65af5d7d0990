"""Which uids were ever given out on this machine, so that none is given twice.

The mark outlives any one state folder: two installations side by side, or one whose state was lost, still never reuse a
uid, whose left-over files would belong to its next holder.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from shared.errors import Code, Fault

MARK: Final = Path("/var/lib/hostel/uid-mark")
"""Lines `FIRST LAST`: ranges of uids that are used up."""

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
        self._first = first
        self._last = last
        self.spare = first

    def take(self, avoid: set[int]) -> int:
        """A uid that was never given out and is not in `avoid`. It is durably used up before this returns."""
        fd = os.open(self._mark, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            # Held for two small reads and a write; another installation on this machine is all that could hold it.
            fcntl.flock(fd, fcntl.LOCK_EX)
            before = os.pread(fd, os.fstat(fd).st_size, 0)
            used = [*parse(before.decode("ascii", "replace")), (self.spare, self.spare)]
            uid = next_free(self._first, self._last, used)
            while uid in avoid:
                used.append((uid, uid))
                uid = next_free(self._first, self._last, used)
            after = "".join(f"{first} {last}\n" for first, last in merge([*used, (uid, uid)])).encode()
            # One write, padded with nothing but newer digits: it never gets shorter by more than it can cut afterwards.
            os.pwrite(fd, after, 0)
            os.ftruncate(fd, len(after))
            os.fsync(fd)
        finally:
            os.close(fd)
        return uid

    def left(self, taken: set[int]) -> int:
        """How many uids of the range can still be given out; `taken` are those in the registry."""
        text = self._mark.read_text(encoding="ascii") if self._mark.exists() else ""
        used = [*parse(text), *((uid, uid) for uid in taken), (self.spare, self.spare)]
        try:
            return self._last - next_free(self._first, self._last, used) + 1
        except Fault:
            return 0
