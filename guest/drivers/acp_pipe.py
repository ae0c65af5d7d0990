"""The pipe below the library's connection: it keeps what breaks the protocol, or would take more than its share, from it."""

from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from guest.drivers.process import AgentProcess, Object
from guest.drivers.texts import encoded, label
from shared.errors import Code, Fault

REQUESTS_MAX: Final = 64
"""Requests of the agent that wait for an answer at once; one more, and the agent is ended."""
_INTERNAL: Final = -32603
"""JSON-RPC's code for an internal error."""


class AcpPipe:
    """An `acp` transport over an agent's process. Updates never reach the library, which would run each as a task."""

    def __init__(self, process: AgentProcess, on_update: Callable[[object], None]) -> None:
        """Give the parameters of each `session/update` to `on_update`, in the agent's order."""
        self.fault: Fault | None = None
        """Why nothing more is read, when that is not the end of the agent's output."""
        self.ended = False
        self._process = process
        self._on_update = on_update
        self._objects: AsyncIterator[Object] = process.objects()
        self._waiting: set[int] = set()
        self._made = 0
        self._open = 0

    async def send(self, message: Object) -> None:
        """Write one message. Raises Fault FAILED when the agent no longer reads."""
        number = message.get("id")
        if "method" not in message:
            self._open -= 1
        elif isinstance(number, int):
            self._waiting.add(number)
            self._made = number + 1  # the library counts from 0
        await self._process.send(msgspec.json.encode(message))

    async def receive(self) -> Object | None:
        """The next message for the library; None at the end, or when the agent has broken the protocol for good."""
        try:
            async for message in self._objects:
                if "method" in message:
                    if self._is_call(message):
                        return message
                elif answer := self._answer(message):
                    return answer
        except Fault as fault:
            self.fault = fault
        self.ended = True
        return None

    def _is_call(self, message: Object) -> bool:
        method, number = message["method"], message.get("id")
        if not isinstance(method, str) or not isinstance(number, int | str | None):
            self._process.garbage("the agent sent a call without a proper method or id")
            return False
        if number is None:
            # Of the notifications, only updates mean something to us.
            if method == "session/update":
                self._on_update(message.get("params"))
            return False
        self._open += 1
        if self._open > REQUESTS_MAX:
            raise Fault(Code.FAILED, f"the agent asks for more than {REQUESTS_MAX} things at once")
        return True

    def _answer(self, message: Object) -> Object | None:
        number = message.get("id")
        # Nobody waits for what has another id; who waits for the right one would wait for ever.
        if type(number) is not int or not 0 <= number < self._made:
            raise Fault(Code.FAILED, "the agent answered a call that was never made")
        if number not in self._waiting:
            self._process.garbage("the agent answered the same call twice")
            return None
        self._waiting.discard(number)
        error = message.get("error")
        if "result" in message or (isinstance(error, dict) and isinstance(error.get("message"), str)):
            return message
        return {"id": number, "error": {"code": _INTERNAL, "message": label(f"an answer without a result: {encoded(message)}")}}

    async def close(self) -> None:
        """Nothing of its own: the process is closed by its driver."""
