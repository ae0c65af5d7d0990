"""The machine, as any user of it sees it: how loaded it is, and what is left of its memory and its disk."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from msgspec import Struct

from shared.findings import Finding, State

_GIB: Final = 1024**3
_SHORT: Final = {"warning": 0.1, "failed": 0.02}
"""Shares of the whole; less is left, and the finding says so."""


class Machine(Struct, frozen=True):
    """Figures of one moment. Sizes are bytes."""

    cpus: int
    load: tuple[float, float, float]
    """Of the last minute, five and fifteen minutes: getloadavg(3)."""
    memory_total: int
    memory_available: int
    """What programs can have without swapping: proc(5), `MemAvailable`."""
    disk_total: int
    """Of the file system that holds the state of api."""
    disk_free: int
    """Without what is kept for root."""

    @classmethod
    def seen(cls, folder: Path, proc: Path = Path("/proc")) -> Self:
        """As it is now; `folder` is on the disk that is meant."""
        memory = dict(line.split(":", 1) for line in (proc / "meminfo").read_text().splitlines())
        disk = os.statvfs(folder)
        return cls(
            cpus=os.cpu_count() or 1,
            load=os.getloadavg(),
            memory_total=_bytes(memory["MemTotal"]),
            memory_available=_bytes(memory["MemAvailable"]),
            disk_total=disk.f_blocks * disk.f_frsize,
            disk_free=disk.f_bavail * disk.f_frsize,
        )

    def findings(self) -> Iterator[Finding]:
        """What is about to run out."""
        yield _left("disk", self.disk_free, self.disk_total)
        yield _left("memory", self.memory_available, self.memory_total)


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _bytes(text: str) -> int:
    return int(text.removesuffix("kB")) * 1024


def _left(what: str, left: int, total: int) -> Finding:
    state: State = "ok"
    if left < _SHORT["warning"] * total:
        state = "failed" if left < _SHORT["failed"] * total else "warning"
    return Finding(what, state, f"{left / _GIB:.1f} GiB of {total / _GIB:.1f} GiB are free")
