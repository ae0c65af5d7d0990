"""Drivers with real processes behind them: the fake agents, and one who is told what they do."""

import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from guest.drivers.base import Ask, Launch
from shared.turns import Body, Message, Notice, OptionKind, Thought, ToolCall

AGENTS = Path(__file__).parent.parent / "agents"
ACP = [sys.executable, "-I", str(AGENTS / "acp_agent.py")]
CLAUDE = [sys.executable, "-I", str(AGENTS / "claude_agent.py")]
B = TypeVar("B", bound=Body)


@dataclass
class Listener:
    """A sink that keeps what it is told."""

    answer: OptionKind | None = None
    """What is chosen; None denies."""
    bodies: list[Body] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    patient: bool = False
    """Whether nobody ever answers."""
    on_tell: Callable[[Body], None] = lambda _: None

    def tell(self, body: Body) -> None:
        self.bodies.append(body)
        self.on_tell(body)

    async def ask(self, ask: Ask) -> str | None:
        self.asks.append(ask)
        self.asked.set()
        if self.patient:
            await asyncio.Event().wait()
        return next((option.id for option in ask.options if option.kind is self.answer), None)

    def of(self, kind: type[B]) -> list[B]:
        return [body for body in self.bodies if isinstance(body, kind)]

    @property
    def said(self) -> str:
        return "".join(message.text for message in self.of(Message))

    @property
    def thought(self) -> str:
        return "".join(thought.text for thought in self.of(Thought))

    @property
    def notices(self) -> list[str]:
        return [notice.text for notice in self.of(Notice)]

    def call(self) -> ToolCall:
        """The only tool call, as its events together describe it."""
        merged: dict[str, object] = {}
        for event in self.of(ToolCall):
            fields = {name: getattr(event, name) for name in ToolCall.__struct_fields__}
            merged |= {name: value for name, value in fields.items() if value is not None}
        return ToolCall(**merged)  # type: ignore[arg-type]

    async def until(self, done: Callable[["Listener"], bool]) -> None:
        async with asyncio.timeout(10):
            while not done(self):
                await asyncio.sleep(0.005)


def launch(home: Path, argv: list[str], *options: str, resume: str | None = None, **environment: str) -> Launch:
    base = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
    return Launch(argv=[*argv, *options], environment={**base, **environment}, cwd=home, resume=resume, start_timeout=10)


def children(home: Path) -> list[int]:
    """What the fake agent has started and left."""
    return [int(line) for line in (home / ".fake-agent" / "children").read_text().split()]


def lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


def environment_of(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/environ").read_bytes().decode()
    return dict(line.split("=", 1) for line in text.split("\0") if line)


def own_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
