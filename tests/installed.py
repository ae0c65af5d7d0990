"""The agents as `hostelctl agents install` installs them, kept between runs of the tests."""

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

FOLDER: Final = Path(sys.prefix).parent / "agents"
"""Beside the environment of the tests."""
_TIMEOUT: Final = 900


def install(*names: str) -> Path:
    """The folder, with these agents in it. Where the package registry cannot be reached the test is skipped, and says so."""
    ctl = [sys.executable, "-I", "-m", "ctl", "--config", str(_config()), "agents"]
    with (FOLDER.parent / "agents.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run([*ctl, "install", *names], capture_output=True, text=True, check=False, timeout=_TIMEOUT)
    if "the package registry cannot be reached" in done.stderr:
        pytest.skip(f"agents cannot be installed: {done.stderr.splitlines()[1]}")
    assert done.returncode == 0, done.stderr
    return FOLDER


def _config() -> Path:
    path = FOLDER.parent / "agents.toml"
    path.write_text(f'[agents]\nfolder = "{FOLDER}"\n')
    return path
