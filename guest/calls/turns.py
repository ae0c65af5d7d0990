"""Agents, turns, permissions and the log."""

from collections.abc import Iterable
from typing import Final, TypeVar

import msgspec
from msgspec import structs

from guest.supervisor import Supervisor
from guest.turns.followers import Follower
from shared import turns
from shared.errors import Code, Fault
from shared.guestwire import turns as wire
from shared.link import Link
from shared.messages import Done

_ERROR_SHOWN: Final = 300
"""Characters of an error in a list; `GetTurn` has all of it, and the standard error."""
_INPUT_SHOWN: Final = 2000
"""Characters of a permission's input in a list that would not fit a frame; the log has all of it."""

T = TypeVar("T", turns.TurnInfo, turns.PermissionInfo, turns.ConversationInfo)


class TurnCalls:
    """Verbs about agents, turns, permissions and the log."""

    def __init__(self, parts: Supervisor) -> None:
        """Answer from `parts`."""
        self._parts = parts

    async def list_agents(self, _request: wire.ListAgents) -> wire.Agents:
        """The agents of the registry."""
        return wire.Agents(items=self._parts.agents.info())

    async def prompt(self, request: wire.Prompt) -> turns.TurnInfo:
        """Begin a turn."""
        return await self._parts.turns.prompt(request)

    async def list_turns(self, request: wire.ListTurns) -> wire.Turns:
        """A page of turns."""
        kept = list(self._parts.turns.desk(request.session).journal.turns.values())[::-1]
        if request.before is not None:
            ids = [info.turn for info in kept]
            if request.before not in ids:
                raise Fault(Code.NOT_FOUND, "there is no such turn")
            kept = kept[ids.index(request.before) + 1 :]
        items = _fitting(_brief(info) for info in kept[: request.limit])
        return wire.Turns(items=items, next=items[-1].turn if len(items) < len(kept) else None)

    async def get_turn(self, request: wire.GetTurn) -> turns.TurnInfo:
        """One turn."""
        return self._parts.turns.get(request.session, request.turn)

    async def cancel_turn(self, request: wire.CancelTurn) -> turns.TurnInfo:
        """Have a turn end."""
        return self._parts.turns.cancel(request.session, request.turn)

    async def list_permissions(self, request: wire.ListPermissions) -> wire.Permissions:
        """Permissions of a session."""
        items = self._parts.turns.desk(request.session).permissions.all(waiting=request.waiting)
        if len(_fitting(items)) < len(items):
            items = [structs.replace(info, input=info.input and info.input[:_INPUT_SHOWN]) for info in items]
        return wire.Permissions(items=_fitting(items))

    async def answer_permission(self, request: wire.AnswerPermission) -> turns.PermissionInfo:
        """Decide about a permission."""
        desk = self._parts.turns.desk(request.session)
        desk.session.touch()
        return desk.permissions.answer(request.permission, request.option)

    async def list_conversations(self, request: wire.ListConversations) -> wire.Conversations:
        """The conversations of a session."""
        return wire.Conversations(items=_fitting(self._parts.turns.conversations(request.session)))

    async def configure_conversation(self, request: wire.ConfigureConversation) -> turns.ConversationInfo:
        """Choose a mode or a model."""
        return await self._parts.turns.configure(request)

    async def close_conversation(self, request: wire.CloseConversation) -> Done:
        """End an agent's process."""
        await self._parts.turns.release(request)
        return Done()

    async def list_events(self, request: wire.ListEvents) -> wire.EventPage:
        """A page of the log."""
        log = self._parts.turns.desk(request.session).log
        return wire.EventPage(items=await log.page(request.after, request.limit), last=log.last)

    async def get_usage(self, request: wire.GetUsage) -> wire.UsageReport:
        """What turns used."""
        return await self._parts.turns.usage.report(request.since, request.until, request.session)


class TurnStreams:
    """The stream that follows a log."""

    def __init__(self, parts: Supervisor) -> None:
        """Stream from `parts`."""
        self._parts = parts

    async def follow_events(self, link: Link, request: wire.FollowEvents) -> None:
        """The events of a log, as they come."""
        await Follower(link, self._parts.turns.desk(request.session).log, request).run()


def _brief(info: turns.TurnInfo) -> turns.TurnInfo:
    return structs.replace(info, error=info.error and info.error[:_ERROR_SHOWN], stderr=None)


def _fitting(items: Iterable[T]) -> list[T]:
    """As many of `items` as fit a frame."""
    fitting, room = [], turns.EVENT_MAX
    for item in items:
        room -= len(msgspec.msgpack.encode(item))
        if room < 0:
            break
        fitting.append(item)
    return fitting
