import asyncio
import contextlib
import os
import random
import signal
import socket
import time

import pytest

from shared import guestwire as wire
from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX
from shared.link import Link
from shared.messages import VERSION, Failure, Hello, Welcome
from tests.guest.conftest import MakeGuest
from tests.guest.harness import Guest


async def test_it_leaves_when_idle_though_connections_are_open(make_guest: MakeGuest) -> None:
    guest = make_guest(idle_timeout=0.3)
    client, watcher = await guest.client(), await guest.client()
    await watcher.call(wire.watch.Watch())
    assert await guest.exited() == 0
    assert await client.receive() is None
    with pytest.raises(ConnectionRefusedError):
        guest.raw()


async def test_requests_keep_it(make_guest: MakeGuest) -> None:
    guest = make_guest(idle_timeout=0.6)
    client = await guest.client()
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        await client.call(wire.sessions.Ping())
        await asyncio.sleep(0.05)
    assert await guest.exited() == 0


async def test_a_running_terminal_keeps_it_and_its_end_lets_it_go(make_guest: MakeGuest) -> None:
    guest = make_guest(idle_timeout=0.3)
    terminal = await guest.terminal("/bin/sleep", "1.2")
    began = time.monotonic()
    assert await guest.exited() == 0
    assert time.monotonic() - began > 0.9
    assert terminal.pid


async def test_a_clone_keeps_it(make_guest: MakeGuest) -> None:
    guest = make_guest(idle_timeout=0.2, clone_timeout=1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        await guest.session(repo_url=f"git://127.0.0.1:{server.getsockname()[1]}/x")
        began = time.monotonic()
        assert await guest.exited() == 0
    assert time.monotonic() - began > 0.8


async def test_every_caller_is_answered_or_cleanly_refused_while_it_leaves(make_guest: MakeGuest) -> None:
    """However a connection falls around the moment of leaving: before a Welcome it ends, after one each request is answered."""
    rng = random.Random(3)  # reproducible
    outcomes: set[str] = set()
    for _ in range(6):
        guest = make_guest(idle_timeout=0.1)
        await guest.client()
        for _ in range(30):
            outcomes.add(outcome := await _call(guest))
            if outcome == "refused":
                break
            await asyncio.sleep(rng.uniform(0.096, 0.102))
        assert await guest.exited() == 0
    assert outcomes <= {"answered", "refused", "not welcomed", "leaving"}
    assert "answered" in outcomes


async def _call(guest: Guest) -> str:
    try:
        sock = guest.raw()
    except ConnectionRefusedError:
        return "refused"
    with Link(sock, wire.GUEST.reply_decoder, GUEST_FRAME_MAX) as link:
        try:
            await link.send(Hello(VERSION))
            welcome = await link.receive()
        except Fault:
            return "not welcomed"
        if welcome is None:
            return "not welcomed"
        assert Welcome(VERSION) == welcome
        try:
            await link.send(wire.sessions.Ping(id=1))
        except Fault:
            return "leaving"
        reply = await link.receive()
        if reply is None or (isinstance(reply, Failure) and reply.code == Code.UNAVAILABLE):
            return "leaving"
        assert isinstance(reply, wire.sessions.Pong)
        return "answered"


async def test_the_backlog_is_refused_without_a_welcome(guest: Guest) -> None:
    await guest.client()
    os.kill(guest.pid, signal.SIGSTOP)
    waiting = [guest.raw() for _ in range(5)]
    for sock in waiting:
        sock.sendall(b"\0\0\0\1")
    os.kill(guest.pid, signal.SIGTERM)
    os.kill(guest.pid, signal.SIGCONT)
    assert await guest.exited() == 0
    for sock in waiting:
        with sock, contextlib.suppress(ConnectionResetError):
            assert sock.recv(100) == b""


async def test_many_connections_at_once_are_served(guest: Guest) -> None:
    clients = [await guest.client() for _ in range(200)]
    assert len(await asyncio.gather(*(client.call(wire.sessions.Ping()) for client in clients))) == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_cleanly(guest: Guest, number: signal.Signals) -> None:
    await guest.client()
    os.kill(guest.pid, number)
    assert await guest.exited() == 0
    assert "Traceback" not in guest.log()


async def test_without_what_hostd_gives_it_says_so(make_guest: MakeGuest) -> None:
    guest = make_guest(idle_timeout=-1)
    assert await guest.exited() == 2
    assert "hostd starts this program" in guest.log()
