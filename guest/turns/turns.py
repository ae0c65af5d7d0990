"""All turns of the workspace: who may begin one, and what becomes of those that run."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Final

from msgspec import structs

from guest.agents.agents import Agents
from guest.clock import now
from guest.drivers.base import Attachment
from guest.events import Events
from guest.files import attachments
from guest.git.snapshots import Snapshots
from guest.git.worktrees import Worktrees
from guest.idle import Idle
from guest.quota import Quota
from guest.room import Room
from guest.sessions.sessions import Session, Sessions
from guest.turns.conversations import Conversation
from guest.turns.desks import JOURNAL, Desk
from guest.turns.runs import Run
from guest.turns.usage import Ledger
from shared.errors import Code, Fault
from shared.guestwire.turns import CloseConversation, ConfigureConversation, Prompt
from shared.guestwire.watch import PermissionChanged, TurnChanged
from shared.messages import Message
from shared.turns import EXCERPT_MAX, AgentState, ConversationInfo, TurnInfo, TurnStarted, TurnStatus, Usage

_log: Final = logging.getLogger(__name__)


class Turns:
    """All turns."""

    def __init__(
        self,
        room: Room,
        *,
        sessions: Sessions,
        worktrees: Worktrees,
        agents: Agents,
        events: Events,
        idle: Idle,
        quota: Quota,
        snapshots: Snapshots,
    ) -> None:
        """None runs yet."""
        self._settings = room.registry.settings
        self._sessions = sessions
        self._worktrees = worktrees
        self._agents = agents
        self._events = events
        self._idle = idle
        self._quota = quota
        self._snapshots = snapshots
        self._desks: dict[str, Desk] = {}
        self._conversations: dict[tuple[str, str, str | None], Conversation] = {}
        """By session, agent and worktree."""
        self._runs: dict[str, Run] = {}
        """By turn."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._tallied = False
        self.usage = Ledger(room.home / ".hostel" / "usage.jsonl")

    # What there is

    def desk(self, session: str) -> Desk:
        """A session's log, turns and permissions. Raises Fault NOT_FOUND, FAILED."""
        if session not in self._desks:
            self._desks[session] = Desk(self._sessions.get(session), self._events, self._settings)
        return self._desks[session]

    def running(self, session: str, worktree: str | None = None) -> bool:
        """Whether a turn runs in a session, or in one of its worktrees."""
        return bool(self._in(session, worktree))

    def _in(self, session: str, worktree: str | None) -> list[Run]:
        runs = [run for run in self._runs.values() if run.info.session == session]
        return [run for run in runs if worktree in (None, run.info.worktree)]

    def changing(self) -> Iterator[tuple[str, Message]]:
        """The turns that run and the permissions that wait, for one who begins to watch."""
        for run in self._runs.values():
            yield run.info.turn, TurnChanged(run.info)
            for asked in run.desk.permissions.all(waiting=True):
                yield asked.permission, PermissionChanged(asked)

    def alive(self, session: str | None) -> bool:
        """Whether an agent's process is there, in a session or in any."""
        return any(session in (None, key[0]) and conversation.info.running for key, conversation in self._conversations.items())

    def get(self, session: str, turn: str) -> TurnInfo:
        """One turn. Raises Fault NOT_FOUND, FAILED."""
        try:
            return self.desk(session).journal.turns[turn]
        except KeyError:
            raise Fault(Code.NOT_FOUND, "there is no such turn") from None

    def conversations(self, session: str) -> list[ConversationInfo]:
        """Those of a session, oldest first. Raises Fault NOT_FOUND, FAILED."""
        kept = {
            # The file may say what it likes: what runs is known here.
            (session, info.agent, info.worktree): structs.replace(info, running=False, turn=None)
            for info in self.desk(session).journal.conversations.values()
        }
        # One whose agent has not started yet is not in the journal.
        present = {key: conversation.info for key, conversation in self._conversations.items() if key[0] == session}
        return list((kept | present).values())

    # What is done

    async def prompt(self, request: Prompt) -> TurnInfo:
        """Begin a turn. Raises Fault as `shared.guestwire.turns.Prompt` says."""
        session = self._sessions.get(request.session).ready()
        desk = self.desk(session.id)
        if known := desk.journal.turns.get(request.turn):
            return known
        agent = self._usable(request.agent)
        files = attachments.resolve(session.folder, request.attachments)
        await self.usage.check(request.budget)
        await self._quota.check()
        # From here on nothing waits, so that two prompts cannot both be the last that is allowed.
        if known := self.desk(session.id).journal.turns.get(request.turn):
            return known
        conversation = self._conversation(session, agent, request.worktree)
        self._check_room(desk, conversation)
        if request.turn in self._runs:
            raise Fault(Code.CONFLICT, "another session has a turn with this id")
        info = TurnInfo(
            turn=request.turn,
            session=session.id,
            agent=agent,
            worktree=request.worktree,
            status=TurnStatus.RUNNING,
            excerpt=request.text[:EXCERPT_MAX],
            started=now(),
            first=desk.log.last + 1,
        )
        self._make_room()
        info = desk.begin(info, TurnStarted(request.text, request.worktree, request.attachments))
        run = self._runs[info.turn] = Run(info, desk, conversation, self._settings, self._snapshots)
        self._idle.hold()
        session.touch()
        self._spawn(self._run(run, request, files))
        return info

    def _usable(self, agent: str | None) -> str:
        name = agent or self._settings.default
        try:
            self._agents.usable(name)
        except Fault as fault:
            # Whose provider is switched off is not forbidden to anybody.
            raise Fault(Code.NOT_READY, fault.message) if fault.code is Code.FORBIDDEN else fault from None
        return name

    def _check_room(self, desk: Desk, conversation: Conversation) -> None:
        if conversation.turn:
            raise Fault(Code.CONFLICT, f"the turn {conversation.turn.turn} of this agent runs here")
        if len(self._runs) >= self._settings.turns:
            raise Fault(Code.LIMIT, f"{self._settings.turns} turns run in the workspace, and there may not be more")
        if desk.log.full:
            raise Fault(Code.LIMIT, f"the session's log has reached its {self._settings.log} bytes; begin another session")

    def _make_room(self) -> None:
        """Agents are large: of those that wait for another prompt, there are no more than turns may run."""
        alive = [conversation for conversation in self._conversations.values() if conversation.info.running]
        idle = sorted((one for one in alive if not one.turn), key=lambda one: one.rested)
        for conversation in idle[: max(0, len(alive) - self._settings.turns + 1)]:
            conversation.retire()

    def _conversation(self, session: Session, agent: str, worktree: str | None) -> Conversation:
        key = (session.id, agent, worktree)
        cwd = self._folder(session, worktree)
        if key not in self._conversations:
            desk = self.desk(session.id)
            fresh = ConversationInfo(
                session=session.id, agent=agent, worktree=worktree, running=False, turn=None, native=None, state=AgentState()
            )
            info = desk.journal.conversations.get((agent, worktree), fresh)
            self._conversations[key] = Conversation(
                desk, info, cwd, agents=self._agents, settings=self._settings, idle=self._idle
            )
        return self._conversations[key]

    def _folder(self, session: Session, worktree: str | None) -> Path:
        return self._worktrees.folder(session, worktree) if worktree else session.repo

    async def _run(self, run: Run, request: Prompt, files: list[Attachment]) -> None:
        ended = await run.run(request, files)
        if run.prompted:
            # Before its end is told: whoever then prompts again, or asks for the usage, finds it counted.
            await self._count(run, ended.usage)
        del self._runs[run.info.turn]
        run.finish(ended)
        try:
            run.desk.session.touch()
            run.desk.session.keep()
            await run.desk.sync()
            await run.tidy()
        except Fault as fault:
            _log.warning("%s: %s", run.info.turn, fault.message)
        finally:
            self._idle.release()

    async def _count(self, run: Run, usage: Usage | None) -> None:
        try:
            await self.usage.add(run.info, usage)
        except Fault as fault:
            _log.warning("%s: its usage cannot be kept: %s", run.info.turn, fault.message)
        session = run.desk.session
        session.used = self.usage.totals().get(session.id)
        self._sessions.changed(session)

    def cancel(self, session: str, turn: str) -> TurnInfo:
        """Have a turn end. Raises Fault NOT_FOUND, FAILED."""
        info = self.get(session, turn)
        if run := self._runs.get(turn):
            run.cancel()
        return info

    async def configure(self, request: ConfigureConversation) -> ConversationInfo:
        """Choose for a conversation, whose agent is started if need be. Raises Fault as the request says."""
        session = self._sessions.get(request.session).ready()
        if request.mode is None and request.model is None:
            raise Fault(Code.BAD_REQUEST, "there is neither a mode nor a model to choose")
        conversation = self._conversation(session, self._usable(request.agent), request.worktree)
        session.touch()
        return await conversation.configure(request.mode, request.model, request.secrets)

    async def release(self, request: CloseConversation) -> None:
        """End an agent's process, and keep its conversation. Raises Fault as the request says."""
        key = (self._sessions.get(request.session).id, request.agent, request.worktree)
        if conversation := self._conversations.get(key):
            if conversation.turn:
                raise Fault(Code.CONFLICT, f"the turn {conversation.turn.turn} of this agent runs here")
            await conversation.close()
        elif (request.agent, request.worktree) not in self.desk(request.session).journal.conversations:
            raise Fault(Code.NOT_FOUND, "the agent has not worked here")

    # How it ends

    async def end(self, session: str, fault: Fault, worktree: str | None = None) -> None:
        """End the agents of a session, or of one of its worktrees, and their turns."""
        runs = self._in(session, worktree)
        for run in runs:
            run.halt(fault)
        for run in runs:
            await run.over.wait()
        for key in [key for key in self._conversations if key[0] == session and worktree in (None, key[2])]:
            await self._conversations.pop(key).close()

    async def forget(self, session: str) -> None:
        """A session is deleted: end its agents, and let go of its files."""
        await self.end(session, Fault(Code.GONE, "the session was deleted"))
        if desk := self._desks.pop(session, None):
            desk.close()

    async def close(self) -> None:
        """The guest goes: end all agents."""
        for run in self._runs.values():
            run.halt(Fault(Code.UNAVAILABLE, "the workspace's supervisor was stopped"))
        for key in list(self._conversations):
            await self._conversations.pop(key).close()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for desk in self._desks.values():
            desk.close()
        self.usage.close()

    async def tally(self) -> None:
        """See to it that sessions know what their turns have used; once, as what is added later is known."""
        if self._tallied:
            return
        try:
            await self.usage.load()
        except Fault as fault:
            _log.warning("the usage of sessions is not known: %s", fault.message)
            return
        self._tallied = True
        totals = self.usage.totals()
        for session in self._sessions.all():
            session.used = totals.get(session.id)

    async def recover(self) -> None:
        """End what agents and turns of an earlier guest have left."""
        await self._agents.end_leftovers()
        for session in self._sessions.all():
            if session.id in self._desks or not (session.folder / JOURNAL).exists():
                continue
            try:
                Desk(session, self._events, self._settings).close()
            except Fault as fault:
                _log.warning("%s: %s", session.id, fault.message)
            await asyncio.sleep(0)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
