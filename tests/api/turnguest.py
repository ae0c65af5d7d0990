"""A guest in memory that speaks the wire about turns: what it has is what a test puts into it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace

from shared.errors import Code, Fault
from shared.guestwire import sessions as session_wire
from shared.guestwire import terminals as terminal_wire
from shared.guestwire import turns as wire
from shared.guestwire.watch import Current, PermissionChanged, TurnChanged, Watch
from shared.ids import new_permission_id, new_session_id
from shared.link import Link
from shared.messages import Done, Message, Reply, Request, rejection
from shared.rooms import SessionInfo, Sessions, SessionStatus, TerminalInfo, Terminals
from shared.turns import (
    AgentInfo,
    AgentState,
    AnsweredBy,
    Auth,
    Body,
    Choosable,
    ConversationInfo,
    Event,
    Option,
    OptionKind,
    PermissionInfo,
    StopReason,
    ToolKind,
    TurnEnded,
    TurnInfo,
    TurnStarted,
    TurnStatus,
)
from tests.api.peers import requests, welcome
from tests.api.rooms import Room, Rooms

MOMENT = "2026-01-01T00:00:00Z"
OPTIONS = [Option("yes", "Allow", OptionKind.ALLOW_ONCE), Option("no", "Reject", OptionKind.REJECT_ONCE)]


class TurnGuest:
    """The guest of one workspace, with one session."""

    def __init__(self) -> None:
        self.session = new_session_id()
        self.log: list[Event] = []
        self.turns: dict[str, TurnInfo] = {}
        self.permissions: dict[str, PermissionInfo] = {}
        self.terminals: list[TerminalInfo] = []
        self.asked: list[Request] = []
        self.links: set[Link] = set()
        self.watchers: set[Link] = set()
        self.fault: Fault | None = None
        """What a prompt answers."""
        self.usage: list[wire.UsageRow] = []
        self._news = asyncio.Event()

    async def serve(self, rooms: Rooms) -> Room:
        """Make it the guest of a fresh workspace."""
        self.room = await rooms.hostile(self.talk)
        self.path: Path = rooms.hostd.guests[self.room.workspace]
        self.base = f"{self.room.base}/sessions/{self.session}"
        return self.room

    def leave(self) -> None:
        """End all connections; hostd finds nothing that runs."""
        self.room.rooms.hostd.guests.pop(self.room.workspace, None)
        for link in tuple(self.links):
            link.close()

    def come(self) -> None:
        """Run again, for the next who enters."""
        self.room.rooms.hostd.guests[self.room.workspace] = self.path

    async def talk(self, link: Link) -> None:
        self.links.add(link)
        try:
            await welcome(link)
            async for request in requests(link):
                self.asked.append(request)
                if isinstance(request, wire.FollowEvents):
                    await self.follow(link, request)
                elif isinstance(request, Watch):
                    self.watchers.add(link)
                    await link.send(Done(id=request.id))
                    for turn in self.turns.values():
                        if turn.status is TurnStatus.RUNNING:
                            await link.send(TurnChanged(turn))
                    for permission in self.permissions.values():
                        if permission.by is None:
                            await link.send(PermissionChanged(permission))
                    await link.send(Current())
                else:
                    await link.send(replace(self.answer(request), id=request.id))
        finally:
            self.links.discard(link)
            self.watchers.discard(link)

    def answer(self, request: Request) -> Reply:
        if getattr(request, "session", None) not in {None, self.session}:
            return rejection(Fault(Code.NOT_FOUND, "there is no such session"))
        try:
            return HANDLERS[type(request)](self, request)
        except Fault as fault:
            return rejection(fault)

    async def follow(self, link: Link, request: wire.FollowEvents) -> None:
        if request.session != self.session:
            await link.send(rejection(Fault(Code.NOT_FOUND, "there is no such session"), request.id))
            return
        seq = request.after
        await link.send(wire.Following(id=request.id, last=len(self.log)))
        while True:
            for event in self.log[seq:]:
                await link.send(wire.Logged(event))
            seq = len(self.log)
            self._news.clear()
            await self._news.wait()

    def append(self, body: Body, turn: str | None = None) -> None:
        """One more event."""
        self.log.append(Event(seq=len(self.log) + 1, at=MOMENT, agent="claude", turn=turn, body=body))
        self._news.set()

    async def tell(self, message: Message) -> None:
        """Tell all who watch."""
        for link in tuple(self.watchers):
            with suppress(Fault):
                await link.send(message)

    async def end(self, turn: str, status: TurnStatus = TurnStatus.COMPLETED) -> None:
        """A turn ends."""
        self.turns[turn] = replace(self.turns[turn], status=status, ended=MOMENT, stop_reason=StopReason.END_TURN)
        self.append(TurnEnded(status), turn)
        await self.tell(TurnChanged(self.turns[turn]))

    def ask(self, turn: str, text: str = '{"command": "ls"}') -> PermissionInfo:
        """An agent asks for a permission."""
        info = PermissionInfo(
            permission=new_permission_id(),
            session=self.session,
            turn=turn,
            agent="claude",
            title="run ls",
            kind=ToolKind.EXECUTE,
            options=OPTIONS,
            asked=MOMENT,
            deadline="2026-01-01T00:10:00Z",
            input=text,
        )
        self.permissions[info.permission] = info
        return info

    def info(self) -> SessionInfo:
        return SessionInfo(session=self.session, name="x", status=SessionStatus.READY, created=MOMENT, active=MOMENT)

    def prompt(self, request: wire.Prompt) -> TurnInfo:
        if self.fault:
            raise self.fault
        known = self.turns.get(request.turn)
        if known is None:
            known = TurnInfo(
                turn=request.turn,
                session=request.session,
                agent=request.agent or "claude",
                worktree=request.worktree,
                status=TurnStatus.RUNNING,
                excerpt=request.text[:500],
                started=MOMENT,
                first=len(self.log) + 1,
            )
            self.turns[request.turn] = known
            self.append(TurnStarted(request.text), request.turn)
        return known

    def turn(self, turn: str) -> TurnInfo:
        if turn not in self.turns:
            raise Fault(Code.NOT_FOUND, "there is no such turn")
        return self.turns[turn]

    def list_turns(self, request: wire.ListTurns) -> wire.Turns:
        ids = list(reversed(self.turns))
        start = ids.index(request.before) + 1 if request.before else 0
        shown = ids[start : start + request.limit]
        more = shown[-1] if ids[start + request.limit :] else None
        return wire.Turns(items=[self.turns[turn] for turn in shown], next=more)

    def cancel_turn(self, request: wire.CancelTurn) -> TurnInfo:
        info = self.turn(request.turn)
        if info.status is TurnStatus.RUNNING:
            info = self.turns[request.turn] = replace(info, status=TurnStatus.CANCELLED, ended=MOMENT)
        return info

    def answer_permission(self, request: wire.AnswerPermission) -> PermissionInfo:
        info = self.permissions.get(request.permission)
        if info is None:
            raise Fault(Code.NOT_FOUND, "there is no such permission")
        if info.by is not None:
            raise Fault(Code.CONFLICT, "it has an answer")
        if request.option not in {None, *(option.id for option in info.options)}:
            raise Fault(Code.BAD_REQUEST, "not one of its options")
        info = self.permissions[info.permission] = replace(info, by=AnsweredBy.USER, option=request.option)
        return info

    def conversation(self, agent: str, worktree: str | None, mode: str | None = "ask") -> ConversationInfo:
        running = next((turn.turn for turn in self.turns.values() if turn.status is TurnStatus.RUNNING), None)
        state = AgentState(mode=mode, modes=[Choosable("ask", "Ask"), Choosable("plan", "Plan")])
        return ConversationInfo(
            session=self.session, agent=agent, worktree=worktree, running=True, turn=running, native="n", state=state
        )

    def conversations(self) -> wire.Conversations:
        return wire.Conversations(items=[self.conversation("claude", None)])

    def configure(self, request: wire.ConfigureConversation) -> ConversationInfo:
        if request.mode not in {None, "ask", "plan"}:
            raise Fault(Code.BAD_REQUEST, "the agent offers no such mode")
        return self.conversation(request.agent, request.worktree, request.mode)

    def page(self, request: wire.ListEvents) -> wire.EventPage:
        return wire.EventPage(items=self.log[request.after : request.after + request.limit], last=len(self.log))

    def kept(self, request: wire.ListPermissions) -> wire.Permissions:
        return wire.Permissions(items=[p for p in self.permissions.values() if p.by is None or not request.waiting])


AGENTS = [
    AgentInfo(agent="claude", title="Claude Code", installed=True, auth=Auth.READY, models=[Choosable("opus", "Opus")]),
    AgentInfo(agent="codex", title="Codex", installed=False, auth=Auth.MISSING, reason="its program is not there"),
]
HANDLERS: dict[type[Request], Callable[[TurnGuest, "object"], Reply]] = {
    session_wire.Ping: lambda _guest, _request: session_wire.Pong(pid=1),
    session_wire.ListSessions: lambda guest, _request: Sessions(items=[guest.info()]),
    session_wire.GetSession: lambda guest, _request: guest.info(),
    terminal_wire.ListTerminals: lambda guest, _request: Terminals(items=guest.terminals),
    wire.ListAgents: lambda _guest, _request: wire.Agents(items=AGENTS),
    wire.Prompt: TurnGuest.prompt,  # type: ignore[dict-item]
    wire.ListTurns: TurnGuest.list_turns,  # type: ignore[dict-item]
    wire.GetTurn: lambda guest, request: guest.turn(request.turn),  # type: ignore[attr-defined]
    wire.CancelTurn: TurnGuest.cancel_turn,  # type: ignore[dict-item]
    wire.ListPermissions: TurnGuest.kept,  # type: ignore[dict-item]
    wire.AnswerPermission: TurnGuest.answer_permission,  # type: ignore[dict-item]
    wire.ListConversations: lambda guest, _request: guest.conversations(),
    wire.ConfigureConversation: TurnGuest.configure,  # type: ignore[dict-item]
    wire.ListEvents: TurnGuest.page,  # type: ignore[dict-item]
    wire.GetUsage: lambda guest, _request: wire.UsageReport(items=guest.usage, today=1.5, month=7.25),
}
