"""What Claude Code asks of us: permissions, each answered once."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from guest.drivers import claude_records as records
from guest.drivers.base import Ask, Sink
from guest.drivers.process import AgentProcess, Object
from guest.drivers.texts import detail, is_choice
from shared.errors import Code, Fault
from shared.turns import Option, OptionKind

ASKS_MAX: Final = 64
"""Questions that wait for an answer at once; one more, and the agent is ended."""
_ONCE: Final = Option("allow", "Allow once", OptionKind.ALLOW_ONCE)
_ALWAYS: Final = Option("always", "Allow for this conversation", OptionKind.ALLOW_ALWAYS)
_REJECT: Final = Option("reject", "Reject", OptionKind.REJECT_ONCE)


class Asks:
    """The questions that wait."""

    def __init__(self, sink: Sink, send: Callable[[Object], Awaitable[None]], asking: Callable[[], bool]) -> None:
        """Ask `sink` as long as `asking` says that somebody may be asked, and `send` the answers."""
        self._sink = sink
        self._send = send
        self._asking = asking
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def take(self, control: records.Control, process: AgentProcess) -> None:
        """A question of `process`. Raises Fault FAILED for too many."""
        if len(self._waiting) >= ASKS_MAX:
            raise Fault(Code.FAILED, f"the agent asks for more than {ASKS_MAX} things at once")
        if control.request_id in self._waiting:
            process.garbage("the agent asked again under the id of a question that waits")
            return
        task = asyncio.create_task(self._reply(control))
        self._waiting[control.request_id] = task
        task.add_done_callback(lambda _: self._waiting.pop(control.request_id, None))

    async def _reply(self, control: records.Control) -> None:
        answer: Object = {"subtype": "error", "request_id": control.request_id, "error": "not supported"}
        if control.request.get("subtype") == "can_use_tool":
            decision = await self._permission(control.request)
            answer = {"subtype": "success", "request_id": control.request_id, "response": decision}
        with contextlib.suppress(Fault):
            await self._send({"type": "control_response", "response": answer})

    async def _permission(self, request: Object) -> Object:
        tool, given = str(request.get("tool_name")), request.get("input")
        given = given if isinstance(given, dict) else {}
        always = _rules(request.get("permission_suggestions"))
        call = request.get("tool_use_id")
        text, cut = detail(given)
        ask = Ask(
            title=records.title(tool, given),
            kind=records.kind(tool),
            options=[_ONCE, _ALWAYS, _REJECT] if always else [_ONCE, _REJECT],
            call=call if is_choice(call) else None,
            input=text,
            truncated=cut,
        )
        chosen = None
        if self._asking():
            with contextlib.suppress(asyncio.CancelledError):
                chosen = await self._sink.ask(ask)
        if chosen == _ONCE.id:
            return {"behavior": "allow", "updatedInput": given}
        if chosen == _ALWAYS.id:
            return {"behavior": "allow", "updatedInput": given, "updatedPermissions": always}
        return {"behavior": "deny", "message": "The user did not allow this."}

    def withdraw(self, request: str) -> None:
        """The agent needs no answer to a question any more."""
        if task := self._waiting.get(request):
            task.cancel()

    def drop(self) -> None:
        """Nobody answers any more: all are denied."""
        for task in tuple(self._waiting.values()):
            task.cancel()


def _rules(suggestions: object) -> list[Object]:
    """What to allow for the rest of the conversation: the like of this call, where Claude says what that is."""
    given = [one for one in suggestions if isinstance(one, dict)] if isinstance(suggestions, list) else []
    rules = [one for one in given if one.get("type") == "addRules"] or given
    # In the process alone: the repository's settings are not ours to write.
    return [{**one, "destination": "session"} for one in rules]
