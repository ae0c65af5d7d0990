"""The feeds of all workspaces that somebody follows, each filled by one watch of the workspace's guest."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from typing import Final

from api.auth import Target
from api.guests import PEER, Guests
from api.schema import View, encode
from api.streams.feeds import Feed
from api.streams.followers import RUNNING_MAX
from api.streams.news import ClosedTerminalView, DeletedSessionView, DeletedWorkspaceView, deadline_view, grown_transcript_view
from api.turns import permission_view, turn_view
from api.views import session_view, terminal_view
from shared.errors import Code, Fault
from shared.guestwire import watch
from shared.log import logger
from shared.messages import Message
from shared.rooms import SessionInfo, TerminalInfo
from shared.turns import PermissionInfo, TurnInfo, TurnStatus

LINGER: Final = 60.0
"""Seconds for which a feed goes on when its last reader has left, so that one who comes back misses nothing."""
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 30.0
"""Seconds before a guest that ended its stream is watched again, the second the most."""


class Watch:
    """Fills the feed of one workspace, over as many lives as its guest has. It starts a guest only to learn how turns ended."""

    def __init__(self, guests: Guests, workspace: str, feed: Feed) -> None:
        """Tell `feed`."""
        self._guests = guests
        self._workspace = workspace
        self._feed = feed
        self._turns: dict[str, str] = {}
        """The session of each turn that runs."""
        self._permissions: dict[str, str] = {}
        """The turn of each permission that waits."""

    async def run(self) -> None:
        """Follow for ever."""
        clock = asyncio.get_running_loop().time
        pause = FIRST_PAUSE
        while True:
            began = clock()
            # Before the guest is looked for: it may come just then.
            arrival = self._guests.arrival(self._workspace)
            try:
                await self._follow()
            except Fault as error:
                if error.code is Code.NOT_RUNNING:
                    self._terminals_closed()  # they live and die with their guest
                    self._feed.synced.set()
                    if not self._turns:
                        await arrival.wait()
                        continue
                elif error.code is not Code.UNAVAILABLE:
                    logger().warning("a guest cannot be watched", workspace=self._workspace, error=str(error))
            self._feed.synced.set()
            if clock() - began > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            if self._turns:
                await self._wake()

    async def _wake(self) -> None:
        """Start the guest: it writes how the turns ended in which an earlier one was killed."""
        try:
            await self._guests.ping(self._workspace)
        except Fault as error:
            logger().warning("a guest cannot be started", workspace=self._workspace, error=str(error))

    async def _follow(self) -> None:
        _, stream = await self._guests.watch(self._workspace)
        with closing(stream):
            await self._sync()
            while True:
                self._tell(await stream.receive())
                # A guest that pours changes must not hold the loop.
                await asyncio.sleep(0)

    async def _sync(self) -> None:
        """Bring what was known up to date with a guest that may be another than before."""
        sessions = (await self._guests.list_sessions(self._workspace)).items
        terminals = (await self._guests.list_terminals(self._workspace)).items
        for turn, session in tuple(self._turns.items()):
            await self._look_again(session, turn)
        for session in self._feed.kept("session") - {info.session for info in sessions}:
            self._session_deleted(session)
        self._terminals_closed({info.terminal for info in terminals})
        for info in sessions:
            self._session(info)
        for terminal in terminals:
            self._terminal(terminal)

    async def _look_again(self, session: str, turn: str) -> None:
        """How a turn that ran, and the permissions that it waited for, are now."""
        waiting = [permission for permission, of in self._permissions.items() if of == turn]
        try:
            self._turn(await self._guests.get_turn(self._workspace, session, turn))
            if waiting:
                known = await self._guests.list_permissions(self._workspace, session, waiting=False)
                for permission in known.items:
                    if permission.permission in waiting:
                        self._permission(permission)
        except Fault as error:
            if error.code is not Code.NOT_FOUND:
                raise
            self._forget(turn)

    def _forget(self, turn: str) -> None:
        self._turns.pop(turn, None)
        self._feed.drop(f"turn {turn}")
        for permission in [permission for permission, of in self._permissions.items() if of == turn]:
            del self._permissions[permission]
            self._feed.drop(f"permission {permission}")

    def _terminals_closed(self, still: Collection[str] = ()) -> None:
        for terminal in self._feed.kept("terminal") - set(still):
            self._terminal_closed(terminal)

    def _tell(self, message: Message) -> None:
        match message:
            case watch.SessionChanged(session=session):
                self._session(session)
            case watch.SessionDeleted(session=deleted):
                self._session_deleted(deleted)
            case watch.TerminalChanged(terminal=terminal):
                self._terminal(terminal)
            case watch.TerminalClosed(terminal=closed):
                self._terminal_closed(closed)
            case watch.TurnChanged(turn=turn):
                self._turn(turn)
            case watch.PermissionChanged(permission=permission):
                self._permission(permission)
            case watch.Current():
                self._feed.synced.set()
            case watch.DeadlineNear() as deadline:
                self._feed.tell("deadline", encode(deadline_view(self._workspace, deadline)))
            case watch.TranscriptChanged(transcript=transcript):
                self._feed.tell("transcript", encode(grown_transcript_view(self._workspace, transcript)))
            case _:
                raise PEER.violation(f"{type(message).__name__} in a stream of changes")

    def _session(self, info: SessionInfo) -> None:
        self._feed.keep(f"session {info.session}", "session", encode(session_view(self._workspace, info)))

    def _session_deleted(self, session: str) -> None:
        self._feed.drop(f"session {session}")
        for turn in [turn for turn, of in self._turns.items() if of == session]:
            self._forget(turn)
        self._feed.tell("sessionDeleted", encode(DeletedSessionView(session_id=session, workspace_id=self._workspace)))

    def _terminal(self, info: TerminalInfo) -> None:
        self._feed.keep(f"terminal {info.terminal}", "terminal", encode(terminal_view(self._workspace, info)))

    def _terminal_closed(self, terminal: str) -> None:
        self._feed.drop(f"terminal {terminal}")
        self._feed.tell("terminalClosed", encode(ClosedTerminalView(terminal_id=terminal, workspace_id=self._workspace)))

    def _turn(self, info: TurnInfo) -> None:
        data = encode(turn_view(self._workspace, info))
        if info.status is TurnStatus.RUNNING:
            self._turns[info.turn] = info.session
            self._check_number(self._turns)
            self._feed.keep(f"turn {info.turn}", "turn", data)
        else:
            self._turns.pop(info.turn, None)
            self._feed.drop(f"turn {info.turn}")
            self._feed.tell("turn", data)

    def _permission(self, info: PermissionInfo) -> None:
        data = encode(permission_view(self._workspace, info))
        if info.by is None:
            self._permissions[info.permission] = info.turn
            self._check_number(self._permissions)
            self._feed.keep(f"permission {info.permission}", "permission", data)
        else:
            self._permissions.pop(info.permission, None)
            self._feed.drop(f"permission {info.permission}")
            self._feed.tell("permission", data)

    def _check_number(self, known: dict[str, str]) -> None:
        if len(known) > RUNNING_MAX:
            known.clear()
            raise PEER.violation(f"more than {RUNNING_MAX} turns or permissions at once")


class Watches:
    """The feeds that are followed, and the one for those who see the rows of all workspaces."""

    def __init__(self, guests: Guests, linger: float = LINGER) -> None:
        """Nobody follows yet."""
        self._guests = guests
        self._linger = linger
        self._rooms: dict[str, tuple[Feed, asyncio.Task[None]]] = {}
        self.rows = Feed()
        """What happens to workspaces as such; nothing from inside of any."""
        self.rows.synced.set()

    def publish(self, about: Target, name: str, view: View) -> None:
        """Tell that a workspace's row has changed to its own followers and to those who follow all that they reach."""
        data = encode(view)
        self.rows.tell(name, data, about)
        if about.workspace in self._rooms:
            self._rooms[about.workspace][0].tell(name, data, about)

    def tell(self, workspace: str, name: str, view: View) -> None:
        """Tell what happened inside of `workspace`, to those who follow it and to nobody else."""
        if workspace in self._rooms:
            self._rooms[workspace][0].tell(name, encode(view))

    def withdraw(self, workspace: str, before: Target, after: Target) -> None:
        """Tell those who reach `before` and not `after` that the workspace, which has passed to another owner, is gone."""
        self.rows.tell("workspaceDeleted", encode(DeletedWorkspaceView(workspace_id=workspace)), before, after)

    @contextmanager
    def room(self, workspace: str) -> Iterator[Feed]:
        """The feed of what happens in `workspace`, for a reader until the block ends."""
        if workspace not in self._rooms:
            feed = Feed()
            task = asyncio.create_task(Watch(self._guests, workspace, feed).run(), name=f"watch {workspace}")
            self._rooms[workspace] = feed, task
        feed, _ = self._rooms[workspace]
        feed.holds += 1
        try:
            yield feed
        finally:
            feed.holds -= 1
            if not feed.holds:
                asyncio.get_running_loop().call_later(self._linger, self._end_if_unread, workspace, feed)

    def _end_if_unread(self, workspace: str, feed: Feed) -> None:
        known, task = self._rooms.get(workspace, (None, None))
        if known is feed and task is not None and not feed.holds:
            del self._rooms[workspace]
            task.cancel()

    async def close(self) -> None:
        """Stop watching."""
        tasks = [task for _, task in self._rooms.values()]
        self._rooms.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
