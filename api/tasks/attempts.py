"""One attempt at a task: from its session to the end of its turn, whoever began it.

Session and turn are known by ids that were chosen before, and a guest makes each once: an attempt that an earlier process began
is gone through again, and finds what is there.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from api.clones import cloned
from api.guests import Guests
from api.secrets import Secrets
from api.streams.followers import Follower
from api.sweeper import Sweeper
from api.tasks.records import Outcome, Policy, Result, Task, TaskStatus
from api.tasks.tasks import Tasks
from api.workspaces import Workspaces, WorkspaceStatus
from shared.errors import Code, Fault
from shared.guestwire.turns import Budget, Prompt
from shared.log import logger
from shared.rooms import NAME_MAX, SessionStatus
from shared.turns import (
    Event,
    Message,
    Option,
    OptionKind,
    PermissionAsked,
    Plan,
    StopReason,
    Thought,
    ToolCall,
    TurnEnded,
    TurnInfo,
    TurnStatus,
)

RESULT_MAX: Final = 64 * 1024
"""Bytes of a result."""
CANCEL_SECONDS: Final = 60.0
"""For a turn to end that is cancelled: its guest kills what does not stop."""
FIRST_PAUSE: Final = 0.25
LONGEST_PAUSE: Final = 10.0
"""Seconds before something is tried again that cannot be done just now, the second the most."""
_PASSING: Final = frozenset({Code.UNAVAILABLE, Code.NOT_RUNNING, Code.TIMEOUT, Code.BUSY, Code.LIMIT, Code.CONFLICT})
"""What may be over soon: another turn of the agent runs in the session, or the guest was killed."""
_HOPEFUL: Final = _PASSING | {Code.FAILED, Code.GUEST_MISBEHAVED, Code.INTERNAL}
"""After which another try may help."""
_ORDER: Final = {
    Policy.ALLOW: (OptionKind.ALLOW_ONCE, OptionKind.ALLOW_ALWAYS),
    Policy.DENY: (OptionKind.REJECT_ONCE, OptionKind.REJECT_ALWAYS),
}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")

T = TypeVar("T")


class Words:
    """The last message of an agent, as its pieces come."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._said = bytearray()
        self._over = False
        self.truncated = False

    def take(self, event: Event) -> None:
        """One more event of the turn."""
        if isinstance(event.body, Message):
            if self._over:
                self._said.clear()
                self._over = self.truncated = False
            self._said += event.body.text.encode()
            if len(self._said) > RESULT_MAX:
                del self._said[RESULT_MAX:]
                self.truncated = True
        elif isinstance(event.body, Thought | ToolCall | Plan):
            self._over = True

    @property
    def text(self) -> str:
        """What was said; a letter that was cut is left out."""
        return self._said.decode(errors="ignore")


class Attempt:
    """One attempt at one task."""

    def __init__(
        self, task: Task, *, tasks: Tasks, guests: Guests, sweeper: Sweeper, secrets: Secrets, workspaces: Workspaces
    ) -> None:
        """Go through the latest attempt of `task`, which runs."""
        self._task = task
        self._tasks = tasks
        self._guests = guests
        self._sweeper = sweeper
        self._secrets = secrets
        self._workspaces = workspaces
        self._session = task.session or ""
        self._turn = task.turn or ""
        self._stopped = asyncio.Event()
        self._trouble: Fault | None = None
        """What is waited for to be over."""
        self._failed_clone = False
        self._asking = asyncio.Lock()
        """Held while the guest is asked to begin the turn."""
        self._closed = False
        """Whether it is too late to begin the turn."""
        if task.stop is not None:
            self._stopped.set()

    def stop(self) -> None:
        """Somebody wants it to end."""
        self._stopped.set()

    async def run(self) -> Outcome:
        """How it ends. What is cancelled goes on in the guest."""
        work = asyncio.create_task(self._work())
        stopping = asyncio.create_task(self._stopped.wait())
        # A clock that was set back must not make it longer.
        left = min(self._task.timeout, (self._task.started or 0.0) + self._task.timeout - time.time())
        try:
            await asyncio.wait({work, stopping}, timeout=max(left, 0.0), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return self._outcome(work)
            await self._interrupt(work)
            ended = self._outcome(work) if work.done() and not work.cancelled() else None
            if ended is not None and ended.status is TaskStatus.SUCCEEDED:
                return ended
            return self._unfinished(ended)
        finally:
            work.cancel()
            stopping.cancel()
            await asyncio.gather(work, stopping, return_exceptions=True)

    def _unfinished(self, ended: Outcome | None) -> Outcome:
        """How it ended that it was stopped, or that its time was over."""
        result = ended.result if ended else None
        if self._stopped.is_set():
            return Outcome(status=TaskStatus.CANCELLED, result=result)
        why = f": {self._trouble.message}" if self._trouble else ""
        return Outcome(status=TaskStatus.FAILED, error=f"it took more than {self._task.timeout:g} s{why}", result=result)

    def _outcome(self, work: "asyncio.Task[Outcome]") -> Outcome:
        error = work.exception()
        if error is None:
            return work.result()
        if not isinstance(error, Fault):
            logger().error("a task failed unexpectedly", task=self._task.id, exc_info=error)
            error = Fault(Code.INTERNAL, "an unexpected error; the server's log says more")
        again = error.code in _HOPEFUL
        return Outcome(status=TaskStatus.FAILED, error=error.message, again=again, fresh=again and self._failed_clone)

    async def _interrupt(self, work: "asyncio.Task[Outcome]") -> None:
        """Cancel the turn, and give it time to end."""
        try:
            async with asyncio.timeout(CANCEL_SECONDS):
                async with self._asking:
                    self._closed = True
                await self._guests.cancel_turn(self._task.workspace, self._session, self._turn)
                await asyncio.wait({work})
        except TimeoutError:
            logger().warning("a turn does not end", task=self._task.id, turn=self._turn)
        except Fault as fault:
            # NOT_FOUND: it has not begun.
            logger().info("a turn cannot be cancelled", task=self._task.id, turn=self._turn, reason=str(fault))

    # What is to be done

    async def _work(self) -> Outcome:
        await self._patiently(self._open_session)
        return await self._follow(await self._patiently(self._prompt))

    async def _patiently(self, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` answers, once what is in its way is over; the task's own time ends the wait."""
        pause = FIRST_PAUSE
        while True:
            await self._check()
            try:
                done = await work()
            except Fault as fault:
                if fault.code not in _PASSING:
                    raise
                self._trouble = fault
            else:
                self._trouble = None
                return done
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _check(self) -> None:
        # Another process may follow it too. What that one has ended and cleaned up must not be made and begun once more.
        if not await self._tasks.is_running(self._task):
            raise Fault(Code.GONE, "another process has ended it")
        row = await self._workspaces.find(self._task.workspace)
        if row is None or row.deleted is not None:
            raise Fault(Code.GONE, "the workspace was deleted")
        if row.status is not WorkspaceStatus.READY:
            raise Fault(Code.NOT_READY, f"the workspace is not ready: {row.status}")

    async def _open_session(self) -> None:
        """Make the task's own session, or look for the one that it names; return when that is no longer being cloned."""
        workspace, plan = self._task.workspace, self._task.plan
        if plan.session_id is None:
            await self._sweeper.expect(workspace)
            name = f"task: {_CONTROL.sub(' ', plan.prompt[:NAME_MAX]).strip()}"[:NAME_MAX]
            info = await self._guests.create_session(
                workspace, self._session, name, repo_url=plan.repo_url, ref=plan.ref, auth=None
            )
        else:
            info = await self._guests.get_session(workspace, self._session)
        if info.status is SessionStatus.CLONING:
            info = await cloned(self._guests, workspace, info)
        if info.status is SessionStatus.ERROR:
            self._failed_clone = plan.session_id is None
            raise Fault(Code.FAILED, f"the session could not be cloned: {info.error or 'git does not say why'}")

    async def _prompt(self) -> TurnInfo:
        plan, row = self._task.plan, await self._workspaces.get(self._task.workspace)
        request = Prompt(
            turn=self._turn,
            session=self._session,
            text=plan.prompt,
            agent=plan.agent,
            worktree=plan.worktree_id,
            mode=plan.mode,
            model=plan.model,
            budget=Budget(row.budget_day, row.budget_month),
            secrets=await self._secrets.of(row.id, self._session),
        )
        async with self._asking:
            if self._closed:
                raise Fault(Code.FAILED, "it was stopped before it began")
            return await self._guests.prompt(row.id, request)

    # The turn

    async def _follow(self, info: TurnInfo) -> Outcome:
        words = Words()
        follower = Follower(self._guests, self._task.workspace, self._session, max(info.first - 1, 0))
        with contextlib.closing(follower):
            await self._patiently(lambda: _opened(follower))
            async for event in follower.events():
                if event.turn != self._turn:
                    continue
                words.take(event)
                if isinstance(event.body, PermissionAsked):
                    await self._decide(event.body)
                if isinstance(event.body, TurnEnded):
                    return _ended(event.body, words)
        raise AssertionError("a log has no end")

    async def _decide(self, asked: PermissionAsked) -> None:
        option = chosen(self._task.plan.permissions, asked.options)
        try:
            await self._guests.answer_permission(self._task.workspace, self._session, asked.permission, option)
        except Fault as fault:
            if fault.code is not Code.CONFLICT:  # it was answered before, perhaps by an earlier process of ours
                logger().info("a permission cannot be answered", task=self._task.id, reason=str(fault))


async def _opened(follower: Follower) -> None:
    follower.close()  # what is left of an earlier try
    await follower.open()


def chosen(policy: Policy, options: list[Option]) -> str | None:
    """The option that the policy takes; None, which denies, when there is none of its kind."""
    return next((option.id for kind in _ORDER[policy] for option in options if option.kind is kind), None)


def _ended(body: TurnEnded, words: Words) -> Outcome:
    result = Result(text=words.text, truncated=words.truncated, stop_reason=body.stop_reason, usage=body.usage)
    if body.status is TurnStatus.COMPLETED and body.stop_reason in {None, StopReason.END_TURN}:
        return Outcome(status=TaskStatus.SUCCEEDED, result=result)
    if body.status is TurnStatus.COMPLETED:
        return Outcome(status=TaskStatus.FAILED, error=f"the agent stopped early: {body.stop_reason}", result=result)
    if body.status is TurnStatus.CANCELLED:
        return Outcome(status=TaskStatus.CANCELLED, result=result)
    return Outcome(status=TaskStatus.FAILED, error=body.error or "the turn failed", result=result, again=True)
