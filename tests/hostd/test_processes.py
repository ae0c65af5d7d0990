"""Children are run to their end or to their deadline, and no descriptor is left of them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hostd.processes import Outcome, _is_zombie, count_by_uid, fork, run
from shared.errors import Code, Fault


@pytest.fixture(autouse=True)
def descriptors() -> object:
    before = set(os.listdir("/proc/self/fd"))
    yield
    assert before == set(os.listdir("/proc/self/fd"))


async def test_a_program_says_how_it_ended() -> None:
    assert Outcome(0, "") == await run(("/bin/true",), deadline=10)
    assert Outcome(1, "") == await run(("/bin/false",), deadline=10)
    failed = await run(("/bin/ls", "--", "/nonexistent"), deadline=10)
    assert 2 == failed.code
    assert "No such file" in failed.errors


async def test_the_rest_of_a_long_complaint_is_dropped_and_blocks_nothing() -> None:
    names = [f"/nonexistent/{'x' * 200}{number}" for number in range(2000)]
    outcome = await run(("/bin/ls", "--", *names), deadline=20)
    assert 2 == outcome.code
    assert 4000 < len(outcome.errors) <= 4096


async def test_a_program_that_takes_too_long_is_killed() -> None:
    with pytest.raises(Fault, match=r"sleep took longer than 0\.05 s") as caught:
        await run(("/bin/sleep", "100"), deadline=0.05)
    assert Code.TIMEOUT == caught.value.code


async def test_a_program_that_is_not_there_is_a_failure() -> None:
    with pytest.raises(Fault, match="cannot run /nonexistent") as caught:
        await run(("/nonexistent",), deadline=1)
    assert Code.FAILED == caught.value.code


async def test_arguments_are_not_read_by_a_shell() -> None:
    outcome = await run(("/bin/ls", "--", "$(echo /); true"), deadline=10)
    assert "$(echo /); true" in outcome.errors


async def test_a_fork_ends_with_its_function_whatever_happens_in_it() -> None:
    assert 0 == await fork(lambda: None).wait()
    assert 1 == await fork(lambda: 1 / 0).wait()
    assert 7 == await fork(lambda: os._exit(7)).wait()


async def test_a_fork_has_default_signals() -> None:
    assert -signal.SIGTERM == await fork(lambda: os.kill(os.getpid(), signal.SIGTERM)).wait()
    assert -signal.SIGPIPE == await fork(lambda: os.kill(os.getpid(), signal.SIGPIPE)).wait()


async def test_a_fork_can_be_killed_more_than_once() -> None:
    child = fork(signal.pause)
    child.kill()
    child.kill()
    assert -signal.SIGKILL == await child.wait()
    child.kill()


def test_our_own_process_is_counted() -> None:
    assert count_by_uid()[os.geteuid()] >= 1


def test_a_process_whose_first_thread_has_ended_is_not_over_before_the_others() -> None:
    """It is a zombie by its state; while its cgroup is busy, and its last system calls go on."""
    code = "import ctypes, threading; threading.Thread(target=input).start(); ctypes.CDLL(None).pthread_exit(None)"
    with subprocess.Popen([sys.executable, "-I", "-c", code], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        status = Path(f"/proc/{process.pid}/status")
        while "State:\tZ" not in status.read_text():
            time.sleep(0.005)
        assert not _is_zombie(str(process.pid))
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert _is_zombie(str(process.pid))
