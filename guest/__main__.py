"""`python -I -m guest`: supervise one workspace, as its tenant.

Descriptor 3 is the listening socket. The environment holds `HOSTEL_GUEST` (the `[guest]` settings as JSON),
`HOSTEL_WORKSPACE`, and HOME, USER, LOGNAME, PATH and TMPDIR. It logs to standard error in plain lines: structlog would double
the time that it takes to start.
"""

from guest.loop import run  # isort: skip  # before anything that imports asyncio

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from typing import Final

import msgspec

from guest.events import Events
from guest.git import Git
from guest.idle import Idle
from guest.room import Room
from guest.server import Server
from guest.sessions import Sessions
from guest.supervisor import Supervisor
from guest.terminals import Terminals
from guest.trees import Trees
from guest.worktrees import Worktrees

_LISTENER: Final = 3
_log: Final = logging.getLogger("guest")


async def supervise(room: Room, listener: socket.socket) -> None:
    """Serve until idle, or told to stop."""
    supervisor = _supervisor(room)
    server = Server(listener, supervisor)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    accepting = asyncio.create_task(server.accept())
    tidying = asyncio.create_task(supervisor.sessions.tidy())
    idle = asyncio.create_task(supervisor.idle.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((idle, stopped), return_when=asyncio.FIRST_COMPLETED)
    for task in (accepting, tidying, idle, stopped):
        task.cancel()
    await asyncio.gather(accepting, tidying, idle, stopped, return_exceptions=True)
    await server.leave()
    await supervisor.close()


def _supervisor(room: Room) -> Supervisor:
    events, idle, git, trees = Events(), Idle(room.settings.idle_timeout), Git(room), Trees(room)
    return Supervisor(
        sessions=Sessions(room, git, trees, events, idle),
        worktrees=Worktrees(git, trees, room.settings.worktrees),
        terminals=Terminals(room, events, idle),
        events=events,
        idle=idle,
    )


def main() -> int:
    """Run the guest; the exit status."""
    gc.freeze()
    gc.enable()  # guest.loop had it wait
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.umask(0o077)
    try:
        room = Room.from_environment(os.environ)
        listener = socket.socket(fileno=_LISTENER)
        os.set_inheritable(_LISTENER, False)  # noqa: FBT003  # its only argument
    except (KeyError, OSError, msgspec.DecodeError) as error:
        _log.error("hostd starts this program: %r", error)
        return 2
    with contextlib.closing(listener):
        run(supervise(room, listener))
    return 0


if __name__ == "__main__":
    sys.exit(main())
