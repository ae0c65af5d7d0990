import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from guest import processes
from guest.processes import Processes


@pytest.fixture
def others() -> Iterator[list[subprocess.Popen[bytes]]]:
    with ExitStack() as stack:
        made = [subprocess.Popen(["sleep", "100"]) for _ in range(5)]
        for process in made:
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield made


def test_what_begins_and_ends_is_counted(others: list[subprocess.Popen[bytes]]) -> None:
    before = Processes.now()
    others[0].kill()
    others[0].wait()
    after = Processes.now()
    assert before.number > after.number - 5  # of our uid there may be others, which come and go
    assert before.seen == before.number >= len(others)
    assert before.threads >= before.number
    assert before.memory > len(others) * os.sysconf("SC_PAGESIZE")


def test_time_is_counted_also_of_children_that_have_ended() -> None:
    before = Processes.now().cpu
    subprocess.run([sys.executable, "-I", "-c", "import time\nwhile time.process_time() < 0.5: pass"], check=True)
    assert Processes.now().cpu > before + 0.3


def test_of_very_many_a_part_is_looked_into(others: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROCESSES_MAX", 2)
    found = Processes.now()
    assert 2 == found.seen < len(others) <= found.number
