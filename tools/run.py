"""`make run`: sets a state folder up, then becomes the launcher of the daemons."""

import argparse
import contextlib
import fcntl
import os
import socket
import tomllib
from pathlib import Path

from tools import setup
from tools.console import die
from tools.programs import end_on_signals


def main() -> None:
    """Set up under the folder's lock, and pass the lock on to the launcher."""
    parser = argparse.ArgumentParser(prog="make run")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--port", type=int)
    options = parser.parse_args()
    end_on_signals()
    if options.port is not None and not 0 < options.port <= 65_535:  # noqa: PLR2004  # the range of a port
        die(f"PORT={options.port} is not a port", hint="use a number from 1 to 65535")
    setup.check(options.state)
    lock = _lock(options.state)
    _check_port(options.state, options.port)
    setup.prepare(options.state, options.port)
    python = options.state / "lib/hostd/bin/python"
    os.set_inheritable(lock, True)  # noqa: FBT003  # the signature is os's
    os.execv(python, [str(python), "-B", "-E", "-s", "-m", "tools.launch", str(options.state)])  # noqa: S606  # no shell is wanted


def _lock(state: Path) -> int:
    """The descriptor that keeps a second instance out."""
    state.mkdir(mode=0o711, parents=True, exist_ok=True)
    lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(lock, 20, 0).decode()
        die(
            f"STATE={state} is in use by another hostel, process {pid}",
            hint="stop it, or use another folder: make run STATE=… PORT=…",
        )
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(os.getpid()).encode(), 0)
    return lock


def _check_port(state: Path, port: int | None) -> None:
    """End with an error when somebody listens where api is to listen. A broken configuration is for the daemons to report."""
    api: dict[str, object] = {}
    with contextlib.suppress(OSError, ValueError):
        api = tomllib.loads((state / "hostel.toml").read_text(encoding="utf-8")).get("api", {})
    address = (str(api.get("listen", "127.0.0.1")), port if port is not None else int(str(api.get("port", 8080))))
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(address)
        except OSError as error:
            die(
                f"cannot listen on {address[0]} port {address[1]}: {error.strerror}",
                hint="use another port: make run PORT=8081",
            )


if __name__ == "__main__":
    main()
