"""One agent at work in one worktree of a session: its process while there is one, and what of it outlives the process."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from msgspec import structs

from guest.agents.agents import Agents
from guest.drivers.base import AgentDriver, Ask
from guest.idle import Idle
from guest.turns.desks import Desk
from shared.agents import Settings
from shared.errors import Code, Fault
from shared.secret import Secret
from shared.turns import LABEL_MAX, AgentState, Body, Choosable, ConversationInfo, Notice, TurnInfo

_log: Final = logging.getLogger(__name__)


class Conversation:
    """A conversation: the `Sink` of its driver."""

    def __init__(
        self, desk: Desk, info: ConversationInfo, cwd: Path, *, agents: Agents, settings: Settings, idle: Idle
    ) -> None:
        """Go on with the conversation that `info` tells of, in the folder `cwd`."""
        self._desk = desk
        self._info = info
        self.cwd = cwd
        self._agents = agents
        self._settings = settings
        self._idle = idle
        self._driver: AgentDriver | None = None
        self._credential: object = None
        """What the process was signed in with."""
        self._secrets: Mapping[str, Secret] = {}
        """Those in its environment."""
        self._opening = asyncio.Lock()
        self._rest: asyncio.TimerHandle | None = None
        self._retiring: asyncio.Task[None] | None = None
        self.rested = 0.0
        """When it was last used, by the loop's clock."""
        self.turn: TurnInfo | None = None
        """The turn that runs."""
        self.on_fault: Callable[[Fault], None] = self.retire
        """Called when what the agent says can no longer be kept."""
        self._last_words = ""

    @property
    def info(self) -> ConversationInfo:
        """What is told of it."""
        running = self._driver is not None and self._driver.alive
        return structs.replace(self._info, running=running, turn=self.turn.turn if self.turn else None)

    @property
    def worktree(self) -> str | None:
        """The worktree in which it is; None for the clone itself."""
        return self._info.worktree

    @property
    def stderr(self) -> str:
        """The end of what its process, or the last one, has printed on standard error."""
        return self._driver.stderr if self._driver else self._last_words

    # What the driver tells

    def tell(self, body: Body) -> None:
        """Keep what the agent does, and tell whoever follows."""
        try:
            self._desk.log.append(self._info.agent, self.turn.turn if self.turn else None, body)
        except Fault as fault:
            self.on_fault(fault)
        if isinstance(body, AgentState):
            self._remember(state=body)

    async def ask(self, ask: Ask) -> str | None:
        """Have somebody decide about a permission; between turns it is denied."""
        if self.turn is None:
            return None
        try:
            return await self._desk.permissions.ask(self.turn, ask)
        except Fault as fault:
            self.on_fault(fault)
            return None

    def _remember(self, *, state: AgentState | None = None, native: str | None = None) -> None:
        info = structs.replace(self._info, state=state or self._info.state, native=native or self._info.native)
        if info == self._info:
            return
        self._info = info
        try:
            self._desk.journal.put(info)
        except Fault as fault:
            _log.warning("%s: %s", info.session, fault.message)

    # The process

    async def open(self, secrets: Mapping[str, Secret] | None) -> AgentDriver:
        """The driver of a process that has these secrets and can take a prompt, started if need be. Raises Fault as drivers do.

        None: those that it has.
        """
        async with self._opening:
            self._stay()
            credential = self._agents.credential(self._info.agent)
            secrets = self._secrets if secrets is None else secrets
            if self._driver and self._driver.alive and (credential, secrets) == (self._credential, self._secrets):
                return self._driver
            await self._end()
            self._credential, self._secrets = credential, secrets
            driver = await self._agents.launch(self._info.agent, self.cwd, self._info.native, self, secrets)
            self._driver = driver
            self._idle.hold()
            chosen = self._info.state
            try:
                await driver.start()
                self._remember(native=driver.native)
                await self._choose_again(driver, chosen)
            except BaseException:
                await self._end()
                raise
            return driver

    async def _choose_again(self, driver: AgentDriver, chosen: AgentState) -> None:
        """A process that is new does not always know what was chosen in an earlier one."""
        offered = driver.state
        mode = _other(chosen.mode, offered.mode, offered.modes)
        model = _other(chosen.model, offered.model, offered.models)
        if mode or model:
            try:
                await driver.configure(mode, model)
            except Fault as fault:
                self.tell(Notice(f"what was chosen before could not be chosen again: {fault.message}"[:LABEL_MAX]))

    async def configure(self, mode: str | None, model: str | None, secrets: Mapping[str, Secret]) -> ConversationInfo:
        """Choose. Raises Fault BAD_REQUEST for what the agent does not offer, and what `open` raises."""
        # A turn that runs keeps its process.
        driver = await self.open(secrets if self.turn is None else None)
        try:
            async with asyncio.timeout(self._settings.start_timeout):
                await driver.configure(mode, model)
        except TimeoutError:
            raise Fault(Code.TIMEOUT, "the agent does not answer") from None
        finally:
            self.rest()
        self._remember(state=driver.state, native=driver.native)
        return self.info

    def rest(self) -> None:
        """End the process once nobody has used it for some time; at once when it is of no use any more."""
        self._stay()
        self.on_fault = self.retire
        self.rested = asyncio.get_running_loop().time()
        if self._driver and not self.turn:
            delay = self._settings.idle_timeout if self._driver.alive else 0
            self._rest = asyncio.get_running_loop().call_later(delay, self.retire)

    def _stay(self) -> None:
        if self._rest:
            self._rest.cancel()
            self._rest = None

    def retire(self, _fault: Fault | None = None) -> None:
        """End the process soon, unless somebody uses it before."""
        if self._retiring is None or self._retiring.done():
            self._retiring = asyncio.create_task(self._close_idle())

    async def _close_idle(self) -> None:
        async with self._opening:
            if not self.turn:
                await self._end()

    async def close(self) -> None:
        """End the process; the next prompt starts another, which goes on with the conversation."""
        self._stay()
        if self._driver:
            await self._driver.close()  # one that is still starting holds the lock
        async with self._opening:
            await self._end()

    async def _end(self) -> None:
        if driver := self._driver:
            self._driver = None
            try:
                await driver.close()
            finally:
                self._last_words = driver.stderr
                self._idle.release()


def _other(chosen: str | None, now: str | None, offered: Iterable[Choosable]) -> str | None:
    """What was chosen, if it is another than what is chosen now, and still offered."""
    return chosen if chosen != now and chosen in {one.id for one in offered} else None
