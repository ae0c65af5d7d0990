"""The driver for Claude Code's own two-way stream-json, which needs neither Node nor an adapter: one process, many turns."""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec import structs

from guest.drivers import claude_records as records
from guest.drivers.base import Attachment, Launch, Outcome, Sink
from guest.drivers.claude_asks import Asks
from guest.drivers.images import image
from guest.drivers.process import GRACE, AgentProcess, Object
from guest.drivers.texts import encoded, is_choice, label
from shared.errors import Code, Fault
from shared.turns import REASON_MAX, AgentState, Notice, StopReason

_FLAGS: Final = (
    "-p",
    *("--input-format", "stream-json"),
    *("--output-format", "stream-json"),
    "--verbose",
    "--include-partial-messages",
    *("--permission-prompt-tool", "stdio"),
    # Its questions with several answers need a screen of its own; without the tool it asks in plain words.
    *("--disallowedTools", "AskUserQuestion"),
)
_ANSWER: Final = 30.0
"""Seconds for an answer that needs no model."""
_REASONS: Final = {"max_tokens": StopReason.MAX_TOKENS, "refusal": StopReason.REFUSAL}


class ClaudeDriver:
    """One Claude Code process with one conversation."""

    def __init__(self, launch: Launch, sink: Sink) -> None:
        """Start nothing yet."""
        self._launch = launch
        self._sink = sink
        self._native: str | None = None
        self._state = AgentState()
        self._process = self._fresh()
        self._reader: asyncio.Task[None] | None = None
        self._answers: dict[str, asyncio.Future[records.Answer]] = {}
        self._result: asyncio.Future[records.Result] | None = None
        """Of the turn that runs."""
        self._fault: Fault | None = None
        self._cancelled = False
        self._asks = Asks(sink, self._send, lambda: self._result is not None and not self._cancelled)
        self._streamed: set[str] = set()
        self._meter = records.Meter()

    def _fresh(self, *more: str) -> AgentProcess:
        launch = structs.replace(self._launch, argv=[*self._launch.argv, *_FLAGS, *more])
        return AgentProcess(launch, lambda text: self._sink.tell(Notice(text)))

    @property
    def native(self) -> str | None:
        """Claude's own id of the conversation."""
        return self._native

    @property
    def state(self) -> AgentState:
        """What it offers, and what is chosen."""
        return self._state

    @property
    def alive(self) -> bool:
        """Whether it can take a prompt."""
        return self._native is not None and self._process.alive and self._fault is None

    @property
    def stderr(self) -> str:
        """The end of what it printed on standard error."""
        return self._process.stderr

    async def start(self) -> None:
        """Start the process and open the conversation. Raises Fault FAILED or TIMEOUT; nothing of it runs then."""
        started = False
        try:
            async with asyncio.timeout(self._launch.start_timeout):
                if self._launch.resume is None or not await self._resumed(self._launch.resume):
                    native = str(uuid.uuid4())
                    await self._open(native, "--session-id", native)
            started = True
        except TimeoutError:
            raise Fault(Code.TIMEOUT, f"the agent was not ready after {self._launch.start_timeout:g} seconds") from None
        finally:
            if not started:
                await self._end(grace=0)

    async def _resumed(self, native: str) -> bool:
        """Whether the earlier conversation goes on; Claude repeats nothing of it."""
        # Neither an option nor anything else that is no id.
        try:
            await self._open(native, "--resume", str(uuid.UUID(native)))
        except (Fault, ValueError):
            reason = self._process.stderr.strip()
            await self._end(grace=0)
            self._sink.tell(Notice(label(f"the conversation could not be resumed, a new one begins: {reason}")))
            return False
        try:
            spent = await self._control(subtype="get_usage")
            session = msgspec.convert(spent.get("session"), _Spent)
        except (Fault, msgspec.ValidationError):
            self._meter.resumed(None, None)
        else:
            self._meter.resumed(session.total_cost_usd, session.model_usage)
        return True

    async def _open(self, native: str, *flags: str) -> None:
        self._fault = None
        self._process = self._fresh(*flags)
        await self._process.start()
        self._reader = asyncio.create_task(self._read(self._process))
        hello = await self._control(subtype="initialize", hooks=None)
        self._native = native
        mode = hello.get("current_permission_mode")
        models = records.models(hello.get("models"))
        model = next((m.id for m in models if m.id == "default"), None)
        self._tell_state(AgentState(mode=mode if is_choice(mode) else None, modes=records.MODES, model=model, models=models))

    def _tell_state(self, state: AgentState) -> None:
        if state != self._state:
            self._state = state
            self._sink.tell(state)

    # What it says

    async def _read(self, process: AgentProcess) -> None:
        fault: Fault | None = None
        try:
            async for line in process.objects():
                kind = records.RECORDS.get(str(line.get("type")))
                if kind is None:
                    continue
                try:
                    record = msgspec.convert(line, kind)
                except msgspec.ValidationError as error:
                    process.garbage(f"the agent printed a line that is none: {error}")
                    continue
                self._take(line["type"], record)
        except Fault as error:
            fault = error
        self._fault = fault or Fault(Code.FAILED, await process.end_reason())
        self._asks.drop()
        waiting: list[asyncio.Future[Any]] = [*self._answers.values(), *([self._result] if self._result else [])]
        for future in waiting:
            if not future.done():
                future.set_exception(self._fault)

    def _take(self, kind: str, record: object) -> None:
        match record:
            case records.Streamed(event=event) if self._result and record.parent_tool_use_id is None:
                self._stream(event)
            case records.Said() if self._result:
                self._say(kind, record)
            case records.Result() if self._result and not self._result.done():
                self._result.set_result(record)
            case records.System(mode=mode) if is_choice(mode):
                self._tell_state(structs.replace(self._state, mode=mode))
            case records.Control():
                self._asks.take(record, self._process)
            case records.Withdrawn(request_id=request):
                self._asks.withdraw(request)
            case records.Answered(response=answer) if (future := self._answers.get(answer.request_id)) and not future.done():
                future.set_result(answer)

    def _stream(self, event: records.StreamEvent) -> None:
        if event.message:
            self._streamed.add(event.message.id)
        if event.delta:
            for kind, text in (("text", event.delta.text), ("thinking", event.delta.thinking)):
                for body in records.spoken(records.Block(kind, text=text, thinking=text)):
                    self._sink.tell(body)

    def _say(self, kind: str, said: records.Said) -> None:
        content = said.message.content
        for block in content if isinstance(content, list) else []:
            if block.type == "tool_result":
                self._sink.tell(records.tool_result(block))
            elif block.type == "tool_use":
                self._sink.tell(records.tool_call(block))
            elif kind == "assistant" and said.parent_tool_use_id is None and said.message.id not in self._streamed:
                for body in records.spoken(block):
                    self._sink.tell(body)

    # What it is told

    async def _send(self, message: Object) -> None:
        await self._process.send(msgspec.json.encode(message))

    async def _control(self, **request: object) -> Object:
        """Its answer to a question of ours. Raises Fault FAILED, BAD_REQUEST (it says no), TIMEOUT."""
        number = uuid.uuid4().hex
        future: asyncio.Future[records.Answer] = asyncio.get_running_loop().create_future()
        self._answers[number] = future
        try:
            async with asyncio.timeout(_ANSWER):
                await self._send({"type": "control_request", "request_id": number, "request": request})
                answer = await future
        except TimeoutError:
            raise Fault(Code.TIMEOUT, f"the agent did not answer within {_ANSWER:g} seconds") from None
        finally:
            del self._answers[number]
            _forget(future)
        if answer.subtype != "success":
            raise Fault(Code.BAD_REQUEST, label(self._launch.masked(answer.error or "the agent refuses"), REASON_MAX))
        return answer.response or {}

    async def prompt(self, text: str, attachments: Sequence[Attachment]) -> Outcome:
        """Run one turn. Raises Fault FAILED when the agent dies, breaks its protocol or says that it failed."""
        self._process.forgive()
        self._streamed.clear()
        self._cancelled = False
        content = [{"type": "text", "text": text}, *[await _block(attachment) for attachment in attachments]]
        self._result = asyncio.get_running_loop().create_future()
        try:
            if self._fault:
                raise self._fault
            await self._send({"type": "user", "message": {"role": "user", "content": content}})
            result = await self._result
        except Fault as fault:
            # Of no use any more.
            await self._process.close(grace=0)
            raise self._fault or fault from None
        finally:
            _forget(self._result)
            self._result = None
            self._asks.drop()
        return self._outcome(result)

    def _outcome(self, result: records.Result) -> Outcome:
        if self._cancelled:
            return Outcome(reason=StopReason.CANCELLED, usage=self._meter.turn(result))
        if result.subtype == "error_max_turns":
            return Outcome(reason=StopReason.MAX_TURN_REQUESTS, usage=self._meter.turn(result))
        if result.is_error:
            raise Fault(Code.FAILED, label(self._launch.masked(result.reason), REASON_MAX))
        return Outcome(reason=_REASONS.get(result.stop_reason or "", StopReason.END_TURN), usage=self._meter.turn(result))

    async def cancel(self) -> None:
        """Ask it to end the turn; `prompt` then returns with CANCELLED."""
        if self._result is None:
            return
        self._cancelled = True
        self._asks.drop()
        # When it no longer listens, `prompt` says so.
        with contextlib.suppress(Fault):
            await self._control(subtype="interrupt")

    async def configure(self, mode: str | None, model: str | None) -> None:
        """Choose; None leaves. Raises Fault BAD_REQUEST for what it does not offer."""
        if mode is not None and mode not in {m.id for m in self._state.modes}:
            raise Fault(Code.BAD_REQUEST, f"the agent has no mode `{label(mode, 100)}`")
        if model is not None and model not in {*self._launch.models, *(m.id for m in self._state.models)}:
            raise Fault(Code.BAD_REQUEST, f"the agent has no model `{label(model, 100)}`")
        if mode is not None and mode != self._state.mode:
            await self._control(subtype="set_permission_mode", mode=mode)
            self._tell_state(structs.replace(self._state, mode=mode))
        if model is not None and model != self._state.model:
            await self._control(subtype="set_model", model=model)
            self._tell_state(structs.replace(self._state, model=model))

    async def close(self) -> None:
        """End the process and all that it has started. Safe to call twice."""
        await self._end()

    async def _end(self, grace: float = GRACE) -> None:
        self._asks.drop()
        await self._process.close(grace=grace)
        if self._reader:
            await asyncio.wait([self._reader])


def _forget(future: asyncio.Future[Any]) -> None:
    """Nobody waits for it any more, nor for how it failed."""
    if not future.cancel() and not future.cancelled():
        future.exception()


class _Spent(msgspec.Struct):
    total_cost_usd: float
    model_usage: dict[str, records.ModelUsage]


async def _block(attachment: Attachment) -> Object:
    if (data := await image(attachment)) is not None:
        return {"type": "image", "source": {"type": "base64", "media_type": attachment.media_type, "data": data}}
    return {"type": "text", "text": f"[attached file {encoded(attachment.name)}: {attachment.path}]"}
