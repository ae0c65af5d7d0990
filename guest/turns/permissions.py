"""Permissions that agents ask for: each is answered once, by a user, by its deadline or by the end of its turn."""

import asyncio
import logging
from typing import Final

from msgspec import structs

from guest import clock
from guest.drivers.base import Ask
from guest.events import Events
from guest.turns.journal import Journal
from guest.turns.log import Log
from shared.agents import PermissionDefault, Settings
from shared.errors import Code, Fault
from shared.guestwire.watch import PermissionChanged
from shared.ids import new_permission_id
from shared.turns import AnsweredBy, OptionKind, PermissionAnswered, PermissionAsked, PermissionInfo, TurnInfo

WAITING_MAX: Final = 32
"""Permissions of one turn that wait at a time; a further one is denied."""
_GRANTS: Final = (OptionKind.ALLOW_ONCE, OptionKind.ALLOW_ALWAYS)

_log: Final = logging.getLogger(__name__)


class Permissions:
    """The permissions of one session."""

    def __init__(self, log: Log, journal: Journal, events: Events, settings: Settings) -> None:
        """Nobody waits yet: what an earlier guest has left waiting is `end`ed."""
        self._log = log
        self._journal = journal
        self._events = events
        self._settings = settings
        self._waiting: dict[str, asyncio.Future[str | None]] = {}

    async def ask(self, turn: TurnInfo, ask: Ask) -> str | None:
        """The id of the option that is chosen, None for a denial. Raises Fault LIMIT, FAILED when it cannot be logged."""
        if sum(info.turn == turn.turn for info in self.all(waiting=True)) >= WAITING_MAX:
            return None
        options = list({option.id: option for option in ask.options}.values())
        info = PermissionInfo(
            permission=new_permission_id(),
            session=turn.session,
            turn=turn.turn,
            agent=turn.agent,
            title=ask.title,
            kind=ask.kind,
            options=options,
            asked=clock.now(),
            deadline=clock.at(clock.uptime() + self._settings.permission_timeout),
            call=ask.call,
            input=ask.input,
            truncated=ask.truncated,
        )
        asked = PermissionAsked(
            info.permission, info.title, info.kind, options, info.deadline, info.call, info.input, info.truncated
        )
        self._log.append(info.agent, info.turn, asked)
        self._put(info)
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting[info.permission] = answer
        try:
            await asyncio.wait((answer,), timeout=self._settings.permission_timeout)
            if not answer.done():
                self._settle(info, AnsweredBy.DEADLINE, self._default(info))
            return answer.result()
        finally:
            if not answer.done():
                self._settle(info, AnsweredBy.CANCEL, None)

    def _default(self, info: PermissionInfo) -> str | None:
        if self._settings.permission_default is PermissionDefault.DENY:
            return None
        return next((option.id for kind in _GRANTS for option in info.options if option.kind is kind), None)

    def answer(self, permission: str, option: str | None) -> PermissionInfo:
        """Answer as a user does. Raises Fault NOT_FOUND, CONFLICT, BAD_REQUEST, FAILED."""
        info = self._journal.permissions.get(permission)
        if info is None:
            raise Fault(Code.NOT_FOUND, "there is no such permission")
        if info.by is not None:
            raise Fault(Code.CONFLICT, "it was answered already")
        if option is not None and option not in {offered.id for offered in info.options}:
            raise Fault(Code.BAD_REQUEST, "the agent does not offer this option")
        return self._settle(info, AnsweredBy.USER, option)

    def end(self, turn: str) -> None:
        """The turn is over, or is being cancelled: nobody waits any more."""
        for info in self.all(waiting=True):
            if info.turn == turn:
                self._settle(info, AnsweredBy.CANCEL, None)

    def recall(self, answered: PermissionAnswered) -> None:
        """It was answered by an earlier guest, which did not get to remember it."""
        info = self._journal.permissions.get(answered.permission)
        if info and info.by is None:
            self._put(structs.replace(info, by=answered.by, option=answered.option))

    def _settle(self, info: PermissionInfo, by: AnsweredBy, option: str | None) -> PermissionInfo:
        info = structs.replace(info, by=by, option=option, input=None)
        try:
            self._log.append(info.agent, info.turn, PermissionAnswered(info.permission, by, option), reserved=True)
        except Fault as fault:
            if by is AnsweredBy.USER:
                raise
            _log.warning("%s: %s", info.permission, fault.message)
        self._put(info)
        waiting = self._waiting.pop(info.permission, None)
        if waiting and not waiting.done():
            waiting.set_result(option)
        return info

    def _put(self, info: PermissionInfo) -> None:
        try:
            self._journal.put(info)
        except Fault as fault:
            _log.warning("%s: %s", info.permission, fault.message)
        self._events.publish(info.permission, PermissionChanged(info))

    def all(self, *, waiting: bool) -> list[PermissionInfo]:
        """Those that wait, or all that are kept; oldest first."""
        return [info for info in self._journal.permissions.values() if info.by is None or not waiting]
