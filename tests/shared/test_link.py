"""Links over real socket pairs: whole messages, descriptors, back-pressure, and peers that break off."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest

from shared.errors import Code, Fault
from shared.frames import GUEST_FRAME_MAX, HEADER
from shared.guestwire import GUEST
from shared.guestwire.terminals import Input
from shared.link import Link
from shared.messages import Hello, encode
from tests.wire import pack


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Link, socket.socket]]:
    """A link, and the bare socket at its other end."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    link = Link(ours, GUEST.request_decoder, GUEST_FRAME_MAX, accept_fds=True)
    yield link, theirs
    link.close()
    theirs.close()


Pair = tuple[Link, socket.socket]


async def test_messages_arrive_whole_and_in_order(pair: Pair) -> None:
    link, peer = pair
    sent = [Input(data=os.urandom(n)) for n in (0, 1, 65536, 3)]
    loop = asyncio.get_running_loop()
    writing = asyncio.create_task(loop.sock_sendall(peer, b"".join(pack(encode(m)) for m in sent)))
    assert sent == [await link.receive() for _ in sent]
    await writing


async def test_the_end_of_the_stream_is_none_at_a_border_and_a_fault_inside_a_frame(pair: Pair) -> None:
    link, peer = pair
    peer.sendall(pack(encode(Hello(version=1))) + b"\0\0")
    peer.shutdown(socket.SHUT_WR)
    assert Hello(version=1) == await link.receive()
    with pytest.raises(Fault) as caught:
        await link.receive()
    assert Code.BAD_REQUEST == caught.value.code


async def test_a_clean_end_is_none(pair: Pair) -> None:
    link, peer = pair
    peer.close()
    assert await link.receive() is None


async def test_a_frame_of_four_gigabytes_is_refused_at_its_header(pair: Pair) -> None:
    link, peer = pair
    peer.sendall(HEADER.pack(2**32 - 1))
    with pytest.raises(Fault) as caught:
        await link.receive()
    assert Code.TOO_LARGE == caught.value.code


async def test_a_descriptor_travels_with_its_message(pair: Pair) -> None:
    link, peer = pair
    reading, writing = os.pipe()
    socket.send_fds(peer, [pack(encode(Hello(version=1)))], [reading])
    os.close(reading)
    await link.receive()
    received = link.take_fd()
    assert received is not None
    assert not os.get_inheritable(received)
    os.write(writing, b"through")
    assert b"through" == os.read(received, 10)
    assert link.take_fd() is None
    os.close(received)
    os.close(writing)


def open_fds() -> int:
    return len(os.listdir("/proc/self/fd"))


async def test_descriptors_that_nobody_asked_for_do_not_stay_open() -> None:
    before = open_fds()
    ours, theirs = socket.socketpair()
    with Link(ours, GUEST.request_decoder, GUEST_FRAME_MAX) as link:
        socket.send_fds(theirs, [pack(encode(Hello(version=1)))], [0] * 50)
        await link.receive()
        assert before + 2 == open_fds()
    theirs.close()


async def test_more_descriptors_than_are_accepted_do_not_stay_open() -> None:
    before = open_fds()
    ours, theirs = socket.socketpair()
    with Link(ours, GUEST.request_decoder, GUEST_FRAME_MAX, accept_fds=True) as link:
        for _ in range(5):
            socket.send_fds(theirs, [pack(encode(Hello(version=1)))], [0] * 50)
            await link.receive()
    theirs.close()
    assert before == open_fds()


async def test_a_send_waits_for_a_peer_that_does_not_read(pair: Pair) -> None:
    link, peer = pair
    message = Input(data=bytes(65536))

    async def flood() -> int:
        sent = 0
        while sent < 1000:
            await link.send(message)
            sent += 1
        return sent

    flooding = asyncio.create_task(flood())
    done, _ = await asyncio.wait([flooding], timeout=0.2)
    assert set() == done
    loop = asyncio.get_running_loop()
    left = 1000 * len(pack(encode(message)))
    while left:
        left -= len(await loop.sock_recv(peer, 1 << 20))
    assert 1000 == await flooding


async def test_concurrent_sends_do_not_mix_their_bytes(pair: Pair) -> None:
    link, peer = pair
    messages = [Input(data=bytes([n]) * 60_000) for n in range(40)]
    sending = [asyncio.create_task(link.send(message)) for message in messages]
    with Link(peer.dup(), GUEST.request_decoder, GUEST_FRAME_MAX) as other:
        got = [await other.receive() for _ in messages]
    await asyncio.gather(*sending)
    assert messages == got


async def test_closing_wakes_whoever_waits(pair: Pair) -> None:
    link, _peer = pair
    waiting = asyncio.create_task(link.receive())
    await asyncio.sleep(0)
    link.close()
    with pytest.raises(Fault) as caught:
        await waiting
    assert Code.UNAVAILABLE == caught.value.code


async def test_a_send_to_a_peer_that_is_gone_is_a_fault(pair: Pair) -> None:
    link, peer = pair
    peer.close()
    with pytest.raises(Fault) as caught:
        await link.send(Hello(version=1))
    assert Code.UNAVAILABLE == caught.value.code
