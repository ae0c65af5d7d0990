"""The driver for agents that speak the Agent Client Protocol, version 1. Loaded with the first of them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import acp
from acp import schema
from acp.core import ClientSideConnection

from guest.drivers import acp_updates as updates
from guest.drivers.acp_calls import Calls
from guest.drivers.acp_pipe import AcpPipe
from guest.drivers.base import Ask, Attachment, Launch, Outcome, Sink
from guest.drivers.images import image
from guest.drivers.process import GRACE, AgentProcess
from guest.drivers.texts import encoded, is_choice, label
from shared.errors import Code, Fault
from shared.turns import REASON_MAX, AgentState, Notice, StopReason

_SIGN_IN: Final = -32000
"""ACP's code for an agent that is not signed in."""
_ANSWER: Final = 30.0
"""Seconds for an answer that needs no model."""
T = TypeVar("T")


class _Client:
    """What an agent may ask of us: permissions. It reads files and runs programs by itself, in the tenant's uid."""

    def __init__(self, driver: "AcpDriver") -> None:
        self._driver = driver

    async def request_permission(
        self, tool_call: schema.ToolCallUpdate, options: list[schema.PermissionOption], **_: object
    ) -> schema.RequestPermissionResponse:
        chosen = await self._driver.permission(tool_call, options)
        outcome: schema.AllowedOutcome | schema.DeniedOutcome = schema.DeniedOutcome(outcome="cancelled")
        if chosen is not None:
            outcome = schema.AllowedOutcome(outcome="selected", option_id=chosen)
        return schema.RequestPermissionResponse(outcome=outcome)

    async def create_elicitation(self, **_: object) -> schema.DeclineElicitationResponse:
        return schema.DeclineElicitationResponse(action="decline")


class AcpDriver:
    """One agent process with one conversation."""

    def __init__(self, launch: Launch, sink: Sink) -> None:
        """Start nothing yet."""
        self._launch = launch
        self._sink = sink
        self._process = AgentProcess(launch, lambda text: sink.tell(Notice(text)))
        self._pipe = AcpPipe(self._process, self._updated)
        self._calls = Calls(sink.tell)
        self._connection: ClientSideConnection | None = None
        self._native: str | None = None
        self._images = False
        self._state = AgentState()
        self._modes: schema.SessionModeState | None = None
        self._config: Sequence[Any] = ()
        self._prompting = False
        self._cancelled = False
        self._asks: set[asyncio.Task[str | None]] = set()
        self._cost: float | None = None if launch.resume else 0.0
        """Of the conversation so far; agents state no other."""
        self._stated: float | None = None

    @property
    def native(self) -> str | None:
        """The agent's own id of the conversation."""
        return self._native

    @property
    def state(self) -> AgentState:
        """What it offers, and what is chosen."""
        return self._state

    @property
    def alive(self) -> bool:
        """Whether it can take a prompt."""
        return self._native is not None and self._process.alive and not self._pipe.ended

    @property
    def stderr(self) -> str:
        """The end of what it printed on standard error."""
        return self._process.stderr

    async def start(self) -> None:
        """Start the process and open the conversation. Raises Fault FAILED or TIMEOUT; nothing of it runs then."""
        started = False
        try:
            async with asyncio.timeout(self._launch.start_timeout):
                await self._process.start()
                await self._open()
            started = True
        except TimeoutError:
            raise Fault(Code.TIMEOUT, f"the agent was not ready after {self._launch.start_timeout:g} seconds") from None
        finally:
            if not started:
                await self._end()

    async def _open(self) -> None:
        connection: Any = acp.connect_to_agent(_Client(self), self._pipe, use_unstable_protocol=True)  # type: ignore[arg-type]
        self._connection = connection
        async with self._answers():
            hello = await connection.initialize(
                protocol_version=acp.PROTOCOL_VERSION,
                client_capabilities=schema.ClientCapabilities(),
                client_info=schema.Implementation(name="hostel", version="0.1"),
            )
            if hello.protocol_version != acp.PROTOCOL_VERSION:
                raise Fault(Code.FAILED, f"the agent speaks version {hello.protocol_version} of its protocol, not 1")
            capabilities = hello.agent_capabilities or schema.AgentCapabilities()
            self._images = bool(capabilities.prompt_capabilities and capabilities.prompt_capabilities.image)
            if self._launch.resume is None or not await self._resumed(capabilities, self._launch.resume):
                await self._begin(hello.auth_methods or [])
        self._tell_state()

    async def _resumed(self, capabilities: schema.AgentCapabilities, native: str) -> bool:
        """Whether the earlier conversation goes on. What the agent repeats of it is not told: the log has it."""
        connection, cwd = self._connected, str(self._launch.cwd)
        offered = capabilities.session_capabilities
        try:
            reply: schema.ResumeSessionResponse | schema.LoadSessionResponse
            if offered and offered.resume:
                reply = await connection.resume_session(session_id=native, cwd=cwd, mcp_servers=[])
            elif capabilities.load_session:
                reply = await connection.load_session(session_id=native, cwd=cwd, mcp_servers=[])
            else:
                self._sink.tell(Notice("the agent cannot resume a conversation; it begins a new one"))
                return False
        except acp.RequestError as error:
            self._sink.tell(Notice(label(f"the conversation could not be resumed, a new one begins: {self._reason(error)}")))
            return False
        self._native = native
        self._offers(reply)
        return True

    async def _begin(self, methods: Sequence[Any]) -> None:
        connection, cwd = self._connected, str(self._launch.cwd)
        try:
            reply = await connection.new_session(cwd=cwd, mcp_servers=[])
        except acp.RequestError as error:
            # Some must be told to use the key that they were given.
            method = next((m.id for m in methods if str(m.id).endswith("api-key")), None)
            if error.code != _SIGN_IN or method is None:
                raise
            await connection.authenticate(method_id=method)
            reply = await connection.new_session(cwd=cwd, mcp_servers=[])
        if not is_choice(reply.session_id):
            raise Fault(Code.FAILED, "the agent gave its conversation an id that is empty or too long")
        self._native = reply.session_id
        self._cost = 0.0
        self._offers(reply)

    @property
    def _connected(self) -> ClientSideConnection:
        if self._connection is None:
            raise AssertionError("it was not started")
        return self._connection

    def _offers(self, reply: Any) -> None:  # noqa: ANN401  # a reply to session/new, load or resume
        self._modes, self._config = reply.modes, reply.config_options or ()

    def _tell_state(self) -> None:
        state = updates.state(self._modes, self._config)
        if state != self._state:
            self._state = state
            self._sink.tell(state)

    def _updated(self, params: object) -> None:
        try:
            told = updates.Told.model_validate(params)
        except (ValueError, RecursionError):
            self._process.garbage(f"the agent sent an update that is none: {encoded(params)[:200]}")
            return
        update = told.update
        if told.session_id != self._native and self._native is not None:
            return
        match update:
            case schema.CurrentModeUpdate() if self._modes:
                self._modes = self._modes.model_copy(update={"current_mode_id": update.current_mode_id})
                self._tell_state()
            case schema.ConfigOptionUpdate():
                self._config = update.config_options
                self._tell_state()
            case schema.UsageUpdate() if update.cost and update.cost.currency == "USD" and update.cost.amount >= 0:
                self._stated = update.cost.amount
            case schema.ToolCallStart() | schema.ToolCallProgress() if self._prompting:
                self._calls.update(update)
            case _ if self._prompting:
                for body in updates.bodies(update):
                    self._sink.tell(body)

    async def prompt(self, text: str, attachments: Sequence[Attachment]) -> Outcome:
        """Run one turn. Raises Fault FAILED when the agent dies, breaks its protocol or says that it failed."""
        self._process.forgive()
        self._cancelled, self._stated = False, None
        blocks = [schema.TextContentBlock(type="text", text=text), *[await self._block(a) for a in attachments]]
        self._prompting = True
        try:
            async with self._answers():
                reply = await self._connected.prompt(session_id=self._native or "", prompt=blocks)
        except Fault:
            if self._cancelled and self.alive:
                return Outcome(reason=StopReason.CANCELLED)
            raise
        finally:
            self._prompting = False
            self._calls.end()
            self._drop_asks()
        reason = StopReason.CANCELLED if self._cancelled else StopReason(reply.stop_reason)
        model = updates.model_used(reply) or self._state.model
        return Outcome(reason=reason, usage=updates.usage(reply.usage, self._spent(), model))

    def _spent(self) -> float | None:
        """What this turn cost, from what the conversation has cost."""
        before, self._cost = self._cost, self._stated if self._stated is not None else self._cost
        if self._stated is None or before is None or self._stated < before:
            return None
        return self._stated - before

    async def _block(self, attachment: Attachment) -> Any:  # noqa: ANN401  # one of the library's blocks
        path, media_type = attachment.path, attachment.media_type
        if self._images and (data := await image(attachment)) is not None:
            return schema.ImageContentBlock(type="image", mime_type=media_type, data=data)
        return schema.ResourceContentBlock(type="resource_link", name=attachment.name, uri=path.as_uri(), mime_type=media_type)

    async def permission(self, tool_call: schema.ToolCallUpdate, given: Sequence[schema.PermissionOption]) -> str | None:
        """The id of the option that was chosen; None when the turn is over, or nothing was."""
        options = updates.options(given)
        if not self._prompting or self._cancelled or not options:
            return None
        self._calls.flush()
        title, kind, call, text, cut = updates.asked(tool_call)
        ask = Ask(title=title, kind=kind, options=options, call=call, input=text, truncated=cut)
        task = asyncio.create_task(self._asked(ask))
        self._asks.add(task)
        await asyncio.wait([task])
        self._asks.discard(task)
        return None if task.cancelled() else task.result()

    async def _asked(self, ask: Ask) -> str | None:
        return await self._sink.ask(ask)

    def _drop_asks(self) -> None:
        for task in self._asks:
            task.cancel()

    async def cancel(self) -> None:
        """Ask it to end the turn; `prompt` then returns with CANCELLED."""
        if not self._prompting or self._native is None:
            return
        self._cancelled = True
        self._drop_asks()
        # When it no longer listens, `prompt` says so.
        with contextlib.suppress(Fault, ConnectionError):
            await self._connected.cancel(session_id=self._native)

    async def configure(self, mode: str | None, model: str | None) -> None:
        """Choose; None leaves. Raises Fault BAD_REQUEST for what it does not offer."""
        if mode is not None and mode not in {m.id for m in self._state.modes}:
            raise Fault(Code.BAD_REQUEST, f"the agent has no mode `{label(mode, 100)}`")
        if model is not None and model not in {*self._launch.models, *(m.id for m in self._state.models)}:
            raise Fault(Code.BAD_REQUEST, f"the agent has no model `{label(model, 100)}`")
        async with self._answers():
            if mode is not None and mode != self._state.mode:
                await self._choose_mode(mode)
            if model is not None and model != self._state.model:
                await self._choose("model", model)
        self._tell_state()

    async def _choose_mode(self, mode: str) -> None:
        if self._modes is None:
            await self._choose("mode", mode)
            return
        await self._timely(self._connected.set_session_mode(session_id=self._native or "", mode_id=mode))
        self._modes = self._modes.model_copy(update={"current_mode_id": mode})

    async def _choose(self, category: str, value: str) -> None:
        option = updates.select(self._config, category)
        if option is None:
            raise Fault(Code.BAD_REQUEST, f"the agent offers no choice of a {category}")
        call = self._connected.set_config_option(config_id=option.id, session_id=self._native or "", value=value)
        self._config = (await self._timely(call)).config_options

    async def _timely(self, answer: Awaitable[T]) -> T:
        try:
            async with asyncio.timeout(_ANSWER):
                return await answer
        except TimeoutError:
            raise Fault(Code.TIMEOUT, f"the agent did not answer within {_ANSWER:g} seconds") from None

    @asynccontextmanager
    async def _answers(self) -> AsyncIterator[None]:
        """What goes wrong while it answers, as Fault FAILED; an agent that is no longer of use is ended."""
        try:
            yield
        except acp.RequestError as error:
            raise Fault(Code.FAILED, self._reason(error)) from error
        except ValueError as error:
            reason = self._launch.masked(f"the agent gave an answer that is none: {error}")
            raise Fault(Code.FAILED, label(reason, REASON_MAX)) from error
        except (ConnectionError, Fault) as error:
            if isinstance(error, Fault) and not self._pipe.ended and self._process.alive:
                raise
            if self._pipe.fault is None:
                self._pipe.fault = Fault(Code.FAILED, await self._process.end_reason())
            await self._end(grace=0)
            raise self._pipe.fault from error

    async def close(self) -> None:
        """End the process and all that it has started. Safe to call twice."""
        await self._end()

    async def _end(self, grace: float = GRACE) -> None:
        self._drop_asks()
        await self._process.close(grace=grace)
        if self._connection:
            await self._connection.close()

    def _reason(self, error: acp.RequestError) -> str:
        """What it says of its failure, details and all."""
        data, message = error.data, str(error)
        known = [data[name] for name in ("details", "message") if data.get(name)] if isinstance(data, dict) else []
        details = known[0] if known else data
        more = details if isinstance(details, str) else encoded(details) if details else ""
        return label(self._launch.masked(message if more in message else f"{message}: {more}"), REASON_MAX)
