import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from api.guests import ATTEMPTS, Guests, Stream
from api.hosts import Hosts
from shared.config import Config
from shared.errors import Code, Fault
from shared.guestwire import GUEST
from shared.guestwire.sessions import GetSession, ListSessions, ListWorktrees, Pong
from shared.guestwire.terminals import Attached, AttachTerminal, GetTerminal, ListTerminals, Output
from shared.ids import new_session_id, new_terminal_id, new_workspace_id, new_worktree_id
from shared.link import Link
from shared.messages import Done, Failure, Message, Reply, encode
from shared.rooms import (
    SessionInfo,
    Sessions,
    SessionStatus,
    TerminalInfo,
    Terminals,
    TerminalStatus,
    WorktreeInfo,
    Worktrees,
)
from tests.api.peers import Conversation, Hostd, guest, requests, welcome
from tests.wire import pack

STREAMS = {
    *("attach_terminal", "watch", "follow_events"),
    *("search_files", "read_file", "write_file", "create_attachment", "read_attachment", "fetch_remote", "push_branch"),
    "export_home",
}


class Scene:
    """Guests behind a hostd, and what was asked of it."""

    def __init__(self, folder: Path, hostd: Hostd, guests: Guests, stack: AsyncExitStack) -> None:
        self.hostd = hostd
        self.guests = guests
        self._folder = folder
        self._stack = stack

    async def workspace(self, talk: Conversation) -> str:
        """A workspace whose guest does as `talk` says."""
        workspace = new_workspace_id()
        path = self._folder / workspace[:8]
        await self._stack.enter_async_context(guest(path, talk))
        self.hostd.guests[workspace] = path
        return workspace


@pytest.fixture
async def scene(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        hostd = Hostd(tmp_path)
        await stack.enter_async_context(hostd.running())
        hosts = Hosts(Config(run=str(tmp_path)))
        guests = Guests(hosts, getattr(request, "param", 5.0))
        made = Scene(tmp_path, hostd, guests, await stack.enter_async_context(AsyncExitStack()))
        yield made
        await guests.close()
        await hosts.close()


async def code_of(call: Awaitable[object]) -> Code:
    with pytest.raises(Fault) as caught:
        await call
    return caught.value.code


def session(number: int, name: str) -> SessionInfo:
    return SessionInfo(id=number, session=name, name="x", status=SessionStatus.READY, created="", active="")


def terminal(number: int, terminal: str, session: str) -> TerminalInfo:
    return TerminalInfo(
        id=number,
        terminal=terminal,
        session=session,
        worktree=None,
        status=TerminalStatus.RUNNING,
        pid=1,
        columns=80,
        rows=24,
        viewers=0,
        created="",
        command=[],
        seq=0,
    )


async def polite(link: Link) -> None:
    await welcome(link)
    async for request in requests(link):
        await link.send(Pong(id=request.id, pid=1))


def answering(*answers: Reply) -> Conversation:
    """A guest that gives one of `answers` to each request, whatever was asked."""
    left = list(answers)

    async def talk(link: Link) -> None:
        await welcome(link)
        async for request in requests(link):
            answer = left.pop(0)
            await link.send(type(answer)(**{**{f: getattr(answer, f) for f in answer.__struct_fields__}, "id": request.id}))

    return talk


def test_every_verb_has_a_method_of_its_name_and_reply() -> None:
    wanted = {v.name: (v.reply, Stream) if v.name in STREAMS else (v.reply,) for v in GUEST.verbs.values()}
    found = {name: get_type_hints(getattr(Guests, name))["return"] for name in wanted}
    assert wanted == {name: get_args(kind) or (kind,) for name, kind in found.items()}
    methods = {name for name in dir(Guests) if callable(getattr(Guests, name)) and not name.startswith("_")}
    assert {*wanted, "arrival", "call", "close", "editing", "stream"} == methods


async def test_many_calls_enter_a_workspace_once(scene: Scene) -> None:
    workspace = await scene.workspace(polite)
    pongs = await asyncio.gather(*(scene.guests.ping(workspace) for _ in range(50)))
    assert len(pongs) == 50
    assert [workspace] == [request.workspace for request in scene.hostd.entered]


async def test_looking_starts_nothing_and_making_does(scene: Scene) -> None:
    workspace, name = new_workspace_id(), new_terminal_id()
    for call in (
        scene.guests.list_terminals(workspace),
        scene.guests.get_terminal(workspace, name),
        scene.guests.close_terminal(workspace, name),
        scene.guests.attach_terminal(workspace, name),
        scene.guests.watch(workspace),
    ):
        assert await code_of(call) == Code.NOT_RUNNING
    assert {False} == {request.start for request in scene.hostd.entered}
    scene.hostd.entered.clear()
    assert await code_of(scene.guests.list_sessions(workspace)) == Code.NOT_RUNNING
    assert [request.start for request in scene.hostd.entered] == [True]


@pytest.mark.parametrize("deaths", [1, ATTEMPTS - 1, ATTEMPTS])
async def test_a_guest_that_leaves_before_its_welcome_is_entered_again_at_most_three_times(scene: Scene, deaths: int) -> None:
    left = deaths

    async def talk(link: Link) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            await polite(link)

    workspace = await scene.workspace(talk)
    if deaths < ATTEMPTS:
        await scene.guests.ping(workspace)
    else:
        assert await code_of(scene.guests.ping(workspace)) == Code.UNAVAILABLE
    assert min(deaths + 1, ATTEMPTS) == len(scene.hostd.entered)


@pytest.mark.parametrize("said", [True, False])
async def test_a_call_that_meets_a_leaving_guest_is_made_again(scene: Scene, *, said: bool) -> None:
    lives = 0

    async def talk(link: Link) -> None:
        nonlocal lives
        lives += 1
        await welcome(link)
        count = 0
        async for request in requests(link):
            count += 1
            if lives == 1 and count == 2:
                if said:
                    await link.send(Failure(id=request.id, code=Code.UNAVAILABLE, message="leaving"))
                    await link.receive()
                return
            await link.send(Pong(id=request.id, pid=lives))

    workspace = await scene.workspace(talk)
    assert [(await scene.guests.ping(workspace)).pid for _ in range(2)] == [1, 2]


async def test_a_guest_that_leaves_under_each_call_is_not_asked_for_ever(scene: Scene) -> None:
    calls = 0

    async def talk(link: Link) -> None:
        nonlocal calls
        await welcome(link)
        await link.receive()
        calls += 1

    workspace = await scene.workspace(talk)
    assert await code_of(scene.guests.ping(workspace)) == Code.UNAVAILABLE
    assert calls == ATTEMPTS


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        struct.pack(">I", 2**32 - 1),
        pack(b"junk"),
        pack(encode(Pong(pid=1))),
        pack(encode(Failure(code=Code.UNAUTHORIZED, message="log in again"))),
    ],
)
@pytest.mark.parametrize("scene", [0.2], indirect=True)
async def test_a_guest_that_greets_wrongly_or_not_at_all_fails_alone(scene: Scene, greeting: bytes) -> None:
    async def talk(link: Link) -> None:
        await link.receive()
        link.socket.send(greeting)
        await link.receive()

    bad, good = await scene.workspace(talk), await scene.workspace(polite)
    failure = asyncio.create_task(code_of(scene.guests.ping(bad)))
    await scene.guests.ping(good)
    assert (Code.GUEST_MISBEHAVED if greeting else Code.TIMEOUT) == await failure
    await scene.guests.ping(good)


@pytest.mark.parametrize("scene", [0.1], indirect=True)
async def test_a_guest_that_answers_nothing_meets_the_deadline(scene: Scene) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        async for _ in requests(link):
            pass

    workspace = await scene.workspace(talk)
    assert await code_of(scene.guests.get_terminal(workspace, new_terminal_id())) == Code.TIMEOUT
    assert await code_of(scene.guests.watch(workspace)) == Code.TIMEOUT


@pytest.mark.parametrize("code", [Code.INTERNAL, Code.UNAUTHORIZED, Code.FORBIDDEN, Code.VERSION, Code.NOT_RUNNING])
async def test_a_guest_cannot_speak_for_hostel(scene: Scene, code: Code) -> None:
    workspace = await scene.workspace(answering(Failure(code=code, message="")))
    assert await code_of(scene.guests.list_sessions(workspace)) == Code.GUEST_MISBEHAVED


S, T, W = new_session_id(), new_terminal_id(), new_worktree_id()
WORKTREE = WorktreeInfo(worktree=W, session=S, name="", branch=None, commit=None, created="")


async def asked(guests: Guests, workspace: str, ask: Message) -> Reply:
    match ask:
        case GetSession():
            return await guests.get_session(workspace, ask.session)
        case GetTerminal():
            return await guests.get_terminal(workspace, ask.terminal)
        case ListTerminals():
            return await guests.list_terminals(workspace, ask.session)
        case ListWorktrees():
            return await guests.list_worktrees(workspace, ask.session)
        case _:
            return await guests.list_sessions(workspace)


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (GetSession(session=S), session(0, new_session_id())),
        (GetTerminal(terminal=T), terminal(0, new_terminal_id(), S)),
        (ListTerminals(session=S), Terminals(items=[terminal(0, T, S), terminal(0, T, new_session_id())])),
        (ListWorktrees(session=new_session_id()), Worktrees(items=[WORKTREE])),
        (ListSessions(), Done()),
        (ListSessions(), Terminals(items=[])),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_an_answer_about_something_else_is_misbehaviour(scene: Scene, ask: Message, answer: Reply) -> None:
    workspace = await scene.workspace(answering(answer))
    assert await code_of(asked(scene.guests, workspace, ask)) == Code.GUEST_MISBEHAVED


@pytest.mark.parametrize("answer", [Done(), Pong(pid=1), Output(seq=0, data=b"")], ids=lambda value: type(value).__name__)
async def test_a_stream_begins_with_its_own_answer(scene: Scene, answer: Message) -> None:
    async def talk(link: Link) -> None:
        await welcome(link)
        await link.receive()
        await link.send(answer)
        await link.receive()

    workspace = await scene.workspace(talk)
    assert await code_of(scene.guests.attach_terminal(workspace, new_terminal_id())) == Code.GUEST_MISBEHAVED


async def test_each_stream_has_a_connection_of_its_own_and_ends_with_it(scene: Scene) -> None:
    links: list[Link] = []

    async def talk(link: Link) -> None:
        await welcome(link)
        request = await link.receive()
        assert isinstance(request, AttachTerminal)
        links.append(link)
        await link.send(Attached(id=request.id, seq=len(links), columns=80, rows=24, viewers=len(links)))
        await link.send(Output(seq=len(links), data=b"x"))
        await link.receive()

    workspace = await scene.workspace(talk)
    (one, first), (two, second) = [await scene.guests.attach_terminal(workspace, new_terminal_id()) for _ in range(2)]
    assert [one.seq, two.seq] == [1, 2]
    assert Output(seq=1, data=b"x") == await first.receive()
    first.close()
    assert Output(seq=2, data=b"x") == await second.receive()
    links[1].close()
    assert await code_of(second.receive()) == Code.UNAVAILABLE
    second.close()


async def test_whoever_waits_for_a_guest_hears_of_its_arrival(scene: Scene) -> None:
    workspace = await scene.workspace(polite)
    arrival = scene.guests.arrival(workspace)
    assert not arrival.is_set()
    await scene.guests.ping(workspace)
    assert arrival.is_set()
    assert not scene.guests.arrival(workspace).is_set()


async def test_a_list_that_is_longer_than_agreed_is_misbehaviour(scene: Scene) -> None:
    items = [session(0, new_session_id()) for _ in range(501)]
    workspace = await scene.workspace(answering(Sessions(items=items)))
    assert await code_of(scene.guests.list_sessions(workspace)) == Code.GUEST_MISBEHAVED
