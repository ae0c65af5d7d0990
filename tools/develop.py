"""`make test`, `check`, `fmt`, `bench`, `screenshots`, `protocol`: in an environment of their own, in the folder TEST_STATE.

hostel is installed there as users get it. The checkout comes last on the interpreter's path, for the tests, the tools and
the benchmarks: what is tested is the installed copy, which tenants can read wherever the checkout is.
"""

import argparse
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tools import setup
from tools.console import die, say
from tools.environments import CHECKOUT, Builder, Environment
from tools.programs import end_on_signals, ensure, run

TEST_NEEDS: Final = {
    "chromium": "chromium",
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "systemd-analyze": "systemd",
}
BESIDE: Final = ("tests/browser", "tests/e2e", "tests/systemd", "tests/tools")
"""Tests that mostly wait: for browsers, agents, machines that boot, environments that are made."""
RUN: Final = ("api", "guest", "hostd", "shared")
"""Packages of the programs that the tests start."""
CHECKS: Final = (("ruff", "check"), ("ruff", "format", "--check"), ("mypy",), ("tools.web", "check"))
FIXES: Final = (("ruff", "check", "--fix", "--quiet"), ("ruff", "format"), ("tools.web", "fmt"))


def main() -> int:
    """Run one of the commands; the exit status is the first that is not 0."""
    parser = argparse.ArgumentParser(prog="make")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("command", choices=("test", "check", "fmt", "bench", "screenshots", "protocol"))
    options, more = parser.parse_known_args()
    end_on_signals()
    setup.check(options.state)
    began = time.monotonic()
    environment = provide(options.state, for_tests=options.command in {"test", "bench", "screenshots"})
    python = (str(environment.python), "-I", "-m")
    commands: dict[str, Sequence[Sequence[str]]] = {
        "check": [(*python, *check) for check in CHECKS],
        "fmt": [(*python, *fix) for fix in FIXES],
        "test": [(*python, *check) for check in CHECKS],
        "bench": [(*python, "bench", *more)],
        "screenshots": [(*python, "tools.screenshots")],
        "protocol": [(*python, "tools.protocol")],
    }
    statuses = [_show(*command) for command in commands[options.command]]
    if options.command == "test":
        statuses += _test(python, more)
    say(f"==> make {options.command} took {time.monotonic() - began:.0f} s")
    return next((status for status in statuses if status), 0)


def provide(state: Path, *, for_tests: bool) -> Environment:
    """The environment with hostel[dev]; `for_tests`: also the programs and the user that the tests need."""
    ensure(setup.NEEDS | (TEST_NEEDS if for_tests else {}))
    state.mkdir(mode=0o755, parents=True, exist_ok=True)
    state.chmod(0o755)
    if for_tests:
        setup.ensure_user()
    environment = Environment(state / "venv", "dev")
    with (state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Builder(state / "build").provide([environment])
        site = run(environment.python, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        Path(site, "hostel-checkout.pth").write_text(f"{CHECKOUT}\n", encoding="utf-8")
        if for_tests:
            # As installed: api and tenants may not write what Python keeps of a module, and would compile it at each start.
            run(environment.python, "-I", "-m", "compileall", "-q", *(str(CHECKOUT / name) for name in RUN))
    return environment


def _test(python: Sequence[str], more: Sequence[str]) -> list[int]:
    """All tests, those that mostly wait beside the others; or those that `more` names."""
    if more:
        return [_show(*python, "pytest", *more)]
    first, *others = BESIDE
    waiting = (["tools.web", "test"], ["pytest", first], ["pytest", *others])
    with ThreadPoolExecutor(1) as beside:
        ended = beside.submit(lambda: [_collect(*python, *argv) for argv in waiting])
        statuses = [_show(*python, "pytest", *(f"--ignore={folder}" for folder in BESIDE))]
        for argv, (status, output) in zip(waiting, ended.result(), strict=True):
            say(f"==> {' '.join(argv)}\n{output}")
            statuses.append(status)
    return statuses


def _collect(*argv: str) -> tuple[int, str]:
    """The status of a program, and what it said."""
    done = subprocess.run(
        argv, cwd=CHECKOUT, env=_environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.returncode, done.stdout


def _show(*argv: str) -> int:
    say(f"==> {' '.join(argv[3:])}")
    try:
        return subprocess.run(argv, cwd=CHECKOUT, env=_environ(), check=False).returncode
    except FileNotFoundError as error:
        die(f"{argv[0]}: {error.strerror}", hint="remove the folder TEST_STATE and try again")


def _environ() -> dict[str, str]:
    return os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}


if __name__ == "__main__":
    sys.exit(main())
