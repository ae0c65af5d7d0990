"""What the agents of one session work with: its log, its journal and its permissions."""

import asyncio
import logging
from typing import Final

from msgspec import structs

from guest.clock import now
from guest.events import Events
from guest.sessions.sessions import Session
from guest.turns.journal import Journal
from guest.turns.log import Log
from guest.turns.permissions import Permissions
from shared.agents import Settings
from shared.errors import Fault
from shared.guestwire.watch import TurnChanged
from shared.turns import PermissionAnswered, TurnEnded, TurnInfo, TurnStarted, TurnStatus

LOG: Final = "events.jsonl"
JOURNAL: Final = "turns.jsonl"
_INTERRUPTED: Final = "the workspace's supervisor ended while the turn ran"

_log: Final = logging.getLogger(__name__)


class Desk:
    """What the agents of one session work with."""

    def __init__(self, session: Session, events: Events, settings: Settings) -> None:
        """Read what is on the disk, and end what an earlier guest did not get to end. Raises Fault FAILED."""
        self.session = session
        self._events = events
        self.log = Log(session.folder / LOG, settings.log)
        self.journal = Journal(session.folder / JOURNAL, session.id)
        self.permissions = Permissions(self.log, self.journal, events, settings)
        self._unended: dict[str, tuple[TurnInfo, TurnEnded]] = {}
        """Turns whose ends could not be written, as to a full disk."""
        self._recover()

    def _recover(self) -> None:
        # The two files are written one after the other: of what was written last, the journal may not know.
        newest = self.log.newest()
        if newest and isinstance(newest.body, PermissionAnswered):
            self.permissions.recall(newest.body)
        for info in list(self.journal.turns.values()):
            if info.ended and info.status is not TurnStatus.RUNNING:
                continue
            if self._never_began(info):
                self.journal.forget(info.turn)
            elif newest and newest.turn == info.turn and isinstance(newest.body, TurnEnded):
                self._tell(_ended(info, newest.body, newest.at))
            else:
                self.end(info, TurnEnded(TurnStatus.FAILED, error=_INTERRUPTED))

        for asked in self.permissions.all(waiting=True):
            self.permissions.end(asked.turn)

    def _never_began(self, info: TurnInfo) -> bool:
        if info.first > self.log.last:
            return True
        event = self.log.event(info.first)
        return event is not None and event.turn != info.turn

    def begin(self, info: TurnInfo, started: TurnStarted) -> TurnInfo:
        """A turn begins, with the log's next event. Raises Fault LIMIT, TOO_LARGE, FAILED: it did not begin."""
        for unended in list(self._unended.values()):
            self.end(*unended)
        self.journal.put(info)
        try:
            event = self.log.append(info.agent, info.turn, started)
        except Fault:
            self.journal.forget(info.turn)
            raise
        info = structs.replace(info, first=event.seq, started=event.at)
        self._tell(info)
        return info

    def end(self, info: TurnInfo, body: TurnEnded) -> TurnInfo:
        """A turn ends. When its end cannot be written it ends all the same, and is written when the next turn begins."""
        self.permissions.end(info.turn)
        try:
            at = self.log.append(info.agent, info.turn, body, reserved=True).at
        except Fault as fault:
            _log.warning("%s: its end cannot be written: %s", info.turn, fault.message)
            self._unended[info.turn] = (info, body)
            at = now()
        else:
            self._unended.pop(info.turn, None)
        info = _ended(info, body, at)
        self._tell(info)
        return info

    def _tell(self, info: TurnInfo) -> None:
        try:
            self.journal.put(info)
        except Fault as fault:
            _log.warning("%s: %s", info.turn, fault.message)
        self._events.publish(info.turn, TurnChanged(info))

    async def sync(self) -> None:
        """Return when all is on the disk."""
        await self.log.sync()
        await asyncio.to_thread(self.journal.sync)

    def close(self) -> None:
        """The session, or the guest, goes."""
        self.log.close()
        self.journal.close()


def _ended(info: TurnInfo, body: TurnEnded, at: str) -> TurnInfo:
    return structs.replace(
        info, status=body.status, ended=at, stop_reason=body.stop_reason, error=body.error, stderr=body.stderr, usage=body.usage
    )
