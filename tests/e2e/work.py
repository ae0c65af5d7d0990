"""A tenant at work with agents, over HTTP alone."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterable, AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from tests.e2e.models.server import Models
from tests.stack import Stack, Tenant

AGENTS: Final = ("claude", "claude-acp", "codex")
"""Those whose every trait is tested."""
OTHERS: Final = ("gemini", "opencode")
WITHIN: Final = 60.0
"""Seconds in which an agent does whatever it does."""

Event = dict[str, Any]


class Log:
    """A session's events, as they come."""

    def __init__(self, lines: AsyncIterable[bytes]) -> None:
        """Read the lines of an event stream."""
        self.events: list[Event] = []
        self._lines = lines

    async def until(self, *kinds: str, **fields: object) -> Event:
        """The first event of one of these types with these fields that has not been waited for yet."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WITHIN):
                async for line in self._lines:
                    if line.startswith(b"data: "):
                        event = json.loads(line.removeprefix(b"data: "))
                        self.events.append(event)
                        if event.get("type") in kinds and fields.items() <= event.items():
                            return dict(event)
        raise AssertionError(f"there was no {kinds} {fields}, but: {self.events}")


@dataclass(frozen=True)
class Work:
    """A tenant, and the keys that it gave."""

    tenant: Tenant
    models: Models
    keys: dict[str, str]

    @classmethod
    async def begin(cls, stack: Stack, models: Models, name: str) -> Self:
        """A fresh workspace with a key for each provider."""
        tenant = await stack.tenant(name)
        keys = {provider: f"sk-{provider}-of-{name}-0123456789abcdef" for provider in ("claude", "codex", *OTHERS)}
        providers = {provider: {"enabled": True, "auth": {"type": "api_key", "value": key}} for provider, key in keys.items()}
        await tenant.call("PATCH", tenant.base, {"providers": providers})
        return cls(tenant, models, keys)

    def key(self, agent: str) -> str:
        """The key that an agent is to use."""
        return self.keys["claude" if agent == "claude-acp" else agent]

    async def room(self) -> "Room":
        """A fresh session."""
        return Room(self, await self.tenant.session())


@dataclass(frozen=True)
class Room:
    """A session."""

    work: Work
    session: str

    @property
    def base(self) -> str:
        """Its path in the API."""
        return f"{self.work.tenant.base}/sessions/{self.session}"

    @property
    def repo(self) -> Path:
        """Where its agents work."""
        return self.work.tenant.home / "vibecoder_workspace/sessions" / self.session / "repo"

    async def prompt(self, agent: str, *lines: str) -> str:
        """Begin a turn; its id."""
        turn = await self.work.tenant.call(
            "POST", f"{self.base}/prompt", {"agent": agent, "text": "\n".join(lines)}, status=201
        )
        return str(turn["turnId"])

    async def ended(self, turn: str) -> dict[str, Any]:
        """A turn, once it has ended."""
        path = f"{self.base}/turns/{turn}"
        made: dict[str, Any] = await self.work.tenant.call("GET", path, headers={"Prefer": f"wait={WITHIN:.0f}"})
        assert made["status"] != "running", made
        return made

    async def run(self, agent: str, *lines: str) -> dict[str, Any]:
        """A whole turn."""
        return await self.ended(await self.prompt(agent, *lines))

    async def events(self) -> list[Event]:
        """The whole log; an assertion unless its numbers have no gap."""
        events: list[Event] = []
        while True:
            after = events[-1]["seq"] if events else 0
            page = await self.work.tenant.call("GET", f"{self.base}/events?after={after}&limit=500")
            events += page["items"]
            if not page["items"] or events[-1]["seq"] >= page["last"]:
                assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
                return events

    @contextlib.asynccontextmanager
    async def follow(self, after: int = 0) -> AsyncIterator[Log]:
        """The log as a stream."""
        tenant = self.work.tenant
        headers = {**tenant.headers, "Accept": "text/event-stream"}
        async with tenant.stack.http.get(f"{self.base}/events?after={after}", headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            yield Log(reply.content)

    async def answer(self, asked: Event, choose: Callable[[list[dict[str, str]]], str | None], *, status: int = 200) -> Any:  # noqa: ANN401  # JSON
        """Answer a permission with the option that `choose` takes, or deny."""
        option = choose(asked["options"])
        body = {"optionId": option} if option else {"outcome": "deny"}
        return await self.work.tenant.call("POST", f"{self.base}/permissions/{asked['permissionId']}", body, status=status)


def kind(wanted: str) -> Callable[[list[dict[str, str]]], str | None]:
    """Chooses the first option of a kind."""
    return lambda options: next(option["id"] for option in options if option["kind"] == wanted)


def said(events: list[Event], turn: str) -> str:
    """All that the agent said in a turn."""
    return "".join(event["text"] for event in events if event["type"] == "message" and event["turnId"] == turn)
