import asyncio
import random

import pytest
from msgspec import UNSET

from shared import guestwire as wire
from shared.errors import Code, Fault
from shared.messages import Failure
from tests.guest.conftest import MakeGuest
from tests.guest.harness import Attachment, Guest

COUNT = 20_000
NUMBERS = b"".join(b"%d\r\n" % n for n in range(1, COUNT + 1))


async def test_the_smallest_of_those_who_said_their_size_wins(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/bash", "-c", "while read x; do stty size; done", columns=100, rows=40)
    first, second = await guest.attach(terminal.terminal), await guest.attach(terminal.terminal)
    await first.link.send(wire.terminals.Resize(120, 30))
    await first.until_viewers(wire.terminals.Viewers(2, 120, 30))
    await second.link.send(wire.terminals.Resize(90, 50))
    for viewer in (first, second):
        await viewer.until_viewers(wire.terminals.Viewers(2, 90, 30))
    await first.type(b"\n")
    await first.until(b"30 90\r\n")
    second.close()
    await first.until_viewers(wire.terminals.Viewers(1, 120, 30))
    await first.type(b"\n")
    await first.until(b"30 120\r\n")


async def test_a_viewer_that_did_not_say_its_size_does_not_shrink_others(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/cat", columns=100, rows=40)
    quiet, loud = await guest.attach(terminal.terminal), await guest.attach(terminal.terminal)
    await loud.link.send(wire.terminals.Resize(200, 60))
    await quiet.until_viewers(wire.terminals.Viewers(2, 200, 60))
    loud.close()
    await quiet.until_viewers(wire.terminals.Viewers(1, 200, 60))


async def test_everybody_sees_the_same_bytes(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", f"read x; seq 1 {COUNT}")
    viewers = [await guest.attach(terminal.terminal, 0) for _ in range(4)]
    await viewers[0].type(b"\n")
    await asyncio.gather(*(viewer.until_exit() for viewer in viewers))
    for viewer in viewers:
        assert b"\r\n" + NUMBERS == viewer.seen


async def test_resume_after_breaks_neither_loses_nor_doubles_a_byte(make_guest: MakeGuest) -> None:
    guest = make_guest(ring=4 * 1024 * 1024)  # between two connections nobody looks, and the program runs on
    rng = random.Random(11)  # reproducible
    terminal = await guest.terminal("/bin/sh", "-c", f"read x; seq 1 {COUNT * 10}")
    seen = bytearray()
    attachment = await guest.attach(terminal.terminal, 0)
    await attachment.type(b"\n")
    breaks = 0
    while not attachment.exited:
        message = await attachment.step()
        if not isinstance(message, wire.terminals.Exited) and rng.random() < 0.5:
            breaks += 1
            seen += attachment.seen
            seq = attachment.seq
            if rng.random() < 0.5:
                attachment.close()
                attachment = await guest.attach(terminal.terminal, seq)
            else:
                attachment = await _resumed(attachment, seq)
            assert seq == attachment.seq
    seen += attachment.seen
    assert b"\r\n" + b"".join(b"%d\r\n" % n for n in range(1, COUNT * 10 + 1)) == seen
    assert breaks > 5


async def _resumed(attachment: Attachment, seq: int) -> Attachment:
    """Resume on the same connection; what was under way before the answer is not counted."""
    await attachment.link.send(wire.terminals.Resume(seq))
    while not isinstance(await attachment.step(), wire.terminals.Attached):
        pass
    attachment.seen.clear()
    attachment.exited = None
    return attachment


async def test_resume_from_what_the_ring_lost_shows_the_gap(make_guest: MakeGuest) -> None:
    guest = make_guest(ring=4096)
    terminal = await guest.terminal("/bin/sh", "-c", f"seq 1 {COUNT}; read x")
    client = await guest.client()
    async with asyncio.timeout(10):
        while (info := await client.call(wire.terminals.GetTerminal(terminal=terminal.terminal))).seq < len(NUMBERS):
            await asyncio.sleep(0.01)
    attachment = await guest.attach(terminal.terminal, 10)
    assert info.seq - 4096 == attachment.seq
    assert await attachment.until(b"%d\r\n" % COUNT) == NUMBERS[-4096:]


async def test_resume_at_any_time_replays(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/echo", "hello")
    attachment = await guest.attach(terminal.terminal)
    for _ in range(3):
        await attachment.until_exit()
        assert b"hello\r\n" == attachment.seen
        await _resumed(attachment, 0)


@pytest.mark.parametrize("after", [8, 2**62])
async def test_resume_beyond_the_end_is_refused(guest: Guest, after: int) -> None:
    terminal = await guest.terminal("/bin/echo", "hello")
    attachment = await guest.attach(terminal.terminal)
    await attachment.until_exit()
    with pytest.raises(Fault, match="bad_request"):
        await guest.attach(terminal.terminal, after)
    await attachment.link.send(wire.terminals.Resume(after))
    assert Code.BAD_REQUEST == (await attachment.expect_failure()).code
    assert await attachment.receive() is None


async def test_who_resumes_without_reading_is_held_back(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", "seq 1 20000; read x")
    attachment = await guest.attach(terminal.terminal)
    before = guest.memory()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(2):
            while True:
                await attachment.link.send(wire.terminals.Resume(0))
    assert guest.memory() - before < 4_000_000
    assert isinstance(await (await guest.client()).ask(wire.sessions.Ping()), wire.sessions.Pong)


async def _rest(guest: Guest, terminal: str) -> int:
    """How much was printed, once it is no longer growing."""
    client = await guest.client()
    last, since = -1, 0
    async with asyncio.timeout(15):
        while since < 10:
            seq = (await client.call(wire.terminals.GetTerminal(terminal=terminal))).seq
            since = since + 1 if seq == last else 0
            last = seq
            await asyncio.sleep(0.05)
    return last


async def test_a_single_viewer_that_does_not_read_stops_the_program_and_memory_stays_flat(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", "read x; exec yes")
    attachment = await guest.attach(terminal.terminal)
    before = guest.memory()
    await attachment.type(b"\n")
    stopped = await _rest(guest, terminal.terminal)
    assert stopped < 2_000_000
    assert guest.memory() - before < 2_000_000
    while attachment.seq < stopped + 1_000_000:
        await attachment.step()
    assert await _rest(guest, terminal.terminal) < attachment.seq + 2_000_000
    attachment.close()
    client = await guest.client()
    async with asyncio.timeout(10):
        while (await client.call(wire.terminals.GetTerminal(terminal=terminal.terminal))).seq < stopped + 20_000_000:
            await asyncio.sleep(0.01)
    assert guest.memory() - before < 2_000_000


async def test_a_stuck_viewer_does_not_stop_one_who_reads_and_is_told_when_it_fell_behind(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", "read x; exec yes")
    stuck, reading = await guest.attach(terminal.terminal), await guest.attach(terminal.terminal)
    await reading.type(b"\n")
    while reading.seq < 5_000_000:
        await reading.step()
        reading.seen.clear()
    while not isinstance(message := await stuck.step(), Failure):
        assert message is not None
    assert Code.LIMIT == message.code
    assert await stuck.receive() is None
    resumed = await guest.attach(terminal.terminal, stuck.seq)
    assert resumed.seq > stuck.seq


async def test_without_viewers_the_program_runs_on(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/sh", "-c", f"seq 1 {COUNT * 5}; exit 3")
    client = await guest.client()
    async with asyncio.timeout(10):
        while (await client.call(wire.terminals.GetTerminal(terminal=terminal.terminal))).exit_code != 3:
            await asyncio.sleep(0.01)


async def test_an_attached_connection_carries_nothing_else(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/cat")
    attachment = await guest.attach(terminal.terminal)
    await attachment.link.send(wire.sessions.Ping(id=5))
    assert Code.BAD_REQUEST == (await attachment.expect_failure()).code
    assert await attachment.receive() is None


async def test_viewers_are_limited(guest: Guest) -> None:
    terminal = await guest.terminal("/bin/cat")
    for _ in range(64):
        await guest.attach(terminal.terminal, UNSET)
    with pytest.raises(Fault, match="64 viewers"):
        await guest.attach(terminal.terminal, UNSET)
