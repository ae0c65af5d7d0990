import asyncio
import socket

from guest.events import Events
from shared import guestwire as wire
from shared import rooms
from shared.errors import Code
from shared.frames import GUEST_FRAME_MAX
from shared.ids import new_session_id
from shared.link import Link
from shared.messages import Done
from tests.guest.harness import Client, Guest


async def test_whoever_watches_is_told_of_each_change(guest: Guest) -> None:
    watcher = await guest.client()
    assert isinstance(await watcher.call(wire.watch.Watch()), Done)
    session = (await guest.session()).session
    assert session == (await watcher.expect(wire.watch.SessionChanged)).session.session
    terminal = await guest.terminal("/bin/sh", "-c", "read x; exit 3", session=session)
    created = await watcher.expect(wire.watch.TerminalChanged)
    assert (terminal.terminal, rooms.TerminalStatus.RUNNING) == (created.terminal.terminal, created.terminal.status)
    attachment = await guest.attach(terminal.terminal)
    assert (await watcher.expect(wire.watch.TerminalChanged)).terminal.viewers == 1
    await attachment.type(b"\n")
    assert (await watcher.expect(wire.watch.TerminalChanged)).terminal.exit_code == 3
    client = await guest.client()
    await client.call(wire.sessions.RenameSession(session=session, name="new"))
    assert "new" == (await watcher.expect(wire.watch.SessionChanged)).session.name
    await client.call(wire.sessions.DeleteSession(session=session))
    assert session == (await watcher.expect(wire.watch.SessionDeleted)).session
    assert terminal.terminal == (await watcher.expect(wire.watch.TerminalClosed)).terminal


async def test_a_watching_connection_carries_nothing_else(guest: Guest) -> None:
    watcher = await guest.client()
    await watcher.call(wire.watch.Watch())
    assert wire.watch.Current() == await watcher.receive()
    await watcher.link.send(wire.sessions.Ping(id=2))
    assert Code.BAD_REQUEST == (await watcher.expect_failure()).code
    assert await watcher.receive() is None


async def test_a_watcher_that_does_not_read_is_dropped_and_others_are_not() -> None:
    events = Events()
    pairs = [socket.socketpair() for _ in range(2)]
    links = [Link(ours, wire.GUEST.request_decoder, GUEST_FRAME_MAX) for ours, _ in pairs]
    slow, quick = (Client(theirs) for _, theirs in pairs)
    tasks = [asyncio.create_task(events.watch(link, 1)) for link in links]
    for client in (slow, quick):
        assert Done(id=1) == await client.receive()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + 20
    while not tasks[0].done():
        for _ in range(100):
            session = new_session_id()
            events.publish(session, wire.watch.SessionDeleted(session))
        for _ in range(100):
            assert isinstance(await quick.receive(), wire.watch.SessionDeleted)
        assert loop.time() < deadline
        await asyncio.sleep(0.005)
    assert not tasks[1].done()
    tasks[1].cancel()
    for link in links:
        link.close()
    slow.close()
    quick.close()


async def test_of_many_changes_of_one_thing_a_slow_watcher_gets_the_last() -> None:
    events = Events()
    ours, theirs = socket.socketpair()
    client, link = Client(theirs), Link(ours, wire.GUEST.request_decoder, GUEST_FRAME_MAX)
    task = asyncio.create_task(events.watch(link, 1))
    await client.receive()
    for number in range(5000):
        events.publish("one", wire.watch.SessionDeleted(f"s{number:024x}"))
    assert wire.watch.SessionDeleted(f"s{4999:024x}") == await client.receive()
    client.close()
    await task
    link.close()
