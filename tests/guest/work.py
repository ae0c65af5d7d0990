"""A real guest with the fake ACP agent, and one who prompts and follows."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Self

import pytest

from shared import guestwire as wire
from shared import turns
from shared.errors import Code, Fault
from shared.ids import new_session_id, new_turn_id
from shared.messages import Failure
from tests.guest.harness import Client, Guest

COMMAND = [sys.executable, "-I", str(Path(__file__).parent.parent / "agents" / "acp_agent.py")]


class Follower(Client):
    """One who follows a session's log, and checks its numbers."""

    def begin(self, last: int) -> Self:
        self.seq = last
        self.seen: list[turns.Event] = []
        return self

    async def step(self) -> turns.Event:
        message = await self.receive()
        assert isinstance(message, wire.turns.Logged), message
        assert self.seq + 1 == message.event.seq
        self.seq += 1
        self.seen.append(message.event)
        return message.event

    async def until(self, kind: type[Any], turn: str | None = None) -> Any:  # noqa: ANN401  # of that kind
        """The next body of a kind, of a turn if that is said."""
        while True:
            event = await self.step()
            if isinstance(event.body, kind) and turn in (None, event.turn):
                return event.body

    async def end(self, turn: turns.TurnInfo) -> turns.TurnEnded:
        ended: turns.TurnEnded = await self.until(turns.TurnEnded, turn.turn)
        return ended

    def said(self, turn: str | None = None) -> str:
        """All that the agent said to the user."""
        of = [event.body for event in self.seen if turn in (None, event.turn)]
        return "".join(body.text for body in of if isinstance(body, turns.Message))

    async def failure(self) -> Failure:
        while not isinstance(message := await self.receive(), Failure):
            assert message is not None
        return message


class Worker(Guest):
    """A guest whose default agent is the fake one."""

    def __init__(
        self,
        home: Path,
        agents: dict[str, Any] | None = None,
        registry: dict[str, Any] | None = None,
        **settings: Any,  # noqa: ANN401  # as in the file
    ) -> None:
        super().__init__(home, **settings)
        fakes = {"fake": {"title": "Fake", "command": COMMAND}, "other": {"title": "Other", "command": COMMAND}}
        self.registry = {"settings": {"default": "fake"} | (registry or {}), "agents": fakes | (agents or {})}
        self.caller: Client | None = None

    async def call(self, request: Any) -> Any:  # noqa: ANN401  # the verb says which
        """Ask on a connection that stays."""
        if self.caller is None:
            self.caller = await self.client()
        return await self.caller.call(request)

    async def made(self) -> str:
        """A new, empty session."""
        session: str = (await self.call(wire.sessions.CreateSession(session=new_session_id(), name="one"))).session
        return session

    async def prompt(self, session: str, *lines: str, **fields: Any) -> turns.TurnInfo:  # noqa: ANN401  # the request's
        fields.setdefault("turn", new_turn_id())
        info: turns.TurnInfo = await self.call(wire.turns.Prompt(session=session, text="\n".join(lines), **fields))
        return info

    async def follow(self, session: str, after: int = 0) -> Follower:
        follower = await Follower(self.raw()).hello()
        self.clients.append(follower)
        await follower.call(wire.turns.FollowEvents(session=session, after=after))
        return follower.begin(after)

    async def get(self, turn: turns.TurnInfo) -> turns.TurnInfo:
        info: turns.TurnInfo = await self.call(wire.turns.GetTurn(session=turn.session, turn=turn.turn))
        return info

    async def done(self, session: str, *lines: str, **fields: Any) -> turns.TurnInfo:  # noqa: ANN401  # the request's
        """A turn that has ended."""
        info = await self.prompt(session, *lines, **fields)
        follower = await self.follow(session, info.first - 1)
        await follower.end(info)
        follower.close()
        return await self.get(info)

    async def events(self, session: str, after: int = 0) -> list[turns.Event]:
        """The whole log, by pages."""
        events: list[turns.Event] = []
        while True:
            page = await self.call(wire.turns.ListEvents(session=session, after=after, limit=500))
            if not page.items:
                return events
            events += page.items
            after = page.items[-1].seq

    def again(self) -> Self:
        """Start it anew."""
        self.caller = None
        return self.start()


def alive(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


async def refused(call: Any, code: Code, match: str = ".") -> None:  # noqa: ANN401  # any awaitable
    with pytest.raises(Fault, match=match) as caught:
        await call
    assert code == caught.value.code, caught.value


async def gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while alive(pid):
            await asyncio.sleep(0.01)
