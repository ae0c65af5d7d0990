from pathlib import Path

import pytest
from msgspec.structs import replace

from api.machine import Machine, resident

GIB = 1024**3
MACHINE = Machine(
    cpus=2, load=(0.0, 0.0, 0.0), memory_total=10 * GIB, memory_available=5 * GIB, disk_total=100 * GIB, disk_free=50 * GIB
)


def test_it_is_seen_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text(
        "MemTotal:       2000 kB\nMemFree:  10 kB\nMemAvailable:    1000 kB\nHugePages_Total:   0\n"
    )
    found = Machine.seen(tmp_path, proc=tmp_path)
    assert (2_048_000, 1_024_000) == (found.memory_total, found.memory_available)
    assert 0 < found.disk_total >= found.disk_free
    assert found.cpus > 0
    real = Machine.seen(tmp_path)
    assert 0 < real.memory_available < real.memory_total


@pytest.mark.parametrize(
    ("free", "state"), [(50, "ok"), (10, "ok"), (9, "warning"), (3, "warning"), (1, "failed"), (0, "failed")]
)
def test_what_runs_out_is_found(free: int, state: str) -> None:
    disk, memory = replace(MACHINE, disk_free=free * GIB).findings()
    assert ("disk", state, f"{free}.0 GiB of 100.0 GiB are free") == (disk.check, disk.state, disk.detail)
    assert ("memory", "ok") == (memory.check, memory.state)
    short = replace(MACHINE, memory_available=MACHINE.memory_total * free // 100)
    assert [state] == [finding.state for finding in short.findings() if finding.check == "memory"]


def test_own_memory_is_some(tmp_path: Path) -> None:
    assert 1024 * 1024 < resident() < Machine.seen(tmp_path).memory_total
