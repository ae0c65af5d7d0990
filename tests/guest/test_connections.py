import array
import asyncio
import os
import random
import socket
import struct

import pytest

from shared import guestwire as wire
from shared import rooms
from shared.errors import Code
from shared.frames import GUEST_FRAME_MAX
from shared.ids import new_session_id, new_terminal_id
from shared.messages import VERSION, Failure, Hello, Request, encode
from tests.guest.harness import Client, Guest, encoded
from tests.wire import pack

SESSION, TERMINAL = new_session_id(), new_terminal_id()


async def test_ping_tells_the_pid(guest: Guest) -> None:
    client = await guest.client()
    assert wire.sessions.Pong(pid=guest.pid, id=1) == await client.ask(wire.sessions.Ping())


async def test_another_version_is_refused(guest: Guest) -> None:
    client = Client(guest.raw())
    await client.link.send(Hello(VERSION + 1))
    failure = await client.expect_failure()
    assert Code.VERSION == failure.code
    assert await client.receive() is None
    client.close()


async def test_a_call_before_hello_is_refused(guest: Guest) -> None:
    client = Client(guest.raw())
    await client.link.send(wire.sessions.Ping(id=1))
    assert Code.BAD_REQUEST == (await client.expect_failure()).code
    assert await client.receive() is None
    client.close()


@pytest.mark.parametrize(
    "request_",
    [
        wire.sessions.GetSession(session=SESSION),
        wire.sessions.RenameSession(session=SESSION, name="x"),
        wire.sessions.DeleteSession(session=SESSION),
        wire.sessions.CreateWorktree(session=SESSION, worktree="wt" + "0" * 24, name="x"),
        wire.sessions.ListWorktrees(session=SESSION),
        wire.sessions.RemoveWorktree(session=SESSION, worktree="wt" + "0" * 24),
        wire.terminals.CreateTerminal(terminal=TERMINAL, session=SESSION),
        wire.terminals.ListTerminals(session=SESSION),
        wire.terminals.GetTerminal(terminal=TERMINAL),
        wire.terminals.CloseTerminal(terminal=TERMINAL),
        wire.terminals.AttachTerminal(terminal=TERMINAL),
    ],
    ids=lambda r: type(r).__name__,
)
async def test_what_is_not_there_is_not_found_and_the_connection_goes_on(guest: Guest, request_: Request) -> None:
    client = await guest.client()
    reply = await client.ask(request_)
    assert isinstance(reply, Failure)
    assert Code.NOT_FOUND == reply.code
    assert isinstance(await client.ask(wire.sessions.Ping()), wire.sessions.Pong)


async def test_many_calls_at_once_are_each_answered(guest: Guest) -> None:
    client = await guest.client()
    for number in range(1, 501):
        await client.link.send(wire.sessions.Ping(id=number))
    replies = [await client.expect(wire.sessions.Pong) for _ in range(500)]
    assert set(range(1, 501)) == {reply.id for reply in replies}


async def test_a_caller_that_does_not_read_costs_nothing(guest: Guest) -> None:
    client = await guest.client()
    before = guest.memory()
    payload = pack(encode(wire.sessions.Ping(id=1))) * 1000
    client.link.socket.setblocking(False)
    sent = 0
    for _ in range(200):
        try:
            sent += client.link.socket.send(payload)
        except BlockingIOError:
            await asyncio.sleep(0.01)
    assert isinstance(await (await guest.client()).ask(wire.sessions.Ping()), wire.sessions.Pong)
    assert guest.memory() - before < 4_000_000


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\xff" * 100,
        encoded({"t": "nonsense", "id": 1}),
        encoded({"t": "ping", "id": 1, "uid": 0}),
        encoded({"t": "ping", "id": "1"}),
        encoded({"t": "ping", "id": -1}),
        encoded({"t": "ping", "id": 0}),
        encoded({"t": "create_terminal", "id": 1, "terminal": "../x", "session": SESSION}),
        encoded({"t": "create_terminal", "id": 1, "terminal": TERMINAL, "session": SESSION, "columns": 0}),
        encoded({"t": "create_terminal", "id": 1, "terminal": TERMINAL, "session": SESSION, "rows": -1}),
        encoded({"t": "create_terminal", "id": 1, "terminal": TERMINAL, "session": SESSION, "columns": 10**9}),
        encoded({"t": "create_terminal", "id": 1, "terminal": TERMINAL, "session": SESSION, "command": ["a\0b"]}),
        encoded({"t": "create_session", "id": 1, "session": SESSION, "name": "a\nb"}),
        encoded({"t": "create_session", "id": 1, "session": SESSION, "name": ""}),
        encoded({"t": "create_session", "id": 1, "session": SESSION, "name": "x" * 101}),
        encoded({"t": "get_session", "id": 1, "session": SESSION + "\n"}),
        encoded({"t": "input", "data": b"x"}),
        encoded({"t": "done", "id": 1}),
        b"\x91" * 5000,
    ],
)
async def test_what_is_not_a_request_ends_the_connection_with_a_reason(guest: Guest, payload: bytes) -> None:
    client = await guest.client()
    await asyncio.get_running_loop().sock_sendall(client.link.socket, pack(payload))
    assert Code.BAD_REQUEST == (await client.expect_failure()).code
    assert await client.receive() is None
    assert isinstance(await (await guest.client()).ask(wire.sessions.Ping()), wire.sessions.Pong)


async def test_a_frame_of_four_gibibytes_is_refused_at_its_header(guest: Guest) -> None:
    client = await guest.client()
    before = guest.memory()
    await asyncio.get_running_loop().sock_sendall(client.link.socket, struct.pack(">I", 2**32 - 1))
    assert Code.TOO_LARGE == (await client.expect_failure()).code
    assert guest.memory() - before < 1_000_000


async def test_fuzzed_frames_neither_kill_it_nor_leak(guest: Guest) -> None:
    rng = random.Random(7)  # reproducible
    await guest.client()
    before = guest.descriptors()
    for number in range(300):
        sock = guest.raw()
        create = wire.sessions.CreateSession(id=1, session=SESSION, name="x" * 50)
        data = bytearray(pack(encode(Hello(VERSION))) + pack(encode(create)))
        for _ in range(rng.randrange(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        sock.sendall(data[: rng.randrange(len(data) + 1)])
        if number % 3:
            sock.shutdown(socket.SHUT_WR)
        sock.close()
    assert isinstance(await (await guest.client()).ask(wire.sessions.Ping()), wire.sessions.Pong)
    async with asyncio.timeout(10):
        while guest.descriptors() > before + 1:
            await asyncio.sleep(0.02)
    assert "Traceback" not in guest.log()


async def test_descriptors_that_are_sent_along_are_dropped(guest: Guest) -> None:
    client = await guest.client()
    before = guest.descriptors()
    fds = array.array("i", [os.open("/dev/null", os.O_RDONLY) for _ in range(10)])
    for number in range(2, 50):
        socket.send_fds(client.link.socket, [pack(encode(wire.sessions.Ping(id=number)))], list(fds))
        await client.expect(wire.sessions.Pong)
    # The guest may have opened a file of its own meanwhile; one message that was kept would be ten.
    assert guest.descriptors() < before + len(fds)
    for fd in fds:
        os.close(fd)


async def test_the_largest_input_fits_a_frame(guest: Guest) -> None:
    assert len(encode(wire.terminals.Input(b"x" * rooms.INPUT_MAX))) < GUEST_FRAME_MAX
    assert guest.pid
