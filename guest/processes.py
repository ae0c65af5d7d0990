"""The processes of our own uid, by proc(5): how many there are, and what they use."""

import contextlib
import os
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

PROCESSES_MAX: Final = 500
"""That are looked into: a tenant may have thousands, and somebody may ask every second."""
_PROC: Final = Path("/proc")
_PAGE: Final = os.sysconf("SC_PAGESIZE")
_TICK: Final = os.sysconf("SC_CLK_TCK")


class Processes(Struct):
    """All of them together, in one pass."""

    number: int = 0
    seen: int = 0
    """Those that were looked into; `threads`, `memory` and `cpu` are of these."""
    threads: int = 0
    memory: int = 0
    """Resident bytes; what several share counts for each."""
    cpu: float = 0.0
    """Seconds, with those of children that have ended and were waited for."""

    @classmethod
    def now(cls) -> Self:
        """As they are. It reads many files: for a thread."""
        uid, found = os.getuid(), cls()
        for name in os.listdir(_PROC):  # noqa: PTH208  # a Path for each process is ten times the cost
            with contextlib.suppress(OSError):  # it has ended
                if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:  # noqa: PTH116  # the same
                    found._count(name)
        return found

    def _count(self, pid: str) -> None:
        self.number += 1
        if self.seen == PROCESSES_MAX:
            return
        stat = (_PROC / pid / "stat").read_bytes()
        # After the name, which may hold spaces and parentheses: field 3 of proc(5) is the first.
        fields = stat[stat.rindex(b")") + 2 :].split()
        self.seen += 1
        self.cpu += sum(map(int, fields[11:15])) / _TICK
        self.threads += int(fields[17])
        self.memory += int(fields[21]) * _PAGE
