"""Other programs: running one, and having Debian's package of one installed."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from tools.console import die, step

CA_CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"


def run(*argv: str | Path) -> str:
    """Run a program and answer its output; when it fails, show all that it said and end."""
    # In a group of its own: when a signal ends us, all that the program has started ends as well.
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0
    ) as process:
        try:
            output, _ = process.communicate()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    if process.returncode:
        print(output, file=sys.stderr)
        die(f"{Path(argv[0]).name} failed with status {process.returncode}; its output is above")
    return output


def ensure(needed: Mapping[str, str]) -> None:
    """Install the Debian packages of what is missing. `needed`: program, or absolute path of a file -> package."""
    missing = sorted({package for what, package in needed.items() if not _there(what)})
    if not missing:
        return
    if shutil.which("apt-get") is None:
        die(f"these packages are missing: {' '.join(missing)}", hint="install them; there is no apt-get here that could")
    with step(f"installing {' '.join(missing)} (apt-get)"):
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        run("apt-get", "update", "-qq")
        run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing)


def _there(what: str) -> bool:
    return Path(what).exists() if what.startswith("/") else shutil.which(what, path="/usr/sbin:/usr/bin:/sbin:/bin") is not None


def end_on_signals(signals: Sequence[signal.Signals] = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)) -> None:
    """Let a signal end this program as an error does, so that what it was running is ended too."""

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        print("stopped", file=sys.stderr)
        sys.exit(128 + number)

    for number in signals:
        signal.signal(number, leave)
