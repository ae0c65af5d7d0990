"""Warns of deadlines and does what is due at them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from guest import clock
from guest.events import Events
from guest.idle import Idle
from guest.room import Room
from guest.sessions.deadlines import Deadline, Deadlines
from guest.sessions.leftovers import end_leftovers, leftovers
from guest.sessions.sessions import Session, Sessions
from shared.errors import Fault
from shared.guestwire.watch import DeadlineKind, DeadlineNear

_SAVE: Final = 10
"""Looks between two times at which it is written down when sessions were last used: what a guest that is killed forgets."""
_WORKSPACE: Final = ""
"""The workspace's place among the ids of sessions."""
_log: Final = logging.getLogger(__name__)


class Reaper:
    """Looks at all deadlines now and then."""

    def __init__(
        self,
        room: Room,
        deadlines: Deadlines,
        sessions: Sessions,
        events: Events,
        idle: Idle,
        *,
        end: Callable[[str], Awaitable[None]],
        delete: Callable[[str], Awaitable[None]],
    ) -> None:
        """`end` ends what runs in a session; `delete` deletes a session."""
        self._settings = room.settings
        self._workspace = room.workspace
        self._deadlines = deadlines
        self._sessions = sessions
        self._events = events
        self._idle = idle
        self._end = end
        self._delete = delete
        self._warned: dict[str, Deadline] = {}
        self._acting: dict[str, asyncio.Task[None]] = {}
        self._looks = 0
        self._active = {session.id: session.record.active for session in sessions.all()}
        self._holds = False

    async def run(self) -> None:
        """Go on until cancelled."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(self._deadlines.tick)
        finally:
            acting = list(self._acting.values())
            for task in acting:
                task.cancel()
            await asyncio.gather(*acting, return_exceptions=True)

    async def _look(self) -> None:
        if self._settings.workspace_idle or self._settings.workspace_lifetime:
            self._deadlines.background = bool(await asyncio.to_thread(leftovers, self._workspace))
        for session in self._sessions.all():
            self._consider(session.id, self._deadlines.of(session))
        self._consider(_WORKSPACE, self._deadlines.of_workspace())
        if not self._deadlines.running:
            # What is started next has all of its life before it.
            self._deadlines.workspace.born = clock.uptime()
        self._save()
        self._stay()

    def _consider(self, key: str, due: Deadline | None) -> None:
        if key in self._acting:
            return
        rest = due.at - clock.uptime() if due else float("inf")
        if due is None or rest > self._settings.deadline_warning:
            if self._warned.pop(key, None):
                self._tell(self._all(key))
        elif rest > 0:
            self._warn(key, due)
        else:
            self._warned.pop(key, None)
            task = self._acting[key] = asyncio.create_task(self._act(key, due.kind))
            task.add_done_callback(lambda _: self._acting.pop(key, None))

    def _warn(self, key: str, due: Deadline) -> None:
        known = self._warned.get(key)
        if known is None or known.kind is not due.kind or abs(known.at - due.at) > self._deadlines.tick:
            self._warned[key] = due
            self._events.publish(f"deadline {key}", DeadlineNear(key or None, due.kind, clock.at(due.at)))

    def _all(self, key: str) -> list[Session]:
        return [session for session in self._sessions.all() if key in (_WORKSPACE, session.id)]

    def _tell(self, sessions: Iterable[Session]) -> None:
        for session in sessions:
            self._sessions.changed(session)

    async def _act(self, key: str, kind: DeadlineKind) -> None:
        if not self._still_due(key):
            return
        _log.info("%s: %s", key or "all that runs", kind)
        try:
            if key and kind is not DeadlineKind.IDLE:
                await self._delete(key)
                return
            await asyncio.gather(*(self._end(session.id) for session in self._all(key)))
            if not key:
                await asyncio.to_thread(end_leftovers, self._workspace)
            self._tell(self._all(key))
        except Fault as fault:
            _log.warning("%s: %s", key, fault.message)
        except Exception:  # noqa: BLE001  # a defect must not end the other deadlines
            _log.exception("%s: what was due failed", key)

    def _still_due(self, key: str) -> bool:
        """Whether it was not used just now."""
        if key == _WORKSPACE:
            due = self._deadlines.of_workspace()
        else:
            due = next((self._deadlines.of(session) for session in self._all(key)), None)
        return due is not None and due.at <= clock.uptime()

    def _save(self) -> None:
        self._looks += 1
        if self._looks % _SAVE:
            return
        before, self._active = self._active, {}
        for session in self._sessions.all():
            if before.get(session.id) != session.record.active:
                session.keep()
            self._active[session.id] = session.record.active

    def _stay(self) -> None:
        """Keep the guest while it has a part in what comes."""
        deletions = any(due.kind is not DeadlineKind.IDLE for key, due in self._warned.items() if key)
        holds = bool(self._acting) or deletions or self._deadlines.background
        if holds and not self._holds:
            self._idle.hold()
        elif self._holds and not holds:
            self._idle.release()
        self._holds = holds
