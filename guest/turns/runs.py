"""One turn, from its prompt to its end."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from guest.drivers.base import AgentDriver, Attachment, Outcome
from guest.git.snapshots import Snapshots
from guest.pricing import price
from guest.turns.conversations import Conversation
from guest.turns.desks import Desk
from shared.agents import Settings
from shared.errors import Code, Fault
from shared.guestwire.turns import Prompt
from shared.turns import REASON_MAX, STDERR_MAX, StopReason, TurnEnded, TurnInfo, TurnStatus, Usage

_log: Final = logging.getLogger(__name__)


class Run:
    """A turn that runs. It ends by itself, or is halted; in either case `run` tells how."""

    def __init__(
        self, info: TurnInfo, desk: Desk, conversation: Conversation, settings: Settings, snapshots: Snapshots
    ) -> None:
        """Run `info`, which has begun, in `conversation`."""
        self.info = info
        self.desk = desk
        self.conversation = conversation
        self._settings = settings
        self._snapshots = snapshots
        self._driver: AgentDriver | None = None
        """Once it works on the prompt."""
        self._halted: asyncio.Future[Fault | None] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()
        """Set when the end is in the log."""
        conversation.turn = info
        conversation.on_fault = self.halt

    def cancel(self) -> None:
        """Somebody wants it to end."""
        if not self._halted.done():
            self._halted.set_result(None)

    def halt(self, fault: Fault) -> None:
        """It cannot go on: its agent is ended, and it fails for this reason."""
        if not self._halted.done():
            self._halted.set_result(fault)

    async def run(self, request: Prompt, attachments: Sequence[Attachment]) -> TurnEnded:
        """Have the agent work on the prompt; how that ended."""
        try:
            return await self._run(request, attachments)
        except Exception:  # noqa: BLE001  # a defect must not leave the turn running
            _log.exception("%s failed", self.info.turn)
            return self._failure(Fault(Code.INTERNAL, "internal error"), None)

    async def _run(self, request: Prompt, attachments: Sequence[Attachment]) -> TurnEnded:
        work = asyncio.create_task(self._work(request, attachments))
        timeout = self._settings.turn_timeout
        done, _ = await asyncio.wait((work, self._halted), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        if not done:  # perhaps the agent will never say anything again, and no deadline ends what is in mid-turn
            self.halt(Fault(Code.TIMEOUT, f"the turn took more than {timeout:g} seconds"))
        if self._halted.done() and not work.done():
            await self._interrupt(work, gently=self._halted.result() is None)
        usage = None
        if not work.cancelled() and not work.exception():
            usage = await self._priced(work.result().usage)
        # Before its end is told: the next turn may begin then.
        await self._snapshots.end(self.desk.session, self.info.turn, self.conversation.cwd)
        return self._ending(work, usage)

    async def _work(self, request: Prompt, attachments: Sequence[Attachment]) -> Outcome:
        # While the agent starts, if it has to: it must not have the prompt before.
        snapshot = asyncio.create_task(self._snapshots.begin(self.desk.session, self.info.turn, self.conversation.cwd))
        try:
            driver = await self.conversation.open(request.secrets)
        finally:
            await snapshot
        if request.mode or request.model:
            await driver.configure(request.mode, request.model)
        self._driver = driver
        return await driver.prompt(request.text, attachments)

    async def _interrupt(self, work: "asyncio.Task[Outcome]", *, gently: bool) -> None:
        if gently and self._driver:
            with contextlib.suppress(Fault, TimeoutError):
                async with asyncio.timeout(self._settings.cancel_timeout):
                    await self._driver.cancel()
                    self.desk.permissions.end(self.info.turn)
                    await asyncio.wait((work,))
        if not work.done():
            work.cancel()
            await self.conversation.close()
            await asyncio.wait((work,))

    async def _priced(self, usage: Usage | None) -> Usage | None:
        if usage is None or usage.cost is not None:
            return usage
        try:
            return structs.replace(usage, cost=await price(usage))
        except Exception:  # noqa: BLE001  # a defect in pricing must not lose the turn
            _log.exception("%s: cannot be priced", self.info.turn)
            return usage

    def _ending(self, work: "asyncio.Task[Outcome]", usage: Usage | None) -> TurnEnded:
        fault = self._halted.result() if self._halted.done() else None
        cancelled = self._halted.done() and fault is None
        if fault:
            return self._failure(fault, usage)
        if work.cancelled():
            return TurnEnded(TurnStatus.CANCELLED, StopReason.CANCELLED)
        error = work.exception()
        if error is None:
            reason = work.result().reason
            status = TurnStatus.CANCELLED if reason is StopReason.CANCELLED else TurnStatus.COMPLETED
            return TurnEnded(status, reason, usage=usage)
        if cancelled:  # it did not stop, and was killed
            return TurnEnded(TurnStatus.CANCELLED, StopReason.CANCELLED)
        if not isinstance(error, Fault):
            _log.error("%s failed", self.info.turn, exc_info=error)
            error = Fault(Code.INTERNAL, "internal error")
        return self._failure(error, usage)

    def _failure(self, fault: Fault, usage: Usage | None) -> TurnEnded:
        stderr = _clean(self.conversation.stderr)[-STDERR_MAX:]
        return TurnEnded(TurnStatus.FAILED, error=_clean(fault.message)[:REASON_MAX], stderr=stderr or None, usage=usage)

    @property
    def prompted(self) -> bool:
        """Whether the agent got the prompt, so that it may have cost something."""
        return self._driver is not None

    def finish(self, ended: TurnEnded) -> None:
        """It is over."""
        self.info = self.desk.end(self.info, ended)
        self.conversation.turn = None
        self.conversation.rest()
        self.over.set()

    async def tidy(self) -> None:
        """Remove the snapshots of turns that ended long ago."""
        await self._snapshots.prune(self.desk.session, self.desk.journal.turns)


def _clean(text: str) -> str:
    """`text` without halves of surrogate pairs, which have no place in UTF-8."""
    return text.encode(errors="replace").decode()
