"""Tells systemd how we are: the protocol of sd_notify(3), in as many lines as it needs."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """Send `state`, such as `READY=1`, to the service manager; nothing when there is none, or it does not listen."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    # A service goes on without its manager, and must not wait for one that does not read.
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.setblocking(False)  # noqa: FBT003  # its signature
        sock.sendto(state.encode(), address)


def watchdog_interval() -> float | None:
    """Seconds between two `WATCHDOG=1`, half of what the unit allows; None when no watchdog waits for us."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    micros = int(os.environ.get("WATCHDOG_USEC", "0"))
    return micros / 2_000_000 if micros else None
