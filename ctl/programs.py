"""The installed programs as a tenant meets them: started by a user without any rights, in files that only root can change."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from ctl.catalog import Package
from ctl.store import Store, reach, wrong_with
from shared.errors import Code, Fault

NOBODY: Final = 65534
_START_TIMEOUT: Final = 60.0
_SHOWN_MAX: Final = 20
"""Files with a wrong owner or mode that are named; of more there is only a number."""


class Problem(Struct, frozen=True):
    """Something that is wrong."""

    where: str
    what: str


def examine(store: Store, packages: Sequence[Package]) -> list[Problem]:
    """All that is wrong with the folder, and with the programs of `packages`. Raises Fault unless root asks."""
    if os.geteuid() != 0:
        raise Fault(Code.FORBIDDEN, "only root can start programs as another user: hostelctl agents check has to run as root")
    if not store.folder.is_dir():
        return []
    problems = _files(store)
    home = Path(tempfile.mkdtemp(prefix="hostel-check-"))
    try:
        os.chown(home, NOBODY, NOBODY)
        for package in packages:
            if wrong := _start(store, package, home):
                problems.append(Problem(package.name, wrong))
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return problems


def _files(store: Store) -> list[Problem]:
    wrong = _wrong_files(store)
    problems = list(itertools.islice(wrong, _SHOWN_MAX))
    if more := sum(1 for _ in wrong):
        problems.append(
            Problem(str(store.folder), f"{more} more files are wrong; `hostelctl agents install --force` makes them anew")
        )
    if closed := reach(store.folder):
        problems.append(Problem(str(store.folder), closed))
    return problems


def _wrong_files(store: Store) -> Iterator[Problem]:
    for path in store.installations():
        if wrong := wrong_with(path, store.folder):
            yield Problem(str(path), wrong)


def _start(store: Store, package: Package, home: Path) -> str:
    """Why `--version` of a program does not say the version that is installed; empty when it does."""
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
    argv = [*drop, "--inh-caps=-all", "--", f"{store.folder}/{package.name}/bin/{package.program}", "--version"]
    environ = {"HOME": str(home), "TMPDIR": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    process = subprocess.Popen(  # noqa: S603  # our own command line
        argv,
        cwd=home,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=_START_TIMEOUT)
    except subprocess.TimeoutExpired:
        return f"did not start within {_START_TIMEOUT:.0f} s"
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    label = store.label(package.name) or ""
    version = label.rpartition("-")[0]
    if process.returncode:
        return f"--version ended with status {process.returncode}: {said.strip()[-500:]}"
    return "" if version in said else f"--version should say {version}; it said {said.strip()[-200:]!r}"
