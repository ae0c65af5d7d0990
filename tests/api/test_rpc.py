import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.rpc import CALLS_MAX, Caller, Peer, connect, greet
from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX
from shared.guestwire import GUEST
from shared.guestwire.sessions import GetSession, ListSessions, Ping, Pong
from shared.guestwire.terminals import Output
from shared.hostwire import HOST, Entered, EnterWorkspace
from shared.ids import new_session_id, new_workspace_id
from shared.link import Link
from shared.messages import Done, Failure, Message, Request, Welcome, encode
from shared.rooms import Sessions
from tests.api.peers import welcome
from tests.wire import pack

PEER = Peer("the peer", Code.GUEST_MISBEHAVED, frozenset({Code.NOT_FOUND}))


class Pair:
    """A caller and the far end of its link."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.link = Link(ours, GUEST.reply_decoder, GUEST_FRAME_MAX)
        self.far = Link(theirs, GUEST.request_decoder, GUEST_FRAME_MAX)
        self.raw = theirs
        self.caller = Caller(self.link, PEER)

    async def heard(self) -> Request:
        message = await self.far.receive()
        assert isinstance(message, Request)
        return message

    async def close(self) -> None:
        await self.caller.close()
        self.far.close()


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    made = Pair()
    yield made
    await made.close()


def ping(pair: Pair, deadline: float = 5) -> asyncio.Task[Pong]:
    return asyncio.create_task(pair.caller.call(Ping(), Pong, deadline))


async def refused(task: "asyncio.Task[Pong]") -> Code:
    with pytest.raises(Fault) as caught:
        await task
    return caught.value.code


async def test_answers_may_come_in_any_order(pair: Pair) -> None:
    first, second = ping(pair), ping(pair)
    a, b = await pair.heard(), await pair.heard()
    await pair.far.send(Pong(id=b.id, pid=2))
    await pair.far.send(Pong(id=a.id, pid=1))
    assert [(await first).pid, (await second).pid] == [1, 2]


async def test_a_failure_is_the_callers_and_the_link_goes_on(pair: Pair) -> None:
    task = ping(pair)
    await pair.far.send(Failure(id=(await pair.heard()).id, code=Code.NOT_FOUND, message="no\x00such\x1bthing" + "x" * 5000))
    with pytest.raises(Fault) as caught:
        await task
    assert caught.value.code == Code.NOT_FOUND
    assert caught.value.message.startswith("no such thingxx")
    assert len(caught.value.message) == 2000
    assert pair.caller.alive


async def test_a_failure_with_a_code_that_is_not_the_peers_to_say_is_its_misbehaviour(pair: Pair) -> None:
    task = ping(pair)
    await pair.far.send(Failure(id=(await pair.heard()).id, code=Code.INTERNAL, message=""))
    assert await refused(task) == Code.GUEST_MISBEHAVED


@pytest.mark.parametrize(
    "answer",
    [
        Done(id=1),
        Sessions(id=1, items=[]),
        Pong(id=2, pid=1),
        Pong(pid=1),
        Failure(id=7, code=Code.NOT_FOUND, message=""),
        Welcome(version=1),
        Output(seq=0, data=b""),
    ],
)
async def test_an_answer_of_the_wrong_type_or_to_nothing_ends_the_link(pair: Pair, answer: Message) -> None:
    task = ping(pair)
    await pair.heard()
    await pair.far.send(answer)
    assert await refused(task) == Code.GUEST_MISBEHAVED
    await pair.caller.ended()
    assert None is await pair.far.receive()
    assert await refused(ping(pair)) == Code.UNAVAILABLE


@pytest.mark.parametrize(
    "raw",
    [
        struct.pack(">I", 2**32 - 1),
        struct.pack(">I", GUEST_FRAME_MAX + 1) + b"x",
        pack(b""),
        pack(b"\xc1"),
        pack(encode(Pong(id=1, pid=1)) + b"x"),
        pack(b"\x81\xa1t\xa4evil"),
        pack(b"\x91" * 4000),
    ],
)
async def test_what_is_no_message_ends_the_link_at_once(pair: Pair, raw: bytes) -> None:
    task = ping(pair)
    await pair.heard()
    pair.raw.send(raw)
    assert await refused(task) == Code.GUEST_MISBEHAVED


async def test_a_link_that_ends_inside_a_frame_is_misbehaviour_and_at_a_border_is_absence(pair: Pair) -> None:
    task = ping(pair)
    await pair.heard()
    pair.raw.send(pack(encode(Pong(id=1, pid=1)))[:-1])
    pair.far.close()
    assert await refused(task) == Code.GUEST_MISBEHAVED
    other = Pair()
    task = ping(other)
    await other.heard()
    other.far.close()
    assert await refused(task) == Code.UNAVAILABLE
    await other.close()


async def test_a_silent_peer_meets_the_deadline_and_its_late_answer_is_not_held_against_it(pair: Pair) -> None:
    task = ping(pair, 0.01)
    late = await pair.heard()
    assert await refused(task) == Code.TIMEOUT
    await pair.far.send(Pong(id=late.id, pid=1))
    task = ping(pair)
    await pair.far.send(Pong(id=(await pair.heard()).id, pid=2))
    assert (await task).pid == 2


async def test_a_cancelled_call_leaves_the_link_in_order(pair: Pair) -> None:
    task = ping(pair)
    late = await pair.heard()
    task.cancel()
    await asyncio.wait({task})
    await pair.far.send(Pong(id=late.id, pid=1))
    task = ping(pair)
    await pair.far.send(Pong(id=(await pair.heard()).id, pid=2))
    assert (await task).pid == 2


async def test_a_peer_that_answers_nothing_cannot_make_calls_pile_up(pair: Pair) -> None:
    tasks = [ping(pair) for _ in range(CALLS_MAX)]
    for _ in tasks:
        await pair.heard()
    assert await refused(ping(pair)) == Code.BUSY
    await pair.caller.close()
    await asyncio.wait(tasks)


async def test_a_peer_that_does_not_read_ends_its_link_at_the_deadline(pair: Pair) -> None:
    request = GetSession(session=new_session_id())
    calls = [asyncio.create_task(pair.caller.call(request, Done, 0.05)) for _ in range(CALLS_MAX)]
    pair.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    done, _ = await asyncio.wait(calls)
    assert {Code.TIMEOUT, Code.UNAVAILABLE} >= {error.code for task in done if isinstance(error := task.exception(), Fault)}


async def test_closing_the_caller_tells_those_who_wait(pair: Pair) -> None:
    task = ping(pair)
    await pair.heard()
    await pair.caller.close()
    assert await refused(task) == Code.UNAVAILABLE


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.binary(max_size=200).map(pack))
def test_no_bytes_of_a_peer_raise_anything_but_a_fault(raw: bytes) -> None:
    async def run() -> None:
        pair = Pair()
        call = asyncio.create_task(pair.caller.call(ListSessions(), Sessions, 5))
        await pair.heard()
        if raw:
            pair.raw.send(raw)
        pair.far.close()
        with pytest.raises(Fault) as caught:
            await call
        assert caught.value.code in {Code.GUEST_MISBEHAVED, Code.UNAVAILABLE, Code.NOT_FOUND}
        await pair.close()

    asyncio.run(run())


async def greeted(first: bytes | None, deadline: float = 5) -> Code | None:
    ours, theirs = socket.socketpair()
    with Link(ours, GUEST.reply_decoder, GUEST_FRAME_MAX) as link, theirs:
        if first is None:
            theirs.close()
        else:
            theirs.send(first)
        try:
            await greet(link, PEER, deadline)
        except Fault as error:
            assert link.socket.fileno() < 0
            return error.code
        return None


async def test_a_greeting_ends_with_a_welcome_of_our_version_or_a_fault() -> None:
    assert None is await greeted(pack(encode(Welcome(version=1))))
    assert await greeted(pack(encode(Welcome(version=2)))) == Code.GUEST_MISBEHAVED
    assert await greeted(pack(encode(Done()))) == Code.GUEST_MISBEHAVED
    assert await greeted(pack(encode(Failure(code=Code.VERSION, message="old")))) == Code.GUEST_MISBEHAVED
    assert await greeted(pack(encode(Failure(code=Code.NOT_FOUND, message="")))) == Code.NOT_FOUND
    assert await greeted(None) == Code.UNAVAILABLE
    assert await greeted(b"\0\0", 0.01) == Code.TIMEOUT


class Passing:
    """A caller of hostd whose answers bring sockets, and the far end of its link."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        self.far = Link(theirs, HOST.request_decoder, GUEST_FRAME_MAX)
        self.caller = Caller(Link(ours, HOST.reply_decoder, GUEST_FRAME_MAX, accept_fds=True), PEER, with_socket=Entered)

    def enter(self, deadline: float = 5) -> "asyncio.Task[tuple[Entered, socket.socket]]":
        request = EnterWorkspace(workspace=new_workspace_id())
        return asyncio.create_task(self.caller.call_for_socket(request, Entered, deadline))

    async def answer(self, *fds: int) -> None:
        request = await self.far.receive()
        assert isinstance(request, EnterWorkspace)
        await self.far.send(Entered(id=request.id, started=False, missing=[]), fds)

    async def close(self) -> None:
        await self.caller.close()
        self.far.close()


async def test_a_socket_comes_with_its_answer() -> None:
    passing = Passing()
    near, far = socket.socketpair()
    task = passing.enter()
    await passing.answer(far.fileno())
    _, got = await task
    with near, far, got:
        near.send(b"hello")
        assert got.recv(5) == b"hello"
        assert not os.get_inheritable(got.fileno())
    await passing.close()


async def test_a_socket_that_nobody_waits_for_any_more_is_closed() -> None:
    passing = Passing()
    near, far = socket.socketpair()
    near.setblocking(False)  # the standard library's signature
    task = passing.enter()
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    await passing.answer(far.fileno())
    far.close()
    ready = asyncio.Event()
    asyncio.get_running_loop().add_reader(near, ready.set)
    await asyncio.wait_for(ready.wait(), 5)
    asyncio.get_running_loop().remove_reader(near)
    with near:
        assert near.recv(1) == b""
    await passing.close()


async def test_an_answer_without_its_socket_or_with_another_descriptor_is_refused() -> None:
    passing = Passing()
    task = passing.enter()
    await passing.answer()
    with pytest.raises(Fault, match="the socket is missing"):
        await task
    await passing.close()
    passing = Passing()
    read, write = os.pipe()
    task = passing.enter()
    await passing.answer(read)
    with pytest.raises(Fault, match="no socket"):
        await task
    os.close(read)
    with pytest.raises(BrokenPipeError):
        os.write(write, b"x")
    os.close(write)
    await passing.close()


async def test_connecting_where_nobody_listens_says_so(tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught:
        connect(tmp_path / "none.sock", PEER)
    assert caught.value.code == Code.UNAVAILABLE


async def test_a_greeting_is_what_a_server_expects() -> None:
    ours, theirs = socket.socketpair()
    with Link(ours, GUEST.reply_decoder, GUEST_FRAME_MAX) as near, Link(theirs, GUEST.request_decoder, GUEST_FRAME_MAX) as far:
        await asyncio.gather(greet(near, PEER, 5), welcome(far))
