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

from guest.agents.agents import Agents
from guest.calls.sessions import SessionCalls
from guest.events import Events
from guest.files.drafts import Uploads
from guest.files.names import Names
from guest.files.search import Search
from guest.git.changes import Changes
from guest.git.git import Git
from guest.git.repos import Repos
from guest.git.snapshots import Snapshots
from guest.git.worktrees import Worktrees
from guest.idle import Idle
from guest.quota import Quota
from guest.room import Room
from guest.server import Server
from guest.sessions.deadlines import Activity, Deadlines
from guest.sessions.reaper import Reaper
from guest.sessions.sessions import Sessions
from guest.supervisor import Supervisor
from guest.terminals.terminals import Terminals
from guest.transcripts.process import Transcripts
from guest.trees import Trees
from guest.turns.turns import Turns
from shared.guestwire.sessions import DeleteSession

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
    recovering = asyncio.create_task(supervisor.turns.recover())
    reaping = asyncio.create_task(_reaper(room, supervisor).run())
    idle = asyncio.create_task(supervisor.idle.wait())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait((idle, stopped), return_when=asyncio.FIRST_COMPLETED)
    for task in (accepting, tidying, recovering, reaping, idle, stopped):
        task.cancel()
    await asyncio.gather(accepting, tidying, recovering, reaping, idle, stopped, return_exceptions=True)
    await server.leave()
    await supervisor.close()


def _supervisor(room: Room) -> Supervisor:
    events, idle, git, trees = Events(), Idle(room.settings.idle_timeout), Git(room), Trees(room)
    deadlines, terminals = Deadlines(room.settings), Terminals(room, events, idle)
    sessions = Sessions(room, git, trees, events, idle, deadlines=deadlines)
    worktrees = Worktrees(git, trees, room.settings.worktrees)
    repos = Repos(git)
    agents, quota, snapshots = Agents(room), Quota(room), Snapshots(git, repos, trees)
    turns = Turns(
        room,
        sessions=sessions,
        worktrees=worktrees,
        agents=agents,
        events=events,
        idle=idle,
        quota=quota,
        snapshots=snapshots,
    )
    deadlines.activity = Activity(
        runs=lambda session: turns.alive(session) or any(not terminal.exit for terminal in terminals.of(session)),
        busy=turns.running,
    )
    return Supervisor(
        room=room,
        sessions=sessions,
        worktrees=worktrees,
        terminals=terminals,
        events=events,
        idle=idle,
        deadlines=deadlines,
        quota=quota,
        agents=agents,
        turns=turns,
        trees=trees,
        uploads=Uploads(room),
        search=Search(room, git),
        names=Names(git),
        repos=repos,
        snapshots=snapshots,
        changes=Changes(room, git, repos),
        transcripts=Transcripts(room, events),
    )


def _reaper(room: Room, parts: Supervisor) -> Reaper:
    async def delete(session: str) -> None:
        await SessionCalls(parts).delete_session(DeleteSession(session=session))

    return Reaper(room, parts.deadlines, parts.sessions, parts.events, parts.idle, end=parts.end, delete=delete)


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
