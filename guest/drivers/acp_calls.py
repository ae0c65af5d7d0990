"""The tool calls of an ACP agent's turn, as events of ours. Loaded with the first such agent.

Agents repeat all that a tool has printed so far with each line of it. Were each of these updates an event, the log would grow
with the square of the output: what only grows or changes is therefore held back for a little while, and told at its end.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from acp import schema

from guest.drivers.acp_updates import kind, output, raw_input
from guest.drivers.texts import call_id, label
from shared.turns import DETAIL_MAX, ToolCall, ToolStatus

PERIOD: Final = 1.0
"""Seconds after which what was held back is told."""
RATE: Final = 8 * 1024
"""Characters a second that are told so, of all calls: when there are more of them, the period is longer."""
CALLS_MAX: Final = 10_000
"""Tool calls of one turn that are remembered."""
_BEGINNING: Final = ("title", "kind", "input")
"""What is known of a tool call before it has done anything."""


class _Call:
    """One tool call: what the agent says of it, and how much of that was told."""

    def __init__(self, call: str) -> None:
        self.now = self.told = ToolCall(call)
        self.longest = 0
        """Characters of the longest input and output that were told together."""

    @property
    def size(self) -> int:
        return len(self.now.input or "") + len(self.now.output or "")

    @property
    def urgent(self) -> bool:
        """Whether it cannot wait: it got another state, or so much longer that all that is told stays in proportion to it."""
        return (self.now.status, self.now.kind) != (self.told.status, self.told.kind) or self.size > 2 * self.longest

    def take(self) -> dict[str, Any]:
        """What has changed since it was last told, which it now is."""
        before, self.told = self.told, self.now
        self.longest = max(self.longest, self.size)
        names = (*_BEGINNING, "status", "output")
        return {name: value for name in names if (value := getattr(self.now, name)) != getattr(before, name)}


class Calls:
    """Tells of each tool call what has changed, and nothing twice."""

    def __init__(self, tell: Callable[[ToolCall], None]) -> None:
        """`tell` is called with each event."""
        self._tell = tell
        self._calls: dict[str, _Call] = {}
        self._held: dict[str, _Call] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        """When something that was held back may be told again, by the loop's clock."""

    def update(self, update: schema.ToolCallStart | schema.ToolCallProgress) -> None:
        """The agent says something of a call: tell it now, or soon."""
        name = call_id(update.tool_call_id)
        fresh = name not in self._calls
        if fresh and len(self._calls) >= CALLS_MAX:
            self._forget(next(iter(self._calls)))
        call = self._calls.setdefault(name, _Call(name))
        call.now = _described(call.now, update)
        if fresh or call.urgent:
            self._say(call)
        elif call.now != call.told:
            self._held[name] = call
            self._wait()

    def _forget(self, name: str) -> None:
        if name in self._held:
            self._say(self._held[name])
        del self._calls[name]

    def _say(self, call: _Call) -> None:
        self._held.pop(call.now.call, None)
        name, truncated, changes = call.now.call, call.now.truncated, call.take()
        if len(changes.get("input", "")) + len(changes.get("output", "")) > DETAIL_MAX:
            # Together they would be too much for an event.
            self._tell(ToolCall(name, **{key: changes.pop(key) for key in _BEGINNING if key in changes}, truncated=truncated))
        self._tell(ToolCall(name, **changes, truncated=truncated))

    def _wait(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(self._due, self.flush)

    def flush(self) -> None:
        """Tell what was held back: its time has come, or something follows before which it must be known."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        told = 0
        for call in [call for call in self._held.values() if call.now != call.told]:
            told += call.size
            self._say(call)
        self._held.clear()
        self._due = asyncio.get_running_loop().time() + max(PERIOD, told / RATE)

    def end(self) -> None:
        """The turn is over: tell what was held back, and forget all calls."""
        self.flush()
        self._calls.clear()


def _described(before: ToolCall, update: schema.ToolCallStart | schema.ToolCallProgress) -> ToolCall:
    given, given_cut = raw_input(update.raw_input)
    printed, printed_cut = output(update)
    return ToolCall(
        before.call,
        title=label(update.title) if update.title else before.title,
        kind=kind(update.kind) if update.kind else before.kind,
        status=ToolStatus(update.status) if update.status in set(ToolStatus) else before.status,
        input=before.input if given is None else given,
        output=before.output if printed is None else printed,
        truncated=before.truncated or given_cut or printed_cut,
    )
